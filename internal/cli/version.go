package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lastcall/harness/history"
	"lastcall/harness/run"
)

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of lastcall, and on which system it runs",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			e := run.Environment()
			_, err := fmt.Fprintf(s.out, "lastcall %s (%s, %s/%s, kernel %s)\n", tool().Version, e.Go, e.OS, e.Arch, e.Kernel)
			return err
		},
	}
}

// tool says which lastcall this is, from what the Go command stamped into the
// binary.
func tool() history.Tool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return history.Tool{Version: "unknown"}
	}
	version, revision, dirty := info.Main.Version, "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = "+dirty"
		}
	}
	if version == "" || version == "(devel)" {
		version = "devel"
		if len(revision) >= 12 {
			version += "-" + revision[:12] + dirty
		}
	}
	return history.Tool{Version: version}
}

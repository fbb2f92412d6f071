package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"lastcall/harness/run"
)

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of lastcall, and on which system it runs",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			e := run.Environment()
			_, err := fmt.Fprintf(s.out, "lastcall %s (%s, %s/%s, kernel %s)\n", run.Tool().Version, e.Go, e.OS, e.Arch, e.Kernel)
			return err
		},
	}
}

package run

import (
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"lastcall/harness/history"
)

// Environment describes this machine.
func Environment() history.Environment {
	e := history.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		e.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	return e
}

// Tool says which lastcall this is, from what the Go command stamped into the
// binary.
func Tool() history.Tool {
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

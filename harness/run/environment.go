package run

import (
	"runtime"

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

//go:build !linux

package process

import (
	"errors"
	"os/exec"
)

// cgroup is what only Linux has: here there is none.
type cgroup struct{ path string }

// newCgroup says that there is none.
func newCgroup(string) (*cgroup, error) { return nil, errors.ErrUnsupported }

// EndDead does nothing: there are no cgroups.
func EndDead() {}

// openCgroup returns none.
func openCgroup(string) *cgroup { return nil }

// findCgroup returns none.
func findCgroup(string) *cgroup { return nil }

func (*cgroup) name() string          { return "" }
func (*cgroup) pids() map[int]bool    { return nil }
func (*cgroup) kill()                 {}
func (*cgroup) remove()               {}
func (*cgroup) share()                {}
func (*cgroup) start(*exec.Cmd) error { return errors.ErrUnsupported }

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cgroup is a control group of one run's own. What is born in it stays in it,
// whatever becomes of its parents, its session and its environment, and all of it
// can be killed at once (cgroups(7)). It has no limits and counts nothing. A nil
// cgroup is none: on many systems only root may make one.
type cgroup struct {
	path string
	v1   bool   // of the freezer's hierarchy
	home string // v1: where we are ourselves
	// lock is held by the run's lastcall and by its supervisor for as long as they live,
	// so that others can tell when both are gone (see EndDead). Nil: it cannot be had.
	lock *os.File
}

// The files of a cgroup (cgroup-v2.rst and freezer-subsystem.rst of the kernel).
const (
	cgroupProcs  = "cgroup.procs"
	cgroupKill   = "cgroup.kill" // since Linux 5.14
	freezerState = "freezer.state"
	cgroupPrefix = "lastcall-"
)

// newCgroup makes a cgroup below our own, of version 2 or, where there is none, of
// the freezer of version 1.
func newCgroup(name string) (*cgroup, error) {
	v2, freezer, err := ownCgroups()
	if err != nil {
		return nil, err
	}
	var failed error
	if v2.path != "" && !v2.limited() {
		c := &cgroup{path: filepath.Join(v2.path, cgroupPrefix+name)}
		if failed = c.create(cgroupKill); failed == nil {
			return c, nil
		}
	}
	if freezer.path != "" {
		c := &cgroup{path: filepath.Join(freezer.path, cgroupPrefix+name), v1: true, home: freezer.path}
		if failed = c.create(freezerState); failed == nil {
			return c, nil
		}
	}
	return nil, errors.Join(errors.New("make a cgroup"), failed)
}

// EndDead kills what is left in the cgroups of runs whose lastcall and supervisor were
// both killed, and takes the cgroups away.
func EndDead() {
	v2, freezer, err := ownCgroups()
	if err != nil {
		return // then there are none of ours
	}
	for _, own := range []ownCgroup{v2, freezer} {
		if own.path != "" {
			own.endDead()
		}
	}
}

// endDead is EndDead in one hierarchy. A name begins with the PID of the run's lastcall,
// which must have gone; and nobody may hold the lock, for a lastcall in another PID
// namespace has a PID that says nothing here.
func (o ownCgroup) endDead() {
	left, _ := filepath.Glob(filepath.Join(o.path, cgroupPrefix+"*")) // the pattern is well formed
	for _, dir := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), cgroupPrefix), "-")
		if pid, err := strconv.Atoi(number); err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		c := openCgroup(dir)
		if c.claim(unix.LOCK_EX) {
			c.kill()
			for end := time.Now().Add(deadWait); len(c.pids()) > 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond) // for the kernel: only the next look can tell
			}
		}
		c.remove() // one with a process in it stays
	}
}

// deadWait bounds how long a run waits for the end of what another has left.
const deadWait = time.Second

// share holds the lock together with the supervisor. Where it cannot be had the PID in the
// name protects the run from all that see it.
func (c *cgroup) share() {
	if c != nil {
		c.claim(unix.LOCK_SH)
	}
}

// claim takes the lock, and says whether it could.
func (c *cgroup) claim(how int) bool {
	dir, err := os.Open(c.path)
	if err != nil {
		return false
	}
	if err := unix.Flock(int(dir.Fd()), how|unix.LOCK_NB); err != nil {
		dir.Close()
		return false
	}
	c.lock = dir
	return true
}

// openCgroup returns the one that a supervisor has made, nil for no path.
func openCgroup(path string) *cgroup {
	if path == "" {
		return nil
	}
	_, err := os.Stat(filepath.Join(path, cgroupKill))
	return &cgroup{path: path, v1: err != nil}
}

// findCgroup returns the one that a supervisor has made for a run, nil for none, where it
// could not say so any more.
func findCgroup(name string) *cgroup {
	v2, freezer, err := ownCgroups()
	if err != nil {
		return nil
	}
	for _, own := range []ownCgroup{v2, freezer} {
		path := filepath.Join(own.path, cgroupPrefix+name)
		if _, err := os.Stat(path); own.path != "" && err == nil {
			return openCgroup(path)
		}
	}
	return nil
}

// create makes the directory, and asks that it has the file without which it
// would be of no use.
func (c *cgroup) create(file string) error {
	if err := os.Mkdir(c.path, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.path, file)); err != nil {
		return errors.Join(err, os.Remove(c.path))
	}
	c.share()
	return nil
}

// ownCgroup is where we are in a hierarchy: its mount, and our directory in it.
type ownCgroup struct{ mount, path string }

// ownCgroups returns where we are in the hierarchy of version 2 and in that of
// version 1's freezer, each empty if it is not mounted, or shows us elsewhere.
func ownCgroups() (v2, freezer ownCgroup, err error) {
	ours, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return v2, freezer, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return v2, freezer, err
	}
	for line := range strings.Lines(string(ours)) { // 0::/path, and 6:freezer:/path
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[1] == "" {
			v2 = mounted(string(mounts), "cgroup2", "", fields[2])
		} else if fields[1] == "freezer" {
			freezer = mounted(string(mounts), "cgroup", "freezer", fields[2])
		}
	}
	return v2, freezer, nil
}

// mounted finds the directory of a path within a hierarchy (proc_pid_mountinfo(5)).
// A path outside of our cgroup namespace, which begins with "/..", has none.
func mounted(mounts, kind, option, path string) ownCgroup {
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		mount, source := strings.Fields(before), strings.Fields(after)
		if !found || len(mount) < 5 || len(source) < 3 || source[0] != kind {
			continue
		}
		if option != "" && !slices.Contains(strings.Split(source[2], ","), option) {
			continue
		}
		inside, err := filepath.Rel(mount[3], path)
		if err == nil && !strings.HasPrefix(path, "/..") && filepath.IsLocal(inside) {
			return ownCgroup{mount[4], filepath.Join(mount[4], inside)}
		}
	}
	return ownCgroup{}
}

// limited reports whether a limit of memory or CPU holds where we are. A server
// may look for it in its own cgroup only, so it must stay there.
func (o ownCgroup) limited() bool {
	for dir := o.path; ; dir = filepath.Dir(dir) {
		for _, file := range []string{"memory.max", "memory.high", "cpu.max", "pids.max"} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err == nil && !strings.HasPrefix(string(text), "max") {
				return true
			}
		}
		if dir == o.mount || dir == filepath.Dir(dir) {
			return false
		}
	}
}

// start starts the command inside.
func (c *cgroup) start(cmd *exec.Cmd) error {
	if c.v1 { // only version 2 can be asked for at the fork
		if err := enter(c.path); err != nil {
			return err
		}
		err := cmd.Start()
		if left := enter(c.home); left != nil {
			return errors.Join(err, fmt.Errorf("leave the cgroup: %w", left)) // or we would be killed with it
		}
		return err
	}
	dir, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer dir.Close()
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	return cmd.Start()
}

// enter moves us, with all our threads.
func enter(dir string) error {
	return os.WriteFile(filepath.Join(dir, cgroupProcs), []byte("0"), 0) // 0 is who writes
}

// name returns the path, "" for none.
func (c *cgroup) name() string {
	if c == nil {
		return ""
	}
	return c.path
}

// pids returns all that are in it or below it.
func (c *cgroup) pids() map[int]bool {
	if c == nil {
		return nil
	}
	all := make(map[int]bool)
	for _, dir := range c.dirs() {
		text, err := os.ReadFile(filepath.Join(dir, cgroupProcs))
		if err != nil {
			continue // removed meanwhile, or of threads only: these are in the one above
		}
		for line := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(line); err == nil && pid > 0 { // 0 is of another PID namespace
				all[pid] = true
			}
		}
	}
	return all
}

// dirs returns its directory and all below it, parents first.
func (c *cgroup) dirs() (dirs []string) {
	_ = filepath.WalkDir(c.path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil // what has gone meanwhile needs no visit
	})
	return dirs
}

// kill kills all that is in it, and all that is being born there. Whether it did
// is seen in the table.
func (c *cgroup) kill() {
	if c == nil {
		return
	}
	if !c.v1 {
		_ = os.WriteFile(filepath.Join(c.path, cgroupKill), []byte("1"), 0)
		return
	}
	state := filepath.Join(c.path, freezerState)
	_ = os.WriteFile(state, []byte("FROZEN"), 0) // what is frozen forks no more
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(state); err != nil || strings.TrimSpace(string(text)) == "FROZEN" {
			break // the bound is for one that is stuck in the kernel
		}
	}
	for pid := range c.pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it is frozen, so the PID is its own
	}
	_ = os.WriteFile(state, []byte("THAWED"), 0) // and now it dies
}

// remove takes it away, once nothing lives in it.
func (c *cgroup) remove() {
	if c == nil {
		return
	}
	for _, dir := range slices.Backward(c.dirs()) {
		_ = os.Remove(dir) // one that is not empty stays: then something survives SIGKILL
	}
	if c.lock != nil {
		c.lock.Close()
		c.lock = nil
	}
}

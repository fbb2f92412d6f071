package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// ours returns a cgroup of a version, and skips the test where none can be made.
func ours(t *testing.T, version string) *cgroup {
	t.Helper()
	v2, freezer, err := ownCgroups()
	if err != nil {
		t.Fatal(err)
	}
	mark, _ := newMark()
	c, file := &cgroup{path: filepath.Join(v2.path, cgroupPrefix+mark)}, cgroupKill
	if version == "v1" {
		c, file = &cgroup{path: filepath.Join(freezer.path, cgroupPrefix+mark), v1: true, home: freezer.path}, freezerState
	}
	if filepath.Dir(c.path) == "." {
		t.Skipf("no cgroup of %s is mounted", version)
	}
	if err := c.create(file); err != nil {
		t.Skipf("no cgroup of %s can be made here: %v", version, err)
	}
	t.Cleanup(c.remove)
	return c
}

// TestCgroup: what is born in one is listed there, whatever becomes of its parent,
// its session and its environment, and all of it dies at once.
func TestCgroup(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			c := ours(t, version)
			if again := openCgroup(c.path); again.v1 != c.v1 {
				t.Errorf("the one at %s is taken for one of v1: %t", c.path, again.v1)
			}
			below := filepath.Join(c.path, "below")
			cmd := exec.Command("sh", "-c", "(env -i setsid sleep 300 &); sleep 300 & mkdir "+below+" && echo $! >"+below+"/cgroup.procs; sleep 300")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := c.start(cmd); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the shell and three that sleep, one of them below", func() bool {
				inside, err := os.ReadFile(filepath.Join(below, cgroupProcs))
				return err == nil && len(inside) > 0 && len(c.pids()) == 4
			})
			if c.pids()[os.Getpid()] {
				t.Fatal("we are in it ourselves")
			}
			c.kill()
			if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Errorf("the shell ended with %v, want SIGKILL", err)
			}
			eventually(t, "the end of all", func() bool { return len(c.pids()) == 0 })
			eventually(t, "the cgroup to be removed", func() bool {
				c.remove()
				_, err := os.Stat(c.path)
				return os.IsNotExist(err)
			})
		})
	}
}

// TestClear: what a run has left is removed once its lastcall has gone.
func TestClear(t *testing.T) {
	dir := t.TempDir() // directories are all that is removed
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Skip("there is no program true")
	}
	mine, _ := newMark()
	for _, name := range []string{mine, "0x1-A", "other", "99999999-B"} {
		if err := os.MkdirAll(filepath.Join(dir, cgroupPrefix+name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ownCgroup{path: dir}.clear()
	left, err := filepath.Glob(filepath.Join(dir, cgroupPrefix+"*"))
	if err != nil || len(left) != 3 || slices.Contains(left, filepath.Join(dir, cgroupPrefix+"99999999-B")) {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestLimited: a limit where we are, or above, keeps a server where it is.
func TestLimited(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       bool
	}{
		"none":            {"memory.max", "max\n", false},
		"of memory":       {"memory.max", "1073741824\n", true},
		"of the CPU":      {"cpu.max", "50000 100000\n", true},
		"none of the CPU": {"cpu.max", "max 100000\n", false},
	} {
		mount := t.TempDir()
		at := filepath.Join(mount, "a.slice", "b.scope")
		if err := os.MkdirAll(at, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(mount, "a.slice", tt.file), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := (ownCgroup{mount, at}).limited(); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}

// TestMounted: where a hierarchy is, also when only a part of it is mounted.
func TestMounted(t *testing.T) {
	const mounts = "30 23 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n" +
		"31 30 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n" +
		"32 30 0:28 /docker/abc /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
	for _, tt := range []struct{ kind, option, path, want string }{
		{"cgroup2", "", "/user.slice/x", "/sys/fs/cgroup/unified/user.slice/x"},
		{"cgroup2", "", "/", "/sys/fs/cgroup/unified"},
		{"cgroup", "freezer", "/docker/abc/d", "/sys/fs/cgroup/freezer/d"},
		{"cgroup", "freezer", "/docker/xyz", ""},
		{"cgroup", "memory", "/", ""},
		{"cgroup2", "", "/../elsewhere", ""},
	} {
		if got := mounted(mounts, tt.kind, tt.option, tt.path).path; got != tt.want {
			t.Errorf("%s of %s %s is at %q, want %q", tt.path, tt.kind, tt.option, got, tt.want)
		}
	}
}

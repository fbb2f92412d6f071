package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// TestEndDead: what a run has left is killed and removed once its lastcall has gone and
// nobody holds its lock.
func TestEndDead(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			template := ours(t, version)
			own := ownCgroup{path: filepath.Dir(template.path)}
			made := make(map[string]*exec.Cmd)
			for _, name := range []string{strconv.Itoa(os.Getpid()) + "-lives", "99999999-held", "99999999-dead", "other"} {
				c := *template
				c.path, c.lock = filepath.Join(own.path, cgroupPrefix+name), nil
				if err := os.Mkdir(c.path, 0o700); err != nil {
					t.Fatal(err)
				}
				if name == "99999999-held" { // as by a lastcall of another PID namespace
					c.share()
				}
				cmd := exec.Command("sleep", "300")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
				if err := c.start(cmd); err != nil {
					t.Fatal(err)
				}
				made[name] = cmd
				t.Cleanup(func() {
					_ = cmd.Process.Kill() // one of them has ended
					_ = cmd.Wait()
					c.remove()
				})
			}
			reaped := make(chan error, 1)
			go func() { reaped <- made["99999999-dead"].Wait() }() // or a zombie would stay in it
			own.endDead()
			for name, cmd := range made {
				_, err := os.Stat(filepath.Join(own.path, cgroupPrefix+name))
				r, ok := look(cmd.Process.Pid)
				lives := ok && r.lives
				if dead := name == "99999999-dead"; lives == dead || os.IsNotExist(err) != dead {
					t.Errorf("%s: it lives: %t, its cgroup: %v", name, lives, err)
				}
			}
			if err := <-reaped; err == nil {
				t.Error("it ended by itself")
			}
		})
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

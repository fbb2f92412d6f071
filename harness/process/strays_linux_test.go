package process

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// playStray is what leaves its parents in one way or another.
func playStray(name, arg string) {
	switch name {
	case "surroundings":
		playSurroundings(arg)
	case "bereave": // a child behind that tells who its parent is
		spawn("bereaved", false)
		waitFor(arg)
	case "bereaved":
		c, was := dial(), os.Getppid()
		fmt.Fprintln(c, os.Getpid())
		fmt.Fprintln(c, was)
		for os.Getppid() == was {
			time.Sleep(time.Millisecond) // between two looks
		}
		fmt.Fprintln(c, os.Getppid())
		stayOn(c)
	case "forget": // a child in a session of its own behind, which forgets its environment
		spawn("forgetful:"+arg, true)
		waitFor(arg)
	case "forgetful":
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{envRole + "=stay", envAddr + "=" + os.Getenv(envAddr)}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(cmd.Start())
		waitFor(arg)
	case "crowd": // two hundred children, and such as got away in every way
		must(syscall.Exec("/bin/sh", []string{"sh", "-c", crowd}, os.Environ()))
	default:
		must(fmt.Errorf("there is no role %q", name))
	}
}

const crowd = `
(setsid sh -c 'sleep 300 & (sleep 300 &)' &)
setsid sleep 300 &
(env -i sleep 300 &)
i=0
while [ $i -lt 200 ]; do sleep 300 & i=$((i+1)); done
(setsid sh -c '(setsid sleep 300 &)' &)
echo ready
wait`

// crowdSize is how many processes there are then: the shell, two hundred, and five.
const crowdSize = 206

// TestOrphansParent: an orphan gets the parent that it gets without us.
func TestOrphansParent(t *testing.T) {
	parent := func(start func(role, addr string) (leader int, end func())) string {
		ln := listen(t)
		now := filepath.Join(t.TempDir(), "now")
		leader, end := start("bereave:"+now, ln.Addr().String())
		child := acceptMembers(t, ln, 1)[0]
		if was := child.line(t); was != strconv.Itoa(leader) {
			t.Errorf("its parent was %s, want %d", was, leader)
		}
		if err := os.WriteFile(now, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		became := child.line(t)
		end()
		return became
	}
	bare := parent(func(role, addr string) (int, func()) {
		cmd := exec.Command("setsid", os.Args[0])
		cmd.Env = append(os.Environ(), envRole+"="+role, envAddr+"="+addr)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid, func() { _ = cmd.Wait() }
	})
	for i := range 3 { // before and after anything of ours could be a habit
		ours := parent(func(role, addr string) (int, func()) {
			p := supervised(t, role, envAddr+"="+addr)
			return p.PID(), func() {
				if e := exit(t, p); e.Code != 0 || e.Err != nil {
					t.Errorf("got %+v", e)
				}
				if got := p.Survivors(); len(got) != 1 {
					t.Errorf("the survivors are %v, want the orphan", got)
				}
				p.Close()
			}
		})
		if ours != bare {
			t.Errorf("try %d: the orphan's parent became %s, want %s as without us", i, ours, bare)
		}
	}
}

// TestForgetful: a process without a parent, in a session of its own, whose
// environment has nothing of ours, is of the tree if it was seen or is in the cgroup.
func TestForgetful(t *testing.T) {
	ln := listen(t)
	now := filepath.Join(t.TempDir(), "now")
	p := supervised(t, "forget:"+now, envAddr+"="+ln.Addr().String())
	daemon := acceptMembers(t, ln, 1)[0]
	r, ok := look(daemon.pid)
	if has, known := hasMark(daemon.pid, p.lineage.mark); !ok || has || !known || r.sid != daemon.pid {
		t.Fatalf("it has forgotten nothing: %+v, %t, %t", r, has, known)
	}
	if p.lineage.cgroup == nil {
		eventually(t, "the supervisor to tell of it", func() bool {
			p.lineage.mu.Lock()
			defer p.lineage.mu.Unlock()
			return p.lineage.known[r.identity()]
		})
	}
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exit(t, p)
	eventually(t, "the daemon as the only survivor", func() bool { return slices.Equal(pids(p.Survivors()), []int{daemon.pid}) })
	p.Close()
	gone(t, daemon)
}

// TestSIGKILLLeavesNoOrphans: of a crowd, in the middle of its birth and after.
func TestSIGKILLLeavesNoOrphans(t *testing.T) {
	for _, program := range []string{"/bin/sh", "setsid", "sleep", "env"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s here", program)
		}
	}
	rounds := 4
	if os.Getenv("LASTCALL_LONG") != "" {
		rounds = 100
	}
	var longest time.Duration
	var least, most int
	for i := range rounds {
		mark := fmt.Sprintf("LASTCALL_TEST_MARK=%d-crowd-%d", os.Getpid(), i)
		starter := start(t, "starter:crowd", mark)
		supervisor, err := strconv.Atoi(strings.TrimPrefix(firstLine(t, starter), "ready "))
		if err != nil {
			t.Fatal(err)
		}
		rows := func(leader int) (found []int) {
			all, err := table()
			if err != nil {
				t.Fatal(err)
			}
			has := marked(mark)
			for _, r := range all {
				if r.lives && (slices.Contains(has, r.pid) || r.sid == leader) {
					found = append(found, r.pid)
				}
			}
			return found
		}
		leader := 0
		eventually(t, "the crowd", func() bool {
			all, err := table()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				if r.ppid == supervisor {
					leader = r.pid
				}
			}
			if leader == 0 || i%2 == 1 {
				return leader != 0
			}
			return len(rows(leader)) == crowdSize+2 // with the starter and the supervisor
		})
		n := len(rows(leader))
		least, most = min(cmp.Or(least, n), n), max(most, n)
		before, _, err := starter.Signal(syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(patience)
		for len(rows(leader)) > 0 && time.Now().Before(end) {
			time.Sleep(2 * time.Millisecond) // between two looks
		}
		if left := rows(leader); len(left) > 0 {
			t.Errorf("round %d: of %d processes are left %v", i, n, left)
			for _, pid := range left {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it has just been seen
			}
		}
		longest = max(longest, time.Since(before))
		starter.Close()
	}
	t.Logf("%d rounds with %d to %d processes: all were gone after at most %s", rounds, least, most, longest)
}

// stayOn lives until the test ends it.
func stayOn(c net.Conn) {
	_, _ = c.Read(make([]byte, 1)) // its end is all that comes
	os.Exit(orphaned)
}

// BenchmarkLook measures both looks among two hundred other processes.
func BenchmarkLook(b *testing.B) {
	for range 200 {
		cmd := exec.Command("sleep", "300")
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	p, err := Start(Command{Path: "sleep", Args: []string{"300"}, Supervisor: ourSupervisor()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	b.Run("members", func(b *testing.B) {
		for b.Loop() {
			if found, err := p.members(); err != nil || len(found) != 1 {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("follow", func(b *testing.B) {
		for b.Loop() {
			if seen, err := p.lineage.follow(); err != nil || len(seen) != 0 {
				b.Fatal(seen, err)
			}
		}
	})
}

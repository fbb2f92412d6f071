package process

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledStarter: SIGKILL to who started a command, which has workers and a
// daemon, leaves nothing behind within a second. Nobody of them watches anything.
func TestKilledStarter(t *testing.T) {
	if !followsDaemons {
		t.Skip("a daemon leaves the tree on this system")
	}
	var longest time.Duration
	for i := range 20 {
		ln := listen(t)
		mark := fmt.Sprintf("LASTCALL_TEST_MARK=%d-%d", os.Getpid(), i)
		starter := start(t, "starter:work:2", envAddr+"="+ln.Addr().String(), mark)
		line := firstLine(t, starter)
		supervisor, err := strconv.Atoi(strings.TrimPrefix(line, "ready "))
		if err != nil {
			t.Fatalf("its first line is %q", line)
		}
		members := acceptMembers(t, ln, 4)
		if r, ok := look(supervisor); !ok || !r.lives || len(marked(mark)) < 6 {
			t.Fatalf("there are not six processes, but %v", marked(mark))
		}
		stalled := stallMeter()
		before, _, err := starter.Signal(syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			gone(t, m)
		}
		eventually(t, "the end of all", func() bool { return len(marked(mark)) == 0 })
		took := time.Since(before)
		if stall := stalled(); took > time.Second+20*stall { // what they do takes a few turns of the CPU
			t.Errorf("the last of them lived for %s, on a machine that lets us wait for %s", took, stall)
		}
		longest = max(longest, took)
		starter.Close()
	}
	t.Logf("all were gone after at most %s", longest)
}

// stallMeter measures until it is asked how long the machine lets a process wait
// for its turn, at the worst.
func stallMeter() (stop func() time.Duration) {
	const turn = time.Millisecond
	done, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		for {
			began := time.Now()
			time.Sleep(turn)
			most = max(most, time.Since(began)-turn)
			select {
			case <-done:
				worst <- most
				return
			default:
			}
		}
	}()
	return func() time.Duration {
		close(done) // once: each meter is asked once
		return <-worst
	}
}

// TestSilentSupervisor: one that was killed before it could say what it had started leaves
// nothing of it behind.
func TestSilentSupervisor(t *testing.T) {
	if !followsDaemons {
		t.Skip("a daemon leaves the tree on this system")
	}
	mark := fmt.Sprintf("LASTCALL_TEST_MARK=%d-silent", os.Getpid())
	p, err := Start(Command{Path: "true", Env: []string{mark}, Supervisor: []string{"sh", "-c", "exec 3>&- 5>&4 4>&-; sleep 300 5>&- >/dev/null 2>&1 & setsid sleep 300 5>&- >/dev/null 2>&1 & sleep 0.2 5>&-; kill -9 $$"}})
	if err == nil {
		p.Close()
		t.Fatal("it started without a report")
	}
	if !strings.Contains(err.Error(), "ended without a report") {
		t.Errorf("got %v", err)
	}
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestKilledSupervisor: the command dies with it, its workers too, and we learn
// that its end is not known.
func TestKilledSupervisor(t *testing.T) {
	ln := listen(t)
	now := filepath.Join(t.TempDir(), "now") // it is never made: the leader waits
	p := supervised(t, "abandon:"+now, envAddr+"="+ln.Addr().String())
	worker := acceptMembers(t, ln, 1)[0]
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := exit(t, p)
	if e.Err == nil || e.Code != -1 || !strings.Contains(e.String(), "the supervisor ended first (signal: killed)") {
		t.Errorf("got %+v, %q, want an error that names the supervisor", e, e)
	}
	gone(t, worker)
	if r, ok := look(p.PID()); ok && r.lives {
		t.Error("the leader lives")
	}
}

// TestParentDeathSignal: a command without a supervisor and without a lifeline
// dies with us, but not with the thread that started it.
func TestParentDeathSignal(t *testing.T) {
	if !followsDaemons {
		t.Skip("this system has no parent-death signal")
	}
	ln := listen(t)
	parent := ready(t, "alone:stay", envAddr+"="+ln.Addr().String())
	m := acceptMembers(t, ln, 1)[0]
	if _, _, err := parent.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, m)

	started := make(chan *Process)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		p, err := Start(Command{Path: os.Args[0], Env: []string{envRole + "=stay", envAddr + "=" + ln.Addr().String()}})
		if err != nil {
			t.Error(err)
		}
		started <- p
	}()
	p := <-started
	if p == nil {
		return
	}
	defer p.Close()
	m = acceptMembers(t, ln, 1)[0]
	runtime.GC()
	alive(t, m)
	if p.hasExited() {
		t.Errorf("it ended with %v as the thread did", p.Exit())
	}
}

// TestCloseKillsAll: of both kinds.
func TestCloseKillsAll(t *testing.T) {
	both(t, func(t *testing.T, start func(*testing.T, string, ...string) *Process) {
		p, members := family(t, start)
		began := time.Now()
		p.Close()
		t.Logf("closed in %s", time.Since(began))
		if !p.supervised {
			members = members[:3] // the daemon is lost, and ends with the test
		}
		for _, m := range members {
			gone(t, m)
		}
		if e := p.Exit(); e.Signal != "SIGKILL" || e.Err != nil {
			t.Errorf("got %+v, want death by SIGKILL", e)
		}
		if got := treeNow(t, p); len(got) > 0 {
			t.Errorf("%v is left", got)
		}
	})
}

// TestRelay: processes that live only to start the next one, in the group of the
// leader or each in a session of its own, and a starter that is gone.
func TestRelay(t *testing.T) {
	if !followsDaemons {
		t.Skip("an orphan leaves the tree on this system")
	}
	for _, kind := range []string{"group", "setsid"} {
		t.Run(kind, func(t *testing.T) {
			if kind == "setsid" && os.Geteuid() != 0 {
				t.Skip("without a cgroup one that takes over in sessions of its own can get away: the README says so")
			}
			for i := range 5 {
				mark := fmt.Sprintf("LASTCALL_TEST_MARK=%d-%s-%d", os.Getpid(), kind, i)
				supervisor, lifeline, reports := byHand(t, "chain:"+kind, mark)
				nextReport(t, reports, reportStarted)
				nextReport(t, reports, reportExited) // the first has passed on
				lifeline.Close()
				if err := supervisor.Wait(); err != nil {
					t.Errorf("the supervisor: %v", err)
				}
				if left := marked(mark); len(left) > 0 {
					t.Errorf("%v is left", left)
				}
			}
		})
	}
}

// TestUnkillable: a process that stands still as it dies, under a tracer, is not
// there to be killed a second time. Close does not wait for it, and says so.
func TestUnkillable(t *testing.T) {
	both(t, func(t *testing.T, start func(*testing.T, string, ...string) *Process) {
		ln := listen(t)
		p := start(t, "stay", envAddr+"="+ln.Addr().String())
		m := acceptMembers(t, ln, 1)[0]
		tracer := startTracer(t, p.PID())
		p.limit = 200 * time.Millisecond
		if err := p.KillTree(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("survived SIGKILL for 200ms: %d", p.PID())) {
			t.Errorf("got %v, want an error that names process %d", err, p.PID())
		}
		began := time.Now()
		p.Close()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("Close took %s", took)
		}
		if !p.hasExited() {
			t.Fatal("nobody is told that it was given up")
		}
		if e := p.Exit(); e.Err == nil || !strings.Contains(e.String(), "survived SIGKILL") {
			t.Errorf("got %+v, want an error that says what happened", e)
		}
		if r, ok := look(p.PID()); !ok || !r.lives {
			t.Fatal("it was no process that survives SIGKILL")
		}
		tracer.Close() // lets it die
		gone(t, m)
	})
}

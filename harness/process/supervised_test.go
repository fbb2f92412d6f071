package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/scenario"
)

func TestSupervisedExit(t *testing.T) {
	for _, code := range []int{0, 1, 42, 143} {
		p := supervised(t, fmt.Sprintf("exit:%d", code))
		if line := firstLine(t, p); line != "ready" {
			t.Errorf("its first line is %q", line)
		}
		began := time.Now()
		if e := exit(t, p); e.Code != code || e.Signal != "" || e.Err != nil || e.At.After(time.Now()) || e.At.Before(began.Add(-patience)) {
			t.Errorf("got %+v, want code %d", e, code)
		}
		if _, _, err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal after the exit gives %v, want os.ErrProcessDone", err)
		}
	}
}

// TestSupervisedExitAtOnce: before anybody could get hold of it, and again and
// again.
func TestSupervisedExitAtOnce(t *testing.T) {
	for range 30 {
		p := supervised(t, "mute")
		if e := exit(t, p); e.Code != 0 || e.Err != nil || p.PID() <= 1 || p.PID() == p.cmd.Process.Pid {
			t.Fatalf("process %d under %d: %+v", p.PID(), p.cmd.Process.Pid, e)
		}
		p.Close()
	}
}

func TestSupervisedDeathBySignal(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(scenario.SignalName(s), func(t *testing.T) {
			ln := listen(t)
			p := supervised(t, "stay", envAddr+"="+ln.Addr().String())
			acceptMembers(t, ln, 1)
			before, _, err := p.Signal(s)
			if err != nil {
				t.Fatal(err)
			}
			e := exit(t, p)
			if e.Code != -1 || e.Signal != scenario.SignalName(s) || e.Err != nil || e.At.Before(before) {
				t.Errorf("signalled at %v, got %+v", before, e)
			}
		})
	}
}

// TestWorld: the command must find the world as without a supervisor: nothing of
// ours in its descriptors and its environment, and no signal ignored.
func TestWorld(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	worlds := map[bool]world{}
	for _, under := range []bool{false, true} {
		c := Command{Path: os.Args[0], Args: []string{"-x", "--", "a b", ""}, Dir: dir, Env: []string{envRole + "=inside"}}
		if under {
			c.Supervisor = ourSupervisor()
		}
		p, err := Start(c)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		w := parseWorld(t, firstLine(t, p))
		if w.PID != p.PID() || w.Group != p.PID() || w.Dir != dir || !slices.Equal(w.Args, append([]string{os.Args[0]}, c.Args...)) {
			t.Errorf("process %d finds %+v", p.PID(), w)
		}
		if parent := map[bool]int{false: os.Getpid(), true: p.cmd.Process.Pid}[under]; w.PPID != parent {
			t.Errorf("its parent is %d, want %d", w.PPID, parent)
		}
		if !slices.Contains(w.Env, "PWD="+dir) {
			t.Errorf("PWD is not %s: %q", dir, w.Env)
		}
		if under { // the one thing of ours that it is to have
			marked := len(w.Env)
			w.Env = slices.DeleteFunc(w.Env, func(v string) bool { return strings.HasPrefix(v, envMark+"=") })
			if runs := marked - len(w.Env); runs != 1 {
				t.Errorf("it has %d marks of the run", runs)
			}
		}
		slices.Sort(w.Env)
		worlds[under] = w
	}
	if !slices.Equal(worlds[true].Env, worlds[false].Env) {
		t.Errorf("under a supervisor the environment is\n%q, without one\n%q", worlds[true].Env, worlds[false].Env)
	}
	if worlds[true].Ignored != worlds[false].Ignored {
		t.Errorf("under a supervisor it ignores %s, without one %s", worlds[true].Ignored, worlds[false].Ignored)
	}
	for fd, target := range worlds[true].Files {
		ours := fd != "1" && fd != "2" && target != worlds[false].Files[fd] // what we inherited ourselves is not
		if strings.HasPrefix(target, "pipe:") && ours {
			t.Errorf("descriptor %s is %s: only stdout and stderr are pipes", fd, target)
		}
	}
}

func parseWorld(t *testing.T, line string) (w world) {
	t.Helper()
	if err := json.Unmarshal([]byte(line), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestNoHangUp: what lastcall was told to ignore, as by nohup, stays ignored.
func TestNoHangUp(t *testing.T) {
	w := parseWorld(t, firstLine(t, start(t, "nohup")))
	mask, err := strconv.ParseUint(w.Ignored, 16, 64)
	if w.Ignored == "" {
		t.Skip("this system does not show ignored signals")
	}
	if err != nil || mask != 1<<(syscall.SIGHUP-1) {
		t.Errorf("it ignores the signals %s, want SIGHUP only", w.Ignored)
	}
}

// TestSupervisorIsDeaf: what asks a program to stop does not stop it, and it is
// out of the terminal's reach.
func TestSupervisorIsDeaf(t *testing.T) {
	ln := listen(t)
	p := supervised(t, "stay", envAddr+"="+ln.Addr().String())
	m := acceptMembers(t, ln, 1)[0]
	if r, ok := look(p.cmd.Process.Pid); !ok || r.pgid != r.pid {
		t.Errorf("it is in the process group %d, not in its own", r.pgid)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	alive(t, m)
	if _, _, err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := exit(t, p); e.Signal != "SIGTERM" || e.Err != nil {
		t.Errorf("got %+v, want the report of a supervisor that lives", e)
	}
}

// TestSupervisedStdoutEnds: the supervisor does not hold it open.
func TestSupervisedStdoutEnds(t *testing.T) {
	ln := listen(t)
	p := supervised(t, "closeout", envAddr+"="+ln.Addr().String())
	acceptMembers(t, ln, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if line, err := p.FirstLine(ctx); err == nil || !strings.Contains(err.Error(), "without a ready line") {
		t.Errorf("got %q, %v, want an error that there was no ready line", line, err)
	}
}

// TestExitStamp: within a few milliseconds of the end, by the child's own clock,
// though a worker holds stdout and stderr open. The best of a few counts, for
// the machine may be busy.
func TestExitStamp(t *testing.T) {
	both(t, func(t *testing.T, start func(*testing.T, string, ...string) *Process) {
		best := patience
		for range 5 {
			ln := listen(t)
			now := filepath.Join(t.TempDir(), "now")
			p := start(t, "abandon:"+now, envAddr+"="+ln.Addr().String())
			worker := acceptMembers(t, ln, 1)[0]
			if err := os.WriteFile(now, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			said, err := strconv.ParseInt(strings.TrimPrefix(firstLine(t, p), "ready "), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			e := exit(t, p)
			alive(t, worker)
			after := e.At.Sub(time.Unix(0, said))
			if e.Code != 3 || after < -time.Millisecond {
				t.Errorf("it ended with %v, %s after it said that it would", e, after)
			}
			best = min(best, after)
			p.Close()
			gone(t, worker)
		}
		t.Logf("stamped %s after it was said", best)
		if best > 10*time.Millisecond {
			t.Errorf("the exit is stamped %s after it was said", best)
		}
	})
}

// TestStampIsTheSupervisors: a report that comes late tells when it was.
func TestStampIsTheSupervisors(t *testing.T) {
	at := monotonic()
	if at == 0 {
		t.Skip("this system has no clock that two processes share")
	}
	now := time.Now()
	late := report{Event: reportExited, At: at - 3e9}.exit()
	if off := late.At.Sub(now) + 3*time.Second; off.Abs() > time.Millisecond {
		t.Errorf("the instant is off by %s", off)
	}
	if e := (report{Event: reportExited}).exit(); e.At.Before(now) {
		t.Errorf("without a stamp the exit is at %v, before it was read", e.At)
	}
}

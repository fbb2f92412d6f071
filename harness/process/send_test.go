package process

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestSignalOnlyTheLeader, and then the group, and then one.
func TestSignals(t *testing.T) {
	both(t, func(t *testing.T, start func(*testing.T, string, ...string) *Process) {
		p, members := family(t, start)
		if _, _, err := p.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if got := members[0].line(t); got != "usr1" {
			t.Errorf("the leader says %q", got)
		}
		to, before, after, err := p.SignalGroup(syscall.SIGUSR1)
		if err != nil || before.IsZero() || after.Before(before) {
			t.Fatalf("%v, %v, %v", before, after, err)
		}
		if want := memberPIDs(members[:3]); !same(pids(to), want) || to[0].PID != p.PID() {
			t.Errorf("the group is %v, want the leader and its workers, %v", to, want)
		}
		for _, m := range members[:3] {
			if got := m.line(t); got != "usr1" {
				t.Errorf("%d says %q", m.pid, got)
			}
		}
		if _, _, err := p.SignalPID(members[2].pid, syscall.SIGUSR1); err != nil || members[2].line(t) != "usr1" {
			t.Errorf("the worker cannot be signalled: %v", err)
		}
		for _, m := range []member{members[0], members[1], members[3]} {
			silent(t, m) // it got neither what was the leader's, nor the group's, nor the worker's
		}
	})
}

// silent asks that the member lives and has said nothing more.
func silent(t *testing.T, m member) {
	t.Helper()
	if m.lines.Buffered() > 0 {
		t.Errorf("%d got a signal that was another's", m.pid)
		return
	}
	alive(t, m)
}

// TestSignalStrangers: nobody is signalled who is not of the tree.
func TestSignalStrangers(t *testing.T) {
	ln := listen(t)
	p := supervised(t, "stay", envAddr+"="+ln.Addr().String())
	other := supervised(t, "stay", envAddr+"="+ln.Addr().String())
	members := acceptMembers(t, ln, 2)
	dead := start(t, "exit:0")
	exit(t, dead)
	for name, pid := range map[string]int{
		"us": os.Getpid(), "init": 1, "another's": other.PID(), "its supervisor": p.cmd.Process.Pid,
		"a dead one": dead.PID(), "none": 0, "all": -1, "its group": -p.PID(), "a huge one": 1 << 30,
	} {
		_, _, err := p.SignalPID(pid, syscall.SIGKILL)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d is not in the tree of process %d", pid, p.PID())) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, m := range members {
		alive(t, m)
	}
}

// TestSignalStaleRow: a PID that belongs to another by now is left alone.
func TestSignalStaleRow(t *testing.T) {
	ln := listen(t)
	p := start(t, "stay", envAddr+"="+ln.Addr().String())
	m := acceptMembers(t, ln, 1)[0]
	r, ok := look(p.PID())
	if !ok {
		t.Fatal("it is not in the table")
	}
	r.start-- // as if an older process had been seen
	if err := r.signal(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v, want os.ErrProcessDone", err)
	}
	alive(t, m)
	r.start++
	if err := r.signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	gone(t, m)
}

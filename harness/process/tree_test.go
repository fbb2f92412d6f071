package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// family starts a leader with two workers and a daemon, and returns them: the
// leader first, the daemon last.
func family(t *testing.T, start func(*testing.T, string, ...string) *Process) (*Process, []member) {
	t.Helper()
	ln := listen(t)
	p := start(t, "work:2", envAddr+"="+ln.Addr().String())
	members := acceptMembers(t, ln, 4)
	slices.SortFunc(members, func(a, b member) int { return place(p, a.pid) - place(p, b.pid) })
	return p, members
}

// place sorts the leader first, and what left its group last.
func place(p *Process, pid int) int {
	r, _ := look(pid)
	switch {
	case pid == p.PID():
		return 0
	case r.pgid == p.PID():
		return 1
	}
	return 2
}

func memberPIDs(members []member) []int {
	list := make([]int, 0, len(members))
	for _, m := range members {
		list = append(list, m.pid)
	}
	return list
}

// same says whether two lists have the same elements.
func same(a, b []int) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestTree(t *testing.T) {
	if !followsDaemons {
		t.Skip("a daemon leaves the tree on this system")
	}
	p, members := family(t, supervised)
	tree := treeNow(t, p)
	// The one in the middle of the daemon's two forks may not have ended yet.
	eventually(t, "the tree of leader, workers and daemon", func() bool {
		tree = treeNow(t, p)
		return same(pids(tree), memberPIDs(members))
	})
	if tree[0] != p.Leader() || p.Leader().PID != p.PID() {
		t.Errorf("the tree begins with %v, the leader is %v", tree[0], p.Leader())
	}
	for _, i := range tree {
		if !strings.HasPrefix(i.Name, os.Args[0][:min(len(os.Args[0]), 20)]) {
			t.Errorf("%d is called %q, want its command line", i.PID, i.Name)
		}
	}
	if rest := p.Survivors(); !slices.Equal(pids(rest), pids(tree[1:])) {
		t.Errorf("the survivors are %v, want all but the leader", rest)
	}
}

// TestTreeAlone: without a supervisor what daemonised itself is lost, and what
// only lost its parent is not.
func TestTreeAlone(t *testing.T) {
	ln := listen(t)
	now := filepath.Join(t.TempDir(), "now")
	p := start(t, "abandon:"+now, envAddr+"="+ln.Addr().String())
	worker := acceptMembers(t, ln, 1)[0]
	if got := pids(treeNow(t, p)); !slices.Equal(got, []int{p.PID(), worker.pid}) {
		t.Errorf("the tree is %v, want %d and %d", got, p.PID(), worker.pid)
	}
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	exit(t, p)
	if got := pids(treeNow(t, p)); !slices.Equal(got, []int{worker.pid}) {
		t.Errorf("after the exit the tree is %v, want %d", got, worker.pid)
	}
	p.Close()
	gone(t, worker)
}

// TestKillTree: the leader has gone and has left a worker behind.
func TestKillTree(t *testing.T) {
	both(t, func(t *testing.T, start func(*testing.T, string, ...string) *Process) {
		ln := listen(t)
		now := filepath.Join(t.TempDir(), "now")
		p := start(t, "abandon:"+now, envAddr+"="+ln.Addr().String())
		worker := acceptMembers(t, ln, 1)[0]
		if err := os.WriteFile(now, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := exit(t, p); e.Code != 3 {
			t.Errorf("got %v, want the leader's own exit", e)
		}
		if got := p.Survivors(); len(got) != 1 || got[0].PID != worker.pid {
			t.Errorf("the survivors are %v, want %d", got, worker.pid)
		}
		alive(t, worker)
		if err := p.KillTree(); err != nil {
			t.Fatal(err)
		}
		gone(t, worker)
		if got := treeNow(t, p); len(got) > 0 {
			t.Errorf("%v is left", got)
		}
		if err := p.KillTree(); err != nil {
			t.Errorf("nothing is left to kill, and yet: %v", err)
		}
	})
}

// TestDaemon: all that goes on is a process that left the group, the session and
// its parents.
func TestDaemon(t *testing.T) {
	if !followsDaemons {
		t.Skip("a daemon leaves the tree on this system")
	}
	ln := listen(t)
	now := filepath.Join(t.TempDir(), "now")
	p := supervised(t, "daemon:"+now, envAddr+"="+ln.Addr().String())
	daemon := acceptMembers(t, ln, 1)[0]
	if err := os.WriteFile(now, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := exit(t, p); e.Code != 0 {
		t.Errorf("got %v", e)
	}
	eventually(t, "the daemon as the only survivor", func() bool { return slices.Equal(pids(p.Survivors()), []int{daemon.pid}) })
	if _, _, _, err := p.SignalGroup(syscall.SIGUSR1); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to the group gives %v, want os.ErrProcessDone: nobody is in it", err)
	}
	if _, _, err := p.SignalPID(daemon.pid, syscall.SIGUSR1); err != nil || daemon.line(t) != "usr1" {
		t.Errorf("the daemon cannot be signalled: %v", err)
	}
	if err := p.KillTree(); err != nil {
		t.Fatal(err)
	}
	gone(t, daemon)
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " a b ": "a b", strings.Repeat("x", 80): strings.Repeat("x", 80),
		strings.Repeat("x", 81): strings.Repeat("x", 79) + "…", strings.Repeat("ä", 81): strings.Repeat("ä", 79) + "…",
		"a\x1b[31mb": "a\x1b[31mb", // whoever prints it escapes it
	} {
		if got := shorten(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestLeaderName: also after the end, when the system does not know it any more.
func TestLeaderName(t *testing.T) {
	c := child("exit:0")
	c.Args, c.Lifeline, c.Supervisor = []string{"one", "two"}, "", ourSupervisor()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	exit(t, p)
	if got := p.Leader(); got.PID != p.PID() || got.Name != shorten(os.Args[0]+" one two") {
		t.Errorf("the leader is %v", got)
	}
}

// TestKillAllGivesUp: a zombie cannot be killed, and stands for what is stuck.
func TestKillAllGivesUp(t *testing.T) {
	p := start(t, "exit:0")
	exit(t, p)
	began := time.Now()
	err := killAll(p.leader, p.pid, func() ([]row, error) { return []row{{pid: p.PID(), lives: true}}, nil }, 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("survived SIGKILL for 50ms: %d", p.PID())) {
		t.Errorf("got %v, want an error that names process %d", err, p.PID())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	broken := errors.New("broken")
	if err := killAll(p.leader, p.pid, func() ([]row, error) { return nil, broken }, time.Second); !errors.Is(err, broken) {
		t.Errorf("got %v, want why there is no list", err)
	}
}

func BenchmarkTree(b *testing.B) {
	p, err := Start(Command{Path: "sleep", Args: []string{"300"}, Supervisor: ourSupervisor()})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for b.Loop() {
		treeNow(b, p)
	}
}

package process

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBrake: what is braked does nothing, and the signal that was sent meanwhile is
// handled when it is released.
func TestBrake(t *testing.T) {
	ln := listen(t)
	p := ready(t, "parent", envAddr+"="+ln.Addr().String())
	if err := p.Brake(); err != nil {
		t.Fatal(err)
	}
	if n := len(treeNow(t, p)); n != 2 {
		t.Errorf("the tree has %d members, want a parent and a child", n)
	}
	for _, member := range treeNow(t, p) {
		if !stopped(member.PID) {
			t.Errorf("%s is not stopped", member)
		}
	}
	if _, _, err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if inTime(p.Exited(), 100*time.Millisecond) {
		t.Fatal("it was not stopped: the signal ended it")
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	if e := exit(t, p); e.Signal != "SIGTERM" {
		t.Errorf("it ended with %s", e)
	}
	if err := p.Brake(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("to brake what is gone gives %v", err)
	}
	if err := p.Release(); err != nil {
		t.Errorf("to release what is gone gives %v", err)
	}
}

// TestBrakedIsClosed: also what is stopped is killed in the end.
func TestBrakedIsClosed(t *testing.T) {
	p := start(t, "wait:ready")
	firstLine(t, p)
	if err := p.Brake(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if left := treeNow(t, p); len(left) > 0 {
		t.Errorf("%v live on", left)
	}
}

// TestReleaseGoesOn: one that cannot be continued keeps none of the others.
func TestReleaseGoesOn(t *testing.T) {
	var asked []int
	err := resumeAll([]row{{pid: 1}, {pid: 2}, {pid: 3}, {pid: 4}}, func(r row) error {
		asked = append(asked, r.pid)
		return map[int]error{2: syscall.EPERM, 3: os.ErrProcessDone, 4: syscall.EINVAL}[r.pid]
	})
	if want := []int{4, 3, 2, 1}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
	if !errors.Is(err, syscall.EPERM) || !errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrProcessDone) || !strings.Contains(err.Error(), "continue process 2") {
		t.Errorf("got %v", err)
	}
}

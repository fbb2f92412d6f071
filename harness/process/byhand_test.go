package process

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// byHand starts a supervisor as Start does, but leaves it to the test to hold the
// leader, or not.
func byHand(t *testing.T, role string, env ...string) (supervisor *exec.Cmd, lifeline *os.File, reports *json.Decoder) {
	t.Helper()
	life, lifeline, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	said, reporting, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, value := newMark()
	cmd := exec.Command(os.Args[0], supervise, "--", os.Args[0])
	cmd.Env = append(append(os.Environ(), env...), envRole+"="+role, envSupervisor+"="+protocol+os.Args[0], envMark+"="+value)
	cmd.ExtraFiles = []*os.File{life, reporting}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lifeline.Close()
		_ = cmd.Wait() // it may have been waited for
		said.Close()
	})
	life.Close()
	reporting.Close()
	if err := said.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return cmd, lifeline, json.NewDecoder(said)
}

// nextReport reads a report of that kind, after any of what was seen.
func nextReport(t *testing.T, reports *json.Decoder, event string) (r report) {
	t.Helper()
	for r.Event = reportSeen; r.Event == reportSeen; {
		r = report{}
		if err := reports.Decode(&r); err != nil {
			t.Fatalf("got %v, want a report of %s", err, event)
		}
	}
	if r.Event != event {
		t.Fatalf("got %+v, want a report of %s", r, event)
	}
	return r
}

// TestLeaderIsHeld: until somebody has got hold of the leader it keeps its PID,
// though its end was reported.
func TestLeaderIsHeld(t *testing.T) {
	if !followsDaemons {
		t.Skip("the leader is reaped at once on this system")
	}
	_, lifeline, reports := byHand(t, "exit:4")
	pid := nextReport(t, reports, reportStarted).PID
	if r := nextReport(t, reports, reportExited); r.Code != 4 || r.At == 0 {
		t.Errorf("got %+v", r)
	}
	for range 5 { // it would be gone at any moment
		time.Sleep(5 * time.Millisecond)
		if r, ok := look(pid); !ok || r.lives {
			t.Fatalf("the leader is no zombie: %+v, %t", r, ok)
		}
	}
	if _, err := lifeline.Write([]byte{held}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the zombie", func() bool {
		_, ok := look(pid)
		return !ok
	})
}

// TestDiesWithSupervisor: it is the kernel that kills the command; nobody else
// does here.
func TestDiesWithSupervisor(t *testing.T) {
	if !followsDaemons {
		t.Skip("this system has no parent-death signal")
	}
	ln := listen(t)
	supervisor, _, reports := byHand(t, "stay", envAddr+"="+ln.Addr().String())
	nextReport(t, reports, reportStarted)
	m := acceptMembers(t, ln, 1)[0]
	if err := supervisor.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, m)
}

// TestNobodyListens: a starter that dies before it has read anything.
func TestNobodyListens(t *testing.T) {
	ln := listen(t)
	supervisor, lifeline, _ := byHand(t, "work:1", envAddr+"="+ln.Addr().String())
	members := acceptMembers(t, ln, 3)
	lifeline.Close() // the leader is not held
	for _, m := range members {
		gone(t, m)
	}
	ended := make(chan error, 1)
	go func() { ended <- supervisor.Wait() }()
	within(t, "the supervisor's end", ended)
}

package probe

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"lastcall/harness/result"
)

// TestOverdue: a repeat whose state was not reached by a lateness of ours is tried
// again, so often and no more; any other is not.
func TestOverdue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		late  int // so many tries are
		err   error
		tries int
		want  result.ProbeStatus
	}{
		{"late once", 1, overdue("late"), 2, result.ProbePass},
		{"late for ever", 99, overdue("late"), tries, result.ProbeInconclusive},
		{"the server's doing", 1, errors.New("not reached"), 1, result.ProbeInconclusive},
	} {
		made := 0
		plan := scripted([]Case{{ID: "a/b", Rule: ruleLate, unbooted: true, run: func(*bench) (Sighting, error) {
			if made++; made <= tt.late {
				return Sighting{}, fmt.Errorf("again: %w", tt.err)
			}
			return Sighting{Reached: true}, nil
		}}})
		if p := run(t, plan)[0]; p.Status != tt.want || made != tt.tries {
			t.Errorf("%s: %s after %d tries, want %s after %d", tt.name, p.Status, made, tt.want, tt.tries)
		}
	}
}

// TestInTime: what comes too near to the answer is told from what does not.
func TestInTime(t *testing.T) {
	now := time.Now()
	b := &bench{plan: &Plan{Hints: Hints{Slow: "/slow?ms={ms}"}}, facts: facts{slow: time.Hour}}
	if err := b.inTime("it", now.Add(time.Hour)); err != nil {
		t.Errorf("nothing is due: %v", err)
	}
	b.dueBy(now) // it takes slowFor, whatever it took once
	b.dueBy(now.Add(time.Hour))
	for after, want := range map[time.Duration]bool{slowFor - tooClose: true, slowFor - tooClose + 1: false, slowFor: false} {
		if err := b.inTime("it", now.Add(after)); (err == nil) != want {
			t.Errorf("%s after it was sent: %v", after, err)
		}
	}
	b.answered()
	if err := b.inTime("it", now.Add(slowFor)); err != nil {
		t.Errorf("it is answered: %v", err)
	}
}

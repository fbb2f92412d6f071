package history_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
)

// TestBacklog: what waits to the end is told from what was accepted in time.
func TestBacklog(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting []int // every millisecond
		gone    int   // at which of them a socket had gone, -1: never
		want    history.Backlog
	}{
		{"nothing waits", []int{0, 0}, -1, history.Backlog{Asked: 2, Until: 2 * ms}},
		{"accepted in time", []int{1, 0, 2, 0}, -1, history.Backlog{Asked: 4, Longest: 2, Since: 3 * ms, Until: 4 * ms}},
		{"no process accepts", []int{0, 1, 1, 2, 5}, -1, history.Backlog{Asked: 5, Longest: 5, Since: 2 * ms, Until: 5 * ms, Waiting: 5}},
		{"one was accepted in between", []int{1, 3, 2, 2}, -1, history.Backlog{Asked: 4, Longest: 3, Since: 3 * ms, Until: 4 * ms, Waiting: 2}},
		{"another socket has gone", []int{1, 3, 3}, 2, history.Backlog{Asked: 3, Longest: 3, Since: 3 * ms, Until: 3 * ms, Waiting: 3}},
	} {
		var b history.Backlog
		for i, n := range tt.waiting {
			b.Add(ms*time.Duration(i+1), n, i == tt.gone)
		}
		if diff := cmp.Diff(tt.want, b); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestKeepAnswers: of those that went wrong after the signal, each that says something
// else, and not many.
func TestKeepAnswers(t *testing.T) {
	h := &history.History{Signal: history.Signal{Sent: true, Before: 10}}
	var all []history.Answer
	add := func(o history.Outcome, status uint16, end time.Duration, line string) {
		seq := uint32(len(h.Requests))
		h.Requests = append(h.Requests, history.Request{Seq: seq, Outcome: o, Status: status, End: end})
		all = append(all, history.Answer{Seq: seq, Line: line})
	}
	add(history.Failed, 500, 9, "before")
	add(history.Completed, 200, 11, "right")
	add(history.Failed, 500, 11, "closed")
	add(history.Failed, 500, 12, "closed")
	add(history.Rejected, 503, 12, "closed")
	for _, line := range []string{"a", "b", "c", "d"} {
		add(history.Failed, 500, 13, line)
	}
	h.KeepAnswers(append(all, history.Answer{Seq: 99, Line: "of another"}))
	want := []history.Answer{{Seq: 2, Line: "closed"}, {Seq: 4, Line: "closed"}, {Seq: 5, Line: "a"}, {Seq: 6, Line: "b"}, {Seq: 7, Line: "c"}}
	if diff := cmp.Diff(want, h.Answers); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

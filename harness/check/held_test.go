package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// exitsAt moves the exit to so long after the signal.
func exitsAt(after time.Duration) func(*history.History) {
	return func(h *history.History) { h.Exit.At = signalAt + after }
}

// TestHeldExit: parked connections that kept a process for seconds longer than all
// else did are named, where the exit came with their end and with nothing else.
func TestHeldExit(t *testing.T) {
	const held = 5 * time.Second
	ended := endedAt(signalAt + held)
	silent := func() *builder {
		return newHistory().parked(scenario.Silent, 3, ended).edit(exitsAt(held + 40*time.Millisecond))
	}
	for _, tt := range []struct {
		name    string
		history *builder
		says    string // "" if nothing held it
	}{
		{
			"silent ones, until the server closes them - pass", silent(),
			"3 silent connections probably delayed the exit: everything else had ended 200 ms after the signal, they 5 s after it, and the process 40 ms after that",
		},
		{
			"idle ones and websockets, to the exit - pass",
			newHistory().parked(scenario.WebSocket, 1, endedAt(signalAt+held+time.Millisecond)).parked(scenario.Idle, 2, stillOpen).edit(exitsAt(held)),
			"1 WebSocket connection and 2 idle kept-alive connections probably delayed the exit: everything else had ended 200 ms after the signal, they 5 s after it, with the process",
		},
		{
			"one outlasts the others - pass",
			newHistory().parked(scenario.EventStream, 4, endedAt(signalAt+time.Second)).parked(scenario.EventStream, 1, ended).edit(exitsAt(held + time.Millisecond)),
			"1 event stream probably delayed the exit: everything else had ended 200 ms after the signal, it 5 s after it, and the process 1 ms after that",
		},
		{"nothing is parked - pass", newHistory().edit(exitsAt(held)), ""},
		{"they ended soon - pass", newHistory().parked(scenario.Silent, 3, endedAt(signalAt+time.Second)).edit(exitsAt(time.Second + time.Millisecond)), ""},
		{"the process stayed for long after them - pass", newHistory().parked(scenario.Silent, 3, ended).edit(exitsAt(held + time.Second)), ""},
		{
			"a request lasted almost as long - pass",
			silent().add(signalAt-50*time.Millisecond, signalAt+held-heldLong+time.Millisecond, history.Completed, 1, nil), "",
		},
		{
			"it listened to the end - pass", silent().edit(func(h *history.History) {
				h.Closings = []history.Closing{{From: h.Exit.At - time.Millisecond, To: h.Exit.At, Listener: true}}
			}), "",
		},
		{
			"a connection of the load was open to the end - pass", silent().edit(func(h *history.History) {
				h.Closings = append(h.Closings, history.Closing{From: h.Exit.At, To: h.Exit.At})
			}), "",
		},
		{
			"a second signal came shortly before - pass", silent().again("SIGTERM", 15, signalAt+held-time.Second), "",
		},
		{
			"requests that found nobody after the exit - pass", silent().add(signalAt+6*time.Second, signalAt+6*time.Second, history.Refused, 1, nil),
			"3 silent connections probably delayed the exit",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, policy := range []string{"default", "strict"} {
				s := judge(t, policy, histories(tt.history))
				f, story := finding(t, s, ExitsInGrace), strings.Join(s.Story, "\n")
				want, verdict := good, s.Verdict
				switch {
				case tt.says != "" && policy == "strict":
					want, verdict = bad, fail
				case tt.says != "":
					want, verdict = warned, pass
				}
				if f.Status != want || s.Verdict != verdict {
					t.Errorf("%s: %v, verdict %v; want %v, %v: %+v", policy, f.Status, s.Verdict, want, verdict, s.Findings)
				}
				if tt.says != "" && (!strings.Contains(f.Detail, "1 of 1 shutdowns ended late: "+tt.says) || !strings.Contains(story, tt.says)) {
					t.Errorf("%s: %q, story %q, want %q", policy, f.Detail, s.Story, tt.says)
				}
				if tt.says == "" && strings.Contains(story, "probably delayed the exit") {
					t.Errorf("%s: story %q", policy, s.Story)
				}
			}
		})
	}
}

func TestStoryOfAHeldExit(t *testing.T) {
	held := func(d time.Duration) *builder {
		return newHistory().parked(scenario.Silent, 1, endedAt(signalAt+d)).edit(exitsAt(d + 2*time.Millisecond))
	}
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	for _, tt := range []told{
		{
			name: "in two of three, the longest is told - pass", histories: histories(held(4*time.Second), newHistory(), held(5*time.Second)),
			want: []string{
				"1 silent connection probably delayed the exit: everything else had ended 200 ms after the signal, it 5 s after it, " +
					"and the process 2 ms after that, in 2 of 3 shutdowns.",
				"A server that waits for the first request on a silent connection may wait without end (Go's Server.Shutdown waits for five seconds): " +
					"bound that wait (in Go, http.Server.ReadHeaderTimeout; golang/go #22682).",
			},
		},
		{
			name: "where every warning is a failure - fail", policy: "strict", histories: histories(held(5 * time.Second)),
			want: []string{
				"1 silent connection probably delayed the exit: everything else had ended 200 ms after the signal, it 5 s after it, " +
					"and the process 2 ms after that.",
				"A server that waits for the first request on a silent connection may wait without end (Go's Server.Shutdown waits for five seconds): " +
					"bound that wait (in Go, http.Server.ReadHeaderTimeout; golang/go #22682).",
			},
		},
	} {
		tt.run(t)
	}
	s := judge(t, "default", histories(held(5*time.Second), newHistory().exit(killed)))
	const both = "1 of 2 shutdowns did not end by themselves while there was time; 1 of 2 shutdowns ended late: 1 silent connection probably delayed the exit"
	if f := finding(t, s, ExitsInGrace); s.Verdict != fail || !strings.Contains(f.Detail, both) {
		t.Errorf("%v: %q, want %q", s.Verdict, f.Detail, both)
	}
	if !strings.Contains(s.Story[0], "was killed, in 1 of 2 shutdowns.") {
		t.Errorf("the story is %q", s.Story)
	}
}

package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

func hungUp(p *history.Parked) {
	p.Clean, p.Error = false, "EOF"
	if p.Kind == scenario.WebSocket {
		p.Code = history.NoCloseFrame
	}
}

func stillOpen(p *history.Parked) { p.Ended, p.Clean, p.Code = 0, false, 0 }

func endedAt(at time.Duration) func(*history.Parked) {
	return func(p *history.Parked) { p.Ended = at }
}

func openedAt(at time.Duration) func(*history.Parked) {
	return func(p *history.Parked) { p.Opened = at }
}

// unopenable is what could not be parked.
func unopenable(why string) func(*history.Parked) {
	return func(p *history.Parked) { *p = history.Parked{Kind: p.Kind, URL: p.URL, Error: why} }
}

func TestClosesCleanly(t *testing.T) {
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	tests := []policed{
		{
			name: "nothing is parked - pass", history: newHistory(),
			want: under(unmet), verdicts: under(pass), detail: "there were no WebSocket connections and event streams to judge",
		},
		{
			name: "all are told - pass", history: newHistory().parked(scenario.WebSocket, 5).parked(scenario.EventStream, 5).parked(scenario.Silent, 3),
			want: under(good), verdicts: under(pass), judged: 10,
		},
		{
			name: "only silent ones, to which nothing can be said - pass", history: newHistory().parked(scenario.Silent, 3),
			want: under(unmet), verdicts: under(pass), detail: "there were no WebSocket connections and event streams to judge",
		},
		{
			name: "websockets are cut - fail", history: newHistory().parked(scenario.WebSocket, 5, hungUp).parked(scenario.EventStream, 5),
			want: under(bad), verdicts: under(fail), judged: 10, count: 5,
			detail: "5 of 10 WebSocket connections and event streams were cut without a close frame or a last chunk, in 1 of 1 shutdowns: 5 WebSocket connections without a close frame (1006)",
		},
		{
			name: "one websocket is cut - fail", history: newHistory().parked(scenario.WebSocket, 1, hungUp),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: "1 of 1 WebSocket connections and event streams was cut without a close frame or a last chunk, in 1 of 1 shutdowns: 1 WebSocket connection without a close frame (1006)",
		},
		{
			name: "an event stream is cut - fail", history: newHistory().parked(scenario.EventStream, 1, hungUp).parked(scenario.WebSocket, 2, hungUp),
			want: under(bad), verdicts: under(fail), judged: 3, count: 3,
			detail: "2 WebSocket connections without a close frame (1006), 1 event stream before the last chunk",
		},
		{
			name: "cut by SIGKILL - fail", history: newHistory().parked(scenario.WebSocket, 1, hungUp).exit(killed),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
		{
			name: "somebody else holds them after the exit - inconclusive", history: newHistory().parked(scenario.WebSocket, 1, stillOpen),
			want: under(unmet), verdicts: under(doubtful),
		},
		{
			name: "served on while a command ran - pass", history: newReload().parked(scenario.WebSocket, 2, stillOpen),
			want: under(good), verdicts: under(pass), judged: 2,
		},
		{
			name: "cut while a command ran - fail", history: newReload().parked(scenario.WebSocket, 2, hungUp),
			want: under(bad), verdicts: under(fail), judged: 2, count: 2,
		},
		{
			name:    "some are told, and the end of others is not seen - inconclusive",
			history: newHistory().parked(scenario.EventStream, 2).parked(scenario.WebSocket, 1, stillOpen),
			want:    under(good), verdicts: under(doubtful), judged: 2,
		},
		{
			name:    "some are cut, and the end of others is not seen - fail",
			history: newHistory().parked(scenario.EventStream, 2, hungUp).parked(scenario.WebSocket, 1, stillOpen),
			want:    under(bad), verdicts: under(fail), judged: 2, count: 2,
		},
		{
			name: "ended before the signal - inconclusive", history: newHistory().parked(scenario.WebSocket, 2, hungUp, endedAt(signalAt-time.Millisecond)),
			want: under(unmet), verdicts: under(doubtful),
		},
		{
			name: "some ended before the signal, and others are cut - fail",
			history: newHistory().parked(scenario.WebSocket, 2, endedAt(signalAt-time.Millisecond)).
				parked(scenario.EventStream, 1, hungUp),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
	}
	for _, tt := range tests {
		tt.run(t, ClosesCleanly)
	}
}

// TestParking: what was not there as the signal came takes the pass away, and
// the report says what to change.
func TestParking(t *testing.T) {
	for _, tt := range []struct {
		name    string
		history *builder
		want    string // "" for no doubt
	}{
		{"all were there", newHistory().parked(scenario.WebSocket, 1).parked(scenario.Silent, 1), ""},
		{
			"one of several silent ones is renewed no more",
			newHistory().parked(scenario.Silent, 2).parked(scenario.Silent, 1, endedAt(signalAt-time.Microsecond)).parked(scenario.Silent, 1, openedAt(signalAt+1)), "",
		},
		{
			"the only silent one is renewed no more", newHistory().parked(scenario.WebSocket, 1).parked(scenario.Silent, 1, endedAt(signalAt-time.Microsecond)),
			"load.parked[1]: no silent connection was open when the signal arrived, because the server ends them too soon: " +
				"raise the server's limit for waiting for a request, or leave them out",
		},
		{
			"silent ones that are renewed too late", newHistory().parked(scenario.Silent, 3, openedAt(signalAt+time.Microsecond)),
			"load.parked[0]: no silent connection was open when the signal arrived, because the server ends them too soon: " +
				"raise the server's limit for waiting for a request, or leave them out",
		},
		{
			"silent ones that were gone as a command began", newReload().parked(scenario.Silent, 3, endedAt(signalAt-time.Microsecond)),
			"load.parked[0]: no silent connection was open when the command arrived, because the server ends them too soon: " +
				"raise the server's limit for waiting for a request, or leave them out",
		},
		{"silent ones that outlive the exit", newHistory().parked(scenario.Silent, 3, stillOpen), ""},
		{
			"idle ones that were gone, beside a silent one that was there",
			newHistory().parked(scenario.Silent, 1).parked(scenario.Idle, 2, endedAt(signalAt-time.Microsecond)),
			"load.parked[1]: no idle connection was open when the signal arrived, because the server ends them too soon: " +
				"raise the server's limit for waiting for a request, or leave them out",
		},
		{
			"no idle one", newHistory().parked(scenario.Idle, 1, unopenable("answered 200 with Connection: close, or without a length")),
			"load.parked[0]: an idle connection could not be opened: answered 200 with Connection: close, or without a length: " +
				"name a path whose answer leaves its connection open (--park idle=/path), or leave it out",
		},
		{
			"websockets that outlive the exit", newHistory().parked(scenario.WebSocket, 5, stillOpen).parked(scenario.EventStream, 1),
			"5 of 5 WebSocket connections were still open when lastcall looked, after the exit: another process holds them, or this machine was too busy",
		},
		{
			"an event stream of several that outlives the exit", newHistory().parked(scenario.EventStream, 1, stillOpen).parked(scenario.EventStream, 2),
			"1 of 3 event streams was still open when lastcall looked, after the exit: another process holds it, or this machine was too busy",
		},
		{"what goes on while a command ran", newReload().parked(scenario.WebSocket, 2, stillOpen).parked(scenario.Silent, 1, stillOpen), ""},
		{
			"a websocket that is opened too late", newHistory().parked(scenario.WebSocket, 1, openedAt(signalAt+10*time.Millisecond)),
			"load.parked[0].url: /ws was opened only 10 ms after the signal: repeat the run",
		},
		{
			"no such websocket", newHistory().parked(scenario.Silent, 1).parked(scenario.WebSocket, 5, unopenable("answered 404")),
			"load.parked[1].url: /ws answered 404: name a path that accepts WebSocket connections, or leave it out",
		},
		{
			"no such event stream", newHistory().parked(scenario.EventStream, 1, unopenable("answered 500")),
			"load.parked[0].url: /events answered 500: name a path that answers in chunks and goes on, or leave it out",
		},
		{
			"no silent one", newHistory().parked(scenario.Silent, 1, unopenable("too many open files")),
			"load.parked[0]: a silent connection could not be opened: too many open files: park fewer of them, or raise the limit of open files (ulimit -n)",
		},
		{
			"a websocket that ends early", newHistory().parked(scenario.WebSocket, 1, endedAt(signalAt-200*time.Millisecond)),
			"load.parked[0].url: /ws ended 200 ms before the signal, with the code 1001: name a path whose stream goes on, or raise the server's limit",
		},
		{
			"an event stream that is cut early", newHistory().parked(scenario.EventStream, 2, hungUp, endedAt(signalAt-time.Second/2)),
			"load.parked[0].url: /events ended 500 ms before the signal, cut off (EOF): name a path whose stream goes on, or raise the server's limit",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{tt.history.done()})
			found := findings(s, Integrity)
			if tt.want == "" {
				if len(found) > 0 || s.Verdict != pass {
					t.Errorf("%s: %+v", s.Verdict, found)
				}
				return
			}
			if len(found) != 1 || found[0].Detail != "shutdown 1: "+tt.want || s.Verdict != doubtful || s.ShutdownsIntact != 1 {
				t.Errorf("%s, %d intact: %+v, want %q", s.Verdict, s.ShutdownsIntact, found, tt.want)
			}
		})
	}
	// Of what was killed nothing has to end by itself.
	killed := newHistory().parked(scenario.WebSocket, 1, stillOpen).exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true})
	if s := judge(t, "default", histories(killed)); s.Verdict != fail || len(findings(s, Integrity)) > 0 {
		t.Errorf("killed: %s: %+v", s.Verdict, findings(s, Integrity))
	}
	// What else was broken is broken.
	s := judge(t, "default", []*history.History{newHistory().inFlight(history.Dropped, 1).parked(scenario.WebSocket, 1, unopenable("answered 404")).done()})
	if s.Verdict != fail {
		t.Errorf("verdict %s, want fail", s.Verdict)
	}
}

// TestParkedIsCounted for the JSON report.
func TestParkedIsCounted(t *testing.T) {
	h := newHistory().parked(scenario.WebSocket, 3).parked(scenario.Silent, 2, stillOpen).parked(scenario.WebSocket, 2, hungUp).
		parked(scenario.EventStream, 1, unopenable("answered 404")).done()
	want := []result.Parked{
		{Kind: scenario.WebSocket, Asked: 5, Held: 5, Clean: 3, Cut: 2},
		{Kind: scenario.Silent, Asked: 2, Held: 2},
		{Kind: scenario.EventStream, Asked: 1},
	}
	if d := differs(want, judge(t, "default", []*history.History{h}).Details[0].Parked); d != "" {
		t.Errorf("parked (-want +got):\n%s", d)
	}
	// Who promised to stay up has ended them, with a word or without.
	reload := newReload().parked(scenario.WebSocket, 3).parked(scenario.WebSocket, 1, hungUp).parked(scenario.EventStream, 2, stillOpen).parked(scenario.Idle, 2).done()
	want = []result.Parked{
		{Kind: scenario.WebSocket, Asked: 4, Held: 4, Clean: 3, Cut: 1, Ended: 4},
		{Kind: scenario.EventStream, Asked: 2, Held: 2},
		{Kind: scenario.Idle, Asked: 2, Held: 2, Clean: 2},
	}
	if d := differs(want, judge(t, "default", []*history.History{reload}).Details[0].Parked); d != "" {
		t.Errorf("parked under a command (-want +got):\n%s", d)
	}
	if c := h.Counts(); c.Total != len(h.Requests) || c.Total != h.Scheduled {
		t.Errorf("%d of %d scheduled are counted", c.Total, h.Scheduled)
	}
}

func TestStoryOfCutOff(t *testing.T) {
	const (
		sockets = "An HTTP server does not know of hijacked connections (Go's http.Hijacker). Keep a list of them, " +
			"and send a close frame (1001, going away) on each before the process ends. Server.RegisterOnShutdown calls a function for that, " +
			"but does not wait for it (`lastcall explain hijack-forgotten` shows it)."
		streams = "End the streams when the signal arrives, and let their handlers return, before you call Shutdown: " +
			"Shutdown waits for them, and tells them nothing."
	)
	killed := history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}
	atKill := func(h *history.History) {
		h.Events = append(h.Events, history.Event{Name: history.EventKilled, At: exitAt - time.Millisecond})
	}
	for _, tt := range []told{
		{
			name: "all websockets - fail", histories: histories(newHistory().parked(scenario.WebSocket, 5, hungUp)),
			want: []string{"The 5 WebSocket connections got no close frame: they were cut with 1006, as in a crash.", sockets},
		},
		{
			name:      "one websocket of several - fail",
			histories: histories(newHistory().parked(scenario.WebSocket, 4).parked(scenario.WebSocket, 1, hungUp), newHistory().parked(scenario.WebSocket, 5)),
			want:      []string{"1 of 10 WebSocket connections got no close frame, over 2 shutdowns: it was cut with 1006, as in a crash.", sockets},
		},
		{
			name: "the event streams - fail", histories: histories(newHistory().parked(scenario.EventStream, 2, hungUp)),
			want: []string{"The 2 event streams were cut off before the last chunk: a client cannot tell that from a crash.", streams},
		},
		{
			name: "both - fail", histories: histories(newHistory().parked(scenario.EventStream, 1, hungUp).parked(scenario.WebSocket, 1, hungUp)),
			want: []string{
				"The 1 WebSocket connection got no close frame: it was cut with 1006, as in a crash.", sockets,
				"The 1 event stream was cut off before the last chunk: a client cannot tell that from a crash.", streams,
			},
		},
		{
			name: "silent connections hold it - fail", histories: histories(newHistory().parked(scenario.Silent, 3).exit(killed).edit(atKill)),
			want: []string{
				"The process was still running at the end of its grace period of 10 s, and was killed.",
				"The process catches SIGTERM, and did not end by itself. 3 silent connections were open to the end.",
				"A server that waits for the first request on a silent connection may wait without end (Go's Server.Shutdown waits for five seconds): bound that " +
					"wait (in Go, http.Server.ReadHeaderTimeout; golang/go #22682).",
			},
		},
		{
			name:      "silent connections were let go before - fail",
			histories: histories(newHistory().parked(scenario.Silent, 3, endedAt(signalAt+time.Millisecond)).exit(killed).edit(atKill)),
			want: []string{
				"The process was still running at the end of its grace period of 10 s, and was killed.",
				"The process catches SIGTERM, and did not end by itself.",
				"Give each wait during the stop a limit that is shorter than the grace period.",
			},
		},
	} {
		tt.run(t)
	}
}

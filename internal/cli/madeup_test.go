package cli

import (
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// madeUp returns two histories as a run might have left them: naive lost all
// that was in flight, signal-notify nothing.
func madeUp(run string) []*history.History {
	naive := madeUpHistory(run, "naive", 0)
	naive.Exit = history.Exit{Seen: true, At: time.Second + time.Millisecond, Code: -1, Signal: "SIGTERM"}
	addRequests(naive, 30, history.Request{
		Outcome: history.Dropped, Cause: history.Closed, Written: true, Attempts: 1,
		Scheduled: 950 * time.Millisecond, Started: 950 * time.Millisecond, Sent: 951 * time.Millisecond, End: 1001 * time.Millisecond,
	})
	notify := madeUpHistory(run, "signal-notify", 1)
	notify.Exit = history.Exit{Seen: true, At: 1100 * time.Millisecond}
	addRequests(notify, 30, history.Request{
		Outcome: history.Completed, Status: 200, Written: true, Attempts: 1, Closes: true,
		Scheduled: 950 * time.Millisecond, Started: 950 * time.Millisecond, Sent: 951 * time.Millisecond,
		FirstByte: 1050 * time.Millisecond, End: 1051 * time.Millisecond,
	})
	return []*history.History{naive, notify}
}

// madeUpHistory is a steady second, and then the signal.
func madeUpHistory(run, subject string, position int) *history.History {
	sc := scenario.Default()
	sc.Shutdowns = 1 // as many as there are: the run was carried out to its end
	h := &history.History{
		Header: history.Header{
			Schema: history.Schema, Tool: history.Tool{Version: "test"}, Run: run, Ordinal: position + 1,
			Subject: subject, Kind: "strategy", Position: position, Shutdown: 1, Seed: 1,
			Started:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Scenario: scenario.Complete(sc),
		},
		PID: 4711, Addr: "127.0.0.1:1234",
		Signal: history.Signal{Name: "SIGTERM", Number: 15, Sent: true, Before: time.Second, After: time.Second + 10*time.Microsecond},
		Events: []history.Event{{Name: history.EventSignal, At: time.Second}},
	}
	addRequests(h, 100, history.Request{
		Outcome: history.Completed, Status: 200, Written: true, Attempts: 1,
		Scheduled: 500 * time.Millisecond, Started: 500 * time.Millisecond, Sent: 501 * time.Millisecond,
		FirstByte: 600 * time.Millisecond, End: 601 * time.Millisecond,
	})
	return h
}

func addRequests(h *history.History, n int, r history.Request) {
	for range n {
		r.Seq = uint32(len(h.Requests))
		h.Requests = append(h.Requests, r)
	}
	h.Scheduled, h.Results = len(h.Requests), len(h.Requests)
}

package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestUnannouncedCloses: a server that closes kept-alive connections without saying
// so loses a request now and then, with a signal and without. That is told; only
// more of it after the signal counts.
func TestUnannouncedCloses(t *testing.T) {
	pooled := func(r *history.Request) { r.Pooled = true }
	kept := func(r *history.Request) { r.Pooled, r.Reused = true, true }
	// crosses is a request that met the close of its connection, which nothing else
	// shows: no closing instant is near.
	crosses := func(r *history.Request) {
		kept(r)
		r.End, r.Cause, r.State = r.Started+time.Millisecond, history.Reset, history.TCPClose
	}
	stale := func(r *history.Request) { r.Stale = 1 }
	elsewhere := sentAt(signalAt + 400*time.Millisecond)
	cutLater := func(r *history.Request) { kept(r); r.End = r.Started + 200*time.Millisecond }
	steady := func() *builder {
		return newFrame().before(history.Completed, 300, kept).inFlight(history.Completed, 25)
	}
	onlyListener := func(h *history.History) { h.Closings = h.Closings[:1] }
	for _, tt := range []struct {
		name      string
		histories []*history.History
		want      result.Verdict
		says      string
	}{
		{
			"one before - pass", histories(steady().before(history.Dropped, 1, crosses)), result.Pass,
			"The server closes idle connections without Connection: close: 1 in 301 requests for kept-alive connections met such a close before the signal " +
				"(1 of 301), and only additional ones after it count; --connections fresh avoids that.",
		},
		{"one in twenty - pass", histories(steady().before(history.Dropped, 15, crosses)), result.Pass, "1 in 21 requests"},
		{
			"more than that - inconclusive", histories(steady().before(history.Dropped, 30, crosses)), result.Inconclusive,
			"the server closes idle connections without Connection: close (1 in 11 requests for kept-alive connections met such a close): use --connections fresh, or let the server",
		},
		{"dead before a byte, three times - pass", histories(steady().before(history.Refused, 1, pooled, reason(history.DeadConnections))), result.Pass, "1 in 301 requests"},
		{"another loss - inconclusive", histories(steady().before(history.Dropped, 1, cutLater)), result.Inconclusive, "1 of 301 requests went wrong before the signal"},
		{"on a new connection - inconclusive", histories(steady().before(history.Dropped, 1, pooled)), result.Inconclusive, "1 of 301 requests went wrong before the signal"},
		{
			"late ones, no more than before - pass",
			histories(steady().before(history.Dropped, 5, crosses).late(history.Completed, 50, kept).late(history.Dropped, 2, elsewhere, crosses).edit(onlyListener)),
			result.Pass, "5 of 305",
		},
		{
			"late ones, by the rate of another shutdown - pass",
			histories(steady().before(history.Dropped, 5, crosses), steady().late(history.Completed, 50, kept).late(history.Dropped, 1, elsewhere, crosses).edit(onlyListener)),
			result.Pass, "5 of 605",
		},
		{
			"an excess - fail",
			histories(steady().before(history.Dropped, 2, crosses).late(history.Completed, 20, kept).late(history.Dropped, 9, elsewhere, crosses).edit(onlyListener)),
			result.Fail, "late requests at risk",
		},
		{
			"late one, none before, but closes - pass",
			histories(steady().before(history.Completed, 1, pooled, stale).late(history.Completed, 20, kept).late(history.Refused, 40, pooled).late(history.Dropped, 1, elsewhere, crosses).edit(onlyListener)),
			result.Pass, "The server closes idle connections without Connection: close: 1 connection was found closed before the signal, and a request that meets such a close is lost; --connections fresh avoids that.",
		},
		{
			"late ones, none before - fail",
			histories(steady().late(history.Completed, 50, kept).late(history.Dropped, 2, elsewhere, crosses).edit(onlyListener)),
			result.Fail, "late requests at risk",
		},
		{
			"late ones that were not crossed - fail",
			histories(steady().before(history.Dropped, 5, crosses).late(history.Completed, 50, kept).late(history.Dropped, 1, elsewhere, cutLater).edit(onlyListener)),
			result.Fail, "late requests at risk",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", tt.histories)
			if s.Verdict != tt.want {
				t.Errorf("verdict %s, want %s: %q", s.Verdict, tt.want, s.Story)
			}
			if text := strings.Join(s.Story, " "); !strings.Contains(text, tt.says) {
				t.Errorf("%q does not say %q", text, tt.says)
			}
		})
	}
}

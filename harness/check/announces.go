package check

import (
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

func announcesCloseRule() Rule {
	return Rule{
		Name:      AnnouncesClose,
		Asks:      "the last answer on each connection, begun after the signal, says Connection: close",
		Reference: "RFC 9112 section 9.6",
		Unit:      "last answers", Breach: "did not say Connection: close",
		when: onStop, judge: announcesClose,
		normal: Level{Warn, Warn}, explain: explainer.unannounced,
	}
}

// announcesClose looks at the last whole answer on each connection. One that
// began before the signal, or within the guard after it, could not know.
func announcesClose(o *observation) (t tally) {
	last := make(map[uint32]*history.Request)
	for i := range o.Requests {
		r := &o.Requests[i]
		switch r.Outcome {
		case history.Completed, history.Rejected, history.Failed:
			if known := last[r.Conn]; known == nil || known.End < r.End {
				last[r.Conn] = r
			}
		case history.Pending, history.Refused, history.Dropped, history.Unsent:
		}
	}
	for i := range o.Requests { // in order, for evidence that can be compared
		r := &o.Requests[i]
		if last[r.Conn] != r || r.FirstByte <= o.Signal.After+o.guard || o.windows[i] == history.After {
			continue // after the exit another process answers
		}
		t.judged++
		if !r.Closes {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	return t
}

// unannounced tells of connections that close without a word.
func (t explainer) unannounced(f result.Finding) []string {
	return []string{
		prose.Sentence(f.Detail),
		"A client without this header goes on using the connection, and its next request meets the close.",
		"Answer with Connection: close from the signal on, as Go's Server.Shutdown does.",
	}
}

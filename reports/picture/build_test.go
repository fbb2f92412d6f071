package picture

import (
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// signalAt is when the signal lands in every history made by hand.
const signalAt = time.Second

// ms is a time from the signal on the shutdown's clock.
func ms(n float64) time.Duration { return signalAt + span(n) }

func span(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// shutdownOf is a shutdown of a subject with these requests, which ended 50 ms
// after the signal.
func shutdownOf(subject string, number int, requests ...history.Request) *history.History {
	h := &history.History{
		Header: history.Header{Subject: subject, Shutdown: number},
		Events: []history.Event{{Name: history.EventFirstRefused, At: ms(2)}, {Name: history.EventExit, At: ms(50)}},
		Signal: history.Signal{Name: "SIGTERM", Sent: true, Before: signalAt, After: signalAt},
		Exit:   history.Exit{Seen: true, At: ms(50)},
	}
	for i, r := range requests {
		r.Seq = uint32(i)
		h.Requests = append(h.Requests, r)
	}
	return h
}

// asked is a request that began and ended at these times, in milliseconds from the
// signal.
func asked(from, to float64, o history.Outcome) history.Request {
	r := history.Request{Outcome: o, Started: ms(from), Scheduled: ms(from), End: ms(to)}
	switch o {
	case history.Refused:
		r.Reason = history.ConnectionRefused
		return r
	case history.Unsent:
		r.Reason = history.OutOfPorts
		return r
	case history.Completed:
		r.Status = 200
	case history.Rejected:
		r.Status = 503
	case history.Failed:
		r.Status = 500
	case history.Dropped:
		r.Cause = history.Closed
	case history.Pending:
	}
	r.Connected, r.Sent, r.Written = r.Started, r.Started, true
	if r.Status != 0 {
		r.FirstByte = r.End
	}
	return r
}

func many(n int, r history.Request) []history.Request {
	all := make([]history.Request, n)
	for i := range all {
		all[i] = r
	}
	return all
}

// suiteWith names subjects and their worst shutdowns.
func suiteWith(worst map[string]int, names ...string) result.Suite {
	var s result.Suite
	for _, name := range names {
		s.Subjects = append(s.Subjects, result.Subject{Name: name, Timeline: &result.Timeline{Shutdown: worst[name]}})
	}
	return s
}

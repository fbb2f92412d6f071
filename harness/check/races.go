package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// atOnce is later than any machine needs to act on a signal.
const atOnce = 100 * time.Millisecond

// announcedAlready is for who has done what a server can do.
const announcedAlready = "The server had been answering with Connection: close for a while. Let the balancer stop sending before the server closes, " +
	"or accept it: no HTTP/1.1 server can prevent these."

// onlyRaces reports whether every late loss was unavoidable.
func (t teller) onlyRaces() bool {
	return t.every(func(o *observation) bool {
		return len(lateRequestsAnswered(o).breaches)+len(lateRequestsAnswered(o).doubts) == 0
	})
}

// races tells of late losses that no server can prevent.
func (t teller) races() []string {
	s := t.subject
	said := []string{fmt.Sprintf("%d of %s at risk %s dropped in races that no HTTP/1.1 server can win: "+
		"sent on an idle connection, or still unread in the accept queue, as the server closed it.",
		s.LateOrEdge().Dropped, plural(s.LateOrEdge().AtRisk(), "late request"), was(s.LateOrEdge().Dropped))}
	if s.Masked > 0 {
		said = append(said, fmt.Sprintf("Go's own client would have hidden %d of them by sending them again.", s.Masked))
	}
	remedy := "To drop fewer, go on serving with Connection: close for a while before Shutdown."
	switch {
	case t.announced():
		remedy = announcedAlready
	case t.staysUp():
		remedy = "To drop fewer, let the old workers send Connection: close for a while before they close their connections."
	case s.Kind != scenario.KindStrategy:
		remedy = "To drop fewer, go on serving with Connection: close for a while before you close anything."
	}
	return append(said, remedy)
}

// announced reports whether the server did what it can about the races, wherever it
// lost some: it went on serving for a while, and its answers said Connection: close.
func (t teller) announced() bool {
	return t.every(func(o *observation) bool { return o.counts(history.Late).Dropped == 0 || o.wentOnClosing() })
}

// wentOnClosing reports whether what was sent a while after the signal was still
// answered, with Connection: close. A Shutdown alone says so as well, in its last
// answers, but to nobody who has just sent.
func (o *observation) wentOnClosing() (went bool) {
	o.each(history.Late, func(r *history.Request) {
		went = went || r.Outcome == history.Completed && r.Closes && r.Sent > o.Signal.After+atOnce
	})
	return went
}

// tooMany tells of a share of late losses that is proved to be too large.
func (t teller) tooMany(f result.Finding) []string {
	remedy := "Go on serving with Connection: close for a while before you close, so that clients stop using their connections."
	if t.announced() {
		remedy = announcedAlready
	}
	return []string{sentence(f.Detail), remedy}
}

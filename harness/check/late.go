package check

import (
	"fmt"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func lateRequestsAnsweredRule() Rule {
	return Rule{
		Name: LateRequestsAnswered,
		Asks: "no late request is dropped; to refuse a connection is fine, to accept it and give no answer is not",
		Excuses: "the races that no HTTP/1.1 server can win: a request that was sent at most 10 ms (100 ms if the server had not read it) before " +
			"its connection ended, at most 10 ms from the instant at which the server closed an idle connection or its listening socket",
		Reference: "RFC 9110 section 9.2.2; RFC 9112 sections 9.3.1 and 9.5; golang/go #65802",
		Unit:      "late requests at risk", Breach: "were dropped",
		judge:  lateRequestsAnswered,
		normal: Level{Require, Warn}, explain: explainer.late,
	}
}

func lateRequestsAnswered(o *observation) (t tally) {
	o.late(func(r *history.Request) {
		switch l, lost := o.fates[r.Seq]; {
		case !lost && (r.Outcome == history.Refused || r.Outcome == history.Unsent || r.Outcome == history.Pending):
			return // not at risk
		case !lost:
		case l.fate == fateRace:
			t.excused = append(t.excused, o.proof(r))
		case l.fate == fateDoubt:
			t.doubts = append(t.doubts, o.proof(r))
		default:
			t.breaches = append(t.breaches, o.proof(r))
		}
		t.judged++
	})
	if len(t.doubts) > 0 {
		t.unsure = o.whyUnsure()
	}
	return t
}

// late tells of requests that came late and were hung up on.
func (t explainer) late(result.Finding) []string {
	s := t.subject
	remedy := "Go on serving the open connections with Connection: close, and close no connection on which a request may still be on its way."
	switch {
	case t.staysUp():
		remedy = "Let the old workers answer all requests that have reached them before they close their connections."
	case t.hungUpOpenly():
		remedy = "Close the listener first and go on serving open connections with Connection: close, or go on accepting " +
			"until the balancer sends nothing more."
	}
	what := fmt.Sprintf("%d of %s at risk got no answer%s.", s.LateOrEdge().Dropped, prose.Plural(s.LateOrEdge().AtRisk(), "late request"), t.overShutdowns())
	if waiting, since, until := t.unaccepted(); waiting > 0 && !t.staysUp() {
		return []string{
			what,
			fmt.Sprintf("No process accepted connections any more from %s after %s on. %d requests waited in the kernel's accept queue, and were dropped when %s.",
				scenario.InWords(since), t.signal(), waiting, until),
			"Close the listening socket when the last process stops accepting from it, or go on accepting until it is closed.",
		}
	}
	if t.cutOffByExit()*2 > s.LateOrEdge().Dropped {
		return append([]string{what}, t.cutByExit()...)
	}
	return []string{
		what,
		fmt.Sprintf("Their connections were accepted, or kept open, and then ended without an answer%s. This is worse than a refusal, "+
			"because a client cannot know whether to retry.", t.howLost()),
		remedy,
	}
}

// cutByExit tells of late requests that were dropped with the process.
func (t explainer) cutByExit() []string {
	s := t.subject
	if t.every(func(o *observation) bool { return o.Exit.Killed }) {
		if untold, remedy := t.untold(t.intact); untold != "" {
			return []string{fmt.Sprintf("%s SIGKILL ended it when its grace period of %s was over, and dropped them.", untold, scenario.InWords(t.scenario.Disruption.Grace.Duration)), remedy}
		}
	}
	exit := time.Duration(s.ExitSeconds.Median * float64(time.Second))
	if until := t.answeredUntil(); until <= atOnce {
		served := "No request that was sent after the signal was answered"
		if until > 0 {
			served = fmt.Sprintf("No request that was sent later than %s after the signal was answered", scenario.InWords(until))
		}
		return []string{
			fmt.Sprintf("%s. The process ended with %s, %s after the signal, and its end dropped them%s.", served, describeExits(s.Exits), scenario.InWords(exit), t.howLost()),
			"Answer all accepted requests, and refuse the rest: close the listening socket, and send Connection: close with each answer after the signal.",
		}
	}
	return []string{
		fmt.Sprintf("The process went on serving open connections, and then ended with %s, %s after the signal, in the middle of their work.",
			describeExits(s.Exits), scenario.InWords(exit)),
		"Stop taking new work first: send Connection: close with each answer after the signal, and exit when the last request is answered, not after a fixed time.",
	}
}

// hungUpOpenly reports whether a new connection was accepted and hung up on, and
// the listener was still open afterwards.
func (t explainer) hungUpOpenly() bool {
	return slices.ContainsFunc(t.intact, func(o *observation) (open bool) {
		o.each(history.Late, func(r *history.Request) {
			open = open || r.Outcome == history.Dropped && !r.Reused && o.fates[r.Seq].fate == fateBreach && r.End < o.closing
		})
		return open
	})
}

// withExit is how close to the exit a connection must have ended to have ended with
// it.
const withExit = 50 * time.Millisecond

// cutOffByExit counts the late losses whose connection ended with the process.
func (t explainer) cutOffByExit() int {
	n := 0
	for _, o := range t.intact {
		o.each(history.Late, func(r *history.Request) {
			apart := r.End - o.Exit.At
			if r.Outcome == history.Dropped && o.Exit.Seen && o.Exit.At-o.Signal.Before > withExit && max(apart, -apart) <= withExit {
				n++
			}
		})
	}
	return n
}

// answeredUntil is how long after the signal the last of those requests was sent that
// were sent after it and answered; 0 if none was.
func (t explainer) answeredUntil() (last time.Duration) {
	for _, o := range t.intact {
		o.late(func(r *history.Request) {
			switch r.Outcome {
			case history.Completed, history.Rejected, history.Failed:
				last = max(last, r.Sent-o.Signal.Before)
			case history.Pending, history.Refused, history.Dropped, history.Unsent:
			}
		})
	}
	return last
}

// Where fewer wait, or for less time, a server may have been about to accept them.
const (
	manyUnaccepted = 3
	longUnaccepted = 50 * time.Millisecond
)

// unaccepted is how many connections waited in the accept queue to the end, and since
// when after the signal no process accepted one, in the shutdown in which most did;
// 0 if that does not explain most of the losses.
func (t explainer) unaccepted() (waiting int, since time.Duration, until string) {
	lost, explained := 0, 0
	for _, o := range t.intact {
		b := o.Backlog
		seen := b.Waiting >= manyUnaccepted && b.Until-b.Since >= longUnaccepted
		for i := range o.Requests {
			r := &o.Requests[i]
			if l, is := o.fates[r.Seq]; !is || l.fate == fateRace {
				continue
			} else if lost++; seen && l.kind == lossLeftUnread && r.Connected >= b.Since {
				explained++
			}
		}
		if seen && b.Waiting > waiting {
			waiting, since, until = b.Waiting, max(b.Since-o.Signal.Before, 0), "the listening socket was closed"
			if o.Exit.Seen && o.Exit.At-b.Until <= withExit {
				until = fmt.Sprintf("the process ended with %s", describeExits(countExit(nil, o.Exit)))
			}
			until += fmt.Sprintf(", %s after the signal", scenario.InWords(b.Until-o.Signal.Before))
		}
	}
	if 2*explained <= lost {
		return 0, 0, ""
	}
	return waiting, since, until
}

// howLost says what the process was seen to do with late requests that it lost, "" if
// the kernel was no witness.
func (t explainer) howLost() string {
	kinds := make(map[kind]int)
	held := time.Duration(0)
	for _, o := range t.intact {
		for seq, l := range o.fates {
			switch {
			case l.fate == fateRace:
			case !o.Kernel.Asked && o.entries[seq].Received == 0:
				return ""
			default:
				if kinds[l.kind]++; l.kind == lossInHand {
					held = max(held, l.held)
				}
			}
		}
	}
	inHand := "that the process was working on"
	if held >= time.Millisecond {
		inHand += " for up to " + scenario.InWords(held)
	}
	return " (" + prose.List(
		prose.Of(kinds[lossInHand], inHand),
		prose.Of(kinds[lossHungUp], "that the process had read"),
		prose.Of(kinds[lossLeftUnread], "that no process had read"),
		prose.Of(kinds[lossAnswered], "whose answer had begun"),
		prose.Of(kinds[lossWaiting], "that waited until the deadline"),
		prose.Of(kinds[lossGreeted], "whose TLS handshake was cut off"),
	) + ")"
}

// atOnce is later than any machine needs to act on a signal.
const atOnce = 100 * time.Millisecond

// announcedAlready is for who has done what a server can do.
const announcedAlready = "The server had been answering with Connection: close for a while. Let the balancer stop sending before the server closes, " +
	"or accept it: no HTTP/1.1 server can prevent these."

// onlyRaces reports whether every late loss was unavoidable.
func (t explainer) onlyRaces() bool {
	return t.every(func(o *observation) bool {
		return len(lateRequestsAnswered(o).breaches)+len(lateRequestsAnswered(o).doubts) == 0
	})
}

// races tells of late losses that no server can prevent.
func (t explainer) races() []string {
	s := t.subject
	said := []string{fmt.Sprintf("%d of %s at risk %s dropped in races that no HTTP/1.1 server can win: "+
		"sent on an idle connection, or still unread in the accept queue, as the server closed it.",
		s.LateOrEdge().Dropped, prose.Plural(s.LateOrEdge().AtRisk(), "late request"), prose.Was(s.LateOrEdge().Dropped))}
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
func (t explainer) announced() bool {
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

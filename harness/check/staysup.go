package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

func staysUpRule() Rule {
	return Rule{
		Name:      StaysUp,
		Asks:      "no late request is refused or rejected, and the process or a successor lives on, while the command runs and afterwards",
		Excuses:   "a WebSocket connection or event stream that the server ended with a close frame or a last chunk",
		Reference: "nginx, Controlling nginx (reload); systemd.service(5), ExecReload",
		Unit:      "requests", Breach: "were refused or rejected",
		when: whileWorking, judge: staysUp,
		normal: Level{Require, Warn}, explain: explainer.interruption,
	}
}

// staysUp takes it for a breach that a request which came late was refused or turned
// away: there is no other server. One in flight is the matter of another rule.
func staysUp(o *observation) (t tally) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if !o.windows[i].Exposed() || r.Outcome == history.Unsent || r.Outcome == history.Pending {
			continue // nothing can be concluded from it
		}
		t.judged++
		if r.Outcome == history.Refused || r.Outcome == history.Rejected && o.windows[i] != history.InFlight {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	if o.Exit.Seen && !o.Left.PortTaken { // one that handed over to a successor is not missed
		t.other = append(t.other, o.proofOfShutdown())
		t.said = "the process ended, and no process listens in its place"
	}
	if ended := o.endedByOperation(); len(ended) > 0 {
		t.excused = slices.Repeat([]result.Evidence{o.proofOfShutdown()}, len(ended))
		if t.said == "" {
			t.said = describeEnded(ended) + " " + prose.Was(len(ended)) + " ended"
		}
	}
	return t
}

// interruption tells of an operation during which the server was not there.
func (t explainer) interruption(result.Finding) []string {
	s := t.subject
	refused, hungUp := s.InFlight.Refused+s.Late.Refused, s.InFlight.Dropped+s.LateOrEdge().Dropped
	var said []string
	if refused > 0 {
		said = append(said, fmt.Sprintf("While %s ran, and until the load ended, %s %s refused%s: no process was listening.",
			t.command(), prose.Count(refused, "request"), prose.Was(refused), t.overShutdowns()))
	}
	said = append(said, t.turnedAway()...)
	said = append(said, t.endedParked()...)
	if t.vanished() {
		ended := fmt.Sprintf("The process ended with %s, and no process listened in its place", describeExits(s.Exits))
		if refused == 0 {
			ended = fmt.Sprintf("While %s ran, or soon after, the process ended with %s, and no process listened in its place", t.command(), describeExits(s.Exits))
		}
		if hungUp > 0 {
			ended += fmt.Sprintf(", and %s %s dropped", prose.Count(hungUp, "request"), prose.Was(hungUp))
		}
		return append(said, ended+".",
			"Let one process keep the listening socket and replace only the processes behind it, or let a new process take over the socket before the old one ends.")
	}
	if refused == 0 {
		return append(said, "Let the old processes serve until the new ones are ready: a server that stays up rejects no request.")
	}
	return append(said, "Open the new listening socket before the old one is closed, or hand it over: the port must never be without a listener.")
}

// turnedAway tells of late requests that were declined although there was nobody else
// to go to: how many, and with which status.
func (t explainer) turnedAway() []string {
	n, statuses := 0, make(map[uint16]bool)
	for _, o := range t.intact {
		for i := range o.Requests {
			if r := &o.Requests[i]; r.Outcome == history.Rejected && o.windows[i].Exposed() && o.windows[i] != history.InFlight {
				n++
				statuses[r.Status] = true
			}
		}
	}
	if n == 0 {
		return nil
	}
	var with []string
	for _, status := range slices.Sorted(maps.Keys(statuses)) {
		with = append(with, fmt.Sprint(status))
	}
	return []string{fmt.Sprintf("While %s ran, and until the load ended, %s %s rejected with %s%s.",
		t.command(), prose.Count(n, "request"), prose.Was(n), strings.Join(with, " and "), t.overShutdowns())}
}

// vanished reports whether the process ended in some shutdown without leaving its
// port to a successor.
func (t explainer) vanished() bool {
	return slices.ContainsFunc(t.subject.Details, func(d result.Detail) bool { return d.Exit.Count > 0 && !d.Left.PortTaken })
}

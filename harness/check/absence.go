package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// tooEarly tells of a server that was gone while a balancer still sent.
func (t teller) tooEarly(f result.Finding) []string {
	lag := scenario.InWords(t.scenario.Disruption.Lag.Duration)
	c := t.duringLag()
	what := fmt.Sprintf("A load balancer goes on sending requests for %s after %s, and %d of %d %s not completed%s: %s.",
		lag, t.signal(), f.Count, f.Judged, was(f.Count), t.overShutdowns(), describeLosses(c))
	var why string
	switch {
	case c.Refused >= c.Dropped && c.Refused >= c.Rejected && c.Refused >= c.Failed:
		why = fmt.Sprintf("The server stopped listening too early: it refused the first request %s after the signal%s. "+
			"Behind a balancer each refusal is an error that a user sees.", scenario.InWords(t.firstRefusal()), asGoDoes(t.firstRefusal()))
	case c.Rejected >= c.Dropped && c.Rejected >= c.Failed:
		why = "The server rejected them with 503 or 429. Behind a balancer each rejection is an error that a user sees."
	default:
		why = "The server accepted their connections, but did not answer them."
	}
	return []string{
		what, why,
		fmt.Sprintf("Go on accepting and serving for longer than the balancer takes (here %s), with a failing readiness check and Connection: close; "+
			"shut down only then (`lastcall explain drain` shows it). If you cannot change the server, delay the signal by the "+
			"same time: in Kubernetes, with a preStop hook that sleeps.", lag),
	}
}

// asGoDoes names the usual reason for a listener that closes with the signal.
func asGoDoes(after time.Duration) string {
	if after > atOnce {
		return ""
	}
	return " (closing the listener is what Go's Server.Shutdown does first)"
}

// duringLag counts what became of the requests that were sent during the lag.
func (t teller) duringLag() (c history.Counts) {
	for _, o := range t.intact {
		o.duringLag(func(r *history.Request) { c.Add(r.Outcome) })
	}
	return c
}

// firstRefusal is how soon after the signal a request was refused in any shutdown.
func (t teller) firstRefusal() time.Duration {
	first := time.Duration(-1)
	for _, o := range t.intact {
		o.duringLag(func(r *history.Request) {
			if after := r.Started - o.Signal.Before; r.Outcome == history.Refused && (first < 0 || after < first) {
				first = after
			}
		})
	}
	return first
}

// interruption tells of an operation during which the server was not there.
func (t teller) interruption(result.Finding) []string {
	s := t.subject
	refused, hungUp := s.InFlight.Refused+s.Late.Refused, s.InFlight.Dropped+s.LateOrEdge().Dropped
	var said []string
	if refused > 0 {
		said = append(said, fmt.Sprintf("While %s ran, and until the load ended, %s %s refused%s: no process was listening.",
			t.command(), count(refused, "request"), was(refused), t.overShutdowns()))
	}
	said = append(said, t.turnedAway()...)
	said = append(said, t.endedParked()...)
	if t.vanished() {
		ended := fmt.Sprintf("The process ended with %s, and no process listened in its place", describeExits(s.Exits))
		if refused == 0 {
			ended = fmt.Sprintf("While %s ran, or soon after, the process ended with %s, and no process listened in its place", t.command(), describeExits(s.Exits))
		}
		if hungUp > 0 {
			ended += fmt.Sprintf(", and %s %s dropped", count(hungUp, "request"), was(hungUp))
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
func (t teller) turnedAway() []string {
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
		t.command(), count(n, "request"), was(n), strings.Join(with, " and "), t.overShutdowns())}
}

// vanished reports whether the process ended in some shutdown without leaving its
// port to a successor.
func (t teller) vanished() bool {
	return slices.ContainsFunc(t.subject.Details, func(d result.Detail) bool { return d.Exit.Count > 0 && !d.Left.PortTaken })
}

// readyForNobody tells of a readiness check that lied.
func (t teller) readyForNobody(f result.Finding) []string {
	return []string{
		sentence(f.Detail),
		"A load balancer that uses the readiness check goes on sending requests to a server that refuses them.",
		"Answer the readiness check with 503 as soon as the signal arrives, and close the listener later.",
	}
}

// unannounced tells of connections that close without a word.
func (t teller) unannounced(f result.Finding) []string {
	return []string{
		sentence(f.Detail),
		"A client without this header goes on using the connection, and its next request meets the close.",
		"Answer with Connection: close from the signal on, as Go's Server.Shutdown does.",
	}
}

// overdue tells of a process that had to be killed.
func (t teller) overdue(f result.Finding) []string {
	if f.Count = t.killed(); f.Count == 0 {
		return t.heldExit()
	}
	what := fmt.Sprintf("The process was still running at the end of its grace period of %s, and was killed%s.",
		scenario.InWords(t.scenario.Disruption.Grace.Duration), t.ofShutdowns(f))
	if n := t.startedAnyway(); n > 0 {
		return []string{
			what,
			fmt.Sprintf("%s was not ready yet when %s arrived, and started all the same: it forgot the signal.",
				itself(n, f.Count), t.signal()),
			"Do not begin to serve after the signal: check for the signal before you listen, and let Serve return at once if Shutdown " +
				"was called before (http.ErrServerClosed in Go).",
		}
	}
	if n, o := t.servedOn(); n > 0 {
		return append([]string{what}, t.stayedForThem(n, o)...)
	}
	return append([]string{what}, t.whyOverdue()...)
}

// whyOverdue tells what was seen of a process that did not end by itself, in the
// shutdowns in which it had to be killed, and what helps.
func (t teller) whyOverdue() []string {
	var killed []*observation
	for _, o := range t.intact {
		if o.Exit.Killed {
			killed = append(killed, o)
		}
	}
	why, remedy := t.untold(killed)
	if why != "" {
		return []string{why, remedy}
	}
	if h := handlingOf(killed); h == handlingCatch || h == handlingRuntime { // the runtime alone would have ended it
		why = fmt.Sprintf("The process catches %s, and did not end by itself.", t.signal())
	}
	open := mostOpen(killed)
	if n := open.total(); n > 0 {
		why = join(" ", why, sentence(fmt.Sprintf("%s %s open to the end", open, was(n))))
	}
	remedy = sentence(cmp.Or(open.letGo(), "give each wait during the stop a limit that is shorter than the grace period"))
	if why == "" {
		return []string{remedy}
	}
	return []string{why, remedy}
}

// killed is in how many shutdowns the process had to be killed.
func (t teller) killed() (n int) {
	for _, o := range t.intact {
		if o.Exit.Killed {
			n++
		}
	}
	return n
}

// badStatus tells of a process that looks as if it had crashed.
func (t teller) badStatus(f result.Finding) []string {
	var bad, fine []result.Exit // what is excused is no reason for the verdict
	violated, excused := 0, 0
	for _, o := range t.intact {
		switch found := exitStatus(o); {
		case found.count() == 0:
		case len(found.breaches) > 0 || o.policy.Levels[ExitStatus].Excused == Require:
			violated++
			bad = countExit(bad, o.Exit)
		default:
			excused++
			fine = countExit(fine, o.Exit)
		}
	}
	f.Count = violated
	what := fmt.Sprintf("The process ended with %s%s", describeExits(bad), t.ofShutdowns(f))
	if excused > 0 {
		what += fmt.Sprintf("; in %d more it ended with %s, which is excused", excused, describeExits(fine))
	}
	return []string{
		what + ".",
		"A supervisor takes this for a crash: it may restart the process, or count the deployment as failed.",
		"Let main return normally after the drain; in Go, http.ErrServerClosed is not a failure.",
	}
}

// survivors tells what outlived the process.
func (t teller) survivors(f result.Finding) []string {
	consequence := "A container kills the rest together with process 1, in the middle of its work; outside a container these processes are never stopped."
	for _, o := range t.intact {
		if o.Left.PortTaken {
			consequence = "A container kills the rest together with process 1, in the middle of its work; outside a container they keep the port, " +
				"and the next start fails with \"address already in use\"."
			break
		}
	}
	return []string{
		sentence(f.Detail), consequence,
		"Let the process end its children and wait for them before it exits itself.",
	}
}

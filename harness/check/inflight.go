package check

import (
	"cmp"
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func inFlightCompletesRule() Rule {
	return Rule{
		Name:      InFlightCompletes,
		Asks:      "every request in flight at the signal is completed",
		Reference: "Go net/http Server.Shutdown; RFC 9112 section 9.6",
		Unit:      "requests in flight", Breach: "were not completed",
		judge:  inFlightCompletes,
		normal: Level{Require, Require}, explain: explainer.inFlight,
	}
}

func inFlightCompletes(o *observation) (t tally) {
	o.each(history.InFlight, func(r *history.Request) {
		t.judged++
		switch {
		case r.Outcome == history.Completed:
		case o.cutBeforeItBegan(r):
			t.doubts = append(t.doubts, o.proof(r))
		default:
			t.breaches = append(t.breaches, o.proof(r))
		}
	})
	return t
}

// inFlight tells of requests that the server had, and did not complete.
func (t explainer) inFlight(result.Finding) []string {
	c := t.subject.InFlight
	if u := t.unlikeIn(history.InFlight); u.n > 0 && u.n >= c.Dropped && u.n >= c.Rejected && u.n*2 >= c.Failed {
		return t.abandoned(c, u)
	}
	who := t.signal()
	if t.staysUp() {
		who = "The command " + t.command()
	}
	what := fmt.Sprintf("%s found %s in flight%s: %s.", who, prose.Count(c.Total, "request"), t.overShutdowns(), describeInFlight(c))
	var why []string
	switch {
	case t.staysUp():
		why = t.cutOffByCommand()
	case c.Dropped >= c.Rejected && c.Dropped >= c.Failed:
		why = t.dropped(c.Dropped)
	case c.Rejected >= c.Failed:
		why = t.gaveUp()
	case t.behindFront():
		why = []string{
			"The front answers that when the command ends a connection before it has answered, or does not accept one.",
			"Let the command answer its requests before it exits. Start its successor before it stops, or let the front wait for one.",
		}
	default:
		why = []string{
			t.saidWrong(history.InFlight, history.Failed),
			"Close the store, and everything else that handlers use, only after the last handler has returned. If nothing was closed too early, look into the server's log.",
		}
	}
	return append([]string{what}, why...)
}

// behindFront reports whether a front was asked, and relayed to the command.
func (t explainer) behindFront() bool {
	return t.every(func(o *observation) bool { return o.Delivery.Front != "" })
}

// cutOffByCommand tells of a reload that did not wait.
func (t explainer) cutOffByCommand() []string {
	remedy := "Let the old workers complete their requests before they end; only new requests should go to the new workers."
	c := t.cuts(history.InFlight)
	if c.n == 0 {
		return []string{remedy}
	}
	return []string{fmt.Sprintf("Their connections ended %s.", c.when("the command's beginning")), remedy}
}

// dropped tells why requests in flight got no whole answer, as far as that was seen.
func (t explainer) dropped(dropped int) []string {
	exit := time.Duration(t.subject.ExitSeconds.Median * float64(time.Second))
	c := t.cuts(history.InFlight)
	switch {
	case t.hungInFlight()*2 > dropped:
		return []string{
			fmt.Sprintf("Most of them waited in vain until their deadline of %s: the server neither answered them nor closed their connections.",
				t.scenario.Load.Timeout),
			"Bound the work of a request, and the drain, to less than the grace period.",
		}
	case t.signal() == "SIGKILL":
		return []string{
			"No process can handle SIGKILL: the kernel ends it at once, and its connections with it.",
			"Use a signal that the server can handle (--signal SIGTERM). SIGKILL is the control that must fail.",
		}
	case handlingOf(c.in) == handlingNone && c.every(endedByIt) && !c.every(diedOfAnother): // how late its end was heard of does not matter
		return t.diedOfIt(c, exit)
	case c.early():
		return t.droppedEarly(c)
	case c.every(func(o *observation) bool { return o.Exit.Killed }):
		what := fmt.Sprintf("The process was still running when its grace period of %s was over, and SIGKILL cut them off.", scenario.InWords(t.scenario.Disruption.Grace.Duration))
		untold, remedy := t.untold(c.in)
		return []string{join(" ", untold, what), cmp.Or(remedy, "Bound the work of a request, and the drain, to less than the grace period.")}
	case c.every(diedOfAnother):
		return []string{
			fmt.Sprintf("A second signal ended the process in the middle of their work, %s after the first.", scenario.InWords(exit)),
			"Go on handling signals until the drain is over; in Go, call neither signal.Reset nor the stop function of " +
				"signal.NotifyContext before Server.Shutdown has returned.",
		}
	case c.every(endedByIt):
		return t.diedOfIt(c, exit)
	}
	return []string{
		fmt.Sprintf("The process ended with %s, %s after the signal, while they were still being served.",
			describeExits(t.subject.Exits), scenario.InWords(exit)),
		t.otherSignal("Exit only when the last of them is answered (in Go, when Server.Shutdown has returned), and allow more time than the slowest request takes."),
	}
}

// endedByIt reports whether the signal itself ended the process.
func endedByIt(o *observation) bool { return o.Exit.Signal == o.Signal.Name && !o.Exit.Killed }

// diedOfIt tells of a process that ended by the signal itself, and dropped what it had
// with its end.
func (t explainer) diedOfIt(c cuts, exit time.Duration) []string {
	signal := t.signal()
	by := handlingOf(c.in)
	if by == handlingRuntime && t.subject.Kind == scenario.KindStrategy {
		by = handlingNone // its source says so
	}
	if by == handlingRuntime && c.beforeExit() {
		by = handlingCatch // what it did before it ended shows it
	}
	switch by {
	case handlingNone:
		return []string{
			fmt.Sprintf("Nothing in the process handles %s, so the kernel ended it in the middle of their work, %s later.", signal, scenario.InWords(exit)),
			t.catchIt(),
		}
	case handlingRuntime:
		return []string{
			fmt.Sprintf("%s ended the process in the middle of their work, %s later. Probably nothing in the process handles %[1]s. Its runtime catches every signal, so this is not certain.", signal, scenario.InWords(exit)),
			t.catchIt(),
		}
	case handlingCatch:
		return []string{
			fmt.Sprintf("The process catches %s: it dropped them %s, and ended by the same signal, %s after it came.", signal, c.when("it"), scenario.InWords(exit)),
			t.otherSignal("Answer the requests in flight before the process raises the signal again, and before it closes connections."),
		}
	case handlingIgnore, handlingBlock, handlingUnknown:
	}
	what := fmt.Sprintf("%s ended the process in the middle of their work, %s later.", signal, scenario.InWords(exit))
	return []string{join(" ", t.disregards(c.in), what), t.catchIt()}
}

// droppedEarly tells of requests that were dropped while the process went on: its end
// is not why.
func (t explainer) droppedEarly(c cuts) []string {
	what := fmt.Sprintf("%s were dropped %s", c.who(), c.when(t.signal()))
	remedy := "Close no connection with a request on it: close the listening socket and idle connections, answer the requests in flight, and only then exit."
	byIt := c.every(endedByIt)
	switch handled := handlingOf(c.in); {
	case c.every(func(o *observation) bool { return o.Exit.Killed }):
		untold, other := t.untold(c.in)
		return []string{
			fmt.Sprintf("%s SIGKILL ended it only when its grace period of %s was over.", join(" ", what+".", untold), scenario.InWords(t.scenario.Disruption.Grace.Duration)),
			cmp.Or(other, remedy),
		}
	case byIt && (handled == handlingCatch || handled == handlingRuntime): // the runtime alone would have ended it at once
		what = fmt.Sprintf("The process catches %s. %s; the process went on for %s after that, and ended by the same signal.", t.signal(), what, scenario.InWords(c.lingered))
	case byIt:
		what = fmt.Sprintf("%s; the process went on for %s after that, and ended by %s.", what, scenario.InWords(c.lingered), t.signal())
	case c.lingered < 0:
		what = fmt.Sprintf("%s. The command itself had ended before that with %s: another process, which it had started, dropped them.", what, describeExits(t.subject.Exits))
		remedy = "Let the command end only after the processes that it has started, and let each of them answer its requests before it ends."
	default:
		what = fmt.Sprintf("%s; the process lingered for %s after that, and ended with %s.", what, scenario.InWords(c.lingered), describeExits(t.subject.Exits))
	}
	return []string{what, t.otherSignal(remedy)}
}

// diedOfAnother reports whether a further signal of a sequence ended the process.
func diedOfAnother(o *observation) bool {
	for _, a := range o.Signal.Again {
		if o.Exit.Signal == a.Name && o.Exit.At >= a.At {
			return true
		}
	}
	return false
}

func (t explainer) hungInFlight() int {
	n := 0
	for _, o := range t.intact {
		o.each(history.InFlight, func(r *history.Request) {
			if r.Cause == history.Hung {
				n++
			}
		})
	}
	return n
}

func (t explainer) catchIt() string {
	if t.subject.Kind == scenario.KindStrategy {
		return "Catch the signal with signal.Notify and call Server.Shutdown, which waits for the requests in flight " +
			"(`lastcall explain signal-notify` shows it)."
	}
	if own, known := t.ownStop(); known {
		return own.says()
	}
	return "Catch the signal, stop accepting, answer the requests in flight, and only then exit; in Go that is signal.Notify and " +
		"Server.Shutdown (`lastcall explain signal-notify` shows it)."
}

// gaveUp tells of requests in flight that were turned away.
func (t explainer) gaveUp() []string {
	if t.subject.Kind == scenario.KindStrategy {
		return []string{
			"The signal cancelled the context of their handlers, so the handlers gave up.",
			"Let the signal start Server.Shutdown and nothing else; a request's context should end with its own client " +
				"or deadline (`lastcall explain signal-notify` shows it).",
		}
	}
	return []string{
		t.saidWrong(history.InFlight, history.Rejected),
		"Reject new requests if necessary, but complete the requests that have begun; in Go, let the signal start Server.Shutdown and nothing else " +
			"(`lastcall explain signal-notify` shows it).",
	}
}

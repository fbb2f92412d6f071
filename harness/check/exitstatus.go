package check

import (
	"fmt"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

func exitStatusRule() Rule {
	return Rule{
		Name:      ExitStatus,
		Asks:      "the process exits with code 0, or another that the policy allows",
		Excuses:   "128 plus the signal's number, or death by the very signal sent",
		Reference: "POSIX exit(3); systemd.service(5), SuccessExitStatus",
		Unit:      "shutdowns", Breach: "did not exit with a clean code",
		when: onStop, judge: exitStatus,
		normal: Level{Require, Warn}, explain: explainer.badStatus,
	}
}

// exitStatus leaves a killed process to exitsInGrace: its status is our doing.
func exitStatus(o *observation) (t tally) {
	if o.Exit.Killed {
		return t
	}
	t.judged = 1
	died, left := o.Exit.Signal != "", o.Exit.Signal == ""
	bySignal := died && o.Signal.Includes(o.Exit.Signal)
	byCode := left && o.Signal.IncludesNumber(o.Exit.Code-128)
	switch {
	case left && (o.Exit.Code == 0 || slices.Contains(o.policy.ExitCodes, o.Exit.Code)):
		return t
	case bySignal && o.policy.DiesClean && slices.Contains(cleanDeaths, o.Exit.Signal):
		return t
	case bySignal || byCode:
		t.excused = append(t.excused, o.proofOfShutdown())
	default:
		t.breaches = append(t.breaches, o.proofOfShutdown())
	}
	t.said = "it ended with " + describeExits([]result.Exit{resultExit(o.Exit)})
	return t
}

// cleanDeaths are the signals death by which can be a clean end, as
// systemd.service(5) has it. Nobody can catch SIGKILL, and SIGQUIT asks for a
// core dump.
var cleanDeaths = []string{"SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"}

// badStatus tells of a process that looks as if it had crashed.
func (t explainer) badStatus(f result.Finding) []string {
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

// startedAnyway is in how many shutdowns the process got ready after the signal
// and had to be killed.
func (t explainer) startedAnyway() (n int) {
	for _, o := range t.intact {
		if ready, ok := o.At(history.EventReady); ok && o.Exit.Killed && ready > o.Signal.Before {
			n++
		}
	}
	return n
}

// untouched tells of a process without load that died of the signal itself. That
// it did so under load would be another matter.
func (t explainer) untouched(f result.Finding) []string {
	died, unready := 0, 0
	for _, o := range t.intact {
		if len(exitStatus(o).excused) == 0 {
			continue
		}
		if !o.diedOfIt() {
			return []string{prose.Sentence(f.Detail)}
		}
		died++
		if !o.wasReady() {
			unready++
		}
	}
	where := fmt.Sprintf(", in %d of %s", died, prose.Plural(len(t.intact), "shutdown"))
	what := fmt.Sprintf("Nothing in the process handled %s, so its default action ended the process at once%s.", t.signal(), where)
	switch handlingOf(t.intact) {
	case handlingNone:
	case handlingCatch:
		what = fmt.Sprintf("The process catches %s, and then ended by the same signal%s.", t.signal(), where)
	case handlingRuntime:
		what = fmt.Sprintf("%s ended the process%s. Probably nothing in the process handles %[1]s. Its runtime catches every signal, so this is not certain.", t.signal(), where)
	case handlingUnknown, handlingIgnore, handlingBlock:
		what = fmt.Sprintf("%s ended the process%s.", t.signal(), where)
	}
	if unready == died {
		what = fmt.Sprintf("%s arrived before the process handled it, so its default action ended the start at once%s.", t.signal(), where)
	}
	return []string{what, "The process had no request yet, so none was lost. But a supervisor may take this for a crash."}
}

// wasReady reports whether the server was ready when the signal came.
func (o *observation) wasReady() bool {
	ready, ok := o.At(history.EventReady)
	return ok && ready <= o.Signal.Before
}

// diedOfIt reports whether the signal itself ended the process. Of one that was
// not ready yet a code of 128 plus the signal's number says the same: that is how
// a shell in between tells of such a death.
func (o *observation) diedOfIt() bool {
	if o.Exit.Signal != "" {
		return o.Signal.Includes(o.Exit.Signal)
	}
	return !o.wasReady() && o.Signal.IncludesNumber(o.Exit.Code-128)
}

// unready asks that the server was ready in one shutdown at least when the signal
// came. Where it never was, nobody has seen whether it can be, and what ended may
// not have been the server at all.
func unready(intact []*observation) []result.Finding {
	evidence := []result.Evidence{}
	died := true
	for _, o := range intact {
		if !o.unloaded() || o.wasReady() {
			return nil
		}
		died = died && o.diedOfIt()
		evidence = append(evidence, o.proofOfShutdown())
	}
	if len(intact) == 0 {
		return nil
	}
	detail := fmt.Sprintf("in no shutdown was the server ready when %s arrived, so its own way to stop was not tested", intact[0].Signal.Name)
	if died {
		detail = fmt.Sprintf("in every shutdown %s ended the process before it was ready, so its own way to stop was not tested", intact[0].Signal.Name)
	}
	return []result.Finding{{
		Rule: Sample, Status: result.Unjudged, Count: len(evidence), Judged: len(intact),
		Expected: "a server that was ready when the signal arrived, in at least one shutdown",
		Detail:   detail + ": repeat it more often (--shutdowns), or let the signal wait until the server is ready (disruption.when: ready)",
		Evidence: evidence, Reference: "every verdict is earned",
	}}
}

// itself is a process that ended badly in so many of several shutdowns.
func itself(n, of int) string {
	if of == 1 {
		return "It"
	}
	return fmt.Sprintf("In %d of these it", n)
}

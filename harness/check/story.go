package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// story tells in two or three plain sentences what happened to whom, why, and
// which change would save them, which is the remedy. A subject that passes without
// a warning has none, and only a failure has a remedy.
func story(s result.Subject, sc scenario.Scenario, intact []*observation) (told []string, remedy string) {
	t := explainer{subject: s, scenario: sc, intact: intact}
	switch s.Verdict {
	case result.Fail:
		return t.failure()
	case result.Inconclusive:
		return t.doubt(), ""
	case result.Pass:
		return t.warnings(), ""
	}
	return []string{}, ""
}

type explainer struct {
	subject  result.Subject
	scenario scenario.Scenario
	intact   []*observation
}

// failure tells of the first rule violated: the others mostly follow from it.
// Then it tells what the verdict does not rest on.
func (t explainer) failure() (said []string, remedy string) {
	for _, f := range t.subject.Findings {
		if f.Status == result.Violated {
			told := t.told(f)
			if len(told) > 1 { // every explanation ends with what helps
				remedy = told[len(told)-1]
			}
			return slices.Concat(told, t.alsoLost(f), t.besides(f), t.cutShort(), t.unearned(), t.setAside()), remedy
		}
	}
	return []string{}, ""
}

// alsoLost tells of writes that were acknowledged and are gone, where something
// else is told of first: that does not follow from anything else, and those to
// whom it happened do not know it.
func (t explainer) alsoLost(first result.Finding) []string {
	for _, f := range t.subject.Findings {
		if f.Rule == NoLostAck && f.Status == result.Violated && first.Rule != NoLostAck {
			return []string{prose.Sentence(f.Detail)}
		}
	}
	return nil
}

// told tells of one violated rule: what was seen, why, and what helps.
func (t explainer) told(f result.Finding) []string {
	if f.Rule == MaxLoss {
		return t.tooMany(f)
	}
	for _, r := range Rules() {
		if r.Name == f.Rule {
			return r.explain(t, f)
		}
	}
	return []string{prose.Sentence(f.Detail)}
}

// unearned tells, of a failure, why a pass would not have been earned.
func (t explainer) unearned() []string {
	if said := BrokenOff(t.subject); said != "" {
		return []string{prose.Sentence(said)}
	}
	for _, o := range t.intact {
		for _, p := range o.problems {
			return []string{prose.Sentence(o.said(p))}
		}
	}
	return nil
}

// setAside names the shutdowns that the verdict does not rest on, and says why. A
// reason that is the same in several is told once.
func (t explainer) setAside() []string {
	n := t.subject.Shutdowns - t.subject.ShutdownsIntact
	if n == 0 {
		return nil
	}
	reasons := t.reasonsAside()
	const most = 2
	more := ""
	if len(reasons) > most {
		more = fmt.Sprintf("; and %s, which --report json lists", prose.Count(len(reasons)-most, "more reason"))
		reasons = reasons[:most]
	}
	return []string{prose.Sentence(fmt.Sprintf("%d of %s could not be judged and %s left out: %s%s",
		n, prose.Plural(t.subject.Shutdowns, "shutdown"), prose.Was(n), strings.Join(reasons, "; "), more))}
}

// reasonsAside are the reasons for which shutdowns were set aside, each once.
func (t explainer) reasonsAside() (reasons []string) {
	for _, f := range t.subject.Findings {
		if f.Rule != Integrity || len(f.Evidence) == 0 || t.isIntact(f.Evidence[0].Shutdown) {
			continue
		}
		if reason := strings.TrimPrefix(f.Detail, inShutdown(f.Evidence[0].Shutdown)); !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

func (t explainer) isIntact(shutdown int) bool {
	return slices.ContainsFunc(t.intact, func(o *observation) bool { return o.Header.Shutdown == shutdown })
}

// warnings tells what a pass does not hide.
func (t explainer) warnings() []string {
	said := []string{}
	for _, f := range t.subject.Findings {
		switch {
		case f.Status != result.Warned:
		case f.Rule == LateRequestsAnswered && t.onlyRaces():
			said = append(said, t.races()...)
		case f.Rule == LateRequestsAnswered:
			said = append(said, t.late(f)...)
		case f.Rule == ExitsInGrace:
			said = append(said, t.heldExit()...)
		case f.Rule == StaysUp:
			said = append(said, t.endedParked()...)
		case f.Rule == ExitStatus && t.scenario.Disruption.Unloaded():
			said = append(said, t.untouched(f)...)
		default:
			said = append(said, prose.Sentence(f.Detail))
		}
	}
	return said
}

// signal is the one that came first.
func (t explainer) signal() string {
	first, _, _ := strings.Cut(t.scenario.Disruption.Signal, ",")
	return strings.TrimSpace(first)
}

// staysUp reports whether a command ran instead of a signal.
func (t explainer) staysUp() bool { return staysUpThrough(t.scenario) }

// command is what ran instead of a signal, quoted.
func (t explainer) command() string {
	return fmt.Sprintf("%q", strings.Join(t.scenario.Disruption.While, " "))
}

// every reports whether it is so in every shutdown that was judged.
func (t explainer) every(is func(*observation) bool) bool {
	return len(t.intact) > 0 && !slices.ContainsFunc(t.intact, func(o *observation) bool { return !is(o) })
}

func (t explainer) overShutdowns() string {
	if t.subject.ShutdownsIntact == 1 {
		return ""
	}
	return fmt.Sprintf(", over %d shutdowns", t.subject.ShutdownsIntact)
}

// ofShutdowns says in how many shutdowns a rule that judges shutdowns was
// violated.
func (t explainer) ofShutdowns(f result.Finding) string {
	if f.Judged <= 1 {
		return ""
	}
	return fmt.Sprintf(", in %d of %d shutdowns", f.Count, f.Judged)
}

// besides names every other required rule that was violated and that no sentence
// has told of, with how often.
func (t explainer) besides(first result.Finding) []string {
	var also []string
	for _, f := range t.subject.Findings {
		if f.Status == result.Violated && f.Rule != first.Rule && f.Rule != NoLostAck { // alsoLost tells of that one
			also = append(also, fmt.Sprintf("%s (%d of %d)", f.Rule, t.violations(f), f.Judged))
		}
	}
	if len(also) == 0 {
		return nil
	}
	return []string{"Also broken: " + strings.Join(also, ", ") + "."}
}

// violations counts what a violated rule is violated by: what is excused counts
// only where the policy requires that, too.
func (t explainer) violations(f result.Finding) (n int) {
	at := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == f.Rule })
	if at < 0 {
		return f.Count // the budget is no rule
	}
	for _, o := range t.intact {
		n += o.violations(Rules()[at])
	}
	return n
}

// violations counts those of one shutdown.
func (o *observation) violations(r Rule) (n int) {
	level, tally := o.policy.Levels[r.Name], r.judge(o)
	if level.Breach == Require {
		n += len(tally.breaches) + len(tally.other)
	}
	if level.Excused == Require {
		n += len(tally.excused)
	}
	return n
}

// cutShort says that the load ended before the lag did, because the process had
// gone: what such a server lost looks small beside one that was there to the end,
// and a reader who compares the two must know.
func (t explainer) cutShort() []string {
	lag := t.scenario.Disruption.Lag.Duration
	var stops []time.Duration
	for _, o := range t.intact {
		if stop, early := o.stoppedEarly(lag); early {
			stops = append(stops, stop)
		}
	}
	if len(stops) == 0 {
		return nil
	}
	slices.Sort(stops)
	stop := stops[len(stops)/2]
	more := int(math.Round(float64(t.scenario.Load.Rate) * (lag - stop).Seconds()))
	if more > 100 { // no more exact than it is
		more = (more + 5) / 10 * 10
	}
	if more == 0 {
		return nil
	}
	each := ""
	if t.subject.ShutdownsIntact > 1 {
		each = " each time"
	}
	return []string{fmt.Sprintf("lastcall sent nothing later than %s after the signal, because the server was gone. A balancer would have sent about %d more%s.",
		scenario.InWords(stop), more, each)}
}

// stoppedEarly is how long after the signal the last request began, and whether
// that was before the lag was over because the process had ended.
func (o *observation) stoppedEarly(lag time.Duration) (stop time.Duration, early bool) {
	if lag == 0 || !o.Exit.Seen || o.Exit.Killed {
		return 0, false
	}
	last := o.Exit.At
	for i := range o.Requests {
		last = max(last, o.Requests[i].Started)
	}
	stop = last - o.Signal.After
	return stop, stop < lag
}

// Broken returns the required rules that a subject violated, in their order,
// without those that come with another.
func Broken(s result.Subject) []string {
	all := Violated(&s)
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return ComesWith(name, all) })
}

// Violated returns all rules that a subject violated, in their order.
func Violated(s *result.Subject) []string {
	rules := []string{}
	for _, f := range s.Findings {
		if f.Status == result.Violated {
			rules = append(rules, f.Rule)
		}
	}
	return rules
}

// explains are the rules whose violation brings that of another with it: whoever
// hangs up on what is in flight, or has to be killed, hangs up on the rest as well.
var explains = map[string][]string{
	LateRequestsAnswered: {InFlightCompletes, ExitsInGrace, ServesThroughLag},
	ClosesCleanly:        {InFlightCompletes, ExitsInGrace},
}

// ComesWith reports whether a rule's violation follows from that of one of these, and
// says nothing new.
func ComesWith(name string, rules []string) bool {
	return slices.ContainsFunc(explains[name], func(cause string) bool { return slices.Contains(rules, cause) })
}

// doubt tells why nothing was concluded. A reason that is the same in several
// shutdowns is told once.
func (t explainer) doubt() []string {
	var reasons []string
	shutdowns := make(map[string][]int) // by reason, where it is one of single shutdowns
	for _, f := range t.subject.Findings {
		if f.Status != result.Unjudged {
			continue
		}
		reason := f.Detail
		if f.Rule == Integrity && len(f.Evidence) > 0 {
			n := f.Evidence[0].Shutdown
			reason = strings.TrimPrefix(reason, inShutdown(n))
			if !slices.Contains(shutdowns[reason], n) {
				shutdowns[reason] = append(shutdowns[reason], n)
			}
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	said := []string{}
	for _, reason := range reasons {
		where := ""
		switch in := shutdowns[reason]; len(in) {
		case 0:
		case 1:
			where = inShutdown(in[0])
		default:
			where = fmt.Sprintf("in %d of %s: ", len(in), prose.Plural(t.subject.Shutdowns, "shutdown"))
		}
		said = append(said, prose.Sentence(where+reason))
	}
	const most = 3
	if len(said) > most {
		said = append(said[:most-1], fmt.Sprintf("There are %d more reasons; --report json lists all of them.", len(said)-most+1))
	}
	return said
}

// gotNoCPU is why nothing can be said of a server that got too little CPU while it stopped.
const gotNoCPU = "the server waited for a CPU for much of the time that it took to stop; repeat the run when this machine is less busy"

// whyUnsure says why some late losses may be races or not.
func (o *observation) whyUnsure() string {
	slip, crowded := time.Duration(0), true
	o.late(func(r *history.Request) {
		if l, lost := o.fates[r.Seq]; lost && l.fate == fateDoubt {
			slip = max(slip, o.timing.Slip(max(r.Begun, r.Started), r.End))
			crowded = crowded && l.crowded
		}
	})
	switch {
	case slip > history.MaxGuard || !o.Kernel.Asked:
		return fmt.Sprintf("lastcall itself was up to %s late, so a race with the close of a connection cannot be told from a breach; "+
			"repeat the run when this machine is less busy", scenario.InWords(slip))
	case o.starving:
		return gotNoCPU
	case crowded:
		return "this many requests do not cross one close by chance, and the server answered almost nothing between the signal and the close; repeat the run with a higher rate (--rate)"
	}
	return "they ended near the instant at which the server closed other connections, but were older than a request that crosses a close; repeat the run with more shutdowns (--shutdowns)"
}

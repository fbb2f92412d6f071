package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// story tells in two or three plain sentences what happened to whom, why, and
// which change would save them, which is the remedy. A subject that passes without
// a warning has none, and only a failure has a remedy.
func story(s result.Subject, scenario scenario.Scenario, intact []*observation) (told []string, remedy string) {
	t := teller{subject: s, scenario: scenario, intact: intact}
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

type teller struct {
	subject  result.Subject
	scenario scenario.Scenario
	intact   []*observation
}

// failure tells of the first rule violated: the others mostly follow from it.
// Then it tells what the verdict does not rest on.
func (t teller) failure() (said []string, remedy string) {
	for _, f := range t.subject.Findings {
		if f.Status == result.Violated {
			told := t.told(f)
			if len(told) > 1 { // every teller ends with what helps
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
func (t teller) alsoLost(first result.Finding) []string {
	for _, f := range t.subject.Findings {
		if f.Rule == NoLostAck && f.Status == result.Violated && first.Rule != NoLostAck {
			return []string{sentence(f.Detail)}
		}
	}
	return nil
}

// told tells of one violated rule: what was seen, why, and what helps.
func (t teller) told(f result.Finding) []string {
	if tell, ok := tellers[f.Rule]; ok {
		return tell(t, f)
	}
	return []string{sentence(f.Detail)}
}

// tellers tell of the rules, by name.
var tellers = map[string]func(teller, result.Finding) []string{
	SignalDelivered:       teller.undelivered,
	StaysUp:               teller.interruption,
	InFlightCompletes:     teller.inFlight,
	ServesThroughLag:      teller.tooEarly,
	LateRequestsAnswered:  teller.late,
	NoFailed:              teller.wrongAnswers,
	ClosesCleanly:         teller.cutOff,
	AnnouncesClose:        teller.unannounced,
	NoLostAck:             teller.lostAcks,
	NoDuplicate:           teller.duplicates,
	NoUnansweredExecution: teller.unanswered,
	ReadyFlipsFirst:       teller.readyForNobody,
	ExitsInGrace:          teller.overdue,
	ExitStatus:            teller.badStatus,
	NoSurvivors:           teller.survivors,
	MaxLoss:               teller.tooMany,
}

// unearned tells, of a failure, why a pass would not have been earned.
func (t teller) unearned() []string {
	if said := brokenOff(t.subject); said != "" {
		return []string{sentence(said)}
	}
	for _, o := range t.intact {
		for _, p := range o.problems {
			return []string{sentence(o.said(p))}
		}
	}
	return nil
}

// setAside names the shutdowns that the verdict does not rest on, and says why. A
// reason that is the same in several is told once.
func (t teller) setAside() []string {
	n := t.subject.Shutdowns - t.subject.ShutdownsIntact
	if n == 0 {
		return nil
	}
	reasons := t.reasonsAside()
	const most = 2
	more := ""
	if len(reasons) > most {
		more = fmt.Sprintf("; and %s, which --report json lists", count(len(reasons)-most, "more reason"))
		reasons = reasons[:most]
	}
	return []string{sentence(fmt.Sprintf("%d of %s could not be judged and %s left out: %s%s",
		n, plural(t.subject.Shutdowns, "shutdown"), was(n), strings.Join(reasons, "; "), more))}
}

// reasonsAside are the reasons for which shutdowns were set aside, each once.
func (t teller) reasonsAside() (reasons []string) {
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

func (t teller) isIntact(shutdown int) bool {
	return slices.ContainsFunc(t.intact, func(o *observation) bool { return o.Header.Shutdown == shutdown })
}

// warnings tells what a pass does not hide.
func (t teller) warnings() []string {
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
			said = append(said, sentence(f.Detail))
		}
	}
	return said
}

// signal is the one that came first.
func (t teller) signal() string {
	first, _, _ := strings.Cut(t.scenario.Disruption.Signal, ",")
	return strings.TrimSpace(first)
}

// staysUp reports whether a command ran instead of a signal.
func (t teller) staysUp() bool { return staysUpThrough(t.scenario) }

// command is what ran instead of a signal, quoted.
func (t teller) command() string {
	return fmt.Sprintf("%q", strings.Join(t.scenario.Disruption.While, " "))
}

// every reports whether it is so in every shutdown that was judged.
func (t teller) every(is func(*observation) bool) bool {
	return len(t.intact) > 0 && !slices.ContainsFunc(t.intact, func(o *observation) bool { return !is(o) })
}

func (t teller) overShutdowns() string {
	if t.subject.ShutdownsIntact == 1 {
		return ""
	}
	return fmt.Sprintf(", over %d shutdowns", t.subject.ShutdownsIntact)
}

// ofShutdowns says in how many shutdowns a rule that judges shutdowns was
// violated.
func (t teller) ofShutdowns(f result.Finding) string {
	if f.Judged <= 1 {
		return ""
	}
	return fmt.Sprintf(", in %d of %d shutdowns", f.Count, f.Judged)
}

package check

import (
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// The names of the rules.
const (
	SignalDelivered       = "signal-delivered"
	StaysUp               = "stays-up"
	InFlightCompletes     = "in-flight-completes"
	ServesThroughLag      = "serves-through-lag"
	LateRequestsAnswered  = "late-requests-answered"
	NoFailed              = "no-failed"
	ClosesCleanly         = "closes-cleanly"
	AnnouncesClose        = "announces-close"
	ReadyFlipsFirst       = "ready-flips-first"
	ExitsInGrace          = "exits-in-grace"
	ExitStatus            = "exit-status"
	NoSurvivors           = "no-survivors"
	NoLostAck             = "no-lost-ack"
	NoDuplicate           = "no-duplicate"
	NoUnansweredExecution = "no-unanswered-execution"
)

// Rule is one guarantee, judged from histories.
type Rule struct {
	Name      string
	Asks      string // the guarantee
	Excuses   string // which breaches are excused, "" if none can be
	Needs     string // without which there is nothing to judge, "" if that is always there
	Reference string // who asks for it
	Unit      string // what is counted, as in "requests in flight"
	Breach    string // what a violation did, as in "were not completed"
	Mild      string // what an excused one did, "" if it is the same
	when      occasion
	timed     bool  // a breach is a matter of when things happened, which is not known where lastcall itself was late
	normal    Level // under the policies that say nothing else
	judge     func(*observation) tally
	explain   func(explainer, result.Finding) []string // a violation: what was seen, why, and last what helps
}

// occasion says under which disruption a rule has a meaning.
type occasion uint8

const (
	always       occasion = iota
	onStop                // a signal that tells the server to stop
	whileWorking          // a command during which the server promises to stay up
)

// String says what it is about.
func (o occasion) String() string {
	switch o {
	case onStop:
		return "it is about a signal, and a command is run instead of one (disruption.while)"
	case whileWorking:
		return "it is about a command during which the server stays up (disruption.while)"
	case always:
	}
	return "it always applies"
}

// applies reports whether the rule has a meaning under that disruption.
func (r Rule) applies(d scenario.Disruption) bool {
	switch r.when {
	case onStop:
		return len(d.While) == 0
	case whileWorking:
		return len(d.While) > 0
	case always:
	}
	return true
}

// Rules returns every rule, in the order in which they are judged and reported: what
// explains others stands before them. The process that was told to stop heard of it, or
// nothing that follows means anything. Whatever is killed loses its late requests, too, so
// exits-in-grace stands before those. The slice is fresh.
func Rules() []Rule {
	return []Rule{
		signalDeliveredRule(),
		staysUpRule(),
		inFlightCompletesRule(),
		exitsInGraceRule(),
		servesThroughLagRule(),
		lateRequestsAnsweredRule(),
		noFailedRule(),
		noLostAckRule(),
		noDuplicateRule(),
		noUnansweredExecutionRule(),
		closesCleanlyRule(),
		announcesCloseRule(),
		readyFlipsFirstRule(),
		exitStatusRule(),
		noSurvivorsRule(),
	}
}

// RuleNames returns the names of all rules, in order.
func RuleNames() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}

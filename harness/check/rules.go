package check

import (
	"slices"

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
	timed     bool // a breach is a matter of when things happened, which is not known where lastcall itself was late
	judge     func(*observation) tally
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

// Rules returns every rule, in the order in which they are judged and reported:
// what explains others stands before them. The slice is fresh.
func Rules() []Rule {
	return slices.Concat(firstRules(), requestRules(), effectRules(), processRules())
}

// RuleNames returns the names of all rules, in order.
func RuleNames() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}

// firstRules ask for that without which nothing that follows means anything: who
// was told to stop heard of it, and who was not told to went on.
func firstRules() []Rule {
	return []Rule{
		{
			Name:      SignalDelivered,
			Asks:      "the process that holds the listening socket gets the signal, from lastcall or from the process that lastcall signals",
			Reference: "docker run, ENTRYPOINT in shell form; Kubernetes pod termination (process 1); golang/go #54868 (go run)",
			Unit:      "shutdowns", Breach: "left the server without the signal",
			when: onStop, judge: signalDelivered,
		},
		{
			Name:      StaysUp,
			Asks:      "no late request is refused or rejected, and the process or a successor lives on, while the command runs and afterwards",
			Excuses:   "a WebSocket connection or event stream that the server ended with a close frame or a last chunk",
			Reference: "nginx, Controlling nginx (reload); systemd.service(5), ExecReload",
			Unit:      "requests", Breach: "were refused or rejected",
			when: whileWorking, judge: staysUp,
		},
	}
}

// requestRules ask what became of requests. Among them stands what explains the
// rest: whoever is killed loses what came late, too.
func requestRules() []Rule {
	return []Rule{
		{
			Name:      InFlightCompletes,
			Asks:      "every request in flight at the signal is completed",
			Reference: "Go net/http Server.Shutdown; RFC 9112 section 9.6",
			Unit:      "requests in flight", Breach: "were not completed",
			judge: inFlightCompletes,
		},
		{
			Name:      ExitsInGrace,
			Asks:      "the process ends by itself within the grace period",
			Excuses:   "an exit within it that came only as parked connections ended, 3 s or more after everything else",
			Reference: "Kubernetes pod termination; systemd.service(5), TimeoutStopSec; docker stop; nodejs/node #2642",
			Unit:      "shutdowns", Breach: "did not end by themselves while there was time", Mild: "ended late",
			when: onStop, timed: true, judge: exitsInGrace,
		},
		{
			Name:      ServesThroughLag,
			Asks:      "during the lag after the signal, in which a balancer goes on sending, every new request is completed",
			Needs:     "a lag (--lag)",
			Reference: "Kubernetes, Termination of Pods; kubernetes/kubernetes #106476",
			Unit:      "requests sent during the lag", Breach: "were not completed",
			when: onStop, judge: servesThroughLag,
		},
		{
			Name: LateRequestsAnswered,
			Asks: "no late request is dropped; to refuse a connection is fine, to accept it and give no answer is not",
			Excuses: "the races that no HTTP/1.1 server can win: a request that was sent at most 10 ms (100 ms if the server had not read it) before " +
				"its connection ended, at most 10 ms from the instant at which the server closed an idle connection or its listening socket",
			Reference: "RFC 9110 section 9.2.2; RFC 9112 sections 9.3.1 and 9.5; golang/go #65802",
			Unit:      "late requests at risk", Breach: "were dropped",
			judge: lateRequestsAnswered,
		},
		{
			Name:      NoFailed,
			Asks:      "no request at risk gets a wrong answer (any status but the expected ones, 429 and 503)",
			Reference: "RFC 9110 section 15.6",
			Unit:      "requests at risk", Breach: "got a wrong answer",
			judge: noFailed,
		},
	}
}

// processRules ask how the server took its leave.
func processRules() []Rule {
	return []Rule{
		{
			Name:      ClosesCleanly,
			Asks:      "parked connections end cleanly: a WebSocket connection with a close frame, an event stream with its last chunk",
			Needs:     "parked connections (load.parked in a scenario's file)",
			Reference: "RFC 6455 sections 7.1.1 and 7.4.1; RFC 9112 section 8; golang/go Server.Shutdown (hijacked connections)",
			Unit:      "WebSocket connections and event streams", Breach: "were cut without a close frame or a last chunk",
			judge: closesCleanly,
		},
		{
			Name:      AnnouncesClose,
			Asks:      "the last answer on each connection, begun after the signal, says Connection: close",
			Reference: "RFC 9112 section 9.6",
			Unit:      "last answers", Breach: "did not say Connection: close",
			when: onStop, judge: announcesClose,
		},
		{
			Name:      ReadyFlipsFirst,
			Asks:      "the readiness check fails before the first connection is refused",
			Needs:     "a readiness check (--ready)",
			Reference: "Kubernetes, Pod Lifecycle, Termination of Pods; container probes",
			Unit:      "shutdowns", Breach: "refused connections while the readiness check passed",
			when: onStop, timed: true, judge: readyFlipsFirst,
		},
		{
			Name:      ExitStatus,
			Asks:      "the process exits with code 0, or another that the policy allows",
			Excuses:   "128 plus the signal's number, or death by the very signal sent",
			Reference: "POSIX exit(3); systemd.service(5), SuccessExitStatus",
			Unit:      "shutdowns", Breach: "did not exit with a clean code",
			when: onStop, judge: exitStatus,
		},
		{
			Name:      NoSurvivors,
			Asks:      "after the exit no process of the tree is left, and the port is free",
			Reference: "systemd.kill(5); pid_namespaces(7): a container dies with its process 1",
			Unit:      "shutdowns", Breach: "left something behind",
			when: onStop, timed: true, judge: noSurvivors,
		},
	}
}

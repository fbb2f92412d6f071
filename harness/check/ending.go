package check

import (
	"fmt"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// signalDelivered asks whether one of those who held the listening socket got
// the signal from us, or, if not, whether they ended all the same, or at least
// closed the socket: then somebody passed it on. Where nobody could tell who
// holds the socket nothing is judged.
func signalDelivered(o *observation) (t tally) {
	d := o.Delivery
	if len(d.Holders) == 0 {
		switch {
		case o.Header.Scenario.Disruption.When == scenario.Started:
			t.said = "the signal may have arrived before a process listened"
		case d.Error != "":
			t.said = "it is not known which process holds the listening socket: " + d.Error
		}
		return t
	}
	t.judged = 1
	told := slices.ContainsFunc(d.Holders, func(p history.Process) bool { return contains(d.To, p.PID) })
	closed := o.Left.Looked && !o.Left.PortTaken && !o.Exit.Killed // what we killed has closed nothing
	if told || closed || len(d.Deaf) == 0 {
		return t
	}
	t.breaches = append(t.breaches, o.proofOfShutdown())
	t.said = fmt.Sprintf("%s went to %s, but %s %s the socket, and still ran when %s should have been gone", o.Signal.Name,
		processes(d.To), processes(d.Deaf), verb(len(d.Deaf), "holds", "hold"), verb(len(d.Deaf), "it", "they"))
	return t
}

func contains(list []history.Process, pid int) bool {
	return slices.ContainsFunc(list, func(p history.Process) bool { return p.PID == pid })
}

// readyFlipsFirst compares the first red answer of the readiness check with the
// first refusal, of a request or of the check itself. Without either there is
// nothing to compare.
func readyFlipsFirst(o *observation) (t tally) {
	r := o.Readiness
	closed := r.Refused
	if refused, ok := o.At(history.EventFirstRefused); ok && (closed == 0 || refused < closed) {
		closed = refused
	}
	if r.Polls == 0 || r.Red == 0 && closed == 0 {
		return t
	}
	t.judged = 1
	if r.Red != 0 && (closed == 0 || r.Red <= closed) {
		return t
	}
	t.breaches = append(t.breaches, o.proofOfShutdown())
	t.said = fmt.Sprintf("the first refusal came %s after the signal, and each check until then had found it ready", scenario.InWords(closed-o.Signal.Before))
	return t
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

// noSurvivors judges a process that ended by itself: what is left of one that
// was killed is our doing.
func noSurvivors(o *observation) (t tally) {
	if !o.Left.Looked || o.Exit.Killed {
		return t
	}
	t.judged = 1
	switch {
	case len(o.Left.Processes) > 0:
		t.said = processes(o.Left.Processes) + " still ran"
		if o.Left.PortTaken {
			t.said += ", and the port is still taken"
		}
	case o.Left.PortTaken:
		t.said = "a process still listens on its port"
	default:
		return t
	}
	t.breaches = append(t.breaches, o.proofOfShutdown())
	return t
}

package check

import (
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

func noSurvivorsRule() Rule {
	return Rule{
		Name:      NoSurvivors,
		Asks:      "after the exit no process of the tree is left, and the port is free",
		Reference: "systemd.kill(5); pid_namespaces(7): a container dies with its process 1",
		Unit:      "shutdowns", Breach: "left something behind",
		when: onStop, timed: true, judge: noSurvivors,
		normal: Level{Require, Require}, explain: explainer.survivors,
	}
}

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

// survivors tells what outlived the process.
func (t explainer) survivors(f result.Finding) []string {
	consequence := "A container kills the rest together with process 1, in the middle of its work; outside a container these processes are never stopped."
	for _, o := range t.intact {
		if o.Left.PortTaken {
			consequence = "A container kills the rest together with process 1, in the middle of its work; outside a container they keep the port, " +
				"and the next start fails with \"address already in use\"."
			break
		}
	}
	return []string{
		prose.Sentence(f.Detail), consequence,
		"Let the process end its children and wait for them before it exits itself.",
	}
}

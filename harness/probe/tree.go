package probe

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// treeCases are about the processes of a server.
func treeCases() []Case {
	return []Case{
		{
			ID: "tree/wrapper", State: "no connection open",
			Requires:  "The process that holds the listening socket gets the signal, whichever process was started first.",
			Reference: "golang/go #54868; npm/npm #4603; docker stop",
			Remedy:    "Start the server itself, or with exec from the script: a shell, npm and go run do not forward signals. Build first, and run the built program.",
			Bugs:      []string{"B26", "B70", "B71", "B80"}, Rule: ruleDelivered, run: wrapper,
		},
		{
			ID: "tree/survivors", State: "no connection open",
			Requires:  "After the process has ended none of its children is left, and the port is free.",
			Reference: "systemd.kill(5); fgm/envrun #35",
			Remedy:    "Wait for every child process before the first process ends.",
			Bugs:      []string{"B70", "B71"}, Rule: ruleSurvivors, run: survivors,
		},
	}
}

// wrapper looks who holds the socket, sends the signal, and looks whether they let
// go of it, unless they got the signal themselves.
func wrapper(b *bench) (s Sighting, err error) {
	owners, err := b.server.Holders()
	if err != nil {
		return s, err
	}
	if len(owners) == 0 {
		return s, inapplicable("no process is known to hold the listening socket")
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	s.Reached, s.Proof = true, fmt.Sprintf("%s held the listening socket when the signal was sent to %s", names(owners), names(b.to))
	owner := owners[0] // the topmost: those below share its socket
	if slices.ContainsFunc(b.to, func(p process.Info) bool { return p.PID == owner.PID }) {
		s.Seen = "the signal went to the owner of the socket itself"
		return s, nil
	}
	deadline := b.signalled.Add(b.plan.Grace)
	var seen error // why the last look saw nothing
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		var now []process.Info
		now, seen = b.server.Holders()
		held := slices.ContainsFunc(now, func(p process.Info) bool { return p.PID == owner.PID })
		took := time.Since(b.signalled)
		switch {
		case seen == nil && !held:
			s.Seen = fmt.Sprintf("the signal was forwarded: the socket was closed %s after it", scenario.InWords(took))
			return s, nil
		case time.Now().After(deadline) && seen != nil: // nothing is proved against anybody
			return s, fmt.Errorf("who holds the listening socket after the signal: %w", seen)
		case time.Now().After(deadline):
			s.Bad, s.Seen = true, fmt.Sprintf("it never got the signal, and still listens %s after it: %s", scenario.InWords(took), owner)
			return s, nil
		}
		if err := b.pause(pause); err != nil {
			return s, err
		}
	}
}

func names(list []process.Info) string {
	var all []string
	for _, p := range list {
		all = append(all, p.String())
	}
	return strings.Join(all, " and ")
}

// leaving is how long what belongs to a process may outlive it without being
// called a survivor: its children learn of its death one after the other.
const leaving = 250 * time.Millisecond

func survivors(b *bench) (s Sighting, err error) {
	end, err := b.stop()
	if err != nil {
		return s, err
	}
	if end.killed {
		return s, errKilled
	}
	deadline := time.Now().Add(leaving)
	for {
		left, err := b.server.Tree()
		if err != nil {
			return s, fmt.Errorf("processes that are left: %w", err)
		}
		taken := b.server.PortTaken()
		if len(left) == 0 && !taken {
			return Sighting{Reached: true, Proof: idleProof, Seen: "no process was left, and the port was free"}, nil
		}
		if time.Now().After(deadline) {
			s = Sighting{Reached: true, Proof: idleProof, Bad: true, Seen: "the port was still taken"}
			if len(left) > 0 {
				s.Seen = "left: " + names(left)
			}
			return s, nil
		}
		if err := b.pause(leaving / 10); err != nil {
			return s, err
		}
	}
}

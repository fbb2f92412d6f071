package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func signalDeliveredRule() Rule {
	return Rule{
		Name:      SignalDelivered,
		Asks:      "the process that holds the listening socket gets the signal, from lastcall or from the process that lastcall signals",
		Reference: "docker run, ENTRYPOINT in shell form; Kubernetes pod termination (process 1); golang/go #54868 (go run)",
		Unit:      "shutdowns", Breach: "left the server without the signal",
		when: onStop, judge: signalDelivered,
		normal: Level{Require, Require}, explain: explainer.undelivered,
	}
}

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
		processes(d.To), processes(d.Deaf), prose.Verb(len(d.Deaf), "holds", "hold"), prose.Verb(len(d.Deaf), "it", "they"))
	return t
}

func contains(list []history.Process, pid int) bool {
	return slices.ContainsFunc(list, func(p history.Process) bool { return p.PID == pid })
}

// undelivered tells of a signal that never reached the server: who holds the
// socket, who was told instead, and what to do about that one.
func (t explainer) undelivered(f result.Finding) []string {
	d := t.delivery(f)
	return []string{
		fmt.Sprintf("%s never reached the server. It went to %s, but %s %s the listening socket, and went on serving.",
			t.signal(), processes(d.To), processes(d.Deaf), prose.Verb(len(d.Deaf), "holds", "hold")),
		t.remedyFor(d),
	}
}

// remedyFor takes into account who was aimed at: a server that has left the group
// is not reached with it.
func (t explainer) remedyFor(d history.Delivery) string {
	if d.Target == scenario.Group {
		return "The server is in a process group of its own (setsid, or a job of a shell). Signal the process that holds the socket " +
			"(--signal-target owner), or start the server without leaving the group."
	}
	return remedy(d.To)
}

// delivery is that of the first shutdown which proves the finding.
func (t explainer) delivery(f result.Finding) history.Delivery {
	for _, o := range t.intact {
		if slices.ContainsFunc(f.Evidence, func(e result.Evidence) bool { return e.Shutdown == o.Header.Shutdown }) {
			return o.Delivery
		}
	}
	return history.Delivery{}
}

// wrappers are programs that start a server and stand between it and the signal,
// by the name of their program, with what is known to help.
var wrappers = map[string]string{
	"sh": shellRemedy, "dash": shellRemedy, "bash": shellRemedy, "ash": shellRemedy, "ksh": shellRemedy, "zsh": shellRemedy,
	"npm": nodeRemedy, "npx": nodeRemedy, "yarn": nodeRemedy, "pnpm": nodeRemedy,
	"tini": initRemedy, "docker-init": initRemedy, "catatonit": initRemedy,
}

const (
	shellRemedy = "A shell that waits for a command does not forward signals: write exec before the last command, as in sh -c \"exec server\", " +
		"or start the server without a shell (in a Dockerfile: CMD [\"server\"], with the brackets)."
	nodeRemedy = "A package manager starts the server through a shell, which does not forward signals: start the server itself, " +
		"as in node server.js, instead of the script that starts it."
	initRemedy = "An init forwards the signal only to the process that it has started: let it start the server itself, " +
		"without a shell or a script in between (or use exec in them)."
	goRunRemedy = "go run does not forward signals (golang/go #54868): build the program first (go build), and start that."
)

// remedy says what helps against the process that swallowed the signal.
func remedy(told []history.Process) string {
	for _, p := range told {
		if known := wrapper(strings.Fields(p.Name)); known != "" {
			return known
		}
	}
	who := "the process that got it"
	if len(told) > 0 && strings.TrimSpace(told[0].Name) != "" {
		who = fmt.Sprintf("%q", told[0].Name)
	}
	return "Let " + who + " forward the signal, or replace itself by the server (exec); or, if the platform does so too, " +
		"signal the whole group (--signal-target group)."
}

// wrapper is the remedy against the wrapper of that command line, or "". A script
// that node runs goes by the script's name (node /usr/bin/npm start), and so does
// a process that has renamed itself (npm start).
func wrapper(words []string) string {
	if len(words) == 0 {
		return ""
	}
	name := strings.TrimPrefix(path.Base(words[0]), "-") // a login shell's
	switch name {
	case "go":
		if slices.Contains(words, "run") {
			return goRunRemedy
		}
		return ""
	case "node", "nodejs":
		if known := wrappers[script(words[1:])]; known == nodeRemedy { // a server may call its script what it likes
			return known
		}
		return ""
	}
	return wrappers[name]
}

// script is the name of the script among an interpreter's arguments, without
// what its file is called besides: npm-cli.js and yarn-4.1.0.cjs are npm and yarn.
func script(args []string) string {
	i := slices.IndexFunc(args, func(word string) bool { return !strings.HasPrefix(word, "-") })
	if i < 0 {
		return ""
	}
	name, _, _ := strings.Cut(path.Base(args[i]), ".")
	name, _, _ = strings.Cut(name, "-")
	return name
}

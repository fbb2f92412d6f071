package cli

import (
	"github.com/spf13/pflag"

	"lastcall/harness"
)

// whileOrSignal refuses flags that would be ignored: those of a signal where a
// command is run in its place, and those of such a command where there is none.
func whileOrSignal(s harness.Scenario, f *pflag.FlagSet) error {
	if len(s.Disruption.While) == 0 {
		if f.Changed("settle") {
			return usagef("--settle is how long the load goes on after the command of --while: give that too, or drop it")
		}
		return nil
	}
	where := "--while"
	if !f.Changed("while") {
		where = "the scenario's disruption.while"
	}
	for _, name := range []string{"signal", "signal-target", "lag"} {
		if f.Changed(name) {
			return usagef("--%s and %s do not go together: a command is run in place of the signal, so drop one of them", name, where)
		}
	}
	return nil
}

// tested refuses what names nothing that could be tested, or only half of it.
func (o *subjectOptions) tested(s harness.Scenario) error {
	command, while, at := len(s.Subject.Command) > 0, len(s.Disruption.While) > 0, s.Subject.URL
	switch {
	case command, while && at != "":
		return nil
	case while && len(o.urls) > 0:
		return usagef("--url %s names no host and port, by which a server that runs already is found: write http://127.0.0.1:8080%s", o.urls[0], pathOf(o.urls[0]))
	case while:
		return usagef("--url is missing: a server that runs already is found by it, as in --url http://127.0.0.1:8080/; one to start comes after --")
	case at != "" && len(o.urls) > 0:
		return usagef("there is no command to test: write it after --; for a server that already runs at %s say with --while what happens to it, as in --while ./deploy.sh", at)
	}
	return usagef("there is no command to test: write it after --, as in lastcall test -- ./myserver --port {port}, or into %s", defaultFile)
}

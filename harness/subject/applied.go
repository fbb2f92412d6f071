package subject

import (
	"strconv"
	"strings"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// lookup is the command by which a subject that the user has described is asked.
func lookup(s scenario.Subject, server Server, supervisor []string) process.Command {
	if len(s.Applied) == 0 {
		return process.Command{}
	}
	port := PortOf(server.Endpoint().URL)
	marks := strings.NewReplacer(scenario.PortMark, port, scenario.PidMark, strconv.Itoa(server.PID()))
	c := process.Command{
		Path: s.Applied[0], Dir: s.Dir, Env: environ(s, port, server.Ledger().Path()), Supervisor: supervisor,
	}
	if found, err := FindProgram(s.Applied[0], s.Dir); err == nil {
		c.Path = found
	}
	for _, word := range s.Applied[1:] {
		c.Args = append(c.Args, marks.Replace(word))
	}
	return c
}

// checkLookup refuses a command that cannot be run.
func checkLookup(argv []string, dir string, supervisor []string) error {
	if len(argv) == 0 {
		return nil
	}
	if _, err := FindProgram(argv[0], dir); err != nil {
		return &scenario.Invalid{Field: "subject.applied", Problem: err.Error()}
	}
	if len(supervisor) == 0 {
		return &scenario.Invalid{Field: "subject.applied", Problem: "needs a supervisor, which passes on its output: see subject.Supervise"}
	}
	return nil
}

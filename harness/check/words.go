package check

import (
	"fmt"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// describeInFlight says how the requests in flight ended, the worst first.
func describeInFlight(c history.Counts) string {
	return prose.List(
		prose.Of(c.Dropped, "dropped without a whole answer"),
		prose.Of(c.Failed, "answered with an error"),
		prose.Of(c.Rejected, "rejected with 503 or 429"),
		prose.Of(c.Unsent, "given up by lastcall"),
		prose.Of(c.Completed, "completed"),
	)
}

// describeLosses lists how requests went wrong.
func describeLosses(c history.Counts) string {
	c.Completed = 0
	return describe(c)
}

// describe lists the outcomes that occurred.
func describe(c history.Counts) string {
	return prose.List(
		prose.Of(c.Completed, "completed"),
		prose.Of(c.Rejected, "rejected"),
		prose.Of(c.Failed, "failed"),
		prose.Of(c.Refused, "refused"),
		prose.Of(c.Dropped, "dropped"),
		prose.Of(c.Unsent, "unsent"),
	)
}

func describeExits(exits []result.Exit) string {
	var said []string
	for _, e := range exits {
		switch {
		case e.Killed:
			said = append(said, "SIGKILL")
		case e.Signal != "":
			said = append(said, e.Signal)
		default:
			said = append(said, fmt.Sprintf("exit code %d", e.Code))
		}
	}
	return strings.Join(said, " or ")
}

// processes names the first few of a list.
func processes(list []history.Process) string {
	const most = 3
	var names []string
	for _, p := range list[:min(most, len(list))] {
		names = append(names, fmt.Sprintf("%q (PID %d)", p.Name, p.PID))
	}
	if more := len(list) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	switch last := len(names) - 1; last {
	case -1:
		return "no process"
	case 0:
		return names[0]
	default:
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
}

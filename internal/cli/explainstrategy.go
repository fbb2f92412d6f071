package cli

import (
	"fmt"
	"io"
	"strings"

	"lastcall/internal/highlight"
	"lastcall/reports"
	"lastcall/targets"
)

// whatShutdownDoes is what nobody sees in the source of a strategy, from the
// documentation and the source of net/http's Server.Shutdown.
const whatShutdownDoes = "http.Server.Shutdown closes the listener and all idle connections, and Serve returns " +
	"http.ErrServerClosed at once. Then it waits until each connection with a request has become idle, and closes it: " +
	"it looks again and again, after 1 ms at first and every 500 ms later. It knows nothing of hijacked connections " +
	"(http.Hijacker, as for WebSocket). A new connection on which nothing has been sent yet counts as busy for " +
	"five seconds. When its context ends it returns the context's error, and leaves the other connections as they are."

func explainStrategy(w page, name string) error {
	s, _ := targets.ByName(name)
	kind := "strategy"
	if s.Faulty {
		kind = "faulty strategy"
	}
	fmt.Fprintf(w, "%s (%s)\n", s.Name, kind)
	lines := []entry{{"What", s.Summary}, {"When", s.When}, {"Costs", s.Costs}, {"Verdict", s.Verdict}}
	if s.Bug != "" {
		lines = append(lines, entry{"Bug", s.Bug + ": " + s.BugTitle()})
	}
	if s.Sibling != "" {
		lines = append(lines, entry{"Sibling", s.Sibling + " is the same without the mistake: compare both"})
	}
	lines = append(lines, entry{"See it", "lastcall compare " + s.SeeIt()})
	for _, line := range lines {
		fmt.Fprintln(w, reports.Labelled(line.name, labels, line.summary))
	}
	if err := explainDifference(w, s); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := writeGo(w, s.Source()); err != nil {
		return err
	}
	return explainHelpers(w, s)
}

// explainDifference shows what a faulty strategy does otherwise than its sibling.
func explainDifference(w page, s targets.Strategy) error {
	lines, err := s.Difference()
	if err != nil || len(lines) == 0 {
		return err
	}
	fmt.Fprintf(w, "\nWhat differs from %s:\n", s.Sibling)
	for _, line := range lines {
		if w.color {
			line = map[bool]string{true: "\x1b[31m", false: "\x1b[32m"}[strings.HasPrefix(line, "-")] + line + "\x1b[0m"
		}
		fmt.Fprintf(w, "    %s\n", line)
	}
	return nil
}

// explainHelpers shows what a strategy calls that its own file does not show.
func explainHelpers(w page, s targets.Strategy) error {
	helpers, err := s.Helpers()
	if err != nil {
		return err
	}
	if len(helpers) > 0 {
		fmt.Fprint(w, "\nWhat it calls:\n")
	}
	for _, h := range helpers {
		fmt.Fprintln(w)
		if !strings.Contains(h.Source, "\nconst ") && !strings.Contains(h.Source, "\nfunc ") {
			fmt.Fprintf(w, "%s is a field:\n", h.Name)
		}
		if err := writeGo(w, h.Source+"\n"); err != nil {
			return err
		}
	}
	if s.Shuts() {
		fmt.Fprintf(w, "\nWhat Shutdown does:\n%s\n", reports.Labelled("", 0, whatShutdownDoes))
	}
	return nil
}

// writeGo writes Go source, in colour where it may be.
func writeGo(w page, source string) error {
	if w.color {
		return highlight.Go(w, source)
	}
	_, err := io.WriteString(w, source)
	return err
}

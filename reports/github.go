package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"lastcall/harness/result"
)

// GitHub writes workflow commands, one a line, which GitHub Actions shows as
// annotations. It shows only the first few of a step, so the worst come first.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func GitHub(w io.Writer, s result.Suite) error {
	out := bufio.NewWriter(w)
	for _, a := range annotations(s) {
		fmt.Fprintf(out, "::%s title=%s::%s\n", a.command, escapeProperty(a.title), escapeMessage(a.message))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write github report: %w", err)
	}
	return nil
}

// annotation is one workflow command.
type annotation struct{ command, title, message string }

func annotations(s result.Suite) []annotation {
	var failures, doubts, warnings, notices []annotation
	if _, why := doubt(s); why != "" {
		doubts = append(doubts, annotation{"error", "lastcall", why})
	}
	for _, subject := range s.Subjects {
		name, green := clean(subject.Name), subject.Verdict == result.Pass
		for _, f := range findings(subject) {
			a := annotation{"error", name + ": " + f.name, annotationText(f, subject)}
			switch f.Status {
			case result.Satisfied, result.NotExercised:
				continue
			case result.Warned:
				a.command = "warning"
				warnings = append(warnings, a)
				continue
			case result.Violated:
				failures = append(failures, a)
			default: // inconclusive, or a status of a later version
				doubts = append(doubts, a)
			}
			green = false
		}
		if green {
			first := Style{}.passed(subject)
			if len(subject.Probes) > 0 {
				first += ", " + probeCounts(subject)
			}
			text := strings.Join(append([]string{first}, cleanAll(subject.Story)...), "\n")
			notices = append(notices, annotation{"notice", name, text})
		}
	}
	for _, warning := range s.Warnings {
		if warning == "" {
			continue // an annotation without a text says nothing
		}
		warnings = append(warnings, annotation{"warning", "lastcall", clean(warning)})
	}
	return append(append(append(failures, doubts...), warnings...), notices...)
}

func annotationText(f named, subject result.Subject) string {
	lines := []string{strings.ToUpper(f.Status.String()) + ": " + seen(f.Finding)}
	for _, line := range explanation(f, occasion(subject)) {
		if !strings.HasPrefix(line, "seen: ") { // it is in the first line
			lines = append(lines, line)
		}
	}
	if f.Status != result.Warned {
		lines = append(lines, cleanAll(subject.Story)...)
		lines = append(lines, annotatedWords(subject)...)
	}
	return strings.Join(lines, "\n")
}

// An annotation is read in a margin: of the subject's last words it has a few
// lines, each cut. The table and the JSON report have more of them.
const (
	annotatedLines   = 5
	annotatedColumns = 200
)

func annotatedWords(s result.Subject) []string {
	said, shutdown := words(s)
	if len(said) == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("the last lines of its stderr, in %s %d:", occasion(s), shutdown)}
	for _, line := range gist(said, annotatedLines, 0) {
		lines = append(lines, "| "+shorten(clean(line), annotatedColumns))
	}
	return lines
}

var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// escapeMessage keeps a message in its line.
func escapeMessage(text string) string { return messageEscapes.Replace(text) }

// escapeProperty also keeps a property apart from the next one, and from the
// message.
func escapeProperty(text string) string { return propertyEscapes.Replace(text) }

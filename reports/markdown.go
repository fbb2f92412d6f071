package reports

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// Markdown writes a job summary for GitHub: the verdicts, the comparison, what
// became of all requests, and the findings, folded. What came from a server is
// text in it, and never markup.
func Markdown(w io.Writer, s result.Suite) error {
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "## lastcall\n\n")
	verdicts(out, s)
	if !probesOnly(s) {
		comparisonMarkdown(out, s)
		fmt.Fprintf(out, "\n%s\n", markdown(outcomes(s)))
		for _, line := range untested(s) {
			fmt.Fprintf(out, "\n%s\n", markdown(line))
		}
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(out, "\nWarning: %s\n", markdown(warning))
	}
	for _, subject := range s.Subjects {
		if len(subject.Findings) > 0 || len(subject.Probes) == 0 {
			folded(out, subject)
		}
		foldedProbes(out, subject)
	}
	repeat(out, s)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write markdown report: %w", err)
	}
	return nil
}

// verdicts are one line a subject, with the first sentence of its story.
func verdicts(w io.Writer, s result.Suite) {
	if came, why := doubt(s); why != "" {
		fmt.Fprintf(w, "- **%s** %s\n", strings.ToUpper(came), markdown(why))
	}
	for _, subject := range s.Subjects {
		fmt.Fprintf(w, "- **%s** %s", Style{}.passed(subject), markdown(subject.Name))
		switch {
		case len(subject.Story) > 0:
			fmt.Fprintf(w, ": %s", markdown(subject.Story[0]))
		case len(subject.Probes) > 0:
			fmt.Fprintf(w, ": %s", markdown(probeCounts(subject)))
		}
		fmt.Fprintln(w)
	}
}

// comparisonMarkdown is the table of the terminal. Nothing is shortened in it: a
// page has room.
func comparisonMarkdown(w io.Writer, s result.Suite) {
	if len(s.Subjects) == 0 {
		return
	}
	all := Style{}.columnsOf(s)
	titles, rules := "|", "|"
	before := column{}
	for i, c := range all {
		title, rule := c.title(before), " ---: |"
		if i == 0 {
			title = "subject"
		}
		if c.words {
			rule = " :--- |"
		}
		titles, rules, before = titles+" "+title+" |", rules+rule, c
	}
	fmt.Fprintf(w, "\n%s\n%s\n", titles, rules)
	plenty := room{name: 200, exit: 200, number: number}
	for _, subject := range s.Subjects {
		cells := rowOf(all, subject, plenty)
		for i, cell := range cells {
			cells[i] = markdown(cell)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
}

// folded is all that is known of one subject, behind a line that opens it.
func folded(w io.Writer, s result.Subject) {
	// A blank line after the summary makes the rest Markdown again.
	fmt.Fprintf(w, "\n<details>\n<summary>%s: %s, the findings</summary>\n\n",
		html.EscapeString(clean(s.Name)), Style{}.verdict(s.Verdict))
	fmt.Fprint(w, "| rule | status | seen | expected | reference | evidence |\n"+
		"| :--- | :--- | :--- | :--- | :--- | :--- |\n")
	for _, f := range ruleFindings(s) {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", markdown(f.name), markdown(f.Status.String()),
			markdown(f.Detail), markdown(f.Expected), markdown(f.Reference), markdown(evidence(f.Finding, occasion(s))))
	}
	for i, sentence := range s.Story {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "- %s\n", markdown(sentence))
	}
	if lines, shutdown := words(s); len(lines) > 0 && s.Verdict != result.Pass {
		fmt.Fprintf(w, "\nThe last lines of its stderr, in %s %d:\n\n", occasion(s), shutdown)
		preformatted(w, lines)
	}
	fmt.Fprint(w, "\n</details>\n")
}

// preformatted is HTML, not a fence: inside <pre> no Markdown is read at all, so
// that no line can close it.
func preformatted(w io.Writer, lines []string) {
	fmt.Fprint(w, "<pre>\n")
	for _, line := range lines {
		fmt.Fprintln(w, html.EscapeString(clean(line)))
	}
	fmt.Fprint(w, "</pre>\n")
}

// repeat says under what it was found, and how to look again.
func repeat(w io.Writer, s result.Suite) {
	fmt.Fprintf(w, "\n%s\n", markdown(conditions(s)))
	command := repeatCommand(s)
	switch {
	case len(s.Subjects) == 0:
	case command == "" && probesOnly(s): // nothing in it is left to a seed
	case command == "":
		fmt.Fprintf(w, "\nTo repeat it, run the same command with %s.\n", sameFlags(s))
	default:
		fmt.Fprint(w, "\nTo repeat it:\n\n")
		preformatted(w, []string{command})
	}
}

// sameFlags are the flags that make a user's command the same run again: lastcall may
// have found its rate and its number of shutdowns by itself.
func sameFlags(s result.Suite) string {
	flags := fmt.Sprintf("--seed %d", s.Seed)
	if !s.Scenario.Disruption.Unloaded() {
		flags += fmt.Sprintf(" --rate %d", s.Scenario.Load.Rate)
	}
	return flags + fmt.Sprintf(" --shutdowns %d", s.Scenario.Shutdowns)
}

// repeatCommand is the comparison as a shell would take it, or "" where the
// suite does not hold the command: that of a user is not in it.
func repeatCommand(s result.Suite) string {
	if len(s.Subjects) == 0 {
		return ""
	}
	if probesOnly(s) {
		return repeatProbes(s)
	}
	args := []string{"lastcall", "compare"}
	for _, subject := range s.Subjects {
		if subject.Kind != scenario.KindStrategy {
			return ""
		}
		args = append(args, quote(subject.Name))
	}
	args = append(args, "--scenario", quote(s.Scenario.Name), "--seed", strconv.FormatUint(s.Seed, 10))
	for _, key := range scenario.Keys() {
		if key.Flag == "" || key.Own || key.OfLoad() && s.Scenario.Disruption.Unloaded() {
			continue
		}
		for _, value := range key.Values(s.Scenario) {
			args = append(args, "--"+key.Flag, quote(value))
		}
	}
	return strings.Join(args, " ")
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:+][A-Za-z0-9_./:+-]*$`)

// quote makes one word of a text for a shell: who copies the command must not
// run what a server called itself.
func quote(text string) string {
	text = clean(text)
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// markup escapes what is Markdown or HTML anywhere in a line. A backslash does
// not keep GitHub from reading $ as the begin of a formula, nor @ as that of a
// name to notify; an element around them does.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;",
	"$", "<span>$</span>", "@", "<span>@</span>",
	"://", `\://`, "www.", `www\.`, // GitHub makes links of them
)

// opener is what would begin a heading, a list or a rule at the begin of a line.
var opener = regexp.MustCompile(`^(?:[-+#=]|\d+[.)])`)

// markdown makes text that is shown as it is, in one line, also in a table.
func markdown(text string) string {
	text = strings.TrimSpace(clean(text)) // four blanks would begin a block of code
	escaped := markup.Replace(text)
	if open := opener.FindString(escaped); open != "" {
		last := len(open) - 1
		escaped = open[:last] + `\` + escaped[last:]
	}
	return escaped
}

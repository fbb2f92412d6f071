package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

func noFailedRule() Rule {
	return Rule{
		Name:      NoFailed,
		Asks:      "no request at risk gets a wrong answer (any status but the expected ones, 429 and 503)",
		Reference: "RFC 9110 section 15.6",
		Unit:      "requests at risk", Breach: "got a wrong answer",
		judge:  noFailed,
		normal: Level{Require, Require}, explain: explainer.wrongAnswers,
	}
}

func noFailed(o *observation) (t tally) {
	o.exposed(func(r *history.Request) {
		switch r.Outcome {
		case history.Refused, history.Unsent, history.Pending:
			return // not at risk
		case history.Failed:
			t.breaches = append(t.breaches, o.proof(r))
		case history.Completed, history.Rejected, history.Dropped:
		}
		t.judged++
	})
	return t
}

// wrongAnswers tells of handlers that failed.
func (t explainer) wrongAnswers(f result.Finding) []string {
	if t.behindFront() {
		return []string{
			prose.Sentence(f.Detail),
			"The front had no command to forward them to.",
			"Start the successor before the command stops, or let the front hold requests or try another one until it is there.",
		}
	}
	if u := t.unlikeIn(history.Late); u.n*2 > t.subject.Late.Failed && u.n > 0 {
		return []string{
			prose.Sentence(f.Detail),
			fmt.Sprintf("%d of the late requests %s %s.", u.n, prose.Was(u.n), u.describe()),
			"Answer late requests as before, or reject them with 503 and Connection: close. If such an answer is right, say so (--expect-body, --expect-status).",
		}
	}
	if t.staysUp() {
		return []string{
			prose.Sentence(f.Detail),
			t.saidWrong(history.Late, history.Failed),
			"Let the new process be ready before the old one ends.",
		}
	}
	return []string{
		prose.Sentence(f.Detail),
		t.saidWrong(history.Late, history.Failed),
		"Release things in the reverse order of their use: listener, requests in flight, queues, and the store last.",
	}
}

// wrong counts how requests went wrong before the signal, by what can be said of it.
type wrong struct {
	statuses   map[uint16]int
	asked      map[uint16]string // what was asked for by those of a status, "" if several things
	served     map[string]bool   // what was asked for, and answered
	causes     map[history.Cause]int
	unexpected int // answers with another body than expected
}

// whatWentWrong looks at the requests before the signal.
func (o *observation) whatWentWrong() wrong {
	w := wrong{
		statuses: make(map[uint16]int), asked: make(map[uint16]string), served: make(map[string]bool), causes: make(map[history.Cause]int),
	}
	o.each(history.Before, func(r *history.Request) {
		switch r.Outcome {
		case history.Failed, history.Rejected:
			if asked := o.asked(r); w.statuses[r.Status] == 0 {
				w.asked[r.Status] = asked
			} else if w.asked[r.Status] != asked {
				w.asked[r.Status] = ""
			}
			w.statuses[r.Status]++
			if r.Reason == history.UnexpectedBody {
				w.unexpected++
			}
		case history.Dropped:
			w.causes[r.Cause]++
		case history.Completed:
			w.served[o.asked(r)] = true
		case history.Refused, history.Unsent, history.Pending:
		}
	})
	return w
}

// wentWrong says how the requests before the signal failed, and what would help: a
// gate that is set up wrongly should say so in one line, and in the same words for
// every shutdown. Nothing: not one was completed.
func (o *observation) wentWrong(before history.Counts, nothing bool) string {
	w := o.whatWentWrong()
	if status := commonest(w.statuses); nothing && len(status) == 1 && w.statuses[status[0]] == before.Total {
		return fmt.Sprintf("every request was answered %d%s", status[0], w.help())
	}
	var said []string
	for _, status := range commonest(w.statuses) {
		said = append(said, fmt.Sprintf("%d answered %d", w.statuses[status], status))
	}
	for _, cause := range commonest(w.causes) {
		said = append(said, fmt.Sprintf("%d %s", w.causes[cause], cause))
	}
	detail := fmt.Sprintf("%d of %s went wrong before %s (%s)",
		before.Total-before.Completed, prose.Plural(before.Total, "request"), o.moment(), describe(before))
	if len(said) > 0 {
		detail += ": " + strings.Join(said, ", ")
	}
	if crossed := o.crossedBefore(); 2*crossed.lost > before.Total-before.Completed {
		return detail + o.unannouncedAdvice()
	}
	return detail + w.help()
}

// help is what would help against the commonest of them.
func (w wrong) help() string {
	switch {
	case w.unexpected > 0:
		return "; the bodies are not as expected: check --expect-body"
	case len(w.statuses) > 0:
		return w.otherwise(commonest(w.statuses)[0])
	case w.causes[history.Hung] > 0:
		return "; no answer came by the deadline: give it more time (--timeout)"
	}
	return ""
}

// Statuses of a server that does not have what it was asked for (RFC 9110 sections
// 15.5.5, 15.5.6 and 15.6.2). That of net/http would bring the network into a
// package that never dials.
const (
	notFound         = 404
	methodNotAllowed = 405
	notImplemented   = 501
)

// otherwise is what to ask for instead of what was answered with that status.
func (w wrong) otherwise(status uint16) string {
	switch status {
	case notFound, methodNotAllowed, notImplemented: // these are never meant to be tested
		asked := w.asked[status]
		if method, _, named := strings.Cut(asked, " "); named && !w.served[asked] {
			return fmt.Sprintf(": this server has no %s; test another path with --url '%s /...'", asked, method)
		}
		return "; test a path that the server always answers (--url)"
	}
	return "; test a path that the server answers (--url), or say that this status is right (--expect-status)"
}

// asked is the method and the path of a request, "" if nobody has written down
// where it went.
func (o *observation) asked(r *history.Request) string {
	s, target := o.Header.Scenario, int(r.Target)
	url := s.Subject.URL
	switch {
	case target < len(s.Load.Requests):
		url = s.Load.Requests[target].URL
	case target > 0 || s.Load.RequestsFile != "":
		return ""
	}
	if _, rest, whole := strings.Cut(url, "://"); whole {
		url = "/"
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			url = rest[i:]
		}
	}
	path, _, _ := strings.Cut(url, "?") // what varies is in the query, and it is long
	if path == "" {
		return ""
	}
	return o.Method(r) + " " + path
}

// commonest returns the keys of a count, the greatest first.
func commonest[K interface{ ~uint8 | ~uint16 }](counts map[K]int) []K {
	var keys []K
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return int(a) - int(b)
	})
	return keys
}

// saidWrong tells what wrong answers said and when they came: those of a window and
// of an outcome, or, if there are none in it, of any request that met the shutdown.
func (t explainer) saidWrong(w history.Window, outcome history.Outcome) string {
	counts := make(map[uint16]int)
	lines := make(map[uint16]string)
	var first, last time.Duration
	collect := func(is func(history.Window) bool) {
		for _, o := range t.intact {
			for i := range o.Requests {
				r := &o.Requests[i]
				if r.Outcome != outcome || !is(o.windows[i]) {
					continue
				}
				after := max(0, r.End-o.Signal.Before)
				if len(counts) == 0 {
					first = after
				}
				first, last = min(first, after), max(last, after)
				counts[r.Status]++
				if line := o.line(r.Seq); line != "" && lines[r.Status] == "" {
					lines[r.Status] = line
				}
			}
		}
	}
	if collect(func(x history.Window) bool { return x == w || w == history.Late && x == history.Edge }); len(counts) == 0 {
		collect(history.Window.Exposed)
	}
	var said []string
	for _, status := range commonest(counts) {
		one := fmt.Sprintf("%d with %d", counts[status], status)
		if lines[status] != "" {
			one += fmt.Sprintf(" (%s)", quoted(lines[status]))
		}
		said = append(said, one)
	}
	moment := "the signal"
	if t.staysUp() {
		moment = "the command's beginning"
	}
	return fmt.Sprintf("Their answers came %s: %s.", between(first, last, moment), strings.Join(said, ", "))
}

// quoted is a line between quotes that do not occur in it, if there are such.
func quoted(line string) string {
	if strings.Contains(line, `"`) {
		return fmt.Sprintf("%#q", line)
	}
	return fmt.Sprintf("%q", line)
}

// line is the first line of a wrong answer, "" if it was not kept.
func (o *observation) line(seq uint32) string {
	i := slices.IndexFunc(o.Answers, func(a history.Answer) bool { return a.Seq == seq })
	if i < 0 {
		return ""
	}
	return o.Answers[i].Line
}

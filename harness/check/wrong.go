package check

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
)

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
		before.Total-before.Completed, plural(before.Total, "request"), o.moment(), describe(before))
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

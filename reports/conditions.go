package reports

import (
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// maxWords bounds a URL or a command within the conditions, in columns: all of
// them together take two lines, and one more where connections are parked.
const maxWords = 32

// conditions say under what the table was made, so that it can be made again.
// What is as it is by default goes without saying.
func conditions(s result.Suite) string {
	if probesOnly(s) {
		return probeConditions(s)
	}
	parts := []string{repetitions(s)}
	if d := s.Scenario.Disruption; d.Unloaded() {
		parts = append(parts, disruption(d)+" "+instant(d), "no load")
	} else {
		parts = append(parts, underLoad(s)...)
	}
	parts = append(parts, "policy "+s.Scenario.Policy+changed(s.Scenario.Overrides), fmt.Sprintf("seed %d", s.Seed), seconds(s.Seconds))
	text := strings.Join(parts, ", ") + "."
	if s.Status == result.SuiteInterrupted {
		return "Interrupted: the result is partial. Up to " + text
	}
	return text
}

// underLoad says what was sent, and what happened meanwhile.
func underLoad(s result.Suite) []string {
	parts := []string{
		fmt.Sprintf("%s requests/s (%s)%s", number(s.Scenario.Load.Rate), s.Scenario.Load.Connections, destination(s.Scenario)),
	}
	if !onlyCommands(s) && !ownRequests(s.Scenario.Load) { // it is not known how long others take, and requests may say it themselves
		parts = append(parts, scenario.InWords(s.Scenario.Subject.Delay.Duration)+" handlers")
	}
	if held := parked(s.Scenario.Load.Parked); held != "" {
		parts = append(parts, "beside "+held)
	}
	parts = append(parts, disruption(s.Scenario.Disruption)+" under load")
	if lag := s.Scenario.Disruption.Lag; lag.Duration > 0 {
		parts = append(parts, scenario.InWords(lag.Duration)+" of lag")
	}
	return parts
}

// ownRequests reports whether the scenario says itself what is sent.
func ownRequests(l scenario.Load) bool { return len(l.Requests) > 0 || l.RequestsFile != "" }

// instant is when a signal came that did not wait for a load.
func instant(d scenario.Disruption) string {
	if d.When == scenario.Ready {
		return "as soon as it was ready"
	}
	return "at a random instant within twice the time that the server takes to be ready"
}

// parkedNouns are the kinds of parked connections in words, in printing order.
var parkedNouns = [...][2]string{
	{scenario.WebSocket, "WebSocket"}, {scenario.EventStream, "event stream"}, {scenario.Idle, "idle connection"}, {scenario.Silent, "silent connection"},
}

// parked are the connections that were held beside the requests, by kind.
func parked(wanted []scenario.Park) string {
	var all []string
	for _, kind := range parkedNouns {
		n, noun := 0, kind[1]
		for _, w := range wanted {
			if w.Kind == kind[0] {
				n += w.Count
			}
		}
		if n != 1 {
			noun += "s"
		}
		if n > 0 {
			all = append(all, number(n)+" "+noun)
		}
	}
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " and " + all[last]
}

// probeConditions say under what was probed. There was no load.
func probeConditions(s result.Suite) string {
	repeats := 0
	for _, subject := range s.Subjects {
		for _, p := range subject.Probes {
			repeats = max(repeats, p.Repeats)
		}
	}
	often := ""
	switch {
	case repeats == 1:
		often = "each once, "
	case repeats > 1: // else all were skipped
		often = fmt.Sprintf("%d repeats each, ", repeats)
	}
	text := fmt.Sprintf("%s%s, grace %s, policy %s%s, %s.", often, disruption(s.Scenario.Disruption),
		scenario.InWords(s.Scenario.Disruption.Grace.Duration), s.Scenario.Policy, changed(s.Scenario.Overrides), seconds(s.Seconds))
	if s.Status == result.SuiteInterrupted {
		return "Interrupted: the result is partial. " + text
	}
	return text
}

// repetitions are how often each subject was tried: less often than was asked for
// where it did not even boot.
func repetitions(s result.Suite) string {
	what, asked, tried := "shutdown", s.Scenario.Shutdowns, 0
	if len(s.Scenario.Disruption.While) > 0 {
		what = "time"
	}
	if asked != 1 {
		what += "s"
	}
	for _, subject := range s.Subjects {
		tried = max(tried, subject.Shutdowns)
	}
	if 0 < tried && tried < asked && s.Status != result.SuiteInterrupted {
		return fmt.Sprintf("%d of %d %s each", tried, asked, what)
	}
	return fmt.Sprintf("%d %s each", asked, what)
}

// destination is where the requests went, if it is not the sample service.
func destination(s scenario.Scenario) string {
	requests := s.Load.Requests
	if len(requests) == 0 {
		if s.Subject.URL == "" {
			return ""
		}
		return " to " + shorten(clean(telling(s.Subject.URL, maxWords)), maxWords)
	}
	first := requests[0]
	method := first.Method
	if method == "" {
		method = s.Load.Method
	}
	text := " to " + shorten(clean(method+" "+telling(first.URL, maxWords-len(method)-1)), maxWords)
	if more := len(requests) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// telling is a URL, or its path alone where it is too long: the host is the same
// for all requests.
func telling(url string, most int) string {
	scheme, rest, whole := strings.Cut(url, "://")
	path := strings.IndexAny(rest, "/?")
	if !whole || path < 0 || columns(scheme+"://"+rest) <= most {
		return url
	}
	return rest[path:]
}

// onlyCommands reports whether all subjects are servers of the user's.
func onlyCommands(s result.Suite) bool {
	strategy := func(s result.Subject) bool { return s.Kind == scenario.KindStrategy }
	return len(s.Subjects) > 0 && !slices.ContainsFunc(s.Subjects, strategy)
}

// disruption is what happened to the subject: a command, or signals and who got
// them.
func disruption(d scenario.Disruption) string {
	if len(d.While) > 0 {
		return `"` + shorten(clean(strings.Join(d.While, " ")), maxWords) + `"`
	}
	if d.Target == "" || d.Target == scenario.Leader {
		return signals(d)
	}
	return signals(d) + " to the " + d.Target
}

// signals tells of a sequence, as in SIGTERM,2s,SIGINT, in words.
func signals(d scenario.Disruption) string {
	var parts []string
	for _, p := range d.Planned() {
		part := p.Name
		if p.Pause > 0 {
			part = scenario.InWords(p.Pause) + " later " + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// changed says that the policy is not quite the one of its name.
func changed(o scenario.Overrides) string {
	if o.MinAtRisk == 0 && o.MaxLoss == 0 && len(o.ExitCodes) == 0 && len(o.Rules) == 0 {
		return ""
	}
	return " with changes"
}

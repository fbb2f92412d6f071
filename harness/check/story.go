package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// story tells in two or three plain sentences what happened to whom, why, and
// which change would save them. A subject that passes without a warning has
// none.
func story(s result.Subject, observations []*observation) []string {
	t := teller{subject: s, scenario: observations[0].Header.Scenario}
	switch s.Verdict {
	case result.Fail:
		return t.failure()
	case result.Inconclusive:
		return t.doubt()
	case result.Pass:
		return t.warnings()
	}
	return []string{}
}

type teller struct {
	subject  result.Subject
	scenario history.Scenario
}

// failure tells of the first rule violated: the others mostly follow from it.
func (t teller) failure() []string {
	f, ok := t.first(result.Violated)
	if !ok {
		return []string{}
	}
	switch f.Rule {
	case InFlightCompletes:
		return t.inFlight()
	case LateRequestsAnswered:
		return t.late()
	case NoFailed:
		return []string{
			sentence(f.Detail),
			"Something that the handlers need was gone before they were done.",
			"Release things in the reverse order of their use: listener, requests in flight, queues, and the store last.",
		}
	case AnnouncesClose:
		return []string{
			sentence(f.Detail),
			"A client that is not told goes on using the connection, and its next request meets the close.",
			"Answer with Connection: close from the signal on, as Go's Server.Shutdown does.",
		}
	case ExitsInGrace:
		return []string{
			fmt.Sprintf("The process was still there when its grace period of %s was over, and had to be killed%s.",
				t.scenario.Disruption.Grace, t.ofShutdowns(f)),
			"Either it does not handle " + t.scenario.Disruption.Signal + ", or something it waits for never ends.",
			"Give every wait on the way out a bound that is shorter than the grace period.",
		}
	case ExitStatus:
		return []string{
			fmt.Sprintf("The process ended with %s%s.", describeExits(t.subject.Exits), t.ofShutdowns(f)),
			"A supervisor takes that for a crash: it may restart the process, or count the deploy as failed.",
			"Let main return normally once the drain is over; http.ErrServerClosed is no failure.",
		}
	case NoUnansweredExecution:
		return []string{
			sentence(f.Detail),
			"Their clients cannot know that the work was done, and may ask for it again.",
			"Exit only when the answers have been written.",
		}
	}
	return []string{sentence(f.Detail)}
}

func (t teller) inFlight() []string {
	c := t.subject.InFlight
	what := fmt.Sprintf("%s found %s in flight%s: %s.",
		t.scenario.Disruption.Signal, count(c.Total, "request"), t.overShutdowns(), describeInFlight(c))
	switch {
	case c.Dropped >= c.Rejected && c.Dropped >= c.Failed:
		return t.inFlightDropped(what, c.Dropped)
	case c.Rejected >= c.Failed:
		return []string{
			what,
			"Their handlers gave up when the signal came: the context under which they work is cancelled by it.",
			"Let the signal start Server.Shutdown and nothing else; a request's context should end with its own client " +
				"or deadline (`lastcall explain signal-notify` shows it).",
		}
	}
	return []string{
		what,
		"Their handlers failed once the signal had come: something they need was closed before they were done.",
		"Close the store and all that handlers use only after the last of them has returned.",
	}
}

func (t teller) inFlightDropped(what string, dropped int) []string {
	exit := time.Duration(t.subject.ExitSeconds.Median * float64(time.Second))
	signal := t.scenario.Disruption.Signal
	switch {
	case t.subject.DroppedByCause.Hung*2 > dropped:
		return []string{
			what,
			fmt.Sprintf("Most of them waited in vain until their deadline of %s: the server neither answered nor hung up.",
				t.scenario.Load.Timeout),
			"Bound the work of a request, and the drain, to less than the grace period.",
		}
	case t.everyExit(func(e result.Exit) bool { return e.Killed }):
		return []string{
			what,
			fmt.Sprintf("The process was still running when its grace period of %s was over, and SIGKILL cut them off.",
				t.scenario.Disruption.Grace),
			"Bound the work of a request, and the drain, to less than the grace period.",
		}
	case t.everyExit(func(e result.Exit) bool { return e.Signal == signal }):
		return []string{
			what,
			fmt.Sprintf("Nothing in the process handles %s, so the kernel ended it in the middle of their work, %s later.", signal, short(exit)),
			"Catch the signal with signal.Notify and call Server.Shutdown, which waits for the requests in flight " +
				"(`lastcall explain signal-notify` shows it).",
		}
	}
	return []string{
		what,
		fmt.Sprintf("The process ended with %s, %s after the signal, while they were still being served.",
			describeExits(t.subject.Exits), short(exit)),
		"Exit only when Server.Shutdown has returned, and give it more time than the slowest request takes.",
	}
}

func (t teller) late() []string {
	s := t.subject
	return []string{
		fmt.Sprintf("%d of %s at risk got no answer%s.", s.Late.Dropped, count(s.Late.AtRisk(), "late request"), t.overShutdowns()),
		"Their connections were accepted, or kept open, and then hung up on: that is worse than a refusal, " +
			"for a client cannot know whether to ask again.",
		"Close the listener first and go on serving open connections with Connection: close, or go on accepting " +
			"until the balancer has learned of it.",
	}
}

// warnings tells what a pass does not hide.
func (t teller) warnings() []string {
	said := []string{}
	for _, f := range t.subject.Findings {
		if f.Status != result.Warned {
			continue
		}
		if f.Rule == LateRequestsAnswered {
			said = append(said, t.races()...)
			continue
		}
		said = append(said, sentence(f.Detail))
	}
	return said
}

func (t teller) races() []string {
	s := t.subject
	what := fmt.Sprintf("%d of %s at risk %s lost in the races that no HTTP/1.1 server can win: "+
		"sent on an idle connection, or still unread in the accept queue, as the server closed it.",
		s.Late.Dropped, count(s.Late.AtRisk(), "late request"), was(s.Late.Dropped))
	said := []string{what}
	if s.Masked > 0 {
		said = append(said, fmt.Sprintf("Go's own client would have hidden %d of them by sending them again.", s.Masked))
	}
	return append(said, "To lose fewer, go on serving with Connection: close for a while before Shutdown.")
}

// doubt tells why nothing was concluded.
func (t teller) doubt() []string {
	said := []string{}
	for _, f := range t.subject.Findings {
		if f.Status == result.Unjudged && !slices.Contains(said, sentence(f.Detail)) {
			said = append(said, sentence(f.Detail))
		}
	}
	const most = 3
	if len(said) > most {
		said = append(said[:most-1], fmt.Sprintf("And %d more reasons; --report json names them all.", len(said)-most+1))
	}
	return said
}

func (t teller) first(status result.Status) (result.Finding, bool) {
	for _, f := range t.subject.Findings {
		if f.Status == status {
			return f, true
		}
	}
	return result.Finding{}, false
}

func (t teller) everyExit(is func(result.Exit) bool) bool {
	for _, e := range t.subject.Exits {
		if !is(e) {
			return false
		}
	}
	return len(t.subject.Exits) > 0
}

func (t teller) overShutdowns() string {
	if t.subject.ShutdownsIntact == 1 {
		return ""
	}
	return fmt.Sprintf(", over %d shutdowns", t.subject.ShutdownsIntact)
}

// ofShutdowns says in how many shutdowns a rule that judges shutdowns was
// violated.
func (t teller) ofShutdowns(f result.Finding) string {
	if f.Judged <= 1 {
		return ""
	}
	return fmt.Sprintf(", in %d of %d shutdowns", f.Count, f.Judged)
}

// describeInFlight says how the requests in flight ended, the worst first.
func describeInFlight(c history.Counts) string {
	return list([]part{
		{c.Dropped, "hung up on without a whole answer"},
		{c.Failed, "answered with an error"},
		{c.Rejected, "turned away with 503 or 429"},
		{c.Unsent, "given up by lastcall"},
		{c.Completed, "completed"},
	})
}

// describe lists the outcomes that occurred.
func describe(c history.Counts) string {
	return list([]part{
		{c.Completed, "completed"},
		{c.Rejected, "rejected"},
		{c.Failed, "failed"},
		{c.Refused, "refused"},
		{c.Dropped, "dropped"},
		{c.Unsent, "unsent"},
	})
}

type part struct {
	n    int
	what string
}

func list(parts []part) string {
	var said []string
	for _, p := range parts {
		if p.n > 0 {
			said = append(said, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(said) == 0 {
		return "none"
	}
	return strings.Join(said, ", ")
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

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// short rounds a duration for reading.
func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "less than 1ms"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// sentence makes a detail a sentence.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

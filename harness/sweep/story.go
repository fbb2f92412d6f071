package sweep

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// story says in words what was lost and when.
func story(s result.Sweep) []string {
	story := []string{}
	for _, lane := range s.Lanes {
		story = append(story, laneStory(lane, s.Signal)...)
	}
	return story
}

var laneTitles = map[string]string{"reused": "A kept-alive connection", "fresh": "A new connection"}

func laneStory(l result.SweepLane, signal string) []string {
	title := laneTitles[l.Connections]
	first, last := l.Bins[0].FromUS, l.Bins[len(l.Bins)-1].ToUS
	var story []string
	switch {
	case l.EarliestUS == nil && l.Sum.AtRisk == 0:
		return []string{fmt.Sprintf("%s: no request was at risk, so nothing was tested.", title)}
	case l.EarliestUS == nil:
		story = append(story, fmt.Sprintf("%s: none of %d requests at risk was dropped. They were sent from %s to %s.",
			title, l.Sum.AtRisk, around(first, signal), around(last, "it")))
	default:
		story = append(story, fmt.Sprintf("%s: %d of %d requests at risk were dropped, in %d of %s.",
			title, l.Sum.Lost, l.Sum.AtRisk, l.Shutdowns, prose.Plural(l.Measured, "shutdown")))
		if l.Window != nil {
			story = append(story, fmt.Sprintf("Most of these were sent %s.", mostLost(l, signal)))
		}
		story = append(story, fmt.Sprintf("The first dropped request was sent %s, the last %s.", around(*l.EarliestUS, signal), around(*l.LatestUS, "it")))
		story = append(story, worstBin(l, signal), lostWords(l.Sum))
	}
	if l.Sum.Refused+l.Sum.Closed > 0 {
		story = append(story, fmt.Sprintf("Not at risk: %s. Nothing was written, so a client can go elsewhere.", prose.List(
			prose.Of(l.Sum.Refused, "refused"), prose.Of(l.Sum.Closed, "whose connection had been seen to close"),
		)))
	}
	if l.Discarded() > 0 {
		story = append(story, fmt.Sprintf("Discarded: %s. The other requests of these shutdowns count.", prose.List(
			prose.Of(l.Late, "not sent in time"), prose.Of(l.Uncertain, "whose instant is known less exactly than to a step"),
		)))
	}
	return story
}

// mostLost says from when to when most are lost. Where that is as far as the sweep
// reaches, it is not known how far it goes beyond.
func mostLost(l result.SweepLane, signal string) string {
	first, last := l.Bins[0], l.Bins[len(l.Bins)-1]
	from, to := "from "+around(l.Window.FromUS, signal), "to "+around(l.Window.ToUS, "it")
	if l.Window.FromUS == first.FromUS {
		from = fmt.Sprintf("from before the start of the sweep (--from), %s,", around(first.FromUS, signal))
	}
	if l.Window.ToUS == last.ToUS {
		to = fmt.Sprintf("at least to the end of the sweep (--to), %s", around(last.ToUS, "it"))
	}
	return from + " " + to
}

// worstBin tells of the bin with the highest rate. Of those of one rate the one
// with the most requests says the most.
func worstBin(l result.SweepLane, signal string) string {
	var worst *result.SweepBin
	for i := range l.Bins {
		b := &l.Bins[i]
		if b.Low != nil && (worst == nil || *b.Low > *worst.Low) {
			worst = b
		}
	}
	return fmt.Sprintf("The risk is highest from %s to %s: %d of %d were dropped (%s, 95%% interval %s to %s).",
		around(worst.FromUS, signal), around(worst.ToUS, "it"), worst.Lost, worst.AtRisk,
		shareOf(*worst.Rate), shareOf(*worst.Low), shareOf(*worst.High))
}

// lostWords says what the ledger knows of the lost.
func lostWords(c result.SweepCount) string {
	if c.Unknown == c.Lost {
		return "The server keeps no ledger, so it is not known which of them it executed."
	}
	return fmt.Sprintf("Of the dropped requests, by the server's ledger: %s.", prose.List(
		prose.Of(c.Executed, "executed and not answered"),
		prose.Of(c.Received, "received and not executed"),
		prose.Of(c.NeverRead, "never read"),
		prose.Of(c.Unknown, "unknown"),
	))
}

// around says an instant in words.
func around(us float64, signal string) string {
	switch {
	case us == 0:
		return signal
	case us < 0:
		return instant(-us) + " before " + signal
	}
	return instant(us) + " after " + signal
}

// instant is a time as people say it: "340 us", "1.2 ms".
func instant(us float64) string {
	if math.Abs(us) < 999.5 {
		return fmt.Sprintf("%.0f µs", us)
	}
	return strings.TrimSuffix(strconv.FormatFloat(us/1000, 'f', 1, 64), ".0") + " ms"
}

// shareOf is a share, with two digits.
func shareOf(share float64) string {
	p := 100 * share
	if p != 0 && p < 9.95 {
		return fmt.Sprintf("%.1f%%", p)
	}
	return fmt.Sprintf("%.0f%%", p)
}

// backlog is how long before the signal a request to a handler that takes no time
// should have been answered, in microseconds: many times what it takes.
const backlog = 500

// answerTime is how long an answer takes without other load, in microseconds:
// the quickest that was seen, or what the handlers were told to take besides.
func answerTime(histories []*history.History) float64 {
	var quickest, delay time.Duration
	for _, h := range histories {
		delay = max(delay, h.Header.Scenario.Subject.Delay.Duration)
		if took := h.Sweep.Answered; took > 0 && (quickest == 0 || took < quickest) {
			quickest = took
		}
	}
	return micros(max(quickest, delay))
}

// early says why requests were lost that had been sent long before the signal, or
// "" if none were. One whose handler takes that long is with its handler.
func early(l result.SweepLane, signal string, answer float64) string {
	if l.EarliestUS == nil || *l.EarliestUS >= -backlog {
		return ""
	}
	before := -*l.EarliestUS
	if l.Window != nil { // a stray before it does not make a queue
		before = -l.Window.FromUS
	}
	switch {
	case answer > -l.Bins[0].FromUS:
		return fmt.Sprintf("an answer takes %s here, longer than the sweep reaches back: the dropped requests were in their handlers when %s arrived. Test a faster endpoint, or start earlier with a wider step (--from -%s --step %s)",
			instant(answer), signal, flagTime(1.2*answer), flagTime(answer/20))
	case before > backlog+answer:
		return fmt.Sprintf("requests on %s connections that were sent %s before %s were dropped, too early for a race: an answer takes %s, so the server still had them in its queue. Send fewer at a time (--per-step 0.2), and more often (--shutdowns)",
			l.Connections, instant(before), signal, instant(answer))
	}
	return ""
}

// flagTime is a time as a flag takes it, in whole milliseconds.
func flagTime(us float64) string { return fmt.Sprintf("%.0fms", math.Ceil(us/1000)) }

// warnings says what makes the figures worth less.
func warnings(s result.Sweep, histories []*history.History) []string {
	warnings := []string{}
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	failed := 0
	for _, h := range histories {
		if h.Error != "" && !h.Interrupted {
			if failed++; failed == 1 { // the others say the same
				warn("shutdown %d could not be carried out: %s", h.Header.Shutdown, h.Error)
			}
		}
	}
	switch {
	case s.Measured == 0 && s.Shutdowns > 0:
		warn("no shutdown counts, so nothing is proved")
	case !enough(s) && s.Measured < s.Shutdowns:
		warn("only %d of %d shutdowns count, which proves nothing", s.Measured, s.Shutdowns)
	}
	for _, l := range s.Lanes {
		if text := early(l, s.Signal, answerTime(histories)); text != "" && !slices.Contains(warnings, text) {
			warn("%s", text)
		}
		all := l.Sum.Sent + l.Outside + l.Discarded()
		if 10*l.Outside > all {
			warn("%d of %d requests on %s connections were sent outside the sweep, and are in no bin: the machine was too busy", l.Outside, all, l.Connections)
		}
		if 2*l.Discarded() > all {
			warn("%d of %d requests on %s connections were discarded: for a step of %s the machine is too busy or too slow. A wider step (--step %.0fus) discards fewer",
				l.Discarded(), all, l.Connections, instant(s.StepUS), 2*s.StepUS)
		}
		if l.Unproved > 0 {
			warn("%d of %d bins on %s connections prove nothing: fewer than %d requests count in each, and none was lost. More --shutdowns fill them",
				l.Unproved, len(l.Bins), l.Connections, s.EnoughShots)
		}
		if l.Sum.Unsent > 0 {
			warn("%s on %s connections could not be sent: lastcall itself lacked something", prose.Count(l.Sum.Unsent, "request"), l.Connections)
		}
	}
	return warnings
}

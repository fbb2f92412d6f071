package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func closesCleanlyRule() Rule {
	return Rule{
		Name:      ClosesCleanly,
		Asks:      "parked connections end cleanly: a WebSocket connection with a close frame, an event stream with its last chunk",
		Needs:     "parked connections (load.parked in a scenario's file)",
		Reference: "RFC 6455 sections 7.1.1 and 7.4.1; RFC 9112 section 8; golang/go Server.Shutdown (hijacked connections)",
		Unit:      "WebSocket connections and event streams", Breach: "were cut without a close frame or a last chunk",
		judge:  closesCleanly,
		normal: Level{Require, Require}, explain: explainer.cutOff,
	}
}

// closesCleanly judges those parked connections that were held over the signal
// and whose client can be told. One that is still open has not been cut: while a
// command ran it was served on, and after an exit nobody knows who holds it: see
// unended.
func closesCleanly(o *observation) (t tally) {
	cut := make(map[string]int)
	for _, p := range o.Parked {
		switch {
		case !p.Told() || !o.held(p), p.Ended == 0 && o.Operation == nil:
			continue
		case p.Ended > 0 && !p.Clean:
			cut[p.Kind]++
			t.breaches = append(t.breaches, o.proofOfShutdown())
		}
		t.judged++
	}
	t.said = describeCuts(cut)
	return t
}

// held reports whether a parked connection was open as the signal came.
func (o *observation) held(p history.Parked) bool {
	return p.Opened > 0 && p.Opened <= o.Signal.Before && (p.Ended == 0 || p.Ended >= o.Signal.Before)
}

// endedByOperation are the parked connections that a server which promised to stay
// up has ended, though it has told their clients. Where it told them nothing, that
// is the matter of another rule.
func (o *observation) endedByOperation() (ended []history.Parked) {
	if o.Operation == nil {
		return nil
	}
	for _, p := range o.Parked {
		if p.Told() && o.held(p) && p.Ended > 0 && p.Clean {
			ended = append(ended, p)
		}
	}
	return ended
}

// describeEnded counts them by kind, with the code of the first websocket's close
// frame.
func describeEnded(ended []history.Parked) string {
	sockets, streams, code := 0, 0, 0
	for _, p := range ended {
		if p.Kind == scenario.WebSocket {
			sockets, code = sockets+1, cmp.Or(code, p.Code)
		} else {
			streams++
		}
	}
	var said []string
	if sockets > 0 {
		said = append(said, fmt.Sprintf("%s (with %d)", prose.Count(sockets, "parked WebSocket connection"), code))
	}
	if streams > 0 {
		said = append(said, prose.Count(streams, "parked event stream"))
	}
	return strings.Join(said, " and ")
}

// endedParked tells of them.
func (t explainer) endedParked() []string {
	var all []history.Parked
	for _, o := range t.intact {
		all = append(all, o.endedByOperation()...)
	}
	if len(all) == 0 {
		return nil
	}
	return []string{prose.Sentence(fmt.Sprintf("While %s ran, or soon after, the server ended %s%s, although it could have kept them: their clients must connect again",
		t.command(), describeEnded(all), t.overShutdowns()))}
}

// describeCuts says how many were cut, and how.
func describeCuts(cut map[string]int) string {
	var said []string
	if n := cut[scenario.WebSocket]; n > 0 {
		said = append(said, fmt.Sprintf("%s without a close frame (%d)", prose.Count(n, "WebSocket connection"), history.NoCloseFrame))
	}
	if n := cut[scenario.EventStream]; n > 0 {
		said = append(said, prose.Count(n, "event stream")+" before the last chunk")
	}
	return strings.Join(said, ", ")
}

// parked counts them by kind, in the order of the scenario.
func (o *observation) parked() []result.Parked {
	var all []result.Parked
	for _, p := range o.Parked {
		i := slices.IndexFunc(all, func(r result.Parked) bool { return r.Kind == p.Kind })
		if i < 0 {
			i, all = len(all), append(all, result.Parked{Kind: p.Kind})
		}
		r := &all[i]
		r.Asked++
		if !o.held(p) {
			continue
		}
		r.Held++
		if o.Operation != nil && p.Told() && p.Ended > 0 {
			r.Ended++
		}
		switch {
		case p.Ended == 0:
		case p.Clean:
			r.Clean++
		default:
			r.Cut++
		}
	}
	return all
}

// cutOff tells of clients that were hung up on without a word.
func (t explainer) cutOff(result.Finding) []string {
	held, cut := make(map[string]int), make(map[string]int)
	for _, d := range t.subject.Details {
		for _, p := range d.Parked {
			if d.Intact {
				held[p.Kind] += p.Clean + p.Cut
				cut[p.Kind] += p.Cut
			}
		}
	}
	var said []string
	if n := cut[scenario.WebSocket]; n > 0 {
		said = append(said,
			prose.Sentence(fmt.Sprintf("%s got no close frame%s: %s cut with %d, as in a crash",
				allOf(n, held[scenario.WebSocket], "WebSocket connection"), t.overShutdowns(), prose.Verb(n, "it was", "they were"), history.NoCloseFrame)),
			"An HTTP server does not know of hijacked connections (Go's http.Hijacker). Keep a list of them, "+
				"and send a close frame (1001, going away) on each before the process ends. Server.RegisterOnShutdown calls a function for that, "+
				"but does not wait for it (`lastcall explain hijack-forgotten` shows it).")
	}
	if n := cut[scenario.EventStream]; n > 0 {
		said = append(said,
			prose.Sentence(fmt.Sprintf("%s %s cut off before the last chunk%s: a client cannot tell that from a crash",
				allOf(n, held[scenario.EventStream], "event stream"), prose.Was(n), t.overShutdowns())),
			"End the streams when the signal arrives, and let their handlers return, before you call Shutdown: Shutdown waits for them, and tells them nothing.")
	}
	return said
}

// allOf is "the 5 event streams" or "2 of 5 event streams".
func allOf(n, of int, noun string) string {
	if n == of {
		return "the " + prose.Count(n, noun)
	}
	return fmt.Sprintf("%d of %s", n, prose.Plural(of, noun))
}

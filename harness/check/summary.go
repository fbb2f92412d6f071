package check

import (
	"cmp"
	"fmt"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// summarize counts what happened, over all shutdowns of one subject. In flight,
// late and at risk count the intact ones only: the windows of the others mean
// nothing.
func summarize(observations []*observation) result.Subject {
	header := observations[0].Header
	s := result.Subject{
		Name: header.Subject, Kind: header.Kind, Shutdowns: len(observations),
		Story: []string{}, Exits: []result.Exit{}, Findings: []result.Finding{}, Details: []result.Detail{},
	}
	var exits []float64
	var latencies []history.Latency
	for _, o := range observations {
		d := detail(o)
		s.Details = append(s.Details, d)
		s.Requests = s.Requests.Plus(d.Requests)
		if o.intact() {
			s.InFlight = s.InFlight.Plus(d.InFlight)
			s.Late = s.Late.Plus(d.Late)
			s.Edge = s.Edge.Plus(d.Edge)
		}
		if o.Exit.Seen && o.Signal.Sent {
			exits = append(exits, (o.Exit.At - o.Signal.Before).Seconds())
			s.Exits = countExit(s.Exits, o.Exit)
		}
		addRequests(&s, o)
		latencies = append(latencies, o.Folded.Latency...)
		warm := o.Warm()
		for i := range o.Requests {
			if r := &o.Requests[i]; r.Outcome == history.Completed && r.Started >= warm {
				latencies = append(latencies, history.Latency{Took: r.End - r.Scheduled, Count: 1})
			}
		}
	}
	s.AtRisk = s.InFlight.AtRisk() + s.LateOrEdge().AtRisk()
	if staysUpThrough(header.Scenario) {
		s.AtRisk += s.InFlight.Refused + s.Late.Refused
	}
	s.ExitSeconds = result.SpreadOf(exits)
	s.LatencyMS = quantiles(latencies)
	return s
}

func addRequests(s *result.Subject, o *observation) {
	for i := range o.Requests {
		r := &o.Requests[i]
		s.Stale += int(r.Stale)
		if r.Masked {
			s.Masked++
		}
		switch r.Cause {
		case history.Closed:
			s.DroppedByCause.Closed++
		case history.Reset:
			s.DroppedByCause.Reset++
		case history.Truncated:
			s.DroppedByCause.Truncated++
		case history.Hung:
			s.DroppedByCause.Hung++
		case history.Corrupt:
			s.DroppedByCause.Corrupt++
		case history.None:
		}
		e := o.entries[r.Seq]
		s.Ledger.Received += e.Received
		s.Ledger.Executed += e.Executed
		s.Ledger.Answered += e.Answered
		if r.Outcome == history.Dropped && o.Ledger.Present() && e.Received == 0 {
			s.Ledger.NeverRead++
		}
		s.Ledger.Applied += o.applied[r.Seq]
		if r.Outcome == history.Dropped && o.executed(r) {
			s.Ledger.UnansweredExecutions++
		}
		if o.repeated(r) {
			s.Ledger.Duplicates++
		}
		if o.lost(r) {
			s.Ledger.LostAcks++
		}
	}
}

func countExit(exits []result.Exit, e history.Exit) []result.Exit {
	exit := resultExit(e)
	at := slices.IndexFunc(exits, func(x result.Exit) bool {
		return x.Code == exit.Code && x.Signal == exit.Signal && x.Killed == exit.Killed
	})
	if at >= 0 {
		exits[at].Count++
		return exits
	}
	return append(exits, exit)
}

func resultExit(e history.Exit) result.Exit {
	x := result.Exit{Code: e.Code, Signal: e.Signal, Killed: e.Killed}
	if e.Seen {
		x.Count = 1
	}
	return x
}

func detail(o *observation) result.Detail {
	d := result.Detail{
		Shutdown: o.Header.Shutdown, Seed: o.Header.Seed, Intact: o.intact(),
		Requests: o.Counts(), InFlight: o.counts(history.InFlight), Late: o.counts(history.Late), Edge: o.counts(history.Edge),
		Witness: result.Witness{
			Kernel: o.Kernel.Asked, Missing: o.Kernel.Missing, Looks: len(o.Looks), Closing: len(o.Closings),
			MaxSlip: millis(o.timing.Slip(o.Signal.Before, max(o.Exit.At, o.Signal.Before))),
		},
		GuardMS: millis(o.guard), SlipMS: millis(o.slip), LagP99MS: millis(o.slip),
		Signal: result.DetailSignal{
			Sent: o.Signal.Sent, Open: o.Signal.Open, MeanOpen: o.Signal.Mean,
			UncertaintyUS: float64((o.Signal.After - o.Signal.Before).Nanoseconds()) / 1000,
		},
		Exit: resultExit(o.Exit), Events: []result.Event{}, Warnings: []string{},
	}
	for _, e := range o.Events {
		d.Events = append(d.Events, result.Event{Name: string(e.Name), MS: millis(e.At - o.Signal.Before)})
	}
	for _, p := range o.problems {
		d.Warnings = append(d.Warnings, p.detail)
	}
	d.Warnings = append(d.Warnings, remarks(o)...)
	d.Delivery, d.Operation, d.Left = o.Delivery, o.Operation, o.Left
	d.Parked = o.parked()
	if !o.intact() || o.Exit.Killed || o.Exit.Code != 0 || d.InFlight.Failed+d.Late.Failed > 0 {
		d.Stderr = o.Stderr
	}
	return d
}

// remarks are worth knowing and change no verdict.
func remarks(o *observation) []string {
	var said []string
	if paused, ok := o.At(history.EventLoadPaused); ok && o.Signal.Sent && paused >= o.Signal.Before {
		said = append(said, fmt.Sprintf("the load reached its limit and paused %s after %s", scenario.InWords(paused-o.Signal.Before), o.moment()))
	}
	if o.Signal.Sent && float64(o.Signal.Open) < o.Signal.Mean/2 {
		said = append(said, fmt.Sprintf("few requests were open when %s was sent: %s, %.1f on average", o.moment(), prose.Count(o.Signal.Open, "request"), o.Signal.Mean))
	}
	if o.Kernel.Missing != "" {
		said = append(said, noWitness(o.Kernel))
	}
	if n := max(o.Header.Repeats, o.tries-1); n > 0 {
		text := fmt.Sprintf("it was repeated %s: the machine was too busy to keep the schedule", often(n))
		if o.Header.Repeats < n {
			text += fmt.Sprintf("; this is try %d, which proved a loss", o.Header.Repeats+1)
		}
		said = append(said, text)
	}
	return append(said, leftOut(o)...)
}

// leftOut says what of the server's witnesses was not counted.
func leftOut(o *observation) (said []string) {
	if n := o.Ledger.Torn; n > 0 {
		said = append(said, prose.Count(n, "line")+" of the ledger could not be read")
	}
	if n := o.Ledger.Foreign; n > 0 {
		said = append(said, fmt.Sprintf("%s of the ledger %s ids of no request of this shutdown", prose.Count(n, "line"), prose.Verb(n, "carries", "carry")))
	}
	if n := o.Applied.Foreign; n > 0 {
		said = append(said, fmt.Sprintf("%s applied %s of no request of this shutdown", prose.Count(n, "id"), prose.Verb(n, "is", "are")))
	}
	if n := o.Applied.Strange; n > 0 && !senseless(o.Applied) {
		said = append(said, fmt.Sprintf("%s among the applied ids %s none, as %q", prose.Count(n, "line"), prose.Verb(n, "is", "are"), o.Applied.Sample))
	}
	return said
}

// unread says what a subject's witnesses wrote and nobody could read, over all
// its shutdowns. No verdict changes by it, and whoever reads one has to know.
func unread(group []*history.History) (said []string) {
	torn, strange, sample := 0, 0, ""
	for _, h := range group {
		torn += h.Ledger.Torn
		if !senseless(h.Applied) { // else it is a problem, and said as one
			strange += h.Applied.Strange
			sample = cmp.Or(sample, h.Applied.Sample)
		}
	}
	name := group[0].Header.Subject
	if torn > 0 {
		said = append(said, fmt.Sprintf("%s: %s of the ledger could not be read, and %s nothing: append each line, with its end, in one write",
			name, prose.Count(torn, "line"), prose.Verb(torn, "counts for", "count for")))
	}
	if strange > 0 {
		said = append(said, fmt.Sprintf("%s: %s among the applied ids %s none, as %q: print ids only, one a line",
			name, prose.Count(strange, "line"), prose.Verb(strange, "is", "are"), sample))
	}
	return said
}

// noWitness says why the kernel was no witness.
func noWitness(k history.Kernel) string {
	return "it is not known what the process had read of each request, only when each was sent: " + k.Missing
}

// fronted says of a subject, once, that a front was asked.
func fronted(group []*history.History) []string {
	for _, h := range group {
		if front := h.Delivery.Front; front != "" {
			return []string{fmt.Sprintf("%s: requests went to the front %s, and the signal to the command; answers 502 and 504 of the front count as failed",
				h.Header.Subject, front)}
		}
	}
	return nil
}

// withoutKernel says of a subject, once, that the kernel was no witness.
func withoutKernel(group []*history.History) []string {
	for _, h := range group {
		if h.Kernel.Missing != "" {
			return []string{h.Header.Subject + ": " + noWitness(h.Kernel)}
		}
	}
	return nil
}

// unasked says what a subject speaks that was not tried.
func unasked(group []*history.History) []string {
	for _, h := range group {
		if h.Header.Offers == "h2" {
			return []string{fmt.Sprintf("%s: the server offers HTTP/2 over TLS (ALPN), which most clients then use, and only HTTP/1.1 was tested: "+
				"this run does not show whether HTTP/2 streams are lost", h.Header.Subject)}
		}
	}
	return nil
}

func often(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

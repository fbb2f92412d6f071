package check

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// The timeline of every hand-made history.
const (
	signalAt = time.Second
	signalIn = 20 * time.Microsecond // kill(2) took so long
	closeAt  = 1200 * time.Millisecond
	exitAt   = 1500 * time.Millisecond
	delay    = 100 * time.Millisecond // the sample handler's
)

// builder makes a history by hand. Every method returns the builder, so that a
// history reads like a sentence:
//
//	newHistory().inFlight(history.Dropped, 3).done()
type builder struct {
	h      history.History
	edits  []func(*history.History)
	ledger bool
}

// change alters one request.
type change func(*history.Request)

// newHistory returns a shutdown that is intact and passes: a steady state, 25
// requests in flight that were completed, and 5 late ones that were refused.
func newHistory() *builder {
	return newFrame().before(history.Completed, 40).inFlight(history.Completed, 25).late(history.Refused, 5)
}

// newFrame returns a shutdown of the same kind without any request.
func newFrame() *builder {
	b := &builder{}
	b.h = history.History{
		Header: history.Header{
			Schema: history.Schema, Tool: history.Tool{Version: "test"}, Run: "r1", Ordinal: 1,
			Subject: "server", Kind: "strategy", Shutdown: 1, Seed: 7,
			Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Scenario: scenario.Scenario{
				Name: "default", Shutdowns: 1,
				Subject:    scenario.Subject{Delay: scenario.Duration{Duration: delay}},
				Load:       scenario.Load{Rate: 500, Method: "GET", Connections: scenario.Mixed, MaxOpen: 2000},
				Disruption: scenario.Disruption{Signal: "SIGTERM", Grace: scenario.Seconds(10)},
			},
		},
		PID: 4711, Addr: "127.0.0.1:8080",
		Events: []history.Event{
			{Name: history.EventReady, At: 10 * time.Millisecond},
			{Name: history.EventLoad, At: 20 * time.Millisecond},
			{Name: history.EventSignal, At: signalAt},
			{Name: history.EventFirstRefused, At: closeAt},
			{Name: history.EventExit, At: exitAt},
		},
		Signal: history.Signal{
			Name: "SIGTERM", Number: 15, Sent: true, Before: signalAt, After: signalAt + signalIn, Open: 25, Mean: 25,
		},
		Exit:   history.Exit{Seen: true, At: exitAt},
		Kernel: history.Kernel{Asked: true},
		Looks: []history.Look{
			{At: earlyLook, Took: 100 * time.Microsecond},
			{At: lastLook, Took: 100 * time.Microsecond},
			{At: signalAt + 100*time.Microsecond, Took: 100 * time.Microsecond},
		},
		Closings: []history.Closing{{From: closeAt - time.Millisecond, To: closeAt, Listener: true}},
	}
	return b
}

// The looks before the signal.
const (
	earlyLook = signalAt - 6*time.Millisecond
	lastLook  = signalAt - 200*time.Microsecond
)

// look is what the kernel showed: what was sent before a look, and not answered by
// then, the server had read. Whoever closes an idle connection under a request closes
// others at that instant.
func look(h *history.History) {
	for i := range h.Requests {
		r := &h.Requests[i]
		r.Begun = r.Sent
		if r.Outcome == history.Dropped {
			r.State = history.TCPCloseWait
			if r.Cause == history.Reset {
				r.State = history.TCPClose
			}
		}
		switch open := r.Written && r.Sent > 0 && r.End >= signalAt; {
		case open && r.Sent < earlyLook:
			r.Standing, r.Had = history.HadWhole, 1
		case open && r.Sent < lastLook:
			r.Standing, r.Had = history.HadWhole, 2
		case r.Outcome == history.Dropped && r.Reused && r.End >= signalAt:
			h.Closings = append(h.Closings, history.Closing{From: r.End, To: r.End})
		}
	}
}

// before adds requests that ended before the signal.
func (b *builder) before(o history.Outcome, n int, changes ...change) *builder {
	return b.add(100*time.Millisecond, 151*time.Millisecond, o, n, changes)
}

// inFlight adds requests that were written well before the signal and ended
// after it, or, if they were dropped, with the process.
func (b *builder) inFlight(o history.Outcome, n int, changes ...change) *builder {
	end := signalAt + 50*time.Millisecond
	if o == history.Dropped {
		end = exitAt
	}
	return b.add(signalAt-50*time.Millisecond, end, o, n, changes)
}

// late adds requests on new connections, sent 20 ms after the signal: long
// before the listener closes.
func (b *builder) late(o history.Outcome, n int, changes ...change) *builder {
	end := signalAt + 120*time.Millisecond
	if o == history.Dropped { // it crossed the close
		end = signalAt + 21*time.Millisecond
	}
	return b.add(signalAt+20*time.Millisecond, end, o, n, changes)
}

// after adds requests that began when the process had gone.
func (b *builder) after(o history.Outcome, n int, changes ...change) *builder {
	return b.add(exitAt+10*time.Millisecond, exitAt+11*time.Millisecond, o, n, changes)
}

func (b *builder) add(start, end time.Duration, o history.Outcome, n int, changes []change) *builder {
	for range n {
		r := request(start, end, o)
		r.Seq = uint32(len(b.h.Requests))
		if r.Conn != 0 {
			r.Conn = r.Seq + 1
		}
		for _, c := range changes {
			c(&r)
		}
		b.h.Requests = append(b.h.Requests, r)
	}
	return b
}

// request returns one record as the transport would have made it.
func request(start, end time.Duration, o history.Outcome) history.Request {
	r := history.Request{Outcome: o, Idempotent: true, Scheduled: start, Started: start, End: end, Attempts: 1}
	switch o {
	case history.Pending:
		r.End = 0
		return r
	case history.Refused:
		r.Reason, r.Attempts = history.ConnectionRefused, 0
		return r
	case history.Unsent:
		r.Reason, r.Attempts = history.OutOfDescriptors, 0
		return r
	case history.Completed:
		r.Status = 200
	case history.Rejected:
		r.Status = 503
	case history.Failed:
		r.Status = 500
	case history.Dropped:
		r.Cause = history.Closed
	}
	r.Conn, r.Connected, r.Sent, r.Written, r.BytesOut = 1, start, start, true, 100
	if r.Status != 0 {
		r.FirstByte, r.BytesIn = end-time.Millisecond, 120
		r.Closes = end > signalAt // what a good server says from the signal on
	}
	return r
}

// withLedger adds the ledger of a server that received, before the signal, all
// that ended before it or was in flight, and after it whatever late request it
// answered.
func (b *builder) withLedger() *builder {
	b.ledger = true
	return b
}

// edit changes the finished history.
func (b *builder) edit(f func(*history.History)) *builder {
	b.edits = append(b.edits, f)
	return b
}

// note adds lines at the end of the finished ledger.
func (b *builder) note(seq uint32, facts ...history.Fact) *builder {
	return b.edit(func(h *history.History) {
		for _, f := range facts {
			h.Ledger.Lines = append(h.Ledger.Lines, history.LedgerLine{Seq: seq, Fact: f})
		}
	})
}

// shutdown makes it the subject's shutdown of that number.
func (b *builder) shutdown(n int) *builder {
	b.h.Header.Shutdown, b.h.Header.Ordinal = n, n
	return b
}

// subject makes it a shutdown of another subject of the run.
func (b *builder) subject(position int, name string) *builder {
	b.h.Header.Position, b.h.Header.Subject = position, name
	return b
}

// kind makes the subject a "strategy" or a "command".
func (b *builder) kind(k string) *builder {
	b.h.Header.Kind = k
	return b
}

// lag lets a balancer go on sending for so long after the signal.
func (b *builder) lag(d time.Duration) *builder {
	b.h.Header.Scenario.Disruption.Lag.Duration = d
	return b
}

// handles says what the process did with the signal.
func handles(d history.Disposition) func(*history.History) {
	return func(h *history.History) {
		d.PID = h.PID
		h.Delivery.Dispositions = []history.Disposition{d}
	}
}

// again sends a further signal.
func (b *builder) again(name string, number int, at time.Duration) *builder {
	d := &b.h.Header.Scenario.Disruption
	d.Signal = fmt.Sprintf("%s,%s,%s", d.Signal, at-signalAt, name)
	b.h.Signal.Again = append(b.h.Signal.Again, history.Again{Name: name, Number: number, At: at})
	return b
}

// delivered says who listened, who was told to stop, and who did not hear of it.
func (b *builder) delivered(holders, to, deaf []history.Process) *builder {
	b.h.Delivery = history.Delivery{Target: scenario.Leader, Holders: holders, To: to, Deaf: deaf}
	return b
}

// left says what still ran after the exit.
func (b *builder) left(portTaken bool, processes ...history.Process) *builder {
	b.h.Left = history.Left{Looked: true, PortTaken: portTaken, Processes: processes}
	return b
}

// readiness says what the readiness check answered; polls were made.
func (b *builder) readiness(red, refused time.Duration) *builder {
	b.h.Readiness = history.Readiness{Polls: 50, Red: red, Refused: refused}
	return b
}

// reload runs a command instead of a signal, from signalAt to exitAt.
func (b *builder) reload() *builder {
	command := []string{"nginx", "-s", "reload"}
	b.h.Header.Scenario.Disruption.While = command
	b.h.Operation = &history.Operation{Command: command, End: exitAt}
	b.h.Exit = history.Exit{}
	b.h.Events = []history.Event{
		{Name: history.EventReady, At: 10 * time.Millisecond},
		{Name: history.EventLoad, At: 20 * time.Millisecond},
		{Name: history.EventSignal, At: signalAt},
		{Name: history.EventOperated, At: exitAt},
	}
	return b
}

// newReload returns a reload that is intact and passes: as many requests as in
// newHistory, and all of them completed.
func newReload() *builder {
	return newFrame().reload().before(history.Completed, 40).inFlight(history.Completed, 25).late(history.Completed, 5)
}

// parked adds connections that were held from long before the signal, and ended
// together with the process.
func (b *builder) parked(kind string, n int, changes ...func(*history.Parked)) *builder {
	p := history.Parked{Kind: kind, Opened: 15 * time.Millisecond, Ended: exitAt, Clean: true}
	switch kind {
	case scenario.WebSocket:
		p.URL, p.Code = "/ws", 1001
	case scenario.EventStream:
		p.URL = "/events"
	}
	for _, c := range changes {
		c(&p)
	}
	l := &b.h.Header.Scenario.Load
	l.Parked = append(l.Parked, scenario.Park{Kind: kind, URL: p.URL, Count: n})
	b.h.Parked = append(b.h.Parked, slices.Repeat([]history.Parked{p}, n)...)
	return b
}

// unloaded makes it a shutdown without load, whose signal came 10 ms after the
// start; ready is when it was ready, 0 if it never was.
func unloaded(ready time.Duration) *builder {
	b := newFrame()
	b.h.Header.Scenario.Disruption.When = scenario.Started
	b.h.Events = []history.Event{{Name: history.EventStarted, At: signalAt - 10*time.Millisecond}, {Name: history.EventSignal, At: signalAt}, {Name: history.EventExit, At: exitAt}}
	if ready > 0 {
		b.h.Events = append(b.h.Events, history.Event{Name: history.EventReady, At: ready})
	}
	b.h.Signal.Open, b.h.Signal.Mean = 0, 0
	return b
}

func (b *builder) exit(e history.Exit) *builder {
	e.Seen, e.At = true, exitAt
	b.h.Exit = e
	return b
}

// done returns the history, its counts kept.
func (b *builder) done() *history.History {
	h := b.h
	h.Scheduled, h.Results = len(h.Requests), len(h.Requests)
	if b.ledger {
		h.Ledger.Lines = witness(h.Requests)
	}
	h.Requests, h.Closings = slices.Clone(h.Requests), slices.Clone(h.Closings)
	look(&h)
	if h.Signal.Sent && h.Operation == nil { // whoever ends by the signal had no handler for it
		h.Delivery.Dispositions = []history.Disposition{{PID: h.PID, Catches: h.Exit.Signal != h.Signal.Name}}
	}
	for _, edit := range b.edits {
		edit(&h)
	}
	return &h
}

func witness(requests []history.Request) []history.LedgerLine {
	var early, tardy []history.LedgerLine
	for i := range requests {
		r := &requests[i]
		answered := r.Status != 0
		lines := []history.LedgerLine{{Seq: r.Seq, Fact: history.Received}}
		if answered {
			lines = append(lines, history.LedgerLine{Seq: r.Seq, Fact: history.Executed}, history.LedgerLine{Seq: r.Seq, Fact: history.Answered})
		}
		switch {
		case r.Sent == 0:
		case r.Sent < signalAt:
			early = append(early, lines...)
		case answered:
			tardy = append(tardy, lines...)
		}
	}
	early = append(early, history.LedgerLine{Fact: history.SignalMarked})
	return append(early, tardy...)
}

// Changes that many tests make.

func reused(r *history.Request)   { r.Reused, r.Pooled = true, true }
func unframed(r *history.Request) { r.Unframed = true }
func keepsOpen(r *history.Request) {
	r.Closes = false
}

func cause(c history.Cause) change {
	return func(r *history.Request) { r.Cause = c }
}

func reason(why history.Reason) change {
	return func(r *history.Request) { r.Reason = why }
}

func sentAt(t time.Duration) change {
	return func(r *history.Request) { r.Started, r.Scheduled, r.Connected, r.Sent = t, t, t, t }
}

// cutAt is when the connection ended under the request, from the signal.
func cutAt(d time.Duration) change {
	return func(r *history.Request) { r.End = signalAt + d }
}

// endsAfter is when the connection ended under the request, from its sending.
func endsAfter(d time.Duration) change {
	return func(r *history.Request) { r.End = r.Sent + d }
}

// unseen takes away what the kernel showed, as it was before lastcall asked it.
func unseen(h *history.History) {
	h.Kernel, h.Looks, h.Closings = history.Kernel{Missing: "no netlink here"}, nil, nil
	for i := range h.Requests {
		r := &h.Requests[i]
		r.Standing, r.State, r.Had, r.Begun = history.NoStanding, 0, 0, 0
	}
}

// away is sent and dropped when nothing closes.
func away(r *history.Request) {
	sentAt(signalAt + 60*time.Millisecond)(r)
	r.End = r.Sent + time.Millisecond
}

// seenInHand is a further look, shortly before the exit, that saw what was dropped
// late in the server's hands.
func seenInHand(h *history.History) {
	h.Looks = append(slices.Clone(h.Looks), history.Look{At: exitAt - 60*time.Millisecond})
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Outcome == history.Dropped && r.Begun > signalAt {
			r.Had = uint32(len(h.Looks))
		}
	}
}

func lagging(by time.Duration) change {
	return func(r *history.Request) { r.Scheduled = r.Started - by }
}

func onConn(n uint32) change {
	return func(r *history.Request) { r.Conn = n }
}

// histories builds several histories, numbered as shutdowns of one subject.
func histories(builders ...*builder) []*history.History {
	all := make([]*history.History, len(builders))
	for i, b := range builders {
		all[i] = b.shutdown(i + 1).done()
	}
	return all
}

// seqsOf returns the sequence numbers of requests that a test cares for.
func seqsOf(h *history.History, is func(*history.Request) bool) []uint32 {
	var found []uint32
	for i := range h.Requests {
		if is(&h.Requests[i]) {
			found = append(found, h.Requests[i].Seq)
		}
	}
	return found
}

func policy(t testing.TB, name string) Policy {
	t.Helper()
	p, ok := PolicyByName(name)
	if !ok {
		t.Fatalf("there is no policy %q", name)
	}
	return p
}

// judge judges by the policy of that name and returns the only subject. Every
// result that passes through here must be consistent in itself.
func judge(t *testing.T, policyName string, all []*history.History) result.Subject {
	t.Helper()
	suite := Judge(all, policy(t, policyName))
	for _, flaw := range flaws(suite) {
		t.Error(flaw)
	}
	if len(suite.Subjects) != 1 {
		t.Fatalf("got %d subjects, want 1", len(suite.Subjects))
	}
	return suite.Subjects[0]
}

// findings returns what a subject's findings say of one rule.
func findings(s result.Subject, rule string) []result.Finding {
	var found []result.Finding
	for _, f := range s.Findings {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

// finding returns the one finding of a rule.
func finding(t *testing.T, s result.Subject, rule string) result.Finding {
	t.Helper()
	found := findings(s, rule)
	if len(found) != 1 {
		t.Fatalf("%d findings of %s, want 1: %+v", len(found), rule, s.Findings)
	}
	return found[0]
}

// flaws returns everything in which a result contradicts itself.
func flaws(suite result.Suite) []string {
	var found []string
	for _, s := range suite.Subjects {
		for _, flaw := range append(countFlaws(s, staysUpThrough(suite.Scenario)), findingFlaws(s)...) {
			found = append(found, s.Name+": "+flaw)
		}
	}
	return found
}

func countFlaws(s result.Subject, staysUp bool) []string {
	var c consistency
	var requests, inFlight, late history.Counts
	intact := 0
	for _, d := range s.Details {
		c.sums(d.Requests)
		requests = requests.Plus(d.Requests)
		if d.Intact {
			intact++
			inFlight, late = inFlight.Plus(d.InFlight), late.Plus(d.LateOrEdge())
		}
	}
	c.equal("requests", s.Requests, requests)
	c.equal("in flight", s.InFlight, inFlight)
	c.equal("late", s.LateOrEdge(), late)
	atRisk := inFlight.AtRisk() + late.AtRisk()
	if staysUp { // whoever finds nobody then has lost something
		atRisk += inFlight.Refused + late.Refused
	}
	c.equal("at risk", s.AtRisk, atRisk)
	c.equal("shutdowns", s.Shutdowns, len(s.Details))
	c.equal("intact shutdowns", s.ShutdownsIntact, intact)
	c.holds("failed <= intact", s.ShutdownsFailed <= s.ShutdownsIntact)
	exits := 0
	for _, e := range s.Exits {
		exits += e.Count
	}
	c.holds("exits <= shutdowns", exits <= s.Shutdowns)
	c.holds("min <= median <= max", s.ExitSeconds.Min <= s.ExitSeconds.Median && s.ExitSeconds.Median <= s.ExitSeconds.Max)
	return c.flaws
}

func findingFlaws(s result.Subject) []string {
	var c consistency
	failed, unjudged := 0, 0
	for _, f := range s.Findings {
		c.holds(f.Rule+" says what was expected, what was seen and who asks", f.Expected != "" && f.Detail != "" && f.Reference != "")
		c.holds(f.Rule+" has evidence, if only none", f.Evidence != nil)
		switch f.Status {
		case result.Violated:
			failed++
		case result.Unjudged:
			unjudged++
		case result.NotExercised:
			c.holds(f.Rule+" judged nothing", f.Judged == 0)
		case result.Satisfied, result.Warned:
			c.holds(f.Rule+" judged something", f.Judged > 0)
		}
		if f.Status != result.Unjudged {
			c.equal(f.Rule+": evidence", len(f.Evidence), f.Count)
			c.holds(f.Rule+": count <= judged", f.Count <= f.Judged)
		}
	}
	c.holds("fails if and only if a rule is violated", (s.Verdict == result.Fail) == (failed > 0))
	c.holds("a failed shutdown for every failure", (s.ShutdownsFailed > 0) == (failed > 0))
	c.holds("passes only without doubt", s.Verdict != result.Pass || unjudged == 0 && s.ShutdownsIntact == s.Shutdowns)
	c.holds("whatever is no pass has a story", s.Verdict == result.Pass || len(s.Story) > 0)
	return c.flaws
}

// consistency collects what does not hold.
type consistency struct{ flaws []string }

func (c *consistency) holds(what string, ok bool) {
	if !ok {
		c.flaws = append(c.flaws, "does not hold: "+what)
	}
}

func (c *consistency) equal(what string, got, want any) {
	if got != want {
		c.flaws = append(c.flaws, fmt.Sprintf("%s: got %v, want %v", what, got, want))
	}
}

func (c *consistency) sums(n history.Counts) {
	c.equal("sum of outcomes", n.Completed+n.Rejected+n.Failed+n.Refused+n.Dropped+n.Unsent, n.Total)
}

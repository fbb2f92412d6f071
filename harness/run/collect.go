package run

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
)

// aftermath is how long the load goes on after the exit, so that the refusals of
// a dead server are seen.
const aftermath = 50 * time.Millisecond

// startLoad attacks the server, and asks its readiness check meanwhile if the
// plan wants that.
func (s *shutdown) startLoad(ctx context.Context) error {
	scenario, endpoint := s.plan.Scenario, s.server.Endpoint()
	targets, err := s.plan.Targets(ctx, endpoint)
	if err != nil {
		return err
	}
	for _, t := range targets {
		s.history.Methods = append(s.history.Methods, t.Method)
	}
	expect, err := expectation(scenario.Load)
	if err != nil {
		return err
	}
	after := lag(scenario.Disruption)
	s.progress("loading")
	s.noteHolders()
	if s.plan.PollReady {
		s.poller = startPoller(ctx, s.server, s.now)
	}
	s.event(history.EventLoad, s.now())
	s.attack = load.Start(load.Config{
		Base: s.base, Address: endpoint.Address, Targets: targets, TLS: endpoint.TLS, Expect: expect,
		Rate: scenario.Load.Rate, Lanes: scenario.Load.Connections,
		Timeout: scenario.Load.Timeout.Duration, Lag: after, Tail: max(scenario.Load.Tail.Duration, after), // the rate holds until the lag ends the load
		MaxOpen: scenario.Load.MaxOpen,
		Prefix:  ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal),
		Fold:    s.folds, Spill: s.spill(),
		Watch: s.watch(),
	})
	s.watchKernel()
	return nil
}

// folds reports whether the requests of a long warm-up need no record each: nothing else
// tells of them one by one.
func (s *shutdown) folds() bool {
	return s.plan.Live == nil && s.subject.Lookup(s.server).Path == "" && !s.server.Ledger().Begun()
}

// spill returns what keeps the records of those, or nil.
func (s *shutdown) spill() func([]history.Request) error {
	if s.plan.Spill == "" {
		return nil
	}
	return func(all []history.Request) (err error) {
		if s.history.Spill == nil { // most warm-ups are too short for one
			if s.history.Spill, err = history.NewSpill(s.plan.Spill); err != nil {
				return err
			}
		}
		return s.history.Spill.Add(all)
	}
}

// lag is how long after the disruption new requests are still sent, 0 if they
// go on: as long as a balancer takes to learn, or until an operation has
// settled.
func lag(d scenario.Disruption) time.Duration {
	if len(d.While) > 0 {
		return d.Settle.Duration
	}
	return d.Lag.Duration
}

func expectation(l scenario.Load) (load.Expect, error) {
	var e load.Expect
	var err error
	if l.ExpectStatus != "" {
		if e.Status, err = scenario.ParseStatusSet(l.ExpectStatus); err != nil {
			return e, err
		}
	}
	if l.ExpectBody != "" {
		if e.Body, err = regexp.Compile(l.ExpectBody); err != nil {
			return e, fmt.Errorf("expect-body: %w", err)
		}
	}
	return e, nil
}

// finishLoad lets the load meet the dead server for a moment, ends it, and
// waits for every request to end, which their deadlines bound.
func (s *shutdown) finishLoad(ctx context.Context) {
	if s.history.Exit.Seen && s.history.Signal.Sent {
		wait := time.NewTimer(aftermath)
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		wait.Stop()
	}
	s.attack.End()
	select {
	case <-s.attack.Done():
	case <-ctx.Done():
		s.attack.Abort()
		<-s.attack.Done()
	}
	s.witness.stop()
	report := s.attack.Report()
	h := &s.history
	h.Parked = s.parked.result(h.Exit.Seen)
	h.Stalls = report.Stalls
	h.Folded = report.Folded
	h.Requests, h.Scheduled, h.Results, h.Disagreed = report.Requests, report.Scheduled, report.Results, report.Disagreed
	s.witness.into(h, s.attack.Endings())
	h.CompareAnswers()
	h.KeepAnswers(s.attack.Answers())
	if report.Paused > 0 {
		s.event(history.EventLoadPaused, report.Paused)
	}
	if report.Ended > 0 {
		s.event(history.EventLoadEnded, report.Ended)
	}
	if h.Readiness = s.poller.result(h.Signal.Before); h.Readiness.Red > 0 {
		s.event(history.EventNotReady, h.Readiness.Red)
	}
	s.noteRequests()
	s.sortEvents()
}

func (s *shutdown) sortEvents() {
	slices.SortStableFunc(s.history.Events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
}

// noteRequests derives the events that requests tell of.
func (s *shutdown) noteRequests() {
	var refused, answered time.Duration
	for i := range s.history.Requests {
		r := &s.history.Requests[i]
		switch r.Outcome {
		case history.Refused:
			// Only this proves that no process listens: a reset can come from a server
			// that accepts and closes at once.
			if r.Reason == history.ConnectionRefused && s.history.Signal.Sent && r.Started >= s.history.Signal.Before && (refused == 0 || r.Started < refused) {
				refused = r.Started
			}
		case history.Completed, history.Rejected, history.Failed:
			answered = max(answered, r.End)
		case history.Pending, history.Dropped, history.Unsent:
		}
	}
	if refused > 0 {
		s.event(history.EventFirstRefused, refused)
	}
	if answered > 0 {
		s.event(history.EventLastAnswer, answered)
	}
}

func (s *shutdown) readLedger() (err error) {
	prefix := ledger.Prefix(s.history.Header.Run, s.history.Header.Ordinal)
	s.history.Ledger, err = s.server.Ledger().Read(prefix)
	return err
}

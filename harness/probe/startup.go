package probe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"lastcall/harness"
	"lastcall/harness/process"
)

// startupCases are about a server that is not ready yet.
func startupCases() []Case {
	return []Case{{
		ID: "signal/startup-sweep", State: "not started, starting, just ready",
		Requires:  "A signal during the start ends the process at once: it does not start anyway.",
		Reference: "golang/go #20239; Kubernetes pod termination",
		Remedy:    "Handle the signal before the work of starting begins, and look before you serve whether it has come.",
		Bugs:      []string{"B07"}, Rule: ruleGrace, unbooted: true, run: startupSweep,
	}}
}

// Start starts a fresh server of the plan's subject without waiting until it is
// ready, which the function that it returns does.
type Start func(ctx context.Context, ledgerPath string) (harness.Server, func(context.Context) error, error)

const (
	// instants is how many processes are told to stop in one repeat, each at
	// another instant of its start: the last just after it was ready.
	instants = 8
	// beyond is how long after it was ready.
	beyond = 20 * time.Millisecond
	// atATime is how many of them start at a time: more would make each start
	// another one than that of which the time was taken.
	atATime = 2
)

// early is what became of a process that was told to stop as it started.
type early struct {
	at   time.Duration // since it was started, or was ready
	late bool          // it is told only when it is ready
	end  leave
	bad  string // why it is not as asked
	died bool   // of the signal itself
	err  error
}

// startupSweep starts processes and sends each the signal at another instant, from
// at once to just after it would be ready.
func startupSweep(b *bench) (s Sighting, err error) {
	if b.plan.Start == nil {
		return s, inapplicable("it cannot be started without waiting until it is ready")
	}
	all := make([]early, instants)
	var done sync.WaitGroup
	turn := make(chan struct{}, max(1, min(atATime, b.plan.Parallel))) // one where all want the same port
	for i := range all {
		all[i].at = b.facts.boot * time.Duration(i) / (instants - 1)
		if all[i].late = i == instants-1; all[i].late {
			all[i].at = beyond
		}
		done.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			b.signalEarly(&all[i], i) // each has an element of its own
		})
	}
	done.Wait()
	died, bad := 0, slices.ContainsFunc(all, func(e early) bool { return e.bad != "" })
	for _, e := range all {
		if e.err != nil && !bad { // what one has shown stays proved
			return s, e.err
		}
		if e.died {
			died++
		}
	}
	s.Reached, s.Of = true, len(all)
	s.Proof = fmt.Sprintf("the signal was sent at %d instants from the start to %s after the server was ready, for which it took %s", instants, short(beyond), short(b.facts.boot))
	for _, e := range all {
		if e.bad != "" && s.Lost == 0 {
			s.Seen = fmt.Sprintf("told %s, %s", e.when(), e.bad)
		}
		if e.bad != "" {
			s.Lost++
		}
	}
	if s.Lost == 0 {
		s.Seen = fmt.Sprintf("all %d ended, %d of them by the signal's default action", len(all), died)
	}
	return s, nil
}

// when says when it was told.
func (e early) when() string {
	if e.late {
		return short(e.at) + " after it was ready"
	}
	return short(e.at) + " after its start"
}

// signalEarly carries out one of them.
func (b *bench) signalEarly(e *early, i int) {
	path := filepath.Join(filepath.Dir(b.ledger), fmt.Sprintf("early-%d-%s.ledger", i, strconv.Itoa(b.ordinal)))
	server, ready, err := b.plan.Start(b.ctx, path)
	if err != nil {
		e.err = err
		return
	}
	one := &bench{ctx: b.ctx, plan: b.plan, facts: b.facts, server: server, run: b.run, ordinal: b.ordinal}
	defer server.Close()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	got := make(chan error, 1) // buffered: nobody may be there to take it
	go func() { got <- ready(ctx) }()
	if e.late {
		if e.err = <-got; e.err != nil {
			return
		}
		got <- nil // it is looked at again below
	}
	if e.err = one.pause(e.at); e.err != nil {
		return
	}
	if err := one.signal(); err != nil {
		if e.err = err; one.exited() {
			e.err = errors.New("it ended before the signal could be sent: " + server.Exit().String())
		}
		return
	}
	e.end, e.err = one.awaitExit()
	cancel()
	started := <-got == nil // its end is awaited: it uses the server
	e.judge(b.plan, started)
}

// judge says what is wrong with how it ended.
func (e *early) judge(plan *Plan, started bool) {
	sent := process.SignalName(plan.Signal)
	e.died = e.end.Signal == sent
	switch {
	case e.err != nil:
	case e.end.killed && started:
		e.bad = "it started anyway, and had to be killed"
	case e.end.killed:
		e.bad = e.end.String()
	case e.end.Signal != "" && !e.died:
		e.bad = e.end.String()
	case e.end.Signal == "" && e.end.Code != 0 && e.end.Code != 128+int(plan.Signal) && !slices.Contains(plan.Clean, e.end.Code):
		e.bad = e.end.String()
	}
}

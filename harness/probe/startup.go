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

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// startupCases are about a server that is not ready yet.
func startupCases() []Case {
	return []Case{{
		ID: "signal/startup-sweep", State: "not started, starting, just ready",
		Requires:  "A signal during the start ends the process. It does not start anyway, and takes at most 1 s longer than its start and an ordinary stop.",
		Reference: "golang/go #20239; Kubernetes pod termination",
		Remedy:    "Handle the signal before the startup work, and check for it before you serve.",
		Bugs:      []string{"B07"}, Rule: ruleGrace, unbooted: true, run: startupSweep,
	}}
}

// Start starts a fresh server of the plan's subject without waiting until it is
// ready, which the function that it returns does.
type Start func(ctx context.Context, ledgerPath string) (subject.Server, func(context.Context) error, error)

const (
	// instants is how many processes are told to stop in one repeat, each at
	// another instant of its start: the last just after it was ready.
	instants = 8
	// beyond is how long after it was ready.
	beyond = 20 * time.Millisecond
	// atATime is how many of them start at a time: more would make each start
	// another one than that of which the time was taken.
	atATime = 2
	// unnoticed is how long a server may have been ready without our having seen it:
	// the signal came during its start only if it got ready later than that. And
	// for how long it may then be there, to find that it has been told to stop.
	unnoticed = 250 * time.Millisecond
	// startBound is how much longer the end of one that was told as it started may
	// take than what was left of its start and an ordinary stop.
	startBound = time.Second
)

// early is what became of a process that was told to stop as it started.
type early struct {
	at   time.Duration // since it was started, or was ready
	late bool          // it is told only when it is ready
	was  bool          // it was ready when it was told: it stops as any other does
	got  time.Duration // when it was ready, since the signal; -1 if it never was
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
			defer bug.Catch()
			b.signalEarly(&all[i], i) // each has an element of its own
		})
	}
	done.Wait()
	judgeEarly(b.plan, all, b.facts.boot)
	return sumEarly(all, b.facts.boot)
}

// sumEarly sums them up.
func sumEarly(all []early, boot time.Duration) (s Sighting, err error) {
	died, before, bad := 0, 0, slices.ContainsFunc(all, func(e early) bool { return e.bad != "" })
	for _, e := range all {
		if e.err != nil && !bad { // what one has shown stays proved
			return s, e.err
		}
		if e.died {
			died++
		}
		if !e.was {
			before++
		}
	}
	if before == 0 {
		return s, overdue("each was ready before the signal could be sent")
	}
	s.Reached, s.Of = true, len(all)
	s.Proof = fmt.Sprintf("the signal was sent at %d instants from the start to %s after the server was ready, for which it took %s; %d of them came before that", instants, scenario.InWords(beyond), scenario.InWords(boot), before)
	for _, e := range all {
		if e.bad != "" && s.Lost == 0 {
			s.Seen = fmt.Sprintf("signal %s, %s", e.when(), e.bad)
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
		return scenario.InWords(e.at) + " after it was ready"
	}
	return scenario.InWords(e.at) + " after its start"
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
	var readyAt time.Time
	var failed error
	got := make(chan struct{}) // closed once it is ready, or cannot be any more
	go func() {
		defer close(got) // by the only one: what it wrote can be read
		defer bug.Catch()
		if failed = ready(ctx); failed == nil {
			readyAt = time.Now()
		}
	}()
	if e.late {
		if <-got; failed != nil {
			e.err = failed
			return
		}
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
	<-got // its end is awaited: it uses the server
	e.got = -1
	if failed == nil {
		e.got = readyAt.Sub(one.signalled)
		e.was = e.got <= 0
	}
}

// judgeEarly says what is wrong with how each of them ended. The one that was told
// when it was ready shows how long an ordinary stop takes.
func judgeEarly(plan *Plan, all []early, boot time.Duration) {
	ordinary := plan.Lag + idleBound
	for _, e := range all {
		if e.late && e.err == nil && !e.end.killed {
			ordinary = e.end.took
		}
	}
	for i := range all {
		all[i].judge(plan, max(0, boot-all[i].at)+ordinary+startBound)
	}
}

// judge says what is wrong with how it ended, which may take so long.
func (e *early) judge(plan *Plan, bound time.Duration) {
	sent := scenario.SignalName(plan.Signal)
	e.died = e.end.Signal == sent
	started := !e.was && e.got > unnoticed && e.end.took-e.got > unnoticed // it served on: a right one may just be seen to close
	switch {
	case e.err != nil:
	case e.end.killed && !e.was && e.got >= 0:
		e.bad = "it started anyway, and was killed"
	case started:
		e.bad = fmt.Sprintf("it started anyway: it was ready %s after the signal; %s", scenario.InWords(e.got), e.end)
	case e.end.killed:
		e.bad = e.end.String()
	case !e.was && e.end.took > bound:
		e.bad = fmt.Sprintf("%s: what was left of its start, an ordinary stop and 1 s are %s", e.end, scenario.InWords(bound))
	case e.end.Signal != "" && !e.died:
		e.bad = e.end.String()
	case e.end.Signal == "" && e.end.Code != 0 && e.end.Code != 128+int(plan.Signal) && !slices.Contains(plan.Clean, e.end.Code):
		e.bad = e.end.String()
	}
}

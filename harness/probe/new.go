package probe

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"lastcall/harness/scenario"
	"lastcall/internal/bug"
)

// newCases are about connections that come after the signal.
func newCases() []Case {
	return []Case{{
		ID: "new/served-until", State: "not yet opened: many at once, then every 5 ms",
		Requires:  "After the signal a new connection is served or refused. None is accepted and then not answered. During the policy's lag all are served.",
		Reference: "kubernetes/kubernetes #106476; benoitc/gunicorn #901",
		Remedy:    "Close the listener as soon as no process accepts any more. Behind a balancer go on serving until it sends no more, and only then close.",
		Bugs:      []string{"B31", "B56", "B62", "B63"}, Rule: ruleLate, run: servedUntil,
	}}
}

const (
	// attemptEvery is how often a new connection is tried.
	attemptEvery = 5 * time.Millisecond
	// burst is how many are tried at the very signal, so that some meet the close of
	// a listener that comes within the first millisecond.
	burst = 30
	// atOnce is how soon after the signal the first must be tried: a server that
	// closes its listener at once shows no race to those who come later.
	atOnce = 10 * time.Millisecond
	// edge is how long the close of the listener may take: losses within it are the
	// unavoidable race of the accept queue, as for the rule late-requests-answered.
	// They are losses all the same, and excused as that rule says.
	edge = 50 * time.Millisecond
	// afterRefusal is how long attempts go on once one was refused.
	afterRefusal = 100 * time.Millisecond
	// attemptFor is how long they go on at most, beyond the lag.
	attemptFor = 4 * time.Second
	// hangsAfter is how long a new connection may wait for its answer.
	hangsAfter = 3 * time.Second
)

// attempt is one new connection with a request.
type attempt struct {
	began   time.Time
	at      time.Duration // since the signal
	refused bool
	waited  bool // neither refused nor accepted: the accept queue was full
	answer  answer
}

// attempts are those of one shutdown.
type attempts struct {
	running sync.WaitGroup

	mu   sync.Mutex // guards what follows: each attempt has a goroutine
	all  []attempt
	seen time.Time // when the first was refused
	err  error     // why one could not be made: it tells nothing of the server
}

// try makes one attempt.
func (t *attempts) try(b *bench, r request) {
	began := time.Now()
	one := attempt{began: began}
	c, err := b.dial()
	if err == nil {
		if err := c.write(r.text); err == nil {
			one.answer = c.answer(r.method, began.Add(b.facts.slow+hangsAfter), nil)
		} else {
			one.answer = answer{end: c.last, bare: true, done: time.Now()}
		}
		c.close()
	}
	how := endingOf(err)
	one.refused, one.waited = how == reset || errors.Is(err, syscall.ECONNREFUSED), how == timeout
	t.mu.Lock() // see the type
	defer t.mu.Unlock()
	if err != nil && !one.refused && !one.waited {
		t.err = err
		return
	}
	t.all = append(t.all, one)
	if one.refused && (t.seen.IsZero() || began.Before(t.seen)) {
		t.seen = began
	}
}

// enough reports whether what matters was seen.
func (t *attempts) enough() bool {
	t.mu.Lock() // see the type
	defer t.mu.Unlock()
	return !t.seen.IsZero() && time.Since(t.seen) > afterRefusal
}

// atSignal tries some new connections as soon as the signal is sent.
func (t *attempts) atSignal(b *bench) error {
	var requests []request
	for range burst {
		r, err := b.plain()
		if err != nil {
			return err
		}
		requests = append(requests, r)
	}
	b.onSignal = func() {
		for _, r := range requests {
			t.running.Go(func() {
				defer bug.Catch()
				t.try(b, r)
			})
		}
	}
	return nil
}

// attempt goes on to try new connections, until they are refused. With what was
// seen comes an error if one could not be tried.
func (b *bench) attempt(tries *attempts) ([]attempt, error) {
	limit := b.signalled.Add(min(b.plan.Lag+attemptFor, b.plan.Grace))
	ticker := time.NewTicker(attemptEvery)
	defer ticker.Stop()
	for !tries.enough() && time.Now().Before(limit) {
		r, err := b.plain()
		if err != nil {
			return nil, err
		}
		tries.running.Go(func() {
			defer bug.Catch()
			tries.try(b, r)
		})
		select {
		case <-ticker.C:
		case <-b.ctx.Done():
			return nil, b.ctx.Err()
		}
	}
	tries.running.Wait()
	all := tries.since(b.signalled)
	if tries.err != nil {
		return all, fmt.Errorf("a connection could not be opened, which says nothing about the server: %w", tries.err)
	}
	if len(all) == 0 {
		return nil, errors.New("the grace period ended before a connection was tried")
	}
	return all, nil
}

// since returns those that began after the signal, once all are over: a few of the
// first may have been quicker than it.
func (t *attempts) since(signalled time.Time) (all []attempt) {
	for _, a := range t.all {
		if a.at = a.began.Sub(signalled); a.at >= 0 {
			all = append(all, a)
		}
	}
	return all
}

// servedUntil keeps the server draining with a slow request, if one is known.
func servedUntil(b *bench) (s Sighting, err error) {
	busy := ""
	if b.facts.slow >= slowEnough {
		if _, _, err := b.sendSlow(""); err != nil {
			return s, err
		}
		busy = ", while the server had a request to answer"
	}
	tries := new(attempts)
	defer tries.running.Wait() // their connections are closed before the server is
	if err := tries.atSignal(b); err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	all, err := b.attempt(tries)
	if len(all) == 0 {
		return s, err
	}
	s, wrong := b.judgeAttempts(all)
	if !s.broken() && cmp.Or(err, wrong) != nil { // what was lost stays proved
		return Sighting{}, cmp.Or(err, wrong)
	}
	s.Proof += busy
	return s, nil
}

// judgeAttempts says until when new connections were served, and counts those that
// were accepted and never answered: those of the race at the close of the listener,
// if there are no others, are excused, and only told of where no platform asks:
// accept/backlog asks about that race and does not leave it to luck. The error says
// why nothing else can be told.
func (b *bench) judgeAttempts(all []attempt) (s Sighting, err error) {
	sum := summarise(all)
	if sum.waited > 0 {
		err = fmt.Errorf("%d of %d connections were neither refused nor accepted within %s: the accept queue was full, or the machine too busy", sum.waited, len(all), dialWait)
	}
	if sum.first > atOnce {
		err = overdue(fmt.Sprintf("the first connection was opened only %s after the signal", scenario.InWords(sum.first)))
	}
	s.Reached, s.Proof = true, fmt.Sprintf("the first was opened %s after the signal", scenario.InWords(sum.first))
	s.Of, s.Lost = len(all), sum.lost+sum.edge
	s.Seen = sum.String()
	lag := b.plan.Lag
	switch {
	case sum.lost > 0:
	case lag > 0 && sum.tolerated < lag && sum.waited == 0:
		s.Bad, s.Rule = true, ruleLag
		s.Seen += fmt.Sprintf("; the policy asks for %s", lag)
	case b.plan.Bound:
		s.Excused = true
	default:
		s.Lost = 0
	}
	return s, err
}

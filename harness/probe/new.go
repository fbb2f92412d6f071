package probe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"
)

// newCases are about connections that come after the signal.
func newCases() []Case {
	return []Case{{
		ID: "new/served-until", State: "not yet opened: one every 5 ms",
		Requires:  "After the signal a new connection is served or refused; none is accepted and never answered. Where the policy has a lag, all are served for so long.",
		Reference: "kubernetes/kubernetes #106476; benoitc/gunicorn #901",
		Remedy:    "Close the listener as soon as nobody accepts any more; behind a balancer serve on for as long as it takes to learn, and only then close.",
		Bugs:      []string{"B31", "B56", "B62", "B63"}, Rule: ruleLate, run: servedUntil,
	}}
}

const (
	// attemptEvery is how often a new connection is tried.
	attemptEvery = 5 * time.Millisecond
	// edge is how long the close of the listener may take: losses within it are the
	// unavoidable race of the accept queue, as for the rule late-requests-answered.
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
	at      time.Duration // since the signal
	refused bool
	waited  bool // neither refused nor accepted: the accept queue was full
	answer  answer
}

// attempts are those of one shutdown.
type attempts struct {
	mu   sync.Mutex // guards what follows: each attempt has a goroutine
	all  []attempt
	seen time.Time // when the first was refused
	err  error     // why one could not be made: it tells nothing of the server
}

// try makes one attempt.
func (t *attempts) try(b *bench, r request) {
	began := time.Now()
	one := attempt{at: began.Sub(b.signalled)}
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

// attempt tries new connections from the signal on, until they are refused.
func (b *bench) attempt() ([]attempt, error) {
	limit := b.signalled.Add(min(b.plan.Lag+attemptFor, b.plan.Grace))
	ticker := time.NewTicker(attemptEvery)
	defer ticker.Stop()
	tries := new(attempts)
	var done sync.WaitGroup
	defer done.Wait() // their connections are closed before the server is
	for !tries.enough() && time.Now().Before(limit) {
		r, err := b.plain()
		if err != nil {
			return nil, err
		}
		done.Go(func() { tries.try(b, r) })
		select {
		case <-ticker.C:
		case <-b.ctx.Done():
			return nil, b.ctx.Err()
		}
	}
	done.Wait()
	if tries.err != nil {
		return nil, fmt.Errorf("a connection could not be opened: %w", tries.err)
	}
	if len(tries.all) == 0 {
		return nil, errors.New("the grace period ended before a connection was tried")
	}
	return tries.all, nil
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
	if err := b.signal(); err != nil {
		return s, err
	}
	all, err := b.attempt()
	if err != nil {
		return s, err
	}
	first := slices.MinFunc(all, func(a, b attempt) int { return cmp.Compare(a.at, b.at) }).at
	if first > edge {
		return s, overdue(fmt.Sprintf("the first connection was opened only %s after the signal", short(first)))
	}
	s.Reached, s.Proof = true, fmt.Sprintf("the first was opened %s after the signal%s", short(first), busy)
	return b.judgeAttempts(s, all), nil
}

// judgeAttempts says until when new connections were served, and counts those that
// were accepted and never answered, but for the race at the close of the listener.
func (b *bench) judgeAttempts(s Sighting, all []attempt) Sighting {
	sum := summarise(all)
	s.Of, s.Lost = len(all), sum.lost
	s.Seen = sum.String()
	if lag := b.plan.Lag; lag > 0 && sum.tolerated < lag && s.Lost == 0 {
		s.Bad, s.Rule = true, ruleLag
		s.Seen += fmt.Sprintf("; the policy asks for %s", lag)
	}
	return s
}

// summary is what became of all attempts.
type summary struct {
	served    time.Duration // the last that was, -1 if none was
	refused   time.Duration // the first that was, -1 if none was
	tolerated time.Duration // all before it were served
	lost      int           // accepted and not answered
	edge      int           // the same, as the listener closed
	waited    int           // neither refused nor accepted
	how       string        // the first loss, in words
}

func summarise(all []attempt) summary {
	s := summary{served: -1, refused: -1, tolerated: -1}
	last := time.Duration(0)
	for _, a := range all {
		last = max(last, a.at)
		if a.refused && (s.refused < 0 || a.at < s.refused) {
			s.refused = a.at
		}
		if a.answer.whole && a.answer.status < 500 {
			s.served = max(s.served, a.at)
		} else if s.tolerated < 0 || a.at < s.tolerated {
			s.tolerated = a.at
		}
	}
	if s.tolerated < 0 {
		s.tolerated = last
	}
	s.countLosses(all)
	return s
}

// countLosses tells the race at the close of the listener from a server that
// accepts and does not answer. The race is over within an instant: nothing is lost
// later, and nobody served. It is seen by the losses themselves: on a busy machine
// the first refusal may be noticed much later.
func (s *summary) countLosses(all []attempt) {
	first, last, hung := time.Duration(-1), time.Duration(-1), false
	for _, a := range all {
		if a.waited {
			s.waited++
		}
		if a.refused || a.waited || a.answer.whole {
			continue
		}
		if first < 0 || a.at < first {
			first, s.how = a.at, fmt.Sprintf("one opened %s after the signal was %s", short(a.at), a.answer)
		}
		last, hung = max(last, a.at), hung || a.answer.end == timeout
		s.lost++
	}
	if s.refused >= 0 && !hung && last-first <= edge && s.served <= first+edge {
		s.edge, s.lost = s.lost, 0
	}
}

// String says it in a sentence or two.
func (s summary) String() string {
	text := "none was served"
	if s.served >= 0 {
		text = "served until " + short(s.served)
	}
	if s.refused >= 0 {
		text += ", refused from " + short(s.refused) + " after the signal"
	} else {
		text += " after the signal, and never refused"
	}
	text += "; tolerates a load balancer lag of " + short(s.tolerated)
	if s.edge > 0 {
		text += fmt.Sprintf("; %d were lost as the listener closed", s.edge)
	}
	if s.waited > 0 {
		text += fmt.Sprintf("; %d were neither refused nor accepted: the accept queue was full", s.waited)
	}
	if s.lost > 0 {
		text += fmt.Sprintf("; %d were accepted and never answered: %s", s.lost, s.how)
	}
	return text
}

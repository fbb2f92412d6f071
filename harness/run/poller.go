package run

import (
	"context"
	"errors"
	"syscall"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

// pollEvery is how often the readiness check is asked across the signal: the
// gap between red and the first refusal is known no better than that.
const pollEvery = 10 * time.Millisecond

// poller asks the readiness check until it is stopped, and keeps what was not
// green.
type poller struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the last check has ended; until then the rest belongs to the goroutine

	polls int
	seen  []poll
}

// poll is a check that was not green: when it began and whether anybody
// answered.
type poll struct {
	at      time.Duration
	refused bool
}

// maxPolls bounds what is kept; the first are what matters.
const maxPolls = 10_000

// startPoller polls the server's check. It returns nil where there is none.
func startPoller(ctx context.Context, server subject.Server, now func() time.Duration) *poller {
	if errors.Is(server.Ready(ctx), subject.ErrNoCheck) {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &poller{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done) // closed by the only goroutine that polls
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		defer bug.Catch()
		for {
			at := now()
			if err := server.Ready(ctx); ctx.Err() == nil {
				p.note(at, err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return p
}

func (p *poller) note(at time.Duration, err error) {
	p.polls++
	if err == nil {
		return
	}
	red := false
	if _, ok := errors.AsType[*subject.NotReady](err); ok {
		red = true
	}
	refused := errors.Is(err, syscall.ECONNREFUSED)
	if !red && !refused {
		return // cut off in the middle: neither red nor closed is proved
	}
	if len(p.seen) < maxPolls {
		p.seen = append(p.seen, poll{at, refused})
	}
}

// result stops the poller and says what it saw from the signal on.
func (p *poller) result(signal time.Duration) history.Readiness {
	if p == nil {
		return history.Readiness{}
	}
	p.cancel()
	<-p.done
	r := history.Readiness{Polls: p.polls}
	for _, seen := range p.seen {
		if seen.at < signal {
			continue
		}
		first := &r.Red
		if seen.refused {
			first = &r.Refused
		}
		if *first == 0 {
			*first = seen.at
		}
	}
	return r
}

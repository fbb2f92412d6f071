package run

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/bug"
)

const (
	// parkBound is how long one parked connection may take to be opened.
	parkBound = 5 * time.Second
	// unpark is how long the ends that an exit has brought about may take to be
	// seen: they are on their way when the process is gone.
	unpark = 250 * time.Millisecond
	// renewal is how often at most a silent or idle connection is opened again that
	// the server ends before the signal.
	renewal = 50 * time.Millisecond
)

// parking holds the connections of one shutdown that are open beside its
// requests.
type parking struct {
	now       func() time.Duration
	endpoint  subject.Endpoint
	client    *http.Client
	cancel    context.CancelFunc
	spots     []*spot
	signalled atomic.Bool // no connection is renewed any more
}

// spot is one parked connection.
type spot struct {
	history.Parked // belongs to the goroutine until done is closed
	wanted         scenario.Park
	done           chan struct{} // closed when the connection has ended, or was given up
}

// connection is one that is open.
type connection interface {
	// await returns when the server has ended it, or the context has ended: how it
	// ended, for a history.
	await(ctx context.Context) history.Parked
	close()
}

// park opens all connections that the scenario wants parked, and returns when
// each is open or cannot be. It returns nil if none is wanted.
func park(ctx context.Context, wanted []scenario.Park, e subject.Endpoint, now func() time.Duration) *parking {
	if len(wanted) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &parking{now: now, endpoint: e, client: parkingClient(e), cancel: cancel}
	opened := make(chan struct{})
	for _, w := range wanted {
		for range w.Count {
			s := &spot{history.Parked{Kind: w.Kind, URL: w.URL}, w, make(chan struct{})}
			p.spots = append(p.spots, s)
			go p.keep(ctx, s, opened)
		}
	}
	for range p.spots {
		<-opened // each says so once, for an opening is bounded
	}
	return p
}

// keep opens one connection, says so, and holds it to its end. A silent or idle one
// that the server ends before the signal, as one does that bounds the wait for a
// request, is opened again: at the signal all shall be there.
func (p *parking) keep(ctx context.Context, s *spot, opened chan<- struct{}) {
	defer close(s.done) // closed by the only goroutine that writes to the spot
	defer bug.Catch()
	c, err := p.open(ctx, s.wanted)
	if err == nil {
		s.Opened = p.now()
	}
	opened <- struct{}{}
	for err == nil {
		p.await(ctx, s, c)
		if s.Told() || !p.renews(ctx, s.Opened) {
			return
		}
		if c, err = p.open(ctx, s.wanted); err == nil {
			s.Parked = history.Parked{Kind: s.Kind, URL: s.URL, Opened: p.now()}
		}
	}
	s.Error = err.Error()
}

// await notes how the connection ends. One that we give up has not ended.
func (p *parking) await(ctx context.Context, s *spot, c connection) {
	defer c.close()
	end := c.await(ctx)
	if ctx.Err() != nil {
		return
	}
	s.Ended, s.Clean, s.Code, s.Error = p.now(), end.Clean, end.Code, end.Error
}

// renews reports whether the signal is still to come. It waits before if the
// connection was opened a moment ago: a server that hangs up at once is not
// called without a pause.
func (p *parking) renews(ctx context.Context, opened time.Duration) bool {
	wait := time.NewTimer(renewal - (p.now() - opened))
	defer wait.Stop()
	select {
	case <-wait.C:
		return !p.signalled.Load()
	case <-ctx.Done():
		return false
	}
}

// signal says that the signal was sent.
func (p *parking) signal() {
	if p != nil {
		p.signalled.Store(true)
	}
}

// result gives up what is still open and returns what became of each. After an
// exit it waits for a moment before: what the process held ends with it. It may
// be called more than once.
func (p *parking) result(exited bool) []history.Parked {
	if p == nil {
		return nil
	}
	if exited {
		p.settle()
	}
	p.cancel()
	var all []history.Parked
	for _, s := range p.spots {
		<-s.done
		all = append(all, s.Parked)
	}
	p.client.CloseIdleConnections()
	return all
}

// settle waits until all have ended. The wait is bounded: a survivor can hold
// them open.
func (p *parking) settle() {
	patience := time.NewTimer(unpark)
	defer patience.Stop()
	for _, s := range p.spots {
		select {
		case <-s.done:
		case <-patience.C:
			return
		}
	}
}

// checkParked refuses a URL that leads elsewhere than to the endpoint.
func (p *Plan) checkParked(e subject.Endpoint) error {
	for i, wanted := range p.Scenario.Load.Parked {
		if _, err := subject.At(e, wanted.URL); err != nil {
			return &scenario.Invalid{Field: fmt.Sprintf("load.parked[%d]", i), Problem: err.Error()}
		}
	}
	return nil
}

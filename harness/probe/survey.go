package probe

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// facts are what was found out about the subject before, on a server of its own.
type facts struct {
	ledger     bool          // it writes one
	boot       time.Duration // until it was ready
	slow       time.Duration
	slowStatus int
}

// survey finds out, on a server of its own, what the cases build on.
func (r *runner) survey(ctx context.Context) error {
	began := time.Now()
	b, err := r.boot(ctx)
	if err != nil {
		return err
	}
	r.facts.boot = time.Since(began)
	defer b.end()
	c, err := b.dial()
	if err != nil {
		return fmt.Errorf("the server did not accept a connection: %w", err)
	}
	req, err := b.plain()
	if err != nil {
		return err
	}
	if a := b.ask(c, req); !a.whole {
		return fmt.Errorf("%s %s was %s, before any signal", req.method, b.server.Endpoint().URL, a)
	}
	c.close() // kept alive, it could keep a server with one worker from the next
	r.facts.ledger = b.received(req.id)
	if r.plan.Hints.Slow == "" {
		return nil
	}
	if c, err = b.dial(); err != nil {
		return err
	}
	if req, err = b.slow(slowFor); err != nil {
		return err
	}
	began = time.Now()
	a := b.ask(c, req)
	if !a.whole || a.status >= http.StatusBadRequest {
		return fmt.Errorf("the slow request was %s, before any signal", a)
	}
	r.facts.slow, r.facts.slowStatus = time.Since(began), a.status
	return nil
}

package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// facts are what was found out about the subject before, on a server of its own.
type facts struct {
	ledger     bool          // it writes one
	boot       time.Duration // until it was ready
	slow       time.Duration
	slowStatus int
	noH2       string // why it cannot be probed by HTTP/2, "" if it can
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
	if slices.ContainsFunc(r.plan.Cases, ofH2) {
		r.facts.noH2 = b.noH2()
	}
	if r.plan.Hints.Slow == "" {
		return nil
	}
	return r.surveySlow(b)
}

// ofH2 reports whether a case speaks HTTP/2.
func ofH2(c Case) bool { return strings.HasPrefix(c.ID, "h2/") }

// noH2 is why the server cannot be probed by HTTP/2, "" if it can or nobody knows.
// Who does not speak it need not be asked for what such a probe needs besides.
func (b *bench) noH2() string {
	h, err := b.dialH2()
	if err == nil {
		h.leave()
		return ""
	}
	if why, ok := errors.AsType[inapplicable](err); ok {
		return string(why)
	}
	return ""
}

// surveySlow finds out how long the slow request takes.
func (r *runner) surveySlow(b *bench) error {
	c, err := b.dial()
	if err != nil {
		return err
	}
	req, err := b.slow(slowFor)
	if err != nil {
		return err
	}
	began := time.Now()
	a := b.ask(c, req)
	if !a.whole || a.status >= http.StatusBadRequest {
		return fmt.Errorf("the slow request was %s, before any signal", a)
	}
	r.facts.slow, r.facts.slowStatus = time.Since(began), a.status
	return nil
}

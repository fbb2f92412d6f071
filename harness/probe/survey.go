package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	req, err := b.plain()
	if err != nil {
		return err
	}
	first, err := b.steady(req)
	if err != nil {
		return err
	}
	ask := b.steady
	if !first.whole { // a server may speak nothing else than HTTP/2
		if ask, err = r.byH2(b, req, first); err != nil {
			return err
		}
	}
	r.facts.ledger = b.received(req.id)
	if slices.ContainsFunc(r.plan.Cases, ofH2) {
		r.facts.noH2 = b.noH2()
	}
	if r.plan.Hints.Slow == "" {
		return nil
	}
	return r.surveySlow(b, ask)
}

// steady asks for something on a connection of its own, which it closes: kept alive, it
// could keep a server with one worker from the next.
func (b *bench) steady(r request) (answer, error) {
	c, err := b.dial()
	if err != nil {
		return answer{}, fmt.Errorf("the server did not accept a connection: %w", err)
	}
	defer c.close()
	return b.ask(c, r), nil
}

// steadyH2 is the same by HTTP/2.
func (b *bench) steadyH2(r request) (answer, error) {
	h, err := b.dialH2()
	if err != nil {
		return answer{}, err
	}
	defer h.leave()
	s, err := h.open(r)
	if err != nil {
		return answer{}, err
	}
	seen, err := b.watch(h, time.Now().Add(b.plan.Grace+settle), func(now state) bool { return now.open == 0 || now.ended })
	if err != nil {
		return answer{}, err
	}
	one := h.look(s)
	status, _ := strconv.Atoi(one.status) // 0 is none
	return answer{status: status, whole: one.whole, bare: status == 0, end: seen.end}, nil
}

// byH2 is how a server is asked that has not answered HTTP/1.1 but answers HTTP/2. The
// error says what it did not answer, or which probes are left for such a server.
func (r *runner) byH2(b *bench, req request, first answer) (func(request) (answer, error), error) {
	silent := fmt.Errorf("%s %s was %s, before any signal", req.method, b.server.Endpoint().URL, first)
	switch second, err := b.steadyH2(req); {
	case err != nil || !second.whole:
		return nil, silent
	case slices.ContainsFunc(r.plan.Cases, func(c Case) bool { return !ofH2(c) }):
		return nil, fmt.Errorf("%w; but it answers HTTP/2 with prior knowledge: probe it by that alone (lastcall probe h2/ -- COMMAND)", silent)
	}
	return b.steadyH2, nil
}

// ofH2 reports whether a case speaks HTTP/2.
func ofH2(c Case) bool { return strings.HasPrefix(c.ID, "h2/") }

// noH2 is why the server cannot be probed by HTTP/2, "" if it can or it is not known.
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
func (r *runner) surveySlow(b *bench, ask func(request) (answer, error)) error {
	req, err := b.slow(slowFor)
	if err != nil {
		return err
	}
	began := time.Now()
	a, err := ask(req)
	if err != nil {
		return err
	}
	if !a.whole || a.status >= http.StatusBadRequest {
		return fmt.Errorf("the slow request was %s, before any signal", a)
	}
	r.facts.slow, r.facts.slowStatus = time.Since(began), a.status
	return nil
}

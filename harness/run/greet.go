package run

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

const (
	// greetTime bounds what is found out before the load: who does not answer within it
	// is slow, and nothing follows from that.
	greetTime = time.Second
	// greeted is of how many targets it is found out whether they may be asked for.
	greeted = 8
)

// greet sends a request before the load of the first shutdown, to find out whether
// lastcall can talk to a server of the user's at all. The error says why it cannot,
// and what would help.
func (s *shutdown) greet(ctx context.Context) error {
	first := s.history.Header.Shutdown == 1 && s.history.Header.Repeats == 0 && s.plan.Live == nil
	if !first || s.subject.Kind() == scenario.KindStrategy {
		return nil
	}
	g, err := s.plan.greeting(ctx, s.server.Endpoint(), ledger.TrialPrefix(s.history.Header.Run, 1))
	if err != nil {
		return err
	}
	s.history.Header.Offers = subject.Offers(ctx, g.endpoint)
	if err := g.ask(ctx); err != nil {
		s.mute = true
		return fmt.Errorf("before any load: %w", err)
	}
	return nil
}

// greeting is what is asked before the load.
type greeting struct {
	endpoint subject.Endpoint
	targets  []load.Target
	expect   load.Expect
	prefix   string // of the ids
}

func (p *Plan) greeting(ctx context.Context, e subject.Endpoint, prefix string) (*greeting, error) {
	targets, err := p.Targets(ctx, e)
	if err != nil {
		return nil, err
	}
	expect, err := expectation(p.Scenario.Load)
	return &greeting{e, targets[:min(len(targets), greeted)], expect, prefix}, err
}

// ask asks for the targets until one is answered well, or not in time.
func (g *greeting) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	transport := subject.Pinned(g.endpoint.Address, g.endpoint.TLS)
	defer transport.CloseIdleConnections()
	client := subject.Direct(transport)
	denied := 0
	for i := range g.targets {
		status, err := g.one(ctx, client, i)
		if err != nil && (ctx.Err() != nil || subject.TimedOut(err)) {
			return nil // slow, or we were told to stop
		}
		if err != nil || status == http.StatusBadRequest || status == http.StatusHTTPVersionNotSupported {
			return subject.OtherProtocol(ctx, g.endpoint)
		}
		if status != http.StatusUnauthorized || g.expect.Status.Has(status) {
			return nil
		}
		denied++
	}
	if denied == 0 {
		return nil
	}
	return fmt.Errorf("every request was answered 401: send credentials (--header 'Authorization: ...'), or say that 401 is right (--expect-status 401)")
}

// one asks for one target.
func (g *greeting) one(ctx context.Context, client *http.Client, i int) (status int, err error) {
	t, id := g.targets[i], fmt.Sprintf("%s%d", g.prefix, i)
	fill := func(text string) string { return strings.ReplaceAll(text, scenario.IDMark, id) }
	req, err := http.NewRequestWithContext(ctx, t.Method, fill(t.URL), strings.NewReader(fill(string(t.Body))))
	if err != nil {
		return 0, err
	}
	for name, values := range t.Header {
		for _, value := range values {
			req.Header.Add(name, fill(value))
		}
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header.Set(ledger.HeaderID, id)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // so that the connection can be used again
	return resp.StatusCode, nil
}

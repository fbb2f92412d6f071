package harness

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"lastcall/harness/ledger"
	"lastcall/harness/load"
)

const (
	// greetTime bounds what is found out before the load: who does not answer within it
	// is slow, and nothing follows from that.
	greetTime = time.Second
	// speakTime bounds the wait for an answer to a protocol's first words, which does not
	// wait for a handler.
	speakTime = 300 * time.Millisecond
	// greeted is of how many targets it is found out whether they may be asked for.
	greeted = 8
)

// greet sends a request before the load of the first shutdown, to find out whether
// lastcall can talk to a server of the user's at all. The error says why it cannot,
// and what would help.
func (s *shutdown) greet(ctx context.Context) error {
	first := s.history.Header.Shutdown == 1 && s.history.Header.Repeats == 0 && s.plan.Live == nil
	if !first || s.subject.Kind() == kindStrategy {
		return nil
	}
	g, err := s.plan.greeting(ctx, s.server.Endpoint(), ledger.TrialPrefix(s.history.Header.Run, 1))
	if err != nil {
		return err
	}
	s.history.Header.Offers = offers(ctx, g.endpoint)
	if err := g.ask(ctx); err != nil {
		s.mute = true
		return fmt.Errorf("before any load: %w", err)
	}
	return nil
}

// greeting is what is asked before the load.
type greeting struct {
	endpoint Endpoint
	targets  []load.Target
	expect   load.Expect
	prefix   string // of the ids
}

func (p *Plan) greeting(ctx context.Context, e Endpoint, prefix string) (*greeting, error) {
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
	transport := pinned(g.endpoint.Address, g.endpoint.TLS)
	defer transport.CloseIdleConnections()
	client := direct(transport)
	denied := 0
	for i := range g.targets {
		status, err := g.one(ctx, client, i)
		if err != nil && (ctx.Err() != nil || timedOut(err)) {
			return nil // slow, or we were told to stop
		}
		if err != nil || status == http.StatusBadRequest || status == http.StatusHTTPVersionNotSupported {
			return otherProtocol(ctx, g.endpoint)
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
	fill := func(text string) string { return strings.ReplaceAll(text, load.IDMark, id) }
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

// Protocols that a server may speak instead.
var (
	errOnlyH2 = errors.New("the server does not answer HTTP/1.1, and the load is HTTP/1.1. It speaks HTTP/2 with prior knowledge, " +
		"and the probes h2/ test that (lastcall probe h2/ --slow-url PATH -- COMMAND)")
	errOnlyTLS = errors.New("the server speaks TLS at this port, and the request had no TLS: use --url https://..., with --ca or --insecure")
)

// otherProtocol finds out what a server speaks that has not answered HTTP/1.1 well.
// It returns nil if it cannot tell: the load will show what is wrong.
func otherProtocol(ctx context.Context, e Endpoint) error {
	switch {
	case e.TLS != nil:
		return nil // it has shaken hands
	case speaksH2(ctx, e.Address):
		return errOnlyH2
	case speaksTLS(ctx, e.Address):
		return errOnlyTLS
	}
	return nil
}

// speak connects, and says the first words of a protocol.
func speak(ctx context.Context, address string, talk func(net.Conn) bool) bool {
	dialer := net.Dialer{Timeout: speakTime}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(speakTime)) // what is dead says so as it is used
	return talk(c)
}

// speaksH2 reports whether a server answers the preface of HTTP/2 with its settings
// (RFC 9113 section 3.4).
func speaksH2(ctx context.Context, address string) bool {
	return speak(ctx, address, func(c net.Conn) bool {
		var words bytes.Buffer
		words.WriteString(http2.ClientPreface)
		if err := http2.NewFramer(&words, nil).WriteSettings(); err != nil {
			return false
		}
		if _, err := c.Write(words.Bytes()); err != nil {
			return false
		}
		frame, err := http2.NewFramer(nil, c).ReadFrame()
		if err != nil {
			return false
		}
		_, settings := frame.(*http2.SettingsFrame)
		return settings
	})
}

// speaksTLS reports whether a server answers a handshake in kind, be it with an alert.
func speaksTLS(ctx context.Context, address string) bool {
	return speak(ctx, address, func(c net.Conn) bool {
		hello := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // nothing is sent but the handshake
		err := hello.HandshakeContext(ctx)
		op, ok := errors.AsType[*net.OpError](err)
		return err == nil || ok && isAlert(op)
	})
}

// offers is what a server chooses over TLS if it has the choice, "" if that is
// HTTP/1.1.
func offers(ctx context.Context, e Endpoint) (protocol string) {
	if e.TLS == nil {
		return ""
	}
	speak(ctx, e.Address, func(c net.Conn) bool {
		config := e.TLS.Clone()
		config.NextProtos = []string{http2.NextProtoTLS, "http/1.1"}
		hello := tls.Client(c, config)
		if err := hello.HandshakeContext(ctx); err != nil {
			return false
		}
		protocol = hello.ConnectionState().NegotiatedProtocol
		return true
	})
	if protocol == "http/1.1" {
		return ""
	}
	return protocol
}

// otherwise says what would help where a handshake cannot succeed however often it is
// tried, "" if it may.
func otherwise(err error) string {
	if _, plain := errors.AsType[tls.RecordHeaderError](err); plain {
		return "use a URL without TLS (--url http://...)"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && isAlert(op) && op.Err.Error() == noProtocol.Error() {
		return "it does not speak HTTP/1.1 over TLS, and the load is HTTP/1.1: let it offer http/1.1 together with h2 (ALPN)"
	}
	return ""
}

// isAlert reports whether the other side said what it does not like.
func isAlert(op *net.OpError) bool { return op.Op == "remote error" } // as crypto/tls calls it

// noProtocol is the alert of a server that speaks nothing of what it was offered (RFC
// 7301 section 3.2).
const noProtocol = tls.AlertError(120)

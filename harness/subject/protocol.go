package subject

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"golang.org/x/net/http2"
)

// speakTime bounds the wait for an answer to a protocol's first words, which does not
// wait for a handler.
const speakTime = 300 * time.Millisecond

// Protocols that a server may speak instead.
var (
	errOnlyH2 = errors.New("the server does not answer HTTP/1.1, and the load is HTTP/1.1. It speaks HTTP/2 with prior knowledge, " +
		"and the probes h2/ test that (lastcall probe h2/ --slow-url PATH -- COMMAND)")
	errOnlyTLS = errors.New("the server speaks TLS at this port, and the request had no TLS: use --url https://..., with --ca or --insecure")
)

// OtherProtocol finds out what a server speaks that has not answered HTTP/1.1 well.
// It returns nil if it cannot tell: the load will show what is wrong.
func OtherProtocol(ctx context.Context, e Endpoint) error {
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

// Offers is what a server chooses over TLS if it has the choice, "" if that is
// HTTP/1.1.
func Offers(ctx context.Context, e Endpoint) (protocol string) {
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

package load

import (
	"crypto/tls"
	"net/url"
)

// handshakeError is what ended a TLS handshake. It is kept apart from dial
// errors: the server had accepted the connection, or its kernel for it.
type handshakeError struct{ cause error }

// Error says what ended the handshake.
func (e *handshakeError) Error() string { return "tls handshake: " + e.cause.Error() }

// Unwrap returns what ended the handshake.
func (e *handshakeError) Unwrap() error { return e.cause }

// clientTLS returns what the connections to one server need: HTTP/1.1 and its
// name. One record holds what one call writes, as far as it can, so that the time
// before the call is that before its write(2).
func clientTLS(base *tls.Config, name string) *tls.Config {
	config := base.Clone() // of nil it is nil
	if config == nil {
		config = new(tls.Config)
	}
	config.NextProtos = []string{"http/1.1"}
	config.DynamicRecordSizingDisabled = true
	if config.ServerName == "" {
		config.ServerName = name
	}
	return config
}

// serverName returns the name that the target's server must prove to have.
func serverName(targets []Target) string {
	if len(targets) == 0 {
		return ""
	}
	u, err := url.Parse(targets[0].URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

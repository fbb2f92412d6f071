package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// lastAlert is how long a server may take to turn us down after our side of the
// handshake is over. TLS 1.3 lets it check a client's certificate only then.
const lastAlert = 500 * time.Millisecond

// Handshake makes one TLS connection to the address, as an attack would, and
// closes it again. If that fails its error says why in one plain sentence. The
// name that the certificate must be for is the config's ServerName, or else the
// address's host.
func Handshake(ctx context.Context, address string, config *tls.Config) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("tls handshake: %w", err)
	}
	own := clientTLS(config, host)
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("tls handshake: %w", err)
	}
	defer raw.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := raw.SetDeadline(deadline); err != nil {
			return fmt.Errorf("tls handshake: %w", err)
		}
	}
	secured := tls.Client(raw, own)
	err = secured.HandshakeContext(ctx)
	if err == nil {
		err = turnedDown(ctx, secured)
	}
	if err != nil {
		return &explained{explain(err, address, own.ServerName), err}
	}
	return nil
}

// turnedDown takes leave and waits for the server to do so too, or to say that
// it wants no connection with us.
func turnedDown(ctx context.Context, secured *tls.Conn) error {
	until := time.Now().Add(lastAlert)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	if secured.CloseWrite() != nil || secured.SetReadDeadline(until) != nil {
		return nil // it hung up first, which it may
	}
	_, err := secured.Read(make([]byte, 1))
	if isAlert(err) {
		return err
	}
	return nil
}

// isAlert reports whether the error is the other side's alert.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" // as crypto/tls calls it
}

// explained is an error with its cause in plain words.
type explained struct {
	sentence string
	cause    error
}

// Error returns the sentence.
func (e *explained) Error() string { return e.sentence }

// Unwrap returns the cause.
func (e *explained) Unwrap() error { return e.cause }

// explain says in one sentence why there is no TLS connection. What comes from a
// certificate is quoted: its names may hold anything.
func explain(err error, address, name string) string {
	if sentence := explainCertificate(err, name); sentence != "" {
		return sentence
	}
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		if string(record.RecordHeader[:]) == "HTTP/" {
			return fmt.Sprintf("%s does not speak TLS: it answers in plain HTTP", address)
		}
		return fmt.Sprintf("%s does not speak TLS", address)
	}
	switch {
	case isAlert(err):
		return fmt.Sprintf("%s refuses the TLS connection: %v", address, err)
	case isTimeout(err):
		return fmt.Sprintf("%s did not finish the TLS handshake in time: does it speak TLS?", address)
	case isAny(err, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE):
		return fmt.Sprintf("%s closed the connection during the TLS handshake: does it speak TLS?", address)
	default:
		return fmt.Sprintf("there is no TLS connection with %s: %v", address, err)
	}
}

// explainCertificate says what is wrong with the server's certificate, "" if
// nothing is.
func explainCertificate(err error, name string) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("the certificate of %q is not trusted: %s", name, issuer(err, unknown.Cert))
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate is not for %q: %s", name, names(wrong.Certificate))
	}
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case !ok:
		return ""
	case invalid.Reason == x509.Expired && invalid.Cert != nil:
		const minute = "2006-01-02 15:04 MST"
		return fmt.Sprintf("the certificate of %q is valid from %s to %s only", name,
			invalid.Cert.NotBefore.Format(minute), invalid.Cert.NotAfter.Format(minute))
	default:
		return fmt.Sprintf("the certificate of %q is not valid: %q", name, invalid.Error())
	}
}

// issuer names the issuer of a certificate that this machine does not trust.
func issuer(err error, cert *x509.Certificate) string {
	if verification, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(verification.UnverifiedCertificates) > 0 {
		cert = verification.UnverifiedCertificates[0] // the server's own; the other is the last that was looked at
	}
	switch {
	case cert == nil:
		return "its issuer is unknown here"
	case string(cert.RawIssuer) == string(cert.RawSubject):
		return "it is self-signed"
	default:
		return fmt.Sprintf("its issuer, %q, is unknown here", cert.Issuer.String())
	}
}

// maxNames is how many of a certificate's names are told.
const maxNames = 5

// names says what a certificate is for.
func names(cert *x509.Certificate) string {
	var all []string
	for _, name := range cert.DNSNames {
		all = append(all, fmt.Sprintf("%q", name))
	}
	for _, ip := range cert.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "it names no host"
	}
	more := ""
	if len(all) > maxNames {
		all, more = all[:maxNames], ", ..."
	}
	return "it is for " + strings.Join(all, ", ") + more
}

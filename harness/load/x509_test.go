package load

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// ours509 is the authority that the tests' clients trust.
var ours509 = sync.OnceValue(func() *authority { return newAuthority("lastcall test") })

func newAuthority(name string) *authority {
	a := new(authority)
	own := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(own)
	return a
}

// sign completes a certificate and signs it, with its own key if the authority
// has none yet.
func (a *authority) sign(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return signed, key
}

// issue makes a certificate for some hosts, or changes what it is first.
func (a *authority) issue(hosts []string, change func(*x509.Certificate)) tls.Certificate {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "server"}}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	if change != nil {
		change(c)
	}
	signed, key := a.sign(c)
	return tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: key, Leaf: signed}
}

// server returns a config with a certificate for some hosts.
func (a *authority) server(hosts ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(hosts, nil)}}
}

// client returns a config that trusts the authority.
func (a *authority) client() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool}
}

// wiretap is the server's end of a TCP connection below TLS. It counts what comes,
// and can put something else in its place.
type wiretap struct {
	net.Conn
	came    atomic.Int64
	garbled atomic.Bool
}

// Read reads on, or finds what is no TLS.
func (w *wiretap) Read(p []byte) (int, error) {
	if w.garbled.Load() {
		return copy(p, "this is no TLS at all"), nil
	}
	n, err := w.Conn.Read(p)
	w.came.Add(int64(n))
	return n, err
}

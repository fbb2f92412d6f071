package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// tlsHangup is wrong: for 300 ms after SIGTERM it accepts connections and closes
// them before the handshake. Then it closes the listener and drains as it should.
func tlsHangup(ln net.Listener, _ string) error {
	config, err := selfSigned()
	if err != nil {
		return err
	}
	dropping := &dropper{Listener: ln}
	s := &http.Server{Handler: http.HandlerFunc(ok)}
	stop := terminated()
	go s.Serve(tls.NewListener(dropping, config)) // as in drain
	<-stop
	dropping.on.Store(true)
	time.Sleep(300 * time.Millisecond)
	return s.Shutdown(context.Background())
}

// tlsH2 is right, and speaks HTTP/2 over TLS besides HTTP/1.1.
func tlsH2(ln net.Listener, _ string) error {
	config, err := selfSigned()
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(ok), TLSConfig: config}
	stop := terminated()
	go s.ServeTLS(ln, "", "") // as in drain
	<-stop
	return s.Shutdown(context.Background())
}

// dropper is a listener that closes what it accepts, once it is on.
type dropper struct {
	net.Listener
	on atomic.Bool
}

func (d *dropper) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil || !d.on.Load() {
			return c, err
		}
		c.Close() // here is the mistake
	}
}

// selfSigned returns a certificate for 127.0.0.1 that is made on the spot.
func selfSigned() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}

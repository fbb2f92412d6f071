package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// backend is what the proxies pass requests on to. It is never told to stop.
func backend(ln net.Listener, _ string) error { return http.Serve(ln, http.HandlerFunc(ok)) }

// front is always up, and passes each request on to the server whose address is
// its argument, or answers 502.
func front(ln net.Listener, to string) error {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	// A connection for each request: what the server does to those that it keeps alive
	// is not what a front is there to show.
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	return http.Serve(ln, proxy)
}

// burn keeps one core busy until in ends, which it does however its parent ended.
func burn(in io.Reader) error {
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, in)
		ended <- err
	}()
	for n := uint64(0); ; n++ {
		if n%(1<<20) != 0 {
			continue
		}
		select {
		case err := <-ended:
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		default:
		}
	}
}

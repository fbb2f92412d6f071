package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// drain serves until SIGTERM, and then stops as the documentation of net/http
// says: Shutdown is called and waited for before main returns.
func drain(ln net.Listener, h http.HandlerFunc) error {
	s := &http.Server{Handler: h}
	stop := terminated()
	go s.Serve(ln) // returns as soon as Shutdown is called, which is what is waited for
	<-stop
	return s.Shutdown(context.Background())
}

// textbook is right.
func textbook(ln net.Listener, _ string) error { return drain(ln, ok) }

// naive has no handler for SIGTERM.
func naive(ln net.Listener, _ string) error { return http.Serve(ln, http.HandlerFunc(ok)) }

// echoID is right: its answer repeats the request's id, so that two answers hardly
// ever are the same.
func echoID(ln net.Listener, _ string) error {
	return drain(ln, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(work)
		fmt.Fprintln(w, "done:", r.Header.Get("X-Lastcall-Id"))
	})
}

// counter is right: its answers count, and become longer as they do.
func counter(ln net.Listener, _ string) error {
	var n atomic.Int64
	return drain(ln, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(work)
		fmt.Fprintln(w, n.Add(1))
	})
}

// varied is right: its answers have one of eight lengths by turns.
func varied(ln net.Listener, _ string) error {
	var n atomic.Int64
	return drain(ln, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(work)
		fmt.Fprintln(w, "rows:", strings.Repeat("row ", 10+int(n.Add(1)%8)))
	})
}

// lag is right behind a balancer: it serves on for a while, as long as one that was
// told goes on sending, and drains then.
func lag(ln net.Listener, after string) error {
	d, err := time.ParseDuration(after)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(ok)}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	time.Sleep(d)
	return s.Shutdown(context.Background())
}

// tlsTextbook is textbook over TLS.
func tlsTextbook(ln net.Listener, _ string) error {
	config, err := selfSigned()
	if err != nil {
		return err
	}
	return drain(tls.NewListener(ln, config), ok)
}

// workers is right, and slow: so many requests at a time, each of which takes so
// long. What exceeds them waits in the order of its coming.
func workers(ln net.Listener, arg string) error {
	handler, err := queued(arg)
	if err != nil {
		return err
	}
	return drain(ln, handler)
}

// workersExit is wrong: it is workers, and exits on SIGTERM whatever is in hand.
func workersExit(ln net.Listener, arg string) error {
	handler, err := queued(arg)
	if err != nil {
		return err
	}
	stop := terminated()
	go http.Serve(ln, handler) // until the exit
	<-stop
	return nil
}

// denies is right, and answers nobody who does not say who he is.
func denies(ln net.Listener, _ string) error {
	return drain(ln, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	})
}

// queued is a handler that serves so many at a time, as in 10x1s.
func queued(arg string) (http.HandlerFunc, error) {
	var n int
	var each string
	if _, err := fmt.Sscanf(arg, "%dx%s", &n, &each); err != nil {
		return nil, fmt.Errorf("workers: want an argument as 10x1s: %w", err)
	}
	d, err := time.ParseDuration(each)
	if err != nil {
		return nil, err
	}
	seats := make(chan struct{}, n)
	return func(w http.ResponseWriter, _ *http.Request) {
		seats <- struct{}{}
		defer func() { <-seats }()
		time.Sleep(d)
		fmt.Fprintln(w, "ok")
	}, nil
}

// h2Only speaks HTTP/2 with prior knowledge and nothing else. What is asked for under
// /slow takes 600 ms. It is right, unless it is told to exit on SIGTERM whatever is in
// hand.
func h2Only(ln net.Listener, arg string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/", ok)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(6 * work)
		fmt.Fprintln(w, "ok")
	})
	s := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	if arg == "exit" {
		return nil
	}
	return s.Shutdown(context.Background())
}

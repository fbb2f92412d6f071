package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// hangup is wrong: on SIGTERM the listener closes and what is in flight is
// answered, but for two seconds every request that comes on a connection which was
// kept alive is read and hung up on.
func hangup(ln net.Listener, _ string) error {
	var stopping atomic.Bool
	var busy sync.WaitGroup
	stop := terminated()
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				c.Close() // here is the mistake
			}
			return
		}
		busy.Add(1)
		defer busy.Done()
		ok(w, r)
	}))
	<-stop
	stopping.Store(true)
	if err := ln.Close(); err != nil {
		return err
	}
	busy.Wait()
	time.Sleep(2 * time.Second)
	return nil
}

// hangupBriefly is wrong: for 45 ms after SIGTERM it accepts connections, reads
// the request and hangs up. Then it closes the listener and drains as it should.
func hangupBriefly(ln net.Listener, _ string) error {
	var stopping atomic.Bool
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			panic(http.ErrAbortHandler) // here is the mistake
		}
		ok(w, r)
	})}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	stopping.Store(true)
	time.Sleep(45 * time.Millisecond)
	return s.Shutdown(context.Background())
}

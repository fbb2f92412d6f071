package main

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// idleHolds is wrong: it waits for every connection to end, also for one that is
// kept alive and not used. It ends a connection only after an answer on it.
func idleHolds(ln net.Listener, _ string) error {
	var open sync.WaitGroup
	var stopping atomic.Bool
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(work)
			if stopping.Load() {
				w.Header().Set("Connection", "close")
			}
			w.Write([]byte("ok\n"))
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed, http.StateHijacked:
				open.Done()
			case http.StateActive, http.StateIdle:
			}
		},
	}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	stopping.Store(true)
	if err := ln.Close(); err != nil {
		return err
	}
	open.Wait() // here is the mistake: Shutdown would close the idle ones
	return nil
}

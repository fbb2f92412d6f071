package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"
)

// cancelled serves under a context that SIGTERM cancels, and then waits, as it
// should, for handlers which have given up already.
func cancelled(ln net.Listener, h http.HandlerFunc) error {
	root, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return root }}
	go s.Serve(ln) // as in drain
	<-root.Done()
	return s.Shutdown(context.Background())
}

// slept waits, and says whether it could wait all the time.
func slept(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// cancelEmpty is wrong: its handler returns when the context is cancelled, and
// net/http then answers in its place, with 200 and an empty body.
func cancelEmpty(ln net.Listener, _ string) error {
	return cancelled(ln, func(w http.ResponseWriter, r *http.Request) {
		if !slept(r.Context(), work) {
			return // here is the mistake
		}
		fmt.Fprintln(w, `{"rows": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}`)
	})
}

// cancelStream is wrong in the same way: its chunks end early, and the last one,
// which says that the answer is whole, is sent all the same.
func cancelStream(ln net.Listener, _ string) error {
	return cancelled(ln, func(w http.ResponseWriter, r *http.Request) {
		for i := range 10 {
			if !slept(r.Context(), work/10) {
				return // here is the mistake
			}
			fmt.Fprintln(w, "line", i)
			w.(http.Flusher).Flush()
		}
	})
}

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// batch is wrong: a micro-batching server. Requests are read and wait up to 30 ms
// for their batch. On SIGTERM those that wait are thrown away, and those that are
// worked on are answered. One request in ten takes 300 ms, the others 100.
func batch(ln net.Listener, _ string) error {
	var n atomic.Int64
	stopping := make(chan struct{})
	b := &batches{next: make(chan struct{})}
	go b.run()
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-b.wait():
		case <-stopping:
			panic(http.ErrAbortHandler) // here is the mistake
		}
		time.Sleep(work)
		if n.Add(1)%10 == 0 {
			time.Sleep(2 * work)
		}
		fmt.Fprintln(w, "ok")
	})}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	close(stopping)
	return s.Shutdown(context.Background())
}

// batches begin every 30 ms.
type batches struct {
	mu   sync.Mutex    // guards next, which run replaces while handlers take it
	next chan struct{} // closed when the batch begins that is collected now
}

func (b *batches) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func (b *batches) run() {
	for range time.Tick(30 * time.Millisecond) {
		b.mu.Lock()
		close(b.next)
		b.next = make(chan struct{})
		b.mu.Unlock()
	}
}

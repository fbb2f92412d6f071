package targets

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestAHandshakeUnderWay: its client can hold the websocket for open before it is
// entered, so that Close waits for it, and it is told.
func TestAHandshakeUnderWay(t *testing.T) {
	s := newSockets()
	arrived := s.arrive()
	closed := make(chan error, 1)
	go func() { closed <- s.Close(t.Context()) }()
	for s.add(nil) { // until Close has begun
		s.remove(nil)
		time.Sleep(time.Millisecond) // between two looks
	}
	select {
	case err := <-closed:
		t.Fatalf("it did not wait for the handshake: %v", err)
	case <-time.After(20 * time.Millisecond): // without waiting it would end at once
	}
	arrived()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s.arrive()() // holds nobody
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late := newSockets()
	defer late.arrive()()
	if err := late.Close(ctx); err == nil || !strings.Contains(err.Error(), "a handshake did not end") {
		t.Errorf("without any time: %v", err)
	}
}

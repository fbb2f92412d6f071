package probe

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/subject"
)

// blind is a server whose processes cannot be seen once it was told to stop.
type blind struct {
	subject.Server // what is not overridden is not asked for
	told           bool
	gone           chan struct{}
}

var errBlind = errors.New("too many open files")

// Holders cannot be seen after the signal.
func (s *blind) Holders() ([]process.Info, error) {
	if s.told {
		return nil, errBlind
	}
	return []process.Info{{PID: 4711, Name: "worker"}}, nil
}

// Tree cannot be seen.
func (s *blind) Tree() ([]process.Info, error) { return nil, errBlind }

// PortTaken is never so.
func (s *blind) PortTaken() bool { return false }

// Book is none.
func (s *blind) Book() *subject.LedgerFile { return nil }

// Signal goes to another process than that which holds the socket.
func (s *blind) Signal(syscall.Signal, string, []process.Info, func() error) (subject.Sent, error) {
	s.told = true
	close(s.gone) // once: one signal is sent
	now := time.Now()
	return subject.Sent{To: []process.Info{{PID: 1}}, Before: now, After: now}, nil
}

// Exited is closed by the signal.
func (s *blind) Exited() <-chan struct{} { return s.gone }

// Exit is a clean one.
func (s *blind) Exit() process.Exit { return process.Exit{At: time.Now()} }

// TestUnseenProcesses: where the processes cannot be looked at nothing is said of
// them, neither that they live on nor that they do not.
func TestUnseenProcesses(t *testing.T) {
	t.Parallel()
	for name, probe := range map[string]func(*bench) (Sighting, error){"wrapper": wrapper, "survivors": survivors} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		b := &bench{ctx: ctx, server: &blind{gone: make(chan struct{})}, plan: &Plan{Signal: syscall.SIGTERM, Grace: 200 * time.Millisecond}}
		s, err := probe(b)
		if !errors.Is(err, errBlind) || s.Bad || sightingOf(s, err).Reached || !strings.Contains(err.Error(), ": ") {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

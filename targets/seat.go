package targets

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/cloudflare/tableflip"
)

// EnvLifeline names the environment variable that holds the number of an
// inherited descriptor: a pipe whose other end the parent keeps open. When it
// reads end-of-file the parent is gone, however it went.
const EnvLifeline = "LASTCALL_LIFELINE"

// successorBound is how long a successor may take to get ready.
const successorBound = 10 * time.Second

// lifelineName is the lifeline's name among what a successor inherits.
const lifelineName = "lifeline"

// seat is what a process needs from outside to serve, and what the successor of
// the strategy handoff inherits from it.
type seat struct {
	listener  *net.TCPListener
	orphaned  <-chan struct{}     // closed when the parent is gone; nil if there is no lifeline
	upgrader  *tableflip.Upgrader // nil for a strategy without successors
	inherited bool                // from a predecessor
}

// takeSeat makes a process's seat, or takes the one that its predecessor left.
func takeSeat(s Strategy, addr string) (seat, error) {
	if !s.succeeds {
		pipe, err := lifeline()
		if err != nil {
			return seat{}, err
		}
		ln, err := net.Listen("tcp", addr)
		return sit(ln, pipe, err)
	}
	// The upgrader takes part of the environment and of the descriptors for its
	// own, so it comes first.
	upgrader, err := tableflip.New(tableflip.Options{UpgradeTimeout: successorBound})
	if err != nil {
		return seat{}, err
	}
	pipe, err := bequeathed(upgrader)
	if err != nil {
		return seat{}, err
	}
	ln, err := upgrader.Listen("tcp", addr) // the predecessor's, if there is one
	own, err := sit(ln, pipe, err)
	own.upgrader, own.inherited = upgrader, upgrader.HasParent()
	return own, err
}

func sit(ln net.Listener, pipe *os.File, err error) (seat, error) {
	if err != nil {
		return seat{}, err
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return seat{}, fmt.Errorf("listen: a %T is not of TCP", ln)
	}
	return seat{listener: tcp, orphaned: watch(pipe)}, nil
}

// lifeline returns the pipe that EnvLifeline names, or nil if there is none.
func lifeline() (*os.File, error) {
	text := os.Getenv(EnvLifeline)
	if text == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is not the number of an inherited descriptor", EnvLifeline, text)
	}
	syscall.CloseOnExec(fd) // a child of this process must not hold the pipe
	return os.NewFile(uintptr(fd), lifelineName), nil
}

// bequeathed returns the lifeline of a strategy with successors, and has it
// passed on. In a successor the variable still names a descriptor, but of the
// first process: there the pipe goes by its name.
func bequeathed(upgrader *tableflip.Upgrader) (*os.File, error) {
	if upgrader.HasParent() {
		return upgrader.File(lifelineName) // nil if there never was one
	}
	pipe, err := lifeline()
	if pipe == nil || err != nil {
		return nil, err
	}
	if err := upgrader.AddFile(lifelineName, pipe); err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return pipe, nil
}

// watch returns a channel that is closed when the parent has ended. Then a clean stop
// is of no use any more, so the process is meant to
// end at once. Without a pipe the channel is nil and never closes.
func watch(pipe *os.File) <-chan struct{} {
	if pipe == nil {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)                // closed by the only goroutine that reads the pipe
		_, _ = io.Copy(io.Discard, pipe) // ends at end-of-file, or at an error that means the same
	}()
	return gone
}

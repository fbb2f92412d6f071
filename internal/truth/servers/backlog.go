package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// backlog is right, and has a listen queue of 5, as Python's socketserver. Now and
// then it accepts nothing for 150 ms (a pause of a garbage collector, say), so that
// the queue overflows and clients send their SYN again a second later. On SIGTERM it
// takes what the queue holds before it closes the listener.
func backlog(ln net.Listener, _ string) error {
	if err := shorten(ln, 5); err != nil {
		return err
	}
	stopping := make(chan struct{})
	s := &http.Server{Handler: http.HandlerFunc(ok)}
	stop := terminated()
	go s.Serve(&pausing{Listener: ln, stopping: stopping, last: time.Now()}) // as in drain
	<-stop
	close(stopping) // ends the present pause, and all later ones
	time.Sleep(50 * time.Millisecond)
	return s.Shutdown(context.Background())
}

// shorten changes the length of a listener's queue.
func shorten(ln net.Listener, n int) error {
	raw, err := ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	var listen error
	err = raw.Control(func(fd uintptr) { listen = syscall.Listen(int(fd), n) })
	return errors.Join(err, listen)
}

// pausing is a listener that does not accept for 150 ms every 450 ms.
type pausing struct {
	net.Listener
	stopping <-chan struct{} // closed when there shall be no pause any more
	last     time.Time       // the end of the last pause
}

// Accept is called by one goroutine.
func (l *pausing) Accept() (net.Conn, error) {
	if time.Since(l.last) > 300*time.Millisecond {
		select {
		case <-time.After(150 * time.Millisecond):
		case <-l.stopping:
		}
		l.last = time.Now()
	}
	return l.Listener.Accept()
}

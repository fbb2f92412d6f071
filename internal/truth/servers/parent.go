package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// parent is wrong: it holds the socket and has one worker that serves. On SIGTERM
// the parent ends at once. The worker, which gets SIGTERM too where it goes to the
// group, would drain, but looks ten times a second whether its parent lives.
func parent(port string) error {
	if os.Getenv("WORKER") != "" {
		return worker()
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	stop := terminated()
	c := exec.Command(os.Args[0], os.Args[1:]...)
	c.Env = append(os.Environ(), "WORKER=1")
	c.ExtraFiles = []*os.File{f}
	if err := c.Start(); err != nil {
		return err
	}
	if err := ln.Close(); err != nil {
		return err
	}
	<-stop
	return nil // here is the mistake: it does not wait for the worker
}

func worker() error {
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			if os.Getppid() == 1 {
				os.Exit(1)
			}
		}
	}()
	ln, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(4 * work) // longer than the worker needs to see that it is alone
		w.Write([]byte("ok\n"))
	})}
	stop := terminated()
	go s.Serve(ln) // as in drain
	<-stop
	return s.Shutdown(context.Background())
}

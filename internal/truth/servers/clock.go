package main

import (
	"net"
	"net/http"
	"time"
)

// clock is wrong: it serves on for a fixed time, in the middle of which it exits
// whatever is in hand.
func clock(ln net.Listener, after string) error {
	d, err := time.ParseDuration(after)
	if err != nil {
		return err
	}
	stop := terminated()
	go http.Serve(ln, http.HandlerFunc(ok))
	<-stop
	time.Sleep(d)
	return nil // here is the mistake: nothing waits for the handlers
}

package check

import (
	"fmt"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// open is what was open late in a shutdown, although nothing was asked on it.
type open struct {
	parked map[string]int // by kind
	idle   int            // connections of the load that had served
}

func (o open) total() (n int) {
	for _, one := range o.parked {
		n += one
	}
	return n + o.idle
}

// stillOpen is what was parked as the signal came, and open at an instant, beside
// connections of the load.
func (o *observation) stillOpen(at time.Duration, idle int) open {
	all := open{parked: make(map[string]int), idle: idle}
	for _, p := range o.Parked {
		if o.held(p) && (p.Ended == 0 || p.Ended >= at) {
			all.parked[p.Kind]++
		}
	}
	return all
}

// mostOpen is what was open as SIGKILL was sent, in the shutdown in which most was.
func mostOpen(killed []*observation) (most open) {
	for _, o := range killed {
		at, ok := o.At(history.EventKilled)
		if !ok {
			continue
		}
		if one := o.stillOpen(at, o.Idle); one.total() > most.total() {
			most = one
		}
	}
	return most
}

// parkedKinds are the kinds in words, in the order in which they are told of, and
// what keeps each from holding an exit.
var parkedKinds = []struct{ kind, noun, remedy string }{
	{
		scenario.Silent, "silent connection",
		"a server that waits for the first request on a silent connection may wait without end (Go's Server.Shutdown waits for five seconds): " +
			"bound that wait (in Go, http.Server.ReadHeaderTimeout; golang/go #22682)",
	},
	{
		scenario.WebSocket, "WebSocket connection",
		"send a close frame (1001, going away) on each WebSocket connection when the signal arrives, and bound the wait for its end",
	},
	{
		scenario.EventStream, "event stream",
		"end the streams when the signal arrives, and bound the wait for their handlers",
	},
	{scenario.Idle, "idle kept-alive connection", closeIdle},
}

const closeIdle = "close idle connections when the signal arrives: no request on them is waiting for an answer"

// String names them with their number.
func (o open) String() string {
	var said []string
	for _, k := range parkedKinds {
		if n := o.parked[k.kind]; n > 0 {
			said = append(said, count(n, k.noun))
		}
	}
	switch {
	case o.idle == 1:
		said = append(said, "lastcall's own idle kept-alive connection")
	case o.idle > 1:
		said = append(said, fmt.Sprintf("lastcall's own %d idle kept-alive connections", o.idle))
	}
	return strings.Join(said, " and ")
}

// letGo says what helps against connections that are open, by the first kind, "" if
// none is.
func (o open) letGo() string {
	for _, k := range parkedKinds {
		if o.parked[k.kind] > 0 {
			return k.remedy
		}
	}
	if o.idle > 0 {
		return closeIdle
	}
	return ""
}

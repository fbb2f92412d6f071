// Command servers holds the servers in Go that the table of truth is about. Each
// is as small as its kind allows, knows nothing of lastcall, and listens on
// 127.0.0.1:
//
//	servers KIND PORT [ARGUMENT]
//
// What a kind deserves stands in the table, and why stands with its code.
package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// work is how long the handler of an ordinary request takes.
const work = 100 * time.Millisecond

// kinds serve on a listener until they end, in the right way or in a wrong one.
var kinds = map[string]func(ln net.Listener, arg string) error{
	"backend":        backend,
	"backlog":        backlog,
	"batch":          batch,
	"cancel-empty":   cancelEmpty,
	"cancel-stream":  cancelStream,
	"clock":          clock,
	"counter":        counter,
	"cuts-uploads":   cutsUploads,
	"denies":         denies,
	"echo-id":        echoID,
	"front":          front,
	"h2-only":        h2Only,
	"hangup":         hangup,
	"hangup-briefly": hangupBriefly,
	"idle-holds":     idleHolds,
	"lag":            lag,
	"naive":          naive,
	"textbook":       textbook,
	"tls-h2":         tlsH2,
	"tls-hangup":     tlsHangup,
	"tls-textbook":   tlsTextbook,
	"varied":         varied,
	"workers":        workers,
	"workers-exit":   workersExit,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "burn" {
		return burn(os.Stdin)
	}
	if len(args) == 2 && args[0] == "parent" {
		return parent(args[1])
	}
	if len(args) < 2 {
		return errors.New("usage: servers KIND PORT [ARGUMENT]")
	}
	serve, ok := kinds[args[0]]
	if !ok {
		return fmt.Errorf("unknown kind %q: the kinds are %q", args[0], slices.Sorted(maps.Keys(kinds)))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+args[1])
	if err != nil {
		return err
	}
	return serve(ln, argument(args))
}

func argument(args []string) string {
	if len(args) < 3 {
		return ""
	}
	return args[2]
}

// terminated returns a channel that gets SIGTERM. It has room for one: a signal
// that comes before somebody listens is not lost.
func terminated() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	return c
}

// ok is the ordinary handler.
func ok(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(work)
	fmt.Fprintln(w, "ok")
}

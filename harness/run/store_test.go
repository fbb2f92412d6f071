package run_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"lastcall/harness/ledger"
)

// envStore names the file in which the test's server keeps its orders.
const envStore = "LASTCALL_TEST_STORE"

// orders is a server that takes orders by POST and keeps them in a file, one id
// a line: the body's, where the request has one. It says what it does in its
// ledger. Each behaviour has a fault of its own.
type orders struct {
	behaviour string
	store     *os.File
	ledger    *os.File // nil: it could not be opened

	mu      sync.Mutex // the handlers and the writer share what follows
	pending []string   // acknowledged, and not written yet
	over    bool       // nobody works the queue off any more
	taken   int
}

// newOrders opens the files. A ledger that cannot be had is complained of, and
// done without.
func newOrders(behaviour string) *orders {
	o := &orders{behaviour: behaviour}
	appending := func(path string, flags int) *os.File {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|flags, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, "orders:", err)
			return nil
		}
		return file
	}
	begin := 0
	if behaviour == "orders, beginning its ledger anew" {
		begin = os.O_TRUNC
	}
	o.ledger = appending(os.Getenv(ledger.EnvPath), begin)
	o.store = appending(cmp.Or(os.Getenv(envStore), os.DevNull), 0)
	if strings.Contains(behaviour, "later") {
		go o.write()
	}
	return o
}

// write works the queue off, as long as the process lives.
func (o *orders) write() {
	for range time.Tick(30 * time.Millisecond) { // the queue's own pace
		o.mu.Lock() // whoever stops says so
		over := o.over
		o.mu.Unlock()
		if !over {
			o.flush()
		}
	}
}

func (o *orders) flush() {
	o.mu.Lock() // the handlers add
	batch := o.pending
	o.pending = nil
	o.mu.Unlock()
	for _, id := range batch {
		o.apply(id)
	}
}

func (o *orders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(ledger.HeaderID)
	if text, _ := io.ReadAll(r.Body); len(text) > 0 {
		id = strings.TrimSpace(string(text))
	}
	if o.behaviour == "orders, checking where the id stands" && !standsRight(r, id) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	o.note(id, ledger.Received)
	defer o.note(id, ledger.Answered)
	time.Sleep(20 * time.Millisecond) // the handler's work
	if r.Method != http.MethodPost {
		return
	}
	if strings.Contains(o.behaviour, "later") {
		o.mu.Lock() // the writer takes
		o.pending = append(o.pending, id)
		o.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
		return
	}
	o.mu.Lock() // many handlers count
	o.taken++
	nth := o.taken
	o.mu.Unlock()
	o.apply(id)
	switch {
	case o.behaviour == "orders, every tenth twice" && nth%10 == 0:
		o.apply(id)
	case o.behaviour == "orders, rotating its ledger" && nth == 20: // long before the signal
		_ = o.ledger.Truncate(0)
	}
	w.WriteHeader(http.StatusCreated)
}

// standsRight reports whether the request's id stands wherever the test wants it.
func standsRight(r *http.Request, body string) bool {
	id := r.Header.Get(ledger.HeaderID)
	want, header := "/orders", ""
	switch {
	case strings.HasPrefix(r.RequestURI, "/orders/"):
		want, header = "/orders/"+id+"?again="+id, id
	case strings.HasPrefix(r.RequestURI, "/a/"):
		want, header = "/a/"+id+"/%7Bid%7D?b="+id, id
	}
	right := body == id && r.RequestURI == want && r.Header.Get("X-Order") == header
	if !right {
		fmt.Fprintf(os.Stderr, "%s: %s, body %q, X-Order %q\n", id, r.RequestURI, body, r.Header.Get("X-Order"))
	}
	return right
}

// apply writes one order, and then says so.
func (o *orders) apply(id string) {
	if _, err := o.store.WriteString(id + "\n"); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
		return
	}
	if o.behaviour != "orders, never saying executed" {
		o.note(id, ledger.Executed)
	}
}

func (o *orders) note(id, fact string) {
	if o.ledger == nil {
		return
	}
	if _, err := o.ledger.WriteString(id + " " + fact + "\n"); err != nil {
		fmt.Fprintln(os.Stderr, "orders:", err)
	}
}

// stop is what it does as it is told to: in one case it dismisses its writer
// while orders are still taken, as a worker does that hangs on a context which
// the signal cancels.
func (o *orders) stop() {
	o.mu.Lock() // the writer looks
	defer o.mu.Unlock()
	o.over = o.behaviour == "orders, done later, and lost"
}

// leave is what it does when all requests are answered.
func (o *orders) leave() {
	switch o.behaviour {
	case "orders, done later, and flushed":
		o.flush()
	case "orders, and a torn line":
		_, _ = o.ledger.WriteString("0a1b2c3d-1-7 exec")
	case "orders, truncating its ledger":
		_ = o.ledger.Truncate(0)
	case "orders, truncating its ledger and going on":
		_ = o.ledger.Truncate(0)
		o.note("0a1b2c3d-1-7", ledger.Received)
	case "orders, removing its ledger":
		_ = os.Remove(o.ledger.Name())
	case "orders, and a FIFO for a ledger":
		_ = os.Remove(o.ledger.Name())
		_ = syscall.Mkfifo(o.ledger.Name(), 0o600)
	case "orders, and a device for a ledger":
		_ = os.Remove(o.ledger.Name())
		_ = os.Symlink("/dev/zero", o.ledger.Name())
	case "orders, and 200 GB of a ledger":
		_ = o.ledger.Truncate(200 << 30)
	}
}

// serveOrders is the handler of an order taker, and what it does in the end.
func serveOrders(behaviour string) (http.Handler, func(*http.Server)) {
	o := newOrders(behaviour)
	return o, func(s *http.Server) {
		o.stop()
		_ = s.Shutdown(context.Background())
		o.leave()
	}
}

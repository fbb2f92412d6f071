package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lastcall/harness/subject"
)

// envServer makes the test binary a server with that behaviour.
const envServer = "LASTCALL_TEST_SERVER"

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "supervise" {
		if err := subject.Supervise(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	if behaviour := os.Getenv(envServer); behaviour != "" {
		serve(behaviour)
		return
	}
	// Under the race detector a process lingers for a second after its main has
	// returned, and goes on serving meanwhile: no server of a user's does that.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// envOnce names a file that is there once the server has been started.
const envOnce = "LASTCALL_TEST_ONCE"

// slowStart is so long that the time before it and the time after it can be told
// apart on a busy machine.
const slowStart = 200 * time.Millisecond

// serve behaves as told. It ends by itself after a minute, whatever happens to
// the test.
func serve(behaviour string) {
	time.AfterFunc(time.Minute, func() { os.Exit(9) })
	switch behaviour {
	case "dies before it is ready":
		fmt.Fprintln(os.Stderr, "cannot open the store")
		os.Exit(4)
	case "says nonsense":
		fmt.Println("listening on somewhere")
		select {}
	case "says nothing":
		select {}
	case "daemonises": // the parent is gone, and a child serves
		again("drains")
		return
	case "leaves a worker": // which holds its stderr, and does not serve
		again("idles")
	case "idles":
		select {}
	}
	switch behaviour {
	case "forgets an early signal":
		early := make(chan os.Signal, 1)
		signal.Notify(early, syscall.SIGTERM)
		select {
		case <-early: // and starts as if nothing had happened
		case <-time.After(slowStart):
		}
	case "is slow to start":
		time.Sleep(slowStart)
	case "starts only once":
		if !first() {
			fmt.Fprintln(os.Stderr, "cannot open the store again")
			os.Exit(4)
		}
		time.Sleep(slowStart)
	case "is ready only once":
		if !first() {
			select {}
		}
	}
	port := "0"
	if p := os.Getenv("PORT"); p != "" { // as a command: not as a strategy
		port = p
	}
	// Before the port is open: from then on it is taken for ready, with its files opened.
	server, leave := &http.Server{}, func(s *http.Server) { _ = s.Shutdown(context.Background()) }
	if strings.HasPrefix(behaviour, "orders") {
		server.Handler, leave = serveOrders(behaviour)
	} else {
		server.Handler = handler(behaviour)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	stop := make(chan os.Signal, 1)
	if behaviour != "handles no signal" {
		signal.Notify(stop, syscall.SIGTERM)
	}
	if behaviour == "ignores it outright" {
		signal.Ignore(syscall.SIGTERM)
	}
	if behaviour == "waits for every connection" {
		leave = waitsForAll(server, ln)
	}
	if behaviour == "drains over https" { // with the certificate of httptest, which is in the test as well
		secure := httptest.NewUnstartedServer(handler(behaviour))
		secure.Listener.Close()
		secure.Listener, server = ln, secure.Config
		secure.StartTLS()
	} else {
		if behaviour == "stops accepting" {
			ln = deafListener{ln}
		}
		go func() { _ = server.Serve(ln) }()
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"addr": ln.Addr().String()})
	<-stop
	if behaviour == "leaves a worker" {
		fmt.Fprintln(os.Stderr, "so long")
	}
	if behaviour == "ignores the signal" {
		fmt.Fprintln(os.Stderr, "never mind")
		select {}
	}
	told.Store(true)
	if behaviour == "stops accepting" {
		time.Sleep(400 * time.Millisecond) // with the listening socket open
		os.Exit(0)
	}
	if behaviour == "leaves by the clock" {
		time.Sleep(1200 * time.Millisecond)
		os.Exit(0) // in the middle of whatever is in hand
	}
	leave(server)
}

// waitsForAll returns a way to leave that closes no idle connection, and waits for the
// end of each. What is answered after the signal says that it is the last answer.
func waitsForAll(server *http.Server, ln net.Listener) func(*http.Server) {
	var open sync.WaitGroup
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		case http.StateActive, http.StateIdle:
		}
	}
	serve := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if told.Load() {
			w.Header().Set("Connection", "close")
		}
		serve.ServeHTTP(w, r)
	})
	return func(*http.Server) {
		ln.Close()
		open.Wait()
	}
}

// first reports whether it was not called before, by whatever process.
func first() bool {
	file, err := os.OpenFile(os.Getenv(envOnce), os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false
	}
	file.Close()
	return true
}

// again starts this server once more, with another behaviour, in a session of
// its own.
func again(behaviour string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envServer+"="+behaviour)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// told says that the signal has come.
var told atomic.Bool

// deafListener takes no connection once the signal has come but the one for which
// it was waiting then.
type deafListener struct{ net.Listener }

func (l deafListener) Accept() (net.Conn, error) {
	if told.Load() {
		select {}
	}
	return l.Listener.Accept()
}

func handler(behaviour string) http.Handler {
	var served atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case behaviour == "is never healthy" && r.URL.Path == "/health":
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case r.URL.Path == "/health":
			return
		case behaviour == "answers without an end":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
				time.Sleep(time.Millisecond) // or it would do nothing else
			}
			return
		case behaviour == "sends 10 MB of headers":
			w.Header().Set("X-Long", strings.Repeat("x", 10<<20))
			return
		case behaviour == "redirects elsewhere":
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
			return
		case behaviour == "hangs":
			<-r.Context().Done()
			return
		case behaviour == "answers 500":
			w.WriteHeader(http.StatusInternalServerError)
			return
		case behaviour == "crashes under load":
			if served.Add(1) > 10 {
				fmt.Fprintln(os.Stderr, "out of cheese")
				os.Exit(7)
			}
		}
		time.Sleep(60 * time.Millisecond) // the handler's work
		if behaviour == "fails once told" && told.Load() {
			http.Error(w, "store is closed", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte("done"))
	})
}

// newSubject returns a server of this test's, under a name: the test binary with
// the behaviour in its environment.
func newSubject(t *testing.T, behaviour string) subject.Strategy {
	t.Helper()
	return subject.Strategy{
		Label: strings.ReplaceAll(behaviour, " ", "-"), Path: os.Args[0], Health: "/health",
		Env: []string{envServer + "=" + behaviour},
	}
}

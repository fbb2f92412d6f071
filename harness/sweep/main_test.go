package sweep

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lastcall/harness/ledger"
	"lastcall/harness/subject"
)

// envServer makes the test binary a server with that behaviour.
const envServer = "LASTCALL_TEST_SERVER"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(envServer); behaviour != "" {
		if err := serve(behaviour); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	// Under the race detector a process would linger for a second after its main.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// serve behaves as told, and keeps a ledger. It ends by itself after a minute,
// whatever happens to the test.
func serve(behaviour string) error {
	time.AfterFunc(time.Minute, func() { os.Exit(9) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	book, err := ledger.Open(os.Getenv(ledger.EnvPath))
	if err != nil {
		return err
	}
	if behaviour != "dies" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) // and nobody reads it: it serves on
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(ledger.HeaderID)
		if id != "" {
			_ = book.Append(id, ledger.Received)
		}
		if behaviour == "answers 404" {
			w.WriteHeader(http.StatusNotFound)
		}
		if behaviour == "keeps nothing" {
			w.Header().Set("Connection", "close")
		}
		if behaviour == "answers never" || id != "" && behaviour == "hangs" {
			<-r.Context().Done()
		}
		fmt.Fprintln(w, "served")
		if id != "" {
			_ = book.Append(id, ledger.Executed)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"addr": ln.Addr().String()}); err != nil {
		return err
	}
	return http.Serve(ln, http.HandlerFunc(handler))
}

// newSubject is this binary as a server.
func newSubject(t *testing.T, behaviour string) subject.Subject {
	t.Helper()
	t.Setenv(envServer, behaviour)
	return subject.Strategy{Label: behaviour, Path: os.Args[0], Lifeline: "LASTCALL_TEST_LIFELINE"}
}

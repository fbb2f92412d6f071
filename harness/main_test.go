package harness_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lastcall/harness"
)

// envServer makes the test binary a server with that behaviour.
const envServer = "LASTCALL_TEST_SERVER"

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(envServer); behaviour != "" {
		serve(behaviour)
		return
	}
	goleak.VerifyTestMain(m)
}

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
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	server := &http.Server{Handler: handler(behaviour)}
	go func() { _ = server.Serve(ln) }()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"addr": ln.Addr().String()})
	<-stop
	if behaviour == "ignores the signal" {
		fmt.Fprintln(os.Stderr, "never mind")
		select {}
	}
	_ = server.Shutdown(context.Background())
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
		time.Sleep(20 * time.Millisecond) // the handler's work
		_, _ = w.Write([]byte("done"))
	})
}

// subject is a server of this test's, under a name.
type subject struct {
	harness.Strategy
	behaviour string
}

func newSubject(t *testing.T, behaviour string) subject {
	t.Helper()
	return subject{
		harness.Strategy{Label: strings.ReplaceAll(behaviour, " ", "-"), Path: os.Args[0], Health: "/health"}, behaviour,
	}
}

// Boot starts the test binary with the behaviour in its environment.
func (s subject) Boot(ctx context.Context, ledgerPath string) (harness.Server, error) {
	if err := os.Setenv(envServer, s.behaviour); err != nil { // tests here run one after the other
		return nil, err
	}
	defer os.Unsetenv(envServer)
	return s.Strategy.Boot(ctx, ledgerPath)
}

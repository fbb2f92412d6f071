package truth

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lastcall/internal/testrun"
)

// TestServersAreWhatTheyClaim asks the servers themselves, with Go's own client in
// lastcall's place: of ten requests that a server has begun to answer, a right one
// answers all after its signal, and one that loses what it has in hand answers fewer.
// On a busy machine the signal may come before the requests or after the answers, so
// a server may show it in any of three tries.
func TestServersAreWhatTheyClaim(t *testing.T) {
	testrun.NotShort(t)
	b := builtOnce(t)
	for _, c := range []struct {
		row    string
		signal syscall.Signal
		right  bool
	}{
		{"go-textbook", syscall.SIGTERM, true},
		{"go-echoes-id", syscall.SIGTERM, true},
		{"go-varied", syscall.SIGTERM, true},
		{"go-counter", syscall.SIGTERM, true},
		{"go-lag", syscall.SIGTERM, true},
		{"go-ten-workers", syscall.SIGTERM, true},
		{"node-drain", syscall.SIGTERM, true},
		{"python-drain", syscall.SIGTERM, true},
		{"python-two-signals-int", syscall.SIGINT, true},
		{"python-closes-silently", syscall.SIGTERM, true},
		{"go-hangup", syscall.SIGTERM, true}, // it loses late ones only
		{"go-clock-3s", syscall.SIGTERM, true},
		{"node-late-cut", syscall.SIGTERM, true},
		{"python-unaccepted", syscall.SIGTERM, true},
		{"go-naive", syscall.SIGTERM, false},
		{"go-cancel-empty", syscall.SIGTERM, false},
		{"python-cold-start", syscall.SIGTERM, false},
		{"python-naive-term-fresh", syscall.SIGTERM, false},
		{"node-naive-term-fresh", syscall.SIGTERM, false},
		{"node-cut-then-wait", syscall.SIGTERM, false},
		{"node-signal-again", syscall.SIGTERM, false},
		{"python-term-reloads", syscall.SIGTERM, false},
		{"python-two-signals-term", syscall.SIGTERM, false},
	} {
		t.Run(c.row, func(t *testing.T) {
			var whole []int
			for range 3 {
				whole = append(whole, answeredOver(t, b, row(t, c.row), c.signal))
				if (whole[len(whole)-1] == 10) == c.right {
					return
				}
			}
			t.Errorf("%d of 10 requests in hand were answered", whole)
		})
	}
}

func row(t *testing.T, name string) Row {
	t.Helper()
	for _, r := range Rows() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no row %s", name)
	return Row{}
}

// answeredOver returns how many of ten requests get a whole answer that is not
// empty, though the server gets its signal when it has begun all ten.
func answeredOver(t *testing.T, b built, r Row, signal syscall.Signal) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	p := place{bin: b.bin, source: b.source, python: b.python}
	args := p.fillAll(r.Server)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{port}", strconv.Itoa(port))
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ends is not what this is about
		close(ended)
	}()
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its workers too; they may have gone
		<-ended
	}()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	await(t, func() string {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return ""
		}
		c.Close()
		return "up"
	})
	return askTen(t, address, func() { _ = cmd.Process.Signal(signal) })
}

// askTen sends ten requests, calls tell while all are open, and counts.
func askTen(t *testing.T, address string, tell func()) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	var all, written sync.WaitGroup
	whole := make(chan bool, 10)
	for range 10 {
		written.Add(1)
		wrote := sync.OnceFunc(written.Done)
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote() }}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			response, err := client.Do(request)
			wrote() // if it could not connect
			if err != nil {
				whole <- false
				return
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			whole <- err == nil && response.StatusCode == http.StatusOK && len(body) > 0
		})
	}
	written.Wait()
	time.Sleep(30 * time.Millisecond) // to read them; the handlers take 100 and more
	tell()
	all.Wait()
	n := 0
	for range 10 {
		if <-whole {
			n++
		}
	}
	return n
}

package targets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/ledger"
)

// TestHandoffLosesNothing restarts a server under load, on kept connections and
// on new ones, and asks that every order was answered, by one of the two.
func TestHandoffLosesNothing(t *testing.T) {
	t.Parallel()
	s := boot(t, "handoff", EnvLag+"=300ms")
	load := startOrders(s, 8)
	load.until(100)
	first := strconv.Itoa(s.cmd.Process.Pid)
	s.signal(syscall.SIGHUP)
	if exit := s.exit(); exit != "0" { // the load goes on all the while
		t.Errorf("exit %s, want 0", exit)
	}
	load.until(load.count() + 100)
	acknowledged, pids, failures := load.stop()
	for _, err := range failures {
		t.Error(err)
	}
	if len(pids) != 2 || pids[first] == 0 {
		t.Errorf("answers by process: %v; want by %s and by a successor", pids, first)
	}
	if strings.Count(s.read("stdout"), "\n") != 1 {
		t.Errorf("stdout %q, want one ready line", s.read("stdout"))
	}
	s.succeed(pids, first).stopsAsDrain()
	stored := storedRows(t, s.path("orders.db"))
	acknowledged = append(acknowledged, "last")
	slices.Sort(stored)
	slices.Sort(acknowledged)
	if !slices.Equal(stored, acknowledged) {
		t.Errorf("%d orders acknowledged, %d stored", len(acknowledged), len(stored))
	}
}

// successor is the process that took over from a server.
type successor struct {
	*server
	process *os.Process
}

func (s *server) succeed(pids map[string]int, first string) successor {
	s.t.Helper()
	for text := range pids {
		if text == first {
			continue
		}
		pid, err := strconv.Atoi(text)
		if err != nil {
			s.t.Fatal(err)
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			s.t.Fatal(err)
		}
		return successor{s, process}
	}
	s.t.Fatal("there is no successor")
	return successor{}
}

// stopsAsDrain tells the successor to stop.
func (s successor) stopsAsDrain() {
	s.t.Helper()
	answered := s.inFlight(http.MethodPost, "/orders?delay=400ms", "last", `{"item":"stout"}`)
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	s.until("a red readiness check", func() bool { return s.ask(http.MethodGet, "/health", "", "").String() == "503" })
	if got := <-answered; got.String() != "201" {
		s.t.Errorf("the order in flight in the successor: %s (%v)", got, got.err)
	}
	s.refuses()
	s.until("the end of the successor", func() bool { return !alive(s.process.Pid) })
}

// TestHandoffInOrder looks at the time in which both processes live: the old
// one takes no connection any more, and serves those that it has to their end.
func TestHandoffInOrder(t *testing.T) {
	t.Parallel()
	s := boot(t, "handoff", EnvLag+"=3s")
	old := strconv.Itoa(s.cmd.Process.Pid)
	kept := []*http.Client{{Transport: &http.Transport{}}, {Transport: &http.Transport{}}}
	get := func(n int, path string) (status int, closes bool) {
		t.Helper()
		resp, err := kept[n].Get("http://" + s.addr + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		if pid := resp.Header.Get("X-Lastcall-Pid"); pid != old {
			t.Errorf("%s is answered by %s, want %s", path, pid, old)
		}
		return resp.StatusCode, resp.Close
	}
	for n := range kept {
		t.Cleanup(kept[n].CloseIdleConnections)
		if status, closes := get(n, "/health"); status != http.StatusOK || closes {
			t.Fatalf("before: %d, close %v", status, closes)
		}
	}
	s.signal(syscall.SIGHUP)
	successor := 0
	s.until("the successor", func() bool {
		successor, _ = strconv.Atoi(s.ask(http.MethodGet, "/", "", "").header.Get("X-Lastcall-Pid"))
		return successor != 0 && strconv.Itoa(successor) != old
	})
	for n, path := range []string{"/work?delay=10ms", "/health"} {
		if status, closes := get(n, path); status != http.StatusOK || !closes {
			t.Errorf("%s on a kept connection: %d, close %v; want 200, close", path, status, closes)
		}
	}
	// The old process has said close, so it accepts nothing any more: a new
	// connection has to wait while the successor stands still.
	hold(t, successor, syscall.SIGSTOP)
	s.until("the successor's standstill", func() bool {
		state, ok := stateOf(successor)
		return state == 'T' || !ok
	})
	fresh := make(chan reply, 1)
	go func() { fresh <- s.ask(http.MethodGet, "/", "", "") }()
	select {
	case got := <-fresh:
		t.Errorf("a new connection is served, by %s (%v)", got.header.Get("X-Lastcall-Pid"), got.err)
	case <-time.After(200 * time.Millisecond):
		hold(t, successor, syscall.SIGCONT)
		if got := <-fresh; got.header.Get("X-Lastcall-Pid") != strconv.Itoa(successor) {
			t.Errorf("a new connection: %s (%v)", got, got.err)
		}
	}
	if exit := s.exit(); exit != "0" {
		t.Errorf("exit %s, want 0", exit)
	}
}

func hold(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// TestNobodyTakesOverFromOneThatStops tells a server to stop while its
// successor is on its way, and held up by a lock.
func TestNobodyTakesOverFromOneThatStops(t *testing.T) {
	t.Parallel()
	s := boot(t, "handoff")
	unlock := lockStore(t, s.path("orders.db"))
	s.signal(syscall.SIGHUP)
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid)
	if _, err := os.Stat(children); err == nil {
		s.until("the successor's process", func() bool {
			tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s.cmd.Process.Pid))
			return err == nil && slices.ContainsFunc(tasks, func(name string) bool {
				text, err := os.ReadFile(name)
				return err == nil && len(text) > 0
			})
		})
	}
	s.signal(syscall.SIGTERM)
	s.until("a red readiness check", func() bool { return s.ask(http.MethodGet, "/health", "", "").String() == "503" })
	unlock()
	if exit := s.exit(); exit != "0" {
		t.Errorf("exit %s, want 0", exit)
	}
	s.refuses()
}

// TestHandoffAgain hands over twice: the successor has all that its predecessor
// had, the lifeline too.
func TestHandoffAgain(t *testing.T) {
	t.Parallel()
	s := boot(t, "handoff")
	pids := []int{s.cmd.Process.Pid}
	t.Cleanup(func() {
		for _, pid := range pids[1:] {
			if t.Failed() && alive(pid) { // one without a lifeline would stay for ever
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	for range 2 {
		last := pids[len(pids)-1]
		s.until("a successor", func() bool {
			pid, _ := strconv.Atoi(s.ask(http.MethodGet, "/", "", "").header.Get("X-Lastcall-Pid"))
			if pid != 0 && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
				return true
			}
			// Again and again, as somebody does who does not know that the
			// predecessor is still there: it must not matter.
			if err := syscall.Kill(last, syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			return false
		})
		s.until("the end of the predecessor", func() bool { return !alive(last) })
	}
	if exit := s.exit(); exit != "0" {
		t.Errorf("exit %s, want 0", exit)
	}
	s.lifeline.Close()
	s.refuses() // nobody outlives whoever started the first
}

// alive reports whether a process serves or drains still: a zombie does not.
func alive(pid int) bool {
	if state, ok := stateOf(pid); ok {
		return state != 'Z'
	}
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// stateOf returns a process's state as proc(5) has it, where there is a /proc.
func stateOf(pid int) (state byte, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, rest, ok := bytes.Cut(text, []byte(") "))
	if !ok || len(rest) == 0 {
		return 0, false
	}
	return rest[0], true
}

// TestHandoffToNobody has a successor that cannot start: the store is locked.
func TestHandoffToNobody(t *testing.T) {
	t.Parallel()
	s := boot(t, "handoff")
	unlock := lockStore(t, s.path("orders.db"))
	s.signal(syscall.SIGHUP)
	s.until("a complaint", func() bool {
		return strings.Contains(s.read("stderr"), "no process took over: this process goes on serving")
	})
	unlock()
	got := s.ask(http.MethodPost, "/orders", "r-1-1", `{"item":"stout"}`)
	if got.String() != "201" || got.header.Get("X-Lastcall-Pid") != strconv.Itoa(s.cmd.Process.Pid) {
		t.Errorf("it does not serve on: %s (%v), %v", got, got.err, got.header)
	}
	if got := s.ask(http.MethodGet, "/health", "", ""); got.String() != "200" {
		t.Errorf("readiness %s", got)
	}
	s.signal(syscall.SIGHUP) // and it can be told again
	if exit := s.exit(); exit != "0" {
		t.Errorf("exit %s, want 0", exit)
	}
}

// orderLoad posts orders until it is stopped: half of its clients keep their
// connection, and half open a new one each time.
type orderLoad struct {
	server *server
	quit   chan struct{}
	wg     sync.WaitGroup

	mu       sync.Mutex // guards what follows: the clients write it
	ids      []string
	pids     map[string]int
	failures []error
}

func startOrders(s *server, clients int) *orderLoad {
	load := &orderLoad{server: s, quit: make(chan struct{}), pids: make(map[string]int)}
	for n := range clients {
		load.wg.Go(func() { load.client(n) })
	}
	s.t.Cleanup(func() { load.stop() })
	return load
}

func (l *orderLoad) client(n int) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: n%2 == 0}}
	defer client.CloseIdleConnections()
	for seq := 0; ; seq++ {
		select {
		case <-l.quit:
			return
		default:
		}
		id := fmt.Sprintf("r-%d-%d", n, seq)
		pid, err := l.post(client, id)
		l.mu.Lock()
		if err != nil {
			l.failures = append(l.failures, fmt.Errorf("order %s: %w", id, err))
		} else {
			l.ids = append(l.ids, id)
			l.pids[pid]++
		}
		l.mu.Unlock()
		time.Sleep(2 * time.Millisecond) // the load is open enough; the machine is small
	}
}

func (l *orderLoad) post(client *http.Client, id string) (pid string, err error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+l.server.addr+"/orders?delay=5ms", strings.NewReader(`{"item":"stout"}`))
	if err != nil {
		return "", err
	}
	req.Header.Set(ledger.HeaderID, id)
	req.GetBody = nil // Go's client must not send anything twice
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", errors.New(resp.Status)
	}
	return resp.Header.Get("X-Lastcall-Pid"), nil
}

func (l *orderLoad) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}

func (l *orderLoad) until(orders int) {
	l.server.t.Helper()
	l.server.until("more orders", func() bool { return l.count() >= orders })
}

// stop ends the load. A second call returns the same.
func (l *orderLoad) stop() (ids []string, pids map[string]int, failures []error) {
	l.mu.Lock()
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.mu.Unlock()
	l.wg.Wait()
	return l.ids, l.pids, l.failures
}

package load_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
	"lastcall/internal/testrun"
)

// TestWhatOthersSee loads one naive server with vegeta's own client and with
// ours at once, and ends it under both. The server's ledger says which requests
// it had begun and never answered. Ours must name every one of its own, every
// time; to vegeta's, http.Transport sends them again behind its back, meets a
// dead port, and says that it could not connect, as for any request after the
// exit.
//
// What vegeta says is luck on a machine that stalls: where the kernel resets the
// connections before it closes the listener, the second try is accepted and
// reset as well, which reads like a loss. So vegeta gets several runs, of which
// one must show what it hides.
func TestWhatOthersSee(t *testing.T) {
	testrun.NotShort(t)
	const runs = 5
	compared := 0
	for range runs {
		lost, named, enough := loseBoth(t)
		if !enough {
			continue // a machine that stalls leaves little in flight
		}
		compared++
		if named*5 <= lost {
			return
		}
	}
	if compared == 0 {
		t.Fatalf("too little was in flight in each of %d runs to compare", runs)
	}
	t.Errorf("vegeta's client named its losses in each of %d runs: if it no longer hides them, say so in the README", compared)
}

// loseBoth is one run. It returns how many of vegeta's requests the server lost
// in its handlers, how many of those vegeta calls anything but a failure to
// connect, and whether enough was in flight to compare.
func loseBoth(t *testing.T) (lostOfVegeta, named int, enough bool) {
	t.Helper()
	const rate, inFlight = 1000, 50 // at 50 ms a request
	book := filepath.Join(t.TempDir(), "ledger")
	server := startNaive(t, book)

	plain := startPlain(server.addr, rate)
	ours := load.Start(load.Config{
		Base: time.Now(), Address: server.addr,
		Targets: []load.Target{{Method: http.MethodGet, URL: "http://" + server.addr + "/work?delay=50ms"}},
		Rate:    rate, Lanes: scenario.Reused, Timeout: 5 * time.Second, Tail: 5 * time.Second, MaxOpen: 2000, Prefix: "ours-1-",
	})
	waitUntil(t, "both have sent for a second", func() bool {
		return ours.Begun() > rate && plain.begun.Load() > rate && ours.Open() > inFlight/2
	})
	server.kill(t)
	// Both go on for a moment, so that what vegeta says of its losses can be
	// compared with what it says of requests to a dead port.
	waitUntil(t, "both have met the dead port", func() bool {
		return ours.Begun() > rate+200 && plain.begun.Load() > rate+200
	})
	ours.End()
	plain.pacer.stopped.Store(true)
	<-ours.Done()
	<-plain.done

	lost := lostInHandlers(t, book)
	weName := 0
	for _, r := range ours.Report().Requests {
		if lost.ours[r.Seq] && r.Outcome == history.Dropped {
			weName++
		}
	}
	for id := range lost.plain {
		if !plain.refused[id] {
			named++
		}
	}
	t.Logf("of ours the server lost %d in its handlers, we name %d; of vegeta's %d, vegeta names %d",
		len(lost.ours), weName, len(lost.plain), named)
	if weName != len(lost.ours) {
		t.Errorf("we name %d of %d losses", weName, len(lost.ours))
	}
	return len(lost.plain), named, len(lost.ours) >= inFlight/2 && len(lost.plain) >= inFlight/2
}

// plainAttack is vegeta as everybody uses it.
type plainAttack struct {
	begun atomic.Int64
	pacer *stoppable
	done  chan struct{}

	// Written until done is closed; by id.
	refused map[string]bool // it says that it could not connect, as after the exit
}

func startPlain(addr string, rate int) *plainAttack {
	p := &plainAttack{
		pacer:   &stoppable{ConstantPacer: vegeta.ConstantPacer{Freq: rate, Per: time.Second}},
		done:    make(chan struct{}),
		refused: make(map[string]bool),
	}
	targeter := func(target *vegeta.Target) error {
		id := "plain-1-" + strconv.FormatInt(p.begun.Add(1), 10)
		// The id stands in the URL too, which is all of a request that a result
		// brings back.
		target.Method, target.URL = http.MethodGet, "http://"+addr+"/work?delay=50ms&id="+id
		target.Header = http.Header{ledger.HeaderID: {id}}
		return nil
	}
	results := vegeta.NewAttacker().Attack(targeter, p.pacer, 0, "")
	go func() {
		defer close(p.done) // closed by the only reader of the results
		for r := range results {
			_, id, _ := strings.Cut(r.URL, "id=")
			p.refused[id] = strings.Contains(r.Error, "dial tcp")
		}
	}()
	return p
}

// stoppable ends an attack without cancelling what is in flight.
type stoppable struct {
	vegeta.ConstantPacer
	stopped atomic.Bool
}

// Pace ends the attack once it is stopped.
func (s *stoppable) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if s.stopped.Load() {
		return 0, true
	}
	return s.ConstantPacer.Pace(elapsed, hits)
}

type naiveServer struct {
	addr string
	cmd  *exec.Cmd
}

func startNaive(t *testing.T, book string) *naiveServer {
	t.Helper()
	program := filepath.Join(t.TempDir(), "lastcall")
	if out, err := exec.Command("go", "build", "-o", program, "lastcall").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(program, "serve", "naive", "--addr", "127.0.0.1:0", "--request-log=false")
	cmd.Env = append(os.Environ(), ledger.EnvPath+"="+book)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	})
	text, err := bufio.NewReader(io.LimitReader(stdout, 4096)).ReadString('\n')
	if err != nil {
		t.Fatalf("ready line: %v", err)
	}
	var ready struct{ Addr string }
	if err := json.Unmarshal([]byte(text), &ready); err != nil {
		t.Fatalf("ready line %q: %v", text, err)
	}
	return &naiveServer{ready.Addr, cmd}
}

func (s *naiveServer) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := s.cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
}

type losses struct {
	ours  map[uint32]bool
	plain map[string]bool
}

// lostInHandlers reads which requests the server received and never answered.
func lostInHandlers(t *testing.T, book string) losses {
	t.Helper()
	file, err := os.Open(book)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var lines []ledger.Line
	_, err = ledger.Parse(file, func(l ledger.Line) { lines = append(lines, l) })
	if err != nil {
		t.Fatal(err)
	}
	open := make(map[string]bool)
	for _, line := range lines {
		switch line.Fact {
		case ledger.Received:
			open[line.ID] = true
		case ledger.Answered:
			delete(open, line.ID)
		}
	}
	l := losses{ours: make(map[uint32]bool), plain: make(map[string]bool)}
	for id := range open {
		if seq, ok := ledger.Seq(id, "ours-1-"); ok {
			l.ours[seq] = true
		} else {
			l.plain[id] = true
		}
	}
	return l
}

func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("still waiting until %s", what)
		}
	}
}

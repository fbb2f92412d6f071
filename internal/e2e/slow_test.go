package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
)

// truthServers builds the servers of the table of truth, and returns the program.
func truthServers(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "servers")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "lastcall/internal/truth/servers")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the servers: %v\n%s", err, out)
	}
	return program
}

// TestSlowServers: a server that completes ten requests a second is found to do so, and
// gets its verdict within a minute.
func TestSlowServers(t *testing.T) {
	onlySlow(t)
	servers := truthServers(t)
	for _, tt := range []struct {
		kind, arg string
		exit      int
		shutdowns int // at the least
	}{
		{"workers", "10x1s", 0, 4},
		{"workers", "1x100ms", 0, 10},
		{"workers-exit", "10x1s", 1, 4},
		{"workers-exit", "1x100ms", 1, 10},
	} {
		t.Run(tt.kind+" "+tt.arg, func(t *testing.T) {
			t.Parallel() // they sleep most of the time
			began := time.Now()
			s := suite(t, tt.exit, "test", "--", servers, tt.kind, "{port}", tt.arg)
			if took := time.Since(began); took > 2*time.Minute { // a minute, and one more if it was begun again
				t.Errorf("it took %s, want a minute at most", took)
			}
			if rate := s.Scenario.Load.Rate; rate < 4 || rate > 9 {
				t.Errorf("it is loaded with %d requests a second, want some of the 10 that it completes", rate)
			}
			if got := s.Subjects[0]; got.Shutdowns < tt.shutdowns || got.Shutdowns > 10 || s.Scenario.Shutdowns != got.Shutdowns {
				t.Errorf("%d shutdowns of %d, want from %d to 10", got.Shutdowns, s.Scenario.Shutdowns, tt.shutdowns)
			}
			if tt.exit == 1 {
				wantVerdict(t, s.Subjects[0], result.Fail, check.InFlightCompletes, result.Violated)
			}
		})
	}
}

// TestTooHighARate: a queue that grows is no bad shutdown. It is said once, with the
// rate that would do.
func TestTooHighARate(t *testing.T) {
	servers := truthServers(t)
	for _, kind := range []string{"workers", "workers-exit"} {
		s := suite(t, 3, "test", "--rate", "100", "--grace", "3s", "--", servers, kind, "{port}", "1x100ms")
		subject := s.Subjects[0]
		var rate int
		_, advice, _ := strings.Cut(strings.Join(subject.Story, " "), "(--rate ")
		if _, err := fmt.Sscan(strings.TrimRight(strings.Fields(advice + " ?")[0], ")."), &rate); err != nil || rate < 4 || rate > 9 {
			t.Errorf("%s: the rate that would do is %d, %v: %q", kind, rate, err, subject.Story)
		}
		if subject.Shutdowns != 1 || len(subject.Story) != 1 {
			t.Errorf("%s: %d shutdowns, and %q", kind, subject.Shutdowns, subject.Story)
		}
	}
}

// TestFirstRequest: what lastcall cannot talk to is told at once, and how it could.
func TestFirstRequest(t *testing.T) {
	servers := truthServers(t)
	for _, tt := range []struct {
		name  string
		flags []string
		kind  string
		says  []string
	}{
		{"HTTP/2 alone", nil, "h2-only", []string{"HTTP/2", "probe h2/"}},
		{"HTTP/2 alone, with a readiness check", []string{"--ready", "/health"}, "h2-only", []string{"HTTP/2", "probe h2/"}},
		{"TLS asked without", nil, "tls-textbook", []string{"speaks TLS", "--url https://"}},
		{"TLS asked without, with a readiness check", []string{"--ready", "/health"}, "tls-textbook", []string{"speaks TLS", "--url https://"}},
		{"no TLS", []string{"--url", "https://127.0.0.1:{port}/", "--insecure"}, "textbook", []string{"does not speak TLS", "--url http://"}},
		{"401", nil, "denies", []string{"401", "--header"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, rate := range [][]string{nil, {"--rate", "100"}} {
				began := time.Now()
				s := suite(t, 3, append(append(append([]string{"test"}, rate...), tt.flags...), "--", servers, tt.kind, "{port}")...)
				took, story := time.Since(began), strings.Join(s.Subjects[0].Story, " ")
				for _, phrase := range tt.says {
					if !strings.Contains(story, phrase) {
						t.Errorf("%q does not say %q", story, phrase)
					}
				}
				// Two starts of the server are among it, on a machine that has more to do.
				if took > 6*time.Second || s.Subjects[0].Shutdowns != 1 {
					t.Errorf("it took %s and %d shutdowns", took, s.Subjects[0].Shutdowns)
				}
			}
		})
	}
	if s := suite(t, 0, "test", "--rate", "100", "--url", "https://127.0.0.1:{port}/", "--insecure", "--", servers, "tls-h2", "{port}"); !strings.Contains(strings.Join(s.Warnings, " "), "HTTP/2") {
		t.Errorf("of a server that offers HTTP/2 it is said: %q", s.Warnings)
	}
}

// TestProbesOfHTTP2Alone: a server that speaks nothing else can be probed by it.
func TestProbesOfHTTP2Alone(t *testing.T) {
	onlySlow(t)
	t.Parallel() // it waits, most of the time
	servers := truthServers(t)
	for _, ready := range [][]string{nil, {"--ready", "/health"}} {
		args := append(append([]string{"probe", "h2/", "--slow-url", "/slow"}, ready...), "--", servers, "h2-only", "{port}", "")
		if s := suite(t, 0, args...); len(s.Subjects[0].Probes) < 4 {
			t.Errorf("%d probes", len(s.Subjects[0].Probes))
		}
		args[len(args)-1] = "exit"
		s := suite(t, 1, args...)
		for _, p := range s.Subjects[0].Probes {
			if p.Probe == "h2/in-flight" && p.Status != result.ProbeFail {
				t.Errorf("%s is %s: %s", p.Probe, p.Status, p.Seen)
			}
		}
	}
}

// TestStalledLastcall: lastcall itself is stopped for a while in the warm-up. What it
// missed is skipped and counted, the shutdown is tried again, and both tries are kept.
func TestStalledLastcall(t *testing.T) {
	servers, records, port := truthServers(t), filepath.Join(t.TempDir(), "records"), freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	scenario := filepath.Join(t.TempDir(), "long.yaml") // the stall must be in the warm-up, however late it comes
	writeFile(t, filepath.Dir(scenario), "long.yaml", "name: long\nload: {rate: 200, warm-up: 3s}\nshutdowns: 1\n")
	cmd := exec.CommandContext(t.Context(), lastcall, "test", "-f", scenario, "--record", records,
		"--url", "http://"+address+"/", "--", servers, "textbook", strconv.Itoa(port))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	time.Sleep(500 * time.Millisecond) // into the warm-up
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(250 * time.Millisecond)
	}
	_ = cmd.Wait() // on a busy machine the last try may not pass either
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
		t.Errorf("exit code %d of a right server", code)
	}
	tries := make(map[int]*history.History)
	for _, h := range histories(t, records) {
		tries[h.Header.Repeats] = h
	}
	first, second := tries[0], tries[1]
	if first == nil || second == nil {
		t.Fatalf("%d tries are recorded, want two", len(tries))
	}
	if first.Header.Shutdown != 1 || second.Header.Shutdown != 1 || first.Header.Ordinal == second.Header.Ordinal {
		t.Errorf("the tries are shutdown %d and %d, ordinal %d and %d", first.Header.Shutdown, second.Header.Shutdown, first.Header.Ordinal, second.Header.Ordinal)
	}
	if first.Skipped() < 25 || first.Slip() <= history.MaxSlip {
		t.Errorf("%d hits were skipped in 250 ms at 200/s, slip %s", first.Skipped(), first.Slip())
	}
	for _, s := range first.Stalls {
		burst := 0
		for i := range first.Requests {
			if r := &first.Requests[i]; r.Started >= s.Until && r.Started < s.Until+20*time.Millisecond {
				burst++
			}
		}
		if burst > 10 {
			t.Errorf("%d requests began within 20 ms of the end of a stall: a burst", burst)
		}
	}
	if text := invoke(t, cmd.ProcessState.ExitCode(), "report", records, "--gate", "--report", "json"); !strings.Contains(text, "it was repeated") {
		t.Error("the report does not say that it was repeated")
	}
}

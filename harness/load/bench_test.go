package load

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// benchServer is the environment variable that turns the test binary into the
// server under load. It is a process of its own so that its CPU is not ours.
const benchServer = "LASTCALL_LOAD_BENCH_SERVER"

const (
	benchRate  = 4000
	benchSlice = time.Second
)

// serveBench serves until its standard input ends, which it does when the
// parent is gone, however it went.
func serveBench() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	go func() { _ = http.Serve(listener, handler) }()
	_, _ = io.WriteString(os.Stdout, listener.Addr().String()+"\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startBenchServer starts the server and returns its address.
func startBenchServer(b testing.TB) string {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), benchServer+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait() // it ends by returning from TestMain; its status says nothing
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// cpu returns how much CPU this process has used, in user and system mode.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// plainSlice loads the server through vegeta's own client. It keeps no bodies
// either, so that nothing but the transport and the pacing differ.
func plainSlice(b *testing.B, address string) int {
	b.Helper()
	attacker := vegeta.NewAttacker(vegeta.MaxBody(0), vegeta.Redirects(vegeta.NoFollow))
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://" + address + "/"})
	n := 0
	for res := range attacker.Attack(target, vegeta.Rate{Freq: benchRate, Per: time.Second}, benchSlice, "") {
		if res.Code != http.StatusOK {
			b.Fatalf("vegeta: request %d: %d %s", res.Seq, res.Code, res.Error)
		}
		n++
	}
	return n
}

// trueSlice loads the server through the wire-true transport.
func trueSlice(b *testing.B, address string) int {
	b.Helper()
	return completes(b, address, benchRate, benchSlice).Scheduled
}

// completes loads the server through the wire-true transport for so long. Its lag ends
// it, and every request must be completed.
func completes(b *testing.B, address string, rate int, lasts time.Duration) Report {
	b.Helper()
	a := Start(Config{
		Base: time.Now(), Address: address, Targets: []Target{{Method: http.MethodGet, URL: "http://" + address + "/"}},
		Rate: rate, Lanes: scenario.Reused, Timeout: 30 * time.Second, Lag: lasts, MaxOpen: 1 << 20, Prefix: prefix,
	})
	a.Signalled(0)
	<-a.Done()
	report := a.Report()
	for i := range report.Requests {
		if r := &report.Requests[i]; r.Outcome != history.Completed {
			b.Fatalf("lastcall: request %d: %s", r.Seq, r.Outcome)
		}
	}
	return report
}

// perRequest returns the CPU that a slice costs, per request, in microseconds.
func perRequest(b *testing.B, slice func(*testing.B, string) int, address string) float64 {
	b.Helper()
	runtime.GC() // each slice pays for its own garbage only
	before := cpu(b)
	n := slice(b, address)
	runtime.GC()
	return float64(cpu(b)-before) / float64(n) / float64(time.Microsecond)
}

func median(values []float64) float64 {
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 1 {
		return values[mid]
	}
	return (values[mid-1] + values[mid]) / 2
}

// BenchmarkCPUPerRequest compares what a request costs this process through
// vegeta's own client and through the wire-true transport. The slices
// alternate, and which of a pair comes first alternates too, so that whatever
// else the machine does meets both alike.
func BenchmarkCPUPerRequest(b *testing.B) {
	address := startBenchServer(b)
	perRequest(b, plainSlice, address) // both warm up unmeasured
	perRequest(b, trueSlice, address)
	var plain, wireTrue, ratios []float64
	for pair := 0; b.Loop(); pair++ {
		var p, w float64
		if pair%2 == 0 {
			p, w = perRequest(b, plainSlice, address), perRequest(b, trueSlice, address)
		} else {
			w, p = perRequest(b, trueSlice, address), perRequest(b, plainSlice, address)
		}
		plain, wireTrue, ratios = append(plain, p), append(wireTrue, w), append(ratios, w/p)
	}
	b.ReportMetric(median(plain), "vegeta-us/req")
	b.ReportMetric(median(wireTrue), "lastcall-us/req")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(float64(unsafe.Sizeof(history.Request{})), "B/record")
}

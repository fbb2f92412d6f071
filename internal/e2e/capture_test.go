package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
)

// settle is how long a capture goes on after a run: the kernel hands packets to
// tcpdump in blocks, and the last ones would be missing.
const settle = 2 * time.Second

// TestDroppedEqualsCapture holds lastcall against an independent witness: the
// requests it reports as dropped must be exactly those that a packet capture
// shows without an answer, matched by port and id, for every strategy.
func TestDroppedEqualsCapture(t *testing.T) {
	needs(t, "tcpdump", "tshark")
	for _, c := range []struct {
		name string
		slow bool
		args []string
	}{
		{"all strategies", false, []string{"--shutdowns", "2", "--rate", "1000", "--delay", "50ms"}},
		{"fast handlers on kept-alive connections", false, []string{
			"naive", "signal-notify", "--shutdowns", "2", "--rate", "2000", "--delay", "5ms", "--connections", "reused",
		}},
		{"200 requests a second", false, []string{"naive", "with-cancel", "drain", "--shutdowns", "2", "--rate", "200", "--delay", "100ms"}},
		{"20 requests a second", true, []string{"naive", "with-cancel", "drain", "--shutdowns", "2", "--rate", "20", "--delay", "1s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.slow {
				onlySlow(t)
			}
			file := filepath.Join(t.TempDir(), "lo.pcap")
			stop := capture(t, file)
			all := recorded(t, c.args...) // a machine too slow for the rate tells the truth, too
			stop()

			want := reportedDropped(all)
			got := unanswered(t, file, all)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("dropped according to lastcall (-) and to the capture (+), id: port\n%s", diff)
			}
			if len(want) < 20 {
				t.Errorf("only %d requests were dropped: the comparison proves little", len(want))
			}
			t.Logf("%d dropped according to lastcall, %d unanswered in the capture", len(want), len(got))
		})
	}
}

// reportedDropped returns the dropped requests: id to local port. Those that
// hung or were sent in part only are not what this method of capture can see.
func reportedDropped(all []*history.History) map[string]uint16 {
	dropped := make(map[string]uint16)
	for _, h := range all {
		for _, r := range h.Requests {
			if r.Outcome == history.Dropped && r.Written && r.Cause != history.Hung {
				dropped[ledger.ID(h.Header.Run, h.Header.Ordinal, r.Seq)] = r.Port
			}
		}
	}
	return dropped
}

// capture starts tcpdump on the loopback interface, and returns what stops it. Of
// each packet it keeps the head.
func capture(t *testing.T, file string) (stop func()) {
	t.Helper()
	// --immediate-mode: nothing may wait in a buffer when it is stopped. -s: the
	// kernel's ring then has slots of this size, and with the default there are so
	// few that a busy machine drops packets; no request without a body is longer,
	// and a packet's length is known from its head.
	return captureOf(t, file, "tcp", "--immediate-mode", "-s", "2048")
}

// captureOf captures what a filter lets through.
func captureOf(t *testing.T, file, filter string, args ...string) (stop func()) {
	t.Helper()
	// -U: nothing may wait in a buffer when it is stopped. -Z root: it would
	// otherwise give up the right to write into a test's directory.
	args = append(args, "-U", "-i", "lo", "-B", "65536", "-w", file, filter)
	if os.Geteuid() == 0 {
		args = append([]string{"-Z", "root"}, args...)
	}
	cmd := exec.Command("tcpdump", args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // for a test that fails before it stops the capture
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var said bytes.Buffer
	lines := bufio.NewScanner(stderr)
	for lines.Scan() { // it captures once it says that it listens
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), "listening on") {
			break
		}
	}
	if !strings.Contains(said.String(), "listening on") {
		_ = cmd.Wait()
		if os.Getenv("CI") == "true" {
			t.Fatalf("tcpdump cannot capture: %s", &said)
		}
		t.Skipf("tcpdump cannot capture: %s", &said)
	}
	return func() {
		time.Sleep(settle) // no condition tells when the kernel has handed over its last block
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			fmt.Fprintln(&said, lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("tcpdump: %v\n%s", err, &said)
		}
		if !strings.Contains(said.String(), "\n0 packets dropped by kernel") {
			t.Fatalf("the capture is not complete:\n%s", &said)
		}
	}
}

// idHeader finds a request's id in the header lines that tshark prints.
var idHeader = regexp.MustCompile(ledger.HeaderID + `: ([0-9a-f]+-[0-9]+-[0-9]+)`)

// unanswered asks tshark for the requests of this run without a response.
func unanswered(t *testing.T, file string, all []*history.History) map[string]uint16 {
	t.Helper()
	args := []string{"-2", "-r", file}
	for _, h := range all { // or a port that some protocol is known for is read as that
		_, port, _ := strings.Cut(h.Addr, ":")
		args = append(args, "-d", "tcp.port=="+port+",http")
	}
	args = append(args, "-Y", "http.request && !http.response_in", "-T", "fields", "-e", "tcp.srcport", "-e", "http.request.line")
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "tshark", args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	found := make(map[string]uint16)
	for line := range strings.Lines(stdout.String()) {
		id := idHeader.FindStringSubmatch(line)
		var port uint16
		if _, err := fmt.Sscanf(line, "%d", &port); err != nil || id == nil {
			continue // a request of somebody else on this machine
		}
		if strings.HasPrefix(id[1], all[0].Header.Run+"-") {
			found[id[1]] = port
		}
	}
	return found
}

// TestHalfSentUploadEqualsCapture checks what tshark's pairing of requests and
// responses cannot see: uploads that were cut off in the middle. The capture
// must show bytes of each on its port, none more than the record says, and no
// byte of an answer.
func TestHalfSentUploadEqualsCapture(t *testing.T) {
	needs(t, "tcpdump", "tshark")
	const size = 8 << 20 // more than socket buffers hold
	file := filepath.Join(t.TempDir(), "lo.pcap")
	addr := hangUpAfter(t, 64<<10)
	stop := capture(t, file)
	attack := load.Start(load.Config{
		Base: time.Now(), Address: addr,
		Targets: []load.Target{{Method: http.MethodPost, URL: "http://" + addr + "/upload", Body: make([]byte, size)}},
		Rate:    50, Lanes: scenario.Fresh, Timeout: 10 * time.Second,
		Tail: time.Second, MaxOpen: 100, Prefix: "upload-1-",
	})
	waitFor(t, "ten uploads", func() bool { return attack.Begun() >= 10 })
	attack.End()
	<-attack.Done()
	stop()

	toServer, toClient := payload(t, file, addr)
	report := attack.Report()
	for _, r := range report.Requests {
		if r.Outcome != history.Dropped || r.Written {
			t.Errorf("upload %d: %s, fully written %t; want dropped, in the middle", r.Seq, r.Outcome, r.Written)
		}
		if sent := toServer[r.Port]; sent == 0 || sent > r.BytesOut || r.BytesOut >= size {
			t.Errorf("upload %d: the capture shows %d bytes, the record says %d of %d", r.Seq, sent, r.BytesOut, size)
		}
		if toClient[r.Port] != 0 || r.BytesIn != 0 {
			t.Errorf("upload %d: %d bytes came back, the record says %d", r.Seq, toClient[r.Port], r.BytesIn)
		}
	}
}

// hangUpAfter serves connections that are closed after so many bytes.
func hangUpAfter(t *testing.T, bytes int64) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return // closed by the cleanup
			}
			go func() {
				defer c.Close()
				_, _ = io.CopyN(io.Discard, c, bytes) // the client may be gone first
			}()
		}
	}()
	return ln.Addr().String()
}

// payload sums the TCP payload of each client port, in both directions.
func payload(t *testing.T, file, addr string) (toServer, toClient map[uint16]int64) {
	t.Helper()
	_, port, _ := strings.Cut(addr, ":")
	cmd := exec.CommandContext(t.Context(), "tshark", "-r", file, "-Y", "tcp.port=="+port+" && tcp.len>0",
		"-T", "fields", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "tcp.len")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	toServer, toClient = make(map[uint16]int64), make(map[uint16]int64)
	for line := range strings.Lines(string(out)) {
		var src, dst uint16
		var n int64
		if _, err := fmt.Sscan(line, &src, &dst, &n); err != nil {
			t.Fatalf("tshark printed %q: %v", line, err)
		}
		if fmt.Sprint(dst) == port {
			toServer[src] += n
		} else {
			toClient[dst] += n
		}
	}
	return toServer, toClient
}

// waitFor waits until the condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("still waiting for %s", what)
		}
	}
}

package load

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
)

const (
	rateLasts = 3 * time.Second
	// onTime is how late the slowest hundredth of the requests may start for a rate to
	// count as kept.
	onTime = 10 * time.Millisecond
	// sittings is how often each rate is tried, by turns: the median counts.
	sittings = 3
)

// BenchmarkHighestRate loads an nginx that answers a constant at growing rates, through
// the wire-true transport and through vegeta's own client, by turns on the same
// processors. It prints how late the slowest hundredth of the requests started, and the
// highest rate at which that was in time.
func BenchmarkHighestRate(b *testing.B) {
	address := startNginx(b)
	for range b.N {
		highest := make(map[string]int)
		for _, rate := range []int{3000, 6000, 10_000, 13_000, 16_000, 20_000} {
			late := make(map[string][]time.Duration)
			for range sittings {
				late["vegeta"] = append(late["vegeta"], plainLateness(b, address, rate))
				late["lastcall"] = append(late["lastcall"], trueLateness(b, address, rate))
			}
			text := ""
			for _, who := range []string{"lastcall", "vegeta"} {
				slices.Sort(late[who])
				median := late[who][sittings/2]
				text += fmt.Sprintf("   %s %8.3f ms", who, float64(median.Microseconds())/1000)
				if median < onTime {
					highest[who] = rate
				}
			}
			b.Logf("%6d requests/s: p99 of the lateness%s", rate, text)
		}
		b.ReportMetric(float64(highest["lastcall"]), "lastcall-rate")
		b.ReportMetric(float64(highest["vegeta"]), "vegeta-rate")
		b.ReportMetric(0, "ns/op")
	}
}

// startNginx starts one that answers a constant, and returns its address.
func startNginx(b *testing.B) string {
	b.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(nginx); err != nil {
		if os.Getenv("CI") == "true" {
			b.Fatal("nginx is not installed")
		}
		b.Skip("nginx is not installed")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address, dir := listener.Addr().String(), b.TempDir()
	listener.Close() // nginx binds it next
	config := fmt.Sprintf(`daemon off; worker_processes 2; pid %[1]s/pid; error_log stderr;
events { worker_connections 4096; }
http {
	access_log off; keepalive_requests 100000000;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server { listen %[2]s; location / { return 200 "hello"; } }
}`, dir, address)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-c", file)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // the fast stop, which ends its workers too
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return address
		}
		if time.Now().After(deadline) {
			b.Fatalf("nginx does not listen: %v", err)
		}
	}
}

// plainLateness is how late the slowest hundredth of vegeta's requests start.
func plainLateness(b *testing.B, address string, rate int) time.Duration {
	b.Helper()
	attacker := vegeta.NewAttacker(vegeta.MaxBody(0), vegeta.Redirects(vegeta.NoFollow))
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: "http://" + address + "/"})
	var started []time.Time
	for res := range attacker.Attack(target, vegeta.Rate{Freq: rate, Per: time.Second}, rateLasts, "") {
		if res.Code != http.StatusOK {
			b.Fatalf("vegeta: request %d: %d %s", res.Seq, res.Code, res.Error)
		}
		for len(started) <= int(res.Seq) {
			started = append(started, time.Time{})
		}
		started[res.Seq] = res.Timestamp
	}
	var late []time.Duration
	for seq, at := range started {
		due := started[0].Add(time.Duration(seq) * time.Second / time.Duration(rate))
		late = append(late, max(0, at.Sub(due)))
	}
	slices.Sort(late)
	return history.Quantile(late, 0.99)
}

// trueLateness is how late the slowest hundredth of ours start. A hit that was skipped
// counts as late as it would have been.
func trueLateness(b *testing.B, address string, rate int) time.Duration {
	b.Helper()
	report := completes(b, address, rate, rateLasts)
	h := history.History{Requests: report.Requests, Stalls: report.Stalls}
	return h.Slip()
}

package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
)

// TestUploadsEqualCapture holds uploads against the capture: those that were
// answered early, those that were cut, and those that went well, whole and in
// chunks; over TLS with the keys, so that tshark can read what was said.
func TestUploadsEqualCapture(t *testing.T) {
	needs(t, "tcpdump", "tshark")
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			dir := t.TempDir()
			server := httptest.NewUnstartedServer(uploads())
			server.Config.ErrorLog = nil
			if scheme == "https" {
				server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}} // by which tshark knows what is spoken
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			keys := filepath.Join(dir, "keys")
			config := uploadLoad(server)
			if scheme == "https" {
				log, err := os.Create(keys)
				if err != nil {
					t.Fatal(err)
				}
				defer log.Close()
				roots := x509.NewCertPool()
				roots.AddCert(server.Certificate())
				config.TLS = &tls.Config{RootCAs: roots, KeyLogWriter: log}
			}

			// Whole packets, for TLS cannot be read otherwise.
			_, port, _ := strings.Cut(config.Address, ":")
			stop := captureOf(t, filepath.Join(dir, "lo.pcap"), "tcp port "+port)
			attack := load.Start(config)
			waitFor(t, "uploads of all kinds", func() bool { return attack.Begun() >= 60 })
			attack.End()
			<-attack.Done()
			stop()

			want := make(map[string]uint16)
			seen := make(map[history.Outcome]int)
			for _, r := range attack.Report().Requests {
				seen[r.Outcome]++
				if r.Outcome == history.Dropped {
					want[fmt.Sprint(config.Prefix, r.Seq)] = r.Port
				}
			}
			got := unansweredUploads(t, filepath.Join(dir, "lo.pcap"), keys, config)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("dropped according to lastcall (-) and to the capture (+), id: port\n%s", diff)
			}
			for _, outcome := range []history.Outcome{history.Completed, history.Rejected, history.Dropped} {
				if seen[outcome] < 8 {
					t.Errorf("only %d uploads were %s: the comparison proves little", seen[outcome], outcome)
				}
			}
		})
	}
}

// uploadLoad sends to each of the paths in turn: half of the bodies are more than
// socket buffers hold.
func uploadLoad(server *httptest.Server) load.Config {
	small, large := make([]byte, 256<<10), make([]byte, 8<<20)
	c := load.Config{
		Base: time.Now(), Address: server.Listener.Addr().String(), Rate: 40, Lanes: scenario.Mixed,
		Timeout: 20 * time.Second, Tail: time.Second, MaxOpen: 100, Prefix: "uploads-1-",
	}
	for path, body := range map[string][]byte{
		"/whole": small, "/chunked": small, "/early": large, "/early-and-chunked": large, "/cut": large, "/unanswered": small,
	} {
		c.Targets = append(c.Targets, load.Target{Method: http.MethodPost, URL: server.URL + path, Body: body})
	}
	slices.SortFunc(c.Targets, func(a, b load.Target) int { return strings.Compare(a.URL, b.URL) })
	return c
}

// uploads is a server that treats an upload as its path says.
func uploads() http.Handler {
	all := http.NewServeMux()
	all.HandleFunc("/whole", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	all.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range 3 {
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
		}
	})
	hangUp := func(read int64, say string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, read)
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(c, say)
			c.Close()
		}
	}
	const busy = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
	all.HandleFunc("/early", hangUp(0, busy+"Content-Length: 5\r\n\r\nbusy\n"))
	all.HandleFunc("/early-and-chunked", hangUp(0, busy+"Transfer-Encoding: chunked\r\n\r\n5\r\nbusy\n\r\n0\r\n\r\n"))
	all.HandleFunc("/cut", hangUp(64<<10, ""))
	all.HandleFunc("/unanswered", hangUp(256<<10, ""))
	return all
}

// unansweredUploads asks tshark for the requests without a response: also for those
// whose body is not all there.
func unansweredUploads(t *testing.T, file, keys string, c load.Config) map[string]uint16 {
	t.Helper()
	_, port, _ := strings.Cut(c.Address, ":")
	protocol := "http"
	if c.TLS != nil {
		protocol = "tls"
	}
	out, err := exec.Command("tshark", "-2", "-r", file, "-d", "tcp.port=="+port+","+protocol,
		"-o", "tls.keylog_file:"+keys, "-o", "http.desegment_body:FALSE",
		"-Y", "http.request && !http.response_in", "-T", "fields", "-e", "tcp.srcport", "-e", "http.request.line").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	found := make(map[string]uint16)
	id := regexp.MustCompile(ledger.HeaderID + `: (` + regexp.QuoteMeta(c.Prefix) + `\d+)`)
	for line := range bytes.Lines(out) {
		var source uint16
		if _, err := fmt.Sscanf(string(line), "%d", &source); err != nil {
			continue
		}
		if m := id.FindSubmatch(line); m != nil {
			found[string(m[1])] = source
		}
	}
	return found
}

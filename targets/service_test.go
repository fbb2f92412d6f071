package targets

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"lastcall/harness/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet logs nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start serves a handler on loopback until the test ends.
func start(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// ask sends one request and returns the whole answer.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: the answer is cut: %v", method, url, err)
	}
	return resp, string(body)
}

func TestRoutes(t *testing.T) {
	server := start(t, (&Service{Log: quiet()}).Handler())
	for _, c := range []struct {
		method, path string
		status       int
		holds        string // in the body
	}{
		{"GET", "/", 200, `"service":"lastcall sample"`},
		{"GET", "/health", 200, `"status":"ok"`},
		{"GET", "/api/data", 200, `"name":"stout"`},
		{"GET", "/work", 200, strings.Repeat("x", 64)},
		{"POST", "/work?size=3", 200, "xxx"},
		{"GET", "/nothing", 404, "not found"},
		{"GET", "/health/deep", 404, "not found"},
		{"HEAD", "/", 200, ""},
		{"HEAD", "/health", 200, ""},
		{"HEAD", "/work?size=9", 200, ""},
		{"GET", "/work?status=204", 204, ""},
		{"GET", "/work?status=304", 304, ""},
		{"GET", "/work?size=0", 200, ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			resp, body := ask(t, c.method, server.URL+c.path)
			if resp.StatusCode != c.status || !strings.Contains(body, c.holds) || c.holds == "" && body != "" {
				t.Errorf("%s with %q, want %d with %q", resp.Status, body, c.status, c.holds)
			}
			if got := resp.Header.Get("X-Lastcall-Pid"); got != strconv.Itoa(os.Getpid()) {
				t.Errorf("X-Lastcall-Pid is %q, want %d", got, os.Getpid())
			}
			framed(t, resp)
		})
	}
}

// framed asks that the end of an answer can be told from a cut: by its length,
// its chunks, or because it can have no body.
func framed(t *testing.T, resp *http.Response) {
	t.Helper()
	bodiless := resp.StatusCode == 204 || resp.StatusCode == 304
	if resp.ContentLength < 0 && !bodiless && !slices.Contains(resp.TransferEncoding, "chunked") {
		t.Errorf("%s: the answer is close-delimited", resp.Request.URL.Path)
	}
}

func TestJSONRoutesAnswerJSON(t *testing.T) {
	server := start(t, (&Service{Log: quiet()}).Handler())
	for _, path := range []string{"/", "/health", "/api/data", "/work?size=x"} {
		resp, body := ask(t, http.MethodGet, server.URL+path)
		if got := resp.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("%s: %q is no JSON", path, body)
		}
	}
}

func TestHeadAnnouncesTheLengthOfGet(t *testing.T) {
	server := start(t, (&Service{Log: quiet()}).Handler())
	for _, path := range []string{"/", "/api/data", "/work?size=1234"} {
		head, _ := ask(t, http.MethodHead, server.URL+path)
		_, body := ask(t, http.MethodGet, server.URL+path)
		if head.ContentLength != int64(len(body)) {
			t.Errorf("HEAD %s announces %d bytes, GET has %d", path, head.ContentLength, len(body))
		}
	}
}

func TestWorkDoesWhatItIsAsked(t *testing.T) {
	server := start(t, (&Service{Log: quiet()}).Handler())
	for _, c := range []struct {
		query  string
		status int
		size   int
	}{
		{"", 200, 64},
		{"?delay=0s&size=1", 200, 1},
		{"?size=100000", 200, 100000},
		{"?size=" + strconv.Itoa(maxSize), 200, maxSize},
		{"?status=201&size=5", 201, 5},
		{"?status=302&size=5", 302, 5},
		{"?status=503&size=5", 503, 5},
		{"?status=599&size=5", 599, 5},
		{"?status=204&size=5", 204, 0}, // has no body, whatever is asked
		{"?status=304&size=5", 304, 0},
		{"?unknown=1", 200, 64},
	} {
		t.Run(c.query, func(t *testing.T) {
			resp, body := ask(t, http.MethodGet, server.URL+"/work"+c.query)
			if resp.StatusCode != c.status || len(body) != c.size {
				t.Errorf("%s with %d bytes, want %d with %d", resp.Status, len(body), c.status, c.size)
			}
			framed(t, resp)
		})
	}
}

func TestWorkRefusesWhatItCannotDo(t *testing.T) {
	server := start(t, (&Service{Log: quiet()}).Handler())
	for query, want := range map[string]string{
		"delay=100":      "delay must be a duration from 0s to 10m0s",
		"delay=-1s":      "delay must be",
		"delay=10m1s":    "delay must be",
		"delay=soon":     "delay must be",
		"size=-1":        "size must be from 0 to 16777216 bytes",
		"size=16777217":  "size must be",
		"size=1.5":       "size must be",
		"size=1e3":       "size must be",
		"status=199":     "status must be from 200 to 599",
		"status=600":     "status must be",
		"status=teapot":  "status must be",
		"size=5&delay=x": "delay must be",
	} {
		t.Run(query, func(t *testing.T) {
			resp, body := ask(t, http.MethodGet, server.URL+"/work?"+query)
			if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, want) {
				t.Errorf("%s with %q, want 400 with %q", resp.Status, body, want)
			}
		})
	}
}

func TestWorkTakesItsTime(t *testing.T) {
	const delay = 30 * time.Millisecond
	byDefault := start(t, (&Service{Log: quiet(), Delay: delay}).Handler())
	onRequest := start(t, (&Service{Log: quiet(), Delay: time.Hour}).Handler())
	for name, url := range map[string]string{
		"by default":   byDefault.URL + "/work",
		"when told so": onRequest.URL + "/work?delay=" + delay.String(),
	} {
		started := time.Now()
		if resp, _ := ask(t, http.MethodGet, url); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", name, resp.Status)
		}
		if took := time.Since(started); took < delay { // how much longer is the machine's business
			t.Errorf("%s: answered after %s, want at least %s", name, took, delay)
		}
	}
}

func TestWorkIsAbandonedWith503WhenItsContextEnds(t *testing.T) {
	path, service := withLedger(t)
	service.Delay = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/work", nil)
	req.Header.Set(ledger.HeaderID, "r-1-1")
	answer := httptest.NewRecorder()
	service.Handler().ServeHTTP(answer, req)
	if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "work abandoned: context canceled") {
		t.Errorf("%d with %q, want 503", answer.Code, answer.Body)
	}
	if answer.Header().Get("Content-Length") != strconv.Itoa(answer.Body.Len()) {
		t.Error("the refusal is not framed")
	}
	want := []ledger.Line{{ID: "r-1-1", Fact: ledger.Received}, {ID: "r-1-1", Fact: ledger.Answered}}
	if diff := cmp.Diff(want, readLedger(t, path)); diff != "" {
		t.Errorf("what was abandoned was not executed (-want +got):\n%s", diff)
	}
}

// withLedger returns a service that keeps a ledger, and the ledger's path.
func withLedger(t *testing.T) (string, *Service) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	book, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	return path, &Service{Log: quiet(), Ledger: book}
}

func readLedger(t *testing.T, path string) []ledger.Line {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, torn, err := ledger.Parse(bytes.NewReader(text))
	if err != nil || torn > 0 {
		t.Fatalf("ledger %q: %d torn, error %v", text, torn, err)
	}
	return lines
}

func TestLedgerHasTheFactsInOrder(t *testing.T) {
	for path, facts := range map[string][]string{
		"/":                {ledger.Received, ledger.Executed, ledger.Answered},
		"/api/data":        {ledger.Received, ledger.Executed, ledger.Answered},
		"/work":            {ledger.Received, ledger.Executed, ledger.Answered},
		"/work?status=500": {ledger.Received, ledger.Executed, ledger.Answered},
		"/health":          {ledger.Received, ledger.Answered}, // does nothing that could be lost
		"/work?size=x":     {ledger.Received, ledger.Answered},
		"/nothing":         {ledger.Received, ledger.Answered},
	} {
		t.Run(path, func(t *testing.T) {
			file, service := withLedger(t)
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Header.Set(ledger.HeaderID, "r-1-7")
			service.Handler().ServeHTTP(httptest.NewRecorder(), req)
			var want []ledger.Line
			for _, fact := range facts {
				want = append(want, ledger.Line{ID: "r-1-7", Fact: fact})
			}
			if diff := cmp.Diff(want, readLedger(t, file)); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLedgerIgnoresIDsThatWouldBreakIt(t *testing.T) {
	file, service := withLedger(t)
	for _, id := range []string{"", "a b", "a\nb executed"} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set(ledger.HeaderID, id)
		answer := httptest.NewRecorder()
		service.Handler().ServeHTTP(answer, req)
		if answer.Code != http.StatusOK {
			t.Errorf("id %q: %d; the ledger is nothing to a client", id, answer.Code)
		}
	}
	if lines := readLedger(t, file); len(lines) > 0 {
		t.Errorf("recorded %v", lines)
	}
}

func TestAPanicIsAnsweredWith500(t *testing.T) {
	var log bytes.Buffer
	service := &Service{Log: slog.New(slog.NewTextHandler(&log, nil))}
	boom := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })
	answer := httptest.NewRecorder()
	service.recoverPanics(service.logRequests(service.keepLedger(stampPID(boom)))).
		ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/boom", nil))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "internal error") {
		t.Errorf("%d with %q, want 500", answer.Code, answer.Body)
	}
	if strings.Contains(answer.Body.String(), "boom") {
		t.Error("the client is told what panicked")
	}
	for _, want := range []string{"handler panicked", "path=/boom", "panic=boom", "service_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q: %s", want, log.String())
		}
	}
}

func TestADeliberateAbortGoesThrough(t *testing.T) {
	service := &Service{Log: quiet()}
	abort := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", p)
		}
	}()
	service.recoverPanics(abort).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

func TestRequestLog(t *testing.T) {
	for _, c := range []struct {
		name   string
		level  slog.Level
		logged bool
	}{{"on", slog.LevelInfo, true}, {"off", slog.LevelWarn, false}} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			service := &Service{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: c.level}))}
			service.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/work?status=418", nil))
			if got := strings.Contains(log.String(), "method=POST path=/work status=418"); got != c.logged {
				t.Errorf("logged %v, want %v: %q", got, c.logged, log.String())
			}
		})
	}
}

func TestTheLogCanReachTheConnection(t *testing.T) {
	var flushed error
	service := &Service{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	flush := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { flushed = http.NewResponseController(w).Flush() })
	service.logRequests(flush).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if flushed != nil {
		t.Errorf("flush through the log: %v", flushed)
	}
}

func TestABadLifelineIsRefused(t *testing.T) {
	for _, text := range []string{"x", "-1", "0", "2"} {
		t.Setenv(EnvLifeline, text)
		if _, err := lifeline(); err == nil {
			t.Errorf("%q is taken for a descriptor of our own", text)
		}
	}
	t.Setenv(EnvLifeline, "")
	if gone, err := lifeline(); gone != nil || err != nil {
		t.Errorf("without a lifeline: %v, %v", gone, err)
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	taken := start(t, http.NotFoundHandler())
	t.Setenv(EnvLifeline, "")
	t.Setenv(ledger.EnvPath, "")
	addr := taken.Listener.Addr().String()
	s, _ := ByName("naive")
	var out bytes.Buffer
	err := Serve(s, Options{Addr: addr}, &out, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "serve naive: ") || !strings.Contains(err.Error(), addr) {
		t.Errorf("error %v; want the strategy and the address %s", err, addr)
	}
	if out.Len() > 0 {
		t.Errorf("it says that it is ready: %s", out.String())
	}
}

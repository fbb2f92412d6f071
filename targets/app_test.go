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

	"lastcall/harness/ledger"
)

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
	server := start(t, newApp(quiet(), nil, 0))
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
	server := start(t, newApp(quiet(), nil, 0))
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
	server := start(t, newApp(quiet(), nil, 0))
	for _, path := range []string{"/", "/api/data", "/work?size=1234"} {
		head, _ := ask(t, http.MethodHead, server.URL+path)
		_, body := ask(t, http.MethodGet, server.URL+path)
		if head.ContentLength != int64(len(body)) {
			t.Errorf("HEAD %s announces %d bytes, GET has %d", path, head.ContentLength, len(body))
		}
	}
}

func TestWorkDoesWhatItIsAsked(t *testing.T) {
	server := start(t, newApp(quiet(), nil, 0))
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
	server := start(t, newApp(quiet(), nil, 0))
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
		"detached=2":     "detached must be from 0 to 1",
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
	byDefault := start(t, newApp(quiet(), nil, delay))
	onRequest := start(t, newApp(quiet(), nil, time.Hour))
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
	path, app := withLedger(t, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/work", nil)
	req.Header.Set(ledger.HeaderID, "r-1-1")
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, req)
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

// TestDetachedWorkOutlivesItsContext: a client that has closed its side is answered.
func TestDetachedWorkOutlivesItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := httptest.NewRecorder()
	newApp(quiet(), nil, 0).ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/work?delay=20ms&size=3&detached=1", nil))
	if answer.Code != http.StatusOK || answer.Body.String() != "xxx" {
		t.Errorf("%d with %q", answer.Code, answer.Body)
	}
}

// withLedger returns a service that keeps a ledger, and the ledger's path.
func withLedger(t *testing.T, delay time.Duration) (string, *App) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	book, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close() })
	return path, newApp(quiet(), book, delay)
}

func readLedger(t *testing.T, path string) []ledger.Line {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []ledger.Line
	torn, err := ledger.Parse(bytes.NewReader(text), func(l ledger.Line) { lines = append(lines, l) })
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
			file, app := withLedger(t, 0)
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Header.Set(ledger.HeaderID, "r-1-7")
			app.ServeHTTP(httptest.NewRecorder(), req)
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
	file, app := withLedger(t, 0)
	for _, id := range []string{"", "a b", "a\nb executed"} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.Header.Set(ledger.HeaderID, id)
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, req)
		if answer.Code != http.StatusOK {
			t.Errorf("id %q: %d; the ledger is nothing to a client", id, answer.Code)
		}
	}
	if lines := readLedger(t, file); len(lines) > 0 {
		t.Errorf("recorded %v", lines)
	}
}

// withRoute returns a service with one more route, behind the middleware.
func withRoute(log *slog.Logger, h http.HandlerFunc) *App {
	app := newApp(log, nil, 0)
	app.routes = h
	return app
}

func TestAPanicIsAnsweredWith500(t *testing.T) {
	var log bytes.Buffer
	app := withRoute(slog.New(slog.NewTextHandler(&log, nil)), func(http.ResponseWriter, *http.Request) { panic("boom") })
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/boom", nil))
	if answer.Code != http.StatusInternalServerError || !strings.Contains(answer.Body.String(), "internal error") {
		t.Errorf("%d with %q, want 500", answer.Code, answer.Body)
	}
	if answer.Header().Get("X-Lastcall-Pid") == "" {
		t.Error("the answer has no PID")
	}
	if strings.Contains(answer.Body.String(), "boom") {
		t.Error("the client is told what panicked")
	}
	for _, want := range []string{"handler panicked", "path=/boom", "panic=boom", "app_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q: %s", want, log.String())
		}
	}
}

// TestAPanicCutsWhatHasBegun asks that an answer whose handler fails half-way
// does not look whole.
func TestAPanicCutsWhatHasBegun(t *testing.T) {
	server := start(t, withRoute(quiet(), func(w http.ResponseWriter, _ *http.Request) {
		_ = inPieces(w).send("half")
		panic("boom")
	}))
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks whole", body)
	}
}

func TestADeliberateAbortGoesThrough(t *testing.T) {
	app := withRoute(quiet(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // the very value must come through
			t.Errorf("recovered %v, want http.ErrAbortHandler", p)
		}
	}()
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

func TestRequestLog(t *testing.T) {
	for _, c := range []struct {
		name   string
		level  slog.Level
		logged bool
	}{{"on", slog.LevelInfo, true}, {"off", slog.LevelWarn, false}} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			app := newApp(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: c.level})), nil, 0)
			app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/work?status=418", nil))
			if got := strings.Contains(log.String(), "method=POST path=/work status=418"); got != c.logged {
				t.Errorf("logged %v, want %v: %q", got, c.logged, log.String())
			}
		})
	}
}

func TestAHandlerCanReachTheConnection(t *testing.T) {
	var flushed error
	app := withRoute(quiet(), func(w http.ResponseWriter, _ *http.Request) { flushed = http.NewResponseController(w).Flush() })
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if flushed != nil {
		t.Errorf("flush through the middleware: %v", flushed)
	}
}

// TestDrainTellsEverybody asks for a red readiness check and for Connection:
// close, also with the answer to a request that came before.
func TestDrainTellsEverybody(t *testing.T) {
	for _, c := range []struct {
		name   string
		leave  func(*App)
		health int
	}{{"drain", (*App).Drain, 503}, {"dismiss", (*App).Dismiss, 200}} {
		t.Run(c.name, func(t *testing.T) {
			app := newApp(quiet(), nil, 0)
			began, left := make(chan struct{}), make(chan struct{})
			mux := http.NewServeMux()
			mux.Handle("/", app.routes)
			mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
				close(began)
				<-left
				writeJSON(w, http.StatusOK, nil)
			})
			app.routes = mux
			server := start(t, app)
			kept := &http.Client{Transport: &http.Transport{}} // it asks for no close itself
			t.Cleanup(kept.CloseIdleConnections)
			closes := func(path string) (bool, int) {
				resp, err := kept.Get(server.URL + path)
				if err != nil {
					t.Error(err)
					return false, 0
				}
				defer resp.Body.Close()
				_, _ = io.Copy(io.Discard, resp.Body)
				return resp.Close, resp.StatusCode
			}
			if closing, status := closes("/health"); closing || status != 200 {
				t.Fatalf("before: %d, close %v", status, closing)
			}
			early := make(chan bool)
			go func() {
				closing, _ := closes("/early")
				early <- closing
			}()
			<-began
			c.leave(app)
			close(left)
			if !<-early {
				t.Error("the answer to an earlier request does not say Connection: close")
			}
			for _, path := range []string{"/work", "/nothing", "/stream?every=0s"} {
				if closing, _ := closes(path); !closing {
					t.Errorf("%s does not say Connection: close", path)
				}
			}
			if closing, status := closes("/health"); !closing || status != c.health {
				t.Errorf("after: %d, close %v; want %d, close", status, closing, c.health)
			}
		})
	}
}

// TestKey: a server with a key answers the load that has it, and no other user of the
// machine.
func TestKey(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	app.key = "secret"
	server := start(t, app)
	for _, c := range []struct {
		path   string
		header []string
		want   int
	}{
		{"/work", nil, http.StatusForbidden},
		{"/work", []string{HeaderKey, "wrong"}, http.StatusForbidden},
		{"/work", []string{HeaderKey, "secret"}, http.StatusOK},
		{"/health", nil, http.StatusOK},
	} {
		if answer, text := ask(t, "GET", server.URL+c.path, c.header...); answer.StatusCode != c.want {
			t.Errorf("%s with %q: %d %s, want %d", c.path, c.header, answer.StatusCode, text, c.want)
		}
	}
}

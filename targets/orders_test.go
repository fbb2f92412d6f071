package targets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"lastcall/harness/ledger"
)

// withStore returns a service with a store and a ledger of its own, and a
// server for it.
func withStore(t *testing.T) (*App, *httptest.Server, string) {
	t.Helper()
	book, app := withLedger(t, 0)
	app.Store.path = t.TempDir() + "/orders.db"
	server := start(t, app)
	t.Cleanup(func() {
		app.Queue.Close()
		app.Store.Close()
	})
	return app, server, book
}

// send posts a body and returns the whole answer.
func send(t *testing.T, url, id, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if id != "" {
		req.Header.Set(ledger.HeaderID, id)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestOrdersAreRows(t *testing.T) {
	app, server, book := withStore(t)
	for _, id := range []string{"r-1-1", "r-1-2", "r-1-1"} { // a repeated id is a second row
		resp, body := send(t, server.URL+"/orders", id, `{"item":"stout"}`)
		if resp.StatusCode != http.StatusCreated || body != fmt.Sprintf("{\"id\":%q}\n", id) {
			t.Fatalf("%s: %s with %q", id, resp.Status, body)
		}
		framed(t, resp)
	}
	if rows := storedRows(t, app.Store.path); !slices.Equal(rows, []string{"r-1-1", "r-1-2", "r-1-1"}) {
		t.Errorf("rows %q", rows)
	}
	var want []ledger.Line
	for _, id := range []string{"r-1-1", "r-1-2", "r-1-1"} {
		want = append(want, ledger.Line{ID: id, Fact: ledger.Received}, ledger.Line{ID: id, Fact: ledger.Executed}, ledger.Line{ID: id, Fact: ledger.Answered})
	}
	if diff := cmp.Diff(want, readLedger(t, book)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestAnOrderWithoutAnIDGetsOne(t *testing.T) {
	app, server, _ := withStore(t)
	var given []string
	for _, id := range []string{"", "", "not one", strings.Repeat("x", maxID+1)} {
		_, body := send(t, server.URL+"/orders", id, `{"item":"stout"}`)
		var answer struct{ ID string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || !validID(answer.ID) || answer.ID == id {
			t.Errorf("id %q: %q", id, body)
		}
		given = append(given, answer.ID)
	}
	if rows := storedRows(t, app.Store.path); !slices.Equal(rows, given) {
		t.Errorf("rows %q, answers %q", rows, given)
	}
	slices.Sort(given)
	if len(slices.Compact(given)) != 4 {
		t.Errorf("%q are not different", given)
	}
}

// TestAnOrderThatIsBeingWrittenIsNotAbandoned cancels the request while its
// write waits for the lock: the answer must be the truth about the row.
func TestAnOrderThatIsBeingWrittenIsNotAbandoned(t *testing.T) {
	app, _, _ := withStore(t)
	if err := app.Store.open(); err != nil {
		t.Fatal(err)
	}
	unlock := lockStore(t, app.Store.path)
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/orders", strings.NewReader(`{"item":"stout"}`))
	answer := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		app.ServeHTTP(answer, req)
	}()
	writing(t, app.Store)
	cancel()
	time.Sleep(20 * time.Millisecond) // one that was abandoned would be so by now
	unlock()
	<-done
	if rows := storedRows(t, app.Store.path); answer.Code != http.StatusCreated || len(rows) != 1 {
		t.Errorf("%d with %q, rows %q", answer.Code, answer.Body, rows)
	}
}

// TestAsyncIsExecutedLater asks that 202 comes before the row, and that the
// ledger says executed only with the row.
func TestAsyncIsExecutedLater(t *testing.T) {
	app, server, book := withStore(t)
	if err := app.Store.open(); err != nil {
		t.Fatal(err)
	}
	unlock := lockStore(t, app.Store.path)
	resp, body := send(t, server.URL+"/async", "r-1-1", `{"item":"stout"}`)
	if resp.StatusCode != http.StatusAccepted || body != "{\"id\":\"r-1-1\"}\n" {
		t.Fatalf("%s with %q", resp.Status, body)
	}
	want := []ledger.Line{{ID: "r-1-1", Fact: ledger.Received}, {ID: "r-1-1", Fact: ledger.Answered}}
	if diff := cmp.Diff(want, readLedger(t, book)); diff != "" {
		t.Errorf("before it is written (-want +got):\n%s", diff)
	}
	unlock()
	if err := app.Queue.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want = append(want, ledger.Line{ID: "r-1-1", Fact: ledger.Executed})
	if diff := cmp.Diff(want, readLedger(t, book)); diff != "" {
		t.Errorf("when it is written (-want +got):\n%s", diff)
	}
	if rows := storedRows(t, app.Store.path); len(rows) != 1 {
		t.Errorf("rows %q", rows)
	}
	resp, body = send(t, server.URL+"/async", "r-1-2", `{"item":"stout"}`)
	if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "the queue is closed") {
		t.Errorf("after the flush: %s with %q", resp.Status, body)
	}
}

func TestBadOrdersAreRefused(t *testing.T) {
	app, server, _ := withStore(t)
	for _, path := range []string{"/orders", "/async"} {
		for _, c := range []struct{ query, body, want string }{
			{"", "", "must be a JSON object with an item"},
			{"", "stout", "must be a JSON object"},
			{"", `{}`, "must be a JSON object with an item"},
			{"", `{"item":""}`, "must be a JSON object with an item"},
			{"", `{"item":7}`, "must be a JSON object"},
			{"", `{"item":"` + strings.Repeat("x", maxOrderBody) + `"}`, "at most 4096 bytes"},
			{"?delay=soon", `{"item":"stout"}`, "delay must be a duration from 0s to 10m0s"},
			{"?delay=11m", `{"item":"stout"}`, "delay must be"},
		} {
			resp, body := send(t, server.URL+path+c.query, "", c.body)
			if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, c.want) {
				t.Errorf("%s%s %.40q: %s with %q, want 400 with %q", path, c.query, c.body, resp.Status, body, c.want)
			}
		}
		if resp, _ := ask(t, http.MethodGet, server.URL+path); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
	if err := app.Queue.Flush(t.Context()); err != nil || app.Store.db != nil {
		t.Errorf("something was written: %v", err)
	}
}

func TestOrdersTakeTheirTime(t *testing.T) {
	app, server, _ := withStore(t)
	app.delay = 20 * time.Millisecond
	for path, want := range map[string]time.Duration{
		"/orders": 20 * time.Millisecond, "/orders?delay=40ms": 40 * time.Millisecond, "/async?delay=30ms": 30 * time.Millisecond,
	} {
		began := time.Now()
		if resp, body := send(t, server.URL+path, "", `{"item":"stout"}`); resp.StatusCode/100 != 2 {
			t.Errorf("%s: %s with %q", path, resp.Status, body)
		}
		if took := time.Since(began); took < want {
			t.Errorf("%s took %s, want at least %s", path, took, want)
		}
	}
}

func TestStream(t *testing.T) {
	server := start(t, newApp(quiet(), nil, 0))
	began := time.Now()
	resp, body := ask(t, http.MethodGet, server.URL+"/stream?chunks=3&every=10ms")
	if want := "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n"; body != want || !slices.Contains(resp.TransferEncoding, "chunked") {
		t.Errorf("%q, %v; want %q in chunks", body, resp.TransferEncoding, want)
	}
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	if _, body := ask(t, http.MethodGet, server.URL+"/stream?every=0s"); strings.Count(body, "\n") != 10 {
		t.Errorf("by default: %q", body)
	}
	if _, body := ask(t, http.MethodGet, server.URL+"/stream?chunks=2&every=0s&size=100"); len(body) != 200 || !strings.HasPrefix(body[100:], "chunk 2 of 2\nxx") {
		t.Errorf("two of 100 bytes: %q", body)
	}
	for query, want := range map[string]string{
		"size=-1": "size must be from 0", "chunks=17&size=1048576": "chunks times size is 17825792, must be at most 16777216 bytes",
		"chunks=0": "chunks must be from 1 to 10000", "chunks=10001": "chunks must be", "chunks=x": "chunks must be",
		"every=-1s": "every must be a duration from 0s to 1m0s", "every=61s": "every must be", "every=5": "every must be",
		"chunks=10000&every=1s": "chunks times every is 2h46m40s, must be at most 10m0s",
	} {
		resp, body := ask(t, http.MethodGet, server.URL+"/stream?"+query)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %s with %q, want 400 with %q", query, resp.Status, body, want)
		}
	}
}

// TestAnAbandonedStreamIsCut asks that it does not look whole.
func TestAnAbandonedStreamIsCut(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	server := httptest.NewUnstartedServer(app)
	root, cancel := context.WithCancel(t.Context())
	server.Config.BaseContext = func(net.Listener) context.Context { return root }
	server.Start()
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL + "/stream?chunks=1000&every=10ms")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%d bytes look whole", len(body))
	}
}

func TestEvents(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	server := start(t, app)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Get(server.URL + "/events?every=10ms")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" || !slices.Contains(resp.TransferEncoding, "chunked") {
		t.Errorf("Content-Type %q, %v", got, resp.TransferEncoding)
	}
	first := make([]byte, len("id: 1\ndata: {\"n\":1}\n\nid: 2\n"))
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "id: 1\ndata: {\"n\":1}\n\nid: 2\n" {
		t.Errorf("%q, %v", first, err)
	}
	for range 2 { // a second time does nothing
		if err := app.Streams.Close(); err != nil {
			t.Error(err)
		}
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasSuffix(string(rest), "event: bye\ndata: {}\n\n") {
		t.Errorf("the end: %q, %v", rest, err)
	}
	// The connection must serve on: no deadline of the stream may be left on it.
	if resp, err := client.Get(server.URL + "/events"); err != nil {
		t.Error(err)
	} else {
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.HasSuffix(string(body), "event: bye\ndata: {}\n\n") {
			t.Errorf("a stream that comes too late: %q, %v", body, err)
		}
	}
	for _, query := range []string{"every=9ms", "every=0s", "every=2m", "every=x"} {
		if resp, body := ask(t, http.MethodGet, server.URL+"/events?"+query); resp.StatusCode != 400 || !strings.Contains(body, "every must be a duration from 10ms to 1m0s") {
			t.Errorf("%s: %s with %q", query, resp.Status, body)
		}
	}
}

// deadlined remembers the last deadline that a handler set.
type deadlined struct {
	*httptest.ResponseRecorder
	last time.Time
	set  int
}

func (d *deadlined) SetWriteDeadline(at time.Time) error {
	d.last = at
	d.set++
	return nil
}

// TestStreamsLeaveNoDeadline asks that a connection which has carried a stream
// can carry slower answers afterwards.
func TestStreamsLeaveNoDeadline(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	if err := app.Streams.Close(); err != nil { // so that /events ends
		t.Fatal(err)
	}
	for _, path := range []string{"/stream?every=0s", "/events"} {
		answer := &deadlined{ResponseRecorder: httptest.NewRecorder()}
		app.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.set < 3 || !answer.last.IsZero() {
			t.Errorf("%s: after %d deadlines the last is %s, want none", path, answer.set, answer.last)
		}
	}
}

// TestOldClientsGetNoStream: in HTTP/1.0 its end could not be told from a cut.
func TestOldClientsGetNoStream(t *testing.T) {
	server := start(t, newApp(quiet(), nil, 0))
	for path, want := range map[string]string{"/stream": "505", "/events": "505", "/work": "200", "/nothing": "404"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(patience)) // an answer without an end must not last for ever
		fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", path)
		text, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !strings.HasPrefix(string(text), "HTTP/1.0 "+want) || !strings.Contains(string(text), "Content-Length: ") {
			t.Errorf("%s: %q, %v; want %s with a length", path, text, err, want)
		}
	}
}

func TestHeadOfStreams(t *testing.T) {
	server := start(t, newApp(quiet(), nil, 0))
	for _, path := range []string{"/stream", "/events"} {
		if resp, body := ask(t, http.MethodHead, server.URL+path); resp.StatusCode != 200 || body != "" {
			t.Errorf("HEAD %s: %s with %q", path, resp.Status, body)
		}
	}
}

func TestUpload(t *testing.T) {
	book, app := withLedger(t, 0)
	server := start(t, app)
	for n, size := range []int{0, 1, 100_000, 5 << 20} {
		body := strings.Repeat("x", size)
		sum := sha256.Sum256([]byte(body))
		resp, text := send(t, server.URL+"/upload", "r-1-"+strconv.Itoa(n), body)
		want := fmt.Sprintf("{\"bytes\":%d,\"sha256\":%q}\n", size, hex.EncodeToString(sum[:]))
		if resp.StatusCode != http.StatusOK || text != want {
			t.Errorf("%d bytes: %s with %q, want %q", size, resp.Status, text, want)
		}
		framed(t, resp)
	}
	if lines := readLedger(t, book); len(lines) != 12 {
		t.Errorf("ledger %v, want three facts of each", lines)
	}
}

func TestUploadSaysWhatIsWrong(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	cut := httptest.NewRequest(http.MethodPost, "/upload", io.MultiReader(strings.NewReader("x"), failing{}))
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, cut)
	if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "cut short") {
		t.Errorf("cut: %d with %q", answer.Code, answer.Body)
	}
	endless := httptest.NewRequest(http.MethodPost, "/upload", zeros{})
	answer = httptest.NewRecorder()
	app.ServeHTTP(answer, endless)
	if answer.Code != http.StatusRequestEntityTooLarge || !strings.Contains(answer.Body.String(), "268435456 bytes") {
		t.Errorf("endless: %d with %q", answer.Code, answer.Body)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestSockets(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	app := newApp(quiet(), nil, 0)
	server := start(t, app)
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/ws"
	if resp, _ := ask(t, http.MethodGet, server.URL+"/ws"); resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("no handshake: %s", resp.Status)
	}
	foreign := &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"http://elsewhere.example"}}}
	if _, resp, err := websocket.Dial(ctx, url, foreign); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("from a foreign page: %v", err)
	}
	var conns []*websocket.Conn
	for n := range 3 {
		conn, _, err := websocket.Dial(ctx, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		conns = append(conns, conn)
		eventually(t, "the websocket", func() bool {
			app.Sockets.mu.Lock()
			defer app.Sockets.mu.Unlock()
			return len(app.Sockets.open) == n+1
		})
	}
	closed := make(chan error, 1)
	go func() { closed <- app.Sockets.Close(ctx) }()
	for _, conn := range conns {
		if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("it ends with %v", err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	late, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer late.CloseNow()
	if _, _, err := late.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("one that comes too late ends with %v", err)
	}
}

// TestASocketThatDoesNotAnswer asks that a client cannot keep a server from
// stopping by not reading its close frame.
func TestASocketThatDoesNotAnswer(t *testing.T) {
	app := newApp(quiet(), nil, 0)
	server := start(t, app)
	conn, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() // ends the server's wait for the answer
	eventually(t, "the websocket", func() bool {
		app.Sockets.mu.Lock()
		defer app.Sockets.mu.Unlock()
		return len(app.Sockets.open) == 1
	})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := app.Sockets.Close(gone); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 of 1 did not answer") {
		t.Errorf("without any time: %v", err)
	}
	began := time.Now()
	if err := app.Sockets.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*farewell {
		t.Errorf("it took %s", took)
	}
}

package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
)

// arrival is a request as a server saw it.
type arrival struct{ id, uri, key, body string }

// loadedWith loads a server with the targets for a moment, and returns what came.
// "http://site" stands for the server's address.
func loadedWith(t *testing.T, lanes scenario.Connections, targets ...Target) []arrival {
	t.Helper()
	var mu sync.Mutex // many handlers add
	var seen []arrival
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, arrival{req.Header.Get(ledger.HeaderID), req.RequestURI, req.Header.Get("Idempotency-Key"), string(body)})
	}))
	defer server.Close()
	c := config(server.Listener.Addr().String())
	c.Lanes = lanes
	for i := range targets {
		targets[i].URL = strings.ReplaceAll(targets[i].URL, "http://site", server.URL)
	}
	c.Targets = targets
	for _, target := range targets {
		if err := target.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	a := Start(c)
	eventually(t, "forty requests have come", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) >= 40
	})
	a.End()
	report := done(t, a)
	conserved(t, a, report)
	for i := range report.Requests {
		if r := &report.Requests[i]; r.Outcome != history.Completed {
			t.Fatalf("request %d: %s", i, r.Outcome)
		}
	}
	return seen
}

func TestIDStandsWhereItIsAskedFor(t *testing.T) {
	const text = `{"id":"{id}","again":"{id}"}`
	tests := map[string]struct {
		target Target
		want   arrival // "{id}" stands for the request's own
	}{
		"in the body":       {Target{Method: "POST", URL: "http://site/", Body: []byte(text)}, arrival{uri: "/", body: text}},
		"alone in the body": {Target{Method: "POST", URL: "http://site/", Body: []byte("{id}")}, arrival{uri: "/", body: "{id}"}},
		"in a header":       {Target{Method: "POST", URL: "http://site/", Header: http.Header{"idempotency-Key": {"a {id}"}}}, arrival{uri: "/", key: "a {id}"}},
		"in the path":       {Target{Method: "PUT", URL: "http://site/orders/{id}/x%2Fy"}, arrival{uri: "/orders/{id}/x%2Fy"}},
		"in the query":      {Target{Method: "GET", URL: "http://site/?a=%20&id={id}"}, arrival{uri: "/?a=%20&id={id}"}},
		"but not where it is escaped": {
			Target{Method: "GET", URL: "http://site/%7Bid%7D/{id}?%7Bid%7D={id}"}, arrival{uri: "/%7Bid%7D/{id}?%7Bid%7D={id}"},
		},
		"everywhere at once": {
			Target{Method: "POST", URL: "http://site/{id}", Header: http.Header{"Idempotency-Key": {"{id}"}}, Body: []byte("<{id}>")},
			arrival{uri: "/{id}", key: "{id}", body: "<{id}>"},
		},
		"nowhere": {Target{Method: "POST", URL: "http://site/id", Body: []byte("{ id }")}, arrival{uri: "/id", body: "{ id }"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ids := make(map[string]bool)
			for _, got := range loadedWith(t, scenario.Mixed, tt.target) {
				put := func(s string) string { return strings.ReplaceAll(s, "{id}", got.id) }
				want := arrival{got.id, put(tt.want.uri), put(tt.want.key), put(tt.want.body)}
				if got != want || !strings.HasPrefix(got.id, prefix) || ids[got.id] {
					t.Fatalf("arrived as %+v, want %+v, its id once", got, want)
				}
				ids[got.id] = true
			}
		})
	}
}

// TestOnlyItsOwnTargetIsFilledIn: what is sent in turn is not mixed up.
func TestOnlyItsOwnTargetIsFilledIn(t *testing.T) {
	for _, got := range loadedWith(t, scenario.Reused,
		Target{Method: "POST", URL: "http://site/plain", Body: []byte("plain")},
		Target{Method: "POST", URL: "http://site/marked", Body: []byte("{id}")},
	) {
		if want := map[string]string{"/plain": "plain", "/marked": got.id}[got.uri]; got.body != want {
			t.Fatalf("%s got the body %q, want %q", got.uri, got.body, want)
		}
	}
}

// TestSameIDOnAnotherConnection: a connection that is found dead before a byte
// was written is no loss. What goes out on the next is the same request.
func TestSameIDOnAnotherConnection(t *testing.T) {
	bodies := make(chan string, 9)
	s := newScript(t, func(x *exchange) {
		bodies <- x.header.Get(ledger.HeaderID) + " " + x.body()
		x.answer()
	})
	r := newRig(t, s.address(), scenario.Reused, ample)
	r.transport.forms = formsOf([]Target{{Method: "POST", URL: "http://" + s.address() + "/", Body: []byte("order {id}")}})
	r.tamperFirst(2, dead)
	r.park(1)
	if got := r.send(r.request("POST", "order {id}")); got.Outcome != history.Completed || got.Attempts != 3 {
		t.Fatalf("%s at the attempt %d", got.Outcome, got.Attempts)
	}
	if got, want := <-bodies, prefix+"0 order "+prefix+"0"; got != want {
		t.Errorf("id and body are %q, want %q", got, want)
	}
}

// TestRewindKeepsTheID gives a filled body again, and again.
func TestRewindKeepsTheID(t *testing.T) {
	f := formOf(Target{Method: "POST", URL: "http://h/", Body: []byte("a {id} b")})
	req, err := http.NewRequest("POST", "http://h/", strings.NewReader("a {id} b"))
	if err != nil {
		t.Fatal(err)
	}
	f.fill(req, "r-1-7")
	for range 3 {
		text, err := io.ReadAll(req.Body)
		if err != nil || string(text) != "a r-1-7 b" || req.ContentLength != int64(len(text)) {
			t.Fatalf("the body is %q of %d bytes: %v", text, req.ContentLength, err)
		}
		if !rewind(req) {
			t.Fatal("the body cannot be had again")
		}
	}
}

// TestMarkKeepsOutOfTheHost: a host is what it is.
func TestMarkKeepsOutOfTheHost(t *testing.T) {
	for _, bad := range []Target{
		get("http://{id}/"), get("http://{id}@h/"), get("http://h:{id}/"), get("{id}://h/"), headed("Host", "{id}"), headed("X-{id}", "a"),
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v can be sent", bad)
		}
	}
}

// TestPlainTargetsCostNothing: without a mark there is nothing to fill in.
func TestPlainTargetsCostNothing(t *testing.T) {
	if forms := formsOf([]Target{get("http://h/%7Bid%7D"), headed("A", "{i", "d}")}); forms != nil {
		t.Errorf("there are %d forms", len(forms))
	}
}

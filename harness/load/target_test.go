package load

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
)

func get(url string) Target { return Target{Method: http.MethodGet, URL: url} }

func headed(name string, values ...string) Target {
	return Target{Method: http.MethodGet, URL: "http://localhost/", Header: http.Header{name: values}}
}

func TestTargetValidates(t *testing.T) {
	tests := map[string]struct {
		target Target
		says   string // "" if it can be sent
	}{
		"plain":                          {get("http://localhost:8080/a?b=c"), ""},
		"https":                          {get("https://example.com"), ""},
		"an address of IPv6":             {get("http://[::1]:8080/"), ""},
		"a name and a password":          {get("http://me:secret@localhost/"), "send an Authorization header"},
		"a method of one's own":          {Target{Method: "PURGE", URL: "http://localhost/"}, ""},
		"headers of every spelling":      {headed("x-oWn", "a", "b"), ""},
		"a host of its own":              {headed("Host", "shop.example"), ""},
		"an agent of its own":            {headed("User-Agent", "me"), ""},
		"no method":                      {Target{URL: "http://localhost/"}, `"" is not a method: write one such as GET or POST`},
		"a method with a space":          {Target{Method: "GET x", URL: "http://localhost/"}, "is not a method"},
		"CONNECT":                        {Target{Method: "CONNECT", URL: "http://localhost/"}, "CONNECT opens a tunnel"},
		"no URL":                         {get(""), "write it in full, as http://localhost:8080/path"},
		"a path only":                    {get("/orders"), "write it in full"},
		"no scheme":                      {get("localhost:8080/"), "write it in full"},
		"another scheme":                 {get("ftp://localhost/"), "write it in full"},
		"a port only":                    {get("http://:8080/"), "names no host"},
		"a port that is no number":       {get("http://localhost:{port}/"), "is not a URL: invalid port"},
		"a port too large":               {get("http://localhost:65536/"), "a port is from 1 to 65535"},
		"port 0":                         {get("http://localhost:0/"), "a port is from 1 to 65535"},
		"a space":                        {get("http://localhost/ HTTP/1.1"), "has a space in it: write %20"},
		"a fragment":                     {get("http://localhost/#top"), "a fragment, which is never sent"},
		"an empty fragment":              {get("http://localhost/#"), "a fragment, which is never sent"},
		"a line break in the URL":        {get("http://localhost/\n"), "is not a URL: net/url: invalid control character"},
		"a header without a name":        {headed("", "a"), `has "": "a", which no request can carry: write it as in`},
		"a name with a space":            {headed("X Own", "a"), `has "X Own": "a", which no request can carry`},
		"a name that is ours":            {headed(targetKey, "1"), "which no request can carry"},
		"a value of two lines":           {headed("X-Own", "a\r\nEvil: b"), `has "X-Own": "a\r\nEvil: b", which no request can carry`},
		"a host that is none":            {headed("Host", "a b"), `has "Host": "a b", which no request can carry`},
		"two hosts":                      {headed("Host", "a", "b"), "a request has one Host, not 2"},
		"a Host that would come twice":   {headed("host", "a"), "must be written Host"},
		"an agent that would come twice": {headed("user-agent", "a"), "must be written User-Agent"},
		"a length":                       {headed("Content-Length", "5"), "which lastcall sets itself: leave it out"},
		"a length of another spelling":   {headed("content-length", "5"), "which lastcall sets itself: leave it out"},
		"an encoding":                    {headed("Transfer-Encoding", "chunked"), "leave it out"},
		"a trailer":                      {headed("trailer", "X-Sum"), "leave it out"},
		"a sequence number":              {headed("x-vegeta-seq", "5"), "leave it out"},
		"a connection":                   {headed("connection", "close"), "which lastcall sets itself: leave it out"},
		"an upgrade":                     {headed("Upgrade", "websocket"), "which lastcall sets itself: leave it out"},
		"an expectation":                 {headed("Expect", "100-continue"), "which lastcall sets itself: leave it out"},
		"an attack":                      {headed("X-Vegeta-Attack", "a"), "which lastcall sets itself: leave it out"},
		"an id":                          {headed(ledger.HeaderID, "5"), "leave it out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.target.Validate()
			if tt.says == "" && err != nil {
				t.Errorf("it cannot be sent: %v", err)
			}
			if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want an error that says %q", err, tt.says)
			}
		})
	}
}

// Errors end up in logs.
func TestNoErrorTellsAPassword(t *testing.T) {
	for _, url := range []string{
		"ftp://me:secret@h/", "http://me:secret@h/#a", "http://me:secret@h/a b", "http://me:secret@h:0/", "http://me:secret@:1/",
	} {
		err := get(url).Validate()
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "me:xxxxx@") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Whatever is found valid arrives as it was written, once.
func TestValidTargetArrives(t *testing.T) {
	arrived := make(chan *exchange, 1)
	s := newScript(t, func(x *exchange) {
		arrived <- x
		x.answer()
	})
	r := newRig(t, s.address(), scenario.Reused, ample)
	target := Target{Method: "PURGE", URL: "http://shop.example/a", Header: http.Header{
		"x-oWn": {"1", "2"}, "Host": {"other.example"}, "User-Agent": {"me"},
	}}
	if err := target.Validate(); err != nil {
		t.Fatal(err)
	}
	req := r.request(target.Method, "")
	req.Header, req.Host = target.Header.Clone(), target.Header.Get("Host")
	r.send(req)
	x := <-arrived
	for name, want := range map[string][]string{
		"X-Own": {"1", "2"}, "Host": {"other.example"}, "User-Agent": {"me"},
	} {
		if got := x.header[name]; !slices.Equal(got, want) {
			t.Errorf("%s arrived as %q, want %q", name, got, want)
		}
	}
}

// arrivals notes what came of each request, by its id.
type arrivals struct {
	mu    sync.Mutex // the connections share the map
	ofIDs map[string]*exchange
}

func (a *arrivals) of(seq uint32) *exchange {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ofIDs[prefix+strconv.Itoa(int(seq))]
}

func (a *arrivals) answer(x *exchange) {
	x.body()
	a.mu.Lock()
	a.ofIDs[x.header.Get(ledger.HeaderID)] = x
	a.mu.Unlock()
	x.answer()
}

// Each record must name the target that the server was sent, and nothing of how
// we know may reach the server.
func TestRecordNamesItsTarget(t *testing.T) {
	for _, n := range []int{1, 2, 3, scenario.MaxTargets} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			got := &arrivals{ofIDs: make(map[string]*exchange)}
			s := newScript(t, got.answer)
			c := config(s.address())
			c.Rate, c.Lanes = 2000, scenario.Mixed
			c.Targets = nil
			methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch}
			for i := range n {
				c.Targets = append(c.Targets, Target{
					Method: methods[i%3], URL: "http://" + s.address() + "/", Body: []byte(strconv.Itoa(i)),
					Header: http.Header{"X-Own": {strconv.Itoa(i)}},
				})
			}
			a := Start(c)
			eventually(t, "every target was sent to four times", func() bool { return len(s.received()) >= max(4*n, 100) })
			a.End()
			r := done(t, a)
			conserved(t, a, r)
			lanes := make(map[uint8]map[bool]int)
			for _, request := range r.Requests {
				x := got.of(request.Seq)
				want := strconv.Itoa(int(request.Target))
				if x.body() != want || x.header.Get("X-Own") != want || len(x.header[targetKey]) != 0 {
					t.Fatalf("request %d is said to be of target %s and arrived with %q and %v", request.Seq, want, x.body(), x.header)
				}
				if request.Idempotent != (x.method == http.MethodPut) {
					t.Errorf("request %d was %s and is idempotent: %t", request.Seq, x.method, request.Idempotent)
				}
				if lanes[request.Target] == nil {
					lanes[request.Target] = make(map[bool]int)
				}
				lanes[request.Target][request.Pooled]++
			}
			for i := range n {
				if used := lanes[uint8(i)]; used[true] == 0 || used[false] == 0 {
					t.Errorf("target %d had %d requests on kept-alive connections and %d on new ones", i, used[true], used[false])
				}
			}
		})
	}
}

// The header that several targets share is the caller's own.
func TestTargetsMayShareAHeader(t *testing.T) {
	shared := http.Header{"X-Own": {"1"}}
	targets := []Target{
		{Method: "GET", URL: "http://h/a", Header: shared}, {Method: "GET", URL: "http://h/b", Header: shared}, get("http://h/c"),
	}
	next := targeter(targets)
	for range 2 {
		for i, want := range targets {
			var got vegeta.Target
			if err := next(&got); err != nil {
				t.Fatal(err)
			}
			req, err := got.Request()
			if err != nil {
				t.Fatal(err)
			}
			if index := targetOf(req); int(index) != i || got.URL != want.URL {
				t.Errorf("%s is said to be target %d, want %d", got.URL, index, i)
			}
		}
	}
	if len(shared) != 1 {
		t.Errorf("the caller's header was changed: %v", shared)
	}
}

// Mixed lanes: one in two requests is pooled, and so is one in two of those that
// any target has.
func TestLanesOfSeveralTargets(t *testing.T) {
	for _, n := range []uint64{0, 1, 2, 3, 4, 7, 256} {
		per := make(map[uint64]int)
		const rounds = 64
		targets := max(n, 1)
		for seq := range rounds * targets {
			if pooled(scenario.Mixed, seq, n) {
				per[seq%targets]++
			}
			if !pooled(scenario.Reused, seq, n) || pooled(scenario.Fresh, seq, n) {
				t.Errorf("%d targets: request %d is in the wrong lane", n, seq)
			}
		}
		for i := range targets {
			if per[i] != rounds/2 {
				t.Errorf("target %d of %d was pooled %d of %d times", i, n, per[i], rounds)
			}
		}
	}
}

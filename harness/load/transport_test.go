package load

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
)

const okHead = "HTTP/1.1 200 OK\r\n"

// scene is one way to treat a request, and the record it must leave. Bodies of
// requests are small unless huge is set.
type scene struct {
	method string // GET if empty
	body   string
	hung   bool // the deadline is what ends it
	secure bool // over TLS
	play   func(*rig, *exchange)
	want   history.Request // without Attempts and Pooled, which all have
}

// then says text and ends the connection.
func then(text string, end func(*exchange)) func(*rig, *exchange) {
	return func(r *rig, x *exchange) {
		x.body()
		x.say(text)
		r.delivered(len(text))
		end(x)
	}
}

// answers says text and goes on.
func answers(text string) func(*rig, *exchange) {
	return func(_ *rig, x *exchange) {
		x.body()
		x.say(text)
	}
}

func plays(end func(*exchange)) func(*rig, *exchange) {
	return func(_ *rig, x *exchange) { end(x) }
}

// huge is more than any kernel buffers between two ends of a connection. It is
// made when a test asks for it: on a benchmark's heap it would keep the garbage
// collector from running, and so flatter whoever allocates more.
var huge = sync.OnceValue(func() string { return strings.Repeat("x", 64<<20) })

func lost(cause history.Cause) history.Request {
	return history.Request{Outcome: history.Dropped, Cause: cause, Idempotent: true, Written: true}
}

func lostMidway(cause history.Cause) history.Request {
	r := lost(cause)
	r.Status = 200
	return r
}

func answered(outcome history.Outcome, status uint16) history.Request {
	return history.Request{Outcome: outcome, Status: status, Idempotent: true, Written: true}
}

// with changes a record.
func with(r history.Request, change func(*history.Request)) history.Request {
	change(&r)
	return r
}

func posted(r *history.Request)  { r.Idempotent = false }
func partly(r *history.Request)  { r.Idempotent, r.Written = false, false }
func closes(r *history.Request)  { r.Closes = true }
func unframe(r *history.Request) { r.Unframed, r.Closes = true, true }

func losses() map[string]scene {
	return map[string]scene{
		"FIN before the answer is closed":       {play: plays((*exchange).fin), want: lost(history.Closed)},
		"RST before the answer is reset":        {play: plays((*exchange).rst), want: lost(history.Reset)},
		"half a head and FIN is truncated":      {play: then("HTTP/1.1 200 OK\r\nConte", (*exchange).fin), want: lost(history.Truncated)},
		"half a head and RST is truncated":      {play: then("HTTP/1.1 200 OK\r\nConte", (*exchange).rst), want: lost(history.Truncated)},
		"one byte and FIN is truncated":         {play: then("H", (*exchange).fin), want: lost(history.Truncated)},
		"1xx and FIN is truncated":              {play: then("HTTP/1.1 103 Early Hints\r\n\r\n", (*exchange).fin), want: lost(history.Truncated)},
		"a head, no body and FIN is truncated":  {play: then(okHead+"Content-Length: 9\r\n\r\n", (*exchange).fin), want: lostMidway(history.Truncated)},
		"half a body and FIN is truncated":      {play: then(okHead+"Content-Length: 9\r\n\r\nhalf", (*exchange).fin), want: lostMidway(history.Truncated)},
		"half a body and RST is truncated":      {play: then(okHead+"Content-Length: 9\r\n\r\nhalf", (*exchange).rst), want: lostMidway(history.Truncated)},
		"no last chunk and FIN is truncated":    {play: then(okHead+chunked+"4\r\nhalf\r\n", (*exchange).fin), want: lostMidway(history.Truncated)},
		"no last chunk and RST is truncated":    {play: then(okHead+chunked+"4\r\nhalf\r\n", (*exchange).rst), want: lostMidway(history.Truncated)},
		"half a chunk and FIN is truncated":     {play: then(okHead+chunked+"9\r\nhalf", (*exchange).fin), want: lostMidway(history.Truncated)},
		"half a chunk's size is truncated":      {play: then(okHead+chunked+"9", (*exchange).fin), want: lostMidway(history.Truncated)},
		"a last chunk without its end":          {play: then(okHead+chunked+"2\r\nok\r\n0\r\n", (*exchange).fin), want: lostMidway(history.Truncated)},
		"close-delimited and RST is truncated":  {play: then(okHead+"\r\nhalf", (*exchange).rst), want: with(lostMidway(history.Truncated), unframe)},
		"a malformed chunk is corrupt":          {play: then(okHead+chunked+"4\r\nhalf\r\nno number\r\n", (*exchange).hold), want: lostMidway(history.Corrupt)},
		"a chunk longer than its size":          {play: then(okHead+chunked+"2\r\nhalf\r\n", (*exchange).hold), want: lostMidway(history.Corrupt)},
		"garbage is corrupt":                    {play: then("220 mail.example ESMTP\r\n", (*exchange).hold), want: lost(history.Corrupt)},
		"garbage and FIN is corrupt":            {play: then("220 mail.example ESMTP\r\n", (*exchange).fin), want: lost(history.Corrupt)},
		"a Content-Length that is no number":    {play: then(okHead+"Content-Length: few\r\n\r\n", (*exchange).hold), want: lost(history.Corrupt)},
		"two Content-Lengths that differ":       {play: then(okHead+"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok", (*exchange).hold), want: lost(history.Corrupt)},
		"a head line without a colon":           {play: then(okHead+"no colon\r\n\r\n", (*exchange).hold), want: lost(history.Corrupt)},
		"no answer is hung":                     {play: plays((*exchange).hold), want: lost(history.Hung), hung: true},
		"1xx and no answer is hung":             {play: then("HTTP/1.1 103 Early Hints\r\n\r\n", (*exchange).hold), want: lost(history.Hung), hung: true},
		"half a head and no more is hung":       {play: then("HTTP/1.1 200 OK\r\nConte", (*exchange).hold), want: lost(history.Hung), hung: true},
		"half a body and no more is hung":       {play: then(okHead+"Content-Length: 9\r\n\r\nhalf", (*exchange).hold), want: lostMidway(history.Hung), hung: true},
		"no last chunk and no more is hung":     {play: then(okHead+chunked+"4\r\nhalf\r\n", (*exchange).hold), want: lostMidway(history.Hung), hung: true},
		"close-delimited without end is hung":   {play: then(okHead+"\r\nhalf", (*exchange).hold), want: with(lostMidway(history.Hung), unframe), hung: true},
		"an endless answer is hung":             {play: endless, want: lostMidway(history.Hung), hung: true},
		"POST sent whole, FIN":                  {method: "POST", body: "order", play: plays((*exchange).fin), want: with(lost(history.Closed), posted)},
		"POST sent in part, RST":                {method: "POST", body: huge(), play: plays((*exchange).rst), want: with(lost(history.Reset), partly)},
		"POST sent in part, never read":         {method: "POST", body: huge(), play: plays((*exchange).hold), want: with(lost(history.Hung), partly), hung: true},
		"POST sent in part, half a body, RST":   {method: "POST", body: huge(), play: cutEarly, want: with(lostMidway(history.Truncated), partly)},
		"PUT is idempotent and not replayed":    {method: "PUT", body: "order", play: plays((*exchange).fin), want: lost(history.Closed)},
		"HEAD, FIN":                             {method: "HEAD", play: plays((*exchange).fin), want: lost(history.Closed)},
		"a late FIN is closed, not hung":        {play: plays((*exchange).fin), want: lost(history.Closed)},
		"failed in status and truncated":        {play: then("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf", (*exchange).fin), want: with(lost(history.Truncated), func(r *history.Request) { r.Status = 500 })},
		"rejected in status and truncated":      {play: then("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nhalf", (*exchange).fin), want: with(lost(history.Truncated), func(r *history.Request) { r.Status = 503 })},
		"announced close and then no whole one": {play: then(okHead+"Connection: close\r\nContent-Length: 9\r\n\r\nhalf", (*exchange).fin), want: with(lostMidway(history.Truncated), closes)},
	}
}

const chunked = "Transfer-Encoding: chunked\r\n\r\n"

// endless answers for as long as anybody reads.
func endless(_ *rig, x *exchange) {
	x.over = true
	x.say(okHead + chunked)
	for {
		if _, err := io.WriteString(x, "5\r\nnever\r\n"); err != nil {
			return
		}
	}
}

// cutEarly begins to answer what it has not read, and resets.
func cutEarly(r *rig, x *exchange) {
	half := okHead + "Content-Length: 9\r\n\r\nhalf"
	x.say(half)
	r.delivered(len(half))
	x.rst()
}

func TestLosses(t *testing.T) {
	for name, tt := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tt.run(t)
			if (got.BytesIn > 0) != (got.Cause != history.Closed && got.Cause != history.Reset && got.FirstByte > 0) {
				t.Errorf("%d bytes in of a request that was %s", got.BytesIn, got.Cause)
			}
			if tt.hung && got.End-got.Started < short {
				t.Errorf("hung after %s, before its deadline of %s", got.End-got.Started, short)
			}
			if size := int64(len(tt.body)); got.Written != (got.BytesOut > size) {
				t.Errorf("%d bytes out of more than %d, written is %t", got.BytesOut, size, got.Written)
			}
		})
	}
}

// set makes the scene's server and a rig for it.
func (sc scene) set(t *testing.T, timeout time.Duration) (r *rig) {
	t.Helper()
	play := func(x *exchange) { sc.play(r, x) }
	if sc.secure {
		r = newTLSRig(t, newTLSScript(t, play).address(), scenario.Reused, timeout)
	} else {
		r = newRig(t, newScript(t, play).address(), scenario.Reused, timeout)
	}
	return r
}

// run plays the scene and compares the record. The request is the first on its
// connection.
func (sc scene) run(t *testing.T) history.Request {
	t.Helper()
	timeout := ample
	if sc.hung {
		timeout = short
	}
	r := sc.set(t, timeout)
	method := sc.method
	if method == "" {
		method = http.MethodGet
	}
	got := r.do(method, sc.body)
	want := sc.want
	want.Attempts, want.Pooled = 1, true
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.BytesOut == 0 || got.Conn != 1 || got.Port == 0 {
		t.Errorf("%d bytes out on connection %d, port %d", got.BytesOut, got.Conn, got.Port)
	}
	return got
}

type wholeAnswer struct {
	scene
	keeps bool // the connection serves the next request
}

func wholeAnswers() map[string]wholeAnswer {
	return map[string]wholeAnswer{
		"Content-Length":             {scene{play: plays((*exchange).answer), want: answered(history.Completed, 200)}, true},
		"chunked":                    {scene{play: answers(okHead + chunked + "2\r\nok\r\n0\r\n\r\n"), want: answered(history.Completed, 200)}, true},
		"chunked with a trailer":     {scene{play: answers(okHead + chunked + "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"), want: answered(history.Completed, 200)}, true},
		"chunked and empty":          {scene{play: answers(okHead + chunked + "0\r\n\r\n"), want: answered(history.Completed, 200)}, true},
		"204 has no body":            {scene{play: answers("HTTP/1.1 204 No Content\r\n\r\n"), want: answered(history.Completed, 204)}, true},
		"304 has no body":            {scene{play: answers("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), want: answered(history.Completed, 304)}, true},
		"HEAD has no body":           {scene{method: "HEAD", play: answers(okHead + "Content-Length: 9\r\n\r\n"), want: answered(history.Completed, 200)}, true},
		"HEAD of a chunked answer":   {scene{method: "HEAD", play: answers(okHead + chunked), want: answered(history.Completed, 200)}, true},
		"HEAD of unknown length":     {scene{method: "HEAD", play: answers(okHead + "\r\n"), want: answered(history.Completed, 200)}, true},
		"POST, Content-Length 0":     {scene{method: "POST", body: "order", play: answers(okHead + "Content-Length: 0\r\n\r\n"), want: with(answered(history.Completed, 200), posted)}, true},
		"POST of many writes":        {scene{method: "POST", body: huge()[:1<<20], play: plays((*exchange).answer), want: with(answered(history.Completed, 200), posted)}, true},
		"503 declines":               {scene{play: answers("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"), want: answered(history.Rejected, 503)}, true},
		"429 declines":               {scene{play: answers("HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n"), want: answered(history.Rejected, 429)}, true},
		"500 is failed":              {scene{play: answers("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"), want: answered(history.Failed, 500)}, true},
		"404 is failed":              {scene{play: answers("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), want: answered(history.Failed, 404)}, true},
		"302 to nowhere":             {scene{play: answers("HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 2\r\n\r\nok"), want: answered(history.Completed, 302)}, true},
		"302 is not followed":        {scene{play: answers("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), want: answered(history.Completed, 302)}, true},
		"307 of a POST":              {scene{method: "POST", body: "order", play: answers("HTTP/1.1 307 There\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), want: with(answered(history.Completed, 307), posted)}, true},
		"1xx before the answer":      {scene{play: answers("HTTP/1.1 103 Early Hints\r\n\r\n" + okHead + "Content-Length: 2\r\n\r\nok"), want: answered(history.Completed, 200)}, true},
		"Connection: close":          {scene{play: answers(okHead + "Connection: close\r\nContent-Length: 2\r\n\r\nok"), want: with(answered(history.Completed, 200), closes)}, false},
		"Connection: close, no body": {scene{play: answers("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), want: with(answered(history.Completed, 204), closes)}, false},
		"503 and Connection: close":  {scene{play: answers("HTTP/1.1 503 Bye\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), want: with(answered(history.Rejected, 503), closes)}, false},
		"close-delimited":            {scene{play: then(okHead+"\r\nall of it", (*exchange).fin), want: with(answered(history.Completed, 200), unframe)}, false},
		"HTTP/1.0, close-delimited":  {scene{play: then("HTTP/1.0 200 OK\r\n\r\nall of it", (*exchange).fin), want: with(answered(history.Completed, 200), unframe)}, false},
		"whole, and then FIN":        {scene{play: then(okHead+"Content-Length: 2\r\n\r\nok", (*exchange).fin), want: answered(history.Completed, 200)}, false},
		"whole, and then RST":        {scene{play: then(okHead+"Content-Length: 2\r\n\r\nok", (*exchange).rst), want: answered(history.Completed, 200)}, false},
		"101 leaves HTTP":            {scene{play: answers("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), want: answered(history.Failed, 101)}, false},
		"101 that nobody asked for":  {scene{play: answers("HTTP/1.1 101 Go\r\n\r\n"), want: answered(history.Failed, 101)}, false},
		"an answer before the body": {scene{method: "POST", body: huge(), play: func(_ *rig, x *exchange) {
			x.over = true // what is left of the body must not be taken for a request
			x.say("HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno")
			<-x.script.stop
		}, want: with(answered(history.Failed, 413), partly)}, false},
		"an answer without a body before the body": {scene{method: "POST", body: huge(), play: func(_ *rig, x *exchange) {
			x.over = true
			x.say("HTTP/1.1 413 Too much\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			<-x.script.stop
		}, want: with(with(answered(history.Failed, 413), partly), closes)}, false},
	}
}

func TestWholeAnswers(t *testing.T) {
	for name, tt := range wholeAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.answer(t, tt.keeps)
		})
	}
}

// answer plays the scene, and looks whether the next request finds the
// connection in the pool.
func (sc scene) answer(t *testing.T, keeps bool) {
	t.Helper()
	play := sc.play
	sc.play = func(r *rig, x *exchange) {
		if r.seq > 1 { // it is the next request
			x.answer()
			return
		}
		play(r, x)
	}
	r := sc.set(t, ample)
	method := sc.method
	if method == "" {
		method = http.MethodGet
	}
	got := r.do(method, sc.body)
	sc.want.Attempts, sc.want.Pooled = 1, true
	if diff := cmp.Diff(sc.want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.BytesOut == 0 || got.BytesIn == 0 || got.Written != (got.BytesOut > int64(len(sc.body))) {
		t.Errorf("%d bytes out of more than %d, written is %t, %d in", got.BytesOut, len(sc.body), got.Written, got.BytesIn)
	}
	if got.Closes || got.Status == http.StatusSwitchingProtocols || !got.Written {
		if n := r.idle(); n != 0 {
			t.Errorf("%d connections are in the pool that must not be used again", n)
		}
	}
	if !keeps {
		r.noticed()
	}
	next := r.do(http.MethodGet, "")
	if next.Outcome != history.Completed || next.Reused != keeps || (next.Conn == got.Conn) != keeps {
		t.Errorf("the next request: %s, reused is %t, on connection %d after %d; want reused %t",
			next.Outcome, next.Reused, next.Conn, got.Conn, keeps)
	}
}

func TestRefusedWhereNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh} {
		r := newRig(t, listener.Addr().String(), lanes, ample)
		got := r.do(http.MethodPost, "order")
		want := history.Request{
			Outcome: history.Refused, Reason: history.ConnectionRefused, Pooled: lanes == scenario.Reused,
		}
		if diff := cmp.Diff(want, facts(got)); diff != "" {
			t.Errorf("%s: record (-want +got):\n%s", lanes, diff)
		}
		if got.BytesOut != 0 || got.Sent != 0 || got.Connected != 0 {
			t.Errorf("%s: %d bytes out, connected %s, sent %s", lanes, got.BytesOut, got.Connected, got.Sent)
		}
	}
}

// The classic race of keep-alive: the server reads a second request and hangs
// up. Go's own client hides the loss of a GET and not that of a POST.
func TestLossOnReusedConnection(t *testing.T) {
	tests := map[string]struct {
		method, body string
		end          func(*exchange)
		want         history.Request
	}{
		"GET closed is masked":     {"GET", "", (*exchange).fin, history.Request{Cause: history.Closed, Idempotent: true, Masked: true}},
		"GET reset is masked":      {"GET", "", (*exchange).rst, history.Request{Cause: history.Reset, Idempotent: true, Masked: true}},
		"HEAD closed is masked":    {"HEAD", "", (*exchange).fin, history.Request{Cause: history.Closed, Idempotent: true, Masked: true}},
		"POST closed is not":       {"POST", "order", (*exchange).fin, history.Request{Cause: history.Closed}},
		"POST reset is not":        {"POST", "", (*exchange).rst, history.Request{Cause: history.Reset}},
		"PUT closed is not":        {"PUT", "order", (*exchange).fin, history.Request{Cause: history.Closed, Idempotent: true}},
		"GET with a body replayed": {"GET", "query", (*exchange).fin, history.Request{Cause: history.Closed, Idempotent: true, Masked: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, func(x *exchange) {
				if x.nth == 1 {
					x.answer()
					return
				}
				tt.end(x)
			})
			r := newRig(t, s.address(), scenario.Reused, ample)
			first := r.do(http.MethodGet, "")
			got := r.do(tt.method, tt.body)
			tt.want.Outcome, tt.want.Attempts = history.Dropped, 1
			tt.want.Pooled, tt.want.Reused, tt.want.Written = true, true, true
			if diff := cmp.Diff(tt.want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Conn != first.Conn || got.Connected != first.Connected || got.Sent <= first.End {
				t.Errorf("first %+v\nthen %+v", first, got)
			}
			if n := len(s.received()); n != 2 {
				t.Errorf("the server received %d requests, want 2", n)
			}
		})
	}
}

// Go's client is the reason for this package: here is what it hides.
func TestGoHidesWhatWeSay(t *testing.T) {
	var lost atomic.Int32
	s := newScript(t, func(x *exchange) {
		if x.nth == 2 {
			lost.Add(1)
			x.fin()
			return
		}
		x.answer()
	})
	theirs := new(http.Transport)
	defer theirs.CloseIdleConnections()
	for i := range 2 {
		req, _ := http.NewRequest(http.MethodGet, "http://"+s.address(), nil)
		req.Header.Set(ledger.HeaderID, "theirs-"+string(rune('0'+i)))
		result := hit(&http.Client{Transport: theirs}, req)
		if result.Code != http.StatusOK {
			t.Errorf("request %d: %d %s", i, result.Code, result.Error)
		}
	}
	s.mu.Lock()
	if s.ids["theirs-1"] != 2 || lost.Load() != 1 {
		t.Errorf("their second request was received %d times, and lost %d times", s.ids["theirs-1"], lost.Load())
	}
	delete(s.ids, "theirs-1") // theirs may be sent twice, ours not
	s.mu.Unlock()
	r := newRig(t, s.address(), scenario.Reused, ample)
	r.do(http.MethodGet, "")
	if got := r.do(http.MethodGet, ""); got.Outcome != history.Dropped || !got.Masked {
		t.Errorf("our second request: %s, masked is %t", got.Outcome, got.Masked)
	}
}

func TestIdleCloseIsNoLoss(t *testing.T) {
	ends := map[string]func(*exchange){
		"FIN": func(x *exchange) { x.over = true; x.Close() },
		"RST": (*exchange).rst,
		"408 and FIN": func(x *exchange) { // as HAProxy and others take leave of an idle client
			x.over = true
			x.say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
			x.Close()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answered := make(chan struct{})
			s := newScript(t, func(x *exchange) {
				x.answer()
				if x.number == 1 {
					<-answered
					end(x)
				}
			})
			r := newRig(t, s.address(), scenario.Reused, ample)
			r.do(http.MethodGet, "")
			close(answered)
			r.noticed()
			got := r.do(http.MethodGet, "")
			want := answered2xx(func(r *history.Request) { r.Stale = 1 })
			if diff := cmp.Diff(want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Conn != 2 {
				t.Errorf("served on connection %d, want 2", got.Conn)
			}
		})
	}
}

func answered2xx(change func(*history.Request)) history.Request {
	return with(with(answered(history.Completed, 200), func(r *history.Request) { r.Attempts, r.Pooled = 1, true }), change)
}

// dead fails every write before a byte of it is accepted, as a connection does
// whose RST came between the pool's look and the write.
func dead(net.Conn, []byte) (int, error) { return 0, syscall.EPIPE }

// tamperFirst makes the first n connections fail as write does.
func (r *rig) tamperFirst(n uint32, write func(net.Conn, []byte) (int, error)) {
	r.tamper(func(number uint32, c net.Conn) net.Conn {
		if number > n {
			return c
		}
		return &flaw{Conn: c, write: write}
	})
}

func TestDeadBeforeAByte(t *testing.T) {
	tests := map[string]struct {
		dead   uint32
		parked int
		lanes  scenario.Connections
		want   history.Request
	}{
		"one, reused":    {1, 1, scenario.Reused, history.Request{Outcome: history.Completed, Status: 200, Attempts: 2, Stale: 1, Written: true, Pooled: true}},
		"two, reused":    {2, 2, scenario.Reused, history.Request{Outcome: history.Completed, Status: 200, Attempts: 3, Stale: 2, Written: true, Pooled: true}},
		"three, reused":  {3, 3, scenario.Reused, history.Request{Outcome: history.Refused, Reason: history.DeadConnections, Attempts: 3, Stale: 3, Pooled: true, Reused: true}},
		"one of each":    {2, 1, scenario.Reused, history.Request{Outcome: history.Completed, Status: 200, Attempts: 3, Stale: 2, Written: true, Pooled: true}},
		"one, fresh":     {1, 0, scenario.Fresh, history.Request{Outcome: history.Completed, Status: 200, Attempts: 2, Stale: 1, Written: true}},
		"three, fresh":   {3, 0, scenario.Fresh, history.Request{Outcome: history.Refused, Reason: history.DeadConnections, Attempts: 3, Stale: 3}},
		"more than that": {9, 9, scenario.Reused, history.Request{Outcome: history.Refused, Reason: history.DeadConnections, Attempts: 3, Stale: 3, Pooled: true, Reused: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan string, 9)
			s := newScript(t, func(x *exchange) {
				bodies <- x.body()
				x.say(okHead + "Content-Length: 2\r\n\r\nok")
			})
			r := newRig(t, s.address(), tt.lanes, ample)
			r.tamperFirst(tt.dead, dead)
			r.park(tt.parked)
			req := r.request(http.MethodPost, "the whole order")
			req.GetBody = func() (io.ReadCloser, error) {
				return &strict{Reader: strings.NewReader("the whole order")}, nil
			}
			req.Body, _ = req.GetBody()
			got := r.send(req)
			if diff := cmp.Diff(tt.want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			if got.Outcome == history.Completed {
				if body := <-bodies; body != "the whole order" {
					t.Errorf("the server received the body %q", body)
				}
			}
			if n := len(s.received()); n > 1 {
				t.Errorf("the server received %d requests", n)
			}
		})
	}
}

// strict is a body that is gone once it is closed.
type strict struct {
	io.Reader
	closed atomic.Bool
}

func (s *strict) Read(p []byte) (int, error) {
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	return s.Reader.Read(p)
}

func (s *strict) Close() error {
	s.closed.Store(true)
	return nil
}

// What a connection carried before says nothing of the request that finds it
// dead.
func TestDeadAfterHavingServed(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	var writes atomic.Int32
	r.tamperFirst(1, func(c net.Conn, p []byte) (int, error) {
		if writes.Add(1) > 1 {
			return 0, syscall.ECONNRESET
		}
		return c.Write(p)
	})
	first, got := r.do(http.MethodGet, ""), r.do(http.MethodGet, "")
	want := answered2xx(func(r *history.Request) { r.Attempts, r.Stale = 2, 1 })
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.Conn != 2 || got.BytesOut != first.BytesOut || got.BytesIn != first.BytesIn {
		t.Errorf("first %+v\nthen %+v", first, got)
	}
}

// Each request's bytes are its own, and its deadline too: an idle connection
// has none.
func TestReuseStartsAfresh(t *testing.T) {
	t.Parallel()
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, short)
	first := r.do(http.MethodGet, "")
	eventually(t, "the first request's deadline is over", func() bool { return r.clock.Now() > first.Started+short+short/4 })
	got := r.do(http.MethodGet, "")
	want := answered2xx(func(r *history.Request) { r.Reused = true })
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.BytesOut != first.BytesOut || got.BytesIn != first.BytesIn {
		t.Errorf("first %+v\nthen %+v", first, got)
	}
}

// A connection whose answer said that it closes is not offered again, even in
// the moment before net/http has closed it.
func TestAnnouncedCloseIsNotPooled(t *testing.T) {
	s := newScript(t, func(x *exchange) {
		x.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	r := newRig(t, s.address(), scenario.Reused, ample)
	r.tamper(func(_ uint32, c net.Conn) net.Conn { return lenient{c} })
	r.do(http.MethodGet, "")
	if n := r.idle(); n != 0 {
		t.Errorf("%d connections wait for the next request", n)
	}
}

// lenient takes deadlines even when it is closed, as if that had yet to happen.
type lenient struct{ net.Conn }

func (lenient) SetDeadline(time.Time) error { return nil }

// A single byte that the kernel took may have reached the server: from then on
// the request is never sent again.
func TestOneByteIsNeverSentAgain(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	r.tamperFirst(1, func(c net.Conn, p []byte) (int, error) {
		n, _ := c.Write(p[:1])
		_ = c.(*net.TCPConn).CloseRead() // as RST leaves it to whoever asks second
		return n, syscall.ECONNRESET
	})
	got := r.do(http.MethodGet, "")
	want := history.Request{Outcome: history.Dropped, Cause: history.Reset, Attempts: 1, Pooled: true, Idempotent: true}
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if got.BytesOut != 1 {
		t.Errorf("%d bytes out, want 1", got.BytesOut)
	}
}

// A server may decline an upload when it has read its head, and close. The kernel
// then answers what is still being sent with RST; but the answer is whole.
func TestUploadDeclinedEarly(t *testing.T) {
	const busy = "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 5\r\n\r\nbusy\n"
	tests := map[string]struct {
		says string
		end  func(*exchange)
		want history.Request
	}{
		"closed with the body unread": {busy, (*exchange).drop, with(with(answered(history.Rejected, 503), partly), closes)},
		"in chunks": {
			"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbusy\n\r\n0\r\n\r\n",
			(*exchange).drop, with(answered(history.Rejected, 503), partly),
		},
		"without a body": {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", (*exchange).drop, with(answered(history.Rejected, 503), partly)},
		"no announcement": {
			"HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nbusy\n", (*exchange).drop,
			with(answered(history.Rejected, 503), partly),
		},
		"half the answer": {
			"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nbusy\n", (*exchange).drop,
			with(lostMidway(history.Truncated), func(r *history.Request) { partly(r); r.Status = 503 }),
		},
		"half the head": {"HTTP/1.1 503 Busy\r\nContent-", (*exchange).drop, with(lost(history.Truncated), partly)},
		"ended by RST only": {
			"HTTP/1.1 503 Busy\r\n\r\nbusy\n", (*exchange).drop,
			with(lostMidway(history.Truncated), func(r *history.Request) { partly(r); unframe(r); r.Status = 503 }),
		},
		"no answer": {"", (*exchange).drop, with(lost(history.Reset), partly)},
	}
	for name, tt := range tests {
		for _, length := range []string{"known", "unknown"} {
			t.Run(name+", length "+length, func(t *testing.T) {
				t.Parallel()
				s := newScript(t, func(x *exchange) {
					if x.method == http.MethodGet {
						x.answer()
						return
					}
					x.awaitUnread() // or its close would be a FIN
					x.say(tt.says)
					tt.end(x)
				})
				r := newRig(t, s.address(), scenario.Reused, ample)
				for range 5 {
					req := r.request(http.MethodPost, huge())
					if length == "unknown" {
						req.ContentLength, req.Body = -1, io.NopCloser(strings.NewReader(huge()))
					}
					got := r.send(req)
					want := tt.want
					want.Attempts, want.Pooled = 1, true
					if diff := cmp.Diff(want, facts(got)); diff != "" {
						t.Errorf("record (-want +got):\n%s", diff)
					}
					if n := r.idle(); n != 0 {
						t.Errorf("%d connections are in the pool on which a write failed", n)
					}
				}
				if next := r.do(http.MethodGet, ""); next.Outcome != history.Completed || next.Reused || next.Stale != 0 {
					t.Errorf("the next request: %s, reused is %t, %d stale", next.Outcome, next.Reused, next.Stale)
				}
			})
		}
	}
}

// A head that does not fit net/http's buffer goes out in pieces. Wherever they are
// cut, its end is found.
func TestLongHeadIsWrittenWhole(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	for extra := range 64 {
		for _, body := range []string{"", "order"} {
			req := r.request(http.MethodPost, body)
			req.Header.Set("X-Long", strings.Repeat("x", 3900+extra*3))
			got := r.send(req)
			if got.Outcome != history.Completed || !got.Written {
				t.Errorf("%d bytes, body %q: %s, written is %t", got.BytesOut, body, got.Outcome, got.Written)
			}
		}
	}
}

// A write that fails within a request must not make net/http use the connection
// again: to it, all of the request is out.
func TestFailedWriteEndsTheConnection(t *testing.T) {
	s := newScript(t, func(x *exchange) {
		x.say(okHead + "Content-Length: 2\r\n\r\nok") // before the body, of which only a part comes
		x.hold()
	})
	r := newRig(t, s.address(), scenario.Reused, ample)
	var writes atomic.Int32
	r.tamperFirst(1, func(c net.Conn, p []byte) (int, error) {
		if writes.Add(1) == 1 {
			return c.Write(p)
		}
		return 0, syscall.EPIPE
	})
	got := r.do(http.MethodPost, huge()[:1<<20])
	if got.Outcome != history.Completed || got.Written || got.BytesOut >= 1<<20 {
		t.Errorf("%s, written is %t, %d bytes out", got.Outcome, got.Written, got.BytesOut)
	}
	if n := r.idle(); n != 0 || writes.Load() != 2 {
		t.Errorf("%d connections in the pool, %d writes", n, writes.Load())
	}
}

// What comes on an idle connection is no answer to the request that follows, even
// if nobody has read it when that is sent.
func TestUnsolicitedAnswerIsAClosing(t *testing.T) {
	const goodbye = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	tests := map[string]struct {
		secure bool
		says   string
		end    func(*exchange)
	}{
		"408 and FIN":           {false, goodbye, (*exchange).fin},
		"408 and no end":        {false, goodbye, nil},
		"500 and FIN":           {false, strings.Replace(goodbye, "408", "500", 1), (*exchange).fin},
		"FIN alone":             {false, "", (*exchange).fin},
		"RST":                   {false, "", (*exchange).rst},
		"408 and a TLS goodbye": {true, goodbye, (*exchange).bye},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answered, said := make(chan struct{}), make(chan struct{})
			r := scene{secure: tt.secure, play: func(_ *rig, x *exchange) {
				x.answer()
				if x.number > 1 {
					return
				}
				<-answered
				x.say(tt.says)
				if tt.end != nil {
					tt.end(x)
				}
				close(said)
			}}.set(t, ample)
			r.do(http.MethodGet, "")
			close(answered)
			<-said
			got := r.do(http.MethodGet, "")
			want := answered2xx(func(r *history.Request) { r.Stale, r.Attempts = 1, got.Attempts })
			if diff := cmp.Diff(want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// Between write(2) and the next line the writer of a long body may lose its processor,
// and the answer be read meanwhile. It must not look as if less had been sent.
func TestAnswerOvertakesTheWriter(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   history.Request
	}{
		"whole":     {"Connection: close\r\nContent-Length: 2\r\n\r\nok", answered2xx(closes)},
		"no body":   {"Connection: close\r\nContent-Length: 0\r\n\r\n", answered2xx(closes)},
		"unframed":  {"\r\nok", answered2xx(unframe)},
		"truncated": {"Content-Length: 9\r\n\r\nok", with(lostMidway(history.Truncated), func(r *history.Request) { r.Attempts, r.Pooled = 1, true })},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, func(x *exchange) {
				x.body()
				x.say(okHead + tt.answer)
				x.fin()
			})
			r := newRig(t, s.address(), scenario.Reused, ample)
			ended := make(chan struct{})
			var writes atomic.Int32
			r.tamperFirst(1, func(c net.Conn, p []byte) (int, error) {
				n, err := c.Write(p)
				if writes.Add(1) > 1 {
					<-ended
				}
				return n, err
			})
			got := r.do(http.MethodPut, huge()[:100<<10])
			close(ended)
			if n := writes.Load(); n != 2 {
				t.Errorf("%d writes, want two", n)
			}
			if diff := cmp.Diff(tt.want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// A new connection that is dead on arrival is taken for what it is, whether the
// pool or the write notices first.
func TestDialNeverFailsOnceConnected(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Fresh, ample)
	r.tamper(func(_ uint32, c net.Conn) net.Conn { return ended{c} })
	for i := range 2000 {
		c, err := r.pool.dial(ample)
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		c.Close()
	}
}

// ended is a connection whose FIN has arrived already.
type ended struct{ net.Conn }

func (ended) Read([]byte) (int, error) { return 0, io.EOF }

// TestSmallBodyTravelsWithItsHead: real clients send a small body and its head
// in one segment, and a race that depends on it must be met as they meet it.
func TestSmallBodyTravelsWithItsHead(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	var writes atomic.Int32
	r.tamper(func(_ uint32, c net.Conn) net.Conn { return counted{c, &writes} })
	for i := range 2 {
		if got := r.do(http.MethodPost, "order"); got.Outcome != history.Completed || !got.Written {
			t.Fatalf("request %d: %s, fully written %t", i, got.Outcome, got.Written)
		}
	}
	if n := writes.Load(); n != 2 {
		t.Errorf("two requests took %d writes", n)
	}
}

// counted counts the writes on a connection.
type counted struct {
	net.Conn
	writes *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestFreshLane(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Fresh, ample)
	for i := range 3 {
		got := r.do(http.MethodGet, "")
		want := answered2xx(func(r *history.Request) { r.Pooled = false })
		if diff := cmp.Diff(want, facts(got)); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if got.Conn != uint32(i+1) {
			t.Errorf("request %d travelled on connection %d", i, got.Conn)
		}
		if n := r.connections(); n != 0 {
			t.Errorf("%d connections are open after the answer", n)
		}
	}
	for _, x := range s.received() {
		if v, ok := x.header["Connection"]; ok {
			t.Errorf("Connection: %q was sent: it asks for another shutdown than clients do", v)
		}
	}
}

func TestRequestArrivesWithItsID(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Mixed, ample)
	for range 4 {
		req := r.request(http.MethodPost, "order")
		req.Header.Set("X-Own", "kept")
		before, body := req.Header.Clone(), req.Body
		before.Set(seqHeader, string(rune('0'+r.seq))) // send sets it, as vegeta does
		got := r.send(req)
		if got.Pooled != (got.Seq%2 == 0) {
			t.Errorf("request %d is pooled: %t", got.Seq, got.Pooled)
		}
		if diff := cmp.Diff(before, req.Header); diff != "" {
			t.Errorf("the caller's header was changed (-before +after):\n%s", diff)
		}
		if req.Body != body {
			t.Error("the caller's body was exchanged")
		}
	}
	for i, x := range s.received() {
		if got, want := x.header.Get(ledger.HeaderID), prefix+string(rune('0'+i)); got != want {
			t.Errorf("request %d arrived as %q, want %q", i, got, want)
		}
		if x.header.Get("X-Own") != "kept" {
			t.Errorf("request %d lost the caller's header", i)
		}
	}
}

// closing notes that it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

// A RoundTripper must close the body it was given, whatever happens.
func TestBodyIsClosed(t *testing.T) {
	tests := map[string]func(*rig, *http.Request){
		"answered":            func(*rig, *http.Request) {},
		"dead before a byte":  func(r *rig, _ *http.Request) { r.tamperFirst(9, dead) },
		"no sequence number":  func(_ *rig, req *http.Request) { req.Header.Del(seqHeader) },
		"not to be sent":      func(_ *rig, req *http.Request) { req.Header["Bad"] = []string{"a\nb"} },
		"nobody listens":      func(r *rig, _ *http.Request) { r.pool.address = "127.0.0.1:1" },
		"the pool was closed": func(r *rig, _ *http.Request) { r.cancelled.Store(true); r.pool.close() },
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, (*exchange).answer)
			r := newRig(t, s.address(), scenario.Reused, ample)
			body := &closing{Reader: bytes.NewReader([]byte("order"))}
			req := r.request(http.MethodPost, "")
			req.Body, req.ContentLength = body, 5
			req.Header.Set(seqHeader, "0")
			prepare(r, req)
			if res, err := r.RoundTrip(req); err == nil {
				res.Body.Close()
			}
			eventually(t, "the body is closed", body.closed.Load)
		})
	}
}

func TestUnsendableIsOurOwnFault(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	req := r.request(http.MethodGet, "")
	req.Header["Bad Name"] = []string{"x"}
	got := r.send(req)
	want := history.Request{Outcome: history.Unsent, Reason: history.Unsendable, Attempts: 1, Pooled: true, Idempotent: true}
	if diff := cmp.Diff(want, facts(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestForeignRequestIsNotCounted(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	for _, seq := range []string{"", "-1", "one", "4294967296"} {
		req := r.request(http.MethodGet, "")
		req.Header.Set(seqHeader, seq)
		if _, err := r.RoundTrip(req); !errors.Is(err, errNoSequence) {
			t.Errorf("sequence number %q: %v", seq, err)
		}
	}
	if n := len(s.received()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// An early close of an answer must not hide that its rest never came.
func TestClosedBodyIsReadToItsEnd(t *testing.T) {
	s := newScript(t, func(x *exchange) {
		x.say(okHead + "Content-Length: 9\r\n\r\nhalf")
		x.fin()
	})
	r := newRig(t, s.address(), scenario.Reused, ample)
	req := r.request(http.MethodGet, "")
	req.Header.Set(seqHeader, "0")
	res, err := r.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if r.open.Load() != 1 {
		t.Error("the request ended before its answer did")
	}
	if err := res.Body.Close(); err == nil {
		t.Error("Close says nothing of the rest that did not come")
	}
	if got := r.records.at(0); got.Outcome != history.Dropped || got.Cause != history.Truncated {
		t.Errorf("%s, %s", got.Outcome, got.Cause)
	}
}

// Whatever a server does in whatever order, each request is recorded as what
// happened to it, and none reaches the server twice.
func TestAnySequenceOfFates(t *testing.T) {
	type act struct {
		play    func(*exchange)
		outcome history.Outcome
		cause   history.Cause
	}
	raw := func(text string, end func(*exchange)) func(*exchange) {
		return func(x *exchange) {
			x.body()
			x.say(text)
			if end != nil {
				end(x)
			}
		}
	}
	acts := []act{
		{(*exchange).answer, history.Completed, history.None},
		{raw(okHead+chunked+"2\r\nok\r\n0\r\n\r\n", nil), history.Completed, history.None},
		{raw(okHead+"Connection: close\r\nContent-Length: 2\r\n\r\nok", (*exchange).fin), history.Completed, history.None},
		{raw(okHead+"\r\nok", (*exchange).fin), history.Completed, history.None},
		{raw("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", nil), history.Rejected, history.None},
		{raw("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", nil), history.Failed, history.None},
		{(*exchange).fin, history.Dropped, history.Closed},
		{(*exchange).rst, history.Dropped, history.Reset},
		{raw(okHead+"Content-Length: 9\r\n\r\nhalf", (*exchange).fin), history.Dropped, history.Truncated},
		{raw("what?\r\n", (*exchange).fin), history.Dropped, history.Corrupt},
	}
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.IntRange(0, len(acts)-1), 1, 12).Draw(rt, "fates")
		methods := rapid.SliceOfN(rapid.SampledFrom([]string{"GET", "POST", "PUT", "HEAD"}), len(plan), len(plan)).Draw(rt, "methods")
		lanes := rapid.SampledFrom([]scenario.Connections{scenario.Reused, scenario.Fresh, scenario.Mixed}).Draw(rt, "lanes")
		t.Run("", func(t *testing.T) { // its cleanup belongs to one check
			var next atomic.Int32
			s := newScript(t, func(x *exchange) { acts[plan[next.Load()]].play(x) })
			r := newRig(t, s.address(), lanes, ample)
			for i, fate := range plan {
				next.Store(int32(i))
				method := methods[i]
				if method == "HEAD" && acts[fate].cause == history.None {
					method = "GET" // those answers have bodies
				}
				if method == "HEAD" && acts[fate].cause == history.Truncated {
					method = "GET" // to HEAD, that answer is whole
				}
				got := r.do(method, "")
				if got.Outcome != acts[fate].outcome || got.Cause != acts[fate].cause || got.Attempts != 1 {
					rt.Errorf("request %d of %v: %s %s after %d attempts", i, plan, got.Outcome, got.Cause, got.Attempts)
				}
			}
			if n := len(s.received()); n != len(plan) {
				rt.Errorf("the server received %d requests of %d", n, len(plan))
			}
		})
	})
}

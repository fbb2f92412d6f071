package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// site is a good server that counts, and can make its clients wait.
type site struct {
	*httptest.Server
	served  atomic.Int64
	holding chan struct{} // its handlers wait until this is closed
}

func newSite(t *testing.T, hold bool) *site {
	t.Helper()
	s := &site{holding: make(chan struct{})}
	release := sync.OnceFunc(func() { close(s.holding) })
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if hold {
			select {
			case <-s.holding:
			case <-req.Context().Done():
			}
		}
		s.served.Add(1)
		_, _ = io.WriteString(w, "hello")
	}))
	t.Cleanup(func() {
		if hold {
			select {
			case <-s.holding:
			default:
				release()
			}
		}
		s.Close()
	})
	return s
}

func config(address string) Config {
	return Config{
		Base: time.Now(), Address: address, Targets: []Target{{Method: http.MethodGet, URL: "http://" + address + "/"}},
		Rate: 1000, Lanes: scenario.Reused, Timeout: ample, Tail: time.Hour, MaxOpen: 2000, Prefix: prefix,
	}
}

func (s *site) config() Config { return config(s.Listener.Addr().String()) }

// done waits for the attack's end. That it comes is what is tested, so there is
// a bound.
func done(t *testing.T, a *Attack) Report {
	t.Helper()
	select {
	case <-a.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("the attack has not ended, %d requests are open", a.Open())
	}
	return a.Report()
}

// conserved checks that no request went missing anywhere, and that nothing is
// left.
func conserved(t *testing.T, a *Attack, r Report) {
	t.Helper()
	if r.Scheduled != r.Results || r.Scheduled != len(r.Requests) || r.Scheduled != a.Begun() || r.Disagreed != 0 {
		t.Errorf("%d scheduled, %d begun, %d results, %d records, %d disagreed",
			r.Scheduled, a.Begun(), r.Results, len(r.Requests), r.Disagreed)
	}
	for i := range r.Requests {
		if r.Requests[i].Seq != uint32(i) {
			t.Errorf("record %d is of request %d", i, r.Requests[i].Seq)
		}
		checkRecord(t, &r.Requests[i])
	}
	a.transport.pool.mu.Lock()
	defer a.transport.pool.mu.Unlock()
	if n := len(a.transport.pool.open); n != 0 || a.Open() != 0 {
		t.Errorf("%d connections and %d requests are open after the end", n, a.Open())
	}
}

func TestConservation(t *testing.T) {
	for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh, scenario.Mixed} {
		t.Run(string(lanes), func(t *testing.T) {
			s := newSite(t, false)
			c := s.config()
			c.Lanes = lanes
			a := Start(c)
			eventually(t, "enough is served", func() bool { return s.served.Load() >= 150 })
			a.End()
			r := done(t, a)
			conserved(t, a, r)
			if int64(r.Scheduled) != s.served.Load() || r.Paused != 0 {
				t.Errorf("%d scheduled, %d served, paused at %s", r.Scheduled, s.served.Load(), r.Paused)
			}
			checkLanes(t, lanes, r.Requests)
		})
	}
}

// checkLanes checks that each request travelled as its lane says.
func checkLanes(t *testing.T, lanes scenario.Connections, requests []history.Request) {
	t.Helper()
	users := make(map[uint32]int)
	reused := 0
	for _, r := range requests {
		if r.Outcome != history.Completed {
			t.Errorf("request %d: %s", r.Seq, r.Outcome)
		}
		pooled := lanes == scenario.Reused || lanes == scenario.Mixed && r.Seq%2 == 0
		if r.Pooled != pooled {
			t.Errorf("request %d is pooled: %t", r.Seq, r.Pooled)
		}
		users[r.Conn]++
		if r.Reused {
			reused++
		}
	}
	for _, r := range requests {
		if !r.Pooled && (users[r.Conn] != 1 || r.Reused) {
			t.Errorf("request %d is to have a connection of its own, and shares %d with %d", r.Seq, r.Conn, users[r.Conn])
		}
	}
	if (reused > 0) != (lanes != scenario.Fresh) {
		t.Errorf("%d requests travelled on connections that had served before", reused)
	}
}

// A server that ends its connections in every way there is still gets every
// request accounted for, once, and as what the server did to it.
func TestConservationAmongLosses(t *testing.T) {
	for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh, scenario.Mixed} {
		t.Run(string(lanes), func(t *testing.T) {
			var turn, dropped, whole atomic.Int64
			s := newScript(t, func(x *exchange) {
				switch turn.Add(1) % 6 {
				case 0:
					dropped.Add(1)
					x.fin()
				case 1:
					dropped.Add(1)
					x.rst()
				case 2:
					dropped.Add(1)
					x.body()
					x.say(okHead + "Content-Length: 9\r\n\r\nhalf")
					x.fin()
				default:
					whole.Add(1)
					x.answer()
				}
			})
			c := config(s.address())
			c.Lanes = lanes
			c.Targets[0].Method, c.Targets[0].Body = http.MethodPost, []byte("order")
			a := Start(c)
			eventually(t, "enough is received", func() bool { return turn.Load() >= 150 })
			a.End()
			r := done(t, a)
			conserved(t, a, r)
			var counts history.Counts
			for i := range r.Requests {
				counts.Add(r.Requests[i].Outcome)
			}
			if int64(counts.Dropped) != dropped.Load() || int64(counts.Completed) != whole.Load() ||
				counts.Total != counts.Dropped+counts.Completed {
				t.Errorf("the server dropped %d and answered %d, the records say %+v", dropped.Load(), whole.Load(), counts)
			}
		})
	}
}

// A request that vegeta never handed to our transport must be missed, not
// forgotten.
func TestMissingRequestIsNoticed(t *testing.T) {
	c := config("127.0.0.1:1")
	c.Targets[0].URL, c.Lag = "http://[bad", 200*time.Millisecond
	a := Start(c)
	a.Signalled(0)
	r := done(t, a)
	if r.Scheduled == 0 || r.Disagreed != r.Scheduled || r.Results != r.Scheduled {
		t.Errorf("%d scheduled, %d results, %d disagreed", r.Scheduled, r.Results, r.Disagreed)
	}
	for _, request := range r.Requests {
		if request.Outcome != history.Pending {
			t.Errorf("request %d never left and is recorded as %s", request.Seq, request.Outcome)
		}
	}
}

// Five results for five requests are not enough: each must have one.
func TestSecondResultIsNoticed(t *testing.T) {
	tests := map[string]struct {
		seqs []uint64
		want int
	}{
		"one each":             {[]uint64{0, 1, 2, 70, 4000}, 0},
		"in any order":         {[]uint64{4000, 2, 0, 70, 1}, 0},
		"one twice, one never": {[]uint64{0, 1, 2, 70, 70}, 1},
		"at once":              {[]uint64{0, 0, 1, 2, 70}, 1},
		"three times":          {[]uint64{2, 1, 2, 70, 2}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
			a := &Attack{transport: r.transport, done: make(chan struct{})}
			results := make(chan *vegeta.Result, len(tt.seqs))
			for _, seq := range tt.seqs {
				r.records.at(uint32(seq)).Outcome = history.Refused
				results <- &vegeta.Result{Seq: seq, Error: "refused"}
			}
			close(results)
			a.collect(results)
			if a.results != len(tt.seqs) || a.disagreed != tt.want {
				t.Errorf("%d results, %d disagreed; want %d", a.results, a.disagreed, tt.want)
			}
		})
	}
}

func TestDisagree(t *testing.T) {
	tests := map[string]struct {
		result vegeta.Result
		record history.Request
		want   bool
	}{
		"both say 200":              {vegeta.Result{Code: 200}, history.Request{Outcome: history.Completed, Status: 200}, false},
		"both say 503":              {vegeta.Result{Code: 503, Error: "503"}, history.Request{Outcome: history.Rejected, Status: 503}, false},
		"both say 500":              {vegeta.Result{Code: 500, Error: "500"}, history.Request{Outcome: history.Failed, Status: 500}, false},
		"another status":            {vegeta.Result{Code: 200}, history.Request{Outcome: history.Failed, Status: 500}, true},
		"it says none came":         {vegeta.Result{Error: "EOF"}, history.Request{Outcome: history.Completed, Status: 200}, true},
		"both say it was lost":      {vegeta.Result{Error: "EOF"}, history.Request{Outcome: history.Dropped, Status: 200}, false},
		"both say it was refused":   {vegeta.Result{Error: "refused"}, history.Request{Outcome: history.Refused}, false},
		"both say it never left":    {vegeta.Result{Error: "EMFILE"}, history.Request{Outcome: history.Unsent}, false},
		"it got what we lost":       {vegeta.Result{Code: 200}, history.Request{Outcome: history.Dropped, Status: 200}, true},
		"it got what was refused":   {vegeta.Result{Code: 200}, history.Request{Outcome: history.Refused}, true},
		"no error for what we lost": {vegeta.Result{}, history.Request{Outcome: history.Dropped}, true},
		"it ended what is pending":  {vegeta.Result{Code: 200}, history.Request{}, true},
		"it lost what is pending":   {vegeta.Result{Error: "EOF"}, history.Request{}, true},
		"an outcome unknown to us":  {vegeta.Result{Code: 200}, history.Request{Outcome: 99, Status: 200}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := disagree(&tt.result, &tt.record); got != tt.want {
				t.Errorf("disagree = %t, want %t", got, tt.want)
			}
		})
	}
}

// The next hit is an hour away, so the pacer must not wait for it to notice.
func TestEndInterruptsThePacer(t *testing.T) {
	r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
	p := newPacer(r.transport, Config{Rate: 1, MaxOpen: 1, Tail: time.Hour})
	p.interval = time.Hour
	if wait, stop := p.Pace(0, 0); wait != 0 || stop {
		t.Fatalf("the first hit: wait %s, stop %t", wait, stop)
	}
	stopped := make(chan bool)
	go func() {
		_, stop := p.Pace(0, 1)
		stopped <- stop
	}()
	p.end()
	p.end() // more than one may end it
	select {
	case stop := <-stopped:
		if !stop || p.hits != 1 {
			t.Errorf("stop is %t after %d hits", stop, p.hits)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the pacer goes on waiting")
	}
	if _, stop := p.Pace(0, 1); !stop {
		t.Error("a hit is granted after the end")
	}
	p.due = 0 // overdue
	if _, stop := p.Pace(0, 1); !stop {
		t.Error("an overdue hit is granted after the end")
	}
}

func TestEndInterruptsAFullPacer(t *testing.T) {
	r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
	r.open.Store(1)
	defer r.open.Store(0)
	p := newPacer(r.transport, Config{Rate: 1, MaxOpen: 1, Tail: time.Hour})
	stopped := make(chan bool)
	go func() {
		_, stop := p.Pace(0, 0)
		stopped <- stop
	}()
	eventually(t, "the pacer waits for room", r.waiting.Load)
	p.end()
	if !<-stopped || p.hits != 0 {
		t.Errorf("%d hits were granted without room", p.hits)
	}
}

func TestEndAtRateOne(t *testing.T) {
	s := newSite(t, false)
	c := s.config()
	c.Rate = 1
	a := Start(c)
	eventually(t, "the first request is served", func() bool { return s.served.Load() > 0 })
	a.End()
	r := done(t, a)
	conserved(t, a, r)
	if r.Scheduled != int(s.served.Load()) {
		t.Errorf("%d scheduled, %d served", r.Scheduled, s.served.Load())
	}
}

// The schedule is kept however late the hits are granted: lag of ours must show
// as lag, not as a lower rate.
func TestScheduleIsKept(t *testing.T) {
	r := newRig(t, "127.0.0.1:1", scenario.Reused, ample)
	p := newPacer(r.transport, Config{Rate: 250, MaxOpen: 10, Tail: time.Hour})
	p.due = 0
	for range 5 {
		if _, stop := p.Pace(0, 0); stop {
			t.Fatal("stopped")
		}
	}
	for i := range 5 {
		if got, want := r.records.at(uint32(i)).Scheduled, time.Duration(i)*4*time.Millisecond; got != want {
			t.Errorf("hit %d is scheduled at %s, want %s", i, got, want)
		}
	}
	if rate := p.Rate(0); rate != 250 {
		t.Errorf("rate = %g", rate)
	}
}

func TestAbortGivesUpWhatIsOpen(t *testing.T) {
	for _, lanes := range []scenario.Connections{scenario.Reused, scenario.Fresh} {
		t.Run(string(lanes), func(t *testing.T) {
			s := newSite(t, true)
			c := s.config()
			c.Lanes = lanes
			a := Start(c)
			eventually(t, "requests are open", func() bool { return a.Open() >= 10 })
			a.Abort()
			a.Abort() // an impatient user interrupts twice
			r := done(t, a)
			conserved(t, a, r)
			for _, request := range r.Requests {
				if request.Outcome != history.Unsent || request.Reason != history.Cancelled || request.Masked {
					t.Errorf("request %d: %s, %s, masked is %t", request.Seq, request.Outcome, request.Reason, request.Masked)
				}
			}
		})
	}
}

func TestAbortEndsHalfReadAnswers(t *testing.T) {
	var begun atomic.Int64
	s := newScript(t, func(x *exchange) {
		x.say(okHead + "Content-Length: 9\r\n\r\nhalf")
		begun.Add(1)
		x.hold()
	})
	a := Start(config(s.address()))
	eventually(t, "answers have begun", func() bool { return begun.Load() >= 5 })
	a.Abort()
	r := done(t, a)
	conserved(t, a, r)
	for _, request := range r.Requests {
		if request.Outcome != history.Unsent || request.Reason != history.Cancelled {
			t.Errorf("request %d: %s, %s", request.Seq, request.Outcome, request.Reason)
		}
	}
}

func TestMaxOpenPausesTheLoad(t *testing.T) {
	s := newSite(t, true)
	c := s.config()
	c.MaxOpen = 5
	a := Start(c)
	eventually(t, "the load pauses", func() bool { return a.pacer.pausedAt() > 0 && a.transport.waiting.Load() })
	paused, open := a.pacer.pausedAt(), a.Open()
	eventually(t, "it has paused for a while", func() bool { return a.transport.clock.Now()-paused > 30*time.Millisecond })
	if more := a.Open(); more != open {
		t.Errorf("%d requests are open, %d were when the load paused", more, open)
	}
	released := a.transport.clock.Now()
	close(s.holding)
	eventually(t, "the load goes on", func() bool { return s.served.Load() >= 40 })
	a.End()
	r := done(t, a)
	conserved(t, a, r)
	if r.Paused != paused {
		t.Errorf("paused at %s, want the first pause, %s", r.Paused, paused)
	}
	var gap time.Duration
	for i, request := range r.Requests {
		if request.Outcome != history.Completed {
			t.Errorf("request %d: %s, %s", i, request.Outcome, request.Reason)
		}
		if i > 0 {
			gap = max(gap, request.Scheduled-r.Requests[i-1].Scheduled)
		}
	}
	// What could not be sent meanwhile must not follow in a burst.
	if gap < released-paused {
		t.Errorf("the schedule moved on by %s at most, and the load was paused for %s", gap, released-paused)
	}
}

// The load is lowered after the tail, and goes on until it is ended.
func TestLoadOutlivesTheTail(t *testing.T) {
	s := newSite(t, false)
	c := s.config()
	c.Tail = 30 * time.Millisecond
	a := Start(c)
	eventually(t, "requests are served", func() bool { return s.served.Load() >= 20 })
	signal := a.transport.clock.Now()
	a.Signalled(signal)
	eventually(t, "the tail is over", func() bool { return a.transport.clock.Now() > signal+c.Tail })
	then := s.served.Load()
	eventually(t, "requests are served after the tail", func() bool { return s.served.Load() > then+5 })
	a.End()
	r := done(t, a)
	conserved(t, a, r)
	if r.Paused != 0 || r.Ended != 0 {
		t.Errorf("paused at %s, ended at %s", r.Paused, r.Ended)
	}
}

func TestHeaderAndBodyAreSent(t *testing.T) {
	var wrong atomic.Int64
	s := newScript(t, func(x *exchange) {
		if body := x.body(); body != "order" || x.method != http.MethodPost || x.header.Get("X-Own") != "kept" {
			wrong.Add(1)
		}
		x.say(okHead + "Content-Length: 0\r\n\r\n")
	})
	c := config(s.address())
	c.Targets[0].Method, c.Targets[0].Body = http.MethodPost, []byte("order")
	c.Targets[0].Header = http.Header{"X-Own": {"kept"}}
	a := Start(c)
	eventually(t, "requests have come", func() bool { return len(s.received()) >= 20 })
	a.End()
	conserved(t, a, done(t, a))
	if n := wrong.Load(); n != 0 {
		t.Errorf("%d requests arrived changed", n)
	}
}

func TestSlabGrows(t *testing.T) {
	const far = 5 * chunkSize
	s := new(slab)
	var together sync.WaitGroup
	for i := range 8 { // all of them make the same chunk
		together.Go(func() { s.at(far + uint32(i)).Seq = far + uint32(i) })
	}
	together.Wait()
	if got := s.at(far); got != s.at(far) {
		t.Error("a record moved")
	}
	all := s.between(0, far+8)
	for i, r := range all {
		want := uint32(0)
		if i >= far {
			want = uint32(i)
		}
		if r.Seq != want {
			t.Errorf("record %d is of request %d", i, r.Seq)
		}
	}
	all[far].Seq = 1
	if s.at(far).Seq != far {
		t.Error("first gives away the records, not copies")
	}
}

// A hundred thousand records must cost the garbage collector nothing.
func TestRecordIsSmallAndPointerFree(t *testing.T) {
	const most = 128
	if size := unsafe.Sizeof(history.Request{}); size > most {
		t.Errorf("a record takes %d bytes, at most %d are allowed", size, most)
	}
	if path := pointerIn(reflect.TypeFor[history.Request](), "Request"); path != "" {
		t.Errorf("%s holds a pointer", path)
	}
	if pointerIn(reflect.TypeFor[struct{ A [2]struct{ B string } }](), "T") != "T.A[].B" {
		t.Error("pointerIn overlooks a string")
	}
}

// pointerIn returns the path to the first pointer in a type, "" without one.
func pointerIn(t reflect.Type, path string) string {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if found := pointerIn(t.Field(i).Type, path+"."+t.Field(i).Name); found != "" {
				return found
			}
		}
	case reflect.Array:
		return pointerIn(t.Elem(), path+"[]")
	case reflect.Pointer, reflect.UnsafePointer, reflect.Slice, reflect.String, reflect.Map,
		reflect.Chan, reflect.Func, reflect.Interface:
		return path
	default: // numbers and booleans
	}
	return ""
}

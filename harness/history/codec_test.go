package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// full returns a history in which nothing is zero that could be.
func full() *history.History {
	r := history.Request{
		Seq: 0, Conn: 3, Port: 40000, Status: 200, Outcome: history.Dropped, Cause: history.Truncated, Reason: history.DialTimeout,
		Attempts: 2, Stale: 1, Pooled: true, Reused: true, Idempotent: true, Written: true, Masked: true, Unframed: true, Closes: true, Target: 9,
		Standing: history.HadWhole, State: history.TCPCloseWait, Had: 1, Waited: 9, Later: 10,
		Scheduled: 1, Started: 2, Connected: 3, Begun: 4, Sent: 4, FirstByte: 5, End: 6, BytesOut: 7, BytesIn: 8,
		Framing: history.Chunked, Length: 9,
	}
	return &history.History{
		Header: history.Header{
			Schema: history.Schema, Tool: history.Tool{Version: "v1"},
			Environment: history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1", Kernel: "6"},
			Run:         "r1", Ordinal: 4, Subject: "naive", Kind: "strategy", Position: 1, Subjects: 3, Shutdown: 2, Seed: math.MaxUint64, Repeats: 1, Offers: "h2",
			Started: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 7200)),
			Scenario: scenario.Scenario{
				Name: "default", Purpose: "to see", Policy: "default", Shutdowns: 3, Reports: []string{"junit=report.xml"}, Needs: []string{"no-lost-ack"},
				Subject: scenario.Subject{
					Delay: scenario.Millis(100), Name: "api", Command: []string{"./api", "--port", "{port}"}, Dir: "/srv",
					Env: map[string]string{"A": "b"}, URL: "https://127.0.0.1:{port}/", Ready: "/health", ReadyTimeout: scenario.Seconds(9),
					CA: "ca.pem", Insecure: true, AllowRemote: true, Front: true, Ledger: "/var/log/{port}.ledger", Applied: []string{"psql", "-c", "select id"},
				},
				Load: scenario.Load{
					Rate: 500, Method: "GET", Connections: scenario.Mixed, Timeout: scenario.Seconds(15), WarmUp: scenario.Millis(700),
					Jitter: scenario.Millis(200), Trigger: scenario.Seconds(5), Tail: scenario.Seconds(5), MaxOpen: 2000,
					RequestsFile: "more.txt",
					Requests: []scenario.Target{
						{Method: "POST", URL: "/orders", Header: map[string]string{"Accept": "*/*"}, Body: "{}\n", BodyFile: "order.json"},
					},
					ExpectStatus: "200,300-399", ExpectBody: "^ok$",
					Parked: []scenario.Park{{Kind: scenario.WebSocket, URL: "/ws", Count: 5, Header: map[string]string{"Authorization": "(hidden)"}}},
				},
				Disruption: scenario.Disruption{
					Signal: "SIGTERM,2s,SIGTERM", Target: scenario.Owner, Grace: scenario.Seconds(10), Lag: scenario.Seconds(2),
					While: []string{"nginx", "-s", "reload"}, Settle: scenario.Seconds(3),
					When: scenario.Loaded,
				},
				Overrides: scenario.Overrides{
					MinAtRisk: 30, MaxLoss: 0.001, ExitCodes: []int{143}, Rules: map[string]string{"exit-status": "warn"},
				},
			},
		},
		PID: 4711, Addr: "127.0.0.1:8080",
		Events: []history.Event{{Name: history.EventReady, At: 1}, {Name: history.EventSignal, At: 2}},
		Signal: history.Signal{
			Name: "SIGTERM", Number: 15, Sent: true, Before: 10, After: 11, Open: 50, Mean: 49.5, Error: "none",
			Again: []history.Again{{Name: "SIGINT", Number: 2, At: 20}},
		},
		Delivery: history.Delivery{
			Front:  "nginx (PID 4)",
			Target: scenario.Leader, To: []history.Process{{PID: 1, Name: "npm start"}}, Holders: []history.Process{{PID: 2, Name: "node"}},
			Deaf: []history.Process{{PID: 2, Name: "node"}}, Error: "no permission",
			Dispositions: []history.Disposition{{PID: 1, Catches: true, Ignores: true, Blocks: true, Runtime: true}},
		},
		Operation: &history.Operation{
			Killed:  true,
			Command: []string{"nginx", "-s", "reload"}, End: 30, Code: -1, Signal: "SIGKILL", Stderr: []string{"oh"},
		},
		Left:      history.Left{Looked: true, Processes: []history.Process{{PID: 3, Name: "worker"}}, PortTaken: true},
		Readiness: history.Readiness{Polls: 7, Red: 15, Refused: 16},
		Exit:      history.Exit{Seen: true, At: 12, Code: -1, Signal: "SIGTERM", Killed: true},
		Requests:  []history.Request{r, {Seq: 1, Outcome: history.Refused, Reason: history.ConnectionRefused}},
		Folded: history.Folded{
			Counts: history.Counts{Total: 21, Completed: 1, Rejected: 2, Failed: 3, Refused: 4, Dropped: 5, Unsent: 6}, Pooled: 9,
			Answers: []history.AnswersBefore{{Target: 1, Status: 200, Answers: 5, Empty: 1, Known: 4, Shortest: 3, Longest: 9, Chunked: 2, Ended: 7, Timed: 5, Began: 6}},
			Latency: []history.Latency{{Took: 5, Count: 21}},
		},
		Parked:   []history.Parked{{Kind: scenario.WebSocket, URL: "/ws", Opened: 3, Ended: 11, Clean: true, Code: 1001, Error: "none"}},
		Kernel:   history.Kernel{Asked: true, Missing: "none"},
		Looks:    []history.Look{{At: 8, Took: 1, Slip: 2, Open: 3, Wait: 4, Ran: 5}},
		Closings: []history.Closing{{From: 12, To: 13, Listener: true}},
		Backlog:  history.Backlog{Asked: 9, Longest: 8, Since: 11, Until: 12, Waiting: 7},
		Answers:  []history.Answer{{Seq: 1, Line: "closed"}},
		Idle:     2,
		Ledger: history.Ledger{
			Lines:   []history.LedgerLine{{Seq: 1, Fact: history.Received}, {Fact: history.SignalMarked}},
			Foreign: 1, Torn: 2, Truncated: true, Path: "/var/log/8080.ledger",
		},
		Applied: history.Applied{
			Looked: true, Command: []string{"/bin/psql", "-c", "select id"}, Lines: []uint32{7, 0, 7}, Foreign: 5, Strange: 1, Sample: "(3 rows)",
			Error: "it hung", Stderr: []string{"psql: error"},
		},
		Methods:   []string{"POST", "GET"},
		Sweep:     history.Sweep{Answered: 5, Skipped: 1, Written: []time.Duration{6, 8}, Unsent: 2 * time.Microsecond, Stamped: []time.Duration{5, 7}},
		Stalls:    []history.Stall{{From: 3, Until: 9, Hits: 2}},
		Scheduled: 2, Results: 3, Disagreed: 4, Interrupted: true,
		Stderr: []string{"first", `"second" <b>` + "\u2028"}, Error: "it broke",
	}
}

func encode(t testing.TB, h *history.History) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := h.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func difference(a, b *history.History) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty())
}

func TestWrittenHistoryReadsBack(t *testing.T) {
	for name, h := range map[string]*history.History{
		"everything set": full(),
		"nothing set":    {Header: history.Header{Schema: history.Schema}},
	} {
		t.Run(name, func(t *testing.T) {
			back, err := history.Read(bytes.NewReader(encode(t, h)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := difference(h, back); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFullIsFull keeps the round trip honest: a field that is added and not
// saved must not go unnoticed because it is zero in the test.
func TestFullIsFull(t *testing.T) {
	allowed := []string{".Requests[0].Seq", ".Header.Scenario.Expect", ".Spill"} // the first one's is 0; the others are never saved
	for _, empty := range zeroFields(full()) {
		if !slices.Contains(allowed, empty) {
			t.Errorf("%s is zero in the test's history", empty)
		}
	}
}

// TestWriteNamesTheSchema: also where the caller has not.
func TestWriteNamesTheSchema(t *testing.T) {
	var h history.History
	back, err := history.Read(bytes.NewReader(encode(t, &h)))
	if err != nil || back.Header.Schema != history.Schema {
		t.Errorf("schema %q, %v", back.Header.Schema, err)
	}
	if h.Header.Schema != "" {
		t.Error("writing changed the history")
	}
}

// TestTruncatedIsAnError: cut anywhere, a file is refused. Only its very last
// byte, the line feed after the end, carries nothing.
func TestTruncatedIsAnError(t *testing.T) {
	whole := encode(t, full())
	for n := range len(whole) - 1 {
		h, err := history.Read(bytes.NewReader(whole[:n]))
		if err == nil || h != nil {
			t.Fatalf("cut after %d of %d bytes it reads as %+v, %v", n, len(whole), h, err)
		}
		inHeader := n < bytes.IndexByte(whole, '\n')
		if !inHeader && !errors.Is(err, history.ErrTruncated) {
			t.Errorf("cut after %d of %d bytes: %v, want %v", n, len(whole), err, history.ErrTruncated)
		}
	}
	back, err := history.Read(bytes.NewReader(whole[:len(whole)-1]))
	if err != nil || difference(full(), back) != "" {
		t.Errorf("without the last line feed: %v", err)
	}
}

// TestMissingLineIsTruncated: the end promises how many there are.
func TestMissingLineIsTruncated(t *testing.T) {
	lines := strings.SplitAfter(string(encode(t, full())), "\n")
	lines = lines[:len(lines)-1] // after the last line feed comes nothing
	for i := 1; i < len(lines)-1; i++ {
		without := strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
		if _, err := history.Read(strings.NewReader(without)); !errors.Is(err, history.ErrTruncated) {
			t.Errorf("without line %d: %v, want %v", i+1, err, history.ErrTruncated)
		}
		twice := strings.Join(lines[:i], "") + lines[i] + strings.Join(lines[i:], "")
		if _, err := history.Read(strings.NewReader(twice)); !errors.Is(err, history.ErrTruncated) {
			t.Errorf("with line %d twice: %v, want %v", i+1, err, history.ErrTruncated)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	whole := string(encode(t, full()))
	header, rest, _ := strings.Cut(whole, "\n")
	huge := strings.Repeat("x", 1<<20)
	tests := []struct {
		name string
		text string
		want error // nil: any
		says string
	}{
		{"nothing", "", history.ErrForeign, "it is empty"},
		{"a blank line", "\n", history.ErrForeign, "line 1"},
		{"text", "hello\n", history.ErrForeign, "line 1"},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00", history.ErrForeign, "line 1"},
		{"JSON of something else", `{"name":"x"}` + "\n", history.ErrForeign, "it names no schema"},
		{"JSON null", "null\n", history.ErrForeign, "it names no schema"},
		{"a JSON list", "[]\n", history.ErrForeign, "line 1"},
		{"a schema that is a number", `{"schema":1}` + "\n", history.ErrForeign, "line 1"},
		{"another schema", `{"schema":"lastcall/history/v3"}` + "\n", history.ErrSchema, `"lastcall/history/v3", this lastcall reads "lastcall/history/v2"`},
		{
			"another schema with fields of other types", `{"schema":"lastcall/history/v3","run":[1]}` + "\n",
			history.ErrSchema, `"lastcall/history/v3"`,
		},
		{"a suite", `{"schema":"lastcall/suite/v1","seed":1}` + "\n", history.ErrSchema, "lastcall/suite/v1"},
		{"only a header", header + "\n", history.ErrTruncated, "its last line, after line 1, is missing"},
		{"a line of something else", header + "\n" + `{"other":1}` + "\n" + rest, history.ErrForeign, "line 2: "},
		{"an empty object", header + "\n{}\n" + rest, history.ErrForeign, "line 2: "},
		{"text after the end", whole + "more\n", history.ErrForeign, "text after the end"},
		{"a blank line after the end", whole + "\n", history.ErrForeign, "text after the end"},
		{"a second history after the end", whole + whole, history.ErrForeign, "text after the end"},
		{"a huge line after the end", whole + huge + huge, nil, "line 16: "},
		{"a huge first line", huge + huge, nil, "line 1: "},
		{"a huge line in the middle", header + "\n" + huge + huge + "\n" + rest, nil, "line 2: "},
		{"an unknown outcome", header + "\n" + `{"request":{"outcome":"lost"}}` + "\n", nil, `line 2: unknown outcome "lost"`},
		{"an outcome that is a number", header + "\n" + `{"request":{"outcome":1}}` + "\n", nil, "line 2: "},
		{"an unknown fact", header + "\n" + `{"ledger":{"fact":"forgotten"}}` + "\n", nil, `line 2: unknown fact "forgotten"`},
		{"an applied id that is none", header + "\n" + `{"applied":-1}` + "\n", nil, "line 2: "},
		{"a time of another age", header + "\n" + `{"event":{"at":9223372036854775807}}` + "\n", history.ErrForeign, "line 2: not a lastcall history: event.at is 2562047h47m16.854775807s: a time must be from -24h0m0s to 8784h0m0s"},
		{"a request that ends before it starts", header + "\n" + `{"request":{"outcome":"completed","started":5,"end":4}}` + "\n", history.ErrForeign, "request.end is 4ns, before request.started 5ns"},
		{"a negative count", strings.Replace(whole, `"results":3`, `"results":-3`, 1), history.ErrForeign, "end.results is -3"},
		{"a shutdown of a negative number", strings.Replace(whole, `"shutdown":`, `"shutdown":-`, 1), history.ErrForeign, "line 1: not a lastcall history: shutdown is -"},
		{"a port that does not fit", header + "\n" + `{"request":{"port":70000}}` + "\n", nil, "line 2: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := history.Read(strings.NewReader(tt.text))
			if err == nil || h != nil {
				t.Fatalf("it reads as %+v, %v", h, err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error %q does not say %q", err, tt.says)
			}
		})
	}
}

// TestReaderErrorIsKept: whenever the reader breaks, and even after the end, its
// error comes out.
func TestReaderErrorIsKept(t *testing.T) {
	broken := errors.New("disk on fire")
	whole := encode(t, full())
	for _, n := range []int{0, 10, len(whole) / 2, len(whole)} {
		r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))
		if h, err := history.Read(r); !errors.Is(err, broken) || h != nil {
			t.Errorf("broken after %d of %d bytes: %v, want the reader's error", n, len(whole), err)
		}
	}
}

// TestSlowReader: a line may come in pieces.
func TestSlowReader(t *testing.T) {
	back, err := history.Read(iotest.OneByteReader(bytes.NewReader(encode(t, full()))))
	if err != nil || difference(full(), back) != "" {
		t.Errorf("byte by byte: %v", err)
	}
}

// failing is a writer that takes so many bytes.
type failing struct{ left int }

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return f.left, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

// TestWriteReportsFailure: a file that was not written whole must not look as
// if it was.
func TestWriteReportsFailure(t *testing.T) {
	h := full()
	for range 2000 { // more than one buffer
		h.Requests = append(h.Requests, h.Requests[0])
		h.Ledger.Lines = append(h.Ledger.Lines, h.Ledger.Lines[0])
		h.Events = append(h.Events, h.Events[0])
	}
	size := len(encode(t, h))
	for _, room := range []int{0, 1 << 10, size / 4, size / 2, size - 10, size - 1} {
		if err := h.Write(&failing{left: room}); !errors.Is(err, errFull) {
			t.Errorf("room for %d of %d bytes: %v, want %v", room, size, err, errFull)
		}
	}
	if err := h.Write(&failing{left: size}); err != nil {
		t.Errorf("room for all: %v", err)
	}
	h.Signal.Mean = math.NaN()
	if err := h.Write(io.Discard); err == nil {
		t.Error("what JSON cannot hold was written")
	}
}

// TestWriteRefusesWhatReadWould: a body that makes a line too long is known while
// there is still something to be done about it.
func TestWriteRefusesWhatReadWould(t *testing.T) {
	for _, size := range []int{1 << 19, 1<<20 - 4000, 1 << 20, 1 << 21} {
		h := full()
		h.Header.Scenario.Load.Requests[0].Body = strings.Repeat("x", size)
		var out bytes.Buffer
		err := h.Write(&out)
		if fits := size < 1<<20-3000; fits != (err == nil) {
			t.Errorf("a body of %d bytes: %v", size, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "keep long bodies in files") {
				t.Errorf("a body of %d bytes: the error %q does not say what to do", size, err)
			}
			continue
		}
		if _, err := history.Read(&out); err != nil {
			t.Errorf("a body of %d bytes was written, and is not read: %v", size, err)
		}
	}
}

// draw draws any value whose numbers are within what Read takes.
func draw[V any](t *rapid.T, label string) V { return anyWithin[V]().Draw(t, label) }

func anyWithin[V any]() *rapid.Generator[V] {
	return rapid.MakeCustom[V](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{
			reflect.TypeFor[time.Duration](): rapid.Map(rapid.Int64Range(int64(history.Earliest), int64(history.Latest)), func(n int64) any { return time.Duration(n) }),
			reflect.TypeFor[int]():           rapid.IntRange(0, history.Most).AsAny(),
			reflect.TypeFor[int64]():         rapid.Int64Range(0, history.Most).AsAny(),
			reflect.TypeFor[float64]():       rapid.Float64Range(-history.Most, history.Most).AsAny(),
		},
	})
}

// genRequest draws a record that could be saved.
func genRequest(t *rapid.T) history.Request {
	r := draw[history.Request](t, "request")
	if r.End < r.Started {
		r.Started, r.End = r.End, r.Started
	}
	r.Outcome = history.Outcome(rapid.IntRange(0, 6).Draw(t, "outcome"))
	r.Cause = history.Cause(rapid.IntRange(0, 5).Draw(t, "cause"))
	r.Reason = history.Reason(rapid.IntRange(0, 13).Draw(t, "reason"))
	r.Framing = history.Framing(rapid.IntRange(0, 4).Draw(t, "framing"))
	r.Standing = history.Standing(rapid.IntRange(0, 7).Draw(t, "standing"))
	return r
}

func genHistory(t *rapid.T) *history.History {
	h := full()
	h.Header.Run, h.Header.Subject = rapid.String().Draw(t, "run"), rapid.String().Draw(t, "subject")
	h.Header.Seed, h.Header.Shutdown = rapid.Uint64().Draw(t, "seed"), draw[int](t, "shutdown")
	h.Header.Scenario.Subject.Delay.Duration = draw[time.Duration](t, "delay")
	h.Header.Started = time.Unix(rapid.Int64Range(0, 1<<37).Draw(t, "started"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	h.Signal.Mean, h.Signal.Before = draw[float64](t, "mean"), draw[time.Duration](t, "before")
	h.Exit = draw[history.Exit](t, "exit")
	h.Signal.Again = rapid.SliceOfN(anyWithin[history.Again](), 0, 3).Draw(t, "again")
	h.Delivery = draw[history.Delivery](t, "delivery")
	h.Left = draw[history.Left](t, "left")
	h.Readiness = draw[history.Readiness](t, "readiness")
	h.Operation = rapid.Ptr(anyWithin[history.Operation](), true).Draw(t, "operation")
	h.Events = rapid.SliceOfN(anyWithin[history.Event](), 0, 5).Draw(t, "events")
	h.Requests = rapid.SliceOfN(rapid.Custom(genRequest), 0, 20).Draw(t, "requests")
	h.Looks = rapid.SliceOfN(anyWithin[history.Look](), 0, 5).Draw(t, "looks")
	h.Closings = rapid.SliceOfN(anyWithin[history.Closing](), 0, 5).Draw(t, "closings")
	h.Answers = rapid.SliceOfN(anyWithin[history.Answer](), 0, 5).Draw(t, "answers")
	h.Backlog = draw[history.Backlog](t, "backlog")
	h.Ledger.Lines = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) history.LedgerLine {
		return history.LedgerLine{Seq: rapid.Uint32().Draw(t, "seq"), Fact: history.Fact(rapid.IntRange(0, 4).Draw(t, "fact"))}
	}), 0, 20).Draw(t, "ledger")
	h.Applied = draw[history.Applied](t, "applied")
	h.Methods = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "methods")
	h.Stderr = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "stderr")
	h.Error, h.Interrupted = rapid.String().Draw(t, "error"), rapid.Bool().Draw(t, "interrupted")
	h.Scheduled, h.Results = draw[int](t, "scheduled"), draw[int](t, "results")
	return h
}

func TestAnyHistoryReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := genHistory(t)
		var out bytes.Buffer
		if err := h.Write(&out); err != nil {
			t.Fatal(err)
		}
		back, err := history.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(h, back); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

// FuzzRead: nothing makes Read panic, and whatever it accepts can be written
// and read back as the same.
func FuzzRead(f *testing.F) {
	whole := encode(f, full())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(encode(f, &history.History{}))
	f.Add([]byte(`{"schema":"lastcall/history/v3"}` + "\n"))
	f.Add([]byte("hello\n"))
	for _, line := range strings.SplitAfter(string(whole), "\n") {
		f.Add([]byte(line))
		f.Add([]byte(fmt.Sprintf(`{"schema":%q}`, history.Schema) + "\n" + line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := history.Read(bytes.NewReader(text))
		if err != nil {
			if h != nil {
				t.Fatalf("%v, and yet a history", err)
			}
			return
		}
		back, err := history.Read(bytes.NewReader(encode(t, h)))
		if err != nil {
			t.Fatalf("it was read, written and not read back: %v", err)
		}
		if diff := difference(h, back); diff != "" {
			t.Fatalf("read back (-want +got):\n%s", diff)
		}
	})
}

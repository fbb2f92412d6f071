package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

var update = flag.Bool("update", false, "write the goldens in testdata anew")

// suiteOf is a suite as harness/check would fill it, with these subjects.
func suiteOf(subjects ...result.Subject) result.Suite {
	return result.Suite{
		Schema: result.Schema, Tool: history.Tool{Version: "v1.2.3"},
		Environment: history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26", Kernel: "6.1"},
		Scenario:    scenario.Complete(scenario.Default()), Seed: 7,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 9.87,
		Status: result.SuitePass, Subjects: subjects, Warnings: []string{},
	}
}

func subject(name string, verdict result.Verdict) result.Subject {
	return result.Subject{
		Name: name, Kind: "strategy", Verdict: verdict, Shutdowns: 3, ShutdownsIntact: 3, Story: []string{},
		Requests:    history.Counts{Total: 1234, Completed: 1200, Refused: 34},
		InFlight:    history.Counts{Total: 150, Completed: 150},
		Late:        history.Counts{Total: 40, Completed: 6, Refused: 34},
		AtRisk:      156,
		Exits:       []result.Exit{{Code: 0, Count: 3}},
		ExitSeconds: result.Spread{Min: 0.1, Median: 0.103, Max: 0.11},
		Findings:    []result.Finding{}, Details: []result.Detail{},
	}
}

func passing() result.Suite { return suiteOf(subject("signal-notify", result.Pass)) }

func failing() result.Suite {
	s := subject("naive", result.Fail)
	s.Requests = history.Counts{Total: 1500, Completed: 1300, Refused: 50, Dropped: 150}
	s.InFlight = history.Counts{Total: 150, Dropped: 150}
	s.Exits = []result.Exit{{Code: -1, Signal: "SIGTERM", Count: 3}}
	s.ExitSeconds = result.Spread{Min: 0.001, Median: 0.0012, Max: 0.002}
	s.Story = []string{
		"SIGTERM found 150 requests in flight, over 3 shutdowns: 150 dropped without a whole answer.",
		"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 1ms later.",
		"Catch the signal with signal.Notify and call Server.Shutdown.",
	}
	s.Remedy = s.Story[2]
	bound, seq := 0.9, uint32(17)
	s.Bounds = result.Bounds{PerRequest: &bound}
	s.Findings = []result.Finding{{
		Rule: "in-flight-completes", Status: result.Violated, Count: 150, Judged: 150,
		Expected: "every one is completed", Detail: "150 dropped", Reference: "RFC 9112 9.6",
		Evidence: []result.Evidence{{Shutdown: 1, Seq: &seq}, {Shutdown: 2}},
	}}
	s.Details = []result.Detail{
		{
			Shutdown: 1, Stderr: []string{"starting"}, Events: []result.Event{{Name: "signal"}, {Name: "exit", MS: 1.2}}, Warnings: []string{},
			Requests: history.Counts{Total: 500, Completed: 433, Refused: 17, Dropped: 50},
		},
		{Shutdown: 2, Stderr: []string{"panic: oh no", "goroutine 1 [running]:"}, Events: []result.Event{}, Warnings: []string{}},
		{Shutdown: 3, Events: []result.Event{}, Warnings: []string{}},
	}
	s.Timeline = &result.Timeline{Shutdown: 1, FromMS: -50, ColumnMS: 5, Strip: ".. .......xrrrrrr"}
	suite := suiteOf(s, subject("signal-notify", result.Pass))
	suite.Status = result.SuiteFail
	return suite
}

func inconclusive() result.Suite {
	s := subject("with-cancel", result.Inconclusive)
	s.InFlight, s.Late, s.Exits, s.ExitSeconds = history.Counts{}, history.Counts{}, nil, result.Spread{}
	s.Story = []string{"No request was in flight at the signal, so nothing was put to the test: raise the rate, or let the handler take longer."}
	suite := suiteOf(s)
	suite.Status = result.SuiteInconclusive
	return suite
}

func warned() result.Suite {
	s := subject("signal-notify", result.Pass)
	s.Late.Dropped, s.Late.Total = 5, 45
	s.Requests.Dropped, s.Requests.Total = 5, 1239
	s.Story = []string{
		"5 of 11 late requests at risk were lost in the races that no HTTP/1.1 server can win.",
		"To drop fewer, go on serving with Connection: close for a while before Shutdown.",
	}
	suite := suiteOf(s)
	suite.Warnings = []string{"the machine was busy"}
	return suite
}

func interrupted() result.Suite {
	suite := inconclusive()
	suite.Status = result.SuiteInterrupted
	suite.Scenario.Shutdowns = 1
	return suite
}

// hostile is full of what a terminal or a page would obey.
func hostile() result.Suite {
	s := subject("\x1b[31mred\x1b[0m\r\nPASS\u202egnp.exe<script>", result.Fail)
	s.Story = []string{"It said \x1b]0;title\x07 and \x9b2J and <b>bold</b>.", "Zero\u200bwidth, \xff\xfe broken."}
	s.Exits = []result.Exit{{Code: -1, Signal: "SIG\x1b[2J", Count: 1}}
	s.Details = []result.Detail{{Shutdown: 1, Stderr: []string{
		"\ttabbed\x1b[1A\x1b[2Kgone", "\x00\x07\x08" + strings.Repeat("long ", 60), "日本語" + strings.Repeat("漢字", 60),
	}, Events: []result.Event{}, Warnings: []string{}}}
	s.Findings = []result.Finding{{
		Rule: "| no ]]> rule <b>", Status: result.Violated, Expected: "```\n::error::no", Detail: "50%\r\n::error title=x::]]>`code`\x00",
		Reference: "[link](https://example.org) @someone, $x$ \ufffe", Evidence: []result.Evidence{},
	}}
	suite := suiteOf(s)
	suite.Warnings = []string{"\x1b[5mblink " + strings.Repeat("x", 250)}
	suite.Scenario.Disruption.Signal = "SIGTERM\x1b[7m"
	suite.Scenario.Policy = "default\u2028"
	suite.Status = result.SuiteFail
	return suite
}

// huge has more of everything than a row has room for.
func huge() result.Suite {
	s := subject("a-strategy-with-a-name-that-is-far-too-long-for-a-table", result.Inconclusive)
	s.Requests = history.Counts{Total: 1234567890, Completed: 1000000000, Rejected: 1, Failed: 2, Refused: 234567885, Dropped: 2}
	s.InFlight = history.Counts{Total: 12345678, Completed: 12345677, Rejected: 1}
	s.Late = history.Counts{Total: 987654321, Completed: 987654319, Dropped: 2}
	s.Exits = []result.Exit{{Code: 0, Count: 1}, {Code: 1, Count: 1}, {Code: -1, Signal: "SIGTERM", Count: 1}, {Code: -1, Signal: "SIGKILL", Killed: true, Count: 1}}
	s.ExitSeconds = result.Spread{Min: 1, Median: 10.04, Max: 20}
	s.Story = []string{"Much was asked."}
	return suiteOf(s, subject("naive", result.Fail))
}

func exits() result.Suite {
	killed := subject("ignores-term", result.Fail)
	killed.Exits, killed.ExitSeconds.Median = []result.Exit{{Code: -1, Signal: "SIGKILL", Killed: true, Count: 3}}, 10.04
	mixed := subject("moody", result.Fail)
	mixed.Exits = []result.Exit{{Code: 0, Count: 1}, {Code: 1, Count: 1}, {Code: -1, Signal: "SIGTERM", Count: 1}}
	none := subject("unseen", result.Inconclusive)
	none.Exits = nil
	return suiteOf(killed, mixed, none)
}

// ruled has findings of every status, some of one rule.
func ruled() result.Suite {
	evidence := func(shutdown int, seqs ...uint32) []result.Evidence {
		var all []result.Evidence
		for _, seq := range seqs {
			all = append(all, result.Evidence{Shutdown: shutdown, Seq: &seq})
		}
		return all
	}
	many := make([]uint32, 25)
	for i := range many {
		many[i] = uint32(1000 + i)
	}
	s := subject("moody", result.Fail)
	s.Story = []string{"It dropped 2 requests.", "Wait for Shutdown to return."}
	s.Findings = []result.Finding{
		{Rule: "integrity", Detail: "shutdown 1: late", Expected: "a shutdown that can be judged", Reference: "every verdict is earned", Evidence: []result.Evidence{{Shutdown: 1}}},
		{Rule: "integrity", Detail: "shutdown 2: late", Evidence: evidence(2, 4, 5)},
		{Rule: "integrity", Detail: "shutdown 2: short of files", Evidence: evidence(2, 6)},
		{Rule: "integrity", Detail: "twice", Evidence: append(evidence(1, 1), evidence(2, 2, 3)...)},
		{Rule: "in-flight-completes", Status: result.Violated, Count: 25, Judged: 30, Expected: "every one is completed", Detail: "25 dropped", Reference: "RFC 9112 9.6", Evidence: evidence(3, many...)},
		{Rule: "announces-close", Status: result.Warned, Count: 1, Judged: 9, Expected: "Connection: close", Detail: "1 of 9 connections was not told", Reference: "RFC 9112 9.6", Evidence: evidence(3, 7)},
		{Rule: "no-lost-ack", Status: result.NotExercised, Detail: "there was no ledger"},
		{Rule: "exits-in-grace", Status: result.Satisfied, Count: 0, Judged: 3, Detail: "all 3 did"},
	}
	kind := subject("./server --port 1", result.Pass)
	kind.Kind, kind.Findings = "command", s.Findings[5:]
	suite := suiteOf(s, kind)
	suite.Status = result.SuiteFail
	return suite
}

// undelivered is a server of the user's behind a wrapper, whose processes call
// themselves what a terminal, a page or a CI system would obey.
func undelivered() result.Suite {
	wrapper := history.Process{PID: 40, Name: "sh -c \x1b[2J '; ::error::gone"}
	server := history.Process{PID: 57, Name: "node <b>server</b>.js | `rm` @all ]]>"}
	s := subject("api", result.Fail)
	s.Kind, s.ShutdownsFailed = "command", 3
	s.Exits, s.ExitSeconds.Median = []result.Exit{{Code: -1, Signal: "SIGTERM", Count: 3}}, 0.002
	s.Story = []string{
		"SIGTERM never reached the server: it went to \"sh -c \\x1b[2J '; ::error::gone\" (PID 40), but " +
			"\"node <b>server</b>.js | `rm` @all ]]>\" (PID 57) holds the listening socket, and went on as if nothing had happened.",
		"A shell that waits for a command passes no signal on: write exec before the last command.",
	}
	s.Findings = []result.Finding{
		{
			Rule: "signal-delivered", Status: result.Violated, Count: 3, Judged: 3,
			Expected: "the process that holds the listening socket gets the signal", Reference: "golang/go #54868",
			Detail: "3 of 3 shutdowns left the server without the signal: SIGTERM went to \"sh -c \\x1b[2J '; ::error::gone\" (PID 40), but " +
				"\"node <b>server</b>.js | `rm` @all ]]>\" (PID 57) holds the socket, and still ran when it should have been gone",
			Evidence: []result.Evidence{{Shutdown: 1}, {Shutdown: 2}, {Shutdown: 3}},
		},
		{
			Rule: "no-survivors", Status: result.Violated, Count: 1, Judged: 1, Expected: "nothing lives on", Reference: "systemd.kill(5)",
			Detail:   "1 of 1 shutdown left something behind: \"node <b>server</b>.js | `rm` @all ]]>\" (PID 57) still ran, and the port is still taken",
			Evidence: []result.Evidence{{Shutdown: 1}},
		},
		{
			Rule: "ready-flips-first", Status: result.NotExercised, Expected: "readiness turns red first", Reference: "Kubernetes",
			Detail: "there were no shutdowns to judge", Evidence: []result.Evidence{},
		},
	}
	s.Details = []result.Detail{{
		Shutdown: 1, Intact: true, Events: []result.Event{{Name: "signal"}, {Name: "signal-again", MS: 2000}, {Name: "load-ended", MS: 2000}},
		Delivery: history.Delivery{
			Target: scenario.Group, To: []history.Process{wrapper}, Holders: []history.Process{server}, Deaf: []history.Process{server},
		},
		Left:   history.Left{Looked: true, Processes: []history.Process{server}, PortTaken: true},
		Stderr: []string{"listening"}, Warnings: []string{},
	}}
	suite := suiteOf(s)
	suite.Scenario.Policy, suite.Scenario.Subject.URL = "k8s", "http://127.0.0.1:{port}/api/<b>?a=1&b=2"
	suite.Scenario.Disruption = scenario.Disruption{
		Signal: "SIGTERM,2s,SIGINT", Target: scenario.Group, Grace: scenario.Seconds(30), Lag: scenario.Seconds(2),
	}
	suite.Scenario.Overrides = scenario.Overrides{ExitCodes: []int{143}}
	suite.Status = result.SuiteFail
	return suite
}

// operation is a reload under load, which a server survived and another did not.
func operation() result.Suite {
	command := []string{"nginx", "-s", "reload"}
	good := subject("nginx", result.Pass)
	good.Kind, good.Exits, good.ExitSeconds = "command", []result.Exit{}, result.Spread{}
	good.Requests = history.Counts{Total: 1234, Completed: 1234}
	good.Late = history.Counts{Total: 40, Completed: 40}
	good.Findings = []result.Finding{{
		Rule: "stays-up", Status: result.Satisfied, Judged: 190, Expected: "no request is refused, and the process lives on",
		Detail: "190 requests judged, no violation", Reference: "nginx, Controlling nginx", Evidence: []result.Evidence{},
	}}
	good.Details = []result.Detail{{
		Shutdown: 1, Intact: true, Operation: &history.Operation{Command: command, End: 1300 * time.Millisecond},
		Events: []result.Event{{Name: "signal"}, {Name: "operated", MS: 300}}, Warnings: []string{},
	}}
	bad := good
	bad.Name, bad.Verdict, bad.ShutdownsFailed = "nginx -g 'daemon off;'", result.Fail, 3
	bad.Requests = history.Counts{Total: 1234, Completed: 1200, Refused: 34}
	bad.Late = history.Counts{Total: 40, Completed: 6, Refused: 34}
	bad.AtRisk = 190
	bad.Exits, bad.ExitSeconds = []result.Exit{{Code: 0, Count: 3}}, result.Spread{Median: 0.3}
	bad.Story = []string{
		"While \"nginx -s reload\" ran, and until the load ended, 34 requests were refused, over 3 shutdowns: no process was listening.",
		"The process ended with exit code 0, though it should have stayed up.",
	}
	bad.Findings = []result.Finding{{
		Rule: "stays-up", Status: result.Violated, Count: 37, Judged: 193, Expected: "no request is refused, and the process lives on",
		Detail:    "34 of 190 requests were refused, in 3 of 3 shutdowns: the process ended though it should have stayed up",
		Reference: "nginx, Controlling nginx", Evidence: []result.Evidence{{Shutdown: 1}, {Shutdown: 2}, {Shutdown: 3}},
	}}
	bad.Details = []result.Detail{{
		Shutdown: 1, Intact: true, Events: []result.Event{{Name: "signal"}}, Warnings: []string{},
		Operation: &history.Operation{
			Command: command, End: 1300 * time.Millisecond, Code: -1, Signal: "SIGKILL", Stderr: []string{"<b>emerg</b> \x1b[31m::error::"},
		},
	}}
	suite := suiteOf(good, bad)
	suite.Scenario.Disruption.While, suite.Scenario.Disruption.Settle = command, scenario.Seconds(2)
	suite.Scenario.Load.Requests = []scenario.Target{{URL: "/"}, {Method: "POST", URL: "/orders"}, {URL: "/health"}}
	suite.Status = result.SuiteFail
	return suite
}

// witnessed is of what stands in no request's answer, or in one that is wrong.
func witnessed() result.Suite {
	store := subject("store-first", result.Fail)
	store.Requests = history.Counts{Total: 1500, Completed: 1316, Failed: 150, Refused: 34}
	store.InFlight = history.Counts{Total: 152, Completed: 2, Failed: 150}
	store.Ledger.LostAcks = 17
	store.Exits, store.ExitSeconds = []result.Exit{{Code: 1, Count: 3}}, result.Spread{Median: 0.138}
	forgetful := subject("hijack-forgotten", result.Fail)
	forgetful.Details = []result.Detail{
		{Shutdown: 1, Intact: true, Parked: []result.Parked{{Kind: "websocket", Asked: 5, Held: 5, Cut: 5}, {Kind: "events", Asked: 5, Held: 5, Clean: 5}}, Events: []result.Event{}, Warnings: []string{}},
		{Shutdown: 2, Parked: []result.Parked{{Kind: "websocket", Asked: 5, Held: 5, Cut: 5}}, Events: []result.Event{}, Warnings: []string{}},
	}
	suite := suiteOf(store, forgetful, subject("notify-context", result.Pass))
	suite.Status = result.SuiteFail
	return suite
}

// unloaded is of signals that came while the server started.
func unloaded() result.Suite {
	one := func(name string, v result.Verdict, exits ...result.Exit) result.Subject {
		s := subject(name, v)
		s.Requests, s.InFlight, s.Late, s.AtRisk = history.Counts{}, history.Counts{}, history.Counts{}, 0
		s.Exits = exits
		return s
	}
	suite := suiteOf(
		one("signal-notify", result.Pass, result.Exit{Code: 0, Count: 4}, result.Exit{Code: -1, Signal: "SIGTERM", Count: 1}),
		one("ignores-term", result.Fail, result.Exit{Code: -1, Signal: "SIGKILL", Killed: true, Count: 5}),
	)
	suite.Scenario.Disruption.When = scenario.Started
	return suite
}

func goldens() map[string]result.Suite {
	return map[string]result.Suite{
		"pass": passing(), "fail": failing(), "inconclusive": inconclusive(), "warning": warned(),
		"interrupted": interrupted(), "hostile": hostile(), "huge": huge(), "exits": exits(),
		"probes": probed(), "skipped": skippedProbes(), "empty": suiteOf(), "rules": ruled(), "undelivered": undelivered(), "operation": operation(),
		"witnessed": witnessed(), "unloaded": unloaded(),
	}
}

func TestGoldens(t *testing.T) {
	for name, suite := range goldens() {
		for _, f := range All(Style{}) {
			if f.Name == "html" || f.Name == "svg" {
				continue // most of them is style: tests of their own take them apart
			}
			t.Run(name+"/"+f.Name, func(t *testing.T) {
				golden(t, filepath.Join("testdata", name+"."+f.Name), render(t, f.Render, suite))
			})
		}
	}
	t.Run("probes/matrix", func(t *testing.T) {
		golden(t, "testdata/probes.matrix.table", render(t, Style{Matrix: true}.Table, probed()))
	})
	t.Run("fail/coloured table", func(t *testing.T) {
		golden(t, "testdata/fail.coloured.table", render(t, Style{Color: true}.Table, failing()))
	})
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update writes it anew:\n%s", path, diff)
	}
}

func render(t *testing.T, r Renderer, s result.Suite) string {
	t.Helper()
	var out bytes.Buffer
	if err := r(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJSONParsesBackEqual(t *testing.T) {
	for name, suite := range goldens() {
		if name == "hostile" {
			continue // its bytes that are no UTF-8 cannot survive JSON
		}
		t.Run(name, func(t *testing.T) {
			var got result.Suite
			if err := json.Unmarshal([]byte(render(t, JSON, suite)), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(suite, got); diff != "" {
				t.Errorf("suite (-written +read):\n%s", diff)
			}
		})
	}
}

func TestJSONIsSafeInAPage(t *testing.T) {
	text := render(t, JSON, hostile())
	if strings.ContainsAny(text, "<>\x1b\u2028") {
		t.Errorf("markup or control characters in\n%s", text)
	}
	if !strings.HasSuffix(text, "}\n") {
		t.Error("no final newline")
	}
}

func TestTableObeysNobodysEscapes(t *testing.T) {
	text := render(t, Style{}.Table, hostile())
	for _, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u200b' || r == '\u2028' {
			t.Errorf("%q in the table", r)
		}
	}
	if strings.Count(text, "\nPASS") > 0 {
		t.Error("a name has broken its line")
	}
}

func TestColourIsOnlyAddedWhenAsked(t *testing.T) {
	for name, suite := range goldens() {
		plain, coloured := render(t, Style{}.Table, suite), render(t, Style{Color: true}.Table, suite)
		if strings.Contains(plain, "\x1b") {
			t.Errorf("%s: colour in the plain table", name)
		}
		if len(suite.Subjects) > 0 && !strings.Contains(coloured, "\x1b[") {
			t.Errorf("%s: no colour in the coloured table", name)
		}
		for _, code := range []string{"\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"} {
			coloured = strings.ReplaceAll(coloured, code, "")
		}
		if diff := cmp.Diff(plain, coloured); diff != "" {
			t.Errorf("%s: colour changes more than the colour (-plain +coloured):\n%s", name, diff)
		}
	}
}

func TestVerdictsAreWords(t *testing.T) {
	for verdict, word := range map[result.Verdict]string{
		result.Pass: "PASS", result.Fail: "FAIL", result.Inconclusive: "INCONCLUSIVE",
	} {
		text := render(t, Style{}.Table, suiteOf(subject("it", verdict)))
		if row := lineWith(t, text, " it "); !strings.HasSuffix(row, "  "+word) {
			t.Errorf("row %q does not end with %s", row, word)
		}
	}
}

func lineWith(t *testing.T, text, part string) string {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	t.Fatalf("no line with %q in\n%s", part, text)
	return ""
}

func TestLastWordsAreOfTheLastShutdownThatHasSome(t *testing.T) {
	text := render(t, Style{}.Table, failing())
	for _, want := range []string{"The last lines of its stderr, in shutdown 2:", "    | panic: oh no\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "starting") {
		t.Error("an earlier shutdown's words are shown too")
	}
}

func TestAPassShowsNoLastWords(t *testing.T) {
	suite := warned()
	suite.Subjects[0].Details = []result.Detail{{Shutdown: 1, Stderr: []string{"chatter"}}}
	if text := render(t, Style{}.Table, suite); strings.Contains(text, "chatter") {
		t.Errorf("a pass quotes stderr:\n%s", text)
	}
}

// tornPipe takes so many bytes and then fails, as a pipe does whose reader is
// gone.
type tornPipe struct{ room int }

var errTorn = errors.New("torn")

func (p *tornPipe) Write(b []byte) (int, error) {
	if len(b) > p.room {
		return p.room, errTorn
	}
	p.room -= len(b)
	return len(b), nil
}

func TestAWriterThatFailsIsNotHidden(t *testing.T) {
	for _, f := range All(Style{}) {
		for _, room := range []int{0, 100} {
			if err := f.Render(&tornPipe{room}, failing()); !errors.Is(err, errTorn) {
				t.Errorf("%s with room for %d bytes: error %v, want %v", f.Name, room, err, errTorn)
			}
		}
	}
}

func TestFormatsAreNamedAndSaidWhatFor(t *testing.T) {
	names := Names()
	if len(names) != len(All(Style{})) {
		t.Errorf("%d names of %d formats", len(names), len(All(Style{})))
	}
	for i, f := range All(Style{}) {
		if f.Name == "" || f.Summary == "" || f.Render == nil {
			t.Errorf("format %d: %+v", i, f)
		}
	}
}

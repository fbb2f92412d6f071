package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/highlight"
	"lastcall/reports"
	"lastcall/scenarios"
	"lastcall/targets"
)

// run runs the command line in this process.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv(envSummary, "") // a test is no step of the job that tests us
	var out, err bytes.Buffer
	code = Run(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestListNamesEverythingAndExplainKnowsIt(t *testing.T) {
	for _, kind := range kindNames() {
		code, listed, stderr := invoke(t, "list", kind)
		if code != exitPass || stderr != "" || !strings.HasPrefix(listed, kind+"\n") {
			t.Errorf("list %s: exit %d, stderr %q, stdout %q", kind, code, stderr, listed)
		}
		lines := strings.Split(strings.TrimSpace(listed), "\n")[1:]
		if len(lines) == 0 {
			t.Errorf("list %s: it is empty", kind)
		}
		for _, line := range lines {
			if strings.HasPrefix(line, "   ") {
				continue // the rest of the one above
			}
			fields := strings.Fields(line)
			if len(fields) < 3 {
				t.Errorf("list %s: %q says nothing about it", kind, line)
				continue
			}
			explains(t, fields[0])
		}
	}
}

func explains(t *testing.T, name string) {
	t.Helper()
	code, text, stderr := invoke(t, "explain", name)
	if code != exitPass || stderr != "" {
		t.Errorf("explain %s: exit %d, stderr %q", name, code, stderr)
	}
	if first, rest, _ := strings.Cut(text, "\n"); !strings.HasPrefix(strings.TrimPrefix(first, "# "), name+" (") || len(strings.TrimSpace(rest)) < 20 {
		t.Errorf("explain %s: says %q", name, text)
	}
	if strings.Contains(text, "%!") {
		t.Errorf("explain %s: a broken format: %q", name, text)
	}
}

func TestListWithoutAKindListsAll(t *testing.T) {
	_, all, _ := invoke(t, "list")
	var parts []string
	for _, kind := range kindNames() {
		_, one, _ := invoke(t, "list", kind)
		parts = append(parts, one)
	}
	if want := strings.Join(parts, "\n"); all != want {
		t.Errorf("list is not all the lists:\n%s", cmp.Diff(want, all))
	}
}

func TestNamesAreUniqueOverAllKinds(t *testing.T) {
	seen := make(map[string]bool)
	for _, name := range allNames() {
		if seen[name] {
			t.Errorf("%q names two things: explain could show only one", name)
		}
		seen[name] = true
	}
}

func TestExplainShowsSourceAndLevels(t *testing.T) {
	for name, wants := range map[string][]string{
		"signal-notify": {"func signalNotify(", "What ", "When ", "Costs ", "Verdict "},
		"early-exit": {
			"early-exit (faulty strategy)\n", "func earlyExit(", "here is the mistake",
			"What differs from signal-notify:\n    - return <-drained\n    + return nil\n", "\nWhat Shutdown does:\n", "See it     lastcall compare early-exit signal-notify --scenario steady",
			"Bug        B05: main returns while Shutdown", "Sibling    signal-notify is the same without the mistake",
		},
		"drain": {
			"\nWhat it calls:\n", "func (a *App) Drain() {", "func serveUntil", "const drainBound = 30", "func (s *Sockets) Close(", "App.Lag is a field:\n// Lag is",
			"See it     lastcall compare signal-notify drain --scenario behind-a-balancer",
		},
		"naive":                  {"See it     lastcall compare naive signal-notify"},
		"steady":                 {"rate: 500", "# In effect", "grace 10s (policy default)", "no lag (policy default)"},
		"behind-a-balancer":      {"500 requests/s", "delay 100ms", "grace 30s (policy k8s)", "lag 2s (policy k8s)"},
		"long-lived":             {"/ws (websocket), /events (events): your own server must have them", "--park websocket=/chat,5"},
		"double-signal":          {"100 requests/s", "delay 1s"},
		"startup":                {"no load", "grace 5s,"},
		"late-requests-answered": {"Reference ", "Excuses ", "Policy default   fail, excused: warn", "Policy strict    fail"},
		"default":                {"at least 20 requests", "in-flight-completes"},
		"dropped":                {"closed", "reset", "truncated", "hung", "corrupt"},
	} {
		_, text, _ := invoke(t, "explain", name)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("explain %s: %q is missing in\n%s", name, want, text)
			}
		}
	}
}

// TestAnExplainedScenarioIsAFile asks that what explain prints can be redirected
// into a file, and runs.
func TestAnExplainedScenarioIsAFile(t *testing.T) {
	for _, name := range scenarios.Names() {
		_, text, _ := invoke(t, "explain", name)
		for line := range strings.Lines(text) {
			if len([]rune(line)) > 101 {
				t.Errorf("explain %s: %d columns: %s", name, len([]rune(line))-1, line)
			}
		}
		file := filepath.Join(t.TempDir(), "my.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := loadScenario(file)
		if err != nil {
			t.Errorf("explain %s: %v", name, err)
			continue
		}
		want, err := loadScenario(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("explain %s: another scenario (-want +got):\n%s", name, diff)
		}
		var coloured bytes.Buffer
		if err := highlight.YAML(&coloured, text); err != nil {
			t.Fatal(err)
		}
		if plain := regexp.MustCompile("\x1b[^m]*m").ReplaceAllString(coloured.String(), ""); plain != text {
			t.Errorf("explain %s: colours change it:\n%s", name, cmp.Diff(text, plain))
		}
	}
}

// TestListMarksTheFaultyStrategies asks that nobody copies one by mistake.
func TestListMarksTheFaultyStrategies(t *testing.T) {
	_, listed, _ := invoke(t, "list", "strategies")
	for _, s := range targets.All() {
		marked := regexp.MustCompile(`(?m)^  ` + s.Name + ` +\(faulty\) `).MatchString(listed)
		if marked != s.Faulty {
			t.Errorf("%s is marked as faulty: %v, want %v", s.Name, marked, s.Faulty)
		}
	}
}

// TestFaultyStrategiesBreakRulesThatExist keeps the catalogue, which knows
// rules by name only, from naming one that nobody judges.
func TestFaultyStrategiesBreakRulesThatExist(t *testing.T) {
	rules := make(map[string]bool)
	for _, r := range check.Rules() {
		rules[r.Name] = true
	}
	for _, s := range targets.All() {
		if s.Faulty && !rules[s.Breaks] {
			t.Errorf("%s breaks %q, which is no rule", s.Name, s.Breaks)
		}
	}
}

// TestHighlightChangesNothing asks that source in colour is the source, once
// the colours are taken off again, and that there were some.
func TestHighlightChangesNothing(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	sources := []string{"", "package p", "package p\n\nvar s = `a\n\tb` // end", "\tno go {{ \"unended\n'"}
	for _, s := range targets.All() {
		sources = append(sources, s.Source())
	}
	for _, source := range sources {
		var out strings.Builder
		if err := highlight.Go(&out, source); err != nil {
			t.Fatal(err)
		}
		if got := colour.ReplaceAllString(out.String(), ""); got != source {
			t.Errorf("(-want +got):\n%s", cmp.Diff(source, got))
		}
		if strings.HasPrefix(source, "package") && !colour.MatchString(out.String()) {
			t.Errorf("no colour in %q", out.String())
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, stderr := invoke(t, "version")
	if code != exitPass || stderr != "" || !strings.HasPrefix(out, "lastcall ") || strings.Count(out, "\n") != 1 {
		t.Errorf("version: exit %d, stdout %q, stderr %q", code, out, stderr)
	}
}

func TestSchemaRefusesWhatIsNoSuite(t *testing.T) {
	_, text, _ := invoke(t, "schema", "suite")
	schema := compileSchema(func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}, text)
	whole := encode(t, check.Judge(madeUp("run"), policyNamed(t, "default")))
	if err := schema.Validate(decode(t, whole)); err != nil {
		t.Fatalf("a suite is refused: %v", err)
	}
	for name, change := range map[string][2]string{
		"unknown verdict":      {`"verdict":"fail"`, `"verdict":"green"`},
		"unknown status":       {`"status":"fail"`, `"status":"bad"`},
		"a word for a number":  {`"total":130`, `"total":"130"`},
		"a fraction of a loss": {`"dropped":30`, `"dropped":30.5`},
		"a missing list":       {`"subjects":`, `"objects":`},
		"a missing subject":    {`"name":"naive"`, `"title":"naive"`},
		"a missing delay":      {`"delay":"100ms"`, `"late":"100ms"`},
		"a bound that is text": {`"per_request":0`, `"per_request":"x","was":0`},
		"a time that is none":  {`"started":"2026`, `"started":"never`},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(whole, change[0], change[1], 1)
			if broken == whole {
				t.Fatalf("%q is not in the suite", change[0])
			}
			if schema.Validate(decode(t, broken)) == nil {
				t.Error("it is accepted")
			}
		})
	}
}

func TestSchemaAllowsBoundsToBeNull(t *testing.T) {
	_, text, _ := invoke(t, "schema", "suite")
	schema := compileSchema(func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}, text)
	suite := check.Judge(madeUp("run"), policyNamed(t, "default"))
	suite.Subjects[0].Bounds = result.Bounds{}
	if err := schema.Validate(decode(t, encode(t, suite))); err != nil {
		t.Error(err)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func policyNamed(t testing.TB, name string) check.Policy {
	t.Helper()
	p, ok := check.PolicyByName(name)
	if !ok {
		t.Fatalf("no policy %s", name)
	}
	return p
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		said string
	}{
		{"no error", nil, exitPass, ""},
		{"bad usage", usagef("--rate is 0"), exitUsage, "lastcall: --rate is 0\n"},
		{"bad usage, wrapped", fmt.Errorf("plan: %w", usagef("no")), exitUsage, "lastcall: plan: no\n"},
		{"a verdict is not a message", &exitError{code: exitFail}, exitFail, ""},
		{"interrupted", &exitError{143, "interrupted"}, 143, "lastcall: interrupted\n"},
		{"a server's words give no command", errors.New("boot: ##[error]x\n::stop-commands::t"), exitInconclusive, "lastcall: boot: #·[error]x\n·:stop-commands::t\n"},
		{"a file's bytes give none to a terminal", errors.New("bad: \x1b[2J\a"), exitInconclusive, "lastcall: bad: ·[2J·\n"},
		{"it could not run", io.ErrUnexpectedEOF, exitInconclusive, "lastcall: unexpected EOF\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			if got := exitCode(c.err, &stderr); got != c.code || stderr.String() != c.said {
				t.Errorf("exit %d and %q, want %d and %q", got, stderr.String(), c.code, c.said)
			}
		})
	}
}

func TestNumberValue(t *testing.T) {
	var n int
	v := numberValue{&n, "500"}
	if err := v.Set("42"); err != nil || n != 42 || v.String() != "42" {
		t.Errorf("Set(42): %v, %d, %s", err, n, v)
	}
	for _, wrong := range []string{"", "abc", "1.5", "1e3", "0x10", " 1", "99999999999999999999"} {
		if err := v.Set(wrong); err == nil || n != 42 {
			t.Errorf("Set(%q): error %v, value %d; want an error and the old value", wrong, err, n)
		}
	}
	if (numberValue{}).String() != "" {
		t.Error("a zero value, which pflag makes, must render")
	}
}

func TestDurationValue(t *testing.T) {
	var d time.Duration
	v := durationValue{&d}
	if err := v.Set("1m30s"); err != nil || d != 90*time.Second || v.String() != "1m30s" {
		t.Errorf("Set(1m30s): %v, %v, %s", err, d, v)
	}
	for _, wrong := range []string{"", "100", "soon", "1 s", "5d"} {
		if err := v.Set(wrong); err == nil || d != 90*time.Second {
			t.Errorf("Set(%q): error %v, value %v; want an error and the old value", wrong, err, d)
		}
	}
	if (durationValue{}).String() != "" {
		t.Error("a zero value, which pflag makes, must render")
	}
}

func TestReportsValue(t *testing.T) {
	var asked []reportRequest
	v := reportsValue{&asked, reports.Names()}
	for _, text := range []string{"table", "json=a=b.json"} {
		if err := v.Set(text); err != nil {
			t.Fatalf("Set(%q): %v", text, err)
		}
	}
	want := []reportRequest{{"table", ""}, {"json", "a=b.json"}}
	if !slices.Equal(asked, want) {
		t.Errorf("collected %v, want %v", asked, want)
	}
	if got := v.String(); got != "table,json=a=b.json" {
		t.Errorf("String() = %q", got)
	}
	for _, wrong := range []string{"", "jsn", "=x", "json=", "JSON"} {
		if err := v.Set(wrong); err == nil || len(asked) != 2 {
			t.Errorf("Set(%q): error %v, %d collected; want an error and nothing new", wrong, err, len(asked))
		}
	}
	if err := v.Replace([]string{"json"}); err != nil || !slices.Equal(asked, []reportRequest{{"json", ""}}) {
		t.Errorf("Replace: %v, %v", err, asked)
	}
}

// parse returns the scenario and policy that a command line comes to.
func parse(t *testing.T, args ...string) (scenario.Scenario, check.Policy, error) {
	t.Helper()
	o := newRunOptions()
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.register(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o.resolve(f)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagsOverrideTheScenario(t *testing.T) {
	file := write(t, "mine.yaml", `
subject: {delay: 20ms}
load: {rate: 50, connections: fresh, method: POST}
disruption: {signal: SIGINT, grace: 2s}
policy: strict
shutdowns: 7
`)
	want := scenario.Scenario{
		Name: "mine", Subject: scenario.Subject{Delay: scenario.Millis(20)}, Policy: "strict", Shutdowns: 7,
		Load:       scenario.Default().Load,
		Disruption: scenario.Disruption{Signal: "SIGINT", Grace: scenario.Seconds(2), Target: scenario.Leader},
	}
	want.Load.Rate, want.Load.Connections, want.Load.Method = 50, scenario.Fresh, "POST"
	want.Load.Timeout = scenario.Seconds(7)
	for _, c := range []struct {
		name   string
		args   []string
		change func(*scenario.Scenario)
	}{
		{"no flag changes nothing", nil, func(*scenario.Scenario) {}},
		{"--rate", []string{"--rate", "9"}, func(s *scenario.Scenario) { s.Load.Rate = 9 }},
		{"--delay", []string{"--delay", "1ms"}, func(s *scenario.Scenario) { s.Subject.Delay = scenario.Millis(1) }},
		{"--shutdowns", []string{"--shutdowns", "2"}, func(s *scenario.Scenario) { s.Shutdowns = 2 }},
		{"--signal", []string{"--signal", "term"}, func(s *scenario.Scenario) { s.Disruption.Signal = "SIGTERM" }},
		{"--grace, and the timeout follows", []string{"--grace", "1s"}, func(s *scenario.Scenario) {
			s.Disruption.Grace, s.Load.Timeout = scenario.Seconds(1), scenario.Seconds(6)
		}},
		{"--timeout", []string{"--timeout", "3s"}, func(s *scenario.Scenario) { s.Load.Timeout = scenario.Seconds(3) }},
		{"--grace with --timeout", []string{"--grace", "1s", "--timeout", "3s"}, func(s *scenario.Scenario) {
			s.Disruption.Grace, s.Load.Timeout = scenario.Seconds(1), scenario.Seconds(3)
		}},
		{"--connections", []string{"--connections", "reused"}, func(s *scenario.Scenario) { s.Load.Connections = scenario.Reused }},
		{"--method", []string{"--method", "head"}, func(s *scenario.Scenario) { s.Load.Method = "HEAD" }},
		{"--policy", []string{"--policy", "default"}, func(s *scenario.Scenario) { s.Policy = "default" }},
		{"a flag with the default's value is a flag", []string{"--rate", "500"}, func(s *scenario.Scenario) { s.Load.Rate = 500 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, policy, err := parse(t, append([]string{"--scenario", file}, c.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			want := want
			c.change(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scenario (-want +got):\n%s", diff)
			}
			if policy.Name != want.Policy {
				t.Errorf("policy %s, want %s", policy.Name, want.Policy)
			}
		})
	}
}

func TestAScenariosOwnTimeoutDoesNotFollowTheGrace(t *testing.T) {
	file := write(t, "mine.yaml", "load: {timeout: 4s}\n")
	s, _, err := parse(t, "--scenario", file, "--grace", "1s")
	if err != nil || s.Load.Timeout != scenario.Seconds(4) {
		t.Errorf("timeout %v, error %v; want the 4s of the file", s.Load.Timeout, err)
	}
}

func TestDefaultsOfTheFlagsAreTheDefaultScenario(t *testing.T) {
	got, _, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	o := newRunOptions()
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.register(f)
	var named []string
	f.VisitAll(func(flag *pflag.Flag) {
		switch flag.DefValue {
		case "", "[]", "0", "0%": // decided by the policy, or off
		default:
			named = append(named, "--"+flag.Name+"="+flag.DefValue)
		}
	})
	for _, not := range []string{"--scenario=", "--record=", "--report="} {
		named = slices.DeleteFunc(named, func(arg string) bool { return strings.HasPrefix(arg, not) })
	}
	spelt, _, err := parse(t, named...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, spelt); diff != "" {
		t.Errorf("flags say another default than the scenario:\n%s", diff)
	}
}

func TestErrorsNameTheFlag(t *testing.T) {
	for flag, value := range map[string]string{
		"rate": "0", "delay": "-1s", "shutdowns": "0", "signal": "SIGFOO", "grace": "0s",
		"timeout": "1ns", "connections": "wired", "method": "BREW", "policy": "none", "scenario": "none",
	} {
		t.Run(flag, func(t *testing.T) {
			_, _, err := parse(t, "--"+flag, value)
			if err == nil || !strings.HasPrefix(err.Error(), "--"+flag) {
				t.Errorf("error %v, want one that begins with --%s", err, flag)
			}
			if _, ok := errors.AsType[*usageError](err); !ok {
				t.Errorf("error %v is not the user's mistake", err)
			}
		})
	}
}

func TestReportsGoSomewhereElseEach(t *testing.T) {
	for _, c := range []struct {
		name    string
		asked   []reportRequest
		refused bool
	}{
		{"none", nil, false},
		{"two files", []reportRequest{{"json", "a"}, {"json", "b"}}, false},
		{"stdout and a file", []reportRequest{{"table", ""}, {"json", "a"}}, false},
		{"stdout twice", []reportRequest{{"table", ""}, {"json", ""}}, true},
		{"a table with GitHub's commands", []reportRequest{{"table", ""}, {"github", ""}}, false},
		{"GitHub's commands with a table", []reportRequest{{"github", ""}, {"table", ""}}, false},
		{"a table around GitHub's commands", []reportRequest{{"table", ""}, {"github", ""}, {"table", ""}}, true},
		{"JSON among GitHub's commands", []reportRequest{{"github", ""}, {"json", ""}}, true},
		{"a table with GitHub's commands in one file", []reportRequest{{"table", "a"}, {"github", "a"}}, true},
		{"one file twice", []reportRequest{{"table", "a"}, {"json", "a"}}, true},
		{"one file, written in two ways", []reportRequest{{"table", "x/a"}, {"json", "./x//a"}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := (&outputOptions{reports: c.asked}).Validate(); (err != nil) != c.refused {
				t.Errorf("error %v, refused should be %v", err, c.refused)
			}
		})
	}
}

func TestTheTableIsAddedUnlessStdoutIsTaken(t *testing.T) {
	file := reportRequest{"json", "a"}
	table := reportRequest{"table", ""}
	for _, c := range []struct {
		name  string
		quiet bool
		asked []reportRequest
		want  []reportRequest
	}{
		{"nothing asked for", false, nil, []reportRequest{table}},
		{"a file", false, []reportRequest{file}, []reportRequest{file, table}},
		{"stdout is taken", false, []reportRequest{{"json", ""}}, []reportRequest{{"json", ""}}},
		{"quiet", true, []reportRequest{file}, []reportRequest{file}},
		{"quiet, but asked for", true, []reportRequest{table}, []reportRequest{table}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := (&outputOptions{quiet: c.quiet, reports: c.asked}).requests()
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

var errRender = errors.New("no ink")

func halfAPage(w io.Writer, _ result.Suite) error {
	_, _ = io.WriteString(w, "half a page") // into memory
	return errRender
}

// outputTo opens an output that writes json to a file, and makes the renderer
// fail after half a page if it is told to.
func outputTo(t *testing.T, path string, stdout io.Writer, fails bool) *output {
	t.Helper()
	o := &outputOptions{reports: []reportRequest{{"json", path}, {"table", ""}}}
	out, err := openOutput(o, streams{out: stdout, err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if fails {
		out.formats = func(style reports.Style) []reports.Format {
			all := reports.All(style)
			all[slices.IndexFunc(all, func(f reports.Format) bool { return f.Name == "json" })].Render = halfAPage
			return all
		}
	}
	return out
}

func TestARendererThatFailsLeavesTheOldFile(t *testing.T) {
	path := write(t, "old.json", "precious")
	var stdout strings.Builder
	err := outputTo(t, path, &stdout, true).write(check.Judge(nil, policyNamed(t, "default")))
	if !errors.Is(err, errRender) {
		t.Errorf("error %v, want %v", err, errRender)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file holds %q", text)
	}
	if stdout.Len() == 0 {
		t.Error("the other report was not written")
	}
	holdsOnly(t, filepath.Dir(path), "old.json")
}

func TestAReportAppearsWhole(t *testing.T) {
	path := write(t, "old.json", "precious")
	out := outputTo(t, path, io.Discard, false)
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("before anything was written the file holds %q", text)
	}
	if err := out.write(check.Judge(madeUp("run"), policyNamed(t, "default"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Errorf("error %v, the file holds %q", err, text)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, error %v; others must be able to read a report", info.Mode(), err)
	}
	holdsOnly(t, filepath.Dir(path), "old.json")
}

func TestDiscardLeavesNothing(t *testing.T) {
	path := write(t, "old.json", "precious")
	out := outputTo(t, filepath.Join(filepath.Dir(path), "new.json"), io.Discard, false)
	out.discard()
	holdsOnly(t, filepath.Dir(path), "old.json")
}

func holdsOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %v, want %v", dir, got, want)
	}
}

func TestColorNeedsATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, w := range map[string]io.Writer{"buffer": io.Discard, "file": file} {
		if colored(false, w) {
			t.Errorf("a %s would be coloured", name)
		}
	}
}

func TestRecordedHistoriesReadBackEqual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	r, err := openRecorder(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := madeUp("run")
	for _, h := range want {
		if err := r.write(h); err != nil {
			t.Fatal(err)
		}
	}
	holdsOnly(t, dir, "naive-001.jsonl", "signal-notify-001.jsonl")
	got, err := readHistories(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("histories (-written +read):\n%s", diff)
	}
	if _, err := openRecorder(dir); err == nil {
		t.Error("a directory that holds histories is opened again")
	}
}

func TestNoRecorderRecordsNothing(t *testing.T) {
	r, err := openRecorder("")
	if err != nil || r.write(madeUp("run")[0]) != nil {
		t.Errorf("without --record: %v", err)
	}
}

func TestAFailedRecordLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	r, err := openRecorder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if r.write(madeUp("run")[0]) == nil {
		t.Error("it says it has written it")
	}
}

// TestNothingIsReplaced: a history that has no name of its own any more is an error.
func TestNothingIsReplaced(t *testing.T) {
	dir := t.TempDir()
	r, err := openRecorder(dir)
	if err != nil {
		t.Fatal(err)
	}
	taken := filepath.Join(dir, "naive-001.jsonl")
	if err := os.WriteFile(taken, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.write(madeUp("run")[0]); err == nil || err.Error() != "record naive-001.jsonl: file exists" {
		t.Errorf("error %v", err)
	}
	holdsOnly(t, dir, "naive-001.jsonl")
	if text, err := os.ReadFile(taken); err != nil || string(text) != "precious" {
		t.Errorf("what was there is now %q, %v", text, err)
	}
}

func TestHistoryNames(t *testing.T) {
	long := strings.Repeat("n", 300)
	names := make(map[string]string)
	for i, c := range []struct{ subject, file string }{
		{"naive", "naive-001.jsonl"},
		{"my-server_v1.2", "my-server_v1.2-001.jsonl"},
		{"../../X", "_._.._X_3-001.jsonl"},
		{"team/api", "team_api_4-001.jsonl"},
		{"team api", "team_api_5-001.jsonl"},
		{"team_api", "team_api-001.jsonl"},
		{"team_api_4", "team_api_4_7-001.jsonl"},
		{"..", "_._8-001.jsonl"},
		{".hidden", "_hidden_9-001.jsonl"},
		{"-rf", "_rf_10-001.jsonl"},
		{"", "_11-001.jsonl"},
		{"\x00\n\x1b[2J", "____2J_12-001.jsonl"},
		{"Grüße", "Gr__e_13-001.jsonl"},
		{"a\xffb", "a_b_14-001.jsonl"},
		{long, long[:90] + "_15-001.jsonl"},
		{"/", "__16-001.jsonl"},
		{"CON/../aux", "CON_.._aux_17-001.jsonl"},
	} {
		got := historyName(history.Header{Subject: c.subject, Position: i, Shutdown: 1})
		if got != c.file || filepath.Base(got) != got || !filepath.IsLocal(got) || len(got) > 110 {
			t.Errorf("%q has the file %q, want %q", c.subject, got, c.file)
		}
		if other, taken := names[got]; taken {
			t.Errorf("%q and %q have the same file %q", c.subject, other, got)
		}
		names[got] = c.subject
	}
	if got := historyName(history.Header{Subject: "naive", Shutdown: 12, Repeats: 2}); got != "naive-012-again-2.jsonl" {
		t.Errorf("a shutdown that is tried again has %q", got)
	}
}

// TestAnOddNameKeepsItsHistory: it is read back under the name that it was given.
func TestAnOddNameKeepsItsHistory(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "a", "b")
	r, err := openRecorder(dir)
	if err != nil {
		t.Fatal(err)
	}
	h := madeUp("run")[0]
	h.Header.Subject = "../../X"
	if err := r.write(h); err != nil {
		t.Fatal(err)
	}
	holdsOnly(t, outer, "a")
	holdsOnly(t, dir, "_._.._X_1-001.jsonl")
	if got, err := readHistories(dir); err != nil || got[0].Header.Subject != "../../X" {
		t.Errorf("read back: %v", err)
	}
}

func TestInterruptionIsTheCause(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		ctx, stop := interruptible(context.Background())
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(patience):
			t.Fatalf("%v does not end the context", sig)
		}
		exit, ok := errors.AsType[*exitError](interruptedExit(ctx))
		if !ok || exit.code != 128+int(sig) {
			t.Errorf("%v: %v, want exit code %d", sig, exit, 128+int(sig))
		}
		stop()
	}
}

func TestNoInterruptionIsNoError(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, stop := interruptible(context.Background())
	defer stop()
	if err := interruptedExit(ctx); err != nil {
		t.Error(err)
	}
}

// TestEveryWordOfTheTableIsExplained: whoever reads a word above a column can ask what
// it means.
func TestEveryWordOfTheTableIsExplained(t *testing.T) {
	for _, word := range []string{
		"in flight", "completed", "rejected", "failed", "dropped", "late", "at risk", "refused", "lost acks", "cut", "exit", "verdict",
	} {
		code, text, stderr := invoke(t, append([]string{"explain"}, strings.Fields(word)...)...)
		if code != exitPass || stderr != "" || !strings.Contains(text, "Meaning ") {
			t.Errorf("explain %s: exit %d, %q, %q", word, code, text, stderr)
		}
	}
}

package reports

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// command is a server of the user's.
func command(name string, v result.Verdict) result.Subject {
	s := subject(name, v)
	s.Kind = "command"
	return s
}

// TestConditions: what is as it is by default goes without saying, and all else
// is said.
func TestConditions(t *testing.T) {
	const rest = ", policy default, seed 7, 9.9 s."
	tests := []struct {
		name   string
		change func(*result.Suite)
		want   string
	}{
		{"all by default", func(*result.Suite) {}, "3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest},
		{"one shutdown", func(s *result.Suite) { s.Scenario.Shutdowns = 1 }, "1 shutdown each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest},
		{
			"interrupted", func(s *result.Suite) { s.Status = result.SuiteInterrupted },
			"Interrupted: the result is partial. Up to 3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"the group", func(s *result.Suite) { s.Scenario.Disruption.Target = scenario.Group },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM to the group under load" + rest,
		},
		{
			"the owner of the socket", func(s *result.Suite) { s.Scenario.Disruption.Target = scenario.Owner },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM to the owner under load" + rest,
		},
		{
			"nobody has said who", func(s *result.Suite) { s.Scenario.Disruption.Target = "" },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"a sequence", func(s *result.Suite) { s.Scenario.Disruption.Signal = "SIGTERM,2s,SIGTERM,500ms,SIGQUIT" },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM, 2 s later SIGTERM, 500 ms later SIGQUIT under load" + rest,
		},
		{
			"a sequence without a pause", func(s *result.Suite) { s.Scenario.Disruption.Signal = "SIGTERM, SIGINT" },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM, SIGINT under load" + rest,
		},
		{
			"a lag", func(s *result.Suite) { s.Scenario.Disruption.Lag = scenario.Seconds(2) },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load, 2 s of lag" + rest,
		},
		{
			"websockets", func(s *result.Suite) {
				s.Scenario.Load.Parked = []scenario.Park{{Kind: scenario.WebSocket, URL: "/ws", Count: 5}, {Kind: scenario.WebSocket, URL: "/chat", Count: 1}}
			},
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, beside 6 WebSockets, SIGTERM under load" + rest,
		},
		{
			"parked connections of several kinds", func(s *result.Suite) {
				s.Scenario.Load.Parked = []scenario.Park{{Kind: scenario.Silent, Count: 3}, {Kind: scenario.EventStream, URL: "/", Count: 1}, {Kind: scenario.Idle, Count: 2}}
			},
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, beside 1 event stream, 2 idle connections and 3 silent connections, SIGTERM under load" + rest,
		},
		{
			"one silent connection", func(s *result.Suite) { s.Scenario.Load.Parked = []scenario.Park{{Kind: scenario.Silent, Count: 1}} },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, beside 1 silent connection, SIGTERM under load" + rest,
		},
		{
			"while it starts", func(s *result.Suite) { s.Scenario.Disruption.When = scenario.Started },
			"3 shutdowns each, SIGTERM at a random instant within twice the time that the server takes to be ready, no load" + rest,
		},
		{
			"as soon as it is ready, to the group", func(s *result.Suite) {
				s.Scenario.Disruption.When, s.Scenario.Disruption.Target = scenario.Ready, scenario.Group
			},
			"3 shutdowns each, SIGTERM to the group as soon as it was ready, no load" + rest,
		},
		{
			"loaded, written out", func(s *result.Suite) { s.Scenario.Disruption.When = scenario.Loaded },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"a command instead of a signal", func(s *result.Suite) {
				s.Scenario.Disruption.While, s.Scenario.Disruption.Target = []string{"nginx", "-s", "reload"}, scenario.Group
			},
			`3 times each, 500 requests/s (mixed), 100 ms handlers, "nginx -s reload" under load` + rest,
		},
		{
			"a command instead of a signal, once", func(s *result.Suite) {
				s.Scenario.Disruption.While, s.Scenario.Shutdowns = []string{"reload"}, 1
			},
			`1 time each, 500 requests/s (mixed), 100 ms handlers, "reload" under load` + rest,
		},
		{
			"a server of the user's", func(s *result.Suite) {
				s.Subjects, s.Scenario.Subject.URL = []result.Subject{command("api", result.Pass)}, "http://127.0.0.1:{port}/api"
			},
			"3 shutdowns each, 500 requests/s (mixed) to http://127.0.0.1:{port}/api, SIGTERM under load" + rest,
		},
		{
			"beside a strategy", func(s *result.Suite) {
				s.Subjects = append(s.Subjects, command("api", result.Pass))
			},
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"one request of its own", func(s *result.Suite) {
				s.Scenario.Subject.URL, s.Scenario.Load.Requests = "http://127.0.0.1:80/", []scenario.Target{{Method: "POST", URL: "/orders"}}
			},
			"3 shutdowns each, 500 requests/s (mixed) to POST /orders, SIGTERM under load" + rest,
		},
		{
			"requests of its own", func(s *result.Suite) {
				s.Scenario.Load.Requests = []scenario.Target{{URL: "/a"}, {URL: "/b"}, {URL: "/c"}}
			},
			"3 shutdowns each, 500 requests/s (mixed) to GET /a and 2 more, SIGTERM under load" + rest,
		},
		{
			"requests of a file", func(s *result.Suite) { s.Scenario.Load.RequestsFile = "orders.http" },
			"3 shutdowns each, 500 requests/s (mixed), SIGTERM under load" + rest,
		},
		{
			"two requests", func(s *result.Suite) { s.Scenario.Load.Requests = []scenario.Target{{URL: "/a"}, {URL: "/b"}} },
			"3 shutdowns each, 500 requests/s (mixed) to GET /a and 1 more, SIGTERM under load" + rest,
		},
		{
			"a long command", func(s *result.Suite) { s.Scenario.Disruption.While = []string{"reload", strings.Repeat("x", 200)} },
			`3 times each, 500 requests/s (mixed), 100 ms handlers, "reload xxxxxxxxxxxxxxxxxxxxxxxx…" under load` + rest,
		},
		{
			"a long URL", func(s *result.Suite) { s.Scenario.Subject.URL = "http://127.0.0.1:8080/" + strings.Repeat("x", 200) },
			"3 shutdowns each, 500 requests/s (mixed) to /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"a URL of which the path tells more", func(s *result.Suite) {
				s.Scenario.Load.Requests = []scenario.Target{{URL: "https://127.0.0.1:{port}/work?delay=100ms"}}
			},
			"3 shutdowns each, 500 requests/s (mixed) to GET /work?delay=100ms, SIGTERM under load" + rest,
		},
		{
			"a URL that is only long", func(s *result.Suite) { s.Scenario.Subject.URL = "http://" + strings.Repeat("x", 200) },
			"3 shutdowns each, 500 requests/s (mixed) to http://xxxxxxxxxxxxxxxxxxxxxxxx…, 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"one that never booted", func(s *result.Suite) { s.Subjects[0].Shutdowns = 1 },
			"1 of 3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load" + rest,
		},
		{
			"more than a minute", func(s *result.Suite) { s.Seconds = 3723.44 },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load, policy default, seed 7, 1 h 2 min.",
		},
		{
			"a policy with changes", func(s *result.Suite) { s.Scenario.Overrides.MaxLoss = 0.001 },
			"3 shutdowns each, 500 requests/s (mixed), 100 ms handlers, SIGTERM under load, policy default with changes, seed 7, 9.9 s.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			suite := passing()
			tt.change(&suite)
			if got := conditions(suite); got != tt.want {
				t.Errorf("got\n%s, want\n%s", got, tt.want)
			}
		})
	}
}

// TestEveryOverrideIsAChange: none of them goes without saying.
func TestEveryOverrideIsAChange(t *testing.T) {
	for name, o := range map[string]scenario.Overrides{
		"min-at-risk": {MinAtRisk: 1}, "max-loss": {MaxLoss: 0.1}, "exit-codes": {ExitCodes: []int{3}}, "rules": {Rules: map[string]string{"a": "off"}},
	} {
		if changed(o) == "" {
			t.Errorf("%s is changed, and nobody says so", name)
		}
	}
	if got := changed(scenario.Overrides{ExitCodes: []int{}, Rules: map[string]string{}}); got != "" {
		t.Errorf("nothing is changed, and it is said that %q", got)
	}
}

// TestConditionsTakeTwoLines, whatever is asked for, as long as the words in it
// are no longer than words are; one more where connections are parked.
func TestConditionsTakeTwoLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		suite := suiteOf(command("api", result.Pass))
		suite.Seconds, suite.Seed = 599.9, rapid.Uint64Range(0, 99_999).Draw(t, "seed")
		suite.Scenario.Policy = rapid.SampledFrom([]string{"default", "k8s", "systemd"}).Draw(t, "policy")
		suite.Scenario.Overrides.MinAtRisk = rapid.IntRange(0, 1).Draw(t, "override")
		suite.Scenario.Subject.URL = rapid.StringMatching(`https://127\.0\.0\.1:\{port\}/[a-z/]{0,300}`).Draw(t, "url")
		d := &suite.Scenario.Disruption
		d.Signal = rapid.SampledFrom([]string{"SIGTERM", "SIGTERM,2s,SIGTERM"}).Draw(t, "signal")
		d.Target = rapid.SampledFrom([]string{scenario.Leader, scenario.Group, scenario.Owner}).Draw(t, "target")
		if rapid.Bool().Draw(t, "a command") {
			d.While = rapid.SliceOfN(rapid.StringMatching(`[a-z-]{1,40}`), 1, 3).Draw(t, "while")
		} else {
			d.Lag = rapid.SampledFrom([]scenario.Duration{{}, scenario.Millis(2500)}).Draw(t, "lag")
		}
		most := 2
		if rapid.Bool().Draw(t, "parked") {
			most = 3
			suite.Scenario.Load.Parked = []scenario.Park{{Kind: scenario.Silent, Count: 100}, {Kind: scenario.WebSocket, Count: 100}, {Kind: scenario.EventStream, Count: 100}, {Kind: scenario.Idle, Count: 100}}
		}
		if lines := strings.Split(wrap(conditions(suite), "  "), "\n"); len(lines) > most {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
	})
}

// TestARowIsAboutAStrategyOrAServer: a command of the user's is no strategy.
func TestARowIsAboutAStrategyOrAServer(t *testing.T) {
	for name, tt := range map[string]struct {
		suite result.Suite
		want  string
	}{
		"strategies":        {passing(), "strategy"},
		"nobody":            {suiteOf(), "strategy"},
		"a command":         {suiteOf(command("api", result.Pass)), "server"},
		"both, in any turn": {suiteOf(subject("naive", result.Fail), command("api", result.Pass)), "server"},
	} {
		t.Run(name, func(t *testing.T) {
			header := lineWith(t, render(t, Style{}.Table, tt.suite), "verdict")
			if first := strings.Fields(header)[0]; first != tt.want {
				t.Errorf("a row is about a %s, want a %s", first, tt.want)
			}
		})
	}
}

// TestWhoeverStayedUpIsStillUp: no exit was asked for, so none is missing.
func TestWhoeverStayedUpIsStillUp(t *testing.T) {
	s := command("nginx", result.Pass)
	s.Exits, s.Details = nil, []result.Detail{{Operation: &history.Operation{}}}
	up, gone := history.Left{Looked: true, PortTaken: true}, history.Left{Looked: true}
	operation := func(left history.Left) result.Detail {
		return result.Detail{Operation: &history.Operation{}, Left: left}
	}
	for want, s := range map[string]result.Subject{
		"still up": {Details: []result.Detail{operation(up), operation(history.Left{})}},
		"gone":     {Details: []result.Detail{operation(up), operation(gone)}},
		"not seen": {Details: []result.Detail{{Left: gone}}},
	} {
		if got := exit(s, 20); got != want {
			t.Errorf("its exit is %q, want %q", got, want)
		}
	}
	s.Exits, s.ExitSeconds.Median = []result.Exit{{Code: 1, Count: 1}}, 0.3
	if got := exit(s, 20); got != "1, 300 ms" {
		t.Errorf("it died, and its exit is %q", got)
	}
}

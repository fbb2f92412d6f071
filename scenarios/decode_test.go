package scenarios

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
)

// everything is what stands in testdata/everything.yaml.
var everything = scenario.Scenario{
	Name: "everything", Purpose: "Shows every key.",
	Subject: scenario.Subject{
		Delay: scenario.Millis(50), Name: "shop",
		Command: []string{"./server", "--port", "{port}", "-v", "2", "true"}, Dir: "srv",
		Env: map[string]string{
			"PORT": "8080", "MODE": "0644", "MASK": "0x10", "BIG": "1e3", "PRICE": "1.10", "DEBUG": "yes",
			"STRICT": "true", "EMPTY": "", "1": "one", "ADDRESS": "127.0.0.1:{port}",
		},
		URL: "https://localhost:{port}/shop", Ready: "/health", ReadyTimeout: scenario.Seconds(20),
		CA: "certs/ca.pem", AllowRemote: true,
		Ledger: "log/orders-{port}.ledger", Applied: []string{"bin/orders", "--ids", "{port}", "{pid}"},
	},
	Load: scenario.Load{
		Rate: 300, Method: "POST", Connections: scenario.Fresh, Timeout: scenario.Seconds(12),
		WarmUp: scenario.Seconds(1), Jitter: scenario.Millis(300), Trigger: scenario.Seconds(3), Tail: scenario.Seconds(4), MaxOpen: 1500,
		Requests: []scenario.Target{
			{
				Method: "POST", URL: "/orders?n=1", Body: "{\"sku\": 5, \"id\": \"{id}\"}\n",
				Header: map[string]string{"Content-Type": "application/json", "X-Retry": "3", "X.Dotted": "yes", "Idempotency-Key": "{id}"},
			},
			{Method: "PUT", URL: "https://localhost:{port}/upload", BodyFile: "bodies/large.bin"},
			{URL: "/"},
		},
		RequestsFile: "more.txt",
		ExpectStatus: "200,201,204-299", ExpectBody: `"ok": *true`,
		Parked: []scenario.Park{{Kind: scenario.WebSocket, URL: "/ws", Count: 5, Header: map[string]string{"Authorization": "Bearer x", "Sec-WebSocket-Protocol": "chat"}}, {Kind: scenario.Silent, Count: 3}, {Kind: scenario.Idle, Count: 2}},
	},
	Disruption: scenario.Disruption{
		Signal: "SIGINT", Target: scenario.Owner, Grace: scenario.Seconds(20), Lag: scenario.Seconds(1),
		While: []string{"bin/reload", "{pid}"}, Settle: scenario.Seconds(3),
		When: scenario.Loaded,
	},
	Policy: "k8s",
	Overrides: scenario.Overrides{
		MinAtRisk: 40, MaxLoss: 0.001, ExitCodes: []int{3, 143},
		Rules: map[string]string{"exit-status": "off", "announces-close": "fail", "no-failed": "warn"},
	},
	Needs:     []string{"no-lost-ack", "stays-up"},
	Shutdowns: 5,
	Reports:   []string{"table", "junit=report.xml"},
	Expect: map[string][]string{
		"pass":                {"signal-notify", "drain"},
		"in-flight-completes": {"naive", "with-cancel", "fatal-serve"},
		"exit-status":         {"fatal-serve"},
	},
}

func TestEveryKeyIsRead(t *testing.T) {
	text, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("everything.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(everything, got); diff != "" {
		t.Errorf("scenario (-want +got):\n%s", diff)
	}
	for _, key := range keysOf(reflect.TypeFor[scenario.Scenario](), "") {
		last := key[strings.LastIndexAny(key, ".")+1:]
		if !regexp.MustCompile(`(?m)[\s{]`+last+`: `).Match(text) && !strings.Contains(string(text), last+":\n") {
			t.Errorf("testdata/everything.yaml does not show %s", key)
		}
	}
}

// TestAWordIsTheSameInEveryForm asks that a text is what was written, however
// YAML would understand it.
func TestAWordIsTheSameInEveryForm(t *testing.T) {
	for written, want := range map[string]string{
		"yes": "yes", "off": "off", "on": "on", "True": "True", "false": "false", "y": "y",
		"8080": "8080", "010": "010", "0o17": "0o17", "0x1F": "0x1F", "0b1": "0b1", "1_000": "1_000", "+5": "+5", "-0": "-0",
		"1e3": "1e3", "1.50": "1.50", ".5": ".5", ".inf": ".inf", ".nan": ".nan", "12:30:45": "12:30:45", "2026-01-02": "2026-01-02",
		"'null'": "null", `"~"`: "~", `""`: "", `"a\tb\u00e9"`: "a\tbé", "'it''s'": "it's", "a b  # why": "a b", "a#b": "a#b",
		">-\n      folded\n      text": "folded text", "|\n      kept\n\n      so": "kept\n\nso\n", "several\n      lines": "several lines",
	} {
		t.Run(written, func(t *testing.T) {
			s, err := Parse("mine.yaml", []byte("subject:\n  env:\n    KEY: "+written+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Subject.Env["KEY"]; got != want {
				t.Errorf("%s is read as %q, want %q", written, got, want)
			}
		})
	}
}

// TestEveryKindOfKeyCanBeDecoded keeps the decoder complete: a key of a type
// that it does not know could not be used.
func TestEveryKindOfKeyCanBeDecoded(t *testing.T) {
	var walk func(reflect.Type, string)
	walk = func(r reflect.Type, path string) {
		switch {
		case isText(r):
		case r.Kind() == reflect.Struct:
			for _, f := range fieldsOf(r) {
				if f.name == "" || f.name == "-" {
					t.Errorf("%s has a field without a name in YAML", path)
				}
				walk(r.FieldByIndex(f.index).Type, path+"."+f.name)
			}
		case r.Kind() == reflect.Slice:
			walk(r.Elem(), path+"[]")
		case r.Kind() == reflect.Map && r.Key().Kind() == reflect.String:
			walk(r.Elem(), path+"{}")
		case r.Kind() == reflect.String, r.Kind() == reflect.Int, r.Kind() == reflect.Bool:
		default:
			t.Errorf("%s is of the type %s", path, r)
		}
	}
	walk(reflect.TypeFor[scenario.Scenario](), "scenario")
}

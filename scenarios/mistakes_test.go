package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
)

// broken are files with one mistake each: where it is, what is said of it, and
// the line that is shown.
var broken = []struct{ name, text, at, what, shown string }{
	// keys
	{"unknown key", "name: x\nlaod: {}\n", "2:1", `unknown key "laod": did you mean load?`, ">  2 | laod: {}\n       ^"},
	{"unknown key, inside", "load:\n  rat: 5\n", "2:3", `unknown key "rat": did you mean rate?`, ">  2 |   rat: 5\n         ^"},
	{"unknown key, in a list", "load:\n  requests:\n    - url: /\n      hedaer: {}\n", "4:7", `unknown key "hedaer": did you mean header?`, ">  4 |       hedaer: {}"},
	{"unknown key, in brackets", "load: {requests: [{url: /}, {urk: /}]}\n", "1:30", `unknown key "urk": did you mean url?`, ">  1 | load: {"},
	{"unknown key, of another tool", "kubernetes: 5\n", "1:1", `unknown key "kubernetes": use one of name, purpose, subject, load`, ">  1 | kubernetes: 5"},
	{"underscore for a dash", "load: {warm_up: 5s}\n", "1:8", `unknown key "warm_up": did you mean warm-up?`, ">  1 |"},
	{"key of another level", "rate: 5\n", "1:1", `unknown key "rate": did you mean load.rate?`, ">  1 | rate: 5"},
	{"key of another section", "subject:\n  signal: SIGINT\n", "2:3", `unknown key "signal": did you mean disruption.signal?`, ">  2 |"},
	{"key of a list's items", "load:\n  header: {}\n", "2:3", `unknown key "header": did you mean load.requests[].header or load.parked[].header?`, ">  2 |"},
	{"key of another case", "load:\n  Rate: 5\n", "2:3", `unknown key "Rate": did you mean rate?`, ">  2 |   Rate: 5"},
	{"key that is a number", "5: x\n", "1:1", `unknown key "5": use one of name`, ">  1 | 5: x"},
	{"no space after the colon", "load:\n  rate:5\n", "2:3", "a mapping is wanted, as in {rate: ...}, not a single value", ">  2 |"},
	{"a key twice", "load:\n  rate: 5\n  rate: 6\n", "3:3", `"rate" already defined`, ">  3 |   rate: 6"},
	{"a key twice, quoted", "load: {rate: 5, \"rate\": 6}\n", "1:17", `"rate" already defined`, ">  1 |"},
	{"a name twice", "subject:\n  env:\n    A: 1\n    A: 2\n", "4:5", `"A" already defined`, ">  4 |     A: 2"},
	{"a key after a question mark", "? name\n: x\n", "1:1", `write "key: value"`, ">  1 | ? name"},

	// numbers
	{"word for a number", "load:\n  rate: fast\n", "2:9", `"fast" is not a whole number`, ">  2 |   rate: fast\n               ^"},
	{"fraction", "load:\n  rate: 1.5\n", "2:9", `"1.5" is not a whole number`, ">  2 |   rate: 1.5"},
	{"power of ten", "load:\n  rate: 1e3\n", "2:9", `"1e3" is not a whole number`, ">  2 |"},
	{"octal number", "load:\n  rate: 0100\n", "2:9", `"0100" is not a whole number: write digits, as in 500`, ">  2 |"},
	{"hexadecimal number", "load:\n  rate: 0x10\n", "2:9", `"0x10" is not a whole number`, ">  2 |"},
	{"number with an underscore", "load:\n  rate: 1_000\n", "2:9", `"1_000" is not a whole number`, ">  2 |"},
	{"quoted number", "shutdowns: \"3\"\n", "1:12", `"3" in quotes is a text, not a whole number: write 3, without quotes`, ">  1 | shutdowns:"},
	{"number beyond all bounds", "load:\n  rate: 99999999999999999999\n", "2:9", "is not a whole number", ">  2 |"},
	{"number with a unit", "load:\n  rate: 500/s\n", "2:9", `"500/s" is not a whole number`, ">  2 |"},
	{"truth for a number", "shutdowns: true\n", "1:12", `"true" is not a whole number`, ">  1 |"},
	{"word in a list of numbers", "overrides:\n  exit-codes:\n  - 0\n  - one\n", "4:5", `"one" is not a whole number`, ">  4 |   - one"},

	// durations, shares, truths
	{"duration without a unit", "load:\n  rate: 5\n  tail: 5\n", "3:9", `"5" is not a duration: write it with a unit`, ">  3 |   tail: 5"},
	{"zero without a unit", "load:\n  tail: 0\n", "2:9", "0 is a bare number: write it with its unit", ">  2 |   tail: 0"},
	{"duration in words", "subject:\n  delay: soon\n", "2:10", `"soon" is not a duration`, ">  2 |   delay: soon"},
	{"duration with a space", "subject:\n  delay: 5 s\n", "2:10", `"5 s" is not a duration`, ">  2 |"},
	{"duration in days", "disruption: {grace: 1d}\n", "1:21", `"1d" is not a duration`, ">  1 |"},
	{"share without its sign", "overrides:\n  max-loss: 0.1\n", "2:13", `"0.1" is not a share: write it in percent`, ">  2 |"},
	{"share of more than all", "overrides:\n  max-loss: 101%\n", "2:13", `"101%" is not a share`, ">  2 |"},
	{"word for a truth", "subject:\n  insecure: yes\n", "2:13", `"yes" is neither true nor false`, ">  2 |   insecure: yes"},
	{"number for a truth", "subject:\n  insecure: 1\n", "2:13", `"1" is neither true nor false`, ">  2 |"},
	{"quoted truth", "subject:\n  insecure: \"true\"\n", "2:13", `"true" in quotes is a text: write true, without quotes`, ">  2 |"},

	// one shape for another
	{"list for a number", "load:\n  rate: [5]\n", "2:9", "a single value is wanted, not a list", ">  2 |"},
	{"list for a duration", "load:\n  tail: [5s]\n", "2:9", "a single value is wanted, not a list", ">  2 |"},
	{"list for a section", "load: [1, 2]\n", "1:7", "a mapping is wanted, as in {rate: ...}, not a list", ">  1 | load: [1, 2]"},
	{"list for a section, in lines", "load:\n  - rate: 5\n", "2:3", "a mapping is wanted, as in {rate: ...}, not a list", ">  2 |   - rate: 5"},
	{"list for names and values", "subject:\n  env: [PORT=8080]\n", "2:8", "a mapping is wanted, as in {NAME: value}, not a list", ">  2 |"},
	{"mapping for a text", "name: {a: b}\n", "1:7", "a single value is wanted, not a mapping", ">  1 |"},
	{"mapping for a text, in lines", "name:\n  a: b\n", "2:3", "a single value is wanted, not a mapping", ">  2 |   a: b"},
	{"mapping for a list", "load:\n  requests:\n    url: /\n", "3:5", `a list is wanted, not a mapping: begin each item with "- "`, ">  3 |     url: /"},
	{"mapping for a duration", "load: {tail: {s: 5}}\n", "1:14", "a single value is wanted, not a mapping", ">  1 |"},
	{"number for a section", "load: 5\n", "1:7", "a mapping is wanted, as in {rate: ...}, not a single value", ">  1 | load: 5"},
	{"text for a list's mapping", "load:\n  requests: [/a]\n", "2:14", "a mapping is wanted, not a single value: write {url: /a}", ">  2 |"},
	{"a path that needs quotes for a mapping", "load:\n  requests:\n    - /a?b={c}\n", "3:7", `write {url: "/a?b={c}"}`, ">  3 |"},
	{"a method and a path for a mapping", "load:\n  requests:\n    - POST /a\n", "3:7", "write {method: POST, url: /a}", ">  3 |"},
	{"a word for a list's mapping", "load:\n  requests: [GET]\n", "2:14", "a mapping is wanted, as in {method: ...}, not a single value", ">  2 |"},
	{"command for the subject", "subject: ./run.sh --port {port}\n", "1:10", `a mapping is wanted, not a single value: write {command: [./run.sh, --port, "{port}"]}`, ">  1 |"},
	{"a method in a URL", "load: {requests: [{url: POST /orders}]}\n", "1:25", `load.requests[0].url is "POST /orders": write method: POST and url: /orders`, ">  1 |"},
	{"list in a list", "subject: {command: [[./server]]}\n", "1:21", "a single value is wanted, not a list", ">  1 |"},
	{"no mapping at all", "hello\n", "1:1", "a mapping is wanted, as in {name: ...}, not a single value", ">  1 | hello"},
	{"a list alone", "# a list\n- name: x\n", "2:1", "a mapping is wanted, as in {name: ...}, not a list", ">  2 | - name: x"},

	// lists
	{"command as a line", "subject:\n  command: ./server --port 1\n", "2:12", "a list is wanted, not a single value: write [./server, --port, 1]", ">  2 |   command: ./server --port 1"},
	{
		"command as a line, with a mark", "subject:\n  command: ./server --port {port} a:b\n", "2:12",
		`write [./server, --port, "{port}", "a:b"]`, ">  2 |",
	},
	{"command for a shell", "subject:\n  command: FOO=$BAR ./server | tee log\n", "2:12", "there is no shell", ">  2 |"},
	{"exit codes, one alone", "overrides:\n  exit-codes: 143\n", "2:15", "a list is wanted, not a single value: write [143]", ">  2 |   exit-codes: 143"},
	{"reports, one alone", "reports: junit=report.xml\n", "1:10", "write [junit=report.xml]", ">  1 |"},
	{"a mark that YAML takes for a mapping", "subject:\n  command: [./server, {port}]\n", "2:23", `write "{port}", in quotes`, ">  2 |"},
	{"a mark within a word in brackets", "subject:\n  command: [./server, --port={port}]\n", "2:30", "{port} within brackets: put the whole text in quotes", ">  2 |"},

	// nothing
	{"environment without a value", "subject:\n  env:\n    A: 1\n    PORT:\n", "4:10", `no value: write one, or "" for an empty text`, ">  4 |     PORT:"},
	{"environment with null", "subject: {env: {PORT: null}}\n", "1:23", "no value", ">  1 |"},
	{"header with null", "load: {requests: [{url: /, header: {A: ~}}]}\n", "1:40", "no value", ">  1 |"},
	{"item without a value", "load:\n  requests:\n    - url: /\n    -\n", "4:6", "no value", ">  4 |     -"},
	{"word without a value", "subject: {command: [./server, null]}\n", "1:31", "no value", ">  1 |"},
	{"a grace below nothing", "disruption: {grace: -5s}\n", "1:21", "disruption.grace is -5s, must be from 1ms", ">  1 |"},
	{"a grace of nothing", "disruption:\n  grace: 0s\n", "2:10", `"0s" has the same effect as no value`, ">  2 |   grace: 0s"},
	{"a timeout of nothing", "load: {timeout: 0ms}\n", "1:17", `"0ms" has the same effect as no value`, ">  1 |"},
	{"a sample of nothing", "overrides: {min-at-risk: 0}\n", "1:26", `"0" has the same effect as no value`, ">  1 |"},
	{"a target of nothing", "disruption: {target: ''}\n", "1:22", `"" has the same effect as no value`, ">  1 |"},

	// values that cannot be
	{"rate 0", "load:\n  rate: 0\n", "2:9", "load.rate is 0, must be from 1 to 20000", ">  2 |   rate: 0"},
	{"negative delay", "subject:\n  delay: -1s\n", "2:10", "subject.delay is -1s, must be from 0s", ">  2 |   delay: -1s"},
	{"too many shutdowns", "shutdowns: 100000\n", "1:12", "shutdowns is 100000, must be from 1 to 1000", ">  1 |"},
	{"unknown connections", "load:\n  connections: wired\n", "2:16", "must be one of mixed, reused, fresh", ">  2 |"},
	{"unknown method", "load:\n  method: BREW\n", "2:11", "must be one of GET, HEAD", ">  2 |   method: BREW"},
	{"unknown method of one request", "load:\n  requests:\n  - url: /a\n  - url: /b\n    method: BREW\n", "5:13", "load.requests[1].method is \"BREW\"", ">  5 |     method: BREW"},
	{"a path that is none", "load: {requests: [{url: /a}, {url: /b}, {url: c}]}\n", "1:47", `load.requests[2].url is "c"`, ">  1 |"},
	{"a request without a URL", "load:\n  requests:\n    - method: GET\n", "3:7", `load.requests[0].url is ""`, ">  3 |     - method: GET"},
	{"two bodies", "load:\n  requests:\n    - {url: /, body: x, body-file: y}\n", "3:22", "load.requests[0].body and body-file are both given", ">  3 |"},
	{"a header of lastcall's", "load:\n  requests:\n    - url: /\n      header:\n        A: b\n        connection: close\n", "6:9", "load.requests[0].header has connection, which lastcall sets itself", ">  6 |         connection"},
	{"a header with a line in it", "load: {requests: [{url: /, header: {A: b, C: \"d\\ne\"}}]}\n", "1:43", `has "C": "d\ne", which no request can carry`, ">  1 |"},
	{"a header in two spellings", "load: {requests: [{url: /, header: {x-a: 1, X-A: 2}}]}\n", "1:37", "has both X-A and x-a, which are the same", ">  1 |"},
	{"a name that no environment can hold", "subject:\n  env:\n    OK: 1\n    A=B: 2\n", "4:5", `subject.env has the name "A=B"`, ">  4 |     A=B: 2"},
	{"an environment without a name", "subject: {env: {\"\": x}}\n", "1:17", `subject.env has the name ""`, ">  1 |"},
	{"a zero byte in a command", "subject: {command: [./server, \"a\\0b\"]}\n", "1:31", `subject.command[1] is "a\x00b"`, ">  1 |"},
	{"an empty command", "subject: {command: [\" \"]}\n", "1:21", `subject.command[0] is " ", must be a program`, ">  1 |"},
	{"a URL of another kind", "subject:\n  url: ftp://127.0.0.1/\n", "2:8", `subject.url is "ftp://127.0.0.1/"`, ">  2 |"},
	{"certificates and none", "subject: {url: \"https://h\", ca: x, insecure: true}\n", "1:46", "subject.insecure trusts any certificate", ">  1 |"},
	{"a readiness check that is not a path", "subject: {ready: health}\n", "1:18", `subject.ready is "health"`, ">  1 |"},
	{"unknown target", "disruption:\n  target: everybody\n", "2:11", "must be one of leader, group, owner", ">  2 |"},
	{"unknown signal", "disruption:\n  signal: SIGFOO\n", "2:11", "disruption.signal", ">  2 |   signal: SIGFOO"},
	{"no regular expression", "load: {expect-body: \"(\"}\n", "1:21", "load.expect-body is not a regular expression", ">  1 |"},
	{"timeout below the delay", "load:\n  timeout: 50ms\n", "2:12", "must be more than the delay of 100ms", ">  2 |"},
	{"delay above the timeout that follows the grace", "load: {rate: 1}\nsubject: {delay: 1m}\ndisruption: {grace: 9s}\n", "2:18", "load.timeout is 14s, must be more than the delay of 1m0s", ">  2 | subject"},
	{"delay above every timeout", "load: {rate: 1, max-open: 9999}\nsubject: {delay: 1h}\n", "2:18", "load.timeout is 1h0m0s, must be more than the delay of 1h0m0s", ">  2 | subject"},
	{"delay that the default's rate cannot have", "subject:\n  delay: 8s\n", "2:10", "load.rate 500 with a delay of 8s keeps 4000 requests open", ">  2 |   delay: 8s"},

	// parts of YAML
	{"an anchor", "load: {warm-up: &w 1s}\n", "1:17", "an anchor: write the value wherever it is needed", ">  1 |"},
	{"an alias", "load:\n  rate: *b\n", "2:9", "an alias: write the value itself", ">  2 |   rate: *b"},
	{"an alias for a key", "*a : b\n", "1:1", "an alias", ">  1 |"},
	{"a merge key", "load:\n  <<: {rate: 5}\n", "2:3", "a merge key: write the keys themselves", ">  2 |   <<:"},
	{"a tag", "load: {rate: !!int 5}\n", "1:14", "a tag: the types are known without it", ">  1 |"},
	{"a directive", "%YAML 1.1\n---\nname: x\n", "1:1", "a directive: a scenario is YAML 1.2", ">  1 | %YAML 1.1"},
	{"two documents", "name: x\n---\nname: y\n", "2:1", "a second document: a file holds one scenario", ">  2 | ---"},
	{"a document after an empty one", "name: x\n---\n---\nload: {rate: 0}\n", "2:1", "a second document", ">  2 | ---"},
	{"a document after the end", "name: x\n...\nname: y\n", "3:1", "a second document", ">  3 | name: y"},
	{"a tab for indentation", "load:\n\trate: 5\n", "2:1", "a tab in the indentation", ">  2 |  rate: 5\n       ^"},
	{"a tab after spaces", "load:\n  \trate: 5\n", "2:3", "a tab in the indentation", ">  2 |"},
	{"a tab after a text", "purpose: |\n  \tfine\n\tname: x\n", "3:1", "tab character where an indentation space is expected", ">  3 |"},
	{"a tab before an item", "subject:\n  command:\n  - ./server\n\t- -v\n", "4:1", "a tab in the indentation", ">  4 |"},
	{"a tab within a text", "name: x\npurpose: a\tb # c\n", "2:10", "a tab in a text without quotes, where it would be lost", ">  2 |"},
	{"an open bracket", "purpose: [a\n", "1:10", "not found", ">  1 | purpose: [a"},
	{"an open quote", "name: \"x\nload: {}\n", "1:7", "could not find end character of double-quoted text", ">  1 |"},
	{"a colon in a text", "purpose: what: and why\n", "1:14", `A text with ": " in it needs quotes`, ">  1 |"},
	{"indented more than its neighbours", "load:\n  rate: 5\n   tail: 5s\n", "3:8", "is the line indented like its neighbours?", ">  3 |    tail: 5s"},
	{"indented less than its neighbours", "load:\n  rate: 5\n tail: 5s\n", "3:2", "this is not allowed here: is the line indented like its neighbours?", ">  3 |  tail: 5s"},
	{"a key that is not closed", "load:\n  rate: 5\nshutdowns\n", "3:1", `a text where a key should be: write "key: value"`, ">  3 | shutdowns"},
	{"a text that begins with a reserved sign", "name: @x\n", "1:7", "'@' is a reserved character", ">  1 |"},
	{"brackets without end", strings.Repeat("[", 100), "1:17", "nested too deeply", ">  1 |"},
	{"dashes without end", strings.Repeat("- ", 100), "1:33", "nested too deeply", ">  1 |"},

	// what is no text
	{"Latin-1", "name: caf\xe9\n", "1:10", "the byte 0xE9 is not UTF-8", ">  1 |"},
	{"UTF-16", "n\x00a\x00m\x00e\x00", "1:2", "the invisible character U+0000 is not allowed", ">  1 |"},
	{"a terminal's escape", "name: x\npurpose: \"\x1b[31m\"\n", "2:11", `the invisible character U+001B is not allowed: in double quotes it can be written as "\u001b"`, ">  2 |"},
	{"a byte order mark inside", "name: x\n\uFEFFload: {}\n", "2:1", "the invisible character U+FEFF is not allowed", ">  2 |"},
	{"columns are characters", "purpose: {é: ü, name: x}\n", "1:10", "a single value is wanted", ">  1 |"},
	{"columns are characters, again", "subject: {env: {é: ü}, naem: x}\n", "1:24", "did you mean name?", ">  1 |"},
}

func TestMistakesAreShownWhereTheyAre(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse("mine.yaml", []byte(c.text))
			if err == nil {
				t.Fatalf("it is accepted: %+v", s)
			}
			first, source, _ := strings.Cut(err.Error(), "\n")
			if !strings.HasPrefix(first, "mine.yaml:"+c.at+": ") || !strings.Contains(first, c.what) {
				t.Errorf("said %q, want mine.yaml:%s: and %q", first, c.at, c.what)
			}
			if !strings.Contains(source, c.shown) {
				t.Errorf("shows\n%s\nwant the line %q", source, c.shown)
			}
			if strings.ContainsFunc(err.Error(), unfit) || strings.Contains(err.Error(), "Go struct") {
				t.Errorf("not for people: %q", err)
			}
		})
	}
}

func TestAnUnknownKeyCanBeAskedFor(t *testing.T) {
	_, err := Parse("mine.yaml", []byte("disruption: {sginal: SIGTERM}\n"))
	unknown, ok := errors.AsType[*UnknownKey](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	want := &UnknownKey{Key: "sginal", Keys: []string{"signal", "target", "grace", "lag", "while", "settle", "when"}}
	if diff := cmp.Diff(want, unknown); diff != "" {
		t.Errorf("what could be there (-want +got):\n%s", diff)
	}
}

// TestACallersChecksAreShownWhereTheyAre asks that a mistake which only the
// caller knows of is shown like the loader's own.
func TestACallersChecksAreShownWhereTheyAre(t *testing.T) {
	const text = "policy: strct\noverrides:\n  exit-codes: [0, 999]\n  rules:\n    exit-status: never\n    no-such: off\n" +
		"load: {requests: [{url: /, header: {A: 1, A.B: 2, A.Bc: 3}}, {url: /b}]}\n"
	for _, c := range []struct {
		name    string
		invalid scenario.Invalid
		at      string
	}{
		{"a value", scenario.Invalid{Field: "policy"}, "1:9"},
		{"a list's item", scenario.Invalid{Field: "overrides.exit-codes[1]"}, "3:19"},
		{"a name's value", scenario.Invalid{Field: "overrides.rules.exit-status"}, "5:18"},
		{"a value in a list's item", scenario.Invalid{Field: "load.requests[1].url"}, "7:68"},
		{"a name with a dot in it", scenario.Invalid{Field: "load.requests[0].header.A.B"}, "7:48"},
		{"a name that begins like another", scenario.Invalid{Field: "load.requests[0].header.A.Bcd"}, "7:37"},
		{"a name", scenario.Invalid{Field: "overrides.rules", Key: "no-such"}, "6:5"},
		{"a mapping", scenario.Invalid{Field: "overrides.rules"}, "5:5"},
		{"a field that is not there", scenario.Invalid{Field: "overrides.max-loss"}, "2:1"},
		{"an item that is not there", scenario.Invalid{Field: "overrides.exit-codes[2]"}, "3:3"},
		{"a section that is not there", scenario.Invalid{Field: "disruption.lag"}, "1:1"},
		{"the other field of two", scenario.Invalid{Field: "load.rate", Of: []string{"load.rate", "policy"}}, "1:9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.invalid.Problem = "is wrong"
			_, err := Parse("mine.yaml", []byte(text), func(scenario.Scenario) error { return &c.invalid })
			if want := "mine.yaml:" + c.at + ": " + c.invalid.Field + " is wrong\n"; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
	t.Run("another error", func(t *testing.T) {
		_, err := Parse("mine.yaml", []byte(text), func(scenario.Scenario) error { return errors.ErrUnsupported })
		if !errors.Is(err, errors.ErrUnsupported) || !strings.HasPrefix(err.Error(), "mine.yaml:1:1: unsupported") {
			t.Errorf("error %v", err)
		}
	})
}

// TestALaterMistakeIsShownWhereItIs: that a command is not there is found by the
// run, long after the file was read.
func TestALaterMistakeIsShownWhereItIs(t *testing.T) {
	invalid := &scenario.Invalid{Field: "subject.command", Problem: "is not there"}
	file := write(t, filepath.Join(t.TempDir(), "gate.yaml"), "\uFEFFname: x\nsubject:\n  command: [x]\n")
	err := Blame(file, fmt.Errorf("run: %w", invalid))
	if want := file + ":3:12: run: subject.command is not there\n"; !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), ">  3 |   command: [x]") {
		t.Errorf("error %v, want %s", err, want)
	}
	if !errors.Is(err, invalid) {
		t.Error("the mistake itself is gone")
	}
	for name, err := range map[string]error{
		"a file that is gone":          Blame(file+"x", invalid),
		"a file that is no longer one": Blame(write(t, filepath.Join(t.TempDir(), "gate.yaml"), "a: ["), invalid),
	} {
		if err != error(invalid) { //nolint:errorlint // it must be as it was
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Blame(file, os.ErrClosed); err != os.ErrClosed { //nolint:errorlint // it must be as it was
		t.Errorf("an error that names no field: %v", err)
	}
}

func TestALongLineIsCut(t *testing.T) {
	_, err := Parse("mine.yaml", []byte("purpose: x\nsubject: {env: {A: "+strings.Repeat("x", 5000)+"}, naem: "+strings.Repeat("y", 5000)+"}\n"))
	if err == nil || len(err.Error()) > 500 {
		t.Fatalf("%d bytes: %v", len(err.Error()), err)
	}
	lines := strings.Split(err.Error(), "\n")
	caret := []rune(lines[len(lines)-1])
	if got := string([]rune(lines[len(lines)-2])[len(caret)-1:][:4]); got != "naem" {
		t.Errorf("the caret is under %q in\n%v", got, err)
	}
}

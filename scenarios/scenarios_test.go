package scenarios

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"lastcall/harness"
	"lastcall/harness/history"
)

func TestEveryScenarioOfTheCatalogueLoads(t *testing.T) {
	names := Names()
	if len(names) == 0 {
		t.Fatal("the catalogue is empty")
	}
	seen := make(map[string]string)
	for _, name := range names {
		s, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if other, ok := seen[s.Name]; ok {
			t.Errorf("%s and %s both call themselves %s", name, other, s.Name)
		}
		seen[s.Name] = name
		if s.Name != name {
			t.Errorf("%s calls itself %s", name, s.Name)
		}
		if strings.TrimSpace(s.Purpose) == "" {
			t.Errorf("%s says no purpose", name)
		}
		if source, ok := Source(name); !ok || source == "" {
			t.Errorf("%s has no source", name)
		}
	}
	if _, ok := seen[Default]; !ok {
		t.Errorf("the default, %s, is not in the catalogue", Default)
	}
}

func TestSteadyIsTheDefaultScenario(t *testing.T) {
	got, err := Load(Default)
	if err != nil {
		t.Fatal(err)
	}
	want := harness.Complete(harness.DefaultScenario())
	want.Purpose = got.Purpose
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file and the code (-code +file):\n%s", diff)
	}
}

func TestSteadyShowsEveryKeyThatHasADefault(t *testing.T) {
	source, _ := Source(Default)
	text, err := yaml.Marshal(harness.DefaultScenario())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if key != "timeout" && !strings.Contains(source, key+":") { // the timeout follows the grace
			t.Errorf("%s.yaml does not show %s", Default, key)
		}
	}
}

func TestWhatIsLeftOutIsAsInTheDefault(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*harness.Scenario)
	}{
		{"nothing", "", func(*harness.Scenario) {}},
		{"only a comment", "# later\n", func(*harness.Scenario) {}},
		{"only a document's start", "---\n", func(*harness.Scenario) {}},
		{"null", "load: null\n", func(*harness.Scenario) {}},
		{"no value", "load:\n  rate:\n  warm-up:\n", func(*harness.Scenario) {}},
		{"one key", "load:\n  rate: 9\n", func(s *harness.Scenario) { s.Load.Rate = 9 }},
		{"a comment first", "# why\n---\nshutdowns: 4\n", func(s *harness.Scenario) { s.Shutdowns = 4 }},
		{"flow style", "load: {rate: 9, warm-up: 1s}", func(s *harness.Scenario) {
			s.Load.Rate, s.Load.WarmUp = 9, history.Seconds(1)
		}},
		{"an anchor", "load: {warm-up: &w 1s, tail: *w}", func(s *harness.Scenario) {
			s.Load.WarmUp, s.Load.Tail = history.Seconds(1), history.Seconds(1)
		}},
		{"a grace, which the timeout follows", "disruption: {grace: 1s}", func(s *harness.Scenario) {
			s.Disruption.Grace, s.Load.Timeout = history.Seconds(1), history.Seconds(6)
		}},
		{"a name of its own", "name: other\n", func(s *harness.Scenario) { s.Name = "other" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("dir/mine.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			want := harness.Complete(harness.DefaultScenario())
			want.Name = "mine"
			c.change(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scenario (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMistakesAreShownWhereTheyAre(t *testing.T) {
	for _, c := range []struct{ name, text, at, what, shown string }{
		{"unknown key", "name: x\nlaod: {}\n", "2:1", `unknown key "laod": use one of name, purpose, subject, load`, ">  2 | laod: {}"},
		{"unknown key, inside", "load:\n  rat: 5\n", "2:3", `unknown key "rat": use one of rate, method`, ">  2 |   rat: 5"},
		{"unknown key, of another tool", "kubernetes: 5\n", "1:1", "use one of name, purpose, subject, load", ">  1 | kubernetes: 5"},
		{"key of another level", "rate: 5\n", "1:1", `unknown key "rate"`, ">  1 | rate: 5"},
		{"key of another case", "load:\n  Rate: 5\n", "2:3", `unknown key "Rate": use one of rate`, ">  2 |   Rate: 5"},
		{"word for a number", "load:\n  rate: fast\n", "2:9", `"fast" is not a whole number`, ">  2 |   rate: fast"},
		{"fraction", "load:\n  rate: 1.5\n", "2:9", `"1.5" is not a whole number`, ">  2 |   rate: 1.5"},
		{"quoted number", "shutdowns: \"3\"\n", "1:12", `"3" is not a whole number`, ">  1 | shutdowns:"},
		{"number beyond all bounds", "load:\n  rate: 99999999999999999999\n", "2:9", "is not a whole number", ">  2 |"},
		{"list for a number", "load:\n  rate: [5]\n", "2:9", "a single value is wanted, not a list", ">  2 |"},
		{"list for a duration", "load:\n  tail: [5s]\n", "2:9", "a single value is wanted, not a list", ">  2 |"},
		{"list for a section", "load: [1, 2]\n", "1:7", "mapping", ">  1 | load: [1, 2]"},
		{"mapping for a name", "name: {a: b}\n", "1:7", "a single value is wanted, not a mapping", ">  1 |"},
		{"number for a section", "load: 5\n", "1:7", "mapping", ">  1 | load: 5"},
		{"duration without a unit", "load:\n  rate: 5\n  tail: 5\n", "3:9", `"5" is not a duration: write it with a unit`, ">  3 |   tail: 5"},
		{"duration in words", "subject:\n  delay: soon\n", "2:10", `"soon" is not a duration`, ">  2 |   delay: soon"},
		{"rate 0", "load:\n  rate: 0\n", "2:9", "load.rate is 0, must be from 1 to 20000", ">  2 |   rate: 0"},
		{"negative delay", "subject:\n  delay: -1s\n", "2:10", "subject.delay is -1s, must be from 0s", ">  2 |   delay: -1s"},
		{"too many shutdowns", "shutdowns: 100000\n", "1:12", "shutdowns is 100000, must be from 1 to 1000", ">  1 |"},
		{"unknown connections", "load:\n  connections: wired\n", "2:16", "must be one of mixed, reused, fresh", ">  2 |"},
		{"unknown method", "load:\n  method: BREW\n", "2:11", "must be one of GET, HEAD", ">  2 |   method: BREW"},
		{"unknown signal", "disruption:\n  signal: SIGFOO\n", "2:11", "use one of SIGHUP", ">  2 |   signal: SIGFOO"},
		{"timeout below the delay", "load:\n  timeout: 50ms\n", "2:12", "must be more than the delay of 100ms", ">  2 |"},
		{"a key twice", "load:\n  rate: 5\n  rate: 6\n", "3:3", `"rate" already defined`, ">  3 |   rate: 6"},
		{"no mapping at all", "hello\n", "1:1", "mapping is expected", ">  1 | hello"},
		{"broken YAML", "purpose: [a\n", "1:10", "not found", ">  1 | purpose: [a"},
		{"an alias of nothing", "load:\n  rate: *b\n", "2:10", `could not find alias "b"`, ">  2 |   rate: *b"},
		{"two documents", "name: x\n---\nname: y\n", "3:5", "a file holds one scenario", ">  3 | name: y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("mine.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("it is accepted")
			}
			first, source, _ := strings.Cut(err.Error(), "\n")
			if !strings.HasPrefix(first, "mine.yaml:"+c.at+": ") || !strings.Contains(first, c.what) {
				t.Errorf("said %q, want mine.yaml:%s: and %q", first, c.at, c.what)
			}
			if !strings.Contains(source, c.shown) {
				t.Errorf("shows\n%s\nwant the line %q", source, c.shown)
			}
			if strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), "Go struct") {
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
	if diff := cmp.Diff(&UnknownKey{Key: "sginal", Keys: []string{"signal", "grace"}}, unknown); diff != "" {
		t.Errorf("what could be there (-want +got):\n%s", diff)
	}
}

func TestAMistakeThatIsNotInTheFileStillNamesItsField(t *testing.T) {
	_, err := Parse("mine.yaml", []byte("subject: {delay: 1m}\nload: {rate: 1}\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "mine.yaml: load.timeout is 15s, must be more than the delay of 1m0s") {
		t.Errorf("error %v; the timeout that is too short is the default's", err)
	}
}

func TestLoadReadsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte("load: {rate: 9}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil || s.Load.Rate != 9 || s.Name != "mine" {
		t.Errorf("rate %d, name %q, error %v", s.Load.Rate, s.Name, err)
	}
}

func TestLoadTellsAnUnknownNameFromAMissingFile(t *testing.T) {
	_, err := Load("stedy")
	if !errors.Is(err, ErrUnknown) || !strings.Contains(fmt.Sprint(err), "use one of") {
		t.Errorf("a name: %v", err)
	}
	_, err = Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrUnknown) {
		t.Errorf("a file: %v", err)
	}
}

// FuzzParse looks for input that makes the loader panic, or return what harness
// would refuse.
func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		source, _ := Source(name)
		f.Add(source)
	}
	for _, text := range []string{
		"", "\t", "---\n---", "load: {rate: &a 5, max-open: *a}", "<<: *x", "? [a]\n: b", "load: !!int 5", "%YAML 1.2\n---\n", "a: |\n", "- 1",
		"load: &l {rate: 5, <<: *l}", "name: \x00", "shutdowns: 1e3", "subject: {delay: !!str 5s}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("fuzz.yaml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz.yaml:") {
				t.Errorf("%q does not name the file", err)
			}
			return
		}
		if err := harness.Validate(s); err != nil {
			t.Errorf("accepted, but %v", err)
		}
	})
}

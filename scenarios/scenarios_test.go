package scenarios

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"lastcall/harness/scenario"
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
	want := scenario.Default()
	want.Purpose, want.Expect = got.Purpose, got.Expect
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file and the code (-code +file):\n%s", diff)
	}
}

func TestSteadyShowsEveryKeyThatHasADefault(t *testing.T) {
	source, _ := Source(Default)
	text, err := yaml.Marshal(scenario.Default())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.Contains(source, key+":") {
			t.Errorf("%s.yaml does not show %s", Default, key)
		}
	}
}

func TestWhatIsLeftOutIsAsInTheDefault(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*scenario.Scenario)
	}{
		{"nothing", "", func(*scenario.Scenario) {}},
		{"only a comment", "# later\n", func(*scenario.Scenario) {}},
		{"only a document's start", "---\n", func(*scenario.Scenario) {}},
		{"null", "load: null\n", func(*scenario.Scenario) {}},
		{"no value", "load:\n  rate:\n  warm-up:\n", func(*scenario.Scenario) {}},
		{"one key", "load:\n  rate: 9\n", func(s *scenario.Scenario) { s.Load.Rate = 9 }},
		{"a comment first", "# why\n---\nshutdowns: 4\n", func(s *scenario.Scenario) { s.Shutdowns = 4 }},
		{"flow style", "load: {rate: 9, warm-up: 1s}", func(s *scenario.Scenario) {
			s.Load.Rate, s.Load.WarmUp = 9, scenario.Seconds(1)
		}},
		{"only comments in a section", "load:\n  # rate: 5\nshutdowns: 4\n", func(s *scenario.Scenario) { s.Shutdowns = 4 }},
		{"only comments in a list", "subject:\n  command:\n    # - ./server\n", func(*scenario.Scenario) {}},
		{"a document's end", "shutdowns: 4\n...\n", func(s *scenario.Scenario) { s.Shutdowns = 4 }},
		{"a byte order mark", "\uFEFFshutdowns: 4\n", func(s *scenario.Scenario) { s.Shutdowns = 4 }},
		{"line ends of Windows", "load:\r\n  rate: 9\r\nshutdowns: 4\r\n", func(s *scenario.Scenario) { s.Load.Rate, s.Shutdowns = 9, 4 }},
		{"tabs where they may be", "purpose: |\n \tin a text\nload: {rate:\t9}\t# and before a comment\n", func(s *scenario.Scenario) {
			s.Purpose, s.Load.Rate = "\tin a text\n", 9
		}},
		{"JSON", `{"load": {"rate": 9, "requests": [{"url": "/"}]}}`, func(s *scenario.Scenario) {
			s.Load.Rate, s.Load.Requests = 9, []scenario.Target{{URL: "/"}}
		}},
		{"false and nothing, written out", "subject: {insecure: false, env: {}, command: []}", func(s *scenario.Scenario) {
			s.Subject.Env, s.Subject.Command = map[string]string{}, []string{}
		}},
		{"a grace; the timeout follows when it runs", "disruption: {grace: 1s}", func(s *scenario.Scenario) {
			s.Disruption.Grace = scenario.Seconds(1)
		}},
		{"a delay that goes with the grace of some policy", "subject: {delay: 1m}\nload: {rate: 1}\n", func(s *scenario.Scenario) {
			s.Subject.Delay, s.Load.Rate = scenario.Seconds(60), 1
		}},
		{"a name of its own", "name: other\n", func(s *scenario.Scenario) { s.Name = "other" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse("dir/mine.yaml", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			want := scenario.Default()
			want.Name = "mine"
			c.change(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("scenario (-want +got):\n%s", diff)
			}
		})
	}
}

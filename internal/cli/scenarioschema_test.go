package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"lastcall/harness/scenario"
	"lastcall/scenarios"
)

// bothSay asks the schema and the loader about a document, and demands that they
// agree.
func bothSay(t *testing.T, schema *jsonschema.Schema, text string) (accepted bool) {
	t.Helper()
	bySchema, byLoader := schema.Validate(asJSON(t, text)), readGate(text)
	if (bySchema == nil) != (byLoader == nil) {
		t.Errorf("%s\nthe schema says: %v\nthe loader says: %v", text, bySchema, byLoader)
	}
	return byLoader == nil
}

func readGate(text string) error {
	_, err := scenarios.Parse("gate.yaml", []byte(text), scenarioChecks()...)
	return err
}

func asJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return decode(t, encode(t, value))
}

func gateSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	_, text, _ := invoke(t, "schema", "scenario")
	return compileSchema(func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}, text)
}

// keyed builds a document that has a value at a key's path.
func keyed(path, value string) string {
	section, key, nested := strings.Cut(path, ".")
	part, parked := strings.CutPrefix(key, "parked[].")
	switch item, inItem := strings.CutPrefix(key, "requests[]."); {
	case !nested:
		return path + ": " + value + "\n"
	case parked:
		text := "load:\n  parked:\n    - " + part + ": " + value + "\n"
		for _, beside := range []string{"kind: events", "url: /", "count: 1"} {
			if !strings.HasPrefix(beside, part+":") {
				text += "      " + beside + "\n"
			}
		}
		return text
	case inItem && item == "url":
		return "load:\n  requests:\n    - url: " + value + "\n"
	case inItem:
		return "load:\n  requests:\n    - url: /\n      " + item + ": " + value + "\n"
	}
	return section + ":\n  " + key + ": " + value + "\n"
}

// beside are keys without which another's values would meet a default that does
// not go with them.
var beside = map[string]string{"subject.delay": "load: {rate: 1}\n", "load.max-open": "  rate: 1\n", "disruption.lag": "  grace: 1h\n"}

// keyPaths returns the paths of all keys of a scenario.
func keyPaths(r reflect.Type, prefix string) (leaves, sections []string) {
	for f := range r.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		path := prefix + name
		inner, suffix := f.Type, "."
		if inner.Kind() == reflect.Slice {
			inner, suffix = inner.Elem(), "[]."
		}
		if inner.Kind() == reflect.Struct && inner.Name() != "Duration" {
			l, s := keyPaths(inner, path+suffix)
			leaves, sections = append(leaves, l...), append(append(sections, path+suffix), s...)
			if suffix == "." {
				continue
			}
		}
		leaves = append(leaves, path)
	}
	return leaves, sections
}

func TestSchemaAndLoaderAgreeOnEveryKey(t *testing.T) {
	schema := gateSchema(t)
	leaves, _ := keyPaths(reflect.TypeFor[scenario.Scenario](), "")
	documents := 0
	for _, path := range leaves {
		s, ok := keySamples[path]
		if !ok {
			if !slices.Contains(onItsOwn, path) {
				t.Errorf("no sample for %s", path)
			}
			continue
		}
		for _, value := range s.good {
			text := keyed(path, value) + beside[path]
			if documents++; !bothSay(t, schema, text) {
				t.Errorf("%s: %s is refused: %v", path, value, readGate(text))
			}
		}
		for _, value := range s.bad {
			if documents++; bothSay(t, schema, keyed(path, value)+beside[path]) {
				t.Errorf("%s: %s is accepted", path, value)
			}
		}
		for _, value := range everywhere {
			documents++
			bothSay(t, schema, keyed(path, value)+beside[path])
		}
	}
	if len(keySamples)+len(onItsOwn) != len(leaves) || documents < 1000 {
		t.Errorf("%d samples of %d keys, %d documents", len(keySamples), len(leaves), documents)
	}
}

func TestSchemaAndLoaderAgreeOnSections(t *testing.T) {
	schema := gateSchema(t)
	_, sections := keyPaths(reflect.TypeFor[scenario.Scenario](), "")
	for _, section := range append([]string{""}, sections...) {
		for _, key := range []string{"unknown", "Rate", "warm_up", `""`, "5", "name2"} {
			if bothSay(t, schema, keyed(section+key, "x")) {
				t.Errorf("%s%s is accepted", section, key)
			}
		}
		if section == "" || strings.HasSuffix(section, "[].") {
			continue
		}
		for _, value := range everywhere {
			bothSay(t, schema, strings.TrimSuffix(section, ".")+": "+value+"\n")
		}
	}
	for _, text := range []string{"{}", "[]", "[{}]", "x", "5", "- name: x\n", "{a: b}"} {
		bothSay(t, schema, text)
	}
	many := "load:\n  requests:\n" + strings.Repeat("    - url: /\n", scenario.MaxTargets)
	if !bothSay(t, schema, many) || bothSay(t, schema, many+"    - url: /\n") {
		t.Errorf("%d requests are the limit", scenario.MaxTargets)
	}
}

func TestSchemaAndLoaderAgreeOnSignals(t *testing.T) {
	schema := gateSchema(t)
	for _, value := range texts(
		"SIGTERM", "TERM", "term", "sigint", "15", `"15"`, "9", "31", "SIGTERM,2s,SIGTERM", "TERM, 500ms ,KILL", "SIGTERM,SIGTERM", "TERM,0s,9",
		"USR1,1.5s,TERM,1s,KILL", "TERM,1.5s,9", "null", strings.Repeat("INT,", 9)+"INT",
	) {
		text := keyed("disruption.signal", value) + "  grace: 5m\n" // within which all of them must come
		if !bothSay(t, schema, text) {
			t.Errorf("%s is refused: %v", value, readGate(text))
		}
	}
	for _, value := range texts(
		"SIGFOO", "0", "-15", "1.5", "300", `""`, "SIGTERM,", ",SIGTERM", "SIGTERM,2s", "2s,SIGTERM", "SIGTERM,1s,2s,SIGKILL", "SIGTERM,-1s,SIGKILL",
		"TERM KILL", "TERMS", "[TERM]", "{TERM: 2s}", "true", strings.Repeat("INT,", 10)+"INT",
	) {
		if bothSay(t, schema, keyed("disruption.signal", value)) {
			t.Errorf("%s is accepted", value)
		}
	}
	for _, value := range everywhere {
		bothSay(t, schema, keyed("disruption.signal", value))
	}
}

func TestSchemaAndLoaderAgreeOnStatuses(t *testing.T) {
	schema := gateSchema(t)
	for _, value := range texts("200", `"200"`, "200,204,300-399", "100-599", "200 - 299 , 404", "200-200", "null") {
		if !bothSay(t, schema, keyed("load.expect-status", value)) {
			t.Errorf("%s is refused: %v", value, readGate(keyed("load.expect-status", value)))
		}
	}
	for _, value := range texts("99", "600", "2xx", "200,", ",200", "200-", "200--299", "20", `"+200"`, "0200,201", "1.5", "true", "[200]", `""`, "200;201", "-200") {
		if bothSay(t, schema, keyed("load.expect-status", value)) {
			t.Errorf("%s is accepted", value)
		}
	}
	for _, value := range everywhere {
		bothSay(t, schema, keyed("load.expect-status", value))
	}
}

// TestWhereSchemaAndLoaderDiffer lists what a schema cannot say, or sees no more
// once YAML has become JSON. Each must still be so: what the schema has learned
// to say belongs into the tests above.
func TestWhereSchemaAndLoaderDiffer(t *testing.T) {
	schema := gateSchema(t)
	for _, c := range []struct{ name, text, reason string }{
		{"a duration's upper bound", "load: {tail: 61m}\n", "a pattern cannot compare"},
		{"a jitter of more than a minute", "load: {jitter: 61s}\n", "a pattern cannot compare"},
		{"a duration below its lower bound, but not zero", "disruption: {grace: 1us}\n", "a pattern cannot compare"},
		{"more requests open than allowed", "load: {rate: 2000}\nsubject: {delay: 10s}\n", "two keys"},
		{"a timeout below the delay", "load: {timeout: 50ms}\n", "two keys"},
		{"certificates for http", "subject: {url: http://h, ca: x}\n", "two keys, and the scheme of a URL"},
		{"certificates and none", "subject: {ca: x, insecure: true}\n", "two keys, of which one may be false"},
		{"two bodies", "load: {requests: [{url: /, body: x, body-file: y}]}\n", "two keys, of which one may be null"},
		{"a header of lastcall's", "load: {requests: [{url: /, header: {connection: close}}]}\n", "letters count in neither case"},
		{"a websocket's own header", "load: {parked: [{kind: websocket, url: /, count: 1, header: {Sec-WebSocket-Key: x}}]}\n", "letters count in neither case"},
		{"a header in two spellings", "load: {requests: [{url: /, header: {a: 1, A: 2}}]}\n", "two names"},
		{"an escape that is none", "subject: {url: http://h/%zz}\n", "only a parser of URLs knows"},
		{"a path with an escape that is none", "load: {requests: [{url: /%zz}]}\n", "only a parser of URLs knows"},
		{"a regular expression", "load: {expect-body: '('}\n", "JSON Schema knows another dialect than Go"},
		{"a range that runs backwards", "load: {expect-status: 299-200}\n", "a pattern cannot compare"},
		{"a sequence of more than an hour", "disruption: {signal: 'TERM,2h,KILL'}\n", "a pattern cannot add"},
		{"two reports in one place", "reports: [json=a, table=a]\n", "the formats differ"},
		{"an octal number", "load: {rate: 0100}\n", "JSON has only its value"},
		{"a hexadecimal number", "load: {rate: 0x10}\n", "JSON has only its value"},
		{"a number with an underscore", "load: {rate: 1_000}\n", "JSON has only its value"},
		{"a whole number with a point", "load: {rate: 5.0}\n", "it is an integer to JSON Schema"},
		{"an anchor", "load: {rate: &a 5}\n", "JSON has only its value"},
		{"a merge key", "load: {<<: {rate: 5}}\n", "JSON has only its value"},
		{"a tag", "load: {rate: !!int 5}\n", "JSON has only its value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := schema.Validate(asJSON(t, c.text)); err != nil {
				t.Errorf("not because %s: the schema refuses it, too: %v", c.reason, err)
			}
			if readGate(c.text) == nil {
				t.Error("the loader accepts it")
			}
		})
	}
	for _, c := range []struct{ name, text, reason string }{
		{"letters in both cases", "disruption: {signal: Term}\n", "a pattern for that could not be read"},
		{"a scheme in capitals", "subject: {url: HTTP://h/}\n", "nobody writes it"},
		{"a share in the notation of science", "overrides: {max-loss: 1e-1%}\n", "nobody writes it"},
		{"a negative nothing", "load: {tail: -0s}\n", "nobody writes it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if schema.Validate(asJSON(t, c.text)) == nil {
				t.Errorf("the schema accepts it, although %s", c.reason)
			}
			if err := readGate(c.text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaAcceptsEveryScenarioThereIs(t *testing.T) {
	schema := gateSchema(t)
	all := make(map[string]string)
	for _, name := range scenarios.Names() {
		all[name], _ = scenarios.Source(name)
	}
	for _, file := range []string{"../../scenarios/testdata/everything.yaml"} {
		text, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	for _, page := range []string{"README.md", "docs/ci.md"} {
		prose, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range regexp.MustCompile("(?ms)^```ya?ml[^\n]*\n(.*?)^```$").FindAllStringSubmatch(string(prose), -1) {
			if strings.HasPrefix(block[1], "# .github/") || strings.HasPrefix(block[1], "- run:") {
				continue // a workflow
			}
			all[fmt.Sprintf("YAML block %d of %s", i+1, page)] = block[1]
		}
	}
	for name, text := range all {
		if !bothSay(t, schema, text) {
			t.Errorf("%s is refused: %v", name, readGate(text))
		}
	}
}

// TestSchemaSaysWhatEveryKeyIsFor keeps the table of keys complete, and free of
// keys that there are no more.
func TestSchemaSaysWhatEveryKeyIsFor(t *testing.T) {
	schema := scenarioSchema()
	keys := scenarioKeys()
	for section, definition := range schema.Definitions {
		known := keys[section]
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if pair.Value.Description == "" && pair.Value.Ref == "" {
				t.Errorf("%s.%s is not described", section, pair.Key)
			}
			if _, ok := known[pair.Key]; !ok {
				t.Errorf("%s.%s is not in the table", section, pair.Key)
			}
			delete(known, pair.Key)
		}
		for key := range known {
			t.Errorf("%s.%s is in the table, but no scenario has it", section, key)
		}
		delete(keys, section)
	}
	for section := range keys {
		t.Errorf("%s is in the table, but no scenario has it", section)
	}
}

// TestDefaultsOfTheSchemaAreTheScenarios asks that what an editor shows as the
// default is what happens without the key.
func TestDefaultsOfTheSchemaAreTheScenarios(t *testing.T) {
	want, err := scenarios.Parse("gate.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for section, definition := range scenarioSchema().Definitions {
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if pair.Value.Default == nil {
				continue
			}
			shown++
			path := strings.TrimPrefix(strings.ToLower(section)+"."+pair.Key, "scenario.")
			got, err := scenarios.Parse("gate.yaml", []byte(keyed(path, fmt.Sprint(pair.Value.Default))))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v is not the default: %v", path, pair.Value.Default, err)
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d defaults are shown", shown)
	}
}

package scenarios

import (
	"errors"
	"path"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"

	"lastcall/harness/scenario"
)

// Check is what a caller demands of a scenario in addition to what scenario.Validate
// does, such as that there is a policy of that name. An *scenario.Invalid among
// its errors is shown where its field stands in the file.
type Check func(scenario.Scenario) error

// Parse reads a scenario from YAML. It is strict: an unknown key, a wrong type
// or a bad duration is an error that names the file, line and column and shows
// the line. What the text leaves out is as in scenario.Default, and so is
// a key without a value. What the policy decides (the grace, say) is left open:
// the caller that runs the scenario fills it in.
//
// A text may be written as a number or a truth value, and is what was written:
// PORT: 0x10 is "0x10". Of YAML there are mappings, lists and values; anchors,
// aliases, tags, directives and second documents are refused.
func Parse(file string, text []byte, checks ...Check) (scenario.Scenario, error) {
	s := scenario.Default()
	s.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	source := newSource(file, strings.TrimPrefix(string(text), byteOrderMark))
	root, err := source.parse()
	if err != nil {
		return scenario.Scenario{}, err
	}
	if root != nil {
		if err := (decoder{source}).decode(root, reflect.ValueOf(&s).Elem()); err != nil {
			return scenario.Scenario{}, err
		}
	}
	for _, check := range append([]Check{valid}, checks...) {
		if err := check(s); err != nil {
			return scenario.Scenario{}, source.locate(blamed(root, err), err)
		}
	}
	return s, nil
}

// valid refuses what no policy could make right. Where the grace is the policy's
// to decide, one is looked for that makes it right: a long one leaves time for
// slow answers and late signals, a short one keeps the record of a high rate small.
func valid(s scenario.Scenario) error {
	if s.Disruption.Grace.Duration != 0 {
		return scenario.Validate(scenario.Complete(s))
	}
	var err error
	for _, grace := range []time.Duration{10 * time.Second, 90 * time.Second, scenario.MaxDuration} {
		s.Disruption.Grace.Duration = grace
		if err = scenario.Validate(scenario.Complete(s)); err == nil {
			return nil
		}
	}
	return err
}

// parse returns what is in the file, or nil if nothing is.
func (s source) parse() (ast.Node, error) {
	if err := s.readable(); err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(strings.Join(s.lines, "\n"))
	if err := s.plain(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, s.syntax(err)
	}
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType {
			return doc.Body, nil // plain has seen to it that there is no other
		}
	}
	return nil, nil
}

// syntax says what the parser did not understand.
func (s source) syntax(err error) error {
	what, ok := errors.AsType[yaml.Error](err)
	if !ok || what.GetToken() == nil {
		return s.locate(place{1, 1}, err)
	}
	at, message := placeOf(what.GetToken()), what.GetMessage()
	if colon := what.GetToken().Next; message == noKeyHere && colon != nil {
		// The parser points at the value before, which can be lines above.
		return s.mistake(placeOf(colon), `no colon is allowed here: is the line indented like its neighbours? A text with ": " in it needs quotes`)
	}
	if mark := marker.FindString(s.from(at)); mark != "" {
		return s.mistake(at, "%s within brackets: put the whole text in quotes", mark)
	}
	if plain := plainly[message]; plain != "" {
		message = plain
	}
	return s.mistake(at, "%s", message)
}

// byteOrderMark may begin a file.
const byteOrderMark = "\uFEFF"

// plainly are the parser's messages that only its author understands.
var plainly = map[string]string{
	"value is not allowed in this context":                               "this is not allowed here: is the line indented like its neighbours?",
	"value is not allowed in this context. map key-value is pre-defined": "only keys are allowed here: is the line indented like its neighbours?",
	"non-map value is specified":                                         `a text where a key should be: write "key: value"`,
	"unexpected key name":                                                "no key is allowed here: is the line indented like its neighbours?",
}

// noKeyHere is what the parser says of "a: b: c", and of a key that is indented
// more than its neighbours.
const noKeyHere = "mapping value is not allowed in this context"

// marker matches what lastcall replaces, which YAML takes for a mapping.
var marker = regexp.MustCompile(`^\{(port|pid)\}`)

package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/invopop/jsonschema"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
	"lastcall/internal/samples"
	"lastcall/reports"
)

// urlPattern matches what has a scheme and a host, and no user.
const urlPattern = `^https?://(\[[0-9A-Fa-f:.]+\]|[^\[\]/?#@:\s]+)(:([0-9]*|\{port\}))?([/?#]|$)`

// The notations. A number of a duration has a unit; one of a share, a sign.
const (
	numberPattern   = `([0-9]+(\.[0-9]*)?|\.[0-9]+)`
	intervalPattern = `\+?(0|(` + numberPattern + `(ns|us|µs|μs|ms|s|m|h))+)`
	sharePattern    = `^\s*\+?(0*[0-9]{1,2}(\.[0-9]*)?|\.[0-9]+)\s*%\s*$`
	codePattern     = `[1-5][0-9][0-9]`
	statusPattern   = `^\s*` + codePattern + `(\s*-\s*` + codePattern + `)?(\s*,\s*` + codePattern + `(\s*-\s*` + codePattern + `)?)*\s*$`
	noZeroByte      = `^[^\x00]*$`
)

// keyShapes are the keys that have a notation of their own, or words that only the
// judges know.
func keyShapes() map[string]func(*jsonschema.Schema) {
	return map[string]func(*jsonschema.Schema){
		"policy": oneOfWords(check.PolicyNames()), "needs": rulesShape, "reports": reportShape, "expect": expectShape,
		"subject.command": commandShape, "subject.applied": commandShape, "disruption.while": commandShape,
		"subject.env": environmentShape, "subject.url": matching(urlPattern), "subject.ready": matching("^/|" + urlPattern),
		"disruption.signal": signalShape, "load.expect-status": statusShape,
		"load.requests[].url": matching("^/|" + urlPattern), "load.requests[].header": headerShape,
		"load.parked[].url": matching("^/|" + urlPattern), "load.parked[].header": headerShape,
		"overrides.exit-codes": exitCodeShape, "overrides.rules": severityShape,
	}
}

// oneOfWords allows only these. Whoever shapes a key shapes what is written; that
// it can be left empty is added later.
func oneOfWords(words []string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.Extras = nil
		s.Type = "string"
		for _, word := range words {
			s.Enum = append(s.Enum, word)
		}
	}
}

// matching allows only texts that match. No number does.
func matching(expression string) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.Extras = nil
		s.Type, s.Pattern = "string", expression
	}
}

func between(low, high int) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) {
		s.Minimum, s.Maximum = json.Number(strconv.Itoa(low)), json.Number(strconv.Itoa(high))
	}
}

func atLeast(low int) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) { s.Minimum = json.Number(strconv.Itoa(low)) }
}

func atMost(items uint64) func(*jsonschema.Schema) {
	return func(s *jsonschema.Schema) { s.MaxItems = &items }
}

// notEmpty refuses the empty text, which would count as left out.
func notEmpty(s *jsonschema.Schema) {
	one := uint64(1)
	s.MinLength = &one
}

// notZero refuses a zero, in whatever unit it is written.
func notZero(s *jsonschema.Schema) {
	s.Not = &jsonschema.Schema{Type: "string", Pattern: `^[^1-9]*$`}
}

// parkShape asks for a URL where something has to be named, and for none where
// nothing is asked for.
func parkShape(s *jsonschema.Schema) {
	silent, idle, others := jsonschema.NewProperties(), jsonschema.NewProperties(), jsonschema.NewProperties()
	silent.Set("kind", &jsonschema.Schema{Const: scenario.Silent})
	silent.Set("url", &jsonschema.Schema{Type: "null"})
	silent.Set("header", &jsonschema.Schema{Type: "null"})
	idle.Set("kind", &jsonschema.Schema{Const: scenario.Idle})
	others.Set("kind", &jsonschema.Schema{Enum: []any{scenario.WebSocket, scenario.EventStream}})
	others.Set("url", &jsonschema.Schema{Type: "string"})
	s.Required = []string{"kind", "count"}
	s.AnyOf = []*jsonschema.Schema{{Properties: silent}, {Properties: idle}, {Properties: others, Required: []string{"url"}}}
}

func statusShape(s *jsonschema.Schema) {
	code := jsonschema.Schema{Type: "integer"}
	between(100, 599)(&code)
	eitherOf(s, &code, &jsonschema.Schema{Type: "string", Pattern: statusPattern})
}

// signalShape allows what this system has. In which case the letters are is free,
// but a pattern that said so could not be read.
func signalShape(s *jsonschema.Schema) {
	var numbers []any
	var names, digits []string
	for n := range syscall.Signal(maxSignal + 1) {
		name, ok := strings.CutPrefix(scenario.SignalName(n), "SIG")
		if !ok {
			continue
		}
		numbers, digits = append(numbers, int(n)), append(digits, strconv.Itoa(int(n)))
		if !strings.HasPrefix(name, "RT") {
			names = append(names, name)
		}
	}
	if len(digits) > len(names) { // there are real-time signals
		names = append(names, `RTMIN(\+0*([12]?[0-9]|30))?`, `RTMAX(-0*([12]?[0-9]|30))?`)
	}
	upper := strings.Join(names, "|")
	one := fmt.Sprintf(`((SIG)?(%s)|(sig)?(%s)|0*(%s))`, upper, strings.ToLower(upper), strings.Join(digits, "|"))
	sequence := fmt.Sprintf(`^\s*%s(\s*,\s*(%s\s*,\s*)?%s){0,9}\s*$`, one, intervalPattern, one)
	eitherOf(s, &jsonschema.Schema{Enum: numbers}, &jsonschema.Schema{Type: "string", Pattern: sequence})
}

// maxSignal is the highest number that a signal has on any system.
const maxSignal = 64

func eitherOf(s *jsonschema.Schema, options ...*jsonschema.Schema) {
	s.Type, s.Extras, s.AnyOf = "", nil, options
}

// commandShape is a list of words of which the first is a program.
func commandShape(s *jsonschema.Schema) {
	program, word := *s.Items, *s.Items
	program.Pattern, word.Pattern = `^[^\x00]*[^\s\x00][^\x00]*$`, noZeroByte
	s.PrefixItems, s.Items = []*jsonschema.Schema{&program}, &word
}

func environmentShape(s *jsonschema.Schema) {
	s.PropertyNames = &jsonschema.Schema{Pattern: `^[^=\x00]+$`}
	s.AdditionalProperties.Pattern = noZeroByte
}

// headerShape asks for field names and values as in RFC 9110 section 5.
func headerShape(s *jsonschema.Schema) {
	s.PropertyNames = &jsonschema.Schema{Pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"}
	s.AdditionalProperties.Pattern = `^[^\x00-\x08\x0A-\x1F\x7F]*$`
}

func reportShape(s *jsonschema.Schema) {
	s.Items = &jsonschema.Schema{Type: "string", Pattern: `^(` + strings.Join(reports.Names(), "|") + `)(=[\s\S]+)?$`}
	s.UniqueItems = true
}

func exitCodeShape(s *jsonschema.Schema) { between(0, 255)(s.Items) }

func severityShape(s *jsonschema.Schema) {
	s.Properties, s.AdditionalProperties = jsonschema.NewProperties(), jsonschema.FalseSchema
	for _, r := range check.Rules() {
		s.Properties.Set(r.Name, &jsonschema.Schema{
			Description: r.Asks,
			Enum:        []any{check.Off.String(), check.Warn.String(), check.Require.String()},
		})
	}
}

func rulesShape(s *jsonschema.Schema) {
	s.Items = &jsonschema.Schema{}
	oneOfWords(check.RuleNames())(s.Items)
}

func expectShape(s *jsonschema.Schema) {
	s.Properties, s.AdditionalProperties = jsonschema.NewProperties(), jsonschema.FalseSchema
	for _, name := range append([]string{check.ExpectPass}, check.RuleNames()...) {
		strategies := &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{}}
		oneOfWords(samples.Names())(strategies.Items)
		s.Properties.Set(name, strategies)
	}
}

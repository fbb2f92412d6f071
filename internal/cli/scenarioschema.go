package cli

import (
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"lastcall/harness/scenario"
)

// scenarioSchema derives the schema of a scenario's file from the type that the
// loader fills, so that both know the same keys.
func scenarioSchema() *jsonschema.Schema {
	reflector := &jsonschema.Reflector{
		Anonymous: true, FieldNameTag: "yaml", Mapper: asWritten,
		RequiredFromJSONSchemaTags: true, // nothing is required: there are defaults
	}
	schema := reflector.Reflect(scenario.Scenario{})
	schema.Title = "lastcall scenario"
	schema.Description = "What lastcall does to a server, and by which policy it judges. Every key is optional."
	schema.Definitions["Target"].Required = []string{"url"}
	parkShape(schema.Definitions["Park"])
	keys := scenarioKeys()
	for section, definition := range schema.Definitions {
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			describe(pair.Value, keys[section][pair.Key])
			if !slices.Contains(definition.Required, pair.Key) {
				orNull(pair.Value)
			}
		}
		if section != "Target" && section != "Park" { // an item of a list cannot be empty
			orNull(definition)
		}
	}
	standard := scenario.Default()
	standard.Name = "" // a file's name is its own
	for path, value := range defaultValues(reflect.ValueOf(standard)) {
		section, name, _ := strings.Cut(path, ".")
		property, _ := schema.Definitions[section].Properties.Get(name)
		property.Default = value
	}
	return schema
}

// sections are the names of a scenario's parts in the schema, by their paths.
var sections = map[string]string{
	"": "Scenario", "subject": "Subject", "load": "Load", "load.requests[]": "Target", "load.parked[]": "Park",
	"disruption": "Disruption", "overrides": "Overrides",
}

// scenarioKeys are the keys of every section, by its name in the schema.
func scenarioKeys() map[string]map[string]scenario.Key {
	all := make(map[string]map[string]scenario.Key)
	for _, key := range scenario.Keys() {
		section, name := "", key.Path
		if cut := strings.LastIndex(key.Path, "."); cut >= 0 {
			section, name = key.Path[:cut], key.Path[cut+1:]
		}
		section = sections[section]
		if all[section] == nil {
			all[section] = make(map[string]scenario.Key)
		}
		all[section][name] = key
	}
	return all
}

// describe adds to a key's schema what its type does not say.
func describe(s *jsonschema.Schema, key scenario.Key) {
	shape := keyShapes()[key.Path]
	switch {
	case shape != nil:
		shape(s)
	case len(key.Words) > 0:
		oneOfWords(key.Words)(s)
	case s.Type == "array" && key.High > 0:
		atMost(uint64(key.High))(s)
	case key.High > 0:
		between(key.Low, key.High)(s)
	case key.Low > 0:
		atLeast(key.Low)(s)
	case key.Blank && s.Pattern != "":
		notZero(s) // a duration or a share: both have a notation
	case key.Blank:
		notEmpty(s)
	}
	s.Description = key.About
}

// orNull allows null besides what is allowed already: a key without a value is
// as if it were left out. A reference is optional where it leads to.
func orNull(s *jsonschema.Schema) {
	types, _ := s.Extras["type"].([]string)
	if s.Type != "" {
		types, s.Type = []string{s.Type}, ""
	}
	if len(types) > 0 {
		s.Extras = map[string]any{"type": append(slices.Clip(types), "null")}
	}
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
	if s.AnyOf != nil {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: "null"})
	}
}

// asWritten returns the schema of a type as it is written in YAML, or nil for what
// is as the reflector has it.
func asWritten(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[scenario.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^` + intervalPattern + `$`}
	case reflect.TypeFor[scenario.Share]():
		return &jsonschema.Schema{Type: "string", Pattern: sharePattern}
	case reflect.TypeFor[map[string]string]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: anyWordSchema()}
	case reflect.TypeFor[map[string][]string]():
		return &jsonschema.Schema{Type: "object"}
	case reflect.TypeFor[[]string]():
		return &jsonschema.Schema{Type: "array", Items: anyWordSchema()}
	}
	if t.Kind() == reflect.String {
		return anyWordSchema()
	}
	return nil
}

// anyWordSchema is a text: a number or a truth value stands for its own letters.
func anyWordSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"type": []string{"string", "number", "boolean"}}}
}

// defaultValues returns the values that a scenario has before it is read, by section
// and key.
func defaultValues(v reflect.Value) map[string]any {
	all := make(map[string]any)
	for field, value := range v.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		text, isText := value.Interface().(interface{ MarshalText() ([]byte, error) })
		switch {
		case value.IsZero():
		case isText:
			b, _ := text.MarshalText() // a duration's never fails
			all[v.Type().Name()+"."+name] = string(b)
		case value.Kind() == reflect.Struct:
			for path, inner := range defaultValues(value) {
				all[path] = inner
			}
		default:
			all[v.Type().Name()+"."+name] = value.Interface()
		}
	}
	return all
}

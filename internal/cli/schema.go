package cli

import (
	"encoding/json"
	"reflect"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func newSchema(s streams) *cobra.Command {
	return &cobra.Command{
		Use:       "schema suite",
		Short:     "Print the JSON Schema (2020-12) of a machine-readable format",
		Example:   "  lastcall schema suite",
		ValidArgs: []string{"suite"},
		Args:      oneArg("the name of a format: suite"),
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] != "suite" {
				return usagef("unknown schema %q: %s", args[0], hint(args[0], []string{"suite"}))
			}
			enc := json.NewEncoder(s.out)
			enc.SetIndent("", "  ")
			return enc.Encode(suiteSchema())
		},
	}
}

// suiteSchema derives the schema from the types that the report encodes, so
// that the two cannot part.
func suiteSchema() *jsonschema.Schema {
	enums := map[reflect.Type][]any{
		reflect.TypeFor[result.Verdict](): {result.Inconclusive.String(), result.Pass.String(), result.Fail.String()},
		reflect.TypeFor[result.Status](): {
			result.Unjudged.String(), result.NotExercised.String(),
			result.Satisfied.String(), result.Warned.String(), result.Violated.String(),
		},
		reflect.TypeFor[result.Overall](): {
			result.SuiteInconclusive.String(), result.SuitePass.String(),
			result.SuiteFail.String(), result.SuiteInterrupted.String(),
		},
	}
	nullable := map[string]bool{"per_request": true, "per_shutdown": true}
	reflector := &jsonschema.Reflector{
		AllowAdditionalProperties: true, // within v1 fields are only added
		Namer:                     definitionName,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if values, ok := enums[t]; ok {
				return &jsonschema.Schema{Type: "string", Enum: values}
			}
			if t == reflect.TypeFor[history.Duration]() {
				return &jsonschema.Schema{Type: "string", Description: "a duration in Go's notation, as in 100ms"}
			}
			return nil
		},
	}
	schema := reflector.Reflect(result.Suite{})
	schema.ID = ""
	schema.Title = result.Schema
	for _, definition := range schema.Definitions {
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if nullable[pair.Key] {
				number := *pair.Value
				pair.Value = &jsonschema.Schema{OneOf: []*jsonschema.Schema{&number, {Type: "null"}}}
			}
		}
	}
	return schema
}

// definitionName tells apart what has the same name in two packages: a
// scenario's subject is not the suite's.
func definitionName(t reflect.Type) string {
	if t.PkgPath() == reflect.TypeFor[history.Scenario]().PkgPath() {
		return "History" + t.Name()
	}
	return t.Name()
}

package cli

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

func newSchema(s streams) *cobra.Command {
	names := []string{"scenario", "suite", "sweep"}
	schemas := map[string]func() *jsonschema.Schema{"scenario": scenarioSchema, "suite": suiteSchema, "sweep": sweepSchema}
	return &cobra.Command{
		Use:   "schema scenario|suite|sweep",
		Short: "Print the JSON Schema (2020-12) of a machine-readable format",
		Long: `Print the JSON Schema (2020-12) of a machine-readable format.

scenario is the form of lastcall.yaml and of every other scenario. An editor
that has it completes and checks the file while you write; many look for it in
the first line:

  # yaml-language-server: $schema=lastcall.schema.json

suite is what --report json writes, and sweep is what lastcall sweep --report json
writes.`,
		Example:   "  lastcall schema scenario > lastcall.schema.json\n  lastcall schema suite",
		ValidArgs: names,
		Args:      oneArg("the name of a format: scenario, suite or sweep"),
		RunE: func(_ *cobra.Command, args []string) error {
			schema, ok := schemas[args[0]]
			if !ok {
				return usagef("unknown schema %q: %s", args[0], hint(args[0], names))
			}
			enc := json.NewEncoder(s.out)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false) // a pattern is to be read
			return enc.Encode(schema())
		},
	}
}

// suiteSchema derives the schema from the types that the report encodes, so
// that the two cannot part.
func suiteSchema() *jsonschema.Schema {
	return resultSchema(result.Suite{}, result.Schema, "per_request", "per_shutdown")
}

// sweepSchema does the same for a sweep.
func sweepSchema() *jsonschema.Schema {
	return resultSchema(result.Sweep{}, result.SweepSchema, "earliest_us", "latest_us", "window", "widest", "rate", "low", "high")
}

// resultSchema derives a schema from a value of what is encoded. The fields named
// can be null.
func resultSchema(value any, title string, nullable ...string) *jsonschema.Schema {
	enums := map[reflect.Type][]any{
		reflect.TypeFor[result.Verdict](): {result.Inconclusive.String(), result.Pass.String(), result.Fail.String()},
		reflect.TypeFor[result.Status](): {
			result.Unjudged.String(), result.NotExercised.String(),
			result.Satisfied.String(), result.Warned.String(), result.Violated.String(),
		},
		reflect.TypeFor[result.ProbeStatus](): {
			result.ProbeInconclusive.String(), result.ProbePass.String(), result.ProbeWarn.String(),
			result.ProbeFail.String(), result.ProbeSkip.String(),
		},
		reflect.TypeFor[result.Overall](): {
			result.SuiteInconclusive.String(), result.SuitePass.String(),
			result.SuiteFail.String(), result.SuiteInterrupted.String(),
		},
	}
	reflector := &jsonschema.Reflector{
		AllowAdditionalProperties: true, // within v1 fields are only added
		Namer:                     definitionName,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if values, ok := enums[t]; ok {
				return &jsonschema.Schema{Type: "string", Enum: values}
			}
			if t == reflect.TypeFor[scenario.Duration]() {
				return &jsonschema.Schema{Type: "string", Description: "a duration in Go's notation, as in 100ms"}
			}
			return nil
		},
	}
	schema := reflector.Reflect(value)
	schema.ID = ""
	schema.Title = title
	for _, definition := range schema.Definitions {
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if slices.Contains(nullable, pair.Key) {
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
	if t.PkgPath() == reflect.TypeFor[scenario.Scenario]().PkgPath() {
		return "History" + t.Name()
	}
	return t.Name()
}

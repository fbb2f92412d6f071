// Package scenarios is the catalogue of experiments: YAML files, embedded, and
// the loader that reads them and a user's own, which have the same form.
package scenarios

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"lastcall/harness"
)

//go:embed *.yaml
var files embed.FS

// Default is the name of the scenario that is run when none is named.
const Default = "steady"

// ErrUnknown is what Load's error wraps for a name that is neither in the
// catalogue nor a file.
var ErrUnknown = errors.New("unknown scenario")

// Names returns the names of the catalogue, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil // embedded by the compiler: a test reads them all
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Source returns the file of a scenario in the catalogue.
func Source(name string) (string, bool) {
	text, err := files.ReadFile(name + ".yaml")
	return string(text), err == nil
}

// Load returns the scenario of that name in the catalogue, or the one in the
// file of that name. What a file leaves out is as in the default.
func Load(nameOrFile string) (harness.Scenario, error) {
	if text, ok := Source(nameOrFile); ok {
		return Parse(nameOrFile+".yaml", []byte(text))
	}
	if !strings.ContainsAny(nameOrFile, `/.\`) {
		return harness.Scenario{}, fmt.Errorf("%w %q: use one of %s, or the path of a file",
			ErrUnknown, nameOrFile, strings.Join(Names(), ", "))
	}
	text, err := os.ReadFile(nameOrFile)
	if err != nil {
		return harness.Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(nameOrFile, text)
}

// Parse reads a scenario from YAML. It is strict: an unknown key, a wrong type
// or a bad duration is an error that names the file, line and column and shows
// the line.
func Parse(file string, text []byte) (harness.Scenario, error) {
	s := harness.DefaultScenario()
	s.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	empty, err := strict(text)
	if err != nil {
		return harness.Scenario{}, fmt.Errorf("%s:%w", file, err)
	}
	if !empty { // the decoder would make all fields zero
		if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict(), yaml.DisallowUnknownField()); err != nil {
			return harness.Scenario{}, fmt.Errorf("%s:%s", file, explain(err))
		}
	}
	s = harness.Complete(s)
	if err := harness.Validate(s); err != nil {
		return harness.Scenario{}, fmt.Errorf("%s:%s", file, locate(text, err))
	}
	return s, nil
}

// locate finds the line of the field that an *harness.Invalid names.
func locate(text []byte, err error) string {
	invalid, ok := errors.AsType[*harness.Invalid](err)
	if !ok {
		return " " + err.Error()
	}
	at, pathErr := yaml.PathString("$." + invalid.Field)
	if pathErr != nil {
		return " " + err.Error()
	}
	shown, annotateErr := at.AnnotateSource(text, false)
	node, nodeErr := at.ReadNode(strings.NewReader(string(text)))
	if annotateErr != nil || nodeErr != nil {
		return " " + err.Error() // the field is not in the file: its default met another's value
	}
	position := node.GetToken().Position
	return fmt.Sprintf("%d:%d: %s\n%s", position.Line, position.Column, err, strings.TrimRight(string(shown), "\n"))
}

// explain renders a YAML error as "line:column: what" and the source beneath.
func explain(err error) string {
	located, ok := errors.AsType[yaml.Error](err)
	if !ok || located.GetToken() == nil {
		return " " + err.Error()
	}
	position := located.GetToken().Position
	shown := yaml.FormatError(err, false, true)
	_, source, _ := strings.Cut(shown, "\n")
	return fmt.Sprintf("%d:%d: %s\n%s", position.Line, position.Column, located.GetMessage(), strings.TrimRight(source, "\n"))
}

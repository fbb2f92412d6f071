// Package scenarios is the catalogue of experiments: YAML files, embedded, and
// the loader that reads them and a user's own, which have the same form.
package scenarios

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Default is the name of the scenario that is run when none is named.
const Default = "steady"

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

package cli

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
	"lastcall/scenarios"
)

// sweepFlags are the names of the flags that set a sweep's fields.
var sweepFlags = map[string]string{
	"sweep.from": "from", "sweep.to": "to", "sweep.step": "step", "sweep.per-step": "per-step", "sweep.limit": "limit",
}

// flagFor is the name of the flag that sets a field, "" if there is none.
func flagFor(field string) string { return cmp.Or(sweepFlags[field], scenario.FlagOf(field)) }

// inFlags says an error of a run in terms of the flag that caused it, if one did.
func inFlags(err error, f *pflag.FlagSet) error {
	if _, ok := errors.AsType[*scenario.Invalid](err); ok {
		return flagOf(err, f)
	}
	return err
}

// flagOf says a *scenario.Invalid in terms of the flag that caused it.
func flagOf(err error, f *pflag.FlagSet) error {
	invalid, ok := errors.AsType[*scenario.Invalid](err)
	if !ok {
		return &usageError{err}
	}
	field, item, _ := strings.Cut(invalid.Field, "[")
	_, part, _ := strings.Cut(item, "].")
	switch {
	case invalid.Field == "subject.command":
		return usagef("the command %s", invalid.Problem)
	case field == "load.requests" && part == "body-file" && f.Changed("body"):
		return usagef("--body %s", invalid.Problem)
	case field == "load.requests" && part == "header" && f.Changed("header"):
		return usagef("--header %s", invalid.Problem)
	case field == "load.requests" && f.Changed("url") && part != "" && part != "url":
		return usagef("--url: its %s %s", part, invalid.Problem)
	case field == "load.requests" && f.Changed("url"):
		return usagef("--url %s", invalid.Problem)
	}
	if name := flagFor(field); name != "" && f.Lookup(name) != nil {
		return usagef("--%s %s", name, invalid.Problem)
	}
	return &usageError{err}
}

// blame says a mistake in terms of the flag that caused it, or shows where it
// stands in the file.
func (o *testOptions) blame(err error, f *pflag.FlagSet, command []string) error {
	invalid, ok := errors.AsType[*scenario.Invalid](err)
	switch {
	case !ok:
		return err
	case o.from == "" || byFlag(invalid, f, command):
		return flagOf(err, f)
	}
	return usagef("%s%w", o.sourceFlag(f), scenarios.Blame(o.from, invalid))
}

// byFlag reports whether a field has its value from the command line.
func byFlag(invalid *scenario.Invalid, f *pflag.FlagSet, command []string) bool {
	for _, field := range append([]string{invalid.Field}, invalid.Of...) {
		field, item, _ := strings.Cut(field, "[")
		switch {
		case field == "subject.command" && len(command) > 0:
			return true
		case field == "load.requests" && (f.Changed("url") || f.Changed("body") && strings.HasSuffix(item, "body-file")):
			return true
		case flagFor(field) != "" && f.Changed(flagFor(field)):
			return true
		}
	}
	return false
}

package cli

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/history"
	"lastcall/scenarios"
)

// flags are the names of the flags that set a scenario's fields.
var flags = map[string]string{
	"load.rate": "rate", "subject.delay": "delay", "shutdowns": "shutdowns",
	"disruption.signal": "signal", "disruption.grace": "grace", "load.timeout": "timeout",
	"disruption.target": "signal-target", "disruption.lag": "lag", "disruption.while": "while", "disruption.settle": "settle",
	"load.connections": "connections", "load.method": "method",
	"load.expect-status": "expect-status", "load.expect-body": "expect-body", "load.requests-file": "requests", "load.parked": "park",
	"subject.url": "url", "subject.front": "front", "subject.ready": "ready", "subject.ready-timeout": "ready-timeout",
	"subject.ledger": "ledger", "subject.applied": "applied",
	"subject.dir": "dir", "subject.env": "env", "subject.ca": "ca", "subject.insecure": "insecure",
	"sweep.from": "from", "sweep.to": "to", "sweep.step": "step", "sweep.per-step": "per-step", "sweep.limit": "limit",
	"overrides.min-at-risk": "min-at-risk", "overrides.max-loss": "max-loss", "overrides.exit-codes": "exit-code",
}

// inFlags says an error of a run in terms of the flag that caused it, if one did.
func inFlags(err error, f *pflag.FlagSet) error {
	if _, ok := errors.AsType[*history.Invalid](err); ok {
		return flagOf(err, f)
	}
	return err
}

// flagOf says a *history.Invalid in terms of the flag that caused it.
func flagOf(err error, f *pflag.FlagSet) error {
	invalid, ok := errors.AsType[*history.Invalid](err)
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
	if name := flags[field]; name != "" && f.Lookup(name) != nil {
		return usagef("--%s %s", name, invalid.Problem)
	}
	return &usageError{err}
}

// blame says a mistake in terms of the flag that caused it, or shows where it
// stands in the file.
func (o *testOptions) blame(err error, f *pflag.FlagSet, command []string) error {
	invalid, ok := errors.AsType[*history.Invalid](err)
	switch {
	case !ok:
		return err
	case o.from == "" || byFlag(invalid, f, command):
		return flagOf(err, f)
	}
	return usagef("%s%w", o.sourceFlag(f), scenarios.Blame(o.from, invalid))
}

// byFlag reports whether a field has its value from the command line.
func byFlag(invalid *history.Invalid, f *pflag.FlagSet, command []string) bool {
	for _, field := range append([]string{invalid.Field}, invalid.Of...) {
		field, item, _ := strings.Cut(field, "[")
		switch {
		case field == "subject.command" && len(command) > 0:
			return true
		case field == "load.requests" && (f.Changed("url") || f.Changed("body") && strings.HasSuffix(item, "body-file")):
			return true
		case flags[field] != "" && f.Changed(flags[field]):
			return true
		}
	}
	return false
}

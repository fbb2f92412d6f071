package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/reports"
	"lastcall/scenarios"
)

// runOptions are the flags of every command that runs an experiment. A flag
// that was given overrides the scenario.
type runOptions struct {
	output outputOptions

	scenario    string
	rate        int
	delay       time.Duration
	shutdowns   int
	seed        uint64
	signal      string
	grace       time.Duration
	timeout     time.Duration
	connections string
	method      string
	record      string
}

func newRunOptions() *runOptions {
	d := harness.DefaultScenario()
	return &runOptions{
		scenario: scenarios.Default, seed: 1,
		rate: d.Load.Rate, delay: d.Subject.Delay.Duration, shutdowns: d.Shutdowns,
		signal: d.Disruption.Signal, grace: d.Disruption.Grace.Duration,
		timeout:     harness.Complete(d).Load.Timeout.Duration,
		connections: string(d.Load.Connections), method: d.Load.Method,
	}
}

func (o *runOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.scenario, "scenario", o.scenario, "experiment to run: a `name` of lastcall list scenarios, or a file")
	f.Var(numberValue{&o.rate, "500"}, "rate", "requests per second, in an open loop")
	f.Var(durationValue{&o.delay}, "delay", "how long the sample handler works on a request")
	f.Var(numberValue{&o.shutdowns, "3"}, "shutdowns", "how often each strategy is shut down; they are interleaved")
	f.StringVar(&o.connections, "connections", o.connections, "`reused` (kept alive), fresh (one a request), or mixed (by turns)")
	f.StringVar(&o.method, "method", o.method, "HTTP `method` of the requests")
	f.StringVar(&o.signal, "signal", o.signal, "`signal` that tells the server to stop")
	f.Var(durationValue{&o.grace}, "grace", "how long the server may take until SIGKILL")
	f.Var(durationValue{&o.timeout}, "timeout", "deadline of a request; by default grace and 5s")
	f.Uint64Var(&o.seed, "seed", o.seed, "`number` that decides when in its load each server is stopped")
	f.StringVar(&o.record, "record", "", "write the history of each shutdown into this new `directory`")
	o.output.register(f)
}

// resolve returns the scenario with the flags applied. The error names the flag
// that is wrong, before anything has started.
func (o *runOptions) resolve(f *pflag.FlagSet) (harness.Scenario, check.Policy, error) {
	s, err := scenarios.Load(o.scenario)
	if err != nil {
		return s, check.Policy{}, o.scenarioError(err)
	}
	timeoutGiven := f.Changed("timeout") || s.Load.Timeout.Duration != harness.Complete(zeroTimeout(s)).Load.Timeout.Duration
	o.apply(&s, f)
	if !timeoutGiven {
		s = harness.Complete(zeroTimeout(s)) // follows the grace, which may have changed
	}
	if err := harness.Validate(s); err != nil {
		return s, check.Policy{}, flagOf(err, f)
	}
	policy, err := findPolicy(s.Policy)
	if err != nil && !f.Changed("policy") {
		err = usagef("--scenario %s: %s", o.scenario, strings.TrimPrefix(err.Error(), "--"))
	}
	return s, policy, err
}

func zeroTimeout(s harness.Scenario) harness.Scenario {
	s.Load.Timeout.Duration = 0
	return s
}

func (o *runOptions) apply(s *harness.Scenario, f *pflag.FlagSet) {
	set := map[string]func(){
		"rate":        func() { s.Load.Rate = o.rate },
		"delay":       func() { s.Subject.Delay.Duration = o.delay },
		"shutdowns":   func() { s.Shutdowns = o.shutdowns },
		"signal":      func() { s.Disruption.Signal = canonicalSignal(o.signal) },
		"grace":       func() { s.Disruption.Grace.Duration = o.grace },
		"timeout":     func() { s.Load.Timeout.Duration = o.timeout },
		"connections": func() { s.Load.Connections = history.Connections(o.connections) },
		"method":      func() { s.Load.Method = strings.ToUpper(o.method) },
		"policy":      func() { s.Policy = o.output.policy },
	}
	f.Visit(func(flag *pflag.Flag) {
		if apply, ok := set[flag.Name]; ok {
			apply()
		}
	})
}

// scenarioError keeps the name or key that was asked for, and adds the nearest.
func (o *runOptions) scenarioError(err error) error {
	if errors.Is(err, scenarios.ErrUnknown) {
		if near := nearest(o.scenario, scenarios.Names()); near != "" {
			return usagef("--scenario: unknown scenario %q: did you mean %s?", o.scenario, near)
		}
	}
	text := err.Error()
	if unknown, ok := errors.AsType[*scenarios.UnknownKey](err); ok {
		if near := nearest(unknown.Key, unknown.Keys); near != "" {
			said := fmt.Sprintf("unknown key %q: did you mean %s?", unknown.Key, near)
			text = strings.Replace(text, unknown.Error(), said, 1)
		}
	}
	return usagef("--scenario: %s", text)
}

// flagOf says an *harness.Invalid in terms of the flag that caused it.
func flagOf(err error, f *pflag.FlagSet) error {
	invalid, ok := errors.AsType[*harness.Invalid](err)
	if !ok {
		return &usageError{err}
	}
	name := map[string]string{
		"load.rate": "rate", "subject.delay": "delay", "shutdowns": "shutdowns",
		"disruption.signal": "signal", "disruption.grace": "grace", "load.timeout": "timeout",
		"load.connections": "connections", "load.method": "method",
	}[invalid.Field]
	if name == "" || f.Lookup(name) == nil {
		return &usageError{err}
	}
	return usagef("--%s %s", name, invalid.Problem)
}

func findPolicy(name string) (check.Policy, error) {
	policy, ok := check.PolicyByName(name)
	if !ok {
		var names []string
		for _, p := range check.Policies() {
			names = append(names, p.Name)
		}
		return policy, usagef("--policy: unknown policy %q: %s", name, hint(name, names))
	}
	return policy, nil
}

// canonicalSignal writes a known signal as SIGTERM, and leaves an unknown one
// to be refused under its own name.
func canonicalSignal(name string) string {
	upper := strings.ToUpper(name)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if err := harness.ValidSignal(upper); err != nil {
		return name
	}
	return upper
}

// outputOptions are the flags of every command that judges and reports.
type outputOptions struct {
	policy  string
	reports []reportRequest
	gate    bool
	quiet   bool
	noColor bool
}

func (o *outputOptions) register(f *pflag.FlagSet) {
	o.policy = "default"
	f.StringVar(&o.policy, "policy", o.policy, "`name` of the policy to judge by: see lastcall list policies")
	formats := strings.Join(reports.Names(), ", ")
	f.Var(reportsValue{&o.reports}, "report", formats+": to standard output or =PATH; may be repeated")
	f.BoolVar(&o.gate, "gate", false, "exit 1 if any subject fails")
	f.BoolVar(&o.quiet, "quiet", false, "no progress, and no table unless --report asks for it")
	f.BoolVar(&o.noColor, "no-color", false, "no colours (NO_COLOR has the same effect)")
}

// Validate refuses reports that would mix or overwrite each other.
func (o *outputOptions) Validate() error {
	taken := make(map[string]string)
	for _, r := range o.reports {
		place := r.path
		if place != "" {
			place = filepath.Clean(place)
		}
		if other, ok := taken[place]; ok {
			where := "the file " + r.path
			if r.path == "" {
				where = "standard output"
			}
			return usagef("--report: %s and %s would both go to %s: write %s=PATH", other, r.format, where, r.format)
		}
		taken[place] = r.format
	}
	return nil
}

// requests returns the reports asked for, with the table on standard output if
// nothing else goes there.
func (o *outputOptions) requests() []reportRequest {
	all := append([]reportRequest(nil), o.reports...)
	for _, r := range all {
		if r.path == "" {
			return all
		}
	}
	if o.quiet {
		return all
	}
	return append(all, reportRequest{format: "table"})
}

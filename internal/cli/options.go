package cli

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/scenario"
	"lastcall/reports"
	"lastcall/scenarios"
)

// runOptions are the flags of every command that runs an experiment. A flag
// that was given overrides the scenario.
type runOptions struct {
	policy policyOptions
	output outputOptions

	all         bool
	scenario    string
	rate        int
	delay       time.Duration
	shutdowns   int
	seed        uint64
	signal      string
	target      string
	grace       time.Duration
	lag         time.Duration
	timeout     time.Duration
	connections string
	method      string
	record      string
}

func newRunOptions() *runOptions {
	d := scenario.Default()
	return &runOptions{
		scenario: scenarios.Default, seed: 1,
		rate: d.Load.Rate, delay: d.Subject.Delay.Duration, shutdowns: d.Shutdowns, signal: d.Disruption.Signal,
		connections: string(d.Load.Connections), method: d.Load.Method,
	}
}

// registerLoad registers what is sent.
func (o *runOptions) registerLoad(f *pflag.FlagSet) {
	f.Var(numberValue{&o.rate, "500"}, "rate", "requests per second, sent at this rate even if the server is slow")
	f.StringVar(&o.connections, "connections", o.connections, "`kind` of connections: reused (kept alive), fresh (a new one for each request), or mixed (half of each)")
	f.StringVar(&o.method, "method", o.method, "HTTP `method` of the requests")
	f.Var(durationValue{&o.timeout}, "timeout", "deadline of a request (default: grace plus 5s)")
}

// registerDisruption registers what happens to the server.
func (o *runOptions) registerDisruption(f *pflag.FlagSet) {
	f.StringVar(&o.signal, "signal", o.signal, "`signal` that tells the server to stop, or a sequence, as in SIGTERM,2s,SIGTERM")
	f.StringVar(&o.target, "signal-target", "", "the `process` that gets it: leader (the started one), group (its process group), or owner (of the listening socket) (default: the policy's)")
	f.Var(durationValue{&o.grace}, "grace", "how long the server may take until SIGKILL (default: the policy's)")
	f.Var(durationValue{&o.lag}, "lag", "how long a balancer goes on sending after the signal (default: the policy's)")
}

// registerRun registers how often, and what is kept.
func (o *runOptions) registerRun(f *pflag.FlagSet) {
	f.Var(numberValue{&o.shutdowns, "3"}, "shutdowns", "how many times each server is shut down")
	f.Uint64Var(&o.seed, "seed", o.seed, "`number` that decides at which instant each server is stopped")
	f.StringVar(&o.record, "record", "", "write the history of each shutdown into this new `directory`")
}

// register registers the flags of a comparison.
func (o *runOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVar(&o.scenario, "scenario", o.scenario, "the scenario: a `name` of lastcall list scenarios, or a file")
	f.Var(durationValue{&o.delay}, "delay", "how long the sample server works on a request")
	o.registerLoad(f)
	o.registerDisruption(f)
	o.registerRun(f)
	o.policy.register(f)
	o.output.register(f)
	f.BoolVar(&o.output.gate, "gate", false, "exit 1 if any subject fails")
}

// resolve returns the scenario with the flags applied. The error names the flag
// that is wrong, before anything has started.
func (o *runOptions) resolve(f *pflag.FlagSet) (scenario.Scenario, check.Policy, error) {
	s, err := loadScenario(o.scenario)
	if err != nil {
		return s, check.Policy{}, usagef("--scenario: %w", err)
	}
	if err := o.apply(&s, f); err != nil {
		return s, check.Policy{}, err
	}
	return o.complete(s, f)
}

// complete fills in what the policy and the defaults decide, and validates.
func (o *runOptions) complete(s scenario.Scenario, f *pflag.FlagSet) (scenario.Scenario, check.Policy, error) {
	if err := loadless(s, f); err != nil {
		return s, check.Policy{}, err
	}
	if err := o.policy.apply(&s, f); err != nil {
		return s, check.Policy{}, err
	}
	policy, s, err := resolvePolicy(s, f)
	if err != nil {
		return s, policy, err
	}
	s = scenario.Complete(s)
	if err := scenario.Validate(s); err != nil {
		return s, policy, flagOf(err, f)
	}
	return s, policy, nil
}

// loadless refuses flags of requests where none is sent.
func loadless(s scenario.Scenario, f *pflag.FlagSet) error {
	if !s.Disruption.Unloaded() {
		return nil
	}
	names := []string{"header", "body"} // of load.requests
	for _, key := range scenario.Keys() {
		if key.OfLoad() && key.Flag != "" {
			names = append(names, key.Flag)
		}
	}
	for _, name := range names {
		if f.Changed(name) {
			return usagef("--%s is about the load, and with disruption.when %s no load is sent: leave it out", name, s.Disruption.When)
		}
	}
	return nil
}

// apply changes the scenario by the flags given.
func (o *runOptions) apply(s *scenario.Scenario, f *pflag.FlagSet) error {
	for name, d := range map[string]time.Duration{"grace": o.grace, "timeout": o.timeout} {
		if f.Changed(name) && d <= 0 { // zero is what leaves it to the policy
			return usagef("--%s is %s, must be more than 0", name, d)
		}
	}
	if f.Changed("lag") && o.lag <= 0 {
		return usagef("--lag is %s, must be more than 0: for no lag write --rule %s=off", o.lag, check.ServesThroughLag)
	}
	set := map[string]func(){
		"rate":          func() { s.Load.Rate = o.rate },
		"delay":         func() { s.Subject.Delay.Duration = o.delay },
		"shutdowns":     func() { s.Shutdowns = o.shutdowns },
		"signal":        func() { s.Disruption.Signal = o.signal },
		"signal-target": func() { s.Disruption.Target = o.target },
		"grace":         func() { s.Disruption.Grace.Duration = o.grace },
		"lag":           func() { s.Disruption.Lag.Duration = o.lag },
		"timeout":       func() { s.Load.Timeout.Duration = o.timeout },
		"connections":   func() { s.Load.Connections = scenario.Connections(o.connections) },
		"method":        func() { s.Load.Method = strings.ToUpper(o.method) },
	}
	f.Visit(func(flag *pflag.Flag) {
		if apply, ok := set[flag.Name]; ok {
			apply()
		}
	})
	return nil
}

// outputOptions are the flags of every command that judges and reports.
type outputOptions struct {
	reports []reportRequest
	gate    bool
	quiet   bool
	noColor bool
}

func (o *outputOptions) register(f *pflag.FlagSet) {
	formats := reports.Names()
	f.Var(reportsValue{&o.reports, formats}, "report", strings.Join(formats, ", ")+": to standard output or =PATH; may be repeated")
	f.BoolVar(&o.quiet, "quiet", false, "no progress; a table only with --report table")
	registerNoColor(f, &o.noColor)
}

// Validate refuses reports that would mix or overwrite each other. Only the
// table and GitHub's commands can share standard output: GitHub finds them
// anywhere in a step's log, and people want to read it.
func (o *outputOptions) Validate() error {
	taken := make(map[string][]string) // the formats in each place
	for _, r := range o.reports {
		place, where := r.path, "standard output"
		if place != "" {
			place, where = filepath.Clean(place), "the file "+r.path
		}
		for _, other := range taken[place] {
			if !share(place, other, r.format) {
				return usagef("--report: %s and %s would both go to %s: write %s=PATH", other, r.format, where, r.format)
			}
		}
		taken[place] = append(taken[place], r.format)
	}
	return nil
}

// share reports whether two reports can go to one place.
func share(place, a, b string) bool {
	return place == "" && (a == "table" && b == "github" || a == "github" && b == "table")
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

// registerNoColor is a flag of every verb that reports, also where it has nothing to
// take away: whoever writes a script need not know which report has colours.
func registerNoColor(f *pflag.FlagSet, noColor *bool) {
	f.BoolVar(noColor, "no-color", false, "no colours (NO_COLOR has the same effect)")
}

package cli

import (
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/harness/sweep"
	"lastcall/internal/samples"
	"lastcall/reports"
	"lastcall/targets"
)

// sweepOptions are the flags of sweep.
type sweepOptions struct {
	grid        sweep.Grid
	perStep     float64
	limit       time.Duration
	shutdowns   int
	connections string
	delay       time.Duration
	signal      string
	target      string
	grace       time.Duration
	timeout     time.Duration
	seed        uint64
	subject     subjectOptions
	output      outputOptions
}

func newSweepOptions() *sweepOptions {
	return &sweepOptions{
		grid:  sweep.Grid{From: -2 * time.Millisecond, To: 2 * time.Millisecond, Step: 100 * time.Microsecond},
		limit: 5 * time.Minute, shutdowns: 50, connections: "both", seed: 1,
		signal: scenario.Default().Disruption.Signal,
	}
}

// ofCommand are the flags that say something of a command of the user's.
var ofCommand = []string{"ready", "ready-timeout", "env", "dir", "name", "ledger", "allow-remote"}

func (o *sweepOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.Var(durationValue{&o.grid.From}, "from", "where the sweep begins, from the signal (negative: before it)")
	f.Var(durationValue{&o.grid.To}, "to", "where it ends")
	f.Var(durationValue{&o.grid.Step}, "step", "the width of a bin")
	f.Var(fractionValue{&o.perStep, "0.2"}, "per-step", "requests in each bin in each shutdown; 0.2 is one in five bins (default: as many as make no queue)")
	f.Var(numberValue{&o.shutdowns, "50"}, "shutdowns", "how many times the server is shut down, for each kind of connection; up to five times as many if bins have too few requests")
	f.Var(durationValue{&o.limit}, "limit", "how long the whole sweep may take; the report has what is measured by then")
	f.StringVar(&o.connections, "connections", o.connections, "`kind` of connections: fresh, reused or both")
	f.Var(durationValue{&o.delay}, "delay", "how long the sample server works on a request (default 0)")
	f.StringArrayVar(&o.subject.urls, "url", nil, "`[METHOD ]URL` or path to request (default /, at http://127.0.0.1:{port})")
	f.StringArrayVar(&o.subject.headers, "header", nil, "`Name: value` of every request; may be repeated")
	f.StringVar(&o.subject.body, "body", "", "`file` with the body of every request (a POST, unless a method is given)")
	f.StringVar(&o.subject.ready, "ready", "", "`URL` or path that answers 2xx when the server is ready (default: it accepts connections)")
	f.Var(durationValue{&o.subject.readyTimeout}, "ready-timeout", "how long the server may take to be ready (default 10s)")
	f.StringArrayVar(&o.subject.env, "env", nil, "`NAME=value` in the server's environment; may be repeated")
	f.StringVar(&o.subject.dir, "dir", "", "working `directory` of the server")
	f.StringVar(&o.subject.name, "name", "", "`name` of the server in the reports (default: the program's)")
	f.StringVar(&o.subject.ledger, "ledger", "", "`file` to which the server appends its ledger, if not LASTCALL_LEDGER ({port} is replaced)")
	f.BoolVar(&o.subject.allowRemote, "allow-remote", false, "allow requests to another machine, if the URL names one")
	f.StringVar(&o.signal, "signal", o.signal, "`signal` that tells the server to stop")
	f.StringVar(&o.target, "signal-target", "", "the `process` that gets it: leader (the started one), group (its process group), or owner (of the listening socket) (default leader)")
	f.Var(durationValue{&o.grace}, "grace", "how long the server may take to answer until SIGKILL (default 10s)")
	f.Var(durationValue{&o.timeout}, "timeout", "how long to wait for an answer (default: grace plus 5s)")
	f.Uint64Var(&o.seed, "seed", o.seed, "`number` that decides at which instant of its bin each request is sent")
	names := reports.SweepNames()
	f.Var(reportsValue{&o.output.reports, names}, "report", strings.Join(names, ", ")+": to standard output or =PATH; may be repeated")
	f.BoolVar(&o.output.quiet, "quiet", false, "no progress, and no chart without --report chart")
	registerNoColor(f, &o.output.noColor)
}

// charted returns the output options with the chart on standard output, if
// nothing else goes there.
func (o *sweepOptions) charted() *outputOptions {
	out := o.output
	for _, r := range out.reports {
		if r.path == "" {
			return &out
		}
	}
	if !out.quiet {
		out.reports = append(out.reports[:len(out.reports):len(out.reports)], reportRequest{format: "chart"})
	}
	return &out
}

// plan makes a plan of the flags and of what stands before and after "--", or
// says what is wrong with them.
func (o *sweepOptions) plan(f *pflag.FlagSet, args []string, dash int) (sweep.Plan, error) {
	strategy, command, err := sweptSubject(args, dash)
	if err != nil {
		return sweep.Plan{}, err
	}
	scenario, err := o.scenario(f, command)
	if err != nil {
		return sweep.Plan{}, err
	}
	program, err := samples.Program()
	if err != nil {
		return sweep.Plan{}, err
	}
	plan := sweep.Plan{
		Plan: run.Plan{Scenario: scenario, Seed: o.seed, Tool: run.Tool(), Path: "/"},
		Grid: o.grid, PerStep: o.perStep, Limit: o.limit,
	}
	if len(command) > 0 {
		plan.Path = ""
		plan.Subjects = []subject.Subject{subject.Command{Spec: scenario.Subject, Supervisor: []string{program, "supervise"}}}
		return plan, nil
	}
	if o.delay > 0 { // without a delay even a timer's is one
		plan.Path = samples.Path(scenario)
	}
	plan.Subjects = []subject.Subject{samples.Subject(strategy.Name, program)}
	return plan, nil
}

// sweptSubject is what is to be swept: a strategy, by default signal-notify, or
// the command after "--".
func sweptSubject(args []string, dash int) (strategy targets.Strategy, command []string, err error) {
	switch {
	case dash == 0 && len(args) == 0:
		return strategy, nil, usagef("no command follows --: write one, as in lastcall sweep -- ./myserver --port {port}")
	case dash == 0:
		return strategy, args, nil
	case dash > 0:
		return strategy, nil, usagef("%q stands before --: name a strategy, or write a command after --, not both", args[0])
	case len(args) > 1:
		return strategy, nil, usagef("sweep takes one strategy, got %s", strings.Join(args, " "))
	case len(args) == 0:
		args = []string{"signal-notify"}
	}
	strategy, err = findStrategy(args[0])
	return strategy, nil, err
}

// scenario is the scenario of the flags.
func (o *sweepOptions) scenario(f *pflag.FlagSet, command []string) (scenario.Scenario, error) {
	s := scenario.Default()
	s.Name, s.Load.Rate = "sweep", 1 // there is no rate: what bounds one must not meet it
	s.Shutdowns, s.Disruption.Signal, s.Disruption.Target = o.shutdowns, o.signal, o.target
	s.Disruption.Grace.Duration, s.Load.Timeout.Duration = o.grace, o.timeout
	var err error
	if s.Load.Connections, err = sweptConnections(o.connections); err != nil {
		return s, err
	}
	for _, name := range []string{"grace", "timeout", "limit"} {
		if value := f.Lookup(name).Value.String(); f.Changed(name) && (value == "" || strings.HasPrefix(value, "-")) {
			return s, usagef("--%s must be more than 0", name)
		}
	}
	if f.Changed("per-step") && o.perStep == 0 { // which would be the default
		return s, usagef("--per-step is 0, must be from %g to %d", sweep.MinPerStep, sweep.MaxPerStep)
	}
	if len(command) > 0 && f.Changed("delay") {
		return s, usagef("--delay is for the sample service: for your own server choose a path with --url")
	}
	for _, name := range ofCommand {
		if len(command) == 0 && f.Changed(name) {
			return s, usagef("--%s is for your own command: write the command after --, or leave out the flag", name)
		}
	}
	if len(o.subject.urls) > 1 {
		return s, usagef("--url is given twice: a sweep sends one request, again and again")
	}
	s.Load.Method = http.MethodGet
	if err := o.subject.apply(&s, f, command); err != nil {
		return s, err
	}
	if len(command) == 0 && s.Subject.URL != "" {
		return s, usagef("--url %s: for a strategy write a path, as in --url /api/data", o.subject.urls[0])
	}
	s.Subject.Delay.Duration = o.delay
	s = scenario.Complete(s)
	for _, err := range []error{local(s.Subject), scenario.Validate(s)} {
		if err != nil {
			return s, flagOf(err, f)
		}
	}
	return s, nil
}

func sweptConnections(name string) (scenario.Connections, error) {
	kinds := map[string]scenario.Connections{"fresh": scenario.Fresh, "reused": scenario.Reused, "both": scenario.Mixed}
	kind, ok := kinds[name]
	if !ok {
		return "", usagef("--connections %q: %s", name, hint(name, []string{"fresh", "reused", "both"}))
	}
	return kind, nil
}

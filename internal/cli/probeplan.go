package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/probe"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/samples"
	"lastcall/scenarios"
	"lastcall/targets"
)

// sampleHints are where the sample service has what probes need.
func sampleHints() probe.Hints {
	return probe.Hints{
		Plain: "/api/data", Slow: "/work?delay={ms}ms", Detached: "/work?delay={ms}ms&detached=1",
		Download: "/work?delay=0s&size=16777216", Chunked: "/stream?chunks=256&every=0s&size=65536",
		Stream: "/events?every=50ms", Upload: "POST /upload", Socket: "/ws", Ready: true,
	}
}

// plans returns a plan for each subject, and the suite to be filled.
func (o *probeOptions) plans(f *pflag.FlagSet, c chosen) ([]probe.Plan, result.Suite, error) {
	scenario, policy, err := o.scenarioOf(f, c)
	if err != nil {
		return nil, result.Suite{}, err
	}
	suite := result.Suite{
		Schema: result.Schema, Tool: run.Tool(), Environment: run.Environment(), Scenario: scenario,
		Started: time.Now(), Subjects: []result.Subject{}, Warnings: []string{},
	}
	base, err := o.basePlan(scenario, policy, c)
	if err != nil {
		return nil, suite, err
	}
	program, err := samples.Program()
	if err != nil {
		return nil, suite, err
	}
	if c.command != nil {
		base.Subject = subject.Command{Spec: scenario.Subject, Supervisor: []string{program, "supervise"}}
		base.Start = startOf(base.Subject)
		return []probe.Plan{base}, suite, nil
	}
	var plans []probe.Plan
	for _, name := range c.strategies {
		plan := base
		strategy := samples.Subject(name, program)
		strategy.Args = append(strategy.Args, "--h2c") // for the probes of HTTP/2
		plan.Subject = strategy
		plans = append(plans, plan)
	}
	for i := range plans {
		plans[i].Subject = toldOf(base.Lag, plans[i].Subject)
		plans[i].Start = startOf(plans[i].Subject)
	}
	return plans, suite, nil
}

// toldOf is a strategy that is told the lag, as whoever runs a server knows it of
// theirs. One in the environment is meant, and stays.
func toldOf(lag time.Duration, tested subject.Subject) subject.Subject {
	strategy, ok := tested.(subject.Strategy)
	if !ok || lag == 0 || os.Getenv(targets.EnvLag) != "" {
		return tested
	}
	strategy.Env = append(slices.Clone(strategy.Env), targets.EnvLag+"="+lag.String())
	return strategy
}

// startOf starts a subject without waiting until it is ready, if that can be done.
func startOf(tested subject.Subject) probe.Start {
	starter, ok := tested.(subject.Starter)
	if !ok {
		return nil
	}
	return func(ctx context.Context, ledgerPath string) (subject.Server, func(context.Context) error, error) {
		return starter.Start(ctx, ledgerPath)
	}
}

// scenarioOf is what is common to all subjects, in the form in which it is reported.
func (o *probeOptions) scenarioOf(f *pflag.FlagSet, c chosen) (scenario.Scenario, check.Policy, error) {
	s, err := loadScenario(scenarios.Default)
	if err != nil {
		return s, check.Policy{}, err
	}
	if err := o.runOptions.apply(&s, f); err != nil {
		return s, check.Policy{}, err
	}
	if c.command != nil {
		if site, path, ok := cutSite(o.url); ok {
			s.Subject.URL, o.hints.Plain = site, path
		} else if o.hints.Plain = o.url; o.url != "" && !strings.HasPrefix(o.url, "/") {
			return s, check.Policy{}, usagef("--url %q: must be a path, or a URL as in http://127.0.0.1:{port}/", o.url)
		}
		if strings.HasPrefix(s.Subject.URL, "https://") {
			return s, check.Policy{}, usagef("--url %s: probes speak plain HTTP only, because they must see the bytes: let the server listen without TLS, as in --url http://127.0.0.1:{port}/ (lastcall test works over TLS)", o.url)
		}
		headers := o.subject.headers
		o.subject.headers = nil // they are of the probes' requests, not of the load's
		err := o.subject.apply(&s, f, c.command)
		o.subject.headers = headers
		if err != nil {
			return s, check.Policy{}, err
		}
		if err := local(s.Subject); err != nil {
			return s, check.Policy{}, flagOf(err, f)
		}
	}
	return o.complete(s, f)
}

// basePlan is a plan without a subject.
func (o *probeOptions) basePlan(s scenario.Scenario, policy check.Policy, c chosen) (plan probe.Plan, err error) {
	for name, n := range map[string]int{"repeats": o.repeats, "parallel": o.parallel} {
		if n < 1 || n > 100 {
			return plan, usagef("--%s is %d, must be from 1 to 100", name, n)
		}
	}
	steps, err := scenario.ParseSequence(s.Disruption.Signal)
	if err != nil {
		return plan, usagef("--signal %w", err)
	}
	if len(steps) > 1 {
		return plan, usagef("--signal %s is a sequence: a probe sends one signal (signal/double sends two)", s.Disruption.Signal)
	}
	plan = probe.Plan{
		Cases: c.cases, Hints: sampleHints(), Signal: steps[0].Signal, Target: s.Disruption.Target,
		Grace: s.Disruption.Grace.Duration, Lag: s.Disruption.Lag.Duration,
		Clean: policy.ExitCodes, Died: policy.DiesClean, Severity: severityOf(policy), Bound: policy.Name != "default",
		Repeats: o.repeats, Parallel: o.parallel,
	}
	if c.command == nil {
		return plan, nil
	}
	plan.Hints, err = o.commandHints(s)
	if s.Subject.URL != "" && !strings.Contains(s.Subject.URL, "{port}") {
		plan.Parallel = 1 // they would want the same port
	}
	return plan, err
}

// commandHints are what the flags say of a server of the user's.
func (o *probeOptions) commandHints(s scenario.Scenario) (probe.Hints, error) {
	h := o.hints
	for name, hint := range map[string]*string{
		"slow-url": &h.Slow, "download-url": &h.Download, "chunked-url": &h.Chunked, "stream-url": &h.Stream, "upload-url": &h.Upload, "ws-url": &h.Socket,
	} {
		text, err := o.place(s, *hint)
		if err != nil {
			return h, usagef("--%s %q: %w", name, *hint, err)
		}
		*hint = text
	}
	h.Ready = s.Subject.Ready != ""
	h.Download, h.Chunked = cmp.Or(h.Download, h.Chunked), cmp.Or(h.Chunked, h.Download)
	if h.Upload != "" && !strings.Contains(h.Upload, " ") {
		h.Upload = "POST " + h.Upload
	}
	h.Header = make(map[string]string)
	for _, text := range o.subject.headers {
		name, value, ok := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return h, usagef("--header %q: must be as in Accept: application/json", text)
		}
		h.Header[name] = strings.TrimSpace(value)
	}
	return h, nil
}

// place is where a flag says that something can be asked for: a method, if there is
// one, and a path.
func (o *probeOptions) place(s scenario.Scenario, text string) (string, error) {
	method, rest, ok := strings.Cut(text, " ")
	if !ok {
		method, rest = "", text
	}
	if site, path, ok := cutSite(rest); ok {
		if site != cmp.Or(s.Subject.URL, "http://127.0.0.1:{port}/") {
			return "", errors.New("it is on another server than --url")
		}
		rest = pathOf("x://x" + path)
	}
	if text != "" && !strings.HasPrefix(rest, "/") {
		return "", errors.New("must be a path, as in /work, or a URL")
	}
	return strings.TrimSpace(method + " " + rest), nil
}

// severityOf says what a breach comes to under a policy. What the policy's own
// rules do not excuse, but a probe does, is a warning unless the policy is strict.
func severityOf(policy check.Policy) probe.Severity {
	status := map[check.Severity]result.ProbeStatus{
		check.Off: result.ProbeSkip, check.Warn: result.ProbeWarn, check.Require: result.ProbeFail,
	}
	return func(rule string, excused bool) result.ProbeStatus {
		level := policy.Levels[rule]
		switch {
		case !excused:
			return status[level.Breach]
		case level.Breach == level.Excused && level.Breach == check.Require && rule != check.LateRequestsAnswered && policy.Name != "strict":
			return result.ProbeWarn
		}
		return status[level.Excused]
	}
}

// probedSubject is a subject with nothing but its probes.
func probedSubject(plan probe.Plan, probes []result.Probe) result.Subject {
	return result.Subject{
		Name: plan.Subject.Name(), Kind: plan.Subject.Kind(), Verdict: probe.Verdict(probes), Story: []string{}, Probes: probes,
		Exits: []result.Exit{}, Findings: []result.Finding{}, Details: []result.Detail{},
	}
}

// finishSuite sums up: a suite fails with its first subject that does, and passes
// only if all do.
func finishSuite(s *result.Suite) {
	s.Seconds = time.Since(s.Started).Seconds()
	s.Status = result.SuitePass
	if len(s.Subjects) == 0 {
		s.Status = result.SuiteInconclusive
	}
	for _, subject := range s.Subjects {
		switch {
		case subject.Verdict == result.Fail:
			s.Status = result.SuiteFail
		case subject.Verdict == result.Inconclusive && s.Status != result.SuiteFail:
			s.Status = result.SuiteInconclusive
		}
	}
}

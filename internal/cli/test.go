package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/reports"
	"lastcall/scenarios"
)

const testLong = `Test whether your server loses requests when it is told to stop.

The command after -- is started without a shell, on a free port: {port}
in its arguments, in --env and in URLs, and PORT in its environment. It gets load,
it gets the signal while requests are in flight, and every request is accounted for.
This is one shutdown. By default there are three. The exit code is the verdict: 0 pass, 1
fail, 2 a mistake in the flags or the file, 3 inconclusive or could not run.

Without --rate, lastcall first starts the server once to measure it, for about
two seconds. Then it sends 70% of the rate that the server completes, at most 500
requests a second. A slow server is stopped more often than three times.

--policy says which rules the server must keep: lastcall explain default (or k8s,
docker, systemd, strict). All of this can be in a file, in the form of a scenario;
without a command, lastcall.yaml in this directory is used. Flags override it.

--while runs a command instead of the signal: a reload or a deploy script. The
server must stay up, so each refused request breaks a rule. With --while and without a
command after --, --url names a server that runs already.

Acknowledged work must still exist after the exit (lastcall explain no-lost-ack). {id}
in a URL, a header or a body is the request's own id, as X-Lastcall-Id is; --applied
is a command that prints the ids which, for example, a database holds in the end.`

const testExample = `  lastcall test -- ./myserver --port {port}
  lastcall test --url /api/orders --ready /health --policy k8s -- ./myserver --port {port}
  lastcall test --url 'POST /orders' --body order.json --header 'Content-Type: application/json' -- node server.js
  lastcall test --url 'PUT /orders/{id}' --applied "psql -Atc 'select id from orders'" -- ./myserver
  lastcall test -f lastcall.yaml --report junit=report.xml --report markdown=summary.md
  lastcall test --signal SIGQUIT --signal-target group -- nginx -p . -c nginx.conf
  lastcall test --while 'kill -HUP {pid}' -- gunicorn -b 127.0.0.1:{port} app:app
  lastcall test --while ./deploy.sh --url http://127.0.0.1:8080/`

// defaultFile is looked for where no command is given.
const defaultFile = "lastcall.yaml"

// testOptions are the flags of test.
type testOptions struct {
	runOptions
	subject  subjectOptions
	file     string
	from     string   // the file that was read, or "" if the scenario is of the catalogue
	baseline []string // reports, or directories of them
}

func newTest(s streams) *cobra.Command {
	o := &testOptions{runOptions: *newRunOptions()}
	cmd := &cobra.Command{
		Use:     "test [flags] -- COMMAND [ARG...]",
		Short:   "Test your own server, in any language, against a policy",
		Long:    testLong,
		Example: testExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash > 0 || dash < 0 && len(args) > 0 {
				return usagef("%q stands before --: the command begins after it, as in lastcall test -- %s", args[0], args[0])
			} else if dash == 0 && len(args) == 0 {
				return usagef("no command follows --: write one, as in lastcall test -- ./myserver --port {port}, or leave -- out to use %s", defaultFile)
			}
			return o.run(cmd.Context(), s, cmd.Flags(), args)
		},
	}
	o.register(cmd.Flags())
	// The flag exists: it was registered just above.
	_ = cmd.RegisterFlagCompletionFunc("scenario", completeScenarios)
	return cmd
}

func (o *testOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&o.file, "file", "f", "", "the scenario as a YAML `file` (default lastcall.yaml, if there is no command)")
	f.StringVar(&o.scenario, "scenario", o.scenario, "the scenario: a `name` of lastcall list scenarios, or a file")
	o.subject.register(f)
	o.registerLoad(f)
	o.registerDisruption(f)
	o.registerRun(f)
	o.policy.register(f)
	f.StringArrayVar(&o.baseline, "baseline", nil, "JSON report of an earlier run, or a directory of them: fail only if this run is worse (a `path`; may be repeated)")
	o.output.register(f)
}

// run runs, judges and renders.
func (o *testOptions) run(ctx context.Context, s streams, f *pflag.FlagSet, command []string) error {
	scenario, policy, err := o.resolve(f, command)
	if err != nil {
		return err
	}
	if err := o.output.adopt(scenario.Reports); err != nil {
		return err
	}
	var against *baseline
	if len(o.baseline) > 0 {
		if against, err = openBaseline(o.baseline, &o.output); err != nil {
			return err
		}
	}
	prepare := o.pace(&scenario, f, against)
	plan, err := o.plan(scenario, policy)
	if err != nil {
		return err
	}
	e := experiment{
		plan: plan, policy: policy, output: &o.output, record: o.record, prepare: prepare,
		conclude: func(ctx context.Context, out *output, suite result.Suite) error {
			return conclude(ctx, out, suite, true)
		},
	}
	if against != nil {
		e.conclude = against.conclude
	}
	return o.blame(e.run(ctx, s), f, command)
}

// resolve returns the scenario: the file's, with the flags and the command
// applied.
func (o *testOptions) resolve(f *pflag.FlagSet, command []string) (scenario.Scenario, check.Policy, error) {
	source, err := o.source(f, command)
	if err != nil {
		return scenario.Scenario{}, check.Policy{}, err
	}
	if _, ok := scenarios.Source(source); !ok {
		o.from = source
	}
	s, err := loadScenario(source)
	if err != nil {
		return s, check.Policy{}, usagef("%s%w", o.sourceFlag(f), err)
	}
	if len(s.Expect) > 0 && o.from != "" && !f.Changed("scenario") {
		return s, check.Policy{}, o.blame(&scenario.Invalid{
			Field: "expect", Problem: "names lastcall's own strategies, and a command has none: leave it out",
		}, f, command)
	}
	if err := o.runOptions.apply(&s, f); err != nil {
		return s, check.Policy{}, err
	}
	if err := o.subject.apply(&s, f, command); err != nil {
		return s, check.Policy{}, err
	}
	for _, err := range []error{whileOrSignal(s, f), o.tested(s), local(s.Subject), trusts(s.Subject)} {
		if err != nil {
			return s, check.Policy{}, o.blame(err, f, command)
		}
	}
	return o.complete(s, f)
}

// source is where the scenario comes from: -f, --scenario, or the file that is
// looked for where no command is given.
func (o *testOptions) source(f *pflag.FlagSet, command []string) (string, error) {
	switch {
	case o.file != "" && f.Changed("scenario"):
		return "", usagef("--file and --scenario are both given: leave one out")
	case o.file != "":
		if _, err := os.Stat(o.file); errors.Is(err, fs.ErrNotExist) {
			return "", usagef("--file %s: no such file", o.file)
		}
		return pathLike(o.file), nil
	case f.Changed("scenario"), len(command) > 0, f.Changed("url"):
		return o.scenario, nil
	}
	if _, err := os.Stat(defaultFile); err == nil {
		return pathLike(defaultFile), nil
	}
	return o.scenario, nil
}

// sourceFlag begins a message on the scenario with the flag that names it. The
// file that is looked for by itself has none.
func (o *testOptions) sourceFlag(f *pflag.FlagSet) string {
	switch {
	case o.file != "":
		return "--file: "
	case f.Changed("scenario"):
		return "--scenario: "
	}
	return ""
}

// pathLike keeps a file from being taken for the name of a scenario.
func pathLike(file string) string {
	if _, ok := scenarios.Source(file); ok {
		return "./" + file
	}
	return file
}

// plan makes a plan of the scenario.
func (o *testOptions) plan(s scenario.Scenario, policy check.Policy) (run.Plan, error) {
	program, err := os.Executable()
	if err != nil {
		return run.Plan{}, fmt.Errorf("find lastcall's own program, which supervises the command: %w", err)
	}
	supervisor := []string{program, "supervise"}
	plan := run.Plan{
		Scenario: s, Seed: o.seed, Tool: run.Tool(), PollReady: policy.Uses(check.ReadyFlipsFirst),
		Operator: run.Operator{Dir: s.Subject.Dir, Supervisor: supervisor, Output: os.Stderr},
	}
	if len(s.Subject.Command) == 0 {
		plan.Subjects = []subject.Subject{subject.Running{Spec: s.Subject, Supervisor: supervisor}}
	} else {
		plan.Subjects = []subject.Subject{subject.Command{Spec: s.Subject, Supervisor: supervisor}}
	}
	return plan, nil
}

// adopt takes the reports of a file, if no flag asks for any.
func (o *outputOptions) adopt(requests []string) error {
	if len(o.reports) > 0 {
		return nil
	}
	value := reportsValue{&o.reports, reports.Names()}
	for _, text := range slices.Clone(requests) {
		if err := value.Set(text); err != nil {
			return usagef("reports: %q: %w", text, err)
		}
	}
	return nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"lastcall/harness/probe"
	"lastcall/harness/result"
	"lastcall/harness/subject"
	"lastcall/reports"
)

const probeLong = `Put connections into one exact state, send the signal, and see what it does to them.

Load meets most states by chance, and the narrow ones hardly ever. A probe puts
connections into one state on purpose, proves that they are in it, sends the signal
to a fresh process, and says what became of them. Each probe is repeated. One proven
breach is enough for FAIL, or for a warning of a race. A PASS needs all repeats.
lastcall list probes prints all names, and lastcall explain http1/in-handler
explains one.

Choose probes by name, family (http1/) or pattern (http1/*-handler). For your own
server, some need a URL: without --slow-url, --download-url (and --chunked-url),
--stream-url, --upload-url, --ws-url or --ready they are skipped.

Exit codes: 0 pass, 1 fail, 2 a mistake in the flags, 3 inconclusive or could not
run. If every probe is skipped, the result is 3.`

const probeExample = `  lastcall probe signal-notify
  lastcall probe http1/ silent-holds
  lastcall probe accept/backlog signal-notify --repeats 10
  lastcall probe --slow-url '/report?wait={ms}' --upload-url /files --ready /health -- ./myserver --port {port}
  lastcall probe --matrix naive with-cancel signal-notify drain`

// probeOptions are the flags of probe.
type probeOptions struct {
	runOptions
	subject  subjectOptions
	url      string
	hints    probe.Hints
	repeats  int
	parallel int
	matrix   bool
	list     bool
}

func newProbe(s streams) *cobra.Command {
	o := &probeOptions{runOptions: *newRunOptions(), repeats: 3, parallel: 4}
	cmd := &cobra.Command{
		Use:               "probe [flags] [PROBE...] [STRATEGY... | -- COMMAND [ARG...]]",
		Short:             "Put connections into exact states, and see what the signal does to them",
		Long:              probeLong,
		Example:           probeExample,
		ValidArgsFunction: completeProbes,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.list {
				return printList(s.out, kind{"probes", listProbes, nil})
			}
			return o.run(cmd.Context(), s, cmd.Flags(), args, cmd.ArgsLenAtDash())
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *probeOptions) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.BoolVar(&o.list, "list", false, "list the probes")
	f.BoolVar(&o.matrix, "matrix", false, "show strategies by probes in the table, one mark each")
	f.Var(numberValue{&o.repeats, "3"}, "repeats", "how many times each probe is repeated, each time on a fresh process")
	f.Var(numberValue{&o.parallel, "4"}, "parallel", "how many servers run at the same time (1 if --url names a port)")
	f.StringVar(&o.url, "url", "", "`URL` of the server, or a path that it answers at once (default http://127.0.0.1:{port}/)")
	f.StringVar(&o.hints.Slow, "slow-url", "", "`[METHOD ]URL` whose answer takes half a second or more; {ms} in it is replaced by how many milliseconds")
	f.StringVar(&o.hints.Download, "download-url", "", "`URL` of an answer of many megabytes")
	f.StringVar(&o.hints.Chunked, "chunked-url", "", "`URL` of an answer in chunks, without a Content-Length (default: that of --download-url)")
	f.StringVar(&o.hints.Stream, "stream-url", "", "`URL` of an answer without an end, such as server-sent events")
	f.StringVar(&o.hints.Upload, "upload-url", "", "`[METHOD ]URL` that takes a body of any kind (default method POST)")
	f.StringVar(&o.hints.Socket, "ws-url", "", "`URL` that speaks the WebSocket protocol")
	f.StringArrayVar(&o.subject.headers, "header", nil, "`Name: value` of every request; may be repeated")
	o.subject.registerServer(f)
	o.registerDisruption(f)
	o.policy.registerRules(f)
	o.output.register(f)
}

// run probes every subject, and renders.
func (o *probeOptions) run(ctx context.Context, s streams, f *pflag.FlagSet, args []string, dash int) error {
	chosen, err := choose(args, dash)
	if err != nil {
		return err
	}
	plans, suite, err := o.plans(f, chosen)
	if err != nil {
		return err
	}
	out, err := openOutput(&o.output, s)
	if err != nil {
		return err
	}
	defer out.discard()
	out.matrix = o.matrix
	ctx, stop := interruptible(ctx)
	defer stop()
	out.ctx = ctx
	bar := newProbeProgress(s.err, o.output.quiet)
	for i := range plans {
		plans[i].Progress = bar.probed
		err = probed(ctx, plans[i], &suite)
		if err != nil {
			break
		}
	}
	bar.finish(ctx.Err() != nil)
	if err != nil && !errors.Is(err, subject.ErrInterrupted) {
		return inFlags(err, f)
	}
	finishSuite(&suite)
	return conclude(ctx, out, suite, true)
}

// probed probes one subject, and adds what came of it to the suite.
func probed(ctx context.Context, plan probe.Plan, suite *result.Suite) error {
	probes, err := probe.Run(ctx, plan)
	if boot, ok := errors.AsType[*subject.BootError](err); ok {
		return fmt.Errorf("%s: %w%s", plan.Subject.Name(), boot, lastWords(boot.Stderr))
	}
	if probes != nil {
		suite.Subjects = append(suite.Subjects, probedSubject(plan, probes))
	}
	return err
}

// lastWords is why a server failed to get ready, in its own words.
func lastWords(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return ": " + reports.Complaint(lines)
}

// chosen is what the arguments ask for.
type chosen struct {
	cases      []probe.Case
	strategies []string
	command    []string
}

// choose tells the arguments apart: a probe has a slash in its name.
func choose(args []string, dash int) (c chosen, err error) {
	named := args
	if dash >= 0 {
		named, c.command = args[:dash], args[dash:]
		if len(c.command) == 0 {
			return c, usagef("no command follows --: write one, as in lastcall probe -- ./myserver --port {port}")
		}
	}
	var patterns []string
	for _, arg := range named {
		if isPattern(arg) {
			patterns = append(patterns, arg)
			continue
		}
		if _, err := findStrategy(arg); err != nil {
			if family := probeFamily(arg); family != "" {
				err = usagef("unknown strategy %q: did you mean %s?", arg, family)
			}
			return c, err
		}
		if slices.Contains(c.strategies, arg) {
			return c, usagef("strategy %q is named twice: raise --repeats to repeat it", arg)
		}
		c.strategies = append(c.strategies, arg)
	}
	switch {
	case len(c.strategies) > 0 && c.command != nil:
		return c, usagef("%q and a command after -- are both given: leave one out", c.strategies[0])
	case len(c.strategies) == 0 && c.command == nil:
		return c, usagef("there is no server to probe: name a strategy, as in lastcall probe signal-notify, or write a command after --")
	}
	c.cases, err = selectCases(patterns)
	return c, err
}

package cli

import (
	"context"
	"errors"
	"io"
	"log"

	"github.com/spf13/cobra"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/sweep"
	"lastcall/reports"
)

const sweepLong = `Find out when exactly a request has to be sent to be lost.

A load that comes at its own pace meets a race of 200 microseconds once in a few
shutdowns. A sweep goes looking for it: one request on each of many connections,
at instants that are spread over 2 ms before and after the signal, again and
again with a fresh server. It draws the share that was lost by the instant of
sending, and says how wide the window is.

Two kinds of connections are told apart. A fresh one is made for its request, as
a client does it: connect, and write as soon as that is done. A reused one has
served a request before, and is idle. Just before a request is written on it, it
is looked at: where the server has closed it already, nothing is written, and
nothing is lost. So what is lost here even the most attentive client loses.

A request's instant is when the kernel put it onto the network, by the stamp that
Linux gives, or without one the clock just before its write(2); the signal's is the
clock just before its kill(2). What was measured decides, not what was meant. How long
kill(2) took, and write(2) or with a stamp what is left of it, is how exactly that is
known: a request of which it is not known to within a step is discarded, and so is one
that would be sent late by more than a step. The others of its shutdown count. A bin
proves nothing that has fewer than 15 requests, of which none was lost, and is marked
so; where as many were asked for, and the bin can be reached,
shutdowns are added to fill such bins, and to see where the loss begins and ends.

Zero is an edge: no bin has requests of both sides in it. The intervals are those of
Clopper and Pearson, at 95 %. They take requests for independent, and those of one
shutdown are not quite: shutdowns are cheap here, so rather raise --shutdowns than
--per-step. Most are lost where the share of the lost is at least half of the
greatest, each taken over a bin and its neighbours.

The requests are short, so that only the race is seen; --delay makes the sample
handler take longer. A server that is slower than the requests come shows its queue
and not the race: each has the time of two answers therefore, unless --per-step says
how many there are. A strategy that
drains, as drain does, serves through the whole of a sweep, and shows a flat zero:
the race is then where it calls Shutdown.
How a server ends is not asked: it is ended as soon as the fate of every request
is known.

Where the first shutdown shows that the server keeps no connection open, the sweep
goes on with fresh ones only, and says so. It ends after --limit at the latest, and
reports what it has measured by then.

sweep exits 0 when it has measured, whatever was lost, and 3 when it could not.`

func newSweep(s streams) *cobra.Command {
	o := newSweepOptions()
	cmd := &cobra.Command{
		Use:   "sweep [flags] [STRATEGY | -- COMMAND [ARG...]]",
		Short: "Loss as a function of the instant of sending",
		Long:  sweepLong,
		Example: `  lastcall sweep
  lastcall sweep naive --delay 1ms --report chart --report svg=naive.svg
  lastcall sweep signal-notify --from -500us --to 1ms --step 25us --shutdowns 200
  lastcall sweep --per-step 0.2 --shutdowns 100 --report json=sweep.json -- ./myserver --port {port}`,
		ValidArgsFunction: completeStrategies,
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := o.plan(cmd.Flags(), args, cmd.ArgsLenAtDash())
			if err != nil {
				return err
			}
			return inFlags(o.run(cmd.Context(), s, plan), cmd.Flags())
		},
	}
	o.register(cmd.Flags())
	return cmd
}

// run sweeps, counts and renders. Everything that is written is opened before
// anything starts.
func (o *sweepOptions) run(ctx context.Context, s streams, plan sweep.Plan) error {
	out, err := openOutput(o.charted(), s)
	if err != nil {
		return err
	}
	defer out.discard()
	log.SetOutput(io.Discard) // see experiment.run
	ctx, stop := interruptible(ctx)
	defer stop()
	out.ctx = ctx
	shown := plan.Plan
	shown.Scenario.Shutdowns = plan.Total()
	bar := newProgress(s.err, o.output.quiet, shown)
	plan.Progress = bar.step
	var left []string
	plan.Warn = func(text string) { left = append(left, text) }
	histories, err := sweep.Run(ctx, plan)
	bar.finish(ctx.Err() != nil)
	if err != nil && (len(histories) == 0 || !errors.Is(err, harness.ErrInterrupted)) {
		return unmeasured(ctx, err)
	}
	swept := check.Sweep(histories, plan.Grid)
	swept.Warnings = append(left, swept.Warnings...)
	if ctx.Err() != nil {
		swept.Status = result.SuiteInterrupted
	}
	if err := afterWriting(ctx, out.writeSweep(swept)); err != nil {
		return err
	}
	return exitOfStatus(swept.Status)
}

// writeSweep renders every report of a sweep.
func (out *output) writeSweep(s result.Sweep) error {
	return out.writeAll(func(w io.Writer, name string, _ reports.Style) error {
		for _, f := range reports.SweepFormats() {
			if f.Name == name {
				return f.Render(w, s)
			}
		}
		return nil
	})
}

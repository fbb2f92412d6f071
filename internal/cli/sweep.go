package cli

import (
	"context"
	"errors"
	"io"
	"log"

	"github.com/spf13/cobra"

	"lastcall/harness/result"
	"lastcall/harness/subject"
	"lastcall/harness/sweep"
	"lastcall/reports"
)

const sweepLong = `Find out at which instant a request must be sent to be lost.

Load at its own pace meets a race of 200 microseconds once in a few shutdowns. A
sweep looks for exactly this race: it sends one request on each of many connections,
at instants spread over 2 ms before and after the signal, again and again with a
fresh server. It draws the share of dropped requests by the instant of sending, and
says how wide the window is.

There are two kinds of connections. A fresh one is made for its request, as a client
does it: connect, and write as soon as it is connected. A reused one has served a
request before, and is idle. lastcall looks at it just before it writes: if the
server has closed it already, nothing is written, and nothing is lost. So even the
most attentive client loses what is dropped here.

The instant of a request is when the kernel put it onto the network (Linux stamps
it), or else the clock just before its write(2). The instant of the signal is the
clock just before its kill(2). The duration of these calls is the error of the
instant. A request is discarded if this error is more than a step. A late request
counts where it was sent. If several are late by more than a step, only the last is
sent. A bin with fewer than 15 requests, none of them dropped, proves nothing, and
is marked. Shutdowns are added to fill such bins, and to see where the loss begins
and ends.

The signal lies between two bins: no bin mixes requests from before and after it.
The intervals are those of Clopper and Pearson, at 95%. They assume that requests
are independent, and those of one shutdown are not quite: rather raise --shutdowns
than --per-step. Most requests are dropped in the bins where the share, over a bin
and its neighbours, is at least half of the greatest.

The requests are short, so that only the race is seen; --delay makes the sample
server slower. If requests come faster than the server answers, the chart shows the
queue and not the race. So each request has the time of one answer on a new
connection, unless --per-step says how many there are. drain serves through the
whole of a sweep, and shows zero: its race is where it calls Shutdown, later. How a
server ends is not judged: it is ended as soon as the fate of every request is known.

If the first shutdown shows that the server keeps no connection open, the sweep goes
on with fresh ones only, and says so. It ends after --limit, and reports what it has
measured by then.

sweep exits with 0 when it has measured, and with 3 when it could not.`

func newSweep(s streams) *cobra.Command {
	o := newSweepOptions()
	cmd := &cobra.Command{
		Use:   "sweep [flags] [STRATEGY | -- COMMAND [ARG...]]",
		Short: "Measure at which instants around the signal requests are dropped",
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
	if err != nil && (len(histories) == 0 || !errors.Is(err, subject.ErrInterrupted)) {
		return unmeasured(ctx, err)
	}
	swept := sweep.Judge(histories, plan.Grid)
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

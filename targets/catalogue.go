package targets

import "slices"

// All returns every strategy, in the order in which they teach: a right one,
// and then those that differ from it by about one line. The slice is fresh.
func All() []Strategy {
	return slices.Concat(firstDrafts(), withChannel(), withContext(), forgetful(), bounded(), behindBalancer())
}

// The rules that faulty strategies break. harness/check judges them; here they
// are only names.
const (
	breaksInFlight = "in-flight-completes"
	breaksFailed   = "no-failed"
	breaksGrace    = "exits-in-grace"
	breaksAck      = "no-lost-ack"
	breaksParked   = "closes-cleanly"
)

// The scenarios that bring faults to light. The catalogue of scenarios has them;
// here they are only names.
const (
	showsSteady = "steady"
	showsWrites = "writes"
	showsQueue  = "background"
	showsTwice  = "double-signal"
	showsParked = "long-lived"
	showsLag    = "behind-a-balancer"
)

// firstDrafts are what programs do about signals before anyone has thought
// about it, and the cure of the second of them.
func firstDrafts() []Strategy {
	return []Strategy{
		{
			Name:    "naive",
			Summary: "http.Serve and nothing else: the default action of SIGTERM ends the process at once.",
			When:    "Never in production. It is the control of every comparison.",
			Costs:   "Every request in flight at the signal, on every deploy.",
			Verdict: "breaks in-flight-completes: all requests in flight are dropped",
			Faulty:  true, Breaks: breaksInFlight, Shows: showsSteady, Run: naive,
			See: "naive signal-notify --scenario " + showsSteady,
		},
		{
			Name:    "with-cancel-detached",
			Summary: "SIGTERM cancels a root context that only triggers Shutdown: requests do not inherit its end.",
			When:    "Where the program has a root context, and requests need its values.",
			Costs:   "Care: code that derives a context must know which kind it needs.",
			Verdict: "satisfies in-flight-completes; late requests on idle connections can still be dropped",
			Run:     withCancelDetached,
		},
		{
			Name:    "with-cancel",
			Summary: "SIGTERM cancels a root context that every request inherits; handlers give up with 503; then Shutdown.",
			When:    "When a late answer is worth nothing and a quick, clean refusal is better.",
			Costs:   "The work of every request in flight; its client must retry.",
			Verdict: "breaks in-flight-completes: requests in flight are rejected with 503",
			Faulty:  true, Bug: "B10", Sibling: "with-cancel-detached", Breaks: breaksInFlight, Shows: showsSteady, Run: withCancel,
		},
		{
			Name:    "with-cancel-return",
			Summary: "As with-cancel, but handlers just return when their context ends: net/http answers 200 with an empty body.",
			When:    "Never.",
			Costs:   "The work of every request in flight; its client takes the empty answer for success.",
			Verdict: "breaks in-flight-completes: the answers are empty, and look right",
			Faulty:  true, Bug: "B10", Sibling: "with-cancel-detached", Breaks: breaksInFlight, Shows: showsSteady, Run: withCancelReturn,
		},
	}
}

// withChannel are the textbook, and what goes wrong in it.
func withChannel() []Strategy {
	return []Strategy{
		{
			Name:    "signal-notify",
			Summary: "signal.Notify, then Shutdown with a bound, and main waits for it: the textbook.",
			When:    "Nearly always; in front of a load balancer, drain for a while first.",
			Costs:   "An exit as late as the slowest request; a few requests that arrive as it closes.",
			Verdict: "satisfies in-flight-completes; late requests on idle connections can still be dropped",
			Run:     signalNotify,
		},
		{
			Name:    "early-exit",
			Summary: "Shutdown in a goroutine, and main does not wait for it: main returns while it drains.",
			When:    "Never.", Costs: "Every request in flight, with exit code 0.",
			Verdict: "breaks in-flight-completes: the process exits before the requests are answered",
			Faulty:  true, Bug: "B05", Sibling: "signal-notify", Breaks: breaksInFlight, Shows: showsSteady, Run: earlyExit,
		},
		{
			Name:    "fatal-serve",
			Summary: "The error of Serve ends the program, and Serve returns one as soon as Shutdown begins.",
			When:    "Never.", Costs: "Every request in flight; and the exit code 1 looks like a crash.",
			Verdict: "breaks in-flight-completes, and exit-status: it exits with 1",
			Faulty:  true, Bug: "B06", Sibling: "signal-notify", Breaks: breaksInFlight, Shows: showsSteady, Run: fatalServe,
		},
		{
			Name:    "unbuffered-notify",
			Summary: "signal.Notify on a channel without a buffer, whose receiver is busy: the signal is dropped.",
			When:    "Never.", Costs: "The whole grace period on every deploy, and then a SIGKILL.",
			Verdict: "breaks exits-in-grace: it never gets the signal",
			Faulty:  true, Sibling: "signal-notify", Breaks: breaksGrace, Shows: showsSteady, Run: unbufferedNotify,
		},
		{
			Name:    "ignores-term",
			Summary: "Stops on Ctrl-C only and ignores SIGTERM, as PID 1 does when it has no handler.",
			When:    "Never.", Costs: "The whole grace period on every deploy, and then a SIGKILL.",
			Verdict: "breaks exits-in-grace: it ignores the signal",
			Faulty:  true, Sibling: "signal-notify", Breaks: breaksGrace, Shows: showsSteady, Run: ignoresTerm,
		},
	}
}

// withContext are signal.NotifyContext, and what goes wrong with it.
func withContext() []Strategy {
	return []Strategy{
		{
			Name:    "notify-context",
			Summary: "signal.NotifyContext, then Shutdown under a context of its own; signal handling ends last.",
			When:    "As signal-notify, where the rest of the program uses contexts.",
			Costs:   "As signal-notify; and the context can be used wrongly in two ways that look right.",
			Verdict: "satisfies in-flight-completes; late requests on idle connections can still be dropped",
			Run:     notifyContext,
		},
		{
			Name:    "cancelled-shutdown",
			Summary: "Shutdown under the context that the signal has just ended: it returns at once.",
			When:    "Never.", Costs: "Every request in flight.",
			Verdict: "breaks in-flight-completes, and exit-status: it exits with 1",
			Faulty:  true, Sibling: "notify-context", Breaks: breaksInFlight, Shows: showsSteady, Run: cancelledShutdown,
		},
		{
			Name:    "second-term-kills",
			Summary: "Stops handling signals before it drains: a second SIGTERM kills the process.",
			When:    "For a tool at a terminal, where a second Ctrl-C should end it at once; never for a server.",
			Costs:   "Every request in flight, if the signal is sent or forwarded twice.",
			Verdict: "breaks in-flight-completes when the signal comes twice",
			Faulty:  true, Bug: "B66", Sibling: "notify-context", Breaks: breaksInFlight, Shows: showsTwice, Run: secondTermKills,
		},
	}
}

// forgetful are strategies that forget one of the things that notify-context
// lets go of, or let go of it in the wrong order.
func forgetful() []Strategy {
	return []Strategy{
		{
			Name:    "store-first",
			Summary: "Closes the database before the requests that need it are done.",
			When:    "Never.", Costs: "Every write in flight, answered with 500; and everything in the queue.",
			Verdict: "breaks no-failed: requests in flight get a wrong answer",
			Faulty:  true, Bug: "B39", Sibling: "notify-context", Breaks: breaksFailed, Shows: showsWrites, Run: storeFirst,
		},
		{
			Name:    "ack-then-lose",
			Summary: "Completes every request, and drops its queue of acknowledged orders.",
			When:    "Never for important data; for counters, perhaps.",
			Costs:   "The orders of the last moments before every exit. The loss is noticed late.",
			Verdict: "breaks no-lost-ack: acknowledged orders are not in the store",
			Faulty:  true, Bug: "B72", Sibling: "notify-context", Breaks: breaksAck, Shows: showsQueue, Run: ackThenLose,
		},
		{
			Name:    "hijack-forgotten",
			Summary: "Sends no close frame on WebSocket connections, which Shutdown does not know.",
			When:    "Never with WebSocket.", Costs: "Every WebSocket connection ends with 1006, as in a crash.",
			Verdict: "breaks closes-cleanly: WebSocket connections are cut without a close frame",
			Faulty:  true, Bug: "B17", Sibling: "notify-context", Breaks: breaksParked, Shows: showsParked, Run: hijackForgotten,
		},
		{
			Name:    "silent-holds",
			Summary: "No ReadHeaderTimeout: a connection that never sends a byte delays Shutdown for five seconds.",
			When:    "Where the grace period is long, and every client is trusted.",
			Costs:   "Five seconds on every deploy, or a SIGKILL if the grace period is shorter.",
			Verdict: "breaks exits-in-grace when a client is silent and the grace period shorter",
			Faulty:  true, Bug: "B03", Sibling: "notify-context", Breaks: breaksGrace, Shows: showsParked, Run: silentHolds,
		},
	}
}

// bounded are strategies that stop on time, whatever is not done.
func bounded() []Strategy {
	return []Strategy{
		{
			Name:    "with-timeout",
			Summary: "Shutdown for at most eight seconds (context.WithTimeout), then Close; the flush has its own time.",
			When:    "Where the platform's grace period is known: the bound ends before SIGKILL.",
			Costs:   "Requests that take longer than the bound; then it exits with 1, and logs why.",
			Verdict: "satisfies in-flight-completes for requests that are shorter than the bound, and exits-in-grace",
			Run:     withTimeout,
		},
		{
			Name:    "with-deadline",
			Summary: "One deadline for everything (context.WithDeadline); the next step may use the time that a step leaves.",
			When:    "Where the platform names the instant, as for a spot instance.",
			Costs:   "As with-timeout.",
			Verdict: "satisfies in-flight-completes for requests that are shorter than the bound, and exits-in-grace",
			Run:     withDeadline, See: "short-timeout with-deadline --scenario " + showsSteady,
		},
		{
			Name:    "short-timeout",
			Summary: "As with-timeout, with a bound of 50 ms: shorter than the handlers take.",
			When:    "Where no request ever takes longer than 50 ms.",
			Costs:   "Every request in flight that takes longer.",
			Verdict: "breaks in-flight-completes, and exit-status: it exits with 1",
			Faulty:  true, Sibling: "with-timeout", Breaks: breaksInFlight, Shows: showsSteady, Run: shortTimeout,
		},
		{
			Name:    "close",
			Summary: "server.Close instead of Shutdown: all connections are closed at once.",
			When:    "After Shutdown has failed, as with-timeout does it.",
			Costs:   "Every request in flight, with exit code 0.",
			Verdict: "breaks in-flight-completes: connections are closed with requests in flight on them",
			Faulty:  true, Sibling: "with-timeout", Breaks: breaksInFlight, Shows: showsSteady, Run: closeServer,
		},
	}
}

// behindBalancer are strategies for a server that does not stand alone.
func behindBalancer() []Strategy {
	return []Strategy{
		{
			Name:    "drain",
			Summary: "Lets its readiness check fail, goes on serving with Connection: close until the balancers know, and only then calls Shutdown.",
			When:    "Behind a load balancer, as in Kubernetes.",
			Costs:   "The lag on every deploy (LASTCALL_LAG, by default 2 s, and half a second).",
			Verdict: "satisfies in-flight-completes; drops nothing if new requests stop before the end of the lag",
			Run:     drain, See: "signal-notify drain --scenario " + showsLag,
		},
		{
			Name:    "handoff",
			Summary: "SIGHUP starts a successor that inherits the listening socket; the old process completes its requests.",
			When:    "For a restart on one machine without a balancer; SIGTERM stops it as drain does.",
			Costs:   "Two processes for a while, and a supervisor that can live with a new process id.",
			Verdict: "satisfies in-flight-completes; a restart refuses and drops nothing",
			Run:     handoff, See: "signal-notify handoff --scenario " + showsLag, succeeds: true,
		},
	}
}

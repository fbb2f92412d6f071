package check

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// told is one story, whole, so that somebody reads it before it is changed.
type told struct {
	name      string
	policy    string // "" for the default
	histories []*history.History
	want      []string
}

func (tt told) run(t *testing.T) {
	t.Run(tt.name, func(t *testing.T) {
		name := tt.policy
		if name == "" {
			name = "default"
		}
		s := Judge(tt.histories, storyPolicy(t, name)).Subjects[0]
		wantVerdictOfName(t, s)
		if diff := differs(tt.want, s.Story); diff != "" {
			t.Errorf("the story (-want +got):\n%s", diff)
		}
	})
}

func TestStoryOfUndelivered(t *testing.T) {
	const nodeHelp = "A package manager starts the server through a shell, which does not forward signals: start the server itself, " +
		"as in node server.js, instead of the script that starts it."
	deaf := func(holders ...history.Process) *builder {
		return newHistory().delivered(holders, people(npm), holders)
	}
	for _, tt := range []told{
		{
			name: "one process holds the socket - fail", histories: histories(deaf(node)),
			want: []string{
				`SIGTERM never reached the server. It went to "npm start" (PID 40), but "node server.js" (PID 57) holds the listening socket, ` +
					"and went on serving.",
				nodeHelp,
			},
		},
		{
			name: "two hold it, and only the second shutdown tells - fail", histories: histories(newHistory(), deaf(node, worker)),
			want: []string{
				`SIGTERM never reached the server. It went to "npm start" (PID 40), but "node server.js" (PID 57) and ` +
					`"node worker.js" (PID 58) hold the listening socket, and went on serving.`,
				nodeHelp,
			},
		},
		{
			// Whatever else it led to: this explains it, and it is named all the same.
			name: "and it was killed, lost requests and left a child - fail",
			histories: histories(deaf(node).inFlight(history.Dropped, 9).left(true, node).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true})),
			want: []string{
				`SIGTERM never reached the server. It went to "npm start" (PID 40), but "node server.js" (PID 57) holds the listening socket, ` +
					"and went on serving.",
				nodeHelp,
				"Also broken: in-flight-completes (9 of 34), exits-in-grace (1 of 1).",
			},
		},
	} {
		tt.run(t)
	}
}

func TestStoryOfInterruptions(t *testing.T) {
	const hold = "Open the new listening socket before the old one is closed, or hand it over: the port must never be without a listener."
	const keep = "Let one process keep the listening socket and replace only the processes behind it, or let a new process take over the socket before the old one ends."
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	for _, tt := range []told{
		{
			name: "one is refused - fail", histories: histories(newReload().late(history.Refused, 1)),
			want: []string{`While "nginx -s reload" ran, and until the load ended, 1 request was refused: no process was listening.`, hold},
		},
		{
			name: "several are refused in two shutdowns - fail", histories: histories(newReload().late(history.Refused, 3), newReload().late(history.Refused, 2)),
			want: []string{`While "nginx -s reload" ran, and until the load ended, 5 requests were refused, over 2 shutdowns: no process was listening.`, hold},
		},
		{
			name: "the process ends, and nobody notices - fail", histories: histories(newReload().edit(died(history.Exit{}))),
			want: []string{`While "nginx -s reload" ran, or soon after, the process ended with exit code 0, and no process listened in its place.`, keep},
		},
		{
			name:      "the process ends with all that it had - fail",
			histories: histories(newReload().inFlight(history.Dropped, 3).after(history.Refused, 7).edit(died(byTerm))),
			want: []string{
				`While "nginx -s reload" ran, and until the load ended, 7 requests were refused: no process was listening.`,
				"The process ended with SIGTERM, and no process listened in its place, and 3 requests were dropped.", keep,
				"Also broken: in-flight-completes (3 of 28).",
			},
		},
		{
			name:      "in flight and cut off - fail",
			histories: histories(newReload().inFlight(history.Dropped, 2)),
			want: []string{
				`The command "nginx -s reload" found 27 requests in flight: 2 dropped without a whole answer, 25 completed.`,
				"Their connections ended 500 ms after the command's beginning.",
				"Let the old workers complete their requests before they end; only new requests should go to the new workers.",
			},
		},
		{
			name:      "late and hung up on - fail",
			histories: histories(newReload().late(history.Dropped, 1)),
			want: []string{
				"1 of 6 late requests at risk got no answer.",
				"Their connections were accepted, or kept open, and then ended without an answer (1 that the process had read). This is worse than a refusal, " +
					"because a client cannot know whether to retry.",
				"Let the old workers answer all requests that have reached them before they close their connections.",
			},
		},
		{
			name:      "a wrong answer - fail",
			histories: histories(newReload().late(history.Failed, 1)),
			want: []string{
				"1 of 31 requests at risk got a wrong answer, in 1 of 1 shutdowns.",
				"Their answers came 120 ms after the command's beginning: 1 with 500.",
				"Let the new process be ready before the old one ends.",
			},
		},
		{
			name:      "lost on an idle connection - pass",
			histories: histories(newReload().late(history.Dropped, 1, reused)),
			want: []string{
				"1 of 6 late requests at risk was dropped in races that no HTTP/1.1 server can win: " +
					"sent on an idle connection, or still unread in the accept queue, as the server closed it.",
				"To drop fewer, let the old workers send Connection: close for a while before they close their connections.",
			},
		},
		{
			name:      "the command failed - inconclusive",
			histories: histories(newReload().edit(func(h *history.History) { h.Operation.Code, h.Operation.Stderr = 1, []string{"No such file."} })),
			want:      []string{`Shutdown 1: the command "nginx -s reload" ended with exit code 1: No such file.`},
		},
	} {
		tt.run(t)
	}
}

func TestStoryOfTheLag(t *testing.T) {
	const remedy = "Go on accepting and serving for longer than the balancer takes (here 2 s), with a failing readiness check and Connection: close; " +
		"shut down only then (`lastcall explain drain` shows it). If you cannot change the server, delay the signal by the same time: " +
		"in Kubernetes, with a preStop hook that sleeps."
	serving := func() *builder {
		return newFrame().before(history.Completed, 40).inFlight(history.Completed, 25).late(history.Completed, 5).lag(2 * time.Second)
	}
	for _, tt := range []told{
		{
			name: "refused at once - fail", policy: "k8s", histories: histories(serving().late(history.Refused, 5).after(history.Refused, 40)),
			want: []string{
				"A load balancer goes on sending requests for 2 s after SIGTERM, and 45 of 50 were not completed: 45 refused.",
				"The server stopped listening too early: it refused the first request 20 ms after the signal (closing the listener is what Go's " +
					"Server.Shutdown does first). Behind a balancer each refusal is an error that a user sees.",
				remedy,
				"lastcall sent nothing later than 510 ms after the signal, because the server was gone. A balancer would have sent about 750 more.",
			},
		},
		{
			name: "one is refused in two shutdowns, long after the signal - fail", policy: "k8s",
			histories: histories(serving(), serving().after(history.Refused, 1)),
			want: []string{
				"A load balancer goes on sending requests for 2 s after SIGTERM, and 1 of 11 was not completed, over 2 shutdowns: 1 refused.",
				"The server stopped listening too early: it refused the first request 510 ms after the signal. Behind a balancer each refusal is an error that a user sees.",
				remedy,
				"lastcall sent nothing later than 510 ms after the signal, because the server was gone. A balancer would have sent about 750 more each time.",
			},
		},
		{
			name: "mostly turned away - fail", policy: "k8s", histories: histories(serving().late(history.Refused, 1).late(history.Rejected, 2)),
			want: []string{
				"A load balancer goes on sending requests for 2 s after SIGTERM, and 3 of 8 were not completed: 2 rejected, 1 refused.",
				"The server rejected them with 503 or 429. Behind a balancer each rejection is an error that a user sees.",
				remedy,
				"lastcall sent nothing later than 500 ms after the signal, because the server was gone. A balancer would have sent about 750 more.",
			},
		},
		{
			name: "mostly hung up on - fail", policy: "k8s", histories: histories(serving().late(history.Dropped, 2, reused).late(history.Rejected, 1)),
			want: []string{
				"A load balancer goes on sending requests for 2 s after SIGTERM, and 3 of 8 were not completed: 1 rejected, 2 dropped.",
				"The server accepted their connections, but did not answer them.",
				remedy,
				"Also broken: late-requests-answered (2 of 8).",
				"lastcall sent nothing later than 500 ms after the signal, because the server was gone. A balancer would have sent about 750 more.",
			},
		},
	} {
		tt.run(t)
	}
}

func TestStoryOfEndings(t *testing.T) {
	require := func(rule string) string { return "require " + rule }
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	for _, tt := range []told{
		{
			name: "ready to the end - fail", policy: require(ReadyFlipsFirst), histories: histories(newHistory().readiness(0, 0)),
			want: []string{
				"1 of 1 shutdowns refused connections while the readiness check passed: the first refusal came 200 ms after the signal, " +
					"and each check until then had found it ready.",
				"A load balancer that uses the readiness check goes on sending requests to a server that refuses them.",
				"Answer the readiness check with 503 as soon as the signal arrives, and close the listener later.",
			},
		},
		{
			name: "ready to the end in two shutdowns - fail", policy: require(ReadyFlipsFirst),
			histories: histories(newHistory().readiness(0, 0), newHistory().readiness(0, 0), newHistory().readiness(signalAt, 0)),
			want: []string{
				"2 of 3 shutdowns refused connections while the readiness check passed: the first refusal came 200 ms after the signal, " +
					"and each check until then had found it ready.",
				"A load balancer that uses the readiness check goes on sending requests to a server that refuses them.",
				"Answer the readiness check with 503 as soon as the signal arrives, and close the listener later.",
			},
		},
		{
			name: "ready to the end, under k8s - pass", policy: "k8s", histories: histories(newHistory().readiness(0, 0)),
			want: []string{
				"1 of 1 shutdowns refused connections while the readiness check passed: the first refusal came 200 ms after the signal, " +
					"and each check until then had found it ready.",
			},
		},
		{
			name: "a child lives on - fail", histories: histories(newHistory().left(false, worker)),
			want: []string{
				`1 of 1 shutdowns left something behind: "node worker.js" (PID 58) still ran.`,
				"A container kills the rest together with process 1, in the middle of its work; outside a container these processes are never stopped.",
				"Let the process end its children and wait for them before it exits itself.",
			},
		},
		{
			name: "children keep the port, in two of three - fail", histories: histories(newHistory(), newHistory().left(true, worker, node), newHistory().left(true, worker)),
			want: []string{
				`2 of 2 shutdowns left something behind: "node worker.js" (PID 58) and "node server.js" (PID 57) still ran, and the port is still taken.`,
				`A container kills the rest together with process 1, in the middle of its work; outside a container they keep the port, and the next start fails with "address already in use".`,
				"Let the process end its children and wait for them before it exits itself.",
			},
		},
		{
			name: "a bad status in one of three - fail", histories: histories(newHistory(), newHistory().exit(history.Exit{Code: 143}), newHistory().exit(history.Exit{Code: 3})),
			want: []string{
				"The process ended with exit code 3, in 1 of 3 shutdowns; in 1 more it ended with exit code 143, which is excused.",
				"A supervisor takes this for a crash: it may restart the process, or count the deployment as failed.",
				"Let main return normally after the drain; in Go, http.ErrServerClosed is not a failure.",
			},
		},
		{
			name: "a bad status, and death by the signal itself - fail",
			histories: histories(newHistory().exit(byTerm), newHistory().exit(history.Exit{Code: 1}), newHistory().exit(byTerm),
				newHistory().exit(history.Exit{Code: 143}), newHistory().exit(history.Exit{Code: 1})),
			want: []string{
				"The process ended with exit code 1, in 2 of 5 shutdowns; in 3 more it ended with SIGTERM or exit code 143, which is excused.",
				"A supervisor takes this for a crash: it may restart the process, or count the deployment as failed.",
				"Let main return normally after the drain; in Go, http.ErrServerClosed is not a failure.",
			},
		},
		{
			name: "nothing is excused - fail", policy: "strict",
			histories: histories(newHistory().exit(byTerm), newHistory().exit(history.Exit{Code: 1}), newHistory()),
			want: []string{
				"The process ended with SIGTERM or exit code 1, in 2 of 3 shutdowns.",
				"A supervisor takes this for a crash: it may restart the process, or count the deployment as failed.",
				"Let main return normally after the drain; in Go, http.ErrServerClosed is not a failure.",
			},
		},
		{
			name: "served its old connections until SIGKILL - fail",
			histories: histories(newHistory().late(history.Completed, 3, reused, sentAt(exitAt-40*time.Millisecond)).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}).edit(func(h *history.History) {
				h.Events = append(h.Events, history.Event{Name: history.EventKilled, At: exitAt})
			})),
			want: []string{
				"The process was still running at the end of its grace period of 10 s, and was killed.",
				"It accepted no new connections, and served the old ones as long as requests came. It completed 3 requests sent after SIGTERM, " +
					"the last of them 40 ms before SIGKILL.",
				"Send Connection: close with each answer after the signal, so that clients leave (in Node.js: res.shouldKeepAlive = false, and " +
					"server.closeIdleConnections()), or bound the drain.",
			},
		},
		{
			name: "two signals, killed with nothing lost - fail",
			histories: histories(newHistory().again("SIGINT", 2, signalAt+time.Second).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true})),
			want: []string{
				"The process was still running at the end of its grace period of 10 s, and was killed.",
				"The process catches SIGTERM, and did not end by itself.",
				"Give each wait during the stop a limit that is shorter than the grace period.",
			},
		},
	} {
		tt.run(t)
	}
}

func TestStoryOfLossesOfAUsersServer(t *testing.T) {
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	for _, tt := range []told{
		{
			name: "killed by the signal itself - fail", histories: histories(newHistory().kind("command").inFlight(history.Dropped, 3).exit(byTerm)),
			want: []string{
				"SIGTERM found 28 requests in flight: 3 dropped without a whole answer, 25 completed.",
				"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 500 ms later.",
				"Catch the signal, stop accepting, answer the requests in flight, and only then exit; in Go that is signal.Notify and Server.Shutdown " +
					"(`lastcall explain signal-notify` shows it).",
			},
		},
		{
			name: "killed by the second signal - fail",
			histories: histories(newHistory().kind("command").inFlight(history.Dropped, 3).
				again("SIGTERM", 15, exitAt-time.Millisecond).exit(byTerm)),
			want: []string{
				"SIGTERM found 28 requests in flight: 3 dropped without a whole answer, 25 completed.",
				"A second signal ended the process in the middle of their work, 500 ms after the first.",
				"Go on handling signals until the drain is over; in Go, call neither signal.Reset nor the stop function of " +
					"signal.NotifyContext before Server.Shutdown has returned.",
			},
		},
		{
			// The second came too late to be the cause.
			name: "killed by the first of two signals - fail",
			histories: histories(newHistory().inFlight(history.Dropped, 3).
				again("SIGTERM", 15, exitAt+time.Millisecond).exit(byTerm)),
			want: []string{
				"SIGTERM found 28 requests in flight: 3 dropped without a whole answer, 25 completed.",
				"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 500 ms later.",
				"Catch the signal with signal.Notify and call Server.Shutdown, which waits for the requests in flight (`lastcall explain signal-notify` shows it).",
			},
		},
		{
			name: "turned away - fail", histories: histories(newHistory().kind("command").inFlight(history.Rejected, 3)),
			want: []string{
				"SIGTERM found 28 requests in flight: 3 rejected with 503 or 429, 25 completed.",
				"Their answers came within 50 ms of the signal: 3 with 503.",
				"Reject new requests if necessary, but complete the requests that have begun; in Go, let the signal start Server.Shutdown and nothing else " +
					"(`lastcall explain signal-notify` shows it).",
			},
		},
		{
			name: "the unavoidable races - pass", histories: histories(newHistory().kind("command").late(history.Dropped, 1, reused)),
			want: []string{
				"1 of 1 late requests at risk was dropped in races that no HTTP/1.1 server can win: " +
					"sent on an idle connection, or still unread in the accept queue, as the server closed it.",
				"To drop fewer, go on serving with Connection: close for a while before you close anything.",
			},
		},
		{
			// Whoever turned the failure into a warning is not told that it could not be helped.
			name: "avoidable losses that only warn - pass", policy: "warn " + LateRequestsAnswered,
			histories: histories(newHistory().late(history.Dropped, 1, away).late(history.Dropped, 2, reused)),
			want: []string{
				"3 of 3 late requests at risk got no answer.",
				"Their connections were accepted, or kept open, and then ended without an answer (1 that the process had read). This is worse than a refusal, " +
					"because a client cannot know whether to retry.",
				"Close the listener first and go on serving open connections with Connection: close, or go on accepting " +
					"until the balancer sends nothing more.",
			},
		},
		{
			name:      "many hang late, and one is cut off in flight - fail",
			histories: histories(newHistory().inFlight(history.Dropped, 1).late(history.Dropped, 9, cause(history.Hung))),
			want: []string{
				"SIGTERM found 26 requests in flight: 1 dropped without a whole answer, 25 completed.",
				"The process ended with exit code 0, 500 ms after the signal, while they were still being served.",
				"Exit only when the last of them is answered (in Go, when Server.Shutdown has returned), and allow more time than the slowest request takes.",
				"Also broken: late-requests-answered (9 of 9).",
			},
		},
	} {
		tt.run(t)
	}
}

func TestStoryOfMaxLoss(t *testing.T) {
	s := Judge(histories(lossy(5, 50), lossy(0, 50)), limited(t, "default", 0.001)).Subjects[0]
	want := []string{
		"5 of 100 requests of the worst half second were late and dropped, in 1 of 2 shutdowns: on average at least 0.253% are dropped, with 95% confidence, and 0.1% is allowed.",
		"Go on serving with Connection: close for a while before you close, so that clients stop using their connections.",
	}
	if diff := differs(want, s.Story); diff != "" {
		t.Errorf("the story (-want +got):\n%s", diff)
	}
}

// TestStorySetsAside: a failure stands, and so does that not all was judged.
func TestStorySetsAside(t *testing.T) {
	broken := func() *builder { return newHistory().edit(func(h *history.History) { h.Results-- }) }
	lossy := func() *builder { return newHistory().inFlight(history.Dropped, 1) }
	for _, tt := range []struct {
		name      string
		histories []*history.History
		want      string // the last sentence, "" if it is not about that
	}{
		{"all were judged - fail", histories(lossy(), newHistory()), ""},
		{"one was not - fail", histories(lossy(), broken(), newHistory()), "1 of 3 shutdowns could not be judged and was left out: the counts of requests differ: 70 were scheduled, 70 have a record, 70 have an outcome, 69 have a result of the load generator."},
		{"two were not - fail", histories(broken(), lossy(), broken()), "2 of 3 shutdowns could not be judged and were left out: the counts of requests differ: 70 were scheduled, 70 have a record, 70 have an outcome, 69 have a result of the load generator."},
		{
			"for three reasons - fail", histories(broken(), lossy(), newHistory().edit(func(h *history.History) { h.Error = "boot: no ready line" }), newHistory().before(history.Failed, 2)),
			"3 of 4 shutdowns could not be judged and were left out: the counts of requests differ: 70 were scheduled, 70 have a record, 70 have an outcome, 69 have a result of the load generator; boot: no ready line; and 1 more reason, which --report json lists.",
		},
		{"none was - inconclusive", histories(broken()), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", tt.histories)
			wantVerdictOfName(t, s)
			last := s.Story[len(s.Story)-1]
			if aside := strings.Contains(last, "left out"); aside != (tt.want != "") || aside && last != tt.want {
				t.Errorf("the story ends with %q, want %q", last, tt.want)
			}
		})
	}
}

// TestFailureKeepsToItself: beside a failure, what only warns is not told.
func TestFailureKeepsToItself(t *testing.T) {
	warns := func() *builder {
		return newHistory().kind("command").late(history.Dropped, 2, reused).inFlight(history.Completed, 1, keepsOpen).
			exit(history.Exit{Code: 143}).readiness(0, 0)
	}
	if s := judge(t, "default", histories(warns())); s.Verdict != pass || len(s.Story) < 4 {
		t.Fatalf("the test's own history does not warn: %v, %q", s.Verdict, s.Story)
	}
	s := judge(t, "default", histories(warns().left(false, worker)))
	text := strings.Join(s.Story, "\n")
	for _, phrase := range []string{"late request", "Connection: close", "143", "readiness"} {
		if strings.Contains(text, phrase) || s.Verdict != fail {
			t.Errorf("verdict %v, and the story tells of %q: %q", s.Verdict, phrase, s.Story)
		}
	}
}

// TestEveryRuleHasItsStory: none falls back on its detail alone, and each has its level.
func TestEveryRuleHasItsStory(t *testing.T) {
	for _, r := range Rules() {
		if r.explain == nil || r.judge == nil || r.Asks == "" || r.Reference == "" || r.Unit == "" || r.Breach == "" {
			t.Errorf("the entry of %s is not complete: %+v", r.Name, r)
		}
	}
	if got := (explainer{}).told(result.Finding{Rule: "new", Detail: "it broke"}); len(got) != 1 || got[0] != "It broke." {
		t.Errorf("of a rule that nobody tells of it says %q", got)
	}
}

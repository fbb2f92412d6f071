package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// The processes of a server behind a wrapper.
var (
	npm    = history.Process{PID: 40, Name: "npm start"}
	node   = history.Process{PID: 57, Name: "node server.js"}
	worker = history.Process{PID: 58, Name: "node worker.js"}
)

func people(all ...history.Process) []history.Process { return all }

func TestSignalDelivered(t *testing.T) {
	tests := []policed{
		{
			name: "the process that listens got it - pass", history: newHistory().delivered(people(node), people(node), nil),
			want: under(good), verdicts: under(pass), judged: 1,
		},
		{
			name:    "one of two that listen got it, the other lives on - pass",
			history: newHistory().delivered(people(node, worker), people(node), people(worker)),
			want:    under(good), verdicts: under(pass), judged: 1,
		},
		{
			name:    "somebody else got it and passed it on - pass",
			history: newHistory().delivered(people(node), people(npm), nil),
			want:    under(good), verdicts: under(pass), judged: 1,
		},
		{
			name:    "somebody else got it, and the server never got the signal - fail",
			history: newHistory().delivered(people(node), people(npm), people(node)),
			want:    under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: `1 of 1 shutdowns left the server without the signal: SIGTERM went to "npm start" (PID 40), ` +
				`but "node server.js" (PID 57) holds the socket, and still ran when it should have been gone`,
		},
		{
			name:    "nobody got it, and two hold the socket - fail",
			history: newHistory().delivered(people(node, worker), nil, people(node, worker)),
			want:    under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: `SIGTERM went to no process, but "node server.js" (PID 57) and "node worker.js" (PID 58) hold the socket, ` +
				`and still ran when they should have been gone`,
		},
		{
			// npm passes the signal on and does not wait: the server is draining, and
			// whoever looks for survivors finds it.
			name:    "somebody else got it, and the server lives on without its socket - pass, and fails another rule",
			history: newHistory().delivered(people(node), people(npm), people(node)).left(false, node),
			want:    under(good), verdicts: under(fail), judged: 1,
		},
		{
			name:    "somebody else got it, and the server lives on with its socket - fail",
			history: newHistory().delivered(people(node), people(npm), people(node)).left(true, node),
			want:    under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
		{
			// We closed its socket, not the server.
			name: "the server never got the signal, and is gone because it was killed - fail",
			history: newHistory().delivered(people(node), people(npm), people(node)).left(false).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
		{
			// The evidence is the same when the grace period had to end it.
			name: "the server never got the signal and was killed - fail",
			history: newHistory().delivered(people(node), people(npm), people(node)).
				exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
		{
			name: "nobody looked who listens - not exercised", history: newHistory(),
			want: under(unmet), verdicts: under(pass), detail: "there were no shutdowns to judge",
		},
		{
			name: "nobody could tell who listens - not exercised",
			history: newHistory().edit(func(h *history.History) {
				h.Delivery = history.Delivery{To: people(npm), Error: "only Linux can tell"}
			}),
			want: under(unmet), verdicts: under(pass),
			detail: "there were no shutdowns to judge: it is not known which process holds the listening socket: only Linux can tell",
		},
		{
			// Whatever else was seen: it cannot be judged.
			name:    "the server never got the signal, and requests went missing - inconclusive",
			history: newHistory().delivered(people(node), people(npm), people(node)).edit(func(h *history.History) { h.Results-- }),
			want:    under(unmet), verdicts: under(doubtful),
		},
	}
	for _, tt := range tests {
		tt.run(t, SignalDelivered)
	}
}

// TestReadyFlipsFirst: newHistory refuses its first request 200 ms after the
// signal. Only k8s asks, and it only warns.
func TestReadyFlipsFirst(t *testing.T) {
	k8s := func(s result.Status) map[string]result.Status { return under(s, "k8s") }
	tests := []policed{
		{
			name: "red before the first refusal - pass", history: newHistory().readiness(signalAt+100*time.Millisecond, 0),
			want: k8s(good), verdicts: under(pass), judged: 1,
		},
		{
			name: "red just as the first request is refused - pass", history: newHistory().readiness(closeAt, 0),
			want: k8s(good), verdicts: under(pass), judged: 1,
		},
		{
			name: "red only after the first refusal - warn", history: newHistory().readiness(closeAt+1, 0),
			want: k8s(warned), verdicts: under(pass), judged: 1, count: 1,
			detail: "1 of 1 shutdowns refused connections while the readiness check passed: " +
				"the first refusal came 200 ms after the signal, and each check until then had found it ready",
		},
		{
			name: "never red - warn", history: newHistory().readiness(0, 0),
			want: k8s(warned), verdicts: under(pass), judged: 1, count: 1, detail: "came 200 ms after the signal",
		},
		{
			name: "the check itself was refused first - warn", history: newHistory().readiness(0, signalAt+7*time.Millisecond),
			want: k8s(warned), verdicts: under(pass), judged: 1, count: 1, detail: "came 7 ms after the signal",
		},
		{
			name: "the check was refused before it was red - warn", history: newHistory().readiness(signalAt+9*time.Millisecond, signalAt+7*time.Millisecond),
			want: k8s(warned), verdicts: under(pass), judged: 1, count: 1, detail: "came 7 ms after the signal",
		},
		{
			name: "only the check was refused - warn", history: newHistory().readiness(0, closeAt).edit(noRefusal),
			want: k8s(warned), verdicts: under(pass), judged: 1, count: 1, detail: "came 200 ms after the signal",
		},
		{
			name: "red, and nothing was ever refused - pass", history: newHistory().readiness(closeAt, 0).edit(noRefusal),
			want: k8s(good), verdicts: under(pass), judged: 1,
		},
		{
			name: "neither red nor refused - not exercised", history: newHistory().readiness(0, 0).edit(noRefusal),
			want: k8s(unmet), verdicts: under(pass), detail: "there were no shutdowns to judge",
		},
		{
			name: "nobody asked - not exercised", history: newHistory(),
			want: k8s(unmet), verdicts: under(pass), detail: "there were no shutdowns to judge",
		},
		{
			name:    "never red, and the exit was not seen - inconclusive",
			history: newHistory().readiness(0, 0).edit(func(h *history.History) { h.Exit = history.Exit{} }),
			want:    k8s(unmet), verdicts: under(doubtful),
		},
	}
	for _, tt := range tests {
		tt.run(t, ReadyFlipsFirst)
	}
}

func TestNoSurvivors(t *testing.T) {
	tests := []policed{
		{
			name: "nothing is left - pass", history: newHistory().left(false),
			want: under(good), verdicts: under(pass), judged: 1,
		},
		{
			name: "a child lives on - fail", history: newHistory().left(false, worker),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: `1 of 1 shutdowns left something behind: "node worker.js" (PID 58) still ran`,
		},
		{
			name: "a child lives on and keeps the port - fail", history: newHistory().left(true, worker),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: `"node worker.js" (PID 58) still ran, and the port is still taken`,
		},
		{
			name: "many live on - fail", history: newHistory().left(false, npm, node, worker, worker, worker),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: `"npm start" (PID 40), "node server.js" (PID 57), "node worker.js" (PID 58) and 2 more still ran`,
		},
		{
			name: "somebody unknown keeps the port - fail", history: newHistory().left(true),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1, detail: "left something behind: a process still listens on its port",
		},
		{
			name: "nobody looked - not exercised", history: newHistory(),
			want: under(unmet), verdicts: under(pass), detail: "there were no shutdowns to judge",
		},
		{
			// What is left of a process that we killed is our doing.
			name:    "killed at the end of its grace, a child lives on - not exercised",
			history: newHistory().left(true, worker).exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			want:    under(unmet), verdicts: under(fail),
		},
		{
			name:    "a child lives on, and the load ran late - inconclusive",
			history: lagged(delay, time.Second).left(true, worker),
			want:    under(result.Unjudged), verdicts: under(doubtful), judged: 1, count: 1,
			detail: "in doubt: lastcall itself was up to 1 s late",
		},
	}
	for _, tt := range tests {
		tt.run(t, NoSurvivors)
	}
}

// TestExitStatusByPolicy: which end is clean is a matter of the platform.
func TestExitStatusByPolicy(t *testing.T) {
	tolerated := but(under(warned), under(bad, "strict"))
	tolerates := but(under(pass), under(fail, "strict"))
	twice := func() *builder { return newHistory().again("SIGINT", 2, signalAt+100*time.Millisecond) }
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	tests := []policed{
		{
			name: "code 0 - pass", history: newHistory(),
			want: under(good), verdicts: under(pass), judged: 1,
		},
		{
			name: "code 1 - fail", history: newHistory().exit(history.Exit{Code: 1}),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
			detail: "1 of 1 shutdowns did not exit with a clean code: it ended with exit code 1",
		},
		{
			// Kubernetes does not mind 143; to systemd it is a failure unless it is told.
			name: "code 143 - clean under k8s", history: newHistory().exit(history.Exit{Code: 143}),
			want: but(tolerated, under(good, "k8s")), verdicts: tolerates, judged: 1, count: 1,
			detail: "it ended with exit code 143; excused: 128 plus the signal's number",
		},
		{
			name: "death by the signal - clean under k8s and systemd", history: newHistory().exit(byTerm),
			want: but(tolerated, under(good, "k8s", "systemd")), verdicts: tolerates, judged: 1, count: 1,
			detail: "it ended with SIGTERM; excused: ",
		},
		{
			name: "death by another signal - fail", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGSEGV"}),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1, detail: "it ended with SIGSEGV",
		},
		{
			name: "a sequence, death by its second signal - clean under k8s and systemd",
			history: twice().exit(history.Exit{
				Code: -1, Signal: "SIGINT",
			}),
			want: but(tolerated, under(good, "k8s", "systemd")), verdicts: tolerates, judged: 1, count: 1,
		},
		{
			name: "a sequence, 128 plus the number of its second signal - warn", history: twice().exit(history.Exit{Code: 130}),
			want: tolerated, verdicts: tolerates, judged: 1, count: 1, detail: "it ended with exit code 130",
		},
		{
			name: "a sequence, 128 plus the number of its first - clean under k8s", history: twice().exit(history.Exit{Code: 143}),
			want: but(tolerated, under(good, "k8s")), verdicts: tolerates, judged: 1, count: 1,
		},
		{
			name: "a sequence, death by a third signal - fail", history: twice().exit(history.Exit{Code: -1, Signal: "SIGQUIT"}),
			want: under(bad), verdicts: under(fail), judged: 1, count: 1,
		},
		{
			// Nobody can catch it: to die of it is no clean end under any policy.
			name:    "a sequence that ends with SIGKILL - warn",
			history: newHistory().again("SIGKILL", 9, signalAt+100*time.Millisecond).exit(history.Exit{Code: -1, Signal: "SIGKILL"}),
			want:    tolerated, verdicts: tolerates, judged: 1, count: 1,
		},
		{
			name: "killed by lastcall - not exercised", history: newHistory().exit(history.Exit{Code: -1, Signal: "SIGKILL", Killed: true}),
			want: under(unmet), verdicts: under(fail),
		},
		{
			name:    "code 1, and it was interrupted - inconclusive",
			history: newHistory().exit(history.Exit{Code: 1}).edit(func(h *history.History) { h.Interrupted = true }),
			want:    under(unmet), verdicts: under(doubtful),
		},
	}
	for _, tt := range tests {
		tt.run(t, ExitStatus)
	}
}

// TestTheWorstExitIsTold: of several shutdowns, what is excused is no answer to
// the question what went wrong.
func TestTheWorstExitIsTold(t *testing.T) {
	s := judge(t, "default", histories(
		newHistory(), newHistory().exit(history.Exit{Code: 143}), newHistory().exit(history.Exit{Code: 2}), newHistory().exit(history.Exit{Code: 3}),
	))
	f := finding(t, s, ExitStatus)
	want := "3 of 4 shutdowns did not exit with a clean code: it ended with exit code 2; " +
		"1 of them excused: 128 plus the signal's number, or death by the very signal sent"
	if f.Detail != want {
		t.Errorf("it says %q, want %q", f.Detail, want)
	}
}

package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestServesThroughLag: only k8s asks for it. The late requests of a history are
// sent 20 ms after the signal.
func TestServesThroughLag(t *testing.T) {
	const lag = 2 * time.Second
	k8s := func(s result.Status) map[string]result.Status { return under(s, "k8s") }
	failsK8s := but(under(pass), under(fail, "k8s"))
	serving := func() *builder {
		return newFrame().before(history.Completed, 40).inFlight(history.Completed, 25).late(history.Completed, 5).lag(lag)
	}
	const added = 70 // the first request that a case adds to serving
	isAdded := func(r *history.Request) bool { return r.Seq >= added }
	after := signalAt + signalIn
	tests := []policed{
		{
			name: "all that was sent is completed - pass", history: serving(),
			want: k8s(good), verdicts: under(pass), judged: 5,
		},
		{
			name: "one is refused - fail", history: serving().late(history.Refused, 1),
			want: k8s(bad), verdicts: failsK8s, judged: 6, count: 1, evidence: isAdded,
			detail: "1 of 6 requests sent during the lag was not completed, in 1 of 1 shutdowns",
		},
		{
			name: "two are rejected - fail", history: serving().late(history.Rejected, 2),
			want: k8s(bad), verdicts: failsK8s, judged: 7, count: 2, evidence: isAdded,
			detail: "2 of 7 requests sent during the lag were not completed",
		},
		{
			// A failure is one under every policy.
			name: "one fails - fail", history: serving().late(history.Failed, 1),
			want: k8s(bad), verdicts: under(fail), judged: 6, count: 1, evidence: isAdded,
		},
		{
			// The race that the default forgives is none behind a balancer.
			name: "one is lost on an idle connection - fail", history: serving().late(history.Dropped, 1, reused),
			want: k8s(bad), verdicts: but(failsK8s, under(fail, "strict")), judged: 6, count: 1, evidence: isAdded,
		},
		{
			// The exit is no excuse: the balancer does not know of it.
			name: "refused after the exit - fail", history: serving().after(history.Refused, 3),
			want: k8s(bad), verdicts: failsK8s, judged: 8, count: 3, evidence: isAdded,
		},
		{
			name: "refused just as the signal was sent - fail", history: serving().late(history.Refused, 1, startedAt(after)),
			want: k8s(bad), verdicts: failsK8s, judged: 6, count: 1, evidence: isAdded,
		},
		{
			name: "refused as the signal was being sent - pass", history: serving().late(history.Refused, 1, startedAt(after-1)),
			want: k8s(good), verdicts: under(pass), judged: 5,
		},
		{
			name: "refused at the last moment of the lag - fail", history: serving().after(history.Refused, 1, startedAt(after+lag-1)),
			want: k8s(bad), verdicts: failsK8s, judged: 6, count: 1, evidence: isAdded,
		},
		{
			name: "refused when the lag was over - pass", history: serving().after(history.Refused, 1, startedAt(after+lag)),
			want: k8s(good), verdicts: under(pass), judged: 5,
		},
		{
			name: "nothing was sent during the lag - not exercised", history: newFrame().before(history.Completed, 40).inFlight(history.Completed, 25).lag(lag),
			want: k8s(unmet), verdicts: under(pass), detail: "there were no requests sent during the lag to judge",
		},
		{
			name: "there is no lag - not exercised", history: newHistory(),
			want: k8s(unmet), verdicts: under(pass),
		},
		{
			name: "one is refused, and another could not be sent - inconclusive", history: serving().late(history.Refused, 1).late(history.Unsent, 1),
			want: k8s(unmet), verdicts: under(doubtful),
		},
	}
	for _, tt := range tests {
		tt.run(t, ServesThroughLag)
	}
}

// startedAt is when a request began that was never sent.
func startedAt(at time.Duration) change {
	return func(r *history.Request) { r.Started, r.Scheduled, r.End = at, at, at+time.Millisecond }
}

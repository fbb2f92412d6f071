package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestUntested: a pass says what it does not mean, but only what the reader could
// have had tested.
func TestUntested(t *testing.T) {
	const writes = "no-lost-ack, no-duplicate (keep a ledger, or name --applied)"
	polled := func(b *builder) *builder { return b.readiness(signalAt, 0) }
	for _, tt := range []struct {
		name, policy string
		history      *builder
		want         []string
	}{
		{"only GETs", "default", newHistory(), nil},
		{"writes, and no witness", "default", newHistory().posts(), []string{writes}},
		{"writes that fail", "default", newHistory().posts().inFlight(history.Dropped, 3), nil},
		{"writes in the store", "default", newHistory().posts().found(), nil},
		{"writes in the ledger", "default", newHistory().posts().withLedger(), nil},
		{"a ledger that never says executed", "default", newHistory().posts().withLedger().edit(neverDone()), []string{writes}},
		{"the policy warns of lost writes", "warn " + NoLostAck, newHistory().posts(), []string{"no-duplicate (keep a ledger, or name --applied)"}},
		{"no lag behind a balancer", "k8s", newHistory(), []string{"serves-through-lag (set --lag)"}},
		{"a lag behind a balancer", "k8s", newReady().lag(2 * time.Second), nil},
		{"readiness is required, and nobody asked", "require " + ReadyFlipsFirst, newHistory(), []string{"ready-flips-first (name its readiness check: --ready)"}},
		{"readiness is required, and was asked", "require " + ReadyFlipsFirst, polled(newHistory()), nil},
		{"no load at all", "k8s", unloaded(signalAt - 5*time.Millisecond), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Judge(histories(tt.history), storyPolicy(t, tt.policy)).Subjects[0]
			if diff := differs(tt.want, s.Untested); diff != "" {
				t.Errorf("%s, not put to the test (-want +got):\n%s", s.Verdict, diff)
			}
		})
	}
}

// newReady is a shutdown whose late requests were all served.
func newReady() *builder {
	return newFrame().before(history.Completed, 40).inFlight(history.Completed, 25).late(history.Completed, 5)
}

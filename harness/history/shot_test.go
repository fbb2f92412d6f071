package history

import (
	"testing"
	"time"
)

const us = time.Microsecond

// TestPending: a signal is pending soon after the call begins, unless the call was held
// up, or it is not known how long one takes.
func TestPending(t *testing.T) {
	for _, tt := range []struct{ call, unsent, want time.Duration }{
		{30 * us, 0, 30 * us},
		{30 * us, 2 * us, 9 * us},
		{8 * us, 2 * us, 8 * us},
		{100 * us, 2 * us, 9 * us},
		{101 * us, 2 * us, 101 * us},
	} {
		h := History{Signal: Signal{Before: time.Second, After: time.Second + tt.call}, Sweep: Sweep{Unsent: tt.unsent}}
		if got := h.Pending(); got != tt.want {
			t.Errorf("a call of %s, one that sends nothing takes %s: pending after %s, want %s", tt.call, tt.unsent, got, tt.want)
		}
	}
}

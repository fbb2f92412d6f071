package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func TestQuantiles(t *testing.T) {
	if got := quantiles(nil); got != (result.Quantiles{}) {
		t.Errorf("without a sample: %+v", got)
	}
	one := quantiles([]history.Latency{{Took: 1500 * time.Microsecond, Count: 1}})
	if want := (result.Quantiles{P50: 1.5, P95: 1.5, P99: 1.5, Max: 1.5}); one != want {
		t.Errorf("of one: %+v, want %+v", one, want)
	}
	folded := quantiles([]history.Latency{{Took: 9 * time.Millisecond, Count: 1}, {Took: time.Millisecond, Count: 96}, {Took: 3 * time.Millisecond, Count: 3}})
	if want := (result.Quantiles{P50: 1, P95: 1, P99: 9, Max: 9}); folded != want {
		t.Errorf("of a hundred: %+v, want %+v", folded, want)
	}
}

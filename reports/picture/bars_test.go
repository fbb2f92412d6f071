package picture

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
)

// TestLossesAreSeen asks that a loss among many is drawn over the lines, wide and
// high enough, and counted in words.
func TestLossesAreSeen(t *testing.T) {
	p := Picture{Time: NewAxis(-20*time.Millisecond, 20*time.Millisecond), Width: 10 * time.Millisecond, Up: 5, Down: 500}
	s := Subject{Over: time.Millisecond, Buckets: make([]Bucket, 4)}
	s.Buckets[2].Counts = history.Counts{Total: 1, Dropped: 1}
	svg := p.DrawBuckets(s, true).SVG
	exit, loss := strings.Index(svg, "m-exit"), strings.Index(svg, `stroke-width="4" vector-effect="non-scaling-stroke"`)
	if exit < 0 || loss < exit || !strings.Contains(svg, "v3") || !strings.Contains(svg, ">1 lost<") {
		t.Errorf("the loss is hidden: %s", svg)
	}
	if all := p.DrawBuckets(Subject{Buckets: make([]Bucket, 4)}, true).SVG; strings.Contains(all, "lost<") {
		t.Errorf("a loss that is none: %s", all)
	}
}

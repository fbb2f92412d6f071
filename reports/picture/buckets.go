package picture

import (
	"time"

	"lastcall/harness/history"
)

// mostBuckets is how many find room on a screen.
const mostBuckets = 400

// Bucket counts what ended within one stretch of time, over all shutdowns of a
// subject.
type Bucket struct{ history.Counts }

// Of is how many ended so.
func (b Bucket) Of(o history.Outcome) int { return countOf(b.Counts, o) }

// up is what is drawn above the line: what was answered, or could go elsewhere.
func (b Bucket) up() int { return b.Completed + b.Refused + b.Unsent }

// down is what is drawn below it: what somebody waited for, and did not get.
func (b Bucket) down() int { return b.Dropped + b.Failed + b.Rejected }

// bucketWidth is ten milliseconds, or more where those would be too many.
func bucketWidth(span time.Duration) time.Duration {
	for unit := 10 * time.Millisecond; ; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if span <= n*unit*mostBuckets {
				return n * unit
			}
		}
	}
}

// buckets counts what ended when. What ended outside the axis is in none.
func buckets(own []*history.History, a Axis, width time.Duration) []Bucket {
	all := make([]Bucket, (a.To-a.From+width-1)/width)
	for _, h := range own {
		if !h.Signal.Sent {
			continue
		}
		for i := range h.Requests {
			r := &h.Requests[i]
			at := r.End - h.Signal.Before - a.From
			if n := int(at / width); at >= 0 && n < len(all) {
				all[n].Add(r.Outcome)
			}
		}
	}
	return all
}

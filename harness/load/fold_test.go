package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/internal/testrun"
)

// TestFold: of a long warm-up the records go, but for what went wrong, and the counts
// stay.
func TestFold(t *testing.T) {
	testrun.NotShort(t)
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1)%1000 == 7 {
			http.Error(w, "now and then", http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, "an answer")
	}))
	defer server.Close()
	c := config(server.Listener.Addr().String())
	c.Rate, c.foldAfter = 4000, time.Millisecond
	var allowed atomic.Bool
	c.Fold = allowed.Load
	var spilled []history.Request
	c.Spill = func(all []history.Request) error {
		spilled = append(spilled, all...)
		return nil
	}
	a := Start(c)
	eventually(t, "two chunks are served", func() bool { return served.Load() > 2*chunkSize })
	if a.transport.records.chunks[0].Load() == nil {
		t.Error("a record is gone that somebody wanted")
	}
	allowed.Store(true)
	eventually(t, "four chunks are served", func() bool { return served.Load() > 4*chunkSize+100 })
	a.Signalled(a.transport.clock.Now())
	begun := a.Begun()
	eventually(t, "another chunk is served", func() bool { return served.Load() > int64(begun+chunkSize) })
	a.End()
	r := done(t, a)

	folded := a.fold.chunks * chunkSize
	if folded < 2*chunkSize || folded > begun {
		t.Fatalf("%d requests are folded, of %d before the signal and %d in all", folded, begun, r.Scheduled)
	}
	if r.Scheduled != r.Results || r.Scheduled != len(r.Requests)+r.Folded.Counts.Total || r.Disagreed != 0 || int64(r.Scheduled) != served.Load() {
		t.Errorf("%d scheduled, %d served, %d results, %d records, %d folded, %d disagreed",
			r.Scheduled, served.Load(), r.Results, len(r.Requests), r.Folded.Counts.Total, r.Disagreed)
	}
	failed, last := 0, -1
	for i := range r.Requests {
		q := &r.Requests[i]
		if int(q.Seq) <= last {
			t.Fatalf("record %d comes after %d", q.Seq, last)
		}
		last = int(q.Seq)
		if q.Outcome == history.Failed {
			failed++
		} else if int(q.Seq) < folded {
			t.Fatalf("request %d is %s, and has a record", q.Seq, q.Outcome)
		}
	}
	if want := (r.Scheduled + 993) / 1000; failed != want {
		t.Errorf("%d failures have a record, want %d", failed, want)
	}
	f := r.Folded
	if len(f.Answers) != 1 || f.Answers[0].Answers != f.Counts.Completed || f.Answers[0].Shortest != 9 || f.Answers[0].Longest != 9 || f.Pooled != f.Counts.Total {
		t.Errorf("%+v", f)
	}
	took := 0
	for _, l := range f.Latency {
		took += l.Count
	}
	if took != f.Counts.Total || len(f.Latency) == 0 {
		t.Errorf("%d latencies of %d", took, f.Counts.Total)
	}
	if len(spilled) != folded {
		t.Errorf("%d records are spilled, %d folded", len(spilled), folded)
	}
	for i := range spilled {
		if spilled[i].Seq != uint32(i) || spilled[i].Outcome == history.Pending {
			t.Fatalf("%+v is spilled as number %d", spilled[i], i)
		}
	}
	for n := range a.fold.chunks {
		if a.transport.records.chunks[n].Load() != nil {
			t.Errorf("chunk %d is still there", n)
		}
	}
}

// TestFoldingEndsWhereTheDiskIsFull: nothing is lost then.
func TestFoldingEndsWhereTheDiskIsFull(t *testing.T) {
	testrun.NotShort(t)
	s := newSite(t, false)
	c := s.config()
	c.Rate, c.foldAfter, c.Fold = 4000, time.Millisecond, func() bool { return true }
	tries := 0
	c.Spill = func([]history.Request) error {
		tries++
		return errors.New("no space left on device")
	}
	a := Start(c)
	eventually(t, "two chunks are served", func() bool { return s.served.Load() > 2*chunkSize })
	a.End()
	r := done(t, a)
	conserved(t, a, r)
	if tries != 1 || r.Folded.Counts.Total > 0 {
		t.Errorf("%d tries, %d are folded", tries, r.Folded.Counts.Total)
	}
}

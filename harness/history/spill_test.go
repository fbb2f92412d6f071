package history_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
)

// TestASpillIsSavedWhole: a history whose beginning was folded is written with all of
// its requests, and leaves nothing on disk.
func TestASpillIsSavedWhole(t *testing.T) {
	dir := t.TempDir()
	spill, err := history.NewSpill(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer spill.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files, %v: what is in it would outlive a crash", len(left), err)
	}
	var all []history.Request
	for seq := range uint32(30) {
		r := history.Request{Seq: seq, Outcome: history.Completed, Status: 200, End: time.Duration(seq) * time.Millisecond}
		if seq%7 == 3 {
			r.Outcome, r.Status = history.Failed, 500
		}
		all = append(all, r)
	}
	h := &history.History{Header: history.Header{Schema: history.Schema}, Spill: spill, Scheduled: 30, Results: 30}
	folder := history.NewFolder()
	const folded = 20
	for _, part := range [][]history.Request{all[:10], all[10:folded]} {
		if err := spill.Add(part); err != nil {
			t.Fatal(err)
		}
	}
	for i := range all[:folded] {
		if r := &all[i]; r.Folds() {
			folder.Add(r)
		} else {
			h.Requests = append(h.Requests, *r)
		}
	}
	h.Requests, h.Folded = append(h.Requests, all[folded:]...), folder.Folded()
	if got := h.Counts(); got.Total != 30 || got.Completed != 26 {
		t.Errorf("before it was saved: %+v", got)
	}
	if len(h.Requests) != 13 || h.Request(3) == nil || h.Request(4) != nil || h.Request(25) == nil || h.Request(30) != nil {
		t.Errorf("%d records are left", len(h.Requests))
	}
	for range 2 { // it can be saved again
		var text bytes.Buffer
		if err := h.Write(&text); err != nil {
			t.Fatal(err)
		}
		got, err := history.Read(&text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all, got.Requests); diff != "" || got.Folded.Counts.Total != 0 {
			t.Errorf("the requests (-sent +read), and %d folded:\n%s", got.Folded.Counts.Total, diff)
		}
	}
	spill.Close()
	if err := h.Write(new(bytes.Buffer)); err == nil {
		t.Error("a history is written whose requests are gone")
	}
}

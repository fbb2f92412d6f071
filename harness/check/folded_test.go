package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// fold folds what was completed so long before the signal.
func fold(h *history.History, before time.Duration) {
	f := history.NewFolder()
	var left []history.Request
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Folds() && r.End < h.Signal.Before-before {
			f.Add(r)
		} else {
			left = append(left, *r)
		}
	}
	h.Folded, h.Requests = f.Folded(), left
}

// TestFoldingChangesNoVerdict: all that is asked of requests of long before the signal is
// in what is left of them. Histories that were recorded are judged, with their beginning
// and without.
func TestFoldingChangesNoVerdict(t *testing.T) {
	names, err := filepath.Glob("testdata/*/*.jsonl")
	if err != nil || len(names) < 2 {
		t.Fatalf("%d histories: %v", len(names), err)
	}
	for _, name := range names {
		for _, spoil := range []string{"as it was", "an answer that is empty", "an answer that is shorter", "an answer of another status"} {
			t.Run(filepath.Base(name)+"/"+spoil, func(t *testing.T) {
				read := func() *history.History {
					text, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					h, err := history.Read(bytes.NewReader(text))
					if err != nil {
						t.Fatal(err)
					}
					h.Ledger = history.Ledger{} // of a server that keeps one nothing is folded
					spoilOne(t, h, spoil)
					return h
				}
				whole, folded := read(), read()
				fold(folded, folded.Signal.Before-folded.Warm()) // the guard is of those after it
				if n := folded.Folded.Counts.Total; n < 50 || n+len(folded.Requests) != len(whole.Requests) {
					t.Fatalf("%d of %d are folded, %d are left", n, len(whole.Requests), len(folded.Requests))
				}
				var text bytes.Buffer
				if err := folded.Write(&text); err != nil {
					t.Fatal(err)
				}
				again, err := history.Read(&text)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range []*history.History{whole, again} {
					h.CompareAnswers()
				}
				want, got := judgeOne(t, whole), judgeOne(t, again)
				// What is of a part of the time before the signal is of the rest of it.
				measured := cmpopts.IgnoreFields(result.Detail{}, "GuardMS", "SlipMS", "LagP99MS", "Witness")
				if diff := cmp.Diff(want, got, measured, cmpopts.IgnoreFields(result.Subject{}, "LatencyMS", "Timeline")); diff != "" {
					t.Errorf("with all requests (-) and folded (+):\n%s", diff)
				}
				hangsUp := strings.HasPrefix(filepath.Base(name), "naive") // and answers nothing after the signal
				if spoil != "as it was" && !hangsUp && want.Requests.Failed == 0 {
					t.Error("the answer was not noticed: this proves nothing")
				}
				before := func(h *history.History) history.Counts {
					return observe(h, policy(t, "default")).counts(history.Before)
				}
				if w, g := before(whole), before(again); w != g {
					t.Errorf("before the signal %+v, folded %+v", w, g)
				}
				if p50 := got.LatencyMS.P50; p50 < want.LatencyMS.P50*0.9 || p50 > want.LatencyMS.P50*1.1 {
					t.Errorf("the median latency is %v, and was %v", p50, want.LatencyMS.P50)
				}
			})
		}
	}
}

func judgeOne(t *testing.T, h *history.History) result.Subject {
	t.Helper()
	s := Judge([]*history.History{h}, policy(t, "default"))
	if len(s.Subjects) != 1 {
		t.Fatalf("%d subjects", len(s.Subjects))
	}
	return s.Subjects[0]
}

// spoilOne changes an exposed answer into one that only those before it show to be wrong.
func spoilOne(t *testing.T, h *history.History, how string) {
	t.Helper()
	for i := range h.Requests {
		r := &h.Requests[i]
		r.Scheduled = r.Started // how punctual lastcall was is asked of those that are left
		if r.Outcome != history.Completed || r.End < h.Signal.Before {
			r.Framing, r.Length = history.ByLength, 100 // the files are older than lengths
			continue
		}
		switch how {
		case "an answer that is empty":
			r.Framing, r.Length = history.ByLength, 0
		case "an answer that is shorter":
			r.Framing, r.Length = history.ByLength, 10
		case "an answer of another status":
			r.Framing, r.Length, r.Status = history.ByLength, 100, 206
		default:
			r.Framing, r.Length = history.ByLength, 100
		}
	}
}

// TestAFoldedRequestIsNotMissing, and one that is missing is noticed all the same.
func TestAFoldedRequestIsNotMissing(t *testing.T) {
	h := new(history.History)
	for seq := range uint32(20) {
		h.Requests = append(h.Requests, history.Request{Seq: seq, Outcome: history.Completed, End: time.Duration(seq) * time.Millisecond})
	}
	h.Scheduled, h.Results = 20, 20
	h.Signal.Before = 15 * time.Millisecond
	fold(h, 5*time.Millisecond)
	if p := conservation(&observation{History: h}); len(p) > 0 {
		t.Fatalf("%+v", p)
	}
	for name, spoil := range map[string]func(){
		"one less":         func() { h.Requests = h.Requests[:len(h.Requests)-1] },
		"one twice":        func() { h.Requests[2].Seq = h.Requests[1].Seq },
		"one of elsewhere": func() { h.Requests[len(h.Requests)-1].Seq = 20 },
		"one too many":     func() { h.Folded.Counts.Add(history.Completed) },
	} {
		requests, folded := h.Requests, h.Folded
		h.Requests = append([]history.Request(nil), requests...)
		spoil()
		if p := conservation(&observation{History: h}); len(p) != 1 {
			t.Errorf("%s: %s", name, fmt.Sprint(p))
		}
		h.Requests, h.Folded = requests, folded
	}
}

package history_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// answered is a shutdown whose signal came after a second, and that answered with
// bodies of these lengths before and after it, each after 100 ms.
type answered struct{ h history.History }

func newAnswered() *answered {
	a := &answered{}
	a.h.Signal = history.Signal{Sent: true, Before: time.Second, After: time.Second}
	a.h.Exit = history.Exit{Seen: true, At: 2 * time.Second}
	return a
}

type edit func(*history.Request)

func (a *answered) add(sent time.Duration, lengths []int64, edits []edit) *answered {
	for _, n := range lengths {
		r := history.Request{
			Seq: uint32(len(a.h.Requests)), Outcome: history.Completed, Status: 200, Framing: history.ByLength, Length: n,
			Started: sent, Sent: sent, FirstByte: sent + 99*time.Millisecond, End: sent + 100*time.Millisecond, Written: true,
		}
		for _, e := range edits {
			e(&r)
		}
		a.h.Requests = append(a.h.Requests, r)
	}
	return a
}

func (a *answered) before(lengths []int64, edits ...edit) *answered {
	return a.add(500*time.Millisecond, lengths, edits)
}

func (a *answered) exposed(lengths []int64, edits ...edit) *answered {
	return a.add(950*time.Millisecond, lengths, edits)
}

func (a *answered) with(change func(*history.History)) *answered {
	change(&a.h)
	return a
}

func same(n int, length int64) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = length
	}
	return all
}

// random lengths from one to the other, the same in every run.
func random(n int, least, most int64, seed uint64) []int64 {
	draw := rand.New(rand.NewPCG(seed, 1))
	all := make([]int64, n)
	for i := range all {
		all[i] = least + draw.Int64N(most-least+1)
	}
	return all
}

func withStatus(code uint16) edit { return func(r *history.Request) { r.Status = code } }

func framed(f history.Framing) edit { return func(r *history.Request) { r.Framing = f } }

func to(target uint8) edit { return func(r *history.Request) { r.Target = target } }

func within(d time.Duration) edit {
	return func(r *history.Request) { r.FirstByte, r.End = r.Sent+d-time.Microsecond, r.Sent+d }
}

var chunkedFrame = framed(history.Chunked)

func TestCompareAnswers(t *testing.T) {
	asks := func(l scenario.Load) func(*history.History) {
		return func(h *history.History) { h.Header.Scenario.Load = l }
	}
	operation := func(h *history.History) { h.Operation = &history.Operation{} }
	for name, tt := range map[string]struct {
		answers *answered
		failed  int // requests that are made failed
		doubted int // requests that differ, without proof
		kind    history.Unlikeness
	}{
		"all alike": {answers: newAnswered().before(same(40, 64)).exposed(same(25, 64))},

		"empty":                        {newAnswered().before(same(40, 64)).exposed(same(25, 0)), 25, 0, history.Empty},
		"one empty":                    {newAnswered().before(same(40, 64)).exposed(same(24, 64)).exposed(same(1, 0)), 1, 0, history.Empty},
		"empty, thirty before":         {newAnswered().before(same(30, 64)).exposed(same(25, 0)), 25, 0, history.Empty},
		"empty, fewer than thirty":     {newAnswered().before(same(29, 64)).exposed(same(25, 0)), 0, 25, history.Empty},
		"empty, none before":           {answers: newAnswered().exposed(same(25, 0))},
		"empty, as one was":            {answers: newAnswered().before(same(40, 64)).before(same(1, 0)).exposed(same(1, 0))},
		"empty, tiny ones before":      {newAnswered().before(same(40, 2)).exposed(same(25, 0)), 25, 0, history.Empty},
		"empty, of varying lengths":    {newAnswered().before(random(300, 1, 900, 1)).exposed(same(25, 0)), 25, 0, history.Empty},
		"of another target":            {answers: newAnswered().before(same(40, 64)).before(same(40, 0), to(1)).exposed(same(25, 0), to(1))},
		"of a target without any":      {answers: newAnswered().before(same(40, 64)).exposed(same(25, 0), to(1))},
		"HEAD has no body":             {answers: newAnswered().before(same(40, 64)).exposed(same(25, 0), framed(history.Bodiless))},
		"of an old file":               {answers: newAnswered().before(same(40, 0), framed(history.UnknownFraming)).exposed(same(25, 0), framed(history.UnknownFraming))},
		"before of an old file":        {answers: newAnswered().before(same(40, 0), framed(history.UnknownFraming)).exposed(same(25, 0))},
		"503 stays rejected":           {answers: newAnswered().before(same(40, 64)).exposed(same(25, 0), withStatus(503), func(r *history.Request) { r.Outcome = history.Rejected })},
		"with an expression":           {answers: newAnswered().with(asks(scenario.Load{ExpectBody: "x"})).before(same(40, 64)).exposed(same(25, 9))},
		"without a signal":             {answers: newAnswered().with(func(h *history.History) { h.Signal.Sent = false }).before(same(40, 64)).exposed(same(25, 0))},
		"of a successor":               {answers: newAnswered().before(same(40, 64)).add(2100*time.Millisecond, same(25, 0), nil)},
		"after an operation, empty":    {newAnswered().with(operation).before(same(40, 64)).add(2100*time.Millisecond, same(25, 0), nil), 25, 0, history.Empty},
		"after an operation, shorter":  {newAnswered().with(operation).before(same(40, 64)).add(2100*time.Millisecond, same(25, 9), nil), 0, 25, history.MuchShorter},
		"in flight of an operation":    {newAnswered().with(operation).before(same(40, 64)).exposed(same(25, 9)), 25, 0, history.MuchShorter},
		"a new status":                 {newAnswered().before(same(40, 64)).exposed(same(25, 64), withStatus(302)), 25, 0, history.NewStatus},
		"empty 200 instead of a 201":   {newAnswered().before(same(40, 64), withStatus(201)).exposed(same(25, 0)), 25, 0, history.Empty},
		"empty 200 instead of a 204":   {newAnswered().before(same(40, 0), withStatus(204), framed(history.Bodiless)).exposed(same(25, 0)), 25, 0, history.NewStatus},
		"a new status, of few":         {newAnswered().before(same(29, 64)).exposed(same(25, 64), withStatus(302)), 0, 25, history.NewStatus},
		"a status that was there":      {answers: newAnswered().before(same(40, 64)).before(same(1, 0), withStatus(204), framed(history.Bodiless)).exposed(same(25, 0), withStatus(204), framed(history.Bodiless))},
		"a new status that is right":   {answers: newAnswered().with(asks(scenario.Load{ExpectStatus: "200-399"})).before(same(40, 64)).exposed(same(25, 0), withStatus(302))},
		"lengths by status":            {newAnswered().before(same(40, 64)).before(same(9, 0), withStatus(302)).exposed(same(25, 0)), 25, 0, history.Empty},
		"much shorter":                 {newAnswered().before(same(40, 64)).exposed(same(25, 31)), 25, 0, history.MuchShorter},
		"half as long":                 {newAnswered().before(same(40, 64)).exposed(same(25, 32)), 0, 25, history.OtherLength},
		"longer":                       {newAnswered().before(same(40, 64)).exposed(same(25, 90)), 0, 25, history.OtherLength},
		"a counter gets longer":        {answers: newAnswered().before(same(40, 31)).exposed(same(25, 32))},
		"a gauge gets shorter":         {answers: newAnswered().before(same(40, 3)).exposed(same(25, 1))},
		"many counters get longer":     {answers: newAnswered().before(same(40, 2000)).exposed(same(25, 2050))},
		"varying as ever":              {answers: newAnswered().before(random(300, 10, 4000, 1)).exposed(random(100, 10, 4000, 2))},
		"varying, from nearly nothing": {answers: newAnswered().before(random(300, 1, 100, 3)).exposed(random(100, 1, 100, 4))},
		"varying, of few":              {answers: newAnswered().before(random(30, 100, 900, 5)).exposed(random(60, 100, 900, 6))},
		"a list that grows":            {answers: newAnswered().before(random(300, 10, 3000, 7)).exposed(random(60, 3000, 4000, 8))},
		"varying, but all short now":   {newAnswered().before(random(300, 400, 4000, 9)).exposed(same(25, 90)), 0, 25, history.OtherLength},
		"chunks that end early":        {newAnswered().before(same(40, 64), chunkedFrame).exposed(same(25, 50), chunkedFrame, within(70*time.Millisecond)), 25, 0, history.EndedEarly},
		"shorter chunks, in time":      {newAnswered().before(same(40, 64), chunkedFrame).exposed(same(25, 50), chunkedFrame), 0, 25, history.OtherLength},
		"varying chunks that end early": {
			newAnswered().before(random(300, 400, 4000, 10), chunkedFrame).exposed(same(25, 190), chunkedFrame, within(60*time.Millisecond)),
			25, 0, history.EndedEarly,
		},
		"one of varying chunks ends early": {
			answers: newAnswered().before(random(300, 400, 4000, 11), chunkedFrame).exposed(random(60, 400, 4000, 12), chunkedFrame).
				exposed(same(1, 290), chunkedFrame, within(99*time.Millisecond)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &tt.answers.h
			for round := range 2 { // what has been decided is decided again in the same way
				h.CompareAnswers()
				failed := 0
				for _, r := range h.Requests {
					if r.Reason == history.UnlikeBefore {
						failed++
					}
				}
				if got := h.Counts().Failed; failed != tt.failed || got != tt.failed {
					t.Errorf("round %d: %d made failed, %d counted, want %d", round, failed, got, tt.failed)
				}
				all := h.Differences()
				if len(all) != tt.failed+tt.doubted {
					t.Errorf("round %d: %d differ, want %d: %+v", round, len(all), tt.failed+tt.doubted, all)
				}
				for _, d := range all {
					if d.Kind != tt.kind || d.Proved != (h.Requests[d.Request].Outcome == history.Failed) {
						t.Errorf("request %d: %s, proved %t; want %s", d.Request, d.Kind, d.Proved, tt.kind)
					}
				}
			}
		})
	}
}

// TestRightServersDiffer: over many seeds, what a right server answers is no
// failure, and hardly ever a doubt.
func TestRightServersDiffer(t *testing.T) {
	for name, draw := range map[string]func(n int, seed uint64) []int64{
		"from nothing": func(n int, seed uint64) []int64 { return random(n, 1, 100, seed) },
		"uniform":      func(n int, seed uint64) []int64 { return random(n, 200, 4000, seed) },
		"exponential": func(n int, seed uint64) []int64 {
			r := rand.New(rand.NewPCG(seed, 2))
			all := make([]int64, n)
			for i := range all {
				all[i] = 100 + int64(r.ExpFloat64()*1000)
			}
			return all
		},
	} {
		doubts := 0
		const seeds = 1000
		for seed := range uint64(seeds) {
			h := newAnswered().before(draw(200, 2*seed), chunkedFrame).exposed(draw(60, 2*seed+1), chunkedFrame, within(99*time.Millisecond)).h
			h.CompareAnswers()
			if n := h.Counts().Failed; n > 0 {
				t.Errorf("%s, seed %d: %d made failed", name, seed, n)
			}
			if len(h.Differences()) > 0 {
				doubts++
			}
		}
		if doubts > seeds/100 {
			t.Errorf("%s: %d of %d shutdowns in doubt", name, doubts, seeds)
		}
		t.Logf("%s: %d of %d shutdowns in doubt", name, doubts, seeds)
	}
}

// TestSooner: one answer that comes quickly is chance; when most do, it is said.
func TestSooner(t *testing.T) {
	for name, tt := range map[string]struct {
		quick int
		took  time.Duration
		want  int
	}{
		"one":            {1, time.Millisecond, 0},
		"most":           {20, time.Millisecond, 20},
		"not that quick": {20, 60 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAnswered().before(same(300, 64)).exposed(same(25, 64))
			a.add(990*time.Millisecond, same(tt.quick, 64), []edit{within(tt.took), func(r *history.Request) { r.End = max(r.End, time.Second) }})
			if got := a.h.Differences(); len(got) != tt.want {
				t.Errorf("%d are sooner, want %d", len(got), tt.want)
			}
		})
	}
}

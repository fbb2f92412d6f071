package check

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// group is how many requests of one kind a generated history has.
type group struct {
	place   string
	outcome history.Outcome
	n       int
}

// genGroups draws a plausible shutdown: mostly good, so that passes occur and
// the properties are not empty.
func genGroups(t *rapid.T) []group {
	groups := []group{
		{"before", history.Completed, rapid.OneOf(rapid.IntRange(0, 30), rapid.IntRange(30, 40)).Draw(t, "before")},
		{"in flight", history.Completed, rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(25, 50), rapid.IntRange(25, 50)).Draw(t, "in flight")},
		{"late", history.Refused, rapid.IntRange(0, 5).Draw(t, "refused")},
	}
	if !rapid.Bool().Draw(t, "flawed") {
		return groups
	}
	places := rapid.SampledFrom([]string{"before", "in flight", "raced", "late", "after"})
	outcomes := rapid.SampledFrom(append(history.Outcomes(), history.Pending))
	for range rapid.IntRange(1, 3).Draw(t, "flaws") {
		groups = append(groups, group{places.Draw(t, "place"), outcomes.Draw(t, "outcome"), rapid.IntRange(1, 3).Draw(t, "n")})
	}
	return groups
}

// genShutdown draws one shutdown and returns it with what was put into it.
func genShutdown(t *rapid.T, number int) (*history.History, []group) {
	b := newFrame().shutdown(number)
	if rapid.Bool().Draw(t, "ledger") {
		b.withLedger()
	}
	lane := func(r *history.Request) { r.Reused = rapid.Bool().Draw(t, "reused") }
	groups := genGroups(t)
	for _, g := range groups {
		switch g.place {
		case "before":
			b.before(g.outcome, g.n, lane)
		case "in flight":
			b.inFlight(g.outcome, g.n, lane)
		case "raced":
			b.inFlight(g.outcome, g.n, sentAt(signalAt-4*time.Millisecond), endsAt(signalAt+time.Millisecond), lane)
		case "late":
			b.late(g.outcome, g.n, lane)
		case "after":
			b.after(g.outcome, g.n, lane)
		}
	}
	b.exit(rapid.SampledFrom([]history.Exit{{}, {}, {}, {}, {}, {}, {Code: 143}, {Code: -1, Signal: "SIGTERM"}, {Code: 1}, {Killed: true}}).Draw(t, "exit"))
	if rapid.IntRange(0, 5).Draw(t, "deaf") == 5 {
		b.delivered(people(node), people(npm), people(node))
	}
	if rapid.IntRange(0, 5).Draw(t, "survivors") == 5 {
		b.left(false, worker)
	}
	b.edit(func(h *history.History) {
		h.Interrupted = rapid.IntRange(0, 9).Draw(t, "interrupted") == 9
		if rapid.IntRange(0, 9).Draw(t, "lost a result") == 9 {
			h.Results--
		}
	})
	return b.done(), groups
}

// TestNeverPassesALoss is what this package is for. The oracle does not look at
// windows or rules: it knows what it put into the histories.
func TestNeverPassesALoss(t *testing.T) {
	seen := make(map[result.Verdict]int)
	rapid.Check(t, func(t *rapid.T) {
		var all []*history.History
		var groups [][]group
		for i := range rapid.IntRange(1, 3).Draw(t, "shutdowns") {
			h, g := genShutdown(t, i+1)
			all, groups = append(all, h), append(groups, g)
		}
		p := rapid.SampledFrom(Policies()).Draw(t, "policy")
		suite := Judge(all, p)
		for _, flaw := range flaws(suite) {
			t.Error(flaw)
		}
		s := suite.Subjects[0]
		seen[s.Verdict]++
		for i, d := range s.Details {
			checkLosses(t, s, d, groups[i], p.Name)
			if d.Intact && s.Verdict != result.Fail && (len(d.Delivery.Deaf) > 0 || len(d.Left.Processes) > 0 && !all[i].Exit.Killed) {
				t.Fatalf("shutdown %d: the server never got the signal, or left somebody behind, and the verdict is %v", d.Shutdown, s.Verdict)
			}
		}
	})
	for _, v := range []result.Verdict{result.Pass, result.Fail, result.Inconclusive} {
		if seen[v] == 0 {
			t.Errorf("no history came to %v: the property proves nothing of it", v)
		}
	}
}

func checkLosses(t *rapid.T, s result.Subject, d result.Detail, groups []group, policyName string) {
	v := s.Verdict
	for _, g := range groups {
		if g.n == 0 {
			continue
		}
		switch {
		case g.outcome == history.Pending && (v == result.Pass || d.Intact):
			t.Fatalf("shutdown %d: a request never ended, and it is intact %v and the verdict %v", d.Shutdown, d.Intact, v)
		case g.outcome == history.Unsent && d.Intact:
			t.Fatalf("shutdown %d: a request was not sent, and it is intact", d.Shutdown)
		case g.place == "in flight" && g.outcome != history.Completed && g.outcome != history.Refused && d.Intact && v != result.Fail:
			t.Fatalf("shutdown %d: a request in flight was %v, and the verdict is %v", d.Shutdown, g.outcome, v)
		case (g.place == "late" || g.place == "raced") && g.outcome == history.Dropped && v == result.Pass && (policyName == "strict" || policyName == "k8s"):
			t.Fatalf("shutdown %d: a request was dropped (%s), and %s passes it", d.Shutdown, g.place, policyName)
		case (g.place == "late" || g.place == "raced") && g.outcome == history.Dropped && v == result.Pass && len(s.Story) == 0:
			t.Fatalf("shutdown %d: a request was dropped (%s), and it passes in silence", d.Shutdown, g.place)
		case g.place == "raced" && g.outcome != history.Completed && g.outcome != history.Dropped && g.outcome != history.Refused && d.Intact && v != result.Fail:
			t.Fatalf("shutdown %d: a request just before the signal was %v, and the verdict is %v", d.Shutdown, g.outcome, v)
		case g.place == "before" && g.outcome != history.Completed && v == result.Pass:
			t.Fatalf("shutdown %d: a request was %v before the signal, and it passes", d.Shutdown, g.outcome)
		}
	}
}

// TestNeverPassesAnInterruption: an operation passes only if nothing was refused,
// nothing in flight was lost, the process still ran, and the command did its work.
func TestNeverPassesAnInterruption(t *testing.T) {
	seen := make(map[result.Verdict]int)
	rapid.Check(t, func(t *rapid.T) {
		b := newReload()
		groups := genGroups(t)[3:]
		for _, g := range groups {
			switch g.place {
			case "before":
				b.before(g.outcome, g.n)
			case "in flight", "raced":
				b.inFlight(g.outcome, g.n)
			case "late":
				b.late(g.outcome, g.n)
			case "after":
				b.after(g.outcome, g.n)
			}
		}
		ends, code := rapid.IntRange(0, 4).Draw(t, "the process ends") == 4, rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "the command's code")
		b.edit(func(h *history.History) {
			h.Operation.Code = code
			if ends {
				died(history.Exit{})(h)
			}
		})
		suite := Judge([]*history.History{b.done()}, rapid.SampledFrom(Policies()).Draw(t, "policy"))
		for _, flaw := range flaws(suite) {
			t.Error(flaw)
		}
		s := suite.Subjects[0]
		seen[s.Verdict]++
		if s.Verdict == result.Pass && (ends || code != 0) {
			t.Fatalf("the process ended (%v), or the command with %d, and it passes", ends, code)
		}
		for _, g := range groups {
			lost := g.outcome == history.Refused || g.outcome != history.Completed && g.place == "in flight"
			if lost && s.Verdict == result.Pass {
				t.Fatalf("%d requests were %v (%s), and it passes", g.n, g.outcome, g.place)
			}
		}
	})
	for _, v := range []result.Verdict{result.Pass, result.Fail, result.Inconclusive} {
		if seen[v] == 0 {
			t.Errorf("no operation came to %v: the property proves nothing of it", v)
		}
	}
}

// TestNeverPassesALostAck, nor what was done twice, whichever witness tells of it.
func TestNeverPassesALostAck(t *testing.T) {
	seen := make(map[result.Verdict]int)
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.Uint32Range(0, 64), 0, 3, rapid.ID)
		lost, twice := some.Draw(t, "lost"), some.Draw(t, "twice")
		b := newHistory().posts()
		if rapid.Bool().Draw(t, "by the store") {
			b.found().gone(lost...).also(twice...).also(twice...)
		} else {
			b.withLedger()
			if len(lost) > 0 {
				b.edit(neverDone(lost...))
			}
			for _, seq := range twice {
				b.note(seq, history.Executed, history.Executed)
			}
		}
		s := Judge([]*history.History{b.done()}, rapid.SampledFrom(Policies()).Draw(t, "policy")).Subjects[0]
		seen[s.Verdict]++
		lost = slices.DeleteFunc(lost, func(seq uint32) bool { return slices.Contains(twice, seq) })
		if want := len(lost)+len(twice) > 0; want != (s.Verdict == result.Fail) {
			t.Fatalf("%d lost, %d done twice, and the verdict is %v", len(lost), len(twice), s.Verdict)
		}
	})
	if seen[result.Pass] == 0 || seen[result.Fail] == 0 {
		t.Errorf("the property proves nothing: %v", seen)
	}
}

// genWild draws a history without any sense: whatever a file could hold.
func genWild(t *rapid.T) *history.History {
	at := rapid.Map(rapid.Int64Range(-int64(time.Second), 3*int64(time.Second)), func(n int64) time.Duration { return time.Duration(n) })
	requests := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) history.Request {
		r := rapid.Make[history.Request]().Draw(t, "request")
		r.Outcome = history.Outcome(rapid.IntRange(0, 8).Draw(t, "outcome"))
		r.Scheduled, r.Started, r.Sent = at.Draw(t, "scheduled"), at.Draw(t, "started"), at.Draw(t, "sent")
		r.FirstByte, r.End, r.Conn = at.Draw(t, "first byte"), at.Draw(t, "end"), rapid.Uint32Range(0, 3).Draw(t, "conn")
		return r
	}), 0, 30).Draw(t, "requests")
	tidy := rapid.Bool().Draw(t, "tidy") // else it fails at conservation already
	for i := range requests {
		if tidy {
			requests[i].Seq = uint32(i)
		}
	}
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) history.LedgerLine {
		return history.LedgerLine{Seq: rapid.Uint32Range(0, 40).Draw(t, "seq"), Fact: history.Fact(rapid.IntRange(0, 5).Draw(t, "fact"))}
	}), 0, 20).Draw(t, "ledger")
	h := &history.History{
		Header:    history.Header{Shutdown: rapid.IntRange(0, 3).Draw(t, "shutdown"), Position: rapid.IntRange(0, 1).Draw(t, "position")},
		Signal:    history.Signal{Name: "SIGTERM", Sent: rapid.Bool().Draw(t, "sent"), Before: at.Draw(t, "before"), After: at.Draw(t, "after")},
		Exit:      history.Exit{Seen: rapid.Bool().Draw(t, "seen"), At: at.Draw(t, "exit"), Code: rapid.IntRange(-1, 200).Draw(t, "code")},
		Requests:  requests,
		Ledger:    history.Ledger{Lines: lines},
		Scheduled: len(requests), Results: len(requests),
	}
	h.Delivery, h.Left = rapid.Make[history.Delivery]().Draw(t, "delivery"), rapid.Make[history.Left]().Draw(t, "left")
	h.Readiness = history.Readiness{Polls: rapid.IntRange(0, 2).Draw(t, "polls"), Red: at.Draw(t, "red"), Refused: at.Draw(t, "refused")}
	h.Signal.Again = rapid.SliceOfN(rapid.Make[history.Again](), 0, 2).Draw(t, "again")
	h.Operation = rapid.Ptr(rapid.Make[history.Operation](), true).Draw(t, "operation")
	h.Header.Scenario.Disruption.Lag.Duration = at.Draw(t, "lag")
	h.Methods = rapid.SliceOfN(rapid.SampledFrom([]string{"GET", "POST"}), 0, 2).Draw(t, "methods")
	h.Applied = rapid.Make[history.Applied]().Draw(t, "applied")
	h.Applied.Lines = rapid.SliceOfN(rapid.Uint32Range(0, 40), 0, 30).Draw(t, "applied ids")
	return h
}

// wildPolicy draws a policy, perhaps with a limit for late losses.
func wildPolicy(t *rapid.T) Policy {
	p := rapid.SampledFrom(Policies()).Draw(t, "policy")
	p.MaxLoss = rapid.SampledFrom([]float64{0, 0, 0.001, 0.5}).Draw(t, "max-loss")
	return p
}

// TestNonsenseNeverPanicsNorPasses: whatever the histories hold, there is a
// result, it does not contradict itself, and it passes no request that did not
// end or was dropped in flight.
func TestNonsenseNeverPanicsNorPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(genWild), 1, 4).Draw(t, "histories")
		reload := rapid.Bool().Draw(t, "reload")
		for _, h := range all {
			if reload {
				h.Header.Scenario.Disruption.While = []string{"reload"}
			}
		}
		suite := Judge(all, wildPolicy(t))
		for _, s := range suite.Subjects {
			for _, flaw := range countFlaws(s, reload) {
				t.Error(flaw)
			}
			if s.Verdict == result.Pass {
				checkPassed(t, all, s.Name)
			}
		}
	})
}

func checkPassed(t *rapid.T, all []*history.History, name string) {
	for _, h := range all {
		windows, _ := h.Windows()
		for i, w := range windows {
			o := h.Requests[i].Outcome
			if h.Header.Subject == name && (o == history.Pending || w == history.InFlight && o == history.Dropped) {
				t.Fatalf("request %d was %v %v, and it passes", i, w, o)
			}
			r := &h.Requests[i]
			if h.Header.Subject == name && o == history.Completed && r.Status == 200 && h.Method(r) == "POST" &&
				h.Applied.Looked && !slices.Contains(h.Applied.Lines, r.Seq) {
				t.Fatalf("request %d was acknowledged and is gone, and it passes", i)
			}
		}
	}
}

package diff

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/stats"
)

// shutdown is what a hand-made report says of one.
type shutdown struct {
	inFlight, lost  int
	late, lateLost  int
	exit            float64 // seconds; 0 is not seen
	broken, skipped bool    // not intact; intact, and without details
}

// times makes shutdowns that only took a while.
func times(seconds ...float64) []shutdown {
	var all []shutdown
	for _, s := range seconds {
		all = append(all, shutdown{inFlight: 50, exit: s})
	}
	return all
}

// losing makes shutdowns of 50 requests in flight each.
func losing(lost ...int) []shutdown {
	var all []shutdown
	for _, n := range lost {
		all = append(all, shutdown{inFlight: 50, lost: n, exit: 0.1})
	}
	return all
}

// reported is a subject as a report has it after these shutdowns.
func reported(name string, shutdowns ...shutdown) result.Subject {
	s := result.Subject{Name: name, Kind: "strategy", Verdict: result.Pass, Shutdowns: len(shutdowns)}
	var exits []float64
	for i, x := range shutdowns {
		d := result.Detail{
			Shutdown: i + 1, Intact: !x.broken,
			InFlight: history.Counts{Total: x.inFlight, Completed: x.inFlight - x.lost, Dropped: x.lost},
			Late:     history.Counts{Total: x.late + 7, Completed: x.late - x.lateLost, Dropped: x.lateLost, Refused: 7},
		}
		if x.exit > 0 {
			exits = append(exits, x.exit)
			d.Events = []result.Event{{Name: "signal"}, {Name: "exit", MS: 1000 * x.exit}}
		}
		if !x.broken {
			s.ShutdownsIntact++
			s.InFlight, s.Late = s.InFlight.Plus(d.InFlight), s.Late.Plus(d.Late)
			if x.lost > 0 {
				s.ShutdownsFailed++
				s.Verdict = result.Fail
			}
		}
		if !x.skipped {
			s.Details = append(s.Details, d)
		}
	}
	s.ExitSeconds = result.SpreadOf(exits)
	s.Exits = []result.Exit{{Count: len(exits)}}
	return s
}

// found adds what a rule came to, breached in the first so many shutdowns.
func found(s result.Subject, rule string, status result.Status, breached int) result.Subject {
	f := result.Finding{Rule: rule, Status: status, Count: breached, Judged: s.ShutdownsIntact, Detail: "seen " + status.String()}
	for i := range breached {
		f.Evidence = append(f.Evidence, result.Evidence{Shutdown: i + 1})
	}
	if status == result.NotExercised {
		f.Judged = 0
	}
	s.Findings = append(slices.Clone(s.Findings), f)
	return s
}

func judgedAs(s result.Subject, v result.Verdict) result.Subject {
	s.Verdict = v
	return s
}

func suiteOf(subjects ...result.Subject) result.Suite {
	s := result.Suite{Schema: result.Schema, Subjects: subjects}
	s.Scenario.Policy, s.Scenario.Shutdowns = "default", 3
	return s
}

func compared(t interface {
	Helper()
	Fatal(...any)
}, old, latest result.Suite,
) result.Diff {
	t.Helper()
	d, err := Compare(old, latest)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// change finds what became of one thing of the only subject.
func changeOf(t *testing.T, old, latest result.Subject, name string) result.Change {
	t.Helper()
	d := compared(t, suiteOf(old), suiteOf(latest))
	for _, c := range d.Subjects[0].Changes {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no %s in %+v", name, d.Subjects[0].Changes)
	return result.Change{}
}

func TestLosses(t *testing.T) {
	late := func(lost ...int) []shutdown {
		var all []shutdown
		for _, n := range lost {
			all = append(all, shutdown{inFlight: 50, late: 20, lateLost: n})
		}
		return all
	}
	noDetails := losing(50, 50, 50)
	noDetails[1].skipped = true
	withBroken := append(losing(0, 0, 0), shutdown{inFlight: 50, lost: 50, broken: true})
	andOneBroken := append(losing(50, 50, 50), shutdown{inFlight: 50, broken: true})
	tests := []struct {
		name        string
		figure      string
		old, latest []shutdown
		want        result.Direction
		says        string
	}{
		{"all of each shutdown", LostInFlight, losing(0, 0, 0), losing(50, 50, 50), result.Worse, "3 of 3 shutdowns that had any lost some, before: 0 of 3"},
		{"and mended", LostInFlight, losing(50, 50, 50), losing(0, 0, 0), result.Better, "0 of 3 shutdowns that had any lost some, before: 3 of 3"},
		{"some and then all", LostInFlight, losing(1, 2, 3), losing(50, 50, 50), result.Worse, "3 of 3 shutdowns that had any lost some"},
		{"all in one unlucky shutdown", LostInFlight, losing(0, 0, 0), losing(50, 0, 0), result.CannotTell, "share their fate"},
		{"all in two of three", LostInFlight, losing(0, 0, 0), losing(50, 50, 0), result.CannotTell, "share their fate"},
		{"all in one unlucky shutdown of ten", LostInFlight, losing(make([]int, 10)...), losing(50, 0, 0, 0, 0, 0, 0, 0, 0, 0), result.CannotTell, "share their fate"},
		{"all in four of ten", LostInFlight, losing(make([]int, 10)...), losing(50, 50, 50, 50, 0, 0, 0, 0, 0, 0), result.Worse, "4 of 10 shutdowns that had any lost some"},
		{"one here and there", LostInFlight, losing(0, 0, 0, 0), losing(1, 1, 1, 1), result.CannotTell, "it may be chance"},
		{"too few shutdowns", LostInFlight, losing(0, 0), losing(50, 50), result.CannotTell, "2 and 2 are too few to tell: a run of 5 could (--shutdowns 5)"},
		{"two against five", LostInFlight, losing(0, 0), losing(50, 50, 50, 50, 50), result.Worse, "5 of 5 shutdowns that had any lost some"},
		{"two against four", LostInFlight, losing(0, 0), losing(50, 50, 50, 50), result.CannotTell, "2 and 4 are too few"},
		{"nothing in either", LostInFlight, losing(0, 0, 0), losing(0, 0, 0, 0), result.Same, ""},
		{"everything in both", LostInFlight, losing(50, 50, 50), losing(50, 50), result.Same, ""},
		{"nobody in flight now", LostInFlight, losing(0, 0, 0), []shutdown{{}, {}, {}}, result.CannotTell, "no request was in flight in the new report"},
		{"nobody in flight then", LostInFlight, []shutdown{{}, {}, {}}, losing(0, 0, 0), result.CannotTell, "no request was in flight in the old report"},
		{"nobody in flight ever", LostInFlight, []shutdown{{}, {}, {}}, []shutdown{{}}, result.CannotTell, "no request was in flight in either report"},
		{"without each shutdown's counts", LostInFlight, losing(0, 0, 0), noDetails, result.CannotTell, "lacks the counts of each shutdown"},
		{"what was not intact does not count", LostInFlight, losing(0, 0, 0), withBroken, result.Same, ""},
		{"nor does it take back what was", LostInFlight, losing(0, 0, 0), andOneBroken, result.Worse, "3 of 3 shutdowns that had any lost some"},
		{"late ones too", LostLate, late(0, 0, 0), late(20, 20, 20), result.Worse, "3 of 3 shutdowns that had any lost some"},
		{"the refused are not at risk", LostLate, late(20, 20, 20), late(20, 20, 20), result.Same, ""},
		{"no late ones at risk", LostLate, losing(0, 0, 0), late(1, 1, 1), result.CannotTell, "no request was late and at risk in the old report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := changeOf(t, reported("it", tt.old...), reported("it", tt.latest...), tt.figure)
			if c.Direction != tt.want || !strings.Contains(c.Detail, tt.says) || (tt.says == "") != (c.Detail == "") {
				t.Errorf("%v: %q, want %v: %q", c.Direction, c.Detail, tt.want, tt.says)
			}
			if c.Regression != (tt.want == result.Worse) {
				t.Errorf("regression is %v", c.Regression)
			}
		})
	}
}

// TestWhoIsLost counts every outcome once, by prime numbers.
func TestWhoIsLost(t *testing.T) {
	c := history.Counts{Total: 41, Completed: 2, Rejected: 3, Failed: 5, Refused: 7, Dropped: 11, Unsent: 13}
	want := map[string]result.Share{LostInFlight: {Count: 39, Of: 41}, LostLate: {Count: 16, Of: 21}}
	for _, f := range lossFigures() {
		if got := f.share(c, c); got != want[f.name] {
			t.Errorf("%s: %+v, want %+v", f.name, got, want[f.name])
		}
	}
}

func TestLossesShowBothProbabilities(t *testing.T) {
	c := changeOf(t, reported("it", losing(0, 0, 0)...), reported("it", losing(50, 0, 0)...), LostInFlight)
	if *c.PRequests > 1e-12 || *c.PShutdowns < 0.49 || *c.PShutdowns > 0.51 {
		t.Errorf("p is %v and %v, want next to nothing and 0.5", *c.PRequests, *c.PShutdowns)
	}
	if diff := cmp.Diff(&result.Share{Count: 50, Of: 150}, c.New.Share); diff != "" {
		t.Errorf("share (-want +got):\n%s", diff)
	}
}

// TestChanceIsRarelyCalledWorse: of two runs of one server, which loses all in
// flight in some shutdowns, at most one in twenty may be called worse. A test of
// the requests alone would call a third of them that.
func TestChanceIsRarelyCalledWorse(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{3, 5, 10} {
		const runs = 1000
		worse, requestsAlone := 0, 0
		draw := func() []shutdown {
			lost := make([]int, n)
			for i := range lost {
				lost[i] = 50 * rnd.IntN(2)
			}
			return losing(lost...)
		}
		for range runs {
			c := changeOf(t, reported("it", draw()...), reported("it", draw()...), LostInFlight)
			if c.Direction == result.Worse {
				worse++
			}
			if c.PRequests != nil && stats.Significant(*c.PRequests) && rate(*c.New.Share) > rate(*c.Old.Share) {
				requestsAlone++
			}
		}
		if worse > runs*stats.Alpha || requestsAlone < runs/5 {
			t.Errorf("%d shutdowns: of %d runs %d are worse, want at most 5 %%; by the requests alone %d", n, runs, worse, requestsAlone)
		}
	}
}

// TestAFlakyRuleIsNoWorseThanItself: of two reports of one server that breaks a rule
// in some shutdowns and loses what is in flight then, at most one in twenty regresses.
// To be violated once would call as many worse as there are first violations.
func TestAFlakyRuleIsNoWorseThanItself(t *testing.T) {
	for _, flaky := range []float64{0.05, 0.2, 0.5} {
		for _, n := range [][2]int{{3, 3}, {5, 5}, {10, 10}, {20, 20}, {30, 3}} {
			rnd := rand.New(rand.NewPCG(uint64(100*flaky), uint64(n[0])))
			draw := func(n int) result.Suite {
				lost := make([]int, n)
				var evidence []result.Evidence
				for i := range lost {
					if rnd.Float64() < flaky {
						lost[i] = 50
						evidence = append(evidence, result.Evidence{Shutdown: i + 1})
					}
				}
				f := result.Finding{Rule: check.InFlightCompletes, Count: len(evidence), Judged: n, Evidence: evidence, Status: result.Satisfied}
				if len(evidence) > 0 {
					f.Status = result.Violated
				}
				s := reported("it", losing(lost...)...)
				s.Findings = append(s.Findings, f)
				return suiteOf(s)
			}
			runs := 4000 / n[0] // the exact test of ranks takes its time
			regressed, once := 0, 0
			for range runs {
				old, latest := draw(n[0]), draw(n[1])
				if compared(t, old, latest).Regressed() {
					regressed++
				}
				if old.Subjects[0].Verdict == result.Pass && latest.Subjects[0].Verdict == result.Fail {
					once++
				}
			}
			t.Logf("broken in %v, %v shutdowns: %d of %d regress, %d would for one violation", flaky, n, regressed, runs, once)
			if float64(regressed) > float64(runs)*stats.Alpha {
				t.Errorf("broken in %v, %v shutdowns: %d of %d regress", flaky, n, regressed, runs)
			}
		}
	}
}

func TestShutdownsFailed(t *testing.T) {
	tests := []struct {
		name        string
		old, latest []shutdown
		want        result.Direction
		says        string
	}{
		{"none and then all", losing(0, 0, 0), losing(9, 9, 9), result.Worse, ""},
		{"all and then none", losing(9, 9, 9), losing(0, 0, 0), result.Better, ""},
		{"two of three", losing(0, 0, 0), losing(9, 9, 0), result.CannotTell, "it may be chance"},
		{"two of two", losing(0, 0), losing(9, 9), result.CannotTell, "2 and 2 are too few"},
		{"the same share of more", losing(0, 9), losing(0, 9, 0, 9), result.Same, ""},
		{"none intact", losing(0, 0), []shutdown{{broken: true}}, result.CannotTell, "no shutdown could be judged in the new report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := changeOf(t, reported("it", tt.old...), reported("it", tt.latest...), ShutdownsFailed)
			if c.Direction != tt.want || !strings.Contains(c.Detail, tt.says) || c.Regression != (tt.want == result.Worse) {
				t.Errorf("%v, regression %v: %q, want %v: %q", c.Direction, c.Regression, c.Detail, tt.want, tt.says)
			}
		})
	}
}

func TestExitTimes(t *testing.T) {
	onlyRange := func(n int, s result.Spread) result.Subject {
		subject := reported("it", losing(make([]int, n)...)...)
		for i := range subject.Details {
			subject.Details[i].Events = nil
		}
		subject.ExitSeconds = s
		return subject
	}
	at := func(seconds ...float64) result.Subject { return reported("it", times(seconds...)...) }
	stall := shutdown{inFlight: 50, exit: 9, broken: true}
	stalled := append(times(0.1, 0.1, 0.1), stall, stall, stall, stall)
	tests := []struct {
		name        string
		old, latest result.Subject
		want        result.Direction
		says        string
	}{
		{"four beyond four", at(0.1, 0.11, 0.12, 0.13), at(0.2, 0.21, 0.22, 0.23), result.Worse, "100 ms longer in the median, the ranges lie 70 ms apart"},
		{"median back", at(0.2, 0.21, 0.22, 0.23), at(0.1, 0.11, 0.12, 0.13), result.Better, "100 ms shorter"},
		{"five that overlap, median differ", at(0.1, 0.2, 0.3, 0.6, 0.7), at(0.4, 0.5, 0.8, 0.9, 1.0), result.Worse, "500 ms longer"},
		{"five that overlap, median do not", at(0.1, 0.2, 0.3, 0.6, 0.8), at(0.4, 0.5, 0.7, 0.9, 1.0), result.CannotTell, "400 ms longer in the median: it may be chance"},
		{"three beyond three", at(0.1, 0.11, 0.12), at(0.2, 0.21, 0.22), result.Worse, "the ranges lie 80 ms apart"},
		{"three among three", at(0.1, 0.11, 0.5), at(0.2, 0.21, 0.22), result.CannotTell, "3 exits cannot tell (--shutdowns)"},
		{"three among ten", at(0.1, 0.11, 0.35), at(0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2), result.CannotTell, "3 exits cannot tell (--shutdowns)"},
		{"two beyond three", at(0.1, 0.11, 0.12), at(0.9, 1), result.CannotTell, "the ranges lie 780 ms apart: it may be chance; 2 exits cannot tell"},
		{"one beyond one", at(0.1), at(9), result.CannotTell, "8.9 s longer in the median"},
		{"a little of much", at(1, 1, 1, 1), at(1.019, 1.019, 1.019, 1.019), result.Same, ""},
		{"a little more of much", at(1, 1, 1, 1), at(1.02, 1.02, 1.02, 1.02), result.Worse, "20 ms longer"},
		{"a tenth of little", at(0.1, 0.1, 0.1, 0.1), at(0.112, 0.112, 0.112, 0.112), result.Worse, "12 ms longer"},
		{"less than a tenth of little", at(0.1, 0.1, 0.1, 0.1), at(0.109, 0.109, 0.109, 0.109), result.Same, ""},
		{"milliseconds", at(0.001, 0.001, 0.001, 0.001), at(0.005, 0.005, 0.005, 0.005), result.Same, ""},
		{"a stalled machine does not count", at(0.1, 0.1, 0.1), reported("it", stalled...), result.Same, ""},
		{"ranges alone, apart", onlyRange(3, result.Spread{Min: 0.1, Median: 0.2, Max: 0.3}), at(1, 1, 1), result.Worse, "the ranges lie 700 ms apart"},
		{"ranges alone, of two", onlyRange(2, result.Spread{Min: 0.1, Median: 0.2, Max: 0.3}), at(1, 1, 1), result.CannotTell, "2 exits cannot tell"},
		{"ranges alone, overlapping", onlyRange(9, result.Spread{Min: 0.1, Median: 0.2, Max: 1.5}), at(1, 1, 1, 1), result.CannotTell, "it may be chance"},
		{"never seen", at(0.1, 0.1, 0.1), reported("it", losing(0)[0], shutdown{}), result.Same, ""},
		{"not seen now", at(0.1, 0.1, 0.1), reported("it", shutdown{}), result.CannotTell, "no exit was seen in the new report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := changeOf(t, tt.old, tt.latest, ExitTime)
			if c.Direction != tt.want || !strings.Contains(c.Detail, tt.says) || (tt.says == "") != (c.Detail == "") {
				t.Errorf("%v: %q, want %v: %q", c.Direction, c.Detail, tt.want, tt.says)
			}
			if c.Regression {
				t.Error("a longer exit is a regression")
			}
		})
	}
}

// TestExitTimesThatNobodySent: events of a report that was made up.
func TestExitTimesThatNobodySent(t *testing.T) {
	for _, ms := range []float64{-5, 1e300} {
		s := reported("it", times(0.1, 0.1, 0.1)...)
		s.Details[1].Events[1].MS = ms
		if got := exitsOf(&s); got.n != 2 {
			t.Errorf("an exit after %g ms is counted: %+v", ms, got)
		}
	}
}

func TestRules(t *testing.T) {
	const rule = check.ExitStatus
	tests := []struct {
		name                   string
		old, latest            result.Status
		oldTouched, nowTouched int
		want                   result.Direction
		regression             bool
		says                   string
	}{
		{"pass and then fail, once", result.Satisfied, result.Violated, 0, 1, result.CannotTell, false, "breached in 1 of 3 shutdowns, was in 0 of 3: it may be chance"},
		{"pass and then fail, always", result.Satisfied, result.Violated, 0, 3, result.Worse, true, "seen fail"},
		{"warn and then fail, once", result.Warned, result.Violated, 1, 1, result.CannotTell, false, "breached in 1 of 3 shutdowns, was in 0 of 3"},
		{"warn and then fail, always", result.Warned, result.Violated, 3, 3, result.Worse, true, "seen fail"},
		{"fail and then pass", result.Violated, result.Satisfied, 3, 0, result.Better, false, "was: seen fail"},
		{"fail once and then pass", result.Violated, result.Satisfied, 1, 0, result.CannotTell, false, "breached in 0 of 3 shutdowns, was in 1 of 3: it may be chance"},
		{"fail and then warn", result.Violated, result.Warned, 3, 3, result.Better, false, "was: seen fail"},
		{"fail in none that is named and then in all", result.Violated, result.Violated, 0, 3, result.Worse, true, "seen fail"},
		{"fail in one and then in two", result.Violated, result.Violated, 1, 2, result.Same, false, ""},
		{"pass and pass", result.Satisfied, result.Satisfied, 0, 0, result.Same, false, ""},
		{"warned once", result.Satisfied, result.Warned, 0, 1, result.CannotTell, false, "breached in 1 of 3 shutdowns, was in 0 of 3: it may be chance"},
		{"warned always", result.Satisfied, result.Warned, 0, 3, result.Worse, false, "seen warn"},
		{"no longer warned", result.Warned, result.Satisfied, 3, 0, result.Better, false, "was: seen warn"},
		{"warned once less", result.Warned, result.Satisfied, 1, 0, result.CannotTell, false, "it may be chance"},
		{"warned more often", result.Warned, result.Warned, 1, 3, result.Same, false, ""},
		{"pass and not exercised", result.Satisfied, result.NotExercised, 0, 0, result.CannotTell, false, "not-exercised in the new report: seen not-exercised"},
		{"fail and not exercised", result.Violated, result.NotExercised, 3, 0, result.CannotTell, false, "not-exercised in the new report"},
		{"not exercised and pass", result.NotExercised, result.Satisfied, 0, 0, result.CannotTell, false, "not-exercised in the old report; now: seen pass"},
		{"not exercised and fail", result.NotExercised, result.Violated, 0, 3, result.CannotTell, false, "not-exercised in the old report; now: seen fail"},
		{"never exercised", result.NotExercised, result.NotExercised, 0, 0, result.CannotTell, false, ""},
		{"inconclusive", result.Satisfied, result.Unjudged, 0, 0, result.CannotTell, false, "inconclusive in the new report"},
		{"was inconclusive", result.Unjudged, result.Violated, 0, 3, result.CannotTell, false, "inconclusive in the old report; now: seen fail"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := reported("it", losing(0, 0, 0)...)
			c := changeOf(t, found(server, rule, tt.old, tt.oldTouched), found(server, rule, tt.latest, tt.nowTouched), rule)
			if !c.Rule || c.Direction != tt.want || c.Regression != tt.regression {
				t.Errorf("%+v, want %v, regression %v", c, tt.want, tt.regression)
			}
			if !strings.Contains(c.Detail, tt.says) || (tt.says == "") != (c.Detail == "") {
				t.Errorf("says %q, want %q", c.Detail, tt.says)
			}
		})
	}
}

func TestRulesThatAreNewOrGone(t *testing.T) {
	server := reported("it", losing(0, 0, 0)...)
	ruled := found(server, "no-survivors", result.Violated, 1)
	if c := changeOf(t, server, ruled, "no-survivors"); c.Direction != result.CannotTell || c.Regression ||
		c.Detail != "the old report was not judged by this rule; now: seen fail" || c.Old != (result.Value{}) {
		t.Errorf("a new rule: %+v", c)
	}
	if c := changeOf(t, ruled, server, "no-survivors"); c.Direction != result.CannotTell || c.New != (result.Value{}) ||
		c.Detail != "the new report was not judged by this rule" {
		t.Errorf("a rule that is gone: %+v", c)
	}
}

// TestRulesKeepTheirOrder: those that this lastcall knows, and then others.
func TestRulesKeepTheirOrder(t *testing.T) {
	old := found(found(found(reported("it", losing(0)...), "zz", result.Satisfied, 0), check.ExitStatus, result.Satisfied, 0), check.Integrity, result.Unjudged, 1)
	old = found(old, check.Sample, result.Unjudged, 1)
	latest := found(found(old, "aa", result.Satisfied, 0), check.InFlightCompletes, result.Satisfied, 0)
	var names []string
	for _, c := range compared(t, suiteOf(old), suiteOf(latest)).Subjects[0].Changes {
		names = append(names, c.Name)
	}
	want := []string{Verdict, LostInFlight, LostLate, ShutdownsFailed, ExitTime, check.InFlightCompletes, check.ExitStatus, "zz", "aa"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// TestTheWorseOfTwoFindingsCounts: in a report that was put together by hand.
func TestTheWorseOfTwoFindingsCounts(t *testing.T) {
	server := reported("it", losing(0, 0, 0)...)
	for _, order := range [][]result.Status{{result.Violated, result.Satisfied}, {result.Satisfied, result.Violated}} {
		twice := found(found(server, check.ExitStatus, order[0], 3), check.ExitStatus, order[1], 3)
		if c := changeOf(t, found(server, check.ExitStatus, result.Satisfied, 0), twice, check.ExitStatus); c.Direction != result.Worse {
			t.Errorf("%v: %+v, want worse", order, c)
		}
	}
}

func TestVerdicts(t *testing.T) {
	const pass, fail, open = result.Pass, result.Fail, result.Inconclusive
	tests := []struct {
		old, latest result.Verdict
		want        result.Direction
		on          result.Verdict // the change
	}{
		{pass, pass, result.Same, pass},
		{fail, fail, result.Same, pass},
		{pass, fail, result.CannotTell, open}, // no figure proves it
		{fail, pass, result.CannotTell, pass},
		{open, pass, result.CannotTell, pass},
		{open, fail, result.CannotTell, open},
		{pass, open, result.CannotTell, open},
		{fail, open, result.CannotTell, open},
		{open, open, result.CannotTell, open},
	}
	server := reported("it", losing(0, 0, 0)...)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v and then %v", tt.old, tt.latest), func(t *testing.T) {
			old, latest := judgedAs(server, tt.old), judgedAs(server, tt.latest)
			d := compared(t, suiteOf(old), suiteOf(latest))
			if got := d.Subjects[0].Changes[0]; got.Name != Verdict || got.Direction != tt.want {
				t.Errorf("%+v, want %v", got, tt.want)
			}
			wantVerdict(t, d, tt.on)
		})
	}
}

func wantVerdict(t *testing.T, d result.Diff, want result.Verdict) {
	t.Helper()
	if d.Verdict != want || d.Regressed() != (want == result.Fail) || d.Judged() != (want != result.Inconclusive) {
		t.Errorf("%v, regressed %v, judged %v, want %v; %+v", d.Verdict, d.Regressed(), d.Judged(), want, d.Subjects)
	}
	for _, s := range d.Subjects {
		if s.Verdict == result.Inconclusive && len(s.Reasons) == 0 || s.Verdict == result.Pass && len(s.Reasons) > 0 {
			t.Errorf("%s is %v for the reasons %q", s.Name, s.Verdict, s.Reasons)
		}
	}
}

// TestWhatCountsAsRegression covers what a gate lives by.
func TestWhatCountsAsRegression(t *testing.T) {
	server := reported("it", losing(0, 0, 0)...)
	failed := reported("it", losing(50, 50, 50)...)
	broken := func(s result.Subject, status result.Status, touched int) result.Subject {
		return found(judgedAs(s, result.Fail), check.ExitStatus, status, touched)
	}
	unjudged := found(judgedAs(server, result.Inconclusive), check.Integrity, result.Unjudged, 1)
	tests := []struct {
		name        string
		old, latest []result.Subject
		want        result.Verdict
		reason      string
	}{
		{"nothing changed", []result.Subject{server}, []result.Subject{server}, result.Pass, ""},
		{"it lost before, and does", []result.Subject{failed}, []result.Subject{failed}, result.Pass, ""},
		{"it lost before, and does not", []result.Subject{failed}, []result.Subject{server}, result.Pass, ""},
		{"it loses", []result.Subject{server}, []result.Subject{failed}, result.Fail, ""},
		{"it failed by one rule, and does by another too", []result.Subject{broken(server, result.Satisfied, 0)}, []result.Subject{broken(server, result.Violated, 3)}, result.Fail, ""},
		{
			"a rule that is violated once",
			[]result.Subject{found(server, check.ExitStatus, result.Satisfied, 0)},
			[]result.Subject{broken(server, result.Violated, 1)},
			result.Inconclusive, "The rule exit-status is violated: breached in 1 of 3 shutdowns, was in 0 of 3: it may be chance.",
		},
		{"a rule that failed before", []result.Subject{broken(server, result.Violated, 1)}, []result.Subject{broken(server, result.Violated, 3)}, result.Pass, ""},
		{
			"a rule that was not exercised before",
			[]result.Subject{broken(server, result.NotExercised, 0)},
			[]result.Subject{broken(server, result.Violated, 3)},
			result.Inconclusive, "The rule exit-status is violated, and the old report does not say whether it was violated before.",
		},
		{"the exit takes longer", []result.Subject{reported("it", times(1, 1, 1, 1)...)}, []result.Subject{reported("it", times(9, 9, 9, 9)...)}, result.Pass, ""},
		{"it was not judged", []result.Subject{server}, []result.Subject{unjudged}, result.Inconclusive, "The new report could not judge it: seen inconclusive."},
		{"it was not judged before", []result.Subject{unjudged}, []result.Subject{server}, result.Pass, ""},
		{"it is gone", []result.Subject{server, reported("other", losing(0)...)}, []result.Subject{server}, result.Inconclusive, "It is missing"},
		{"it is new", []result.Subject{server}, []result.Subject{server, reported("other", losing(0)...)}, result.Inconclusive, "It is new"},
		{"one is worse and one is gone", []result.Subject{server, reported("other", losing(0)...)}, []result.Subject{failed}, result.Fail, "It is missing"},
		{
			"it loses, and another shutdown was not judged",
			[]result.Subject{server},
			[]result.Subject{found(judgedAs(failed, result.Inconclusive), check.Integrity, result.Unjudged, 1)},
			result.Fail, "The new report could not judge it",
		},
		{"nothing to compare", nil, nil, result.Inconclusive, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := compared(t, suiteOf(tt.old...), suiteOf(tt.latest...))
			if d.Verdict != tt.want || d.Regressed() != (tt.want == result.Fail) {
				t.Errorf("%v, want %v: %+v", d.Verdict, tt.want, d.Subjects)
			}
			var reasons []string
			for _, s := range d.Subjects {
				reasons = append(reasons, s.Reasons...)
			}
			if said := strings.Join(reasons, " "); !strings.Contains(said, tt.reason) || (said == "") != (tt.reason == "") {
				t.Errorf("reasons %q, want %q", said, tt.reason)
			}
		})
	}
}

func TestOneGoneAmongWorseIsNotJudged(t *testing.T) {
	old := suiteOf(reported("gone", losing(0)...), reported("it", losing(0, 0, 0)...))
	d := compared(t, old, suiteOf(reported("it", losing(9, 9, 9)...), reported("new", losing(0)...)))
	if d.Judged() || !d.Regressed() {
		t.Errorf("judged %v, regressed %v", d.Judged(), d.Regressed())
	}
	var names []string
	for _, s := range d.Subjects {
		names = append(names, fmt.Sprintf("%s %v %v", s.Name, s.InOld, s.InNew))
	}
	if diff := cmp.Diff([]string{"gone true false", "it true true", "new false true"}, names); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}
}

func TestAnInterruptedRunIsNotGreen(t *testing.T) {
	whole, partial := suiteOf(reported("it", losing(0, 0, 0)...)), suiteOf(reported("it", losing(0, 0, 0)...))
	partial.Status = result.SuiteInterrupted
	d := compared(t, whole, partial)
	wantVerdict(t, d, result.Inconclusive)
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "the new run was interrupted") {
		t.Errorf("warnings %q", d.Warnings)
	}
	d = compared(t, partial, whole)
	wantVerdict(t, d, result.Pass)
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "the old run was interrupted") {
		t.Errorf("warnings %q", d.Warnings)
	}
}

// TestAnotherPolicy asks other things: what differs may be its doing.
func TestAnotherPolicy(t *testing.T) {
	strict := func(subjects ...result.Subject) result.Suite {
		s := suiteOf(subjects...)
		s.Scenario.Policy = "strict"
		return s
	}
	server := reported("it", losing(0, 0, 0)...)
	warned := found(server, check.ExitStatus, result.Warned, 3)
	violated := found(judgedAs(server, result.Fail), check.ExitStatus, result.Violated, 3)
	d := compared(t, suiteOf(warned), strict(violated))
	wantVerdict(t, d, result.Inconclusive)
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "policy strict (was default)") {
		t.Errorf("warnings %q", d.Warnings)
	}
	d = compared(t, suiteOf(found(server, check.ExitStatus, result.Satisfied, 0)), strict(violated))
	wantVerdict(t, d, result.Fail) // what was not there at all is worse under any policy
	d = compared(t, suiteOf(reported("it", losing(0, 0, 0)...)), strict(judgedAs(reported("it", losing(9, 9, 9)...), result.Pass)))
	for _, c := range d.Subjects[0].Changes {
		if c.Name == ShutdownsFailed && (c.Direction != result.CannotTell || !strings.Contains(c.Detail, "policies differ")) {
			t.Errorf("%+v", c)
		}
	}
}

func TestConditionsThatDifferAreNamed(t *testing.T) {
	for want, edit := range map[string]func(*scenario.Scenario){
		"rate 9 (was 0)":               func(s *scenario.Scenario) { s.Load.Rate = 9 },
		"delay 1s (was 0s)":            func(s *scenario.Scenario) { s.Subject.Delay = scenario.Seconds(1) },
		"method POST (was none)":       func(s *scenario.Scenario) { s.Load.Method = "POST" },
		"connections fresh (was none)": func(s *scenario.Scenario) { s.Load.Connections = scenario.Fresh },
		"signal SIGINT (was none)":     func(s *scenario.Scenario) { s.Disruption.Signal = "SIGINT" },
		"grace 2s (was none)":          func(s *scenario.Scenario) { s.Disruption.Grace = scenario.Seconds(2) },
		"timeout 2s (was none)":        func(s *scenario.Scenario) { s.Load.Timeout = scenario.Seconds(2) },
		"warm-up 2s (was 0s)":          func(s *scenario.Scenario) { s.Load.WarmUp = scenario.Seconds(2) },
		"tail 2s (was 0s)":             func(s *scenario.Scenario) { s.Load.Tail = scenario.Seconds(2) },
		"max-open 2 (was 0)":           func(s *scenario.Scenario) { s.Load.MaxOpen = 2 },
		"policy strict (was default)":  func(s *scenario.Scenario) { s.Policy = "strict" },
		"shutdowns 9 (was 3)":          func(s *scenario.Scenario) { s.Shutdowns = 9 },
		"scenario other (was none)":    func(s *scenario.Scenario) { s.Name = "other" },
		"needs no-lost-ack (was none)": func(s *scenario.Scenario) { s.Needs = []string{"no-lost-ack"} },
		"parked websocket=/a,5, silent,1 (was none)": func(s *scenario.Scenario) {
			s.Load.Parked = []scenario.Park{{Kind: scenario.WebSocket, URL: "/a", Count: 5}, {Kind: scenario.Silent, Count: 1}}
		},
		"exit codes 143, 1 (was none), rules exit-status=off (was none)": func(s *scenario.Scenario) {
			s.Overrides.ExitCodes, s.Overrides.Rules = []int{143, 1}, map[string]string{check.ExitStatus: "off"}
		},
		"": func(*scenario.Scenario) {},
	} {
		old, latest := suiteOf(), suiteOf()
		edit(&latest.Scenario)
		var wants []string
		if want != "" {
			wants = []string{"the two runs had different conditions, which may explain the differences: " + want}
		}
		if got := compared(t, old, latest).Warnings; !slices.Equal(got, wants) {
			t.Errorf("warnings %q, want %q", got, wants)
		}
	}
}

func TestAnotherMachineIsNamed(t *testing.T) {
	old, latest := suiteOf(), suiteOf()
	old.Environment = history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1", Kernel: "6"}
	latest.Environment = history.Environment{OS: "linux", Arch: "arm64", CPUs: 1, Go: "go2", Kernel: "7"}
	want := "the two runs were made on different machines, so their times may differ: linux/arm64 with 1 CPU, was linux/amd64 with 2 CPUs"
	if got := compared(t, old, latest).Warnings; !slices.Equal(got, []string{want}) {
		t.Errorf("warnings %q", got)
	}
	latest.Environment.Arch, latest.Environment.CPUs = "amd64", 2
	if got := compared(t, old, latest).Warnings; len(got) != 0 {
		t.Errorf("another Go and kernel: warnings %q", got)
	}
}

func TestCompareRefusesWhatCannotBe(t *testing.T) {
	subject := func(edit func(*result.Subject)) result.Suite {
		s := reported("it", losing(0, 0, 0)...)
		edit(&s)
		return suiteOf(s)
	}
	schema := suiteOf()
	schema.Schema = "lastcall/suite/v2"
	for want, s := range map[string]result.Suite{
		`its schema is "lastcall/suite/v2", not "lastcall/suite/v1"`: schema,
		`subject 1 has no name`:                   subject(func(s *result.Subject) { s.Name = "" }),
		`it has the subject "it" twice`:           suiteOf(reported("it"), reported("it")),
		`of 3 shutdowns 3 were intact and 4`:      subject(func(s *result.Subject) { s.ShutdownsFailed = 4 }),
		`of 3 shutdowns 3 were intact and -1`:     subject(func(s *result.Subject) { s.ShutdownsFailed = -1 }),
		`of 3 shutdowns 4 were intact`:            subject(func(s *result.Subject) { s.ShutdownsIntact = 4 }),
		`-1 requests have one outcome`:            subject(func(s *result.Subject) { s.InFlight.Completed = -1 }),
		`151 requests have an outcome`:            subject(func(s *result.Subject) { s.InFlight.Dropped++ }),
		`22 requests have an outcome`:             subject(func(s *result.Subject) { s.Late.Dropped++ }),
		`51 requests have an outcome`:             subject(func(s *result.Subject) { s.Details[2].InFlight.Failed++ }),
		`2000000000000 requests have one outcome`: subject(func(s *result.Subject) { s.Late.Refused = 2e12 }),
		`its exits took from -1 to`:               subject(func(s *result.Subject) { s.ExitSeconds.Min = -1 }),
		`median 9`:                                subject(func(s *result.Subject) { s.ExitSeconds.Median = 9 }),
		`to 1e+10 s`:                              subject(func(s *result.Subject) { s.ExitSeconds.Max = 1e10 }),
		`the rule "exit-status" counts -1 of 3`:   suiteOf(found(reported("it", losing(0, 0, 0)...), check.ExitStatus, result.Violated, 0)),
	} {
		for i := range s.Subjects {
			for j := range s.Subjects[i].Findings {
				s.Subjects[i].Findings[j].Count = -1
			}
		}
		for side, err := range map[string]error{"old": errorOf(s, suiteOf()), "new": errorOf(suiteOf(), s)} {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), side+" report: ") {
				t.Errorf("%s report: %v, want %q", side, err, want)
			}
		}
	}
}

func errorOf(old, latest result.Suite) error {
	_, err := Compare(old, latest)
	return err
}

// drawn is any report of one subject, however odd.
func drawn(t *rapid.T, label string) result.Suite {
	n := rapid.IntRange(0, 8).Draw(t, label+" shutdowns")
	var shutdowns []shutdown
	for i := range n {
		x := shutdown{inFlight: rapid.IntRange(0, 60).Draw(t, fmt.Sprint(label, i)), late: rapid.IntRange(0, 9).Draw(t, "late")}
		x.lost, x.lateLost = rapid.IntRange(0, x.inFlight).Draw(t, "lost"), rapid.IntRange(0, x.late).Draw(t, "late lost")
		x.exit = float64(rapid.IntRange(0, 500).Draw(t, "exit")) / 1000
		x.broken, x.skipped = rapid.IntRange(0, 9).Draw(t, "broken") == 0, rapid.IntRange(0, 9).Draw(t, "skipped") == 0
		shutdowns = append(shutdowns, x)
	}
	s := reported("it", shutdowns...)
	s.Verdict = result.Verdict(rapid.IntRange(0, 2).Draw(t, "verdict"))
	for _, rule := range []string{check.InFlightCompletes, check.ExitStatus, "other"} {
		status := result.Status(rapid.IntRange(-1, 4).Draw(t, rule))
		if status > result.Violated {
			continue // the rule is missing
		}
		touched := 0
		if status >= result.Warned && s.ShutdownsIntact > 0 {
			touched = rapid.IntRange(1, s.ShutdownsIntact).Draw(t, "touched")
		}
		s = found(s, rule, status, touched)
	}
	return suiteOf(s)
}

// TestCompareIsFair: a report is no worse than itself, what is worse one way is
// better the other way, and every verdict follows from what is shown.
func TestCompareIsFair(t *testing.T) {
	opposite := map[result.Direction]result.Direction{
		result.Worse: result.Better, result.Better: result.Worse, result.Same: result.Same, result.CannotTell: result.CannotTell,
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawn(t, "old"), drawn(t, "new")
		there, back, self := compared(t, a, b), compared(t, b, a), compared(t, a, a)
		if self.Regressed() {
			t.Fatalf("worse than itself: %+v", self.Subjects)
		}
		backwards := make(map[string]result.Change)
		for _, c := range back.Subjects[0].Changes {
			backwards[c.Name] = c
		}
		regressed := false
		for _, c := range there.Subjects[0].Changes {
			regressed = regressed || c.Regression
			if c.Regression && c.Direction != result.Worse {
				t.Fatalf("a regression that is not worse: %+v", c)
			}
			if c.Name == ExitTime {
				continue // a tenth of the longer time is more than a tenth of the shorter
			}
			if got := backwards[c.Name]; got.Direction != opposite[c.Direction] {
				t.Fatalf("%+v, and backwards %+v", c, got)
			}
		}
		if there.Regressed() != regressed {
			t.Fatalf("regressed %v: %+v", there.Regressed(), there.Subjects)
		}
		subject := there.Subjects[0]
		if subject.Verdict == result.Pass && len(subject.Reasons) > 0 || subject.Verdict == result.Inconclusive && len(subject.Reasons) == 0 {
			t.Fatalf("%v for the reasons %q", subject.Verdict, subject.Reasons)
		}
		if there.Judged() && !regressed && b.Subjects[0].Verdict == result.Inconclusive {
			t.Fatal("inconclusive is green")
		}
	})
}

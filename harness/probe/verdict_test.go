package probe

import (
	"strings"
	"testing"
	"time"

	"lastcall/harness/result"
)

// asked is the severity of a policy that warns of what is excused, and does not ask
// for readiness.
func asked(rule string, excused bool) result.ProbeStatus {
	switch {
	case rule == ruleReady:
		return result.ProbeSkip
	case excused:
		return result.ProbeWarn
	}
	return result.ProbeFail
}

func TestVerdictOfSightings(t *testing.T) {
	whole := Sighting{Reached: true, Of: 2, Proof: "seen", Seen: "all answered"}
	lost := Sighting{Reached: true, Of: 2, Lost: 1, Proof: "seen", Seen: "one lost"}
	bad := Sighting{Reached: true, Bad: true, Seen: "killed"}
	mild := Sighting{Reached: true, Bad: true, Excused: true, Seen: "late"}
	elsewhere := Sighting{Reached: true, Bad: true, Rule: ruleReady, Seen: "not red"}
	never := Sighting{Why: "it waits in the accept queue"}
	none := Sighting{Skip: "no such thing"}
	placed, race := Case{ID: "a/b", Rule: ruleInFlight}, Case{ID: "a/c", Rule: ruleLate, Race: true}
	tests := []struct {
		name     string
		c        Case
		seen     []Sighting
		want     result.ProbeStatus
		lost, of int
		says     string
	}{
		{"all agree that it is well", placed, []Sighting{whole, whole, whole}, result.ProbePass, 0, 6, "all answered"},
		{"all agree that it is not", placed, []Sighting{lost, lost}, result.ProbeFail, 2, 4, "one lost"},
		{"broken without a loss", placed, []Sighting{bad, bad}, result.ProbeFail, 0, 0, "killed"},
		{"a loss and a breach are both broken", placed, []Sighting{bad, lost}, result.ProbeFail, 1, 2, "one lost"},
		{"one loss is proof of what can be lost", placed, []Sighting{whole, lost, whole}, result.ProbeFail, 1, 6, "one lost; in 1 of 3 repeats: not always"},
		{"one breach without a loss is proof as well", placed, []Sighting{whole, bad}, result.ProbeFail, 0, 2, "killed; in 1 of 2 repeats: not always"},
		{"never reached", placed, []Sighting{never, never}, result.ProbeInconclusive, 0, 0, "not reached: it waits"},
		{"not reached once, and else well", placed, []Sighting{whole, never}, result.ProbeInconclusive, 0, 2, "in 1 of 2 repeats: it waits"},
		{"not reached once, and else broken", placed, []Sighting{lost, never}, result.ProbeFail, 1, 2, "one lost; in 1 of 2 repeats"},
		{"excused", placed, []Sighting{mild, mild}, result.ProbeWarn, 0, 0, "late"},
		{"the worst is told of", placed, []Sighting{mild, bad}, result.ProbeFail, 0, 0, "killed"},
		{"another rule is broken, for which nobody asks", placed, []Sighting{elsewhere}, result.ProbeSkip, 0, 0, "the policy does not require"},
		{"another rule is broken too, for which nobody asks", placed, []Sighting{elsewhere, mild}, result.ProbeWarn, 0, 0, "late"},
		{"a skip hides no breach", placed, []Sighting{none, lost}, result.ProbeFail, 1, 2, "one lost; in 1 of 2"},
		{"a skip is no pass", placed, []Sighting{whole, none}, result.ProbeInconclusive, 0, 2, "differ: 1 of 2 could not be probed: no such thing"},
		{"a skip hides no state that was not reached", placed, []Sighting{none, never}, result.ProbeInconclusive, 0, 0, "1 of 2 could not be probed"},
		{"it does not apply", placed, []Sighting{none, none}, result.ProbeSkip, 0, 0, "no such thing"},
		{"a race that nobody lost", race, []Sighting{whole, whole}, result.ProbePass, 0, 4, "all answered"},
		{"one loss proves a race", race, []Sighting{whole, lost, whole}, result.ProbeWarn, 1, 6, "one lost; in 1 of 3 repeats"},
		{"one loss proves it though another was not reached", race, []Sighting{never, lost}, result.ProbeWarn, 1, 2, "in 1 of 2"},
		{"no loss, and not all were reached", race, []Sighting{never, whole}, result.ProbeInconclusive, 0, 2, "not reached in 1 of 2"},
		{"nothing was seen", race, nil, result.ProbeInconclusive, 0, 0, "no reason is known"},
	}
	for _, tt := range tests {
		p := judge(tt.c, tt.seen, asked)
		if p.Status != tt.want || p.Lost != tt.lost || p.Of != tt.of || !strings.Contains(p.Seen, tt.says) {
			t.Errorf("%s: %s, %d of %d, %q; want %s, %d of %d, with %q", tt.name, p.Status, p.Lost, p.Of, p.Seen, tt.want, tt.lost, tt.of, tt.says)
		}
	}
}

func TestVerdictOfAllProbes(t *testing.T) {
	const inconclusive, pass, warn, fail, skip = result.ProbeInconclusive, result.ProbePass, result.ProbeWarn, result.ProbeFail, result.ProbeSkip
	for _, tt := range []struct {
		all  []result.ProbeStatus
		want result.Verdict
	}{
		{nil, result.Inconclusive},
		{[]result.ProbeStatus{skip, skip}, result.Inconclusive},
		{[]result.ProbeStatus{skip, pass}, result.Pass},
		{[]result.ProbeStatus{warn}, result.Pass},
		{[]result.ProbeStatus{pass, inconclusive}, result.Inconclusive},
		{[]result.ProbeStatus{pass, inconclusive, fail, skip}, result.Fail},
	} {
		var probes []result.Probe
		for _, s := range tt.all {
			probes = append(probes, result.Probe{Status: s})
		}
		if got := Verdict(probes); got != tt.want {
			t.Errorf("%v come to %s, want %s", tt.all, got, tt.want)
		}
	}
}

// TestCatalogue: every case says all that a reader needs, under a name of its own.
func TestCatalogue(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range Catalogue() {
		if seen[c.ID] || strings.Count(c.ID, "/") != 1 {
			t.Errorf("%q is no name, or there twice", c.ID)
		}
		seen[c.ID] = true
		for what, text := range map[string]string{"state": c.State, "requirement": c.Requires, "reference": c.Reference, "remedy": c.Remedy, "rule": c.Rule} {
			if text == "" {
				t.Errorf("%s has no %s", c.ID, what)
			}
		}
		if !strings.HasSuffix(c.Requires, ".") || !strings.HasSuffix(c.Remedy, ".") {
			t.Errorf("%s: what is asked and the remedy are sentences", c.ID)
		}
		if len(c.State) > 48 {
			t.Errorf("%s: the state %q is longer than two lines of the table", c.ID, c.State)
		}
		if c.run == nil {
			t.Errorf("%s does nothing", c.ID)
		}
	}
}

func TestSummaryOfAttempts(t *testing.T) {
	const ms = 1_000_000
	ok := answer{whole: true, status: 200}
	cut := answer{end: reset, bare: true}
	hung := answer{end: timeout, bare: true}
	for _, tt := range []struct {
		name string
		all  []attempt
		lost int
		says string
	}{
		{"served and then refused", []attempt{{at: 0, answer: ok}, {at: 5 * ms, answer: ok}, {at: 10 * ms, refused: true}}, 0, "served until 5 ms, refused from 10 ms after the signal; tolerates a load balancer lag of 10 ms"},
		{"lost at the edge", []attempt{{at: 0, answer: ok}, {at: 5 * ms, answer: cut}, {at: 10 * ms, refused: true}}, 0, "1 were lost when the listener closed: one opened 5 ms after the signal was reset (RST)"},
		{"lost at the edge, and refused much later", []attempt{{at: 0, answer: cut}, {at: 100 * ms, refused: true}}, 0, "1 were lost when the listener closed"},
		{"lost for long", []attempt{{at: 0, answer: cut}, {at: 80 * ms, answer: cut}, {at: 100 * ms, refused: true}}, 2, "2 were accepted and never answered: one opened 0 ms after the signal was reset (RST) without an answer"},
		{"lost, and others served", []attempt{{at: 0, answer: cut}, {at: 80 * ms, answer: ok}, {at: 100 * ms, refused: true}}, 1, "1 were accepted and never answered"},
		{"hung at the edge", []attempt{{at: 5 * ms, answer: hung}, {at: 10 * ms, refused: true}}, 1, "never answered"},
		{"lost, and never refused", []attempt{{at: 5 * ms, answer: cut}}, 1, "none was served after the signal, and never refused"},
		{"a full accept queue is nobody's loss, and no refusal", []attempt{{at: 0, answer: ok}, {at: 5 * ms, waited: true}}, 0, "never refused; tolerates a load balancer lag of 5 ms; 1 were neither refused nor accepted"},
		{"declined is no loss", []attempt{{at: 0, answer: answer{whole: true, status: 503}}, {at: 10 * ms, refused: true}}, 0, "none was served, refused from 10 ms after the signal; tolerates a load balancer lag of 0 ms"},
	} {
		if s := summarise(tt.all); s.lost != tt.lost || !strings.Contains(s.String(), tt.says) {
			t.Errorf("%s: %d lost, %q; want %d, with %q", tt.name, s.lost, s, tt.lost, tt.says)
		}
	}
}

// TestJudgeAttempts: what is lost in the race at the close of the listener is lost,
// and excused unless more is; what is our own shortage is no verdict.
func TestJudgeAttempts(t *testing.T) {
	const ms = time.Millisecond
	ok, cut := answer{whole: true, status: 200}, answer{end: reset, bare: true}
	served, refused := attempt{at: 0, answer: ok}, attempt{at: 60 * ms, refused: true}
	for _, tt := range []struct {
		name    string
		lag     time.Duration
		all     []attempt
		lost    int
		excused bool
		rule    string // of a breach without a loss
		err     string
	}{
		{"served, and then refused", 0, []attempt{served, refused}, 0, true, "", ""},
		{"one lost at the edge", 0, []attempt{served, {at: 55 * ms, answer: cut}, refused}, 1, true, "", ""},
		{"one lost, and one served later", 0, []attempt{{at: 0, answer: cut}, {at: 55 * ms, answer: ok}, refused}, 1, false, "", ""},
		{"lost at the edge, within the lag", time.Second, []attempt{served, {at: 55 * ms, answer: cut}, refused}, 1, false, ruleLag, ""},
		{"refused within the lag", time.Second, []attempt{served, refused}, 0, false, ruleLag, ""},
		{"the first too late", 0, []attempt{{at: 11 * ms, answer: ok}, refused}, 0, true, "", "only 11 ms after"},
		{"not refused but unheard", 0, []attempt{served, {at: 5 * ms, waited: true}}, 0, true, "", "1 of 2 connections were neither refused nor accepted within 500ms"},
		{"unheard within the lag", time.Second, []attempt{served, {at: 5 * ms, waited: true}}, 0, true, "", "neither refused nor accepted"},
		{"unheard, and another lost", 0, []attempt{{at: 0, answer: cut}, {at: 5 * ms, waited: true}}, 1, false, "", "neither refused nor accepted"},
	} {
		s, err := (&bench{plan: &Plan{Lag: tt.lag, Bound: true}}).judgeAttempts(tt.all)
		if s.Lost != tt.lost || s.Excused != tt.excused || s.Rule != tt.rule || s.Bad != (tt.rule != "") || s.Of != len(tt.all) {
			t.Errorf("%s: %+v", tt.name, s)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
}

// TestSince: what began before the signal says nothing of what comes after it.
func TestSince(t *testing.T) {
	now := time.Now()
	all := (&attempts{all: []attempt{{began: now.Add(-1)}, {began: now}, {began: now.Add(time.Second)}}}).since(now)
	if len(all) != 2 || all[0].at != 0 || all[1].at != time.Second {
		t.Errorf("%+v", all)
	}
}

// TestEdgeOfTheListener: what is lost as the listener closes counts where a platform
// asks for it, and is told of elsewhere.
func TestEdgeOfTheListener(t *testing.T) {
	atEdge := []attempt{{at: 0, answer: answer{end: reset, bare: true}}, {at: 100 * time.Millisecond, refused: true}}
	for bound, lost := range map[bool]int{true: 1, false: 0} {
		s, err := (&bench{plan: &Plan{Bound: bound}}).judgeAttempts(atEdge)
		if err != nil || s.Lost != lost || s.Excused != bound || !strings.Contains(s.Seen, "1 were lost when the listener closed") {
			t.Errorf("a platform asks: %t; %d lost, excused %t, %q: %v", bound, s.Lost, s.Excused, s.Seen, err)
		}
	}
}

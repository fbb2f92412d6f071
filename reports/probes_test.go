package reports

import (
	"slices"
	"strings"
	"testing"

	"lastcall/harness/result"
)

// probes are one of each status.
func probes() []result.Probe {
	lost := result.Probe{
		Probe: "http1/in-handler", Variant: "warm", Status: result.ProbeFail, Lost: 3, Of: 3, Repeats: 3, Bugs: []string{"B05", "B06"},
		State: "request read, handler running", Seen: "closed (FIN) without an answer, 1 ms after the signal",
		Proof:       "the server's ledger said received, and nothing had come back",
		Requirement: "A request in its handler is answered as it would be without the signal.",
		Reference:   "Go net/http Server.Shutdown; RFC 9112 section 9.6", Remedy: "Wait for the requests in flight before the process ends.",
	}
	well := lost
	well.Variant, well.Status, well.Lost, well.Seen = "cold", result.ProbePass, 0, "answered 200, with Connection: close"
	race := lost
	race.Probe, race.Variant, race.Status, race.Lost, race.Of = "accept/backlog", "", result.ProbeWarn, 150, 450
	race.State, race.Seen = "in the accept queue, request sent", "150 of 150 lost: 150 reset (RST) without an answer; in 1 of 3 repeats"
	differ := lost
	differ.Probe, differ.Variant, differ.Status, differ.Lost = "http1/partial-body", "cold", result.ProbeInconclusive, 1
	differ.Seen = "the repeats differ: in 1 of 3 it was seen broken: cut after 12 bytes of a 200: closed (FIN)"
	unknown := lost
	unknown.Probe, unknown.Variant, unknown.Status, unknown.Lost, unknown.Of, unknown.Repeats = "http1/websocket", "", result.ProbeSkip, 0, 0, 0
	unknown.Seen, unknown.Proof, unknown.Remedy = "needs --ws-url", "", "give --ws-url"
	return []result.Probe{race, differ, well, lost, unknown}
}

// onlyProbes is a subject that was put under no load.
func onlyProbes(name string, verdict result.Verdict, probes ...result.Probe) result.Subject {
	return result.Subject{
		Name: name, Kind: "strategy", Verdict: verdict, Story: []string{}, Probes: probes,
		Exits: []result.Exit{}, Findings: []result.Finding{}, Details: []result.Detail{},
	}
}

func probed() result.Suite {
	hostile := probes()[3]
	hostile.Seen, hostile.Status = "killed 7 (\x1b[31m<b>::error::no|\u202e) still ran", result.ProbeWarn
	suite := suiteOf(onlyProbes("naive", result.Fail, probes()...), onlyProbes("a|<b>\x1b[2J", result.Pass, hostile))
	suite.Status = result.SuiteFail
	return suite
}

func skippedProbes() result.Suite {
	suite := suiteOf(onlyProbes("server", result.Inconclusive, probes()[4]))
	suite.Subjects[0].Kind = "command"
	suite.Status = result.SuiteInconclusive
	return suite
}

// shows are the formats that show probes in words.
func shows() []Format {
	return slices.DeleteFunc(All(Style{}), func(f Format) bool {
		return !slices.Contains([]string{"table", "junit", "markdown", "github"}, f.Name)
	})
}

// TestProbesAlone: where there was no load nothing is said of requests.
func TestProbesAlone(t *testing.T) {
	for _, f := range shows() {
		text := render(t, f.Render, probed())
		for _, word := range []string{"in flight kept", "at risk", "requests/s", "0 completed", "no finding says why"} {
			if strings.Contains(text, word) {
				t.Errorf("%s says %q:\n%s", f.Name, word, text)
			}
		}
		for _, word := range []string{"http1/in-handler", "closed (FIN) without an answer"} {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not say %q:\n%s", f.Name, word, text)
			}
		}
	}
}

// TestProbesAndLoad: a subject can have been put through both.
func TestProbesAndLoad(t *testing.T) {
	suite := passing()
	suite.Subjects[0].Probes = probes()
	for _, f := range shows() {
		text := render(t, f.Render, suite)
		if !strings.Contains(text, "http1/partial-body") {
			t.Errorf("%s does not show the probes:\n%s", f.Name, text)
		}
	}
}

// TestMatrixOfMany: what does not fit into one table goes on below.
func TestMatrixOfMany(t *testing.T) {
	var subjects []result.Subject
	for range 40 {
		subjects = append(subjects, onlyProbes("one", result.Fail, probes()...))
	}
	text := render(t, Style{Matrix: true}.Table, suiteOf(subjects...))
	for line := range strings.SplitSeq(text, "\n") {
		if columns(line) > matrixWidth {
			t.Errorf("%d columns: %q", columns(line), line)
		}
	}
	if n := strings.Count(text, " http1/in-handler warm"); n != 2 {
		t.Errorf("the row is there %d times, want twice:\n%s", n, text)
	}
}

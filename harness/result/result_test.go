package result_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// TestNames: reports and scripts read them.
func TestNames(t *testing.T) {
	tests := []struct {
		got  fmt.Stringer
		want string
	}{
		{result.Inconclusive, "inconclusive"},
		{result.Pass, "pass"},
		{result.Fail, "fail"},
		{result.Unjudged, "inconclusive"},
		{result.NotExercised, "not-exercised"},
		{result.Satisfied, "pass"},
		{result.Warned, "warn"},
		{result.Violated, "fail"},
		{result.SuiteInconclusive, "inconclusive"},
		{result.SuitePass, "pass"},
		{result.SuiteFail, "fail"},
		{result.SuiteInterrupted, "interrupted"},
		{result.ProbeInconclusive, "inconclusive"},
		{result.ProbePass, "pass"},
		{result.ProbeWarn, "warn"},
		{result.ProbeFail, "fail"},
		{result.ProbeSkip, "skip"},
		{result.ProbeStatus(5), "status(5)"},
		{result.CannotTell, "~"},
		{result.Same, "same"},
		{result.Better, "better"},
		{result.Worse, "worse"},
		{result.Direction(4), "status(4)"},
		{result.Verdict(3), "status(3)"},
		{result.Status(5), "status(5)"},
		{result.Overall(4), "status(4)"},
	}
	for _, tt := range tests {
		if tt.got.String() != tt.want {
			t.Errorf("%T is called %q, want %q", tt.got, tt.got, tt.want)
		}
	}
}

// TestZeroIsNeverGreen: what nobody judged is inconclusive.
func TestZeroIsNeverGreen(t *testing.T) {
	var suite result.Suite
	var subject result.Subject
	var finding result.Finding
	var change result.Change
	if probe := (result.Probe{}); probe.Status != result.ProbeInconclusive {
		t.Errorf("the zero value of a probe's status is %v", probe.Status)
	}
	var diff result.Diff
	if change.Direction != result.CannotTell || diff.Verdict != result.Inconclusive || diff.Judged() {
		t.Errorf("zero values are %v, %v, judged %v", change.Direction, diff.Verdict, diff.Judged())
	}
	if suite.Status != result.SuiteInconclusive || subject.Verdict != result.Inconclusive || finding.Status != result.Unjudged {
		t.Errorf("zero values are %v, %v, %v", suite.Status, subject.Verdict, finding.Status)
	}
}

// states holds one of each enumeration, in JSON.
type states struct {
	V result.Verdict
	S result.Status
	O result.Overall
	D result.Direction
	P result.ProbeStatus
}

func TestStatesReadBack(t *testing.T) {
	for i := range uint8(5) {
		want := states{V: result.Verdict(i % 3), S: result.Status(i), O: result.Overall(i % 4), D: result.Direction(i % 4), P: result.ProbeStatus(i)}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got states
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Errorf("%s reads back as %+v, %v", text, got, err)
		}
	}
}

func TestUnknownStatesAreErrors(t *testing.T) {
	for _, text := range []string{`{"V":"green"}`, `{"V":"warn"}`, `{"S":"PASS"}`, `{"S":""}`, `{"O":"status(9)"}`, `{"O":1}`, `{"D":"?"}`, `{"P":"not-exercised"}`} {
		var got states
		if err := json.Unmarshal([]byte(text), &got); err == nil || got != (states{}) {
			t.Errorf("%s reads as %+v, %v", text, got, err)
		}
	}
}

// TestSuiteReadsBack: what the JSON report says can be compared with another.
func TestSuiteReadsBack(t *testing.T) {
	seq, bound := uint32(0), 0.0
	want := result.Suite{
		Schema: result.Schema, Status: result.SuiteFail,
		Subjects: []result.Subject{{
			Name: "naive", Verdict: result.Fail, Story: []string{"It fell."},
			Requests: history.Counts{Total: 2, Completed: 1, Dropped: 1},
			Bounds:   result.Bounds{PerRequest: &bound},
			Findings: []result.Finding{{Rule: "r", Status: result.Violated, Evidence: []result.Evidence{{Shutdown: 1, Seq: &seq}, {Shutdown: 2}}}},
			Details: []result.Detail{
				{Shutdown: 1, Events: []result.Event{{Name: "signal"}}},
				{
					Shutdown: 2, Operation: &history.Operation{Command: []string{"reload"}, End: 3},
					Delivery: history.Delivery{Target: scenario.Leader, Deaf: []history.Process{{PID: 1, Name: "\x1b[2J"}}},
					Left:     history.Left{Looked: true, Processes: []history.Process{{PID: 2, Name: "<b>"}}},
				},
			},
		}},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got result.Suite
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	// Request 0 and a bound of 0 are said; what is not known is null or missing.
	for _, phrase := range []string{`{"shutdown":1,"seq":0}`, `{"shutdown":2}`, `{"per_request":0,"per_shutdown":null}`} {
		if !strings.Contains(string(text), phrase) {
			t.Errorf("%s does not say %s", text, phrase)
		}
	}
	// What was not looked for is not there, and what was is there once.
	for _, field := range []string{`"delivery":`, `"operation":`, `"left":`} {
		if n := strings.Count(string(text), field); n != 1 {
			t.Errorf("%s holds %s %d times, want once", text, field, n)
		}
	}
}

// TestFieldsAreNeverRemoved: within v1 fields are only added, so each of these
// must stay.
func TestFieldsAreNeverRemoved(t *testing.T) {
	tests := []struct {
		of   reflect.Type
		want string
	}{
		{reflect.TypeFor[result.Suite](), "schema tool environment scenario seed started seconds status subjects warnings"},
		{
			reflect.TypeFor[result.Subject](), "name kind verdict story shutdowns shutdowns_failed shutdowns_intact requests in_flight late at_risk " +
				"dropped_by_cause masked stale bounds ledger exits exit_seconds latency_ms findings probes details",
		},
		{reflect.TypeFor[history.Counts](), "total completed rejected failed refused dropped unsent"},
		{reflect.TypeFor[result.DroppedByCause](), "closed reset truncated hung corrupt"},
		{reflect.TypeFor[result.Bounds](), "per_request per_shutdown"},
		{reflect.TypeFor[result.Ledger](), "received executed answered never_read lost_acks duplicates unanswered_executions"},
		{reflect.TypeFor[result.Exit](), "code signal killed count"},
		{reflect.TypeFor[result.Spread](), "min median max"},
		{reflect.TypeFor[result.Quantiles](), "p50 p95 p99 max"},
		{reflect.TypeFor[result.Finding](), "rule status count judged expected detail reference evidence"},
		{reflect.TypeFor[result.Evidence](), "shutdown seq"},
		{reflect.TypeFor[result.Probe](), "probe variant status lost of seen state proof requirement reference remedy bugs repeats"},
		{reflect.TypeFor[result.Detail](), "shutdown seed intact requests in_flight late guard_ms lag_p99_ms signal events exit delivery operation left stderr warnings"},
		{reflect.TypeFor[result.Event](), "name ms"},
		{reflect.TypeFor[result.Diff](), "schema old new verdict subjects warnings"},
		{reflect.TypeFor[result.Origin](), "tool environment scenario seed started status"},
		{reflect.TypeFor[result.SubjectDiff](), "name verdict in_old in_new reasons changes"},
		{reflect.TypeFor[result.Change](), "name rule direction regression old new p_requests p_shutdowns detail"},
		{reflect.TypeFor[result.Value](), "status share seconds"},
		{reflect.TypeFor[result.Share](), "count of"},
	}
	for _, tt := range tests {
		names := jsonNames(tt.of)
		for _, want := range strings.Fields(tt.want) {
			if !slices.Contains(names, want) {
				t.Errorf("%v lost its field %q: it has %v", tt.of, want, names)
			}
		}
	}
}

func jsonNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// TestADiffIsReadInThreeWays: what regressed, what did not, and what nobody can
// tell, which is neither.
func TestADiffIsReadInThreeWays(t *testing.T) {
	for _, tt := range []struct {
		name              string
		verdicts          []result.Verdict
		regressed, judged bool
	}{
		{"none", nil, false, false},
		{"all well", []result.Verdict{result.Pass, result.Pass}, false, true},
		{"one regressed", []result.Verdict{result.Pass, result.Fail}, true, true},
		{"one not judged", []result.Verdict{result.Pass, result.Inconclusive}, false, false},
		{"one of each", []result.Verdict{result.Inconclusive, result.Fail}, true, false},
	} {
		var d result.Diff
		for _, v := range tt.verdicts {
			d.Subjects = append(d.Subjects, result.SubjectDiff{Verdict: v})
		}
		if d.Regressed() != tt.regressed || d.Judged() != tt.judged {
			t.Errorf("%s: regressed %v, judged %v", tt.name, d.Regressed(), d.Judged())
		}
	}
}

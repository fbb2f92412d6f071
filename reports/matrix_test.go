package reports

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

func matrixOf(status result.Overall, rows ...result.Row) result.Matrix {
	return result.Matrix{
		Schema: result.MatrixSchema, Tool: history.Tool{Version: "v1.2.3"},
		Environment: history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26", Kernel: "6.1"},
		Seed:        7, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 101.25, Status: status, Rows: rows,
		Scenarios: []string{
			"steady", "background", "behind-a-balancer", "double-signal", "keepalive-race", "kill", "long-lived", "new-connections", "overrun", "startup", "writes",
		},
	}
}

func passed(scenario string, dropped int) result.Cell {
	return result.Cell{Scenario: scenario, Verdict: result.Pass, Broken: []string{}, Count: dropped, Shutdowns: 1, Expected: []string{"pass"}}
}

func failed(scenario string, count int, rules ...string) result.Cell {
	return result.Cell{Scenario: scenario, Verdict: result.Fail, Broken: rules, Count: count, Shutdowns: 1, Failed: 1, Expected: rules}
}

// matrices are what can become of a survey.
func matrices() map[string]result.Matrix {
	naive := result.Row{Subject: "naive", Breaks: "in-flight-completes", Cells: []result.Cell{failed("steady", 51, "in-flight-completes"), failed("kill", 123_456, "in-flight-completes")}}
	fatal := result.Row{Subject: "fatal-serve", Bug: "B06", Title: "log.Fatal(server.ListenAndServe()) takes ErrServerClosed for a failure (mtlynch/picoshare #571)", Breaks: "in-flight-completes", Cells: []result.Cell{failed("steady", 50, "in-flight-completes", "exit-status")}}
	right := result.Row{Subject: "with-cancel-detached", Cells: []result.Cell{passed("steady", 0), passed("background", 2), failed("kill", 49, "in-flight-completes")}}
	missed := result.Row{Subject: "ack-then-lose", Bug: "B72", Breaks: "no-lost-ack", Cells: []result.Cell{{
		Scenario: "background", Verdict: result.Pass, Broken: []string{}, Shutdowns: 3, Expected: []string{"no-lost-ack"}, Surprise: "PASS, but FAIL by no-lost-ack was expected",
	}}}
	unjudged := result.Row{Subject: "signal-notify", Cells: []result.Cell{{
		Scenario: "steady", Verdict: result.Inconclusive, Broken: []string{}, Shutdowns: 1, Expected: []string{"pass"}, Surprise: "was not judged",
		Why: "The load ran behind its schedule.",
	}}}
	hostile := result.Row{Subject: "<b>\x1b[31m|`evil`", Bug: "::error::", Breaks: "no-failed", Cells: []result.Cell{{
		Scenario: "steady", Verdict: result.Fail, Broken: []string{"<i>"}, Count: 1, Expected: []string{"|"}, Surprise: "\x1b]0;x\a", Why: "::error::x",
	}}}
	return map[string]result.Matrix{
		"good":    matrixOf(result.SuitePass, naive, fatal, right),
		"missed":  matrixOf(result.SuiteFail, naive, missed, right, unjudged),
		"hostile": matrixOf(result.SuiteFail, hostile),
		"empty":   matrixOf(result.SuiteInconclusive),
	}
}

func renderMatrix(t *testing.T, r MatrixRenderer, m result.Matrix) string {
	t.Helper()
	var b strings.Builder
	if err := r(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMatrixGoldens(t *testing.T) {
	for name, m := range matrices() {
		for _, f := range MatrixFormats(Style{}) {
			golden(t, filepath.Join("testdata", "matrix-"+name+"."+f.Name), renderMatrix(t, f.Render, m))
		}
		for _, f := range TrackFormats(Style{}) {
			if f.Name != "json" { // the same
				golden(t, filepath.Join("testdata", "track-"+name+"."+f.Name), renderMatrix(t, f.Render, m))
			}
		}
	}
}

func TestMatrixJSONParsesBackEqual(t *testing.T) {
	for name, m := range matrices() {
		var got result.Matrix
		if err := json.Unmarshal([]byte(renderMatrix(t, MatrixJSON, m)), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

// TestTheMatrixFits asks for what a terminal beside an editor shows.
func TestTheMatrixFits(t *testing.T) {
	for name, m := range matrices() {
		for _, format := range []MatrixRenderer{Style{}.MatrixTable, Style{}.TrackTable} {
			text := renderMatrix(t, format, m)
			if widest(text) > matrixWidth {
				t.Errorf("%s is %d columns wide:\n%s", name, widest(text), text)
			}
			if strings.ContainsAny(text, "\x1b\a") {
				t.Errorf("%s obeys a server: %q", name, text)
			}
		}
	}
}

func TestNamesBreakAtTheirHyphens(t *testing.T) {
	for name, want := range map[string]string{
		"steady": "steady", "behind-a-balancer": "behind-a-\nbalancer", "new-connections": "new-\nconnections", "a-b": "a-b", "": "",
	} {
		if got := hyphenated(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// TestTheLegendSpeaksOfTheControl only where it was run.
func TestTheLegendSpeaksOfTheControl(t *testing.T) {
	for _, scenarios := range [][]string{{"steady", "kill"}, {"steady", "writes"}} {
		m := matrixOf(result.SuitePass)
		m.Scenarios = scenarios
		text := renderMatrix(t, Style{}.MatrixTable, m)
		if got, want := strings.Contains(text, "kill is the control, which no strategy passes"), scenarios[1] == "kill"; got != want {
			t.Errorf("%q: the legend speaks of the control: %t\n%s", scenarios, got, text)
		}
	}
}

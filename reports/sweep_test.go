package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// sweepBin is a bin with a rate, and an interval around it.
func sweepBin(from, step float64, lost, atRisk int) result.SweepBin {
	b := result.SweepBin{
		SweepWindow: result.SweepWindow{FromUS: from, ToUS: from + step},
		SweepCount:  result.SweepCount{Sent: atRisk, AtRisk: atRisk, Lost: lost, Completed: atRisk - lost, NeverRead: lost},
	}
	if atRisk > 0 {
		rate := float64(lost) / float64(atRisk)
		low, high := math.Max(0, rate-0.1), math.Min(1, rate+0.1)
		b.Rate, b.Low, b.High = &rate, &low, &high
	}
	return b
}

// sweepLane loses half of what is sent from 0 to the middle of what follows, and
// then has nobody at risk.
func sweepLane(connections string, bins int, step float64) result.SweepLane {
	l := result.SweepLane{Connections: connections}
	for i := range bins {
		from := float64(i-bins/2) * step
		b := sweepBin(from, step, 0, 20)
		switch {
		case from >= float64(bins/4)*step:
			b = sweepBin(from, step, 0, 0)
			b.Sent, b.Closed = 20, 20
		case from >= 0:
			b = sweepBin(from, step, 10, 20)
		}
		l.Bins = append(l.Bins, b)
		l.Sum.Lost, l.Sum.AtRisk, l.Sum.Sent = l.Sum.Lost+b.Lost, l.Sum.AtRisk+b.AtRisk, l.Sum.Sent+b.Sent
	}
	return l
}

func sweepOf(lanes ...result.SweepLane) result.Sweep {
	return result.Sweep{
		Schema: result.SweepSchema, Tool: history.Tool{Version: "v1.2.3"},
		Environment: history.Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26", Kernel: "6.1"},
		Subject:     "signal-notify", Kind: "strategy", Signal: "SIGTERM", Method: "GET", Seed: 7,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Status: result.SuitePass, Shutdowns: 20, Measured: 20,
		StepUS: 100, EnoughShots: 15, SignalUncertaintyUS: result.SweepSpread{Median: 12.3, Max: 45},
		UncertaintyUS: result.SweepSpread{Median: 21.7, Max: 98}, LatenessUS: result.SweepSpread{Median: 10, Max: 99},
		Lanes: append([]result.SweepLane{}, lanes...), Story: []string{"A kept-alive connection: requests can be lost."}, Warnings: []string{},
	}
}

// doubtful has requests that were discarded, and bins that prove nothing: those
// furthest before the signal.
func doubtful() result.Sweep {
	lane := sweepLane("reused", 40, 100)
	lane.Late, lane.Uncertain = 30, 4
	for i := range 3 {
		b := sweepBin(lane.Bins[i].FromUS, 100, 0, 5*i)
		b.ProvesNothing = true
		lane.Bins[i], lane.Unproved = b, lane.Unproved+1
	}
	s := sweepOf(lane)
	s.Story = append(s.Story, "Discarded were: 30 not sent in time, 4 whose instant is known less exactly than to a step.")
	return s
}

func sweeps() map[string]result.Sweep {
	hostile := sweepOf(sweepLane("<b>\x1b[31m", 40, 100))
	hostile.Subject, hostile.Signal = "\x1b[31m</svg><script>\u202e", "SIG\x07&\"'"
	hostile.Story, hostile.Warnings = []string{"::error::\x1b[2J"}, []string{strings.Repeat("x", 250)}
	stamped := sweepOf(sweepLane("reused", 40, 100), sweepLane("fresh", 40, 100))
	stamped.Stamped = 1600
	inPart := sweepOf(sweepLane("reused", 398, 10))
	inPart.Stamped, inPart.Unstamped = 7950, 10
	return map[string]result.Sweep{
		"both":    stamped,
		"pooled":  inPart,
		"coarse":  sweepOf(sweepLane("fresh", 4, 1000)),
		"empty":   sweepOf(),
		"doubt":   doubtful(),
		"hostile": hostile,
	}
}

func renderSweep(t *testing.T, r SweepRenderer, s result.Sweep) string {
	t.Helper()
	var out bytes.Buffer
	if err := r(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSweepGoldens(t *testing.T) {
	for name, s := range sweeps() {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("testdata", "sweep-"+name+".chart"), renderSweep(t, SweepFormats()[0].Render, s))
		})
	}
}

// TestChartShowsTheStep: in the chart of a server that loses half from the signal
// on, bars stand to the right of the signal only, and as high as half of the
// chart's top.
// TestNothingIsKnownOfASignalThatNoneWas: without a shutdown that counts, no
// precision is claimed.
func TestNothingIsKnownOfASignalThatNoneWas(t *testing.T) {
	for _, measured := range []int{0, 1} {
		s := sweepOf()
		s.Measured = measured
		var out bytes.Buffer
		if err := SweepChart(&out, s); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(out.String(), "is known"); said != (measured > 0) {
			t.Errorf("with %d shutdowns that count:\n%s", measured, out.String())
		}
	}
}

func TestChartShowsTheStep(t *testing.T) {
	s := sweepOf(sweepLane("reused", 40, 100))
	bars, top := 0, ""
	for line := range strings.Lines(renderSweep(t, SweepChart, s)) {
		label, rest, ok := strings.Cut(line, "┤")
		if !ok {
			continue
		}
		before, after, ok := strings.Cut(rest, "┊")
		if !ok {
			t.Fatalf("no signal in %q", line)
		}
		if strings.TrimSpace(before) != "" {
			t.Errorf("something was lost before the signal: %q", line)
		}
		if n := strings.Count(after, "█"); n > 0 && n != 10 {
			t.Errorf("%d bars, want 10: %q", n, line)
		} else if n > 0 {
			bars++
		}
		if top == "" {
			top = strings.TrimSpace(label)
		}
	}
	if top != "50%" || bars != chartRows {
		t.Errorf("the bars are %d rows high, and the chart's top is %s", bars, top)
	}
}

// svgElements parses an SVG and returns its texts, and how often each element
// occurs.
func svgElements(t fataler, text string) (words []string, count map[string]int) {
	dec := xml.NewDecoder(strings.NewReader(text))
	count = make(map[string]int)
	inText := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return words, count
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			count[token.Name.Local]++
			inText = token.Name.Local == "text"
		case xml.CharData:
			if inText {
				words = append(words, string(token))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

// TestSVGShowsAxesLegendAndSignal looks at what is drawn, not at its bytes.
func TestSVGShowsAxesLegendAndSignal(t *testing.T) {
	s := sweeps()["both"]
	words, count := svgElements(t, renderSweep(t, SweepSVG, s))
	text := strings.Join(words, "\n")
	for _, want := range []string{
		"signal-notify: requests dropped", "SIGTERM", "0%", "60%", "100%", "\n-2\n", "\n1.5\n", "dropped, of those at risk",
		"sent after SIGTERM", "kept-alive connections, idle until then: 100 of 600 dropped", "new connections: 100 of 600 dropped",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among the texts:\n%s", want, text)
		}
	}
	// Each interval is a path, and each lane one more; the dots of one lane are round, and
	// the other's are square. The legend has one of each, and the ground is a rectangle.
	if bins := 30; count["svg"] != 1 || count["path"] != 2*bins+2 || count["circle"] != bins+1 || count["rect"] != bins+2 {
		t.Errorf("for %d bins in each lane: %v", bins, count)
	}
	if strings.Contains(strings.ToLower(renderSweep(t, SweepSVG, s)), "nan") {
		t.Error("something is drawn nowhere")
	}
}

// TestWhatProvesNothingIsSaidInThePicture: as in the chart, and without a dot that
// says that nothing was lost there.
func TestWhatProvesNothingIsSaidInThePicture(t *testing.T) {
	const proves = "proves nothing: fewer than 15 requests count, none was dropped"
	words, doubt := svgElements(t, renderSweep(t, SweepSVG, doubtful()))
	text := strings.Join(words, "\n")
	for _, want := range []string{proves, "100 of 600 dropped, 34 discarded"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among the texts:\n%s", want, text)
		}
	}
	words, sure := svgElements(t, renderSweep(t, SweepSVG, sweepOf(sweepLane("reused", 40, 100))))
	if text := strings.Join(words, "\n"); strings.Contains(text, proves) {
		t.Errorf("every bin proves something, and yet it is said:\n%s", text)
	}
	// For each of the three a dot and an interval give way to a cross, and the legend has
	// one more.
	if sure["circle"]-doubt["circle"] != 3 || doubt["path"]-sure["path"] != 1 {
		t.Errorf("%v, and %v where three bins prove nothing", sure, doubt)
	}
}

func TestSVGOfAnySweepIsXMLAndSafe(t *testing.T) {
	for name, s := range sweeps() {
		_, count := svgElements(t, renderSweep(t, SweepSVG, s))
		if count["svg"] != 1 || count["script"] > 0 {
			t.Errorf("%s: %v", name, count)
		}
	}
}

func TestSweepJSONParsesBackEqual(t *testing.T) {
	for name, s := range sweeps() {
		text := renderSweep(t, SweepJSON, s)
		var back result.Sweep
		if err := json.Unmarshal([]byte(text), &back); err != nil {
			t.Fatal(err)
		}
		if name == "hostile" { // Go escapes what is no text
			continue
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if text := renderSweep(t, SweepJSON, sweeps()["hostile"]); strings.Contains(text, "<script>") {
		t.Error("the JSON report can end a page's script")
	}
}

func TestChartIsNeverTooWideNorObeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]float64{1, 10, 50, 100, 1000}).Draw(t, "step")
		s := sweepOf(sweepLane(rapid.String().Draw(t, "connections"), rapid.IntRange(2, 400).Draw(t, "bins"), step))
		s.Subject = rapid.String().Draw(t, "subject")
		var out bytes.Buffer
		if err := SweepChart(&out, s); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if columns(line) > width {
				t.Fatalf("%d columns: %q", columns(line), line)
			}
			if strings.ContainsAny(line, "\x1b\x07\r") {
				t.Fatalf("a terminal would obey %q", line)
			}
		}
	})
}

func TestASweepWriterThatFailsIsNotHidden(t *testing.T) {
	for _, f := range SweepFormats() {
		if err := f.Render(&tornPipe{}, sweeps()["both"]); err == nil {
			t.Errorf("%s: no error", f.Name)
		}
		if f.Summary == "" {
			t.Errorf("%s: nobody says what for", f.Name)
		}
	}
}

func TestTicksAreRoundAndFew(t *testing.T) {
	for span, want := range map[float64]float64{4000: 500, 1000: 100, 1100: 200, 10: 1, 398: 50} {
		if got := tick(span); got != want {
			t.Errorf("of %v: %v, want %v", span, got, want)
		}
	}
}

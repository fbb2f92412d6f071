package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lastcall/harness/result"
	"lastcall/internal/browser"
)

// TestPageInABrowser opens the page of a real comparison from a file, as whoever
// is sent it does.
func TestPageInABrowser(t *testing.T) {
	b := browser.Open(t)
	dir := t.TempDir()
	page, histories := filepath.Join(dir, "report.html"), filepath.Join(dir, "histories")
	suite := compared(t, page, histories)
	again := filepath.Join(dir, "again.html")
	invoke(t, 0, "report", histories, "--quiet", "--report", "html="+again)

	for _, file := range []string{page, again} {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.OpenFile(t, file, width, scheme)
				who := fmt.Sprintf("%s at %d px, %s", filepath.Base(file), width, scheme)
				b.Legible(t, who)
				if cut := browser.Eval[[]string](t, b, overlapScript); len(cut) > 0 {
					t.Errorf("%s: labels overlap or are cut: %q", who, cut)
				}
			}
		}
		sameCounts(t, b, suite)
	}
	quiet(t, b)
}

// TestProbesInABrowser opens the page of probes, which has no requests to draw.
func TestProbesInABrowser(t *testing.T) {
	b := browser.Open(t)
	page := filepath.Join(t.TempDir(), "probes.html")
	invoke(t, 1, "probe", "naive", "signal-notify", "http1/in-handler", "http1/partial-body", "exit/status", "--repeats", "1", "--quiet", "--report", "html="+page)
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.OpenFile(t, page, width, scheme)
			b.Legible(t, fmt.Sprintf("probes at %d px, %s", width, scheme))
		}
	}
	if n := browser.Eval[int](t, b, `document.querySelectorAll("#probes .probe.probe").length`); n != 10 {
		t.Errorf("%d probes, want five of each", n)
	}
	quiet(t, b)
}

// quiet asks that no page complained or asked for anything until now.
func quiet(t *testing.T, b *browser.Tab) {
	t.Helper()
	if complains, asked := b.Heard(); len(complains) > 0 || len(asked) > 0 {
		t.Errorf("the console says %q, and it asked for %q", complains, asked)
	}
}

// compared runs a comparison that writes a page and histories, and returns its
// JSON.
func compared(t *testing.T, page, histories string) result.Suite {
	t.Helper()
	out := invoke(t, 0, "compare", "naive", "signal-notify", "--shutdowns", "1", "--quiet",
		"--report", "json", "--report", "html="+page, "--record", histories)
	var suite result.Suite
	if err := json.Unmarshal([]byte(out), &suite); err != nil {
		t.Fatal(err)
	}
	return suite
}

// sameCounts asks that the page shows the numbers of the JSON, and a lane with its
// shape for each loss of the worst shutdown.
func sameCounts(t *testing.T, b *browser.Tab, suite result.Suite) {
	t.Helper()
	shown := browser.Eval[[][]string](t, b, `[...document.querySelectorAll("#comparison tbody tr")].map(r => [...r.cells].map(c => c.innerText.trim()))`)
	crosses := browser.Eval[[]int](t, b, `[...document.querySelectorAll("figure.swim")].map(f => f.querySelectorAll('use[href="#lc-dropped"]').length)`)
	if len(shown) != len(suite.Subjects) || len(crosses) != len(suite.Subjects) {
		t.Fatalf("%d rows and %d swimlanes of %d subjects", len(shown), len(crosses), len(suite.Subjects))
	}
	for i, s := range suite.Subjects {
		want := []string{s.Name}
		for _, n := range []int{s.InFlight.Completed, s.InFlight.Rejected, s.InFlight.Dropped, s.Late.Dropped, s.Late.AtRisk(), s.Requests.Refused} {
			want = append(want, fmt.Sprint(n))
		}
		if got := shown[i][:len(want)]; strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("the page says %q, the JSON %q", got, want)
		}
		if crosses[i] != s.Requests.Dropped {
			t.Errorf("%s: %d lanes are crossed, %d were dropped", s.Name, crosses[i], s.Requests.Dropped)
		}
	}
}

// TestLanesTellTheirStory by the pointer and by the keyboard.
func TestLanesTellTheirStory(t *testing.T) {
	t.Parallel() // it waits, most of the time
	b := browser.Open(t)
	page := filepath.Join(t.TempDir(), "report.html")
	compared(t, page, filepath.Join(t.TempDir(), "histories"))
	b.OpenFile(t, page, 1280, "light")
	const story = `document.querySelector("figure.swim .story").textContent`
	before := browser.Eval[string](t, b, story)

	at := browser.Eval[[]float64](t, b, `(() => {
		const svg = document.querySelector("figure.swim svg"), marks = svg.querySelector(".marks");
		svg.scrollIntoView({ block: "center", behavior: "instant" });
		const box = marks.getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 4];
	})()`)
	b.Do(t,
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]-5, at[1]-5),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	pointed := browser.Eval[string](t, b, story)
	if pointed == before || !strings.HasPrefix(pointed, "Request ") || !strings.HasSuffix(pointed, ".") {
		t.Errorf("pointed at, a lane says %q", pointed)
	}

	// From the keyboard: the Tab key finds one lane, and the arrows walk from it.
	b.OpenFile(t, page, 1280, "light")
	b.Do(t, chromedp.Focus(chromedp.CSS("figure.swim svg")))
	first := browser.Eval[string](t, b, story)
	if label := browser.Eval[string](t, b, `document.activeElement.getAttribute("aria-label")`); label != first {
		t.Errorf("the drawing keeps the focus for itself: what has it is called %q", label)
	}
	if !strings.Contains(first, "its client got") {
		t.Errorf("the first lane that is found was no loss: %q", first)
	}
	walked := []string{first}
	for _, key := range []string{kb.ArrowDown, kb.ArrowUp, kb.ArrowRight, kb.End, kb.Home} {
		b.Do(t, chromedp.KeyEvent(key))
		walked = append(walked, browser.Eval[string](t, b, story))
		if label := browser.Eval[string](t, b, `document.activeElement.getAttribute("aria-label")`); label != walked[len(walked)-1] {
			t.Errorf("what has the focus is called %q, and %q is shown", label, walked[len(walked)-1])
		}
	}
	if walked[1] == walked[0] || walked[2] != walked[0] || !strings.HasPrefix(walked[0], "Request") || walked[3] == walked[0] || walked[4] == walked[5] {
		t.Errorf("down, up, right, end and home led to %q", walked)
	}
	if n := browser.Eval[int](t, b, `document.querySelectorAll('figure.swim:first-of-type .hit[tabindex="0"]').length`); n != 1 {
		t.Errorf("the Tab key finds %d lanes of a swimlane, want 1", n)
	}
	quiet(t, b)
}

// TestHostilePageInABrowser: a command that calls itself markup, and says it on
// stderr.
func TestHostilePageInABrowser(t *testing.T) {
	b := browser.Open(t)
	dir := t.TempDir()
	page, file := filepath.Join(dir, "report.html"), filepath.Join(dir, "suite.yaml")
	evil := `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
	yaml := "subject:\n  name: '" + strings.ReplaceAll(evil, "'", "''") + "'\n  command: [sh, -c, 'echo \"$0\" >&2; exit 1', '" +
		strings.ReplaceAll(evil, "'", "''") + "']\nshutdowns: 1\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, 3, "test", "-f", file, "--quiet", "--report", "html="+page)
	b.OpenFile(t, page, 390, "dark")
	if title := browser.Eval[string](t, b, "document.title"); title == "taken" {
		t.Error("a server's words were run")
	}
	if text := browser.Eval[string](t, b, "document.body.innerText"); !strings.Contains(text, "<img src=x") {
		t.Error("a server's words are not shown")
	}
	b.NotSideways(t, "a hostile page")
	quiet(t, b)
}

// overlapScript returns the labels of drawings that meet another of the same
// drawing, or that reach beyond the page.
const overlapScript = `(() => {
	const wrong = [];
	document.querySelectorAll("figure.swim > svg, .multiples svg").forEach((svg) => {
		const labels = [...svg.querySelectorAll("text")].map((t) => ({ t: t.textContent, b: t.getBoundingClientRect() }));
		labels.forEach(({ t, b }, i) => {
			if (b.left < -0.5 || b.right > innerWidth + 0.5) wrong.push("cut: " + t);
			labels.slice(i + 1).forEach((o) => {
				const apart = b.right <= o.b.left || o.b.right <= b.left || b.bottom <= o.b.top + 2 || o.b.bottom <= b.top + 2;
				if (!apart) wrong.push(t + " meets " + o.t);
			});
		});
	});
	return wrong;
})()`

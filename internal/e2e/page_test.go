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
)

// TestPageInABrowser opens the page of a real comparison from a file, as whoever
// is sent it does.
func TestPageInABrowser(t *testing.T) {
	b := openBrowser(t)
	dir := t.TempDir()
	page, histories := filepath.Join(dir, "report.html"), filepath.Join(dir, "histories")
	suite := compared(t, page, histories)
	again := filepath.Join(dir, "again.html")
	run(t, 0, "report", histories, "--quiet", "--report", "html="+again)

	for _, file := range []string{page, again} {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.open(t, file, width, scheme)
				who := fmt.Sprintf("%s at %d px, %s", filepath.Base(file), width, scheme)
				if over := eval[int](t, b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
					t.Errorf("%s: it scrolls sideways, by %d px", who, over)
				}
				if faint := eval[[]string](t, b, contrastScript); len(faint) > 0 {
					t.Errorf("%s: too faint to read: %q", who, faint)
				}
				if cut := eval[[]string](t, b, overlapScript); len(cut) > 0 {
					t.Errorf("%s: labels overlap or are cut: %q", who, cut)
				}
			}
		}
		sameCounts(t, b, suite)
	}
	b.quiet(t)
}

// compared runs a comparison that writes a page and histories, and returns its
// JSON.
func compared(t *testing.T, page, histories string) result.Suite {
	t.Helper()
	out := run(t, 0, "compare", "naive", "signal-notify", "--shutdowns", "1", "--quiet",
		"--report", "json", "--report", "html="+page, "--record", histories)
	var suite result.Suite
	if err := json.Unmarshal([]byte(out), &suite); err != nil {
		t.Fatal(err)
	}
	return suite
}

// sameCounts asks that the page shows the numbers of the JSON, and a lane with its
// shape for each loss of the worst shutdown.
func sameCounts(t *testing.T, b *browser, suite result.Suite) {
	t.Helper()
	shown := eval[[][]string](t, b, `[...document.querySelectorAll("#comparison tbody tr")].map(r => [...r.cells].map(c => c.innerText.trim()))`)
	crosses := eval[[]int](t, b, `[...document.querySelectorAll("figure.swim")].map(f => f.querySelectorAll('use[href="#lc-dropped"]').length)`)
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
	b := openBrowser(t)
	page := filepath.Join(t.TempDir(), "report.html")
	compared(t, page, filepath.Join(t.TempDir(), "histories"))
	b.open(t, page, 1280, "light")
	const story = `document.querySelector("figure.swim .story").textContent`
	before := eval[string](t, b, story)

	at := eval[[]float64](t, b, `(() => {
		const svg = document.querySelector("figure.swim svg"), marks = svg.querySelector(".marks");
		svg.scrollIntoView({ block: "center", behavior: "instant" });
		const box = marks.getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 4];
	})()`)
	do(t, b,
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]-5, at[1]-5),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	pointed := eval[string](t, b, story)
	if pointed == before || !strings.HasPrefix(pointed, "Request ") || !strings.HasSuffix(pointed, ".") {
		t.Errorf("pointed at, a lane says %q", pointed)
	}

	// From the keyboard: the Tab key finds one lane, and the arrows walk from it.
	b.open(t, page, 1280, "light")
	do(t, b, chromedp.Focus(chromedp.CSS("figure.swim svg")))
	first := eval[string](t, b, story)
	if label := eval[string](t, b, `document.activeElement.getAttribute("aria-label")`); label != first {
		t.Errorf("the drawing keeps the focus for itself: what has it is called %q", label)
	}
	if !strings.Contains(first, "its client got") {
		t.Errorf("the first lane that is found was no loss: %q", first)
	}
	walked := []string{first}
	for _, key := range []string{kb.ArrowDown, kb.ArrowUp, kb.ArrowRight, kb.End, kb.Home} {
		do(t, b, chromedp.KeyEvent(key))
		walked = append(walked, eval[string](t, b, story))
		if label := eval[string](t, b, `document.activeElement.getAttribute("aria-label")`); label != walked[len(walked)-1] {
			t.Errorf("what has the focus is called %q, and %q is shown", label, walked[len(walked)-1])
		}
	}
	if walked[1] == walked[0] || walked[2] != walked[0] || !strings.HasPrefix(walked[0], "Request") || walked[3] == walked[0] || walked[4] == walked[5] {
		t.Errorf("down, up, right, end and home led to %q", walked)
	}
	if n := eval[int](t, b, `document.querySelectorAll('figure.swim:first-of-type .hit[tabindex="0"]').length`); n != 1 {
		t.Errorf("the Tab key finds %d lanes of a swimlane, want 1", n)
	}
	b.quiet(t)
}

// TestHostilePageInABrowser: a command that calls itself markup, and says it on
// stderr.
func TestHostilePageInABrowser(t *testing.T) {
	b := openBrowser(t)
	dir := t.TempDir()
	page, file := filepath.Join(dir, "report.html"), filepath.Join(dir, "suite.yaml")
	evil := `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
	yaml := "subject:\n  name: '" + strings.ReplaceAll(evil, "'", "''") + "'\n  command: [sh, -c, 'echo \"$0\" >&2; exit 1', '" +
		strings.ReplaceAll(evil, "'", "''") + "']\nshutdowns: 1\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, 3, "test", "-f", file, "--quiet", "--report", "html="+page)
	b.open(t, page, 390, "dark")
	if title := eval[string](t, b, "document.title"); title == "taken" {
		t.Error("a server's words were run")
	}
	if text := eval[string](t, b, "document.body.innerText"); !strings.Contains(text, "<img src=x") {
		t.Error("a server's words are not shown")
	}
	if over := eval[int](t, b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		t.Errorf("it scrolls sideways, by %d px", over)
	}
	b.quiet(t)
}

// contrastScript returns the texts whose contrast with what is behind them is less
// than 4.5 to 1, by the formula of WCAG 2.2.
//
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
const contrastScript = `(() => {
	document.querySelectorAll("details").forEach((d) => (d.open = true));
	const parse = (c) => { const n = c.match(/[\d.]+/g).map(Number); return { rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1 }; };
	const light = (rgb) => {
		const [r, g, b] = rgb.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.a === 1) return c.rgb;
		}
		return null; // nothing was painted: it cannot be told
	};
	const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	for (let n = walker.nextNode(); n; n = walker.nextNode()) {
		const e = n.parentElement, style = getComputedStyle(e);
		if (!n.data.trim() || !e.getClientRects().length || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
		seen++;
		const ground = behind(e);
		if (!ground) { faint.push("on nothing: " + n.data.trim().slice(0, 40)); continue; }
		const a = light(parse(e instanceof SVGElement ? style.fill : style.color).rgb), b = light(ground);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) faint.push(ratio.toFixed(2) + ": " + n.data.trim().slice(0, 40));
	}
	return seen < 50 ? ["only " + seen + " texts were found"] : faint;
})()`

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

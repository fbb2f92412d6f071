package demo

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/browser"
	"lastcall/internal/testrun"
)

// performance is a demo that runs in the test itself, so that what the page shows
// can be held against what was judged.
type performance struct {
	stage *stage
	url   string
	base  string
	end   func() // and wait

	mu     sync.Mutex // each act judges in its own goroutine
	judged map[string]judgement
}

type judgement struct {
	history *history.History
	subject result.Subject
}

func perform(t *testing.T, settings Settings) *performance {
	t.Helper()
	testrun.NotShort(t)
	texts, err := LoadTexts(DefaultLanguage)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	board := NewBoard(texts)
	p := &performance{base: "http://" + ln.Addr().String(), judged: make(map[string]judgement)}
	if p.stage, err = newStage(ctx, board); err != nil {
		t.Fatal(err)
	}
	p.stage.judged = func(h *history.History, s result.Subject) {
		p.mu.Lock() // the test reads
		defer p.mu.Unlock()
		p.judged[s.Name] = judgement{h, s}
	}
	server := NewServer(p.stage, board, texts, ln)
	p.url = server.URL(ln)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, ln) }()
	p.end = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		p.stage.close()
	})
	t.Cleanup(p.end)
	if err := p.stage.Apply(settings); err != nil {
		t.Fatal(err)
	}
	return p
}

// of returns what was judged of a strategy.
func (p *performance) of(name string) judgement {
	p.mu.Lock() // acts write
	defer p.mu.Unlock()
	return p.judged[name]
}

// deploy presses the button, and again if a busy machine kept us from our schedule,
// so that nothing could be judged.
func (p *performance) deploy(t *testing.T, b *browser.Tab, strategies []string) {
	t.Helper()
	const tries = 4
	for n := 1; ; n++ {
		b.Until(t, `!document.getElementById("deploy").disabled`)
		b.Do(t, chromedp.Click(chromedp.ID("deploy")))
		b.Until(t, fmt.Sprintf(`[...document.querySelectorAll(".panel")].every(e => e.dataset.deployment === "%d" && e.dataset.view === "still")`, n))
		unjudged := ""
		for _, name := range strategies {
			if j := p.of(name); j.subject.ShutdownsIntact == 0 {
				unjudged = fmt.Sprintf("%s: %v", name, j.subject.Story)
			}
		}
		switch {
		case unjudged == "":
			return
		case n == tries:
			t.Fatalf("after %d deployments %s", n, unjudged)
		}
	}
}

// cells are the numbers of a row in a panel: answered, turned away, lost, refused.
func cells(t *testing.T, b *browser.Tab, strategy, window string) []string {
	t.Helper()
	return browser.Eval[[]string](t, b, fmt.Sprintf(
		`[...document.querySelectorAll('[data-strategy="%s"] tr[data-window="%s"] td')].map(e => e.textContent)`, strategy, window))
}

// counted counts a history's requests in a window, without the judge.
func counted(h *history.History, window history.Window) []string {
	windows, _ := h.Windows()
	var n [4]int
	for i := range h.Requests {
		if windows[i] != window {
			continue
		}
		switch h.Requests[i].Outcome {
		case history.Completed:
			n[0]++
		case history.Rejected:
			n[1]++
		case history.Dropped, history.Failed:
			n[2]++
		case history.Refused:
			n[3]++
		case history.Pending, history.Unsent:
		}
	}
	return strings.Fields(strings.Trim(fmt.Sprint(n), "[]"))
}

// TestDemoInABrowser deploys two servers in a real browser, and holds what the
// page says against the histories.
func TestDemoInABrowser(t *testing.T) {
	first := browser.Open(t)
	mark := filepath.Join(t.TempDir(), "starts")
	t.Setenv(testrun.EnvMark, mark) // by which the servers are found
	settings := Opening()
	settings.Panels, settings.Rate, settings.Delay = []string{"naive", "signal-notify"}, 200, 250
	p := perform(t, settings)

	first.Do(t, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(p.url))
	first.Until(t, `!document.getElementById("deploy").disabled`)
	first.Until(t, `[...document.querySelectorAll('[data-count="completed"]')].every(e => Number(e.textContent) > 0)`)
	if key := browser.Eval[string](t, first, `location.href`); strings.Contains(key, "key") {
		t.Errorf("the key stays in the address: %s", key)
	}
	p.deploy(t, first, settings.Panels)

	announced := browser.Eval[string](t, first, `document.getElementById("announce").textContent`)
	for _, name := range settings.Panels {
		j := p.of(name)
		for row, window := range map[string]history.Window{"inFlight": history.InFlight, "late": history.Late} {
			if got, want := cells(t, first, name, row), counted(j.history, window); !slices.Equal(got, want) {
				t.Errorf("%s, %s: the page says %v, the history %v", name, row, got, want)
			}
		}
		told := map[string]string{"naive": "dropped all of them.", "signal-notify": "signal-notify completed all of them."}
		if lucky := j.subject.InFlight.Completed; lucky > 0 { // answered in the last moment
			told["naive"] = fmt.Sprintf("dropped %d.", j.subject.InFlight.Dropped)
		}
		said := strings.ReplaceAll(browser.Eval[string](t, first, fmt.Sprintf(`document.querySelector('[data-strategy="%s"] .sentence').textContent`, name)), "\u2011", "-")
		if j.subject.InFlight.Total == 0 || !strings.Contains(said, fmt.Sprintf("%d people were waiting.", j.subject.InFlight.Total)) || !strings.Contains(said, told[name]) {
			t.Errorf("%s: %q, with %+v in flight", name, said, j.subject.InFlight)
		}
		if !strings.Contains(announced, told[name]) {
			t.Errorf("announced %q", announced)
		}
	}
	legible(t, first)
	againAndElsewhere(t, p, first, announced)
	if testrun.HasProc() && len(serving(mark)) == 0 {
		t.Error("no server was found while there must be two: nothing can be said of their end")
	}
	p.end()
	if left := serving(mark); len(left) > 0 {
		t.Errorf("these are still there: %v", left)
	}
}

// againAndElsewhere reloads the page in the middle of the load, and looks at it in
// a second tab.
func againAndElsewhere(t *testing.T, p *performance, first *browser.Tab, announced string) {
	t.Helper()
	second := first.Another(t)
	second.Do(t, chromedp.Navigate(p.url))
	first.Do(t, chromedp.Reload())
	for _, b := range []*browser.Tab{first, second} {
		b.Until(t, `[...document.querySelectorAll(".panel")].length === 2 && [...document.querySelectorAll(".panel")].every(e => e.dataset.view === "still")`)
		if got := browser.Eval[string](t, b, `document.getElementById("announce").textContent`); got != announced {
			t.Errorf("another view says %q, not %q", got, announced)
		}
		b.Until(t, `!document.getElementById("deploy").disabled`)
	}
	first.Do(t, chromedp.Click(chromedp.ID("live")))
	first.Until(t, `document.querySelector(".panel").dataset.view === "live"`)
	before := browser.Eval[int](t, first, `Number(document.querySelector('[data-count="completed"]').textContent.replace(",", ""))`)
	first.Until(t, fmt.Sprintf(`Number(document.querySelector('[data-count="completed"]').textContent.replace(",", "")) > %d`, before))
	third := first.Another(t) // the key is in the storage of the other two
	third.Do(t, chromedp.Navigate(p.base+"/"))
	third.Until(t, `document.getElementById("problem").textContent.startsWith("Open the address that lastcall demo printed.")`)
	for _, b := range []*browser.Tab{first, second} {
		complains, asked := b.Heard()
		if len(complains) > 0 {
			t.Errorf("the page complains: %q", complains)
		}
		for _, url := range asked {
			if !strings.HasPrefix(url, p.base+"/") && !strings.HasPrefix(url, "data:") {
				t.Errorf("the page asks for %s", url)
			}
		}
	}
}

// serving returns the servers that live.
func serving(mark string) (lines []string) {
	for _, line := range testrun.Family(mark) {
		if strings.Contains(line, " serve ") { // and not the browser
			lines = append(lines, line)
		}
	}
	return lines
}

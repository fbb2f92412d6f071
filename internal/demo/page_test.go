package demo

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lastcall/internal/browser"
)

// legible looks at the demo on a phone and on a screen, light and dark, with its
// controls open, and as it is presented.
func legible(t *testing.T, b *browser.Tab) {
	t.Helper()
	const open = `document.getElementById("controls").hidden = false`
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.Look(t, width, scheme)
			browser.Eval[bool](t, b, "!("+open+")")
			b.Legible(t, fmt.Sprintf("the demo at %d px, %s", width, scheme))
			b.Do(t, chromedp.KeyEvent("p"))
			b.Until(t, `document.documentElement.classList.contains("presenter")`)
			b.Legible(t, fmt.Sprintf("the demo presented at %d px, %s", width, scheme))
			b.Do(t, chromedp.KeyEvent("p"))
			b.Until(t, `!document.documentElement.classList.contains("presenter")`)
		}
	}
}

// TestDemoByTheKeyboard: p makes it legible from the back row and a reload keeps
// that, arrow keys walk the tour to its ends and no further, and a key in a control
// is the control's own.
func TestDemoByTheKeyboard(t *testing.T) {
	b := browser.Open(t)
	p := perform(t, Opening())
	const (
		presented = `document.documentElement.classList.contains("presenter")`
		letters   = `parseFloat(getComputedStyle(document.body).fontSize)`
	)
	at := func(step int) string {
		return fmt.Sprintf(`document.querySelector('#steps [aria-current="step"]')?.textContent === "%d"`, step)
	}
	file, err := redirectTo(p.url) // as the demo opens it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file) })
	b.OpenFile(t, file, 1280, "light")
	b.Until(t, `location.protocol === "http:"`)
	b.Until(t, at(1))
	before := browser.Eval[float64](t, b, letters)
	b.Do(t, chromedp.KeyEvent("p"))
	b.Until(t, presented)
	if after := browser.Eval[float64](t, b, letters); after <= before {
		t.Errorf("presented, letters are %g px high, and were %g", after, before)
	}
	b.Do(t, chromedp.Reload())
	b.Until(t, at(1)+` && `+presented)

	b.Do(t, chromedp.KeyEvent(kb.ArrowLeft)) // there is nothing before the first
	for step := 2; step <= 3; step++ {
		b.Do(t, chromedp.KeyEvent(kb.ArrowRight))
		b.Until(t, at(step)+fmt.Sprintf(` && document.querySelectorAll(".panel").length === %d`, len(Tour()[step-1].Panels)))
	}
	b.Do(t, chromedp.KeyEvent(kb.ArrowLeft))
	b.Until(t, at(2))
	b.Do(t, chromedp.KeyEvent("p"), chromedp.KeyEvent("c"))
	b.Until(t, `!`+presented+` && !document.getElementById("controls").hidden`)
	b.Do(t, chromedp.Focus(chromedp.CSS(`#controls select[name="signal"]`)), chromedp.KeyEvent("p"))
	if browser.Eval[bool](t, b, presented) {
		t.Error("a key in a control is taken for a command")
	}
	if complains, _ := b.Heard(); len(complains) > 0 {
		t.Errorf("the page complains: %q", complains)
	}
}

// TestDemoDoesNotGrow deploys again and again: neither the server nor the page
// keeps what is over.
func TestDemoDoesNotGrow(t *testing.T) {
	const deployments = 4
	b := browser.Open(t)
	settings := Opening()
	settings.Panels, settings.Rate, settings.Delay = []string{"signal-notify"}, 500, 50
	p := perform(t, settings)
	b.Look(t, 1280, "light")
	b.Do(t, chromedp.Navigate(p.url))
	round := func(n int) (server float64, page browser.Held) {
		b.Until(t, `!document.getElementById("deploy").disabled`)
		b.Do(t, chromedp.Click(chromedp.ID("deploy")))
		b.Until(t, fmt.Sprintf(`document.querySelector(".panel").dataset.deployment === "%d" && !document.getElementById("deploy").disabled`, n))
		runtime.GC()
		runtime.GC() // what a finalizer held is free after the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		page = b.Held(t)
		for range 2 { // the load goes on: what is on its way is no part of it
			page.Bytes = min(page.Bytes, b.Held(t).Bytes)
		}
		t.Logf("deployment %d: the server holds %d KB, the page %+v", n, m.HeapAlloc/1000, page)
		return float64(m.HeapAlloc), page
	}
	round(1)
	server, page := round(2) // what is made once is made now
	var s float64
	var g browser.Held
	for n := range deployments {
		s, g = round(n + 3)
	}
	// Histories that are kept are 2 MB here, and frames that the page keeps 170 KB.
	// Without a leak the server changes by 50 KB, by 450 on a busy machine whose load
	// has more on its way; the page by 60.
	if s-server > 1_200_000 {
		t.Errorf("after %d more deployments the server holds %.0f KB more", deployments, (s-server)/1e3)
	}
	if g.Bytes-page.Bytes > 150_000 || g.Nodes-page.Nodes > 100 || g.Listeners > page.Listeners {
		t.Errorf("after %d more deployments the page holds %+v, and held %+v", deployments, g, page)
	}
}

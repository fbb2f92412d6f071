package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// Held is what a page keeps.
type Held struct {
	Bytes     float64 // of its scripts' heap
	Nodes     float64 // of documents, also those that are not shown
	Listeners float64 // for events
}

// Held returns what the page keeps after a collection.
func (b *Tab) Held(t *testing.T) (h Held) {
	t.Helper()
	b.Do(t,
		Command(performance.Enable, performance.EnableParams{}), Command(heapprofiler.CollectGarbage, cdp.Empty{}),
		chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
			found, err := cdp.Call(ctx, tab, performance.GetMetrics, cdp.Empty{})
			if err != nil {
				return err
			}
			for _, m := range found.Metrics {
				switch m.Name {
				case "JSHeapUsedSize":
					h.Bytes = m.Value
				case "Nodes":
					h.Nodes = m.Value
				case "JSEventListeners":
					h.Listeners = m.Value
				}
			}
			return nil
		}))
	if h.Bytes == 0 || h.Nodes == 0 || h.Listeners == 0 {
		t.Fatalf("the browser does not say what the page keeps, but %+v", h)
	}
	return h
}

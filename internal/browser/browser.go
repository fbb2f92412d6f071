// Package browser opens pages in a Chromium, for tests: what they complain of, what
// they ask for, and whether they can be read.
package browser

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"lastcall/internal/testrun"
)

const (
	// longest bounds a browser that hangs.
	longest = 2 * time.Minute
	// patience bounds the wait for a condition.
	patience = 20 * time.Second
)

// Tab is a tab of a Chromium, with what its pages complain of and ask for.
type Tab struct {
	ctx context.Context

	mu        sync.Mutex // events come from the goroutine that reads the browser
	complains []string
	asked     []string
}

// Open starts a Chromium with one tab. Where there is none the test is skipped, and
// fails in CI, which has to install what tests need.
func Open(t *testing.T) *Tab {
	t.Helper()
	testrun.NotShort(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox refuses root
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	return open(t, ctx)
}

// program finds the browser.
func program(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("chromium is not installed")
	}
	t.Skip("chromium is not installed")
	return ""
}

// Another opens one more tab of the same browser.
func (b *Tab) Another(t *testing.T) *Tab {
	t.Helper()
	return open(t, b.ctx)
}

// open makes a tab, of the browser that the context has or of one that it starts.
func open(t *testing.T, ctx context.Context) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &Tab{ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.Do(t, Command(network.Enable, network.EnableParams{}), Command(log.Enable, cdp.Empty{}), Command(runtime.Enable, cdp.Empty{}),
		// Without a window nothing has the focus, and no page hears of it.
		Command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	return b
}

// hear keeps what a page complains of, and what it asks for besides itself.
func (b *Tab) hear(event any) {
	b.mu.Lock() // the test reads
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type != network.ResourceTypeDocument {
			b.asked = append(b.asked, e.Request.URL)
		}
	case *log.EventEntryAdded:
		b.complains = append(b.complains, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		b.complains = append(b.complains, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complains = append(b.complains, "console: "+string(e.Type))
	}
}

// Heard returns what the pages complained of and asked for until now.
func (b *Tab) Heard() (complains, asked []string) {
	b.mu.Lock() // hear writes
	defer b.mu.Unlock()
	return b.complains, b.asked
}

// Look makes the screen so wide, of somebody who likes pages light or dark.
func (b *Tab) Look(t *testing.T, width int64, scheme string) {
	t.Helper()
	b.Do(t,
		chromedp.EmulateViewport(width, 900),
		Command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}))
}

// OpenFile shows a file on such a screen.
func (b *Tab) OpenFile(t *testing.T, file string, width int64, scheme string) {
	t.Helper()
	path, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	b.Look(t, width, scheme)
	b.Do(t, chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
}

// Command is a command of the browser's protocol as a step.
func Command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, c, params)
		return err
	})
}

// Do takes the steps.
func (b *Tab) Do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// Until waits until an expression holds in the page, or in the one that it leads to.
func (b *Tab) Until(t *testing.T, expression string) {
	t.Helper()
	var err error
	for range 3 { // a page that gives way to another takes the question with it
		if _, err = chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience))); err == nil {
			return
		}
		if gone, ok := errors.AsType[*cdproto.Error](err); !ok || gone.Code != noContext {
			break
		}
	}
	t.Fatalf("%s: %v", expression, err)
}

// noContext is the protocol's code for a page that is not there any more, among
// other things that the server of the protocol refuses.
const noContext = -32000

// Eval returns what an expression comes to in the page.
func Eval[T any](t *testing.T, b *Tab, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

package reports

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// recorded is one shutdown of a subject, by hand: so many requests in flight that
// ended so, and as many before and after them.
func recorded(subject string, number, requests int, ended history.Outcome) *history.History {
	signal := time.Second
	h := &history.History{
		Header: history.Header{Subject: subject, Shutdown: number},
		Events: []history.Event{{Name: history.EventExit, At: signal + 20*time.Millisecond}},
		Signal: history.Signal{Name: "SIGTERM", Sent: true, Before: signal, After: signal},
		Exit:   history.Exit{Seen: true, At: signal + 20*time.Millisecond},
	}
	add := func(from, to time.Duration, o history.Outcome) {
		for i := range requests {
			at := from + time.Duration(i)*10*time.Microsecond
			r := history.Request{Seq: uint32(len(h.Requests)), Outcome: o, Scheduled: at, Started: at, End: at + to - from}
			if o != history.Refused {
				r.Connected, r.Sent, r.Written, r.Reused = at, at, true, i%2 == 0
			}
			if o == history.Completed {
				r.FirstByte, r.Status = r.End, 200
			}
			if o == history.Dropped {
				r.Cause = history.Closed
			}
			h.Requests = append(h.Requests, r)
		}
	}
	add(signal-150*time.Millisecond, signal-50*time.Millisecond, history.Completed)
	add(signal-100*time.Millisecond, signal+10*time.Millisecond, ended)
	add(signal+21*time.Millisecond, signal+22*time.Millisecond, history.Refused)
	return h
}

// illustrated are the histories of failing().
func illustrated() []*history.History {
	return []*history.History{
		recorded("naive", 1, 50, history.Dropped), recorded("naive", 2, 50, history.Dropped), recorded("signal-notify", 1, 50, history.Completed),
	}
}

func pageOf(t *testing.T, s result.Suite, histories []*history.History) (string, *html.Node) {
	t.Helper()
	text := render(t, Style{Histories: histories}.HTML, s)
	node, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, node
}

// all returns the elements for which is holds, in their order.
func all(n *html.Node, is func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && is(d) {
			found = append(found, d)
		}
	}
	return found
}

func called(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

func classed(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return slices.Contains(strings.Fields(attr(n, "class")), name) }
}

func byID(t *testing.T, n *html.Node, id string) *html.Node {
	t.Helper()
	found := all(n, func(n *html.Node) bool { return attr(n, "id") == id })
	if len(found) != 1 {
		t.Fatalf("%d elements are called %s", len(found), id)
	}
	return found[0]
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words are the text of an element, as it is read.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.DataAtom != atom.Script && d.Parent.DataAtom != atom.Style {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func renderNode(t *testing.T, n *html.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

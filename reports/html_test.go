package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
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

// TestPageTableIsTheTable: the page, the terminal's table and the JSON say the
// same.
func TestPageTableIsTheTable(t *testing.T) {
	for name, suite := range goldens() {
		_, page := pageOf(t, suite, nil)
		rows := all(byID(t, page, "comparison"), called("tr"))[2:]
		if len(rows) != len(suite.Subjects) {
			t.Fatalf("%s: %d rows of %d subjects", name, len(rows), len(suite.Subjects))
		}
		var suiteJSON result.Suite
		if err := json.Unmarshal([]byte(render(t, JSON, suite)), &suiteJSON); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			var cells []string
			for c := range row.ChildNodes() {
				if c.Type == html.ElementNode {
					cells = append(cells, textOf(c))
				}
			}
			want := Style{}.row(suite.Subjects[i], room{name: maxName, exit: maxName, number: number})
			for j := range want {
				want[j] = strings.Join(strings.Fields(want[j]), " ")
			}
			if !slices.Equal(cells, want) {
				t.Errorf("%s: the page says\n%q\nthe table\n%q", name, cells, want)
			}
			s := suiteJSON.Subjects[i]
			counts := []int{s.InFlight.Completed, s.InFlight.Rejected, s.InFlight.Dropped, s.Late.Dropped, s.Late.AtRisk(), s.Requests.Refused}
			for j, n := range counts {
				if cells[j+1] != number(n) {
					t.Errorf("%s: column %d says %s, the JSON %d", name, j+1, cells[j+1], n)
				}
			}
		}
	}
}

// TestPageDrawsWhatIsRecorded: a swimlane, a row of buckets, of exits and of
// latencies for each subject, and a lane with a story for each request in sight.
func TestPageDrawsWhatIsRecorded(t *testing.T) {
	_, page := pageOf(t, failing(), illustrated())
	swims := all(page, classed("swim"))
	if len(swims) != 2 || len(all(byID(t, page, "time"), called("figure"))) != 2 || len(all(byID(t, page, "exits"), classed("name"))) != 2 ||
		len(all(byID(t, page, "latency"), classed("name"))) != 2 {
		t.Fatalf("%d swimlanes, or others are missing", len(swims))
	}
	var data struct {
		Pitch    float64
		Patterns []string
		Lanes    [][]any
	}
	if err := json.Unmarshal([]byte(all(swims[0], called("script"))[0].FirstChild.Data), &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Lanes) != 150 || len(data.Patterns) == 0 || !(data.Pitch > 0) {
		t.Errorf("%d lanes, patterns %q", len(data.Lanes), data.Patterns)
	}
	wrong := 0
	for _, lane := range data.Lanes {
		wrong += int(lane[1].(float64))
	}
	if crosses := strings.Count(renderNode(t, swims[0]), "#lc-dropped"); wrong != 50 || crosses != 50 {
		t.Errorf("%d lanes are marked as lost and %d are crossed, of 50", wrong, crosses)
	}
	if story := textOf(all(swims[0], classed("story"))[0]); !strings.Contains(story, "its client got nothing") {
		t.Errorf("no loss is told of first: %s", story)
	}
	for _, m := range []string{"SIGTERM", "exit +20 ms"} {
		if !strings.Contains(textOf(swims[0]), m) {
			t.Errorf("the mark %s is missing", m)
		}
	}
	if stories := textOf(byID(t, page, "findings")); !strings.Contains(stories, "Request 17 was sent") {
		t.Error("a finding's proof tells no story")
	}
	if missing := all(page, func(n *html.Node) bool { return attr(n, "id") == "missing" }); len(missing) > 0 {
		t.Error("it says that something is missing")
	}
}

func renderNode(t *testing.T, n *html.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageWithoutHistoriesSaysSo, shows the line of letters instead, and names
// those that are missing where others are not.
func TestPageWithoutHistoriesSaysSo(t *testing.T) {
	_, page := pageOf(t, failing(), nil)
	if text := textOf(byID(t, page, "missing")); !strings.Contains(text, "without its recorded histories") || !strings.Contains(text, "lastcall report DIR") {
		t.Errorf("it says %s", text)
	}
	if len(all(page, classed("swim"))) != 0 || !strings.Contains(textOf(page), ".. .......|x#rrrrrr") {
		t.Error("the line of letters is missing, or something is drawn")
	}
	_, page = pageOf(t, failing(), illustrated()[:2])
	if text := textOf(byID(t, page, "missing")); !strings.Contains(text, "signal-notify") || strings.Contains(text, "naive") {
		t.Errorf("it says %s", text)
	}
}

// TestPageAsksNobody: nothing in it leads elsewhere, and its policy allows its own
// style and script and nothing else.
func TestPageAsksNobody(t *testing.T) {
	for name, suite := range goldens() {
		text, page := pageOf(t, suite, illustrated())
		for _, n := range all(page, func(*html.Node) bool { return true }) {
			for _, a := range n.Attr {
				switch {
				case slices.Contains([]string{"src", "srcset", "action", "data", "poster", "style"}, a.Key), strings.HasPrefix(a.Key, "on"):
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				case (a.Key == "href" || strings.HasSuffix(a.Key, ":href")) && !strings.HasPrefix(a.Val, "#"):
					t.Errorf("%s: <%s> leads to %q", name, n.Data, a.Val)
				}
			}
			if slices.Contains([]string{"link", "iframe", "img", "image", "object", "embed", "base", "form"}, n.Data) {
				t.Errorf("%s: a <%s>", name, n.Data)
			}
		}
		if strings.Contains(text, "url(") || strings.Contains(text, "@import") {
			t.Errorf("%s: the style asks somebody", name)
		}
		want := "default-src 'none'; style-src 'sha256-"
		if meta := all(page, func(n *html.Node) bool { return attr(n, "http-equiv") == "Content-Security-Policy" }); len(meta) != 1 || !strings.HasPrefix(attr(meta[0], "content"), want) {
			t.Errorf("%s: no policy", name)
		}
		runs := all(page, func(n *html.Node) bool { return n.Data == "script" && attr(n, "type") == "" })
		if len(runs) != 1 || !strings.Contains(text, policy(all(page, called("style"))[0].FirstChild.Data, runs[0].FirstChild.Data)[len("default-src 'none'; "):]) &&
			!strings.Contains(html.UnescapeString(text), policy(all(page, called("style"))[0].FirstChild.Data, runs[0].FirstChild.Data)) {
			t.Errorf("%s: the policy allows another style or script than there is", name)
		}
	}
}

// TestPageIsUsable: headings go down one level at a time, every table has scopes,
// every drawing is named or hidden.
func TestPageIsUsable(t *testing.T) {
	_, page := pageOf(t, failing(), illustrated())
	level := 0
	for _, h := range all(page, func(n *html.Node) bool {
		return len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6'
	}) {
		next := int(h.Data[1] - '0')
		if next > level+1 {
			t.Errorf("<%s> %s comes after <h%d>", h.Data, textOf(h), level)
		}
		level = next
	}
	for _, th := range all(page, called("th")) {
		if attr(th, "scope") == "" {
			t.Errorf("<th> %s has no scope", textOf(th))
		}
	}
	for _, svg := range all(page, called("svg")) {
		hidden := false
		for n := svg; n != nil; n = n.Parent {
			hidden = hidden || attr(n, "aria-hidden") == "true"
		}
		if !hidden && attr(svg, "aria-label") == "" {
			t.Errorf("a drawing without a name: %.100s", renderNode(t, svg))
		}
	}
}

// TestHostilePage: whatever a server calls itself or says, it is text.
func TestHostilePage(t *testing.T) {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)> "'&{{.}} ]]>`
	suite := failing()
	s := &suite.Subjects[0]
	s.Name = evil
	s.Story = []string{evil, evil + strings.Repeat(" and on", 200_000), evil}
	s.Findings[0].Rule, s.Findings[0].Detail, s.Findings[0].Expected, s.Findings[0].Reference = evil, evil, evil, evil
	s.Exits[0].Signal = evil
	s.Details[1].Stderr = []string{evil, strings.Repeat("x", 1<<20)}
	suite.Warnings = slices.Repeat([]string{evil}, 500)
	suite.Scenario.Name, suite.Scenario.Purpose, suite.Environment.Kernel, suite.Tool.Version = evil, evil, evil, evil
	suite.Scenario.Disruption.Signal = evil
	h := recorded(evil, 1, 50, history.Dropped)
	h.Signal.Name, h.Header.Scenario.Load.Method, h.Methods = evil, evil, []string{evil}
	h.Events = append(h.Events, history.Event{Name: evil, At: h.Signal.Before})
	text, page := pageOf(t, suite, []*history.History{h})
	if n := len(all(page, called("script"))); n != 2 {
		t.Errorf("%d scripts, want the page's and the data of one swimlane", n)
	}
	if len(all(page, called("img"))) != 0 || !strings.Contains(textOf(page), "<img src=x onerror=alert(1)>") {
		t.Error("a name is markup, or is not there")
	}
	if len(text) > 400_000 {
		t.Errorf("%d bytes: long texts are not shortened", len(text))
	}
	svg := render(t, Style{Histories: []*history.History{h}}.SVG, suite)
	if strings.Contains(svg, "<script") || strings.Contains(svg, "<img") {
		t.Error("a name is markup in the drawing that stands alone")
	}
}

// TestPageStaysSmall: twenty subjects with as much as there may be of everything.
func TestPageStaysSmall(t *testing.T) {
	var subjects []result.Subject
	var histories []*history.History
	for i := range 20 {
		s := failing().Subjects[0]
		s.Name = fmt.Sprintf("subject-%d", i)
		for range 20 {
			s.Findings = append(s.Findings, s.Findings[0])
		}
		subjects = append(subjects, s)
		histories = append(histories, recorded(s.Name, 1, 4000, history.Dropped))
	}
	text, page := pageOf(t, suiteOf(subjects...), histories)
	if len(text) > 2_000_000 {
		t.Errorf("%d bytes", len(text))
	}
	caption := textOf(all(page, called("figcaption"))[0])
	for _, want := range []string{"500 lines", "A sample", "losses go first"} {
		if !strings.Contains(caption, want) {
			t.Errorf("%q does not say %q", caption, want)
		}
	}
}

// TestHeadlines: each is true of its numbers.
func TestHeadlines(t *testing.T) {
	of := func(v result.Verdict, c history.Counts, late history.Counts) result.Subject {
		s := subject("it", v)
		s.InFlight, s.Late = c, late
		return s
	}
	broken := of(result.Fail, history.Counts{Total: 9, Completed: 9}, history.Counts{})
	broken.Findings = []result.Finding{{Rule: "exit-status", Status: result.Violated}, {Rule: "no-failed", Status: result.Satisfied}}
	overdue := broken
	overdue.Story = []string{"It was killed.", "It waits for what never ends."}
	for want, s := range map[string]result.Subject{
		"hung up on 1,100 of the 1,200 requests that it had in hand.":     of(result.Fail, history.Counts{Total: 1200, Completed: 100, Dropped: 1100}, history.Counts{}),
		"turned away 7 of the 9 requests that it had in hand.":            of(result.Fail, history.Counts{Total: 9, Rejected: 7, Dropped: 1, Completed: 1}, history.Counts{}),
		"gave a wrong answer to 7 of the 9 requests that it had in hand.": of(result.Fail, history.Counts{Total: 9, Failed: 7, Rejected: 1, Dropped: 1}, history.Counts{}),
		"It was killed.":                                      overdue,
		"broke a rule: exit-status.":                          broken,
		"answered the one request that it had in hand.":       of(result.Pass, history.Counts{Total: 1, Completed: 1}, history.Counts{}),
		"could not be judged.":                                of(result.Inconclusive, history.Counts{Total: 9, Dropped: 9}, history.Counts{}),
		"answered all 9 requests that it had in hand.":        of(result.Pass, history.Counts{Total: 9, Completed: 9}, history.Counts{Dropped: 2}),
		"hung up on 2 of the 9 requests that it had in hand.": of(result.Pass, history.Counts{Total: 9, Completed: 7, Dropped: 2}, history.Counts{}), // known from a baseline
		"answered 8 of the 9 requests that it had in hand.":   of(result.Pass, history.Counts{Total: 9, Completed: 8, Refused: 1}, history.Counts{}),
		"had no request in hand.":                             of(result.Pass, history.Counts{}, history.Counts{}),
	} {
		if got := headline(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

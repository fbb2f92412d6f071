package reports

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"lastcall/harness/result"
)

// TestPageTableIsTheTable: the page, the terminal's table and the JSON say the
// same.
func TestPageTableIsTheTable(t *testing.T) {
	for name, suite := range goldens() {
		if probesOnly(suite) {
			continue // it has no such table
		}
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
			want := rowOf(Style{}.columnsOf(suite), suite.Subjects[i], room{name: maxName, exit: maxName, number: number})
			for j := range want {
				want[j] = strings.Join(strings.Fields(want[j]), " ")
			}
			if !slices.Equal(cells, want) {
				t.Errorf("%s: the page says\n%q\nthe table\n%q", name, cells, want)
			}
			s := suiteJSON.Subjects[i]
			if name == "witnessed" || name == "unloaded" {
				continue // they have other columns
			}
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
	if story := textOf(all(swims[0], classed("story"))[0]); !strings.Contains(story, "its client got no answer") {
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

// TestPageWithoutHistoriesSaysSo, shows the line of letters instead, and names
// those that are missing where others are not.
func TestPageWithoutHistoriesSaysSo(t *testing.T) {
	_, page := pageOf(t, failing(), nil)
	if text := textOf(byID(t, page, "missing")); !strings.Contains(text, "the recorded histories of this result are missing") || !strings.Contains(text, "lastcall report DIR") {
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
		runs := all(page, func(n *html.Node) bool { return n.Data == "script" && attr(n, "type") == "" })
		meta := all(page, func(n *html.Node) bool { return attr(n, "http-equiv") == "Content-Security-Policy" })
		if len(runs) != 1 || len(meta) != 1 {
			t.Fatalf("%s: %d scripts that run, %d policies", name, len(runs), len(meta))
		}
		want := fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
			sum(all(page, called("style"))[0].FirstChild.Data), sum(runs[0].FirstChild.Data))
		if got := attr(meta[0], "content"); got != want {
			t.Errorf("%s: the policy is %s, want %s", name, got, want)
		}
	}
}

func sum(text string) string {
	hash := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(hash[:])
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

package reports

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"lastcall/harness/result"
)

// loadSections are those that are about requests.
var loadSections = []string{"numbers", "comparison", "missing", "lanes", "time", "latency", "findings"}

// has reports whether there is an element of that id.
func has(page *html.Node, id string) bool {
	return len(all(page, func(n *html.Node) bool { return attr(n, "id") == id })) > 0
}

// TestPageOfProbes says of each probe all that is known, and nothing of requests
// that were never sent.
func TestPageOfProbes(t *testing.T) {
	suite := probed()
	suite.Warnings = []string{"the machine is busy"}
	text, page := pageOf(t, suite, nil)
	for _, id := range loadSections {
		if has(page, id) {
			t.Errorf("there is a section %s", id)
		}
	}
	for _, never := range []string{"request in hand", "--record", "0 requests", "seed 7"} {
		if strings.Contains(textOf(page), never) {
			t.Errorf("it says %q", never)
		}
	}
	if !strings.Contains(textOf(page), "Warning: the machine is busy") {
		t.Error("the warning is missing")
	}
	shown := all(byID(t, page, "probes"), classed("probe"))
	if want := len(suite.Subjects[0].Probes) + len(suite.Subjects[1].Probes); len(shown) != want {
		t.Fatalf("%d probes of %d", len(shown), want)
	}
	for _, p := range suite.Subjects[0].Probes {
		row := rowNamed(t, shown, probeName(p))
		says := textOf(row)
		for _, part := range []string{p.Status.String(), p.State, p.Seen, p.Proof, p.Requirement, p.Reference, remedy(p)} {
			if !strings.Contains(says, part) {
				t.Errorf("%s: %q is missing in %q", probeName(p), part, says)
			}
		}
		_, open := attrOf(row, "open")
		if holds := p.Status == result.ProbePass || p.Status == result.ProbeSkip; open == holds {
			t.Errorf("%s, which is %s, is open: %t", probeName(p), p.Status, open)
		}
	}
	if first := textOf(shown[0]); !strings.Contains(first, "fail") {
		t.Errorf("the worst does not come first: %s", first)
	}
	for _, anchor := range all(page, func(n *html.Node) bool { return n.Data == "a" }) {
		if to, inside := strings.CutPrefix(attr(anchor, "href"), "#"); !inside || !has(page, to) {
			t.Errorf("%s leads nowhere", attr(anchor, "href"))
		}
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, "<b>::error") {
		t.Error("what a server said is markup, or commands a terminal")
	}
}

// rowNamed is the probe of that name.
func rowNamed(t *testing.T, rows []*html.Node, name string) *html.Node {
	t.Helper()
	for _, row := range rows {
		if textOf(all(row, classed("name"))[0]) == name {
			return row
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func attrOf(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// TestPageMatrix holds the matrix against the suite: a row a probe, a column a
// subject, and no mark where a subject was not probed so.
func TestPageMatrix(t *testing.T) {
	suite := probed()
	_, page := pageOf(t, suite, nil)
	rows := all(byID(t, page, "matrix"), called("tr"))
	if len(rows) != 1+len(matrixRows(suite)) {
		t.Fatalf("%d rows for %d probes", len(rows), len(matrixRows(suite)))
	}
	for _, row := range rows[1:] {
		name, cells := textOf(all(row, called("th"))[0]), all(row, called("td"))
		for i, subject := range suite.Subjects {
			want := ""
			for _, p := range subject.Probes {
				if probeName(p) == name {
					want = sign(p.Status) + " " + p.Status.String()
				}
			}
			if got := textOf(cells[i]); got != want {
				t.Errorf("%s of %s: %q, want %q", name, subject.Name, got, want)
			}
		}
	}
	_, alone := pageOf(t, skippedProbes(), nil)
	if has(alone, "matrix") {
		t.Error("one subject is compared with nobody")
	}
	if says := textOf(alone); !strings.Contains(says, "Every probe was skipped") || !strings.Contains(says, "give --ws-url") {
		t.Errorf("nothing says why nothing is known: %s", says)
	}
}

// TestPageOfBoth: load and probes of one subject, and one that was only probed.
func TestPageOfBoth(t *testing.T) {
	suite := failing()
	suite.Subjects[0].Probes = probes()
	suite.Subjects = append(suite.Subjects, onlyProbes("probed", result.Fail, probes()...))
	_, page := pageOf(t, suite, illustrated())
	for _, id := range []string{"numbers", "lanes", "findings", "matrix", "probes"} {
		if !has(page, id) {
			t.Errorf("there is no section %s", id)
		}
	}
	if n := len(all(byID(t, page, "comparison"), called("tr"))) - 2; n != len(suite.Subjects)-1 {
		t.Errorf("%d rows of %d that were loaded", n, len(suite.Subjects)-1)
	}
	if has(page, "missing") {
		t.Error("requests are missed of one that got none")
	}
	if says := textOf(byID(t, page, "findings")); strings.Contains(says, "http1/in-handler") || strings.Contains(says, "probed") {
		t.Error("probes are told of twice")
	}
}

// TestPageOfManyProbes stays one that a browser opens.
func TestPageOfManyProbes(t *testing.T) {
	var subjects []result.Subject
	for i := range 20 {
		var many []result.Probe
		for n := range 500 {
			p := probes()[n%5]
			p.Probe, p.Seen, p.Proof = fmt.Sprintf("family/probe-%d", n), strings.Repeat("seen ", 1000), strings.Repeat("x", 100_000)
			many = append(many, p)
		}
		subjects = append(subjects, onlyProbes(fmt.Sprintf("subject-%d", i), result.Fail, many...))
	}
	text, page := pageOf(t, suiteOf(subjects...), nil)
	if len(text) > 16<<20 {
		t.Errorf("%d bytes", len(text))
	}
	if says := textOf(byID(t, page, "probes")); !strings.Contains(says, "And 300 more; --report json has all of them.") {
		t.Error("nothing says that some are left out")
	}
}

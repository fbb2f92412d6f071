package truth

import (
	"fmt"
	"io"
	"runtime"
	"slices"

	"lastcall/harness/result"
)

const noiseHead = `# How often is the answer "inconclusive"?

lastcall is to say *inconclusive* rather than something false. How often it says so of a right server
depends on how busy the machine is. These are counts, made by running a table of small servers, right and
wrong, and of servers from Debian (` + "`internal/truth`" + `): on a machine that does nothing else (quiet), beside one
process for each core that computes all the time (busy), with a part of a core only (quota), and by a
user without privileges (unprivileged). Each run is one ` + "`lastcall test`" + ` with its own seed, which decides when the
signal comes.

A right server that fails, or a wrong one that passes, would be a mistake of lastcall; both are counted too.

`

const noiseFoot = `
The table is made by these commands, which go on where they were stopped, and the last of which writes this
page:

` + "```sh example" + `
go run ./cmd/truth -runs 5
go run ./cmd/truth -few -runs 20
go run ./cmd/truth -few -runs 20 -busy
go run ./cmd/truth -few -runs 3 -user nobody
go run ./cmd/truth -few -runs 3 -quota 0.5
go run ./cmd/truth -print noise >docs/noise.md
` + "```" + `
`

// printNoise prints the page that publishes how often servers are inconclusive.
func printNoise(w io.Writer, rows []Row, all []Result) error {
	modes, counts := tally(all)
	fmt.Fprint(w, noiseHead)
	for _, right := range []bool{true, false} {
		those := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Right != right })
		title := "Wrong servers"
		if right {
			title = "Right servers"
		}
		fmt.Fprintf(w, "## %s\n\n", title)
		if err := printMarkdown(w, noiseHeader(modes), noiseLines(those, modes, counts)); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "The machine had %d cores. A row that may be inconclusive by what the server is stands in the table as well.\n", runtime.NumCPU())
	_, err := io.WriteString(w, noiseFoot)
	return err
}

func noiseHeader(modes []string) []string {
	head := []string{"server"}
	for _, m := range modes {
		if !slices.Contains([]string{"quiet", "busy", "quota"}, m) {
			m = "unprivileged" // the name of a user
		}
		head = append(head, m+": runs", "pass", "fail", "inconclusive")
	}
	return head
}

func noiseLines(rows []Row, modes []string, counts map[string]*count) [][]string {
	var lines [][]string
	sums := make([]count, len(modes))
	for _, row := range rows {
		line, runs := []string{row.Name}, 0
		for i, m := range modes {
			c := counts[row.Name+" "+m]
			if c == nil {
				c = &count{}
			}
			sums[i].merge(c)
			runs += c.runs
			line = append(line, c.cells()...)
		}
		if runs > 0 {
			lines = append(lines, line)
		}
	}
	all := []string{"**all**"}
	for i := range sums {
		all = append(all, sums[i].cells()...)
	}
	return append(lines, all)
}

// cells are runs, passes, failures and the rest, with its share.
func (c *count) cells() []string {
	if c.runs == 0 {
		return []string{"", "", "", ""}
	}
	doubt := c.verdicts[result.Inconclusive]
	share := fmt.Sprint(doubt)
	if doubt > 0 {
		share = fmt.Sprintf("%d (%.0f%%)", doubt, 100*float64(doubt)/float64(c.runs))
	}
	return []string{fmt.Sprint(c.runs), fmt.Sprint(c.verdicts[result.Pass]), fmt.Sprint(c.verdicts[result.Fail]), share}
}

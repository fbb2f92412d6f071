package reports

import (
	"io"
	"strings"

	"github.com/olekukonko/tablewriter/tw"

	"lastcall/harness/result"
)

// room is how much room a row gives to what has no bound of its own.
type room struct {
	name   int // columns of a subject's name
	exit   int // columns of how it ended
	number func(int) string
	narrow bool // headers are broken that are wider than their numbers
	tight  bool // one blank between columns
}

// rooms are tried in turn until the table is not too wide.
var rooms = []room{
	{name: 20, exit: 24, number: number},
	{name: 20, exit: 24, number: number, narrow: true},
	{name: 20, exit: 20, number: number, narrow: true, tight: true},
	{name: 12, exit: 16, number: number, narrow: true, tight: true},
	{name: 10, exit: 12, number: brief, narrow: true, tight: true},
}

// comparison writes the table in the first room that keeps it within the width.
func (style Style) comparison(w io.Writer, s result.Suite) error {
	for i, r := range rooms {
		text, err := style.grid(s, r)
		if err != nil {
			return err
		}
		if i == len(rooms)-1 || widest(text) <= width {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	return nil
}

func widest(text string) int {
	most := 0
	for line := range strings.Lines(text) {
		most = max(most, columns(strings.TrimSuffix(line, "\n")))
	}
	return most
}

func (style Style) grid(s result.Suite, r room) (string, error) {
	all := style.columnsOf(s)
	var header []string
	var align []tw.Align
	before := column{}
	for _, c := range all {
		side := tw.AlignRight
		if c.words {
			side = tw.AlignLeft
		}
		header, align, before = append(header, c.head(before)), append(align, side), c
	}
	var rows [][]string
	for _, subject := range s.Subjects {
		rows = append(rows, rowOf(all, subject, r))
	}
	if r.narrow {
		for i := range header {
			header[i] = narrow.Replace(strings.TrimPrefix(header[i], "\n"))
		}
		header = bottom(header)
	}
	if !r.tight {
		return grid(header, align, rows)
	}
	return gridSpaced(header, align, rows, tw.Padding{Left: " ", Overwrite: true})
}

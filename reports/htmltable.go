package reports

import (
	"strings"

	"lastcall/harness/result"
)

// pageHead is the header of the page's table: what stands above, and below it
// what is under a group.
type pageHead struct{ Top, Below []pageTitle }

// pageTitle heads a column, or a group of so many.
type pageTitle struct {
	Text    string
	Columns int  // of a group, 0 of a column that stands alone
	Words   bool // its cells hold words
	Moment  bool // it is about the moment at which the server was told
}

type pageCell struct{ Text, Class string }

// headOf is the header of the table.
func headOf(all []column) (h pageHead) {
	before := column{}
	for _, c := range all {
		title := pageTitle{Text: strings.ReplaceAll(c.name, "\n", " "), Words: c.words}
		switch {
		case c.group == "":
			h.Top = append(h.Top, title)
		case c.group == before.group:
			h.Top[len(h.Top)-1].Columns++
			h.Below = append(h.Below, title)
		default:
			h.Top = append(h.Top, pageTitle{Text: c.group, Columns: 1, Moment: c.group == "in flight"})
			h.Below = append(h.Below, title)
		}
		before = c
	}
	return h
}

// cells are what the table says of a subject between its name and its verdict, in
// its order.
func cells(all []column, s result.Subject) []pageCell {
	row := rowOf(all, s, room{name: maxName, exit: maxName, number: number})
	found := make([]pageCell, 0, len(row))
	for i, text := range row[1 : len(row)-1] {
		c := pageCell{Text: text}
		switch column := all[i+1]; {
		case column.words:
			c.Class = "words"
		case column.loses && text != "0" && s.Verdict == result.Fail:
			c.Class = "bad"
		}
		found = append(found, c)
	}
	return found
}

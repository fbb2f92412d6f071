package targets

import (
	"bytes"
	"fmt"
	"go/printer"
	"strings"
)

// Difference returns the lines of the sibling's function that this one does not have,
// each after "- ", and those that it has instead, each after "+ ". Comments do not
// count. It returns nothing of a strategy without a sibling.
func (s Strategy) Difference() ([]string, error) {
	sibling, ok := ByName(s.Sibling)
	if !ok {
		return nil, nil
	}
	all, err := readPackage()
	if err != nil {
		return nil, err
	}
	before, err := all.code(sibling)
	if err != nil {
		return nil, err
	}
	after, err := all.code(s)
	if err != nil {
		return nil, err
	}
	return difference(before, after), nil
}

// code returns the lines of a strategy's body without comments and blanks.
func (c *sourceCode) code(s Strategy) (lines []string, err error) {
	own, err := c.stopper(s)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := printer.Fprint(&text, c.set, own.Body); err != nil { // the printer is given no comments
		return nil, fmt.Errorf("print %s: %w", s.Name, err)
	}
	for line := range strings.Lines(text.String()) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, strings.ReplaceAll(line, "\t", " ")) // by which the printer would align
		}
	}
	return lines, nil
}

// difference compares by the longest common subsequence.
func difference(a, b []string) (lines []string) {
	common := make([][]int, len(a)+1) // common[i][j]: of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "- "+a[i])
			i++
		default:
			lines = append(lines, "+ "+b[j])
			j++
		}
	}
	return lines
}

package reports

import (
	"strings"

	"lastcall/harness/result"
)

// pageBaseline is what the page says of a comparison with a baseline, which decides
// the exit code. The verdicts stay as measured: who is sent the page asks whether
// the server is safe, not whether it has been worse.
type pageBaseline struct{ Class, Word, Table string }

func newPageBaseline(d result.Diff) (*pageBaseline, error) {
	var table strings.Builder
	if err := (Style{}).DiffTable(&table, d); err != nil {
		return nil, err
	}
	return &pageBaseline{Class: d.Verdict.String(), Word: outcome(d.Verdict), Table: table.String()}, nil
}

package history

import (
	"fmt"
	"iter"
)

// A saved history is JSON lines. The first is the header; each other holds
// exactly one of the fields of line; the last is the end, which carries the
// counts by which a truncated file is known.
type line struct {
	Event   *Event      `json:"event,omitempty"`
	Request *Request    `json:"request,omitempty"`
	Ledger  *LedgerLine `json:"ledger,omitempty"`
	Applied *uint32     `json:"applied,omitempty"`
	Parked  *Parked     `json:"parked,omitempty"`
	Look    *Look       `json:"look,omitempty"`
	Closing *Closing    `json:"closing,omitempty"`
	Answer  *Answer     `json:"answer,omitempty"`
	End     *end        `json:"end,omitempty"`
}

// check returns what no shutdown can have shown: a number out of bounds, a request that
// ended before it started.
func (l *line) check() error {
	if err := Bounded(l); err != nil {
		return err
	}
	if r := l.Request; r != nil && r.End != 0 && r.End < r.Started {
		return fmt.Errorf("request.end is %s, before request.started %s", r.End, r.Started)
	}
	return nil
}

// lines are all lines between the header and the end.
func (h *History) lines() iter.Seq[line] {
	return func(yield func(line) bool) {
		_ = each(h.Events, func(e *Event) bool { return yield(line{Event: e}) }) &&
			each(h.Requests, func(r *Request) bool { return yield(line{Request: r}) }) &&
			each(h.Ledger.Lines, func(l *LedgerLine) bool { return yield(line{Ledger: l}) }) &&
			each(h.Applied.Lines, func(seq *uint32) bool { return yield(line{Applied: seq}) }) &&
			each(h.Parked, func(p *Parked) bool { return yield(line{Parked: p}) }) &&
			each(h.Looks, func(l *Look) bool { return yield(line{Look: l}) }) &&
			each(h.Closings, func(c *Closing) bool { return yield(line{Closing: c}) }) &&
			each(h.Answers, func(a *Answer) bool { return yield(line{Answer: a}) })
	}
}

// each calls f for every item until it returns false, and says whether it never
// did.
func each[T any](items []T, f func(*T) bool) bool {
	for i := range items {
		if !f(&items[i]) {
			return false
		}
	}
	return true
}

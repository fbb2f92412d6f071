package load

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"lastcall/harness/history"
)

// The bounds of what is kept of answers: those whose status is wrong, and those of
// which only a comparison can tell whether they are.
const (
	maxWrong  = 64
	maxOthers = 512
)

// lines keeps what the answers said that came after the signal.
type lines struct {
	on atomic.Bool // the signal is about to be sent

	mu            sync.Mutex // all requests add to them
	wrong, others []history.Answer
}

// add keeps the first line of an answer, from the beginning of its body.
func (l *lines) add(r *history.Request, beginning []byte) {
	if !l.on.Load() {
		return
	}
	line := firstLine(beginning)
	if line == "" {
		return
	}
	l.mu.Lock() // all requests add to them
	defer l.mu.Unlock()
	list, most := &l.wrong, maxWrong
	if r.Outcome == history.Completed {
		list, most = &l.others, maxOthers
	}
	if len(*list) < most {
		*list = append(*list, history.Answer{Seq: r.Seq, Line: line})
	}
}

// firstLine returns the first line of a text that is not empty, "" if that is no
// text: a body may be compressed.
func firstLine(text []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimLeftFunc(text, unicode.IsSpace), []byte("\n"))
	for range utf8.UTFMax - 1 { // the beginning may end within a character
		if r, size := utf8.DecodeLastRune(line); r == utf8.RuneError && size == 1 {
			line = line[:len(line)-1]
		}
	}
	line = bytes.TrimSpace(line)
	if bytes.ContainsFunc(line, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) && r != '\t' }) {
		return ""
	}
	return string(line)
}

// Exposed says that the signal is about to be sent: what answers say from now on is
// kept.
func (a *Attack) Exposed() {
	if a != nil {
		a.transport.lines.on.Store(true)
	}
}

// Answers are the beginnings of the answers that came since Exposed, as far as there
// was room, those of a wrong status first.
func (a *Attack) Answers() []history.Answer {
	l := &a.transport.lines
	l.mu.Lock() // late requests may add to them
	defer l.mu.Unlock()
	return slices.Concat(l.wrong, l.others)
}

// Idle returns how many connections are open that have served and are not used
// again.
func (a *Attack) Idle() int {
	if a == nil {
		return 0
	}
	p := a.transport.pool
	p.mu.Lock() // the sentinels are shared
	defer p.mu.Unlock()
	return len(p.sentinels)
}

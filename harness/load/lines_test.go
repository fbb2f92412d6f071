package load

import (
	"strings"
	"testing"

	"lastcall/harness/history"
)

// TestFirstLine: a line for people, or nothing.
func TestFirstLine(t *testing.T) {
	for text, want := range map[string]string{
		"database is closed\n":            "database is closed",
		"\r\n\n  {\"error\": \"x\"}\r\n}": `{"error": "x"}`,
		"":                                "",
		" \n\t\n":                         "",
		"\x1f\x8b\x08\x00compressed":      "",
		"\x1b[31mred":                     "",
		"a\ttab":                          "a\ttab",
		"grün":                            "grün",
		"cut within a character: ü"[:25]:  "cut within a character:",
		"\xff\xfe":                        "",
		"bad \xff in the middle":          "",
	} {
		if got := firstLine([]byte(text)); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// TestLinesAreBounded, and nothing is kept before the signal.
func TestLinesAreBounded(t *testing.T) {
	a := &Attack{transport: &transport{}}
	l := &a.transport.lines
	wrong, right := &history.Request{Seq: 1, Outcome: history.Failed}, &history.Request{Seq: 2, Outcome: history.Completed}
	l.add(wrong, []byte("before"))
	a.Exposed()
	l.add(right, []byte("right"))
	for range 2 * maxWrong {
		l.add(wrong, []byte("wrong"))
	}
	for range 2 * maxOthers {
		l.add(right, []byte("right"))
	}
	all := a.Answers()
	if len(all) != maxWrong+maxOthers || all[0].Line != "wrong" || all[maxWrong].Line != "right" {
		t.Errorf("%d are kept, the first is %+v", len(all), all[0])
	}
}

// TestBeginningOfABody: what a body began with, in however many pieces it was read.
func TestBeginningOfABody(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, piece := range []int{1, 7, 79, 80, 81, 1000} {
		b := &body{ReadCloser: readCloser{strings.NewReader(long)}}
		for range len(long) / min(piece, len(long)) {
			if _, err := b.Read(make([]byte, piece)); err != nil {
				t.Fatal(err)
			}
		}
		if string(b.beginning[:]) != long[:history.MaxExcerpt] {
			t.Errorf("in pieces of %d: %q", piece, b.beginning)
		}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

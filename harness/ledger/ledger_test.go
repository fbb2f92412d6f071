package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"lastcall/harness/ledger"
)

// TestNamesAreTheContract: servers in other languages spell them out.
func TestNamesAreTheContract(t *testing.T) {
	for got, want := range map[string]string{
		ledger.EnvPath:  "LASTCALL_LEDGER",
		ledger.HeaderID: "X-Lastcall-Id",
		ledger.Received: "received",
		ledger.Executed: "executed",
		ledger.Answered: "answered",
		ledger.Signal:   "signal",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWriterFormat: the file is what the format says, byte for byte.
func TestWriterFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	w := open(t, path)
	steps := []error{
		w.Append("r1-2-3", ledger.Received), w.Append("r1-2-3", ledger.Executed), w.MarkSignal(), w.Append("r1-2-3", ledger.Answered),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	want := "r1-2-3 received\nr1-2-3 executed\n- signal\nr1-2-3 answered\n"
	if got := read(t, path); got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
}

// TestWriterAppends: what others have written stays, and every line is in the
// file at once, without a close.
func TestWriterAppends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(path, []byte("a received\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server, harness := open(t, path), open(t, path)
	for i, step := range []func() error{
		harness.MarkSignal, func() error { return server.Append("a", ledger.Answered) }, harness.MarkSignal,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		want := []string{"a received\n", "- signal\n", "a answered\n", "- signal\n"}[:i+2]
		if got := read(t, path); got != strings.Join(want, "") {
			t.Errorf("after step %d the file holds %q, want %q", i, got, want)
		}
	}
}

func TestOpenFails(t *testing.T) {
	w, err := ledger.Open(filepath.Join(t.TempDir(), "missing", "ledger"))
	if !errors.Is(err, os.ErrNotExist) || w != nil {
		t.Errorf("got %v, %v, want an error that the folder is missing", w, err)
	}
}

func TestAppendAfterCloseFails(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "ledger"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Append("a", ledger.Received); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want an error that it is closed", err)
	}
}

// TestConcurrentAppends: two writers and many goroutines, and every line whole.
func TestConcurrentAppends(t *testing.T) {
	const goroutines, lines = 32, 100
	path := filepath.Join(t.TempDir(), "ledger")
	writers := []*ledger.Writer{open(t, path), open(t, path)}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range lines {
				if err := writers[g%2].Append(ledger.ID("run", g, uint32(i)), ledger.Received); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	parsed, torn, err := parse(strings.NewReader(read(t, path)))
	if err != nil || torn != 0 || len(parsed) != goroutines*lines {
		t.Fatalf("%d lines, %d torn, %v, want %d and none", len(parsed), torn, err, goroutines*lines)
	}
	next := make([]uint32, goroutines) // of each goroutine: its own lines are in order
	for _, line := range parsed {
		g, seq := split(t, line.ID)
		if seq != next[g] {
			t.Fatalf("%s came before #%d of its goroutine", line.ID, next[g])
		}
		next[g]++
	}
}

// split takes an id of TestConcurrentAppends apart.
func split(t *testing.T, id string) (goroutine int, seq uint32) {
	t.Helper()
	if _, err := fmt.Sscanf(id, "run-%d-%d", &goroutine, &seq); err != nil {
		t.Fatalf("%q: %v", id, err)
	}
	return goroutine, seq
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []ledger.Line
		torn int
	}{
		{name: "nothing", text: ""},
		{name: "every fact", text: "a received\na executed\na answered\n- signal\n", want: []ledger.Line{
			{ID: "a", Fact: "received"}, {ID: "a", Fact: "executed"}, {ID: "a", Fact: "answered"}, {ID: "-", Fact: "signal"},
		}},
		{name: "with a time", text: "a received 1700000000000000000\n", want: []ledger.Line{{ID: "a", Fact: "received"}}},
		{name: "some with a time", text: "a received 5\nb received\n", want: []ledger.Line{{ID: "a", Fact: "received"}, {ID: "b", Fact: "received"}}},
		{name: "a time that is none", text: "a received soon\n", torn: 1},
		{name: "a time that is too large", text: "a received 9999999999999999999\n", torn: 1},
		{name: "too many fields", text: "a received 5 6\n", torn: 1},
		{name: "too few fields", text: "a\n", torn: 1},
		{name: "an unknown fact", text: "a lost\nb received\n", want: []ledger.Line{{ID: "b", Fact: "received"}}, torn: 1},
		{name: "a fact in capitals", text: "a RECEIVED\n", torn: 1},
		{name: "a last line without its end", text: "a received\nb received", want: []ledger.Line{{ID: "a", Fact: "received"}}, torn: 1},
		{name: "a last line cut in its fact", text: "a received\nb rec", want: []ledger.Line{{ID: "a", Fact: "received"}}, torn: 1},
		{name: "a last line cut in its id", text: "a received\nb", want: []ledger.Line{{ID: "a", Fact: "received"}}, torn: 1},
		{name: "two lines torn into one", text: "a recb received\nc received\n", want: []ledger.Line{{ID: "c", Fact: "received"}}, torn: 1},
		{name: "blank lines", text: "\n\na received\n \n", want: []ledger.Line{{ID: "a", Fact: "received"}}},
		{name: "the line ends of Windows", text: "a received\r\n", want: []ledger.Line{{ID: "a", Fact: "received"}}},
		{name: "tabs and more blanks", text: " a\t received \n", want: []ledger.Line{{ID: "a", Fact: "received"}}},
		{name: "bytes of something else", text: "\x00\x01\xff\n", torn: 1},
		// Only lastcall marks the signal: a server's line must not move the mark.
		{name: "a signal with an id", text: "a signal\nb received\n", want: []ledger.Line{{ID: "b", Fact: "received"}}, torn: 1},
		{name: "no id, another fact", text: "- received\n", want: []ledger.Line{{ID: "-", Fact: "received"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, torn, err := parse(strings.NewReader(tt.text))
			if err != nil || torn != tt.torn {
				t.Errorf("%d torn, %v, want %d", torn, err, tt.torn)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseLongLine: no line is too long to be counted.
func TestParseLongLine(t *testing.T) {
	text := strings.Repeat("x", 1<<20) + "\na received\n"
	lines, torn, err := parse(strings.NewReader(text))
	if err != nil || torn != 1 || len(lines) != 1 {
		t.Errorf("%d lines, %d torn, %v, want one of each", len(lines), torn, err)
	}
}

func TestParseKeepsTheReadersError(t *testing.T) {
	broken := errors.New("disk on fire")
	_, _, err := parse(iotest.ErrReader(broken))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestSeqReadsID: whatever ID writes, Seq reads, and no other shutdown's.
func TestSeqReadsID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.StringMatching(`[a-z0-9]{1,12}`).Draw(t, "run")
		ordinal := rapid.IntRange(1, 1<<20).Draw(t, "ordinal")
		seq := rapid.Uint32().Draw(t, "seq")
		id := ledger.ID(run, ordinal, seq)
		if got, ok := ledger.Seq(id, ledger.Prefix(run, ordinal)); !ok || got != seq {
			t.Fatalf("%q reads as %d, %v, want %d", id, got, ok, seq)
		}
		for _, other := range []string{ledger.Prefix(run, ordinal+1), ledger.Prefix(run+"x", ordinal), ledger.Prefix("x"+run, ordinal)} {
			if got, ok := ledger.Seq(id, other); ok {
				t.Fatalf("%q reads as %d of %q", id, got, other)
			}
		}
	})
}

func TestSeqRefuses(t *testing.T) {
	for _, id := range []string{"", "-", "r1-2-", "r1-2-x", "r1-2--1", "r1-2-+1", "r1-2-1 ", "r1-2-1-1", "r1-2-4294967296", "r1-20-1", "R1-2-1"} {
		if got, ok := ledger.Seq(id, "r1-2-"); ok {
			t.Errorf("%q reads as %d", id, got)
		}
	}
	if got, ok := ledger.Seq("r1-2-4294967295", "r1-2-"); !ok || got != math.MaxUint32 {
		t.Errorf("the largest reads as %d, %v", got, ok)
	}
}

// FuzzParse: nothing makes Parse panic, no line is lost without being counted,
// and what it read can be written and read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a received\n", "- signal\n", "a executed 17\nb rec", "\r\n \n", "a received 5 6\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lines, torn, err := parse(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if filled := notBlank(text); len(lines)+torn != filled {
			t.Fatalf("%d lines and %d torn of %d", len(lines), torn, filled)
		}
		var again strings.Builder
		for _, line := range lines {
			fmt.Fprintf(&again, "%s %s\n", line.ID, line.Fact)
		}
		back, torn, err := parse(strings.NewReader(again.String()))
		if diff := cmp.Diff(lines, back); diff != "" || torn != 0 || err != nil {
			t.Fatalf("read again: %d torn, %v (-first +second):\n%s", torn, err, diff)
		}
	})
}

// notBlank counts the lines that are not blank.
func notBlank(text []byte) int {
	n := 0
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			n++
		}
	}
	return n
}

func open(t *testing.T, path string) *ledger.Writer {
	t.Helper()
	w, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() }) // some tests have closed it
	return w
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse collects the lines.
func parse(r io.Reader) (lines []ledger.Line, torn int, err error) {
	torn, err = ledger.Parse(r, func(l ledger.Line) { lines = append(lines, l) })
	return lines, torn, err
}

// TestParseIsBounded: neither a line without an end nor a file without one takes memory
// or time.
func TestParseIsBounded(t *testing.T) {
	long := "a received\n" + strings.Repeat("b", 10<<20) + " received\nc received\n"
	if lines, torn, err := parse(strings.NewReader(long)); err != nil || torn != 1 || len(lines) != 2 {
		t.Errorf("%d lines, %d torn, error %v, want 2 and 1", len(lines), torn, err)
	}
	for name, part := range map[string]string{"zeros": "\x00", "lines": "abcdefgh received\n" + strings.Repeat("x", 2000) + " received\n"} {
		if _, err := ledger.Parse(&endless{text: part}, func(ledger.Line) {}); !errors.Is(err, ledger.ErrTooLong) {
			t.Errorf("endless %s: error %v, want %v", name, err, ledger.ErrTooLong)
		}
	}
}

// endless repeats a text for ever.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at]
		e.at = (e.at + 1) % len(e.text)
	}
	return len(p), nil
}

// TestOnlyRegularFiles: what a server put in the place of its ledger is refused at once.
func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, link, toNull := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "null")
	regular := filepath.Join(dir, "regular")
	if err := errors.Join(syscall.Mkfifo(fifo, 0o600), os.WriteFile(regular, nil, 0o600), os.Symlink(regular, link), os.Symlink("/dev/zero", toNull)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, link, toNull, "/dev/zero", dir} {
		if file, err := ledger.OpenRead(path); !errors.Is(err, ledger.ErrNoFile) || file != nil {
			t.Errorf("%s: read: %v, want %v", path, err, ledger.ErrNoFile)
		}
		if w, err := ledger.OpenShared(path); w != nil || !errors.Is(err, ledger.ErrNoFile) && path != dir {
			t.Errorf("%s: append: %v, want %v", path, err, ledger.ErrNoFile)
		}
	}
}

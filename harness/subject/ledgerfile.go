package subject

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
)

// LedgerFile is the file to which a server appends its ledger, and lastcall its mark.
// It is one of lastcall's own, or one that the user has named: then it may hold
// what other boots have written, which does not count.
type LedgerFile struct {
	path   string
	named  bool // by the user
	writer *ledger.Writer
	from   int64  // where the lines of this boot begin
	before []byte // the last bytes before that, by which it is known whether they are still there
	marked bool
}

// witnessed is how many bytes before the beginning are remembered. They hold the
// end of an id, which is like no other.
const witnessed = 64

// openLedger opens the named file, or, where the user has named none, lastcall's
// own. It must be called before the server starts.
func openLedger(named, own string) (*LedgerFile, error) {
	b := &LedgerFile{path: cmp.Or(named, own), named: named != ""}
	var err error
	if b.path, err = filepath.Abs(b.path); err != nil { // the server may be in another directory
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if real, err := filepath.EvalSymlinks(b.path); err == nil { // a link of the user's; later ones are the server's
		b.path = real
	}
	if b.writer, err = ledger.OpenShared(b.path); err != nil {
		return nil, err
	}
	if b.from, b.before, err = b.end(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// end returns where the file ends now, and what stands there.
func (b *LedgerFile) end() (size int64, last []byte, err error) {
	file, err := ledger.OpenRead(b.path)
	if err != nil {
		return 0, nil, err
	}
	defer file.Close()
	if size, err = file.Seek(0, io.SeekEnd); err != nil {
		return 0, nil, fmt.Errorf("read ledger: %w", err)
	}
	last, err = lastBytes(file, size)
	return size, last, err
}

// lastBytes returns the last of the bytes that come before the offset. Where
// there are fewer now, it returns what there is.
func lastBytes(file io.ReaderAt, before int64) ([]byte, error) {
	text := make([]byte, min(before, witnessed))
	n, err := file.ReadAt(text, before-int64(len(text)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return text[:n], nil
}

// begin notes that the server has booted. One that begins its ledger anew as it
// starts does no harm: all that stands in the file now is of this boot.
func (b *LedgerFile) begin() error {
	file, err := ledger.OpenRead(b.path)
	if err != nil {
		return err
	}
	defer file.Close()
	whole, err := b.whole(file)
	if err != nil {
		return err
	}
	if !whole {
		b.from, b.before = 0, nil
	}
	// Anew, for it may be another file of the same name by now.
	b.Close()
	b.writer, err = ledger.OpenShared(b.path)
	return err
}

// whole reports whether what stood in the file before the beginning still does.
func (b *LedgerFile) whole(file io.ReaderAt) (bool, error) {
	now, err := lastBytes(file, b.from)
	return bytes.Equal(now, b.before), err
}

// MarkSignal appends lastcall's own mark.
func (b *LedgerFile) MarkSignal() error {
	b.marked = true
	return b.writer.MarkSignal()
}

// Path returns where the file is.
func (b *LedgerFile) Path() string { return b.path }

// Begun reports whether anything was written in this boot, or may have been.
func (b *LedgerFile) Begun() bool {
	info, err := os.Stat(b.path)
	return err != nil || info.Size() != b.from
}

// Close closes the file, which can still be read.
func (b *LedgerFile) Close() { b.writer.Close() }

// Read returns what the server wrote in this boot, and lastcall itself. The ids
// of this shutdown have the prefix.
func (b *LedgerFile) Read(prefix string) (history.Ledger, error) {
	var book history.Ledger
	if b.named {
		book.Path = b.path
	}
	file, err := ledger.OpenRead(b.path)
	if err != nil {
		return book, fmt.Errorf("%w; a server must append to its ledger, and must not remove or replace it", err)
	}
	defer file.Close()
	whole, err := b.whole(file)
	if err != nil {
		return book, err
	}
	if !whole {
		b.from = 0
	}
	if _, err := file.Seek(b.from, io.SeekStart); err != nil {
		return book, fmt.Errorf("read ledger: %w", err)
	}
	book.Torn, err = ledger.Parse(file, func(line ledger.Line) { take(&book, line, prefix) })
	if err != nil {
		return book, err
	}
	marked := slices.ContainsFunc(book.Lines, func(l history.LedgerLine) bool { return l.Fact == history.SignalMarked })
	book.Truncated = !whole || b.marked && !marked
	return book, nil
}

// take adds a line of the file to the ledger.
func take(book *history.Ledger, line ledger.Line, prefix string) {
	if line.Fact == ledger.Signal {
		book.Lines = append(book.Lines, history.LedgerLine{Fact: history.SignalMarked})
		return
	}
	if ledger.IsTrial(line.ID) {
		return
	}
	seq, ok := ledger.Seq(line.ID, prefix)
	var fact history.Fact
	if !ok || fact.UnmarshalText([]byte(line.Fact)) != nil {
		book.Foreign++
		return
	}
	book.Lines = append(book.Lines, history.LedgerLine{Seq: seq, Fact: fact})
}

// checkLedger refuses a file that cannot be appended to, as far as that can be
// told before the port is known.
func checkLedger(name string) error {
	if name == "" {
		return nil
	}
	invalid := func(format string, args ...any) error {
		return &scenario.Invalid{Field: "subject.ledger", Problem: fmt.Sprintf("is %q, "+format, append([]any{name}, args...)...)}
	}
	dir := filepath.Dir(name)
	if strings.Contains(dir, scenario.PortMark) {
		return nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return invalid("in a directory that does not exist: create %s first", dir)
	}
	info, err := os.Stat(name)
	switch {
	case strings.Contains(name, scenario.PortMark), errors.Is(err, fs.ErrNotExist):
		if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
			return invalid("in a directory that cannot be written to: %s", err)
		}
	case err != nil:
		return invalid("which cannot be used: %s", err)
	case info.IsDir():
		return invalid("which is a directory: name a file in it")
	case !info.Mode().IsRegular():
		return invalid("which is not a regular file")
	case unix.Access(name, unix.R_OK|unix.W_OK) != nil:
		return invalid("which cannot be read and written to")
	}
	return nil
}

// Package ledger is the line format of a server's own record of what it
// received, executed and answered: the second witness beside the client.
//
// A server appends one line for each fact to the file that the environment
// variable LASTCALL_LEDGER names, opened with O_APPEND, with one write(2) a
// line and no buffer, so that the kernel keeps the line when the process dies:
//
//	<id> received|executed|answered [nanoseconds]
//
// The id is the request's X-Lastcall-Id header. lastcall appends "- signal"
// just before kill(2): the file's order decides what came before the signal.
// Any server can write this in three lines of any language.
package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// EnvPath is the environment variable that names the ledger's file.
	EnvPath = "LASTCALL_LEDGER"
	// HeaderID is the request header that carries the id to record.
	HeaderID = "X-Lastcall-Id"
)

// The facts a line can state.
const (
	Received = "received" // the request reached the server's own code
	Executed = "executed" // its effect happened
	Answered = "answered" // the handler returned; the client may have the answer earlier or never
	Signal   = "signal"   // lastcall's own mark, with the id "-"
)

// noID stands where the mark has no id.
const noID = "-"

// ID returns the id of a request: unique over all shutdowns of all runs, so
// that a real table can carry it.
func ID(run string, ordinal int, seq uint32) string {
	return Prefix(run, ordinal) + strconv.FormatUint(uint64(seq), 10)
}

// Prefix returns what all ids of one shutdown begin with.
func Prefix(run string, ordinal int) string {
	return run + "-" + strconv.Itoa(ordinal) + "-"
}

// tried is the ordinal in the ids of requests that are sent before any shutdown, to
// find out how a server can be asked: those of shutdowns begin with 1.
const tried = 0

// TrialPrefix returns what the ids of such requests begin with. The ids of all steps
// of a run differ; there are at most nine.
func TrialPrefix(run string, step int) string { return Prefix(run, tried) + strconv.Itoa(step) }

// IsTrial reports whether an id is of such a request, of whatever run. What became of
// it is of no account.
func IsTrial(id string) bool {
	parts := strings.Split(id, "-")
	return len(parts) == 3 && parts[1] == strconv.Itoa(tried)
}

// Seq returns the sequence number in an id with that prefix, and whether the
// id is such a one.
func Seq(id, prefix string) (uint32, bool) {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(rest, 10, 32)
	return uint32(n), err == nil
}

// Writer appends to a ledger. It may be used by many goroutines at once: each
// line is one write(2) to a file opened with O_APPEND, so the kernel orders
// them and none is torn by another.
type Writer struct{ file *os.File }

// Open opens the ledger at path for appending and creates it if need be. It is for
// servers.
func Open(path string) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return &Writer{file}, nil
}

// OpenShared is Open for a ledger to which a server appends too. As OpenRead it opens
// nothing but a regular file.
func OpenShared(path string) (*Writer, error) {
	file, err := openRegular(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return &Writer{file}, nil
}

// Append records one fact of one request.
func (w *Writer) Append(id, fact string) error {
	line := make([]byte, 0, 64)
	line = append(line, id...)
	line = append(line, ' ')
	line = append(line, fact...)
	line = append(line, '\n')
	if _, err := w.file.Write(line); err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	return nil
}

// MarkSignal appends lastcall's own mark.
func (w *Writer) MarkSignal() error { return w.Append(noID, Signal) }

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// Line is one line of a ledger.
type Line struct{ ID, Fact string }

// widest is how long a line may be, in bytes. An id of lastcall's is much shorter, and
// what is longer is torn.
const widest = 4 << 10

// Most is how many bytes of a ledger are read. They hold the facts of a million requests.
const Most = 128 << 20

// Errors of OpenRead and Parse.
var (
	ErrNoFile  = errors.New("it is not a regular file")
	ErrTooLong = fmt.Errorf("it is longer than %d MiB", Most>>20)
)

// OpenRead opens the ledger at path for reading. A server can put anything in its place:
// a FIFO, which would keep a reader waiting for ever, or a link to an endless device. Both
// are ErrNoFile.
func OpenRead(path string) (*os.File, error) {
	file, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return file, nil
}

// openRegular opens nothing but a regular file, and never waits.
func openRegular(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, flags|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0o600)
	switch {
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENXIO): // a link; a FIFO without a reader
		return nil, fmt.Errorf("%s: %w", path, ErrNoFile)
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNoFile
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

// Parse reads a ledger, and hands over each of its lines. Lines that it cannot read, such
// as a last one cut short by a full disk or a death, are counted in torn and left out. The
// error is the reader's, or ErrTooLong.
func Parse(r io.Reader, take func(Line)) (torn int, err error) {
	limited := &io.LimitedReader{R: r, N: Most + 1}
	in := bufio.NewReaderSize(limited, widest)
	for {
		text, err := in.ReadSlice('\n')
		whole := err == nil
		if line, ok := parseLine(string(text)); ok && whole {
			take(line)
		} else if len(bytes.TrimSpace(text)) > 0 {
			torn++
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = in.ReadSlice('\n')
		}
		switch {
		case limited.N <= 0:
			return torn, fmt.Errorf("read ledger: %w", ErrTooLong)
		case errors.Is(err, io.EOF):
			return torn, nil
		case err != nil:
			return torn, fmt.Errorf("read ledger: %w", err)
		}
	}
}

func parseLine(text string) (Line, bool) {
	fields := strings.Fields(text)
	if len(fields) < 2 || len(fields) > 3 {
		return Line{}, false
	}
	if len(fields) == 3 {
		if _, err := strconv.ParseInt(fields[2], 10, 64); err != nil {
			return Line{}, false
		}
	}
	switch fields[1] {
	case Received, Executed, Answered:
		return Line{fields[0], fields[1]}, true
	case Signal: // only lastcall writes it: a server's line must not move the mark
		return Line{fields[0], fields[1]}, fields[0] == noID
	}
	return Line{}, false
}

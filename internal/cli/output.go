package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/bug"
	"lastcall/reports"
)

// output writes the reports that were asked for. Files are opened before
// anything starts, so that a path that cannot be written is found then, and
// appear under their names only when they are whole.
type output struct {
	requests  []reportRequest
	formats   func(reports.Style) []reports.Format
	histories []*history.History // that the suite was judged from, for what is drawn
	matrix    bool               // the table is one of subjects by probes
	noColor   bool
	stdout    io.Writer
	stderr    io.Writer         // for what is wrong but fails nothing
	ctx       context.Context   // ends the wait for a reader who does not read; nil: only a signal does
	files     map[string]target // by the path that was asked for
}

// target is where one report goes: a temporary file that takes the place of
// the final one, or, with no final path, what is no plain file (a pipe, a
// terminal, /dev/null) and must be written to, never replaced.
type target struct {
	*tempFile
	final string
}

func openOutput(o *outputOptions, s streams) (*output, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	outliveReaders()
	out := &output{
		requests: o.requests(), formats: reports.All, noColor: o.noColor,
		stdout: s.out, stderr: s.err, files: make(map[string]target),
	}
	for _, r := range out.requests {
		if r.path == "" {
			continue
		}
		if err := out.open(r.path); err != nil {
			out.discard()
			if errors.Is(err, syscall.ENXIO) {
				return nil, usagef("--report %s=%s: no process reads this pipe: start one that reads it, or name a file", r.format, r.path)
			}
			return nil, usagef("--report %s=%s: %w: name a file in a directory that can be written", r.format, r.path, err)
		}
	}
	return out, nil
}

func (out *output) open(asked string) error {
	path := asked
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("it is a directory")
	case err == nil && !info.Mode().IsRegular():
		file, err := openSpecial(path, info.Mode())
		if err != nil {
			return plain(err)
		}
		out.files[asked] = target{tempFile: &tempFile{File: file}}
		return nil
	case err == nil: // a link stays a link: what it points to is replaced
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return plain(err)
		}
	}
	sweepTemp(filepath.Dir(path))
	file, err := createTemp(filepath.Dir(path))
	if err != nil {
		return plain(err)
	}
	out.files[asked] = target{file, path}
	return nil
}

// readerWait is how long the reader of a pipe may take to open it. It is started at the
// same time as lastcall, as in `cat pipe & lastcall --report json=pipe`.
const readerWait = time.Second

// openSpecial opens what is no plain file for writing. The error is ENXIO for a pipe
// that no process reads: an open that waits for one could wait for ever.
func openSpecial(path string, mode os.FileMode) (*os.File, error) {
	if mode&os.ModeNamedPipe == 0 {
		return os.OpenFile(path, os.O_WRONLY, 0)
	}
	for end := time.Now().Add(readerWait); ; time.Sleep(20 * time.Millisecond) {
		file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) || time.Now().After(end) {
			return file, err
		}
	}
}

// plain strips the names of files from an error: the user asked for none of a temporary
// file, and the caller says which file it is.
func plain(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}

// write renders every report of a suite.
func (out *output) write(s result.Suite) error {
	return out.writeAll(func(w io.Writer, name string, style reports.Style) error {
		for _, f := range out.formats(style) {
			if f.Name != name {
				continue
			}
			if err := f.Render(w, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// prints reports whether a report of one of these formats goes to standard
// output.
func (out *output) prints(formats ...string) bool {
	return slices.ContainsFunc(out.requests, func(r reportRequest) bool {
		return r.path == "" && slices.Contains(formats, r.format)
	})
}

// render writes the report of a name.
type render func(w io.Writer, name string, style reports.Style) error

// writeAll renders every report. One that fails does not keep the others from
// being written.
func (out *output) writeAll(as render) error {
	defer out.discard()
	var failures []error
	for _, r := range out.requests {
		if err := out.writeOne(r, as); err != nil {
			failures = append(failures, fmt.Errorf("report %s: %w", r.format, err))
		}
	}
	return errors.Join(failures...)
}

func (out *output) writeOne(r reportRequest, as render) error {
	file, isFile := out.files[r.path]
	w := out.stdout
	if isFile {
		w = file.File
	}
	var text bytes.Buffer
	if err := as(&text, r.format, reports.Style{Color: colored(out.noColor, w), Histories: out.histories, Matrix: out.matrix}); err != nil {
		return err
	}
	if !isFile || file.final == "" {
		return out.pour(w, text.Bytes())
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	delete(out.files, r.path)
	return file.publish(file.final, true)
}

// lateReader is how long after an interruption lastcall waits for somebody who does not
// read.
const lateReader = 5 * time.Second

// pour writes to what somebody else reads, who may have stopped to: an interruption ends
// the wait, at once or, if it came before, after a while.
func (out *output) pour(w io.Writer, text []byte) error {
	if out.ctx == nil {
		_, err := w.Write(text)
		return err
	}
	interrupted, late := out.ctx.Done(), make(<-chan time.Time)
	if out.ctx.Err() != nil { // what is partial is to be read all the same
		wait := time.NewTimer(lateReader)
		defer wait.Stop()
		interrupted, late = nil, wait.C
	}
	written := make(chan error, 1) // with room: who waits for it may have left
	go func() {
		defer bug.Catch()
		_, err := w.Write(text)
		written <- err
	}()
	select {
	case err := <-written:
		return err
	case <-interrupted:
		return context.Cause(out.ctx)
	case <-late:
		return fmt.Errorf("no process has read it for %s", lateReader)
	}
}

// discard removes what was not finished.
func (out *output) discard() {
	for _, file := range out.files {
		file.discard()
	}
}

// colored reports whether w is a terminal that may be coloured
// (https://no-color.org).
func colored(noColor bool, w io.Writer) bool {
	return !noColor && os.Getenv("NO_COLOR") == "" && !dumb() && isTerminal(w)
}

// dumb reports whether the terminal can do no more than print one line after the other.
func dumb() bool { return os.Getenv("TERM") == "dumb" }

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

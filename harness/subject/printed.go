package subject

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/process"
)

// maxPrinted bounds what a command may print, in bytes: some four million ids.
const maxPrinted = 64 << 20

// widestLine is how much of a line is looked at, in bytes. No id is longer.
const widestLine = 4 << 10

var (
	errPrintsTooMuch = fmt.Errorf("printed more than %d MiB", maxPrinted>>20)
	errStillHeld     = errors.New("has left a process that holds its standard output")
)

// printed is what a supervised command writes to its standard output, as it
// comes: a FIFO, so that it waits for us where we are slower.
//
//	command ──(stdout: the FIFO)──> us
//	   └ supervise --stdout FIFO
type printed struct {
	path string
	out  *os.File
	hold *os.File // a writer of our own: without one the FIFO would end before the command begins
}

// OpenPrinted makes the FIFO. It is removed with the directory that it is in.
func OpenPrinted(path string) (*printed, error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("make FIFO %s: %w", path, err)
	}
	p := &printed{path: path}
	var err error
	if p.hold, err = os.OpenFile(path, os.O_RDWR, 0); err != nil { // does not wait for a reader
		return nil, err
	}
	if p.out, err = os.Open(path); err != nil {
		p.hold.Close()
		return nil, err
	}
	return p, nil
}

// Into returns the command line of a supervisor whose command writes to the FIFO.
func (p *printed) Into(supervisor []string) []string {
	return append(slices.Clone(supervisor), stdoutFlag, p.path)
}

// Lines hands over every line. Its error is io.EOF once all writers are gone, or
// says that there is too much.
func (p *printed) Lines(take func(string)) error {
	limited := &io.LimitedReader{R: p.out, N: maxPrinted + 1}
	in := bufio.NewReaderSize(limited, widestLine)
	for {
		text, err := in.ReadSlice('\n')
		take(string(text))                        // the last may have no end
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = in.ReadSlice('\n')
		}
		switch {
		case limited.N <= 0:
			return errPrintsTooMuch
		case errors.Is(err, io.EOF):
			return err
		case err != nil:
			return fmt.Errorf("read what it printed: %w", err)
		}
	}
}

// Rest waits for the end of what was printed, once whoever printed is gone. The
// wait is bounded: what survives SIGKILL, and elsewhere than on Linux what has
// left its process group, can hold the FIFO open for ever.
func (p *printed) Rest(read <-chan error) error {
	p.hold.Close() // with the last of the others the FIFO ends
	patience := time.NewTimer(KillWait)
	defer patience.Stop()
	select {
	case err := <-read:
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	case <-patience.C:
		return errStillHeld
	}
}

// Close gives up all of it.
func (p *printed) Close() {
	p.hold.Close()
	p.out.Close()
}

// stdoutFlag is how a supervisor is told where its command's standard output
// goes.
const stdoutFlag = "--stdout"

// Supervise is what the program that a Supervisor names must do with the words
// that follow its own: it runs a command as its parent, and ends with it. See
// process.Supervise, whose errors it returns.
func Supervise(words []string) error {
	if len(words) > 1 && words[0] == stdoutFlag {
		file, err := os.OpenFile(words[1], os.O_WRONLY, 0) // it is there, and has a reader
		if err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
		os.Stdout, words = file, words[2:] // process.Supervise hands it on
	}
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	return process.Supervise(words)
}

package process

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"lastcall/internal/bug"
)

// firstWidth is how much of the first line on stdout is kept, in bytes. A command may
// print without a line's end for as long as it runs.
const firstWidth = 4 << 10

func (p *Process) readStdout() {
	defer bug.Catch()
	in := bufio.NewReaderSize(p.stdout, firstWidth)
	line, err := in.ReadSlice('\n')
	if err == nil || errors.Is(err, bufio.ErrBufferFull) {
		p.first <- strings.TrimSpace(string(line))
	}
	close(p.first)                 // only here: FirstLine tells no line from a late one by it
	_, _ = io.Copy(io.Discard, in) // a full pipe would block the child
}

func (p *Process) readStderr() {
	defer close(p.stderrEd) // only here: Close waits for it
	defer bug.Catch()
	p.tail.read(p.stderr)
}

// FirstLine returns the first line that the command writes to stdout, or the begin of
// one that is longer than 4 KiB. The error
// says what happened instead: the context ended, or stdout did.
func (p *Process) FirstLine(ctx context.Context) (string, error) {
	select {
	case line, ok := <-p.first:
		if !ok {
			return "", errors.New("it closed its standard output without a ready line")
		}
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// Stderr returns the last lines that the command wrote there.
func (p *Process) Stderr() []string { return p.tail.lines() }

const (
	tailLines = 32  // how many last lines are kept
	tailWidth = 512 // bytes of each line that are kept
)

// tail keeps the last lines of a stream.
type tail struct {
	mu   sync.Mutex // the reader appends while others look
	kept []string
}

// read takes lines from r until it ends.
func (t *tail) read(r io.Reader) {
	in := bufio.NewReaderSize(r, tailWidth)
	for {
		text, err := in.ReadSlice('\n')
		if len(text) > 0 {
			t.add(strings.TrimRight(string(text), "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is too long
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == tailLines {
		t.kept = append(t.kept[:0], t.kept[1:]...)
	}
	t.kept = append(t.kept, line)
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.kept...)
}

package process

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"lastcall/internal/bug"
)

func (p *Process) readStdout() {
	defer bug.Catch()
	in := bufio.NewReader(p.stdout)
	line, err := in.ReadString('\n')
	if err == nil {
		p.first <- strings.TrimSpace(line)
	}
	close(p.first)                 // only here: FirstLine tells no line from a late one by it
	_, _ = io.Copy(io.Discard, in) // a full pipe would block the child
}

func (p *Process) readStderr() {
	defer close(p.stderrEd) // only here: Close waits for it
	defer bug.Catch()
	p.tail.read(p.stderr)
}

// FirstLine returns the first line that the command writes to stdout. The error
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

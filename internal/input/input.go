// Package input reads the files that a user names, in a flag, an argument or a scenario.
// Anything may stand under such a name: a pipe, as of the shell's <(command), a device
// that never ends, a FIFO that is never written to.
package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Large is the error for a file that is larger than it may be.
type Large struct {
	Path string
	Most int64 // bytes
}

func (e *Large) Error() string { return fmt.Sprintf("%s is larger than %d MiB", e.Path, e.Most>>20) }

// ErrIrregular is what Open's error wraps for what is not a regular file.
var ErrIrregular = errors.New("it is not a regular file")

// pipes are the texts of those that were read, by path: what was read is gone from a
// pipe, and lastcall needs it again for every shutdown.
var pipes = struct {
	mu   sync.Mutex
	text map[string][]byte
}{text: make(map[string][]byte)}

// Read returns all of a file, which holds at most so many bytes. It waits for what
// comes through a pipe until the context ends. What is not a regular file is read once in
// the life of the process. The error is a *Large, one of the operating system's as
// os.ReadFile returns, or the context's cause.
func Read(ctx context.Context, path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return readPipe(ctx, path, most)
	}
	if info.Mode().IsRegular() && info.Size() > most {
		return nil, &Large{path, most}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(file, path, most)
}

// Open opens a regular file. It never waits.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: ErrIrregular}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// part is how much is read at a time, in bytes.
const part = 256 << 10

// readAll reads in parts, which are joined in the end: io.ReadAll would copy all that it
// has again and again, and leave four times as much behind.
func readAll(r io.Reader, path string, most int64) ([]byte, error) {
	var parts [][]byte
	for size := int64(0); ; {
		into := make([]byte, part)
		n, err := io.ReadFull(r, into)
		parts, size = append(parts, into[:n]), size+int64(n)
		switch {
		case size > most:
			return nil, &Large{path, most}
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return bytes.Join(parts, nil), nil
		case err != nil:
			return nil, err
		}
	}
}

func readPipe(ctx context.Context, path string, most int64) ([]byte, error) {
	pipes.mu.Lock() // held while it waits: a second reader would take half of it
	defer pipes.mu.Unlock()
	if text, ok := pipes.text[path]; ok {
		if int64(len(text)) > most {
			return nil, &Large{path, most}
		}
		return text, nil
	}
	// The open must not wait for a writer: nothing could end that.
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	text, err := readAll(&pipe{ctx, path, fd}, path, most)
	if err == nil {
		pipes.text[path] = text
	}
	return text, err
}

// pipe waits for what comes, under a context.
type pipe struct {
	ctx  context.Context
	path string
	fd   int
}

// look is how often a pipe that waits looks at its context.
const look = 100 * time.Millisecond

func (p *pipe) Read(into []byte) (int, error) {
	for {
		if p.ctx.Err() != nil {
			return 0, context.Cause(p.ctx)
		}
		// A read before the first writer has opened it finds the end.
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, int(look.Milliseconds()))
		if err == nil && ready > 0 {
			var n int
			if n, err = unix.Read(p.fd, into); err == nil && n == 0 {
				return 0, io.EOF
			} else if err == nil {
				return n, nil
			}
		}
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return 0, &os.PathError{Op: "read", Path: p.path, Err: err}
		}
	}
}

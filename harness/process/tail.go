package process

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"
)

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

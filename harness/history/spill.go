package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Spill holds the records of requests that were folded, on disk, so that a history can
// be saved with all of them (History.Spill). It is for one goroutine at a time.
type Spill struct {
	file *os.File
	out  *bufio.Writer
	enc  *json.Encoder
	next uint32 // sequence number of the first that is not in it
}

// NewSpill makes one whose file is in the directory and has no name: it is gone when
// lastcall is, however that ends.
func NewSpill(dir string) (*Spill, error) {
	file, err := os.CreateTemp(dir, ".lastcall-*")
	if err != nil {
		return nil, fmt.Errorf("keep requests on disk: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, fmt.Errorf("keep requests on disk: %w", err)
	}
	s := &Spill{file: file, out: bufio.NewWriterSize(file, 1<<16)}
	s.enc = json.NewEncoder(s.out)
	return s, nil
}

// Add takes the records that follow those it has.
func (s *Spill) Add(all []Request) error {
	for i := range all {
		if err := s.enc.Encode(line{Request: &all[i]}); err != nil {
			return fmt.Errorf("keep requests on disk: %w", err)
		}
		s.next = all[i].Seq + 1
	}
	return nil
}

// copy writes all lines.
func (s *Spill) copy(to io.Writer) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(to, s.file)
	return err
}

// Close gives the file up.
func (s *Spill) Close() {
	if s != nil {
		s.file.Close()
	}
}

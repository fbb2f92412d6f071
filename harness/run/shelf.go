package run

import (
	"fmt"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"lastcall/harness/history"
)

// shelvedFrom is how many shutdowns a run has at the least whose records are shelved.
const shelvedFrom = 50

// shelf keeps the records of finished shutdowns in a file, mapped into memory. A run of
// hundreds of shutdowns needs them all, but only when it is judged: until then the
// kernel may have the memory (mmap(2)). The file has no name, so that nothing is left of
// it, however lastcall ends.
type shelf struct {
	file *os.File
	size int64
}

func newShelf(dir string) (*shelf, error) {
	file, err := os.CreateTemp(dir, "records-")
	if err != nil {
		return nil, fmt.Errorf("make a file for the records: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, fmt.Errorf("remove the name of the file for the records: %w", err)
	}
	return &shelf{file: file}, nil
}

// take puts what a history has many of into the file. What finds no room stays in memory.
func (s *shelf) take(h *history.History) {
	h.Requests = shelved(s, h.Requests)
	h.Looks = shelved(s, h.Looks)
	h.Closings = shelved(s, h.Closings)
	h.Ledger.Lines = shelved(s, h.Ledger.Lines)
	h.Applied.Lines = shelved(s, h.Applied.Lines)
}

// shelved returns the records in the file, or as they are if they are few or find no room.
func shelved[T any](s *shelf, records []T) []T {
	if len(records)*int(unsafe.Sizeof(*new(T))) < os.Getpagesize() { // a mapping would take more
		return slices.Clip(records)
	}
	if there, err := put(s, records); err == nil {
		return there
	}
	return records
}

// put writes records into the file and returns them from there. They stay where they are
// until the process ends, for the judge and for the page. A change to one is not
// written back.
func put[T any](s *shelf, records []T) ([]T, error) {
	if len(records) == 0 {
		return records, nil
	}
	page := int64(os.Getpagesize()) // where a mapping must begin
	at, size := (s.size+page-1)/page*page, len(records)*int(unsafe.Sizeof(records[0]))
	// A record holds no pointer (TestShelf), so that its bytes are all of it.
	if _, err := s.file.WriteAt(unsafe.Slice((*byte)(unsafe.Pointer(&records[0])), size), at); err != nil {
		return nil, fmt.Errorf("write records: %w", err)
	}
	mapped, err := unix.Mmap(int(s.file.Fd()), at, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map records: %w", err)
	}
	s.size = at + int64(size)
	return unsafe.Slice((*T)(unsafe.Pointer(&mapped[0])), len(records)), nil
}

// Close closes the file. What is mapped stays.
func (s *shelf) close() {
	if s != nil {
		s.file.Close()
	}
}

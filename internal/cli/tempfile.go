package cli

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// tempFile is a file that is being written, and gets its name when it is whole. Where the
// file system can, it has none until then, so that it is gone if lastcall is killed.
type tempFile struct {
	*os.File
	dir   string
	named bool // it has a name for the time being
}

// tempName begins the names for the time being.
const tempName = ".lastcall-"

func createTemp(dir string) (*tempFile, error) {
	if file := openUnnamed(dir); file != nil {
		return &tempFile{file, dir, false}, nil
	}
	file, err := os.CreateTemp(dir, tempName+"*")
	if err != nil {
		return nil, err
	}
	return &tempFile{file, dir, true}, nil
}

// publish closes the file under its final name, in the same directory. What has that name
// is replaced, or, if it must not be, is an error that wraps fs.ErrExist.
func (f *tempFile) publish(final string, replace bool) error {
	defer f.discard()
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	give := f.link
	if replace {
		give = f.rename
	}
	if err := give(final); err != nil {
		return err
	}
	return f.Close()
}

// link gives it a name that nothing has.
func (f *tempFile) link(name string) error {
	if !f.named {
		return linkUnnamed(f.File, name)
	}
	err := os.Link(f.Name(), name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, there := os.Lstat(name); !errors.Is(there, fs.ErrNotExist) {
		return err
	}
	return os.Rename(f.Name(), name) // a file system without links: nothing had the name just now
}

// rename gives it a name that something may have.
func (f *tempFile) rename(name string) error {
	if f.named {
		return os.Rename(f.Name(), name)
	}
	err := linkUnnamed(f.File, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	between := filepath.Join(f.dir, tempName+strconv.FormatUint(rand.Uint64(), 10))
	if err := linkUnnamed(f.File, between); err != nil {
		return err
	}
	if err := os.Rename(between, name); err != nil {
		os.Remove(between)
		return err
	}
	return nil
}

// discard removes what was not published.
func (f *tempFile) discard() {
	f.Close()
	if f.named {
		os.Remove(f.Name()) // after a rename it is not there any more
	}
}

// abandoned is how old a file with a name for the time being must be to have no run any
// more: none takes so long from the first byte of a report to the last.
const abandoned = 24 * time.Hour

var tempNames = regexp.MustCompile(`^\.lastcall-\d+$`)

// sweepTemp removes what killed runs of ours have left in a directory.
func sweepTemp(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the writer there will get an error
	}
	for _, e := range entries {
		if !tempNames.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < abandoned {
			continue // gone meanwhile, or in use
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) == os.Geteuid() {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

package subject

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/process"
)

const (
	workPrefix = "lastcall-run-"
	// longDead is how old a directory must be that cannot be told to be dead by its lock.
	longDead = 24 * time.Hour
	// claims is how often a directory is made that another run takes for a dead one's, in
	// the instant before it is locked.
	claims = 5
)

var (
	lockedNames = regexp.MustCompile(`^lastcall-run-\d+$`)
	// olderNames are those of versions that locked none, and of the sample's own store.
	olderNames = regexp.MustCompile(`^lastcall-(store-)?\d+$`)
)

// Workspace makes the directory for the files of one run, and returns what removes it.
// What killed runs have left is removed first: their directories, and the processes in
// their cgroups. A run holds a lock on its directory (flock(2)) for as long as it lives.
func Workspace() (dir string, remove func(), err error) {
	process.EndDead()
	sweepDead(os.TempDir())
	for range claims {
		if dir, err = os.MkdirTemp("", workPrefix); err != nil {
			return "", nil, fmt.Errorf("make a directory for the ledgers: %w", err)
		}
		lock, err := lockDir(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		return dir, func() {
			os.RemoveAll(dir)
			lock.Close() // only now: until then nobody else may remove it; nil if it cannot be locked
		}, nil
	}
	return "", nil, fmt.Errorf("make a directory for the ledgers: other processes removed %s and those before it", dir)
}

// lockDir opens a directory of ours and locks it. The error is unix.EWOULDBLOCK if another
// process has, fs.ErrNotExist if it is gone, and another where it cannot be locked at all.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	ours, err := file.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = os.Lstat(dir); err == nil && !os.SameFile(ours, named) {
			err = fs.ErrNotExist // it was removed before it was locked
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// sweepDead removes what killed runs of ours have left in a directory.
func sweepDead(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return // to make one there will fail, and say why
	}
	for _, e := range entries {
		locked := lockedNames.MatchString(e.Name())
		if !e.IsDir() || !locked && !olderNames.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		owner, ok := info.Sys().(*syscall.Stat_t)
		if !ok || int(owner.Uid) != os.Geteuid() {
			continue
		}
		path, old := filepath.Join(tmp, e.Name()), time.Since(info.ModTime()) > longDead
		lock, err := lockDir(path)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK): // its run lives
		case err == nil && locked, old:
			os.RemoveAll(path)
		}
		lock.Close() // nil if it was not locked
	}
}

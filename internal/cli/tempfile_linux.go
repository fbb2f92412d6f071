package cli

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openUnnamed opens a file without a name (open(2), O_TMPFILE), nil where the file system
// has none, or where it could not be given one later.
func openUnnamed(dir string) *os.File {
	file, err := os.OpenFile(dir, os.O_WRONLY|unix.O_TMPFILE, 0o600)
	if err != nil {
		return nil
	}
	if _, err := os.Stat(procName(file)); err != nil {
		file.Close()
		return nil
	}
	return file
}

// linkUnnamed gives it a name that nothing has.
func linkUnnamed(file *os.File, name string) error {
	if err := unix.Linkat(unix.AT_FDCWD, procName(file), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.LinkError{Op: "link", Old: file.Name(), New: name, Err: err}
	}
	return nil
}

func procName(file *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", file.Fd()) }

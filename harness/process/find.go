package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// failure says in words why a command could not be started, and is each of the
// errors that a caller may ask for.
type failure struct {
	words string
	is    []error
}

func (f *failure) Error() string   { return f.words }
func (f *failure) Unwrap() []error { return f.is }

// locate finds out before anything is started what would fail for certain, and
// returns the path that is to be executed.
func (c Command) locate() (string, error) {
	if c.Supervisor != nil && c.Lifeline != "" {
		return "", errors.New("a supervised command has no lifeline of its own")
	}
	if c.Supervisor != nil && len(c.Supervisor) == 0 {
		return "", errors.New("the supervisor has no program")
	}
	if err := checkDir(c.Dir); err != nil {
		return "", err
	}
	slash := string(filepath.Separator)
	if !strings.Contains(c.Path, slash) {
		path, err := exec.LookPath(c.Path)
		return path, explain(err)
	}
	path := c.Path
	if c.Dir != "" && !filepath.IsAbs(path) {
		path = c.Dir + slash + path // as the kernel will see it; Join could make a bare name of it
	}
	_, err := exec.LookPath(path)
	return c.Path, explain(err)
}

// checkDir asks that the working directory can be entered.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "chdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil {
		if denied := unix.Access(dir, unix.X_OK); denied != nil {
			err = &fs.PathError{Op: "chdir", Path: dir, Err: denied}
		}
	}
	if err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	return nil
}

// explain puts in words why a program was not found, or not executed, and makes
// the error what Start promises.
func explain(err error) error {
	var executed *fs.PathError // by the kernel, after it was found
	late := errors.As(err, &executed) && executed.Op == "fork/exec"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrDot):
		return err // it says all: PATH leads to the current directory
	case errors.Is(err, exec.ErrNotFound):
		return &failure{"command not found in PATH", []error{err}}
	case errors.Is(err, fs.ErrNotExist) && late:
		return &failure{
			"it exists, but its interpreter does not: see the first line of the script, or the loader of the program",
			[]error{err, exec.ErrNotFound},
		}
	case errors.Is(err, fs.ErrNotExist):
		return &failure{"command not found: no such file", []error{err, exec.ErrNotFound}}
	case errors.Is(err, syscall.ENOTDIR):
		return &failure{"command not found: its path leads through a file", []error{err, exec.ErrNotFound}}
	case errors.Is(err, syscall.EISDIR):
		return &failure{"not executable: it is a directory", []error{err, fs.ErrPermission}}
	case errors.Is(err, fs.ErrPermission):
		return &failure{"not executable: permission denied", []error{err}}
	case errors.Is(err, syscall.ENOEXEC):
		return &failure{
			"not executable: neither a program of this system nor a script that begins with #!",
			[]error{err, fs.ErrPermission},
		}
	}
	return err
}

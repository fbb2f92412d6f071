package subject

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWorkspace: what a killed run has left is removed by the next one, at once where its
// lock tells, and else when it is a day old. Nothing else is.
func TestWorkspace(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	living, remove, err := Workspace()
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-25 * time.Hour)
	stay := map[string]bool{filepath.Base(living): true}
	for name, stays := range map[string]bool{
		"lastcall-run-1": false, "lastcall-run-1x": true, "lastcall-7": false, "lastcall-8": true, "lastcall-store-9": false,
		"lastcall-e2e-7": true, "other": true,
	} {
		path := filepath.Join(tmp, name)
		if err := os.MkdirAll(filepath.Join(path, "1"), 0o700); err != nil {
			t.Fatal(err)
		}
		if name != "lastcall-run-1" && name != "lastcall-8" {
			if err := os.Chtimes(path, long, long); err != nil {
				t.Fatal(err)
			}
		}
		stay[name] = stays
	}
	if err := errors.Join(os.Symlink("other", filepath.Join(tmp, "lastcall-run-2")), os.Chtimes(living, long, long)); err != nil {
		t.Fatal(err)
	}
	stay["lastcall-run-2"] = true
	second, removeSecond, err := Workspace()
	if err != nil || second == living {
		t.Fatalf("the second is %s, %v", second, err)
	}
	for name, stays := range stay {
		if _, err := os.Lstat(filepath.Join(tmp, name)); errors.Is(err, fs.ErrNotExist) == stays {
			t.Errorf("%s: %v, want it to stay: %t", name, err, stays)
		}
	}
	remove()
	removeSecond()
	for _, dir := range []string{living, second} {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", dir, err)
		}
	}
}

// TestLockOfWhatIsGone: a directory that was removed before it was locked is none.
func TestLockOfWhatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := lockDir(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent one: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lockDir(dir); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("one that is locked: %v", err)
	}
}

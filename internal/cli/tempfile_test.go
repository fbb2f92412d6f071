package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTempFile: with a name for the time being and without one, a file appears when it is
// whole, replaces what it may, and leaves nothing.
func TestTempFile(t *testing.T) {
	for what, create := range map[string]func(string) (*tempFile, error){
		"as the file system has it": createTemp,
		"with a name": func(dir string) (*tempFile, error) {
			file, err := os.CreateTemp(dir, tempName+"*")
			return &tempFile{file, dir, true}, err
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			final := filepath.Join(dir, "report")
			publish := func(text string, replace bool) error {
				f, err := create(dir)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.WriteString(text); err != nil {
					t.Fatal(err)
				}
				return f.publish(final, replace)
			}
			want := func(text string) {
				t.Helper()
				entries, err := os.ReadDir(dir)
				if err != nil || len(entries) != 1 {
					t.Errorf("the directory holds %v, %v", entries, err)
				}
				got, err := os.ReadFile(final)
				if err != nil || string(got) != text {
					t.Errorf("the file holds %q, %v, want %q", got, err, text)
				}
			}
			if err := publish("one", false); err != nil {
				t.Fatal(err)
			}
			want("one")
			if err := publish("two", false); !errors.Is(err, fs.ErrExist) {
				t.Errorf("what must not be replaced: %v", err)
			}
			want("one")
			if err := publish("three", true); err != nil {
				t.Fatal(err)
			}
			want("three")
			info, err := os.Stat(final)
			if err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			f, err := create(dir)
			if err != nil {
				t.Fatal(err)
			}
			f.discard()
			want("three")
		})
	}
}

// TestSweepTemp: only files of a killed run's are removed, and not before they are old.
func TestSweepTemp(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-25 * time.Hour)
	for name, age := range map[string]time.Time{".lastcall-12": long, ".lastcall-13": time.Now(), ".lastcall-x": long, "lastcall-14": long} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, age, age)); err != nil {
			t.Fatal(err)
		}
	}
	sweepTemp(dir)
	if _, err := os.Stat(filepath.Join(dir, ".lastcall-12")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	for _, name := range []string{".lastcall-13", ".lastcall-x", "lastcall-14"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

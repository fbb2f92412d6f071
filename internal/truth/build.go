package truth

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

//go:embed servers/*.py servers/*.js servers/*.java
var scripts embed.FS

// built is a directory that any user may read, with all that rows start.
type built struct {
	bin, source string
	python      string
	digest      string // of everything in it: results of another one are not comparable
}

// build compiles lastcall, the servers in Go and the one in Java into dir, and
// copies the scripts there, unless that has been done. It must be called within the
// module.
func build(ctx context.Context, dir string, done bool) (built, error) {
	b := built{bin: filepath.Join(dir, "bin"), source: filepath.Join(dir, "source")}
	if !done {
		if err := b.make(ctx, dir); err != nil {
			return b, err
		}
	}
	b.python = "/usr/bin/python3" // Debian's, for which the packages are; not one of a version manager
	if _, err := os.Stat(b.python); err != nil {
		b.python = "python3"
	}
	digest, err := digestOf(dir)
	b.digest = digest
	return b, err
}

func (b built) make(ctx context.Context, dir string) error {
	for _, d := range []string{dir, b.bin, b.source} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	// Without the version the same code gives the same file, and earlier results count.
	if err := command(ctx, "go", "build", "-buildvcs=false", "-o", b.bin+"/", "lastcall", "lastcall/internal/truth/servers"); err != nil {
		return err
	}
	if err := copyScripts(b.source); err != nil {
		return err
	}
	if javac, err := exec.LookPath("javac"); err == nil { // without it, rows that need it are refused
		if err := command(ctx, javac, "-d", b.bin, filepath.Join(b.source, "Stop.java")); err != nil {
			return err
		}
	}
	return command(ctx, "chmod", "-R", "a+rX", dir) // another user runs them too, whatever the umask
}

func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

func copyScripts(to string) error {
	return fs.WalkDir(scripts, "servers", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := scripts.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, filepath.Base(path)), text, 0o644)
	})
}

// digestOf returns a digest of the files below the directories bin and source.
func digestOf(dir string) (string, error) {
	sum := sha256.New()
	for _, below := range []string{"bin", "source"} {
		err := filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			_, err = io.Copy(sum, f)
			return errors.Join(err, f.Close())
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:6]), nil
}

// missing returns the programs that rows need and that are not there.
func missing(rows []Row) []string {
	needs := map[string]bool{"node": true, "java": true, "javac": true}
	for _, r := range rows {
		for _, n := range r.Needs {
			needs[n] = true
		}
	}
	var names []string
	for n := range needs {
		if _, err := exec.LookPath(n); err != nil {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

package process

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCannotStart: each mistake has its words and its errors, whoever finds it.
func TestCannotStart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "#!/bin/sh\n", 0o600)
	headless := write("headless", "#!/no/such/interpreter\n", 0o700)
	garbage := write("garbage", "\x7fELF but no more\n", 0o700)
	for _, tt := range []struct {
		name     string
		c        Command
		words    string
		is, isnt []error
	}{
		{"no such path", Command{Path: filepath.Join(dir, "none")}, "no such file", []error{exec.ErrNotFound, fs.ErrNotExist}, []error{fs.ErrPermission}},
		{"no such relative path", Command{Path: "./none", Dir: dir}, "no such file", []error{exec.ErrNotFound, fs.ErrNotExist}, nil},
		{"no such name", Command{Path: "lastcall-no-such-command"}, "command not found in PATH", []error{exec.ErrNotFound}, []error{fs.ErrPermission}},
		{"a name of the directory", Command{Path: "plain", Dir: dir}, "command not found in PATH", []error{exec.ErrNotFound}, nil},
		{"a path through a file", Command{Path: plain + "/x"}, "leads through a file", []error{exec.ErrNotFound}, nil},
		{"nothing", Command{}, "not found", []error{exec.ErrNotFound}, nil},
		{"not executable", Command{Path: plain}, "not executable: permission denied", []error{fs.ErrPermission}, []error{exec.ErrNotFound}},
		{"not executable, relative", Command{Path: "./plain", Dir: dir}, "not executable: permission denied", []error{fs.ErrPermission}, nil},
		{"a directory", Command{Path: dir}, "it is a directory", []error{fs.ErrPermission}, []error{exec.ErrNotFound}},
		{"no interpreter", Command{Path: headless}, "its interpreter does not", []error{fs.ErrNotExist, exec.ErrNotFound}, nil},
		{"no program", Command{Path: garbage}, "neither a program of this system", []error{syscall.ENOEXEC, fs.ErrPermission}, []error{exec.ErrNotFound}},
		{"no such directory", Command{Path: os.Args[0], Dir: filepath.Join(dir, "none")}, "working directory: ", []error{fs.ErrNotExist}, []error{exec.ErrNotFound}},
		{"no directory", Command{Path: os.Args[0], Dir: plain}, "working directory: ", []error{syscall.ENOTDIR}, []error{exec.ErrNotFound}},
	} {
		for _, program := range [][]string{nil, ourSupervisor()} {
			tt.c.Supervisor = program
			p, err := Start(tt.c)
			if err == nil {
				p.Close()
				t.Errorf("%s: it was started", tt.name)
				continue
			}
			if !strings.HasPrefix(err.Error(), "start "+tt.c.Path+": ") || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("%s: the error is %q, want %q in it", tt.name, err, tt.words)
			}
			for _, want := range tt.is {
				if !errors.Is(err, want) {
					t.Errorf("%s: %q is not %q", tt.name, err, want)
				}
			}
			for _, other := range tt.isnt {
				if errors.Is(err, other) {
					t.Errorf("%s: %q is %q", tt.name, err, other)
				}
			}
		}
	}
}

// TestDir: a relative path is found from there, and so is a file.
func TestDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Args[0], filepath.Join(dir, "it")); err != nil {
		t.Fatal(err)
	}
	for _, program := range [][]string{nil, ourSupervisor()} {
		p, err := Start(Command{Path: "./it", Dir: dir, Env: []string{envRole + "=inside"}, Supervisor: program})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if w := parseWorld(t, firstLine(t, p)); w.Dir != dir || w.Args[0] != "./it" {
			t.Errorf("in %s it finds itself in %s, as %s", dir, w.Dir, w.Args[0])
		}
	}
}

// TestBadSupervisor: what is none is not waited for.
func TestBadSupervisor(t *testing.T) {
	for name, tt := range map[string]struct {
		program []string
		env     string
		want    string
	}{
		"missing":               {[]string{filepath.Join(t.TempDir(), "none")}, "", "supervisor: "},
		"nothing":               {[]string{}, "", "the supervisor has no program"},
		"another program":       {[]string{os.Args[0]}, envRole + "=exit:0", "it ended without a report"},
		"one that says nothing": {[]string{os.Args[0]}, envRole + "=words", "it ended without a report: without an end"},
		"one that reports else": {[]string{os.Args[0]}, envRole + "=babble", "its first report is"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Start(Command{Path: os.Args[0], Env: []string{tt.env}, Supervisor: tt.program})
			if p != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", p, err, tt.want)
			}
		})
	}
	p, err := Start(Command{Path: os.Args[0], Supervisor: ourSupervisor(), Lifeline: envLifeline})
	if p != nil || err == nil || !strings.Contains(err.Error(), "no lifeline") {
		t.Errorf("with a lifeline of its own: %v, %v", p, err)
	}
}

// TestByHand: without what Start gives it, a supervisor starts nothing.
func TestByHand(t *testing.T) {
	touched := filepath.Join(t.TempDir(), "touched")
	for name, tt := range map[string]struct{ mark, want string }{
		"no mark":         {"", ErrByHand.Error()},
		"no descriptors":  {envSupervisor + "=" + protocol + "/bin/true", ErrByHand.Error()},
		"another version": {envSupervisor + "=v0:/bin/true", "of another version"},
		"no command":      {envSupervisor + "=" + protocol, "no command to supervise"},
	} {
		cmd := exec.Command(os.Args[0], supervise, "--", "touch", touched)
		cmd.Env = append(os.Environ(), tt.mark)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: %v, %q, want %q", name, err, &stderr, tt.want)
		}
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("the command was run")
	}
}

// TestNoDescriptorsAreLeft: neither by a start that fails, at either end, nor by
// one that is closed.
func TestNoDescriptorsAreLeft(t *testing.T) {
	supervised(t, "exit:0").Close() // what the runtime opens once is open now
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("nonsense"), 0o700); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for range 5 {
		for _, path := range []string{garbage, garbage + "-missing"} {
			if _, err := Start(Command{Path: path, Supervisor: ourSupervisor()}); err == nil {
				t.Fatal("it was started")
			}
		}
		p := supervised(t, "exit:0")
		exit(t, p)
		p.Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors were open and %d are now", before, after)
	}
}

func BenchmarkStart(b *testing.B) {
	for name, program := range map[string][]string{"alone": nil, "supervised": ourSupervisor()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				p, err := Start(Command{Path: os.Args[0], Env: []string{envRole + "=mute"}, Supervisor: program})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				p.Close()
				b.StartTimer()
			}
		})
	}
}

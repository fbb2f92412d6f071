package process

import (
	"errors"
	"io/fs"
	"os/exec"
	"syscall"
	"testing"
)

// TestReadDispositions: of a shell that ignores one signal and catches another,
// and of what it is replaced by, which keeps only what is ignored.
func TestReadDispositions(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	for _, tt := range []struct {
		script                 string
		catches, ignores, none syscall.Signal
	}{
		{"trap 'exit 9' TERM; trap '' HUP; echo ready; read -r x", syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1},
		{"trap 'exit 9' TERM; trap '' HUP; echo ready; exec sleep 60", 0, syscall.SIGHUP, syscall.SIGTERM},
	} {
		cmd := exec.Command(shell, "-c", tt.script)
		hold, err := cmd.StdinPipe() // what is read until the end of the test
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		want := func() bool {
			d, err := ReadDispositions(cmd.Process.Pid)
			return err == nil && (tt.catches == 0 || d.Catches(tt.catches)) && d.Ignores(tt.ignores) && !d.Catches(tt.ignores) &&
				!d.Catches(tt.none) && !d.Ignores(tt.none) && !d.Blocks(tt.none)
		}
		eventually(t, "the dispositions of "+tt.script, want) // exec comes after the line
		_ = cmd.Process.Kill()                                // it lives until now
		_ = cmd.Wait()
		hold.Close()
		if _, err := ReadDispositions(cmd.Process.Pid); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of a process that has gone: %v, want fs.ErrNotExist", err)
		}
	}
}

// TestSignalSet: a line in hexadecimal, with the real-time signals.
func TestSignalSet(t *testing.T) {
	status := []byte("Name:\tx\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000004000\nSigCgt:\t8000000000000001\n")
	blocked, err := signalSet(status, "SigBlk")
	caught, err2 := signalSet(status, "SigCgt")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	d := Dispositions{blocked: blocked, caught: caught}
	if !d.Blocks(syscall.SIGTERM) || d.Blocks(syscall.SIGINT) || !d.Catches(syscall.SIGHUP) || !d.Catches(64) || d.Catches(0) || d.Catches(65) || d.Ignores(1) {
		t.Errorf("the sets are %+v", d)
	}
	if _, err := signalSet(status, "SigIgn"); err == nil {
		t.Error("a set that is not shown was found")
	}
}

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestFirstLine(t *testing.T) {
	if line := firstLine(t, start(t, "wait:steady go")); line != "ready steady go" {
		t.Errorf("the first line is %q", line)
	}
}

func TestNoFirstLine(t *testing.T) {
	for name, role := range map[string]string{"stdout ends at once": "mute", "stdout ends within a line": "torn"} {
		t.Run(name, func(t *testing.T) {
			p := start(t, role)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			line, err := p.FirstLine(ctx)
			if err == nil || !strings.Contains(err.Error(), "without a ready line") {
				t.Errorf("got %q, %v, want an error that there was no ready line", line, err)
			}
		})
	}
}

// TestFirstLineGivesUp: with the reason for which the context ended.
func TestFirstLineGivesUp(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	ln := listen(t)
	p := start(t, "hold", envAddr+"="+ln.Addr().String()) // it writes no line
	if line, err := p.FirstLine(ctx); !errors.Is(err, enough) {
		t.Errorf("got %q, %v, want the context's cause", line, err)
	}
}

func TestExitCode(t *testing.T) {
	for _, code := range []int{0, 1, 42, 143} {
		p := start(t, fmt.Sprintf("exit:%d", code))
		began := time.Now()
		e := exit(t, p)
		if e.Code != code || e.Signal != "" || e.String() != fmt.Sprintf("exit status %d", code) {
			t.Errorf("got %+v, %q, want code %d", e, e, code)
		}
		if e.At.IsZero() || e.At.After(time.Now()) || e.At.Before(began.Add(-patience)) {
			t.Errorf("the exit is stamped %v", e.At)
		}
	}
}

func TestDeathBySignal(t *testing.T) {
	for _, tt := range []struct {
		role   string
		signal syscall.Signal
		want   string
	}{
		{"wait", syscall.SIGKILL, "SIGKILL"},
		{"deaf", syscall.SIGKILL, "SIGKILL"}, // nobody can ignore it
		{"wait", syscall.SIGTERM, "SIGTERM"},
		{"wait", syscall.SIGHUP, "SIGHUP"},
	} {
		t.Run(tt.role+" "+tt.want, func(t *testing.T) {
			p := ready(t, tt.role)
			before, after, err := p.Signal(tt.signal)
			if err != nil {
				t.Fatal(err)
			}
			e := exit(t, p)
			if e.Code != -1 || e.Signal != tt.want || e.String() != "killed by "+tt.want {
				t.Errorf("got %+v, %q, want death by %s", e, e, tt.want)
			}
			if after.Before(before) || e.At.Before(before) {
				t.Errorf("signalled between %v and %v, gone at %v", before, after, e.At)
			}
		})
	}
}

// TestIgnoredSignal: the child lives on, and its lifeline ends it.
func TestIgnoredSignal(t *testing.T) {
	p := ready(t, "deaf")
	if _, _, err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.lifeline.Close()
	if e := exit(t, p); e.Code != orphaned || e.Signal != "" {
		t.Errorf("it did not ignore the signal: %v", e)
	}
}

func TestSignalAfterExit(t *testing.T) {
	p := start(t, "exit:0")
	exit(t, p)
	_, _, err := p.Signal(syscall.SIGTERM)
	if !errors.Is(err, os.ErrProcessDone) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", p.PID())) {
		t.Errorf("got %v, want an error that wraps os.ErrProcessDone and names the process", err)
	}
}

// TestStdoutIsDrained: a child that goes on writing must not block.
func TestStdoutIsDrained(t *testing.T) {
	if e := exit(t, ready(t, "chatter")); e.Code != 0 {
		t.Errorf("got %v", e)
	}
}

// TestStderrTail: the last lines are kept, long ones are cut, and a last one
// without an end counts.
// TestAFloodTakesNoMemory: of what has no line's end only the begin is kept.
func TestAFloodTakesNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := start(t, "flood:128")
	if line := firstLine(t, p); line != strings.Repeat("x", firstWidth) {
		t.Errorf("the first line has %d bytes, want %d", len(line), firstWidth)
	}
	if e := exit(t, p); e.Code != 0 {
		t.Errorf("it ended with %v", e)
	}
	p.Close()
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 16 {
		t.Errorf("256 MiB took %d MiB", took)
	}
	if words := p.Stderr(); len(words) != 1 || len(words[0]) != tailWidth {
		t.Errorf("%d words are kept", len(words))
	}
}

func TestStderrTail(t *testing.T) {
	p := start(t, "words")
	exit(t, p)
	p.Close() // it waits for the rest of stderr
	got := p.Stderr()
	if len(got) != tailLines {
		t.Fatalf("%d lines were kept, want %d", len(got), tailLines)
	}
	want := make([]string, 0, tailLines)
	for i := 100 - (tailLines - 3); i < 100; i++ {
		want = append(want, fmt.Sprintf("line %d", i))
	}
	want = append(want, strings.Repeat("a", tailWidth), strings.Repeat("b", tailWidth), "without an end")
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// TestTail: what a stream can hold, without a process.
func TestTail(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"one line", "a\n", []string{"a"}},
		{"no end of line", "a", []string{"a"}},
		{"blank lines stay", "a\n\nb\n", []string{"a", "", "b"}},
		{"just as long as is kept", strings.Repeat("x", tailWidth) + "\nb\n", []string{strings.Repeat("x", tailWidth), "b"}},
		{"one byte longer", strings.Repeat("x", tailWidth+1) + "\nb\n", []string{strings.Repeat("x", tailWidth), "b"}},
		{"a long last line without an end", strings.Repeat("x", 3*tailWidth), []string{strings.Repeat("x", tailWidth)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var kept tail
			kept.read(strings.NewReader(tt.text))
			got := kept.lines()
			if fmt.Sprint(len(got), got) != fmt.Sprint(len(tt.want), tt.want) {
				t.Errorf("kept %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTailIsACopy: who reads it cannot change it.
func TestTailIsACopy(t *testing.T) {
	var kept tail
	kept.read(strings.NewReader("a\n"))
	kept.lines()[0] = "changed"
	if got := kept.lines()[0]; got != "a" {
		t.Errorf("the line is now %q", got)
	}
}

// TestLifelineEnds: a child that watches its lifeline ends with our end of it.
func TestLifelineEnds(t *testing.T) {
	p := ready(t, "wait")
	p.lifeline.Close()
	if e := exit(t, p); e.Code != orphaned {
		t.Errorf("got %v, want the child to end by itself", e)
	}
}

// TestLifelineEndsWithTheParent: SIGKILL to us leaves nothing behind.
func TestLifelineEndsWithTheParent(t *testing.T) {
	ln := listen(t)
	parent := ready(t, "parent", envAddr+"="+ln.Addr().String())
	grandchild := accept(t, ln)
	if _, _, err := parent.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exit(t, parent)
	gone(t, grandchild)
}

// TestNoLifeline: without a variable to name it there is none.
func TestNoLifeline(t *testing.T) {
	c := child("exit:0")
	c.Lifeline = ""
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.lifeline != nil {
		t.Error("there is a lifeline")
	}
	exit(t, p)
}

// TestCloseKills: also a child that would not end by itself, and more than once.
func TestCloseKills(t *testing.T) {
	p := ready(t, "deaf")
	p.Close()
	select {
	case <-p.Exited():
	default:
		t.Fatal("Close returned before the exit")
	}
	if e := p.Exit(); e.Signal != "SIGKILL" {
		t.Errorf("got %v, want death by SIGKILL", e)
	}
	p.Close()
	if e := p.Exit(); e.Signal != "SIGKILL" {
		t.Errorf("after the second Close: %v", e)
	}
}

// TestCloseAfterExit keeps what is known of the exit.
func TestCloseAfterExit(t *testing.T) {
	p := start(t, "exit:5")
	exit(t, p)
	p.Close()
	if e := p.Exit(); e.Code != 5 || e.Signal != "" {
		t.Errorf("got %v, want exit status 5", e)
	}
}

// TestCloseTogether: from several goroutines at once.
func TestCloseTogether(t *testing.T) {
	p := ready(t, "wait")
	closed := make(chan struct{}, 4)
	for range cap(closed) {
		go func() {
			p.Close()
			closed <- struct{}{}
		}()
	}
	for range cap(closed) {
		within(t, "the end of Close", closed)
	}
}

// TestGrandchildHoldsStderr: the exit is stamped from the child's own end, and
// Close does not wait for whoever holds the pipes.
func TestGrandchildHoldsStderr(t *testing.T) {
	ln := listen(t)
	p := ready(t, "leave", envAddr+"="+ln.Addr().String())
	grandchild := accept(t, ln)
	if e := exit(t, p); e.Code != 3 {
		t.Errorf("got %v, want the child's own exit", e)
	}
	alive(t, grandchild) // it still holds stdout and stderr
	closed := make(chan struct{})
	go func() {
		p.Close()
		close(closed)
	}()
	within(t, "the end of Close", closed)
	gone(t, grandchild) // Close has let the lifeline go
}

// alive asks that the process at the other end has not ended.
func alive(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the process has ended: %v", err)
	}
}

// TestOwnGroup: a Ctrl-C at the terminal reaches us and not the child.
func TestOwnGroup(t *testing.T) {
	p := start(t, "group")
	line := firstLine(t, p)
	if want := fmt.Sprintf("%d %d", p.PID(), p.PID()); line != want {
		t.Errorf("process and group are %q, want %q", line, want)
	}
}

func TestUnknownProgram(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	p, err := Start(Command{Path: missing, Lifeline: envLifeline})
	if p != nil || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "start "+missing+": ") {
		t.Errorf("got %v, %v, want an error that names what is missing", p, err)
	}
}

// TestNoPipesAreLeft: neither by a start that fails nor by one that is closed.
func TestNoPipesAreLeft(t *testing.T) {
	start(t, "exit:0").Close() // what the runtime opens once is open now
	before := descriptors(t)
	for range 5 {
		if _, err := Start(Command{Path: filepath.Join(t.TempDir(), "missing"), Lifeline: envLifeline}); err == nil {
			t.Fatal("a missing program was started")
		}
		p := ready(t, "wait")
		p.Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors were open and %d are now", before, after)
	}
}

// descriptors counts the open ones.
func descriptors(t *testing.T) int {
	t.Helper()
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if open, err := os.ReadDir(dir); err == nil {
			return len(open)
		}
	}
	t.Skip("this system does not show open descriptors")
	return 0
}

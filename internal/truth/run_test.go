package truth

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lastcall/internal/testrun"
)

// kept is built once for all tests.
var kept = make(chan built, 1)

func builtOnce(t *testing.T) built {
	t.Helper()
	select {
	case b := <-kept:
		kept <- b
		return b
	default:
	}
	dir, err := os.MkdirTemp("", "truth-test-")
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	kept <- b
	return b
}

func TestMain(m *testing.M) {
	code := m.Run()
	select {
	case b := <-kept:
		os.RemoveAll(filepath.Dir(b.bin))
	default:
	}
	os.Exit(code)
}

// TestRun runs a row from the flags to the table, and does not run it again. What
// the verdict is, the table itself is there to ask, on a machine that is quiet.
func TestRun(t *testing.T) {
	testrun.NotShort(t)
	path := filepath.Join(t.TempDir(), "truth.jsonl")
	args := []string{"-rows", "^go-naive$", "-shutdowns", "1", "-results", path, "-cache", filepath.Dir(builtOnce(t).bin)}
	var out bytes.Buffer
	if err := Main(t.Context(), args, &out, &out); err != nil && !errors.Is(err, errWrong) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	have, err := openResults(path)
	if err != nil || len(have.all) != 1 {
		t.Fatalf("%d results, %v; want 1", len(have.all), err)
	}
	if one := have.all[0]; one.Story == "" || one.Error != "" || !strings.Contains(one.Command, "/servers naive '{port}'") {
		t.Errorf("the result is %+v", one)
	}
	first := "go-naive                         quiet   run 1"
	if !strings.Contains(out.String(), first) {
		t.Errorf("it says\n%s", out.String())
	}
	out.Reset()
	if err := Main(t.Context(), args, &out, &out); err != nil && !errors.Is(err, errWrong) {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), first) || !strings.Contains(out.String(), "1 "+have.all[0].Verdict.String()) {
		t.Errorf("what the results have is run again, or not told:\n%s", out.String())
	}
}

// TestRunThatIsWrong: a row that deserves something else is an error. Where every
// answer is wrong, nothing can pass. It is run again, and found in doubt again.
func TestRunThatIsWrong(t *testing.T) {
	testrun.NotShort(t)
	r := &runner{built: builtOnce(t), shutdowns: 1}
	row := right("go-textbook", goKind("textbook")...).flags("--rate", "50", "--expect-status", "404")
	one, err := r.attempt(t.Context(), row, Result{Row: row.Name, Mode: Quiet, Run: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Faults) != 1 || !strings.Contains(one.Faults[0], "verdict inconclusive, want pass") || one.Doubts != 1 {
		t.Errorf("the result is %+v, want doubt twice", one)
	}
	if err := judge([]Row{row}, []Result{one}); err == nil {
		t.Error("a fault is no error")
	}
	row.Open = "not yet"
	if err := judge([]Row{row}, []Result{one}); err != nil {
		t.Errorf("a fault of a row that is open: %v", err)
	}
}

// TestRunWithoutReport: what cannot be run is a fault that says so.
func TestRunWithoutReport(t *testing.T) {
	r := &runner{built: builtOnce(t)}
	outcome, err := r.run(t.Context(), right("bad-flag", goKind("textbook")...).flags("--no-such-flag"), 1)
	if err != nil || !strings.Contains(outcome.Error, "no-such-flag") {
		t.Errorf("%+v, %v", outcome, err)
	}
}

// TestBurners: they burn, end when told to, and end when their parent is killed.
func TestBurners(t *testing.T) {
	b := builtOnce(t)
	burning, err := startBurners(b.bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range burning.running {
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("a burner does not run: %v", err)
		}
	}
	if err := burning.end(); err != nil {
		t.Error(err)
	}
	// A shell starts one, keeps the other end of its standard input, and is killed.
	out, err := os.CreateTemp(t.TempDir(), "pid")
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command("sh", "-c", `mkfifo "$1" && { "$0" burn <"$1" & echo $!; exec 3>"$1"; wait; }`,
		filepath.Join(b.bin, "servers"), filepath.Join(t.TempDir(), "in"))
	parent.Stdout = out
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := await(t, func() string { text, _ := os.ReadFile(out.Name()); return strings.TrimSpace(string(text)) })
	running := func() bool {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		return err == nil && !strings.Contains(string(stat), ") Z ")
	}
	await(t, func() string { // until it burns: its standard input is open then
		if name, err := os.Readlink("/proc/" + pid + "/exe"); err == nil && strings.HasSuffix(name, "servers") {
			return name
		}
		return ""
	})
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed, and says so
	await(t, func() string {
		if running() {
			return ""
		}
		return "ended"
	})
}

// TestQuota: what runs in it is slowed down to its share, and it goes away.
func TestQuota(t *testing.T) {
	testrun.NotShort(t)
	q, err := newQuota(0.2)
	if err != nil {
		t.Skip(err)
	}
	args := q.within([]string{"sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"})
	cmd := exec.Command(args[0], args[1:]...)
	started := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	used, took := cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), time.Since(started)
	// It may use its share of the first period at once.
	if used > took/5+40*time.Millisecond {
		t.Errorf("it had %s of CPU in %s, want a fifth", used, took)
	}
	if err := q.end(); err != nil {
		t.Error(err)
	}
}

func await(t *testing.T, what func() string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if s := what(); s != "" {
			return s
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not come to pass")
	return ""
}

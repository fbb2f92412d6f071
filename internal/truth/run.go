package truth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"lastcall/harness/result"
)

// patience is how long one run of lastcall may take.
const patience = 4 * time.Minute

// Outcome is what one run of a row came to.
type Outcome struct {
	Verdict  result.Verdict `json:"verdict"`
	Violated []string       `json:"violated,omitempty"` // rules
	Story    string         `json:"story,omitempty"`
	Error    string         `json:"error,omitempty"` // there was no report; the rest is empty
	Seconds  float64        `json:"seconds"`
	Command  string         `json:"command"` // by which it is repeated
}

// runner runs rows, one at a time.
type runner struct {
	built
	user      *user.User // nil for the runner's own
	quota     *quota     // nil for none
	shutdowns int        // 0 for lastcall's default
	record    string     // a directory for histories, or ""
}

// run runs a row once. What goes wrong stands in the outcome, and only what
// concerns all rows is an error.
func (r *runner) run(ctx context.Context, row Row, n int) (Outcome, error) {
	dir, err := os.MkdirTemp("", "truth-")
	if err != nil {
		return Outcome{}, err
	}
	defer os.RemoveAll(dir)
	p := place{bin: r.bin, source: r.source, dir: dir, python: r.python}
	if p.free, err = freePort(); err != nil {
		return Outcome{}, err
	}
	if p.beside, err = freePort(); err != nil {
		return Outcome{}, err
	}
	if err := r.furnish(row, p); err != nil {
		return Outcome{}, err
	}
	if row.Beside != nil {
		end, err := startBeside(ctx, row, p)
		if err != nil {
			return Outcome{Error: err.Error()}, nil
		}
		defer end()
	}
	args := r.arguments(row, p, n)
	started := time.Now()
	suite, err := r.lastcall(ctx, dir, args)
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	o := Outcome{Seconds: time.Since(started).Round(time.Millisecond).Seconds(), Command: quote(args)}
	if err != nil {
		o.Error = err.Error()
		return o, nil
	}
	o.read(suite)
	return o, nil
}

// read takes from a report what rows are about.
func (o *Outcome) read(suite result.Suite) {
	s := suite.Subjects[0]
	o.Verdict = s.Verdict
	o.Story = strings.Join(s.Story, "\n")
	for _, f := range s.Findings {
		if f.Status == result.Violated {
			o.Violated = append(o.Violated, f.Rule)
		}
	}
}

// furnish writes the row's files, for the user that is going to read them.
func (r *runner) furnish(row Row, p place) error {
	for _, f := range row.Files {
		if err := os.WriteFile(filepath.Join(p.dir, f.name), []byte(p.fill(f.text)), 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(p.dir, 0o755); err != nil { // workers of nginx and Apache are another user
		return err
	}
	if r.user == nil {
		return nil
	}
	uid, gid, err := ids(r.user)
	if err != nil {
		return err
	}
	return os.Chown(p.dir, int(uid), int(gid))
}

// arguments of lastcall. Every run has a seed of its own, so that runs differ in
// when the signal comes and are repeatable all the same.
func (r *runner) arguments(row Row, p place, n int) []string {
	args := []string{
		"test", "--no-color", "--quiet", "--report", "json=" + filepath.Join(p.dir, "report.json"),
		"--name", row.Name, "--seed", strconv.Itoa(n),
	}
	if r.shutdowns > 0 {
		args = append(args, "--shutdowns", strconv.Itoa(r.shutdowns))
	}
	if r.record != "" {
		args = append(args, "--record", filepath.Join(r.record, fmt.Sprintf("%s-%d", row.Name, n)))
	}
	args = append(args, p.fillAll(row.Flags)...)
	return append(append(args, "--"), p.fillAll(row.Server)...)
}

// lastcall runs it, and returns its report.
func (r *runner) lastcall(ctx context.Context, dir string, args []string) (result.Suite, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	argv := append([]string{filepath.Join(r.bin, "lastcall")}, args...)
	if r.quota != nil {
		argv = r.quota.within(argv)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin", "PYTHONDONTWRITEBYTECODE=1")
	if r.user != nil {
		uid, gid, err := ids(r.user)
		if err != nil {
			return result.Suite{}, err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
		cmd.Env = append(cmd.Env, "HOME="+dir)
	}
	// SIGTERM, for lastcall then ends what it has started; a kill would leave that to chance.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	ran := cmd.Run()
	var exit *exec.ExitError
	if ran != nil && !errors.As(ran, &exit) {
		return result.Suite{}, fmt.Errorf("lastcall: %w", ran)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		return result.Suite{}, fmt.Errorf("lastcall ended (%v) without a report: %s", ran, strings.TrimSpace(said.String())) //nolint:errorlint // it is nil after exit code 0
	}
	var suite result.Suite
	if err := json.Unmarshal(text, &suite); err != nil {
		return suite, fmt.Errorf("the report of lastcall: %w", err)
	}
	if len(suite.Subjects) != 1 {
		return suite, fmt.Errorf("the report is about %d servers, want 1", len(suite.Subjects))
	}
	return suite, nil
}

// startBeside starts the server that stands beside, and returns what ends it.
func startBeside(ctx context.Context, row Row, p place) (end func(), err error) {
	args := append([]string{row.Beside[0], strconv.Itoa(p.beside)}, p.fillAll(row.Beside[1:])...)
	cmd := exec.Command(filepath.Join(p.bin, "servers"), args...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end = func() {
		_ = cmd.Process.Kill() // it has no end of its own
		_ = cmd.Wait()
	}
	for range 200 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", p.beside))
		if err == nil {
			return end, c.Close()
		}
		select {
		case <-ctx.Done():
			end()
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond): // it has not come up yet
		}
	}
	end()
	return nil, fmt.Errorf("the %s beside the server does not come up", row.Beside[0])
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

func ids(u *user.User) (uid, gid uint32, err error) {
	a, errA := strconv.ParseUint(u.Uid, 10, 32)
	b, errB := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(a), uint32(b), errors.Join(errA, errB)
}

// quote returns a line for a shell.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"$;&|<>()*?{}\\^") {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return "lastcall " + strings.Join(quoted, " ")
}

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lastcall/internal/bug"
)

// startWait bounds how long a supervisor may take to report. It takes
// milliseconds; the bound is for a program that is none.
const startWait = 10 * time.Second

// startSupervised starts the supervisor and waits until it says that the command
// runs. It takes a few milliseconds, most of them the start of the supervisor's program.
func (p *Process) startSupervised(path string) error {
	p.supervised = true
	life, err := p.openLifeline()
	if err != nil {
		return err
	}
	theirs := []*os.File{life}
	var said *os.File
	if p.reports, said, err = os.Pipe(); err != nil {
		life.Close()
		return err
	}
	theirs = append(theirs, said)
	mark, value := newMark()
	if p.cmd, err = p.command.supervise(path, value); err == nil {
		err = p.launch(theirs)
	}
	if err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	reports := json.NewDecoder(p.reports)
	if err := p.awaitStart(reports, mark); err != nil {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		_, _ = p.cmd.Process.Wait()
		if p.lineage == nil { // it died before it could say what it had started
			p.lineage = newLineage(identity{}, mark, identity{}, findCgroup(mark))
		}
		_ = p.KillTree() // the kernel has killed the command, but nothing that this had started
		p.lineage.cgroup.remove()
		return err
	}
	go p.watch(reports)
	return nil
}

// supervise returns the supervisor's command. It starts in the command's
// directory and with its environment, with a mark of its own and the run's.
func (c Command) supervise(path, run string) (*exec.Cmd, error) {
	program := c.Supervisor[0]
	if strings.ContainsRune(program, filepath.Separator) { // relative to our directory, not to Dir
		absolute, err := filepath.Abs(program)
		if err != nil {
			return nil, err
		}
		program = absolute
	}
	args := append([]string{}, c.Supervisor[1:]...)
	args = append(args, "--", c.Path)
	cmd := exec.Command(program, append(args, c.Args...)...)
	cmd.Dir = c.Dir
	cmd.Env = append(c.environ(), envMark+"="+run, envSupervisor+"="+protocol+path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of the terminal's reach
	return cmd, nil
}

// awaitStart reads the first report. Before it lets the supervisor go on, it
// gets hold of the leader: until then the supervisor keeps its PID from being
// used again, even if the command has ended meanwhile.
func (p *Process) awaitStart(reports *json.Decoder, mark string) error {
	_ = p.reports.SetReadDeadline(time.Now().Add(startWait)) // a pipe can always have one
	defer p.reports.SetReadDeadline(time.Time{})
	var r report
	if err := reports.Decode(&r); err != nil {
		return p.silent(err)
	}
	if r.Event == reportFailed {
		return r.failure()
	}
	if r.Event != reportStarted || r.PID <= 0 {
		return fmt.Errorf("supervisor: its first report is %+v", r)
	}
	leader, err := os.FindProcess(r.PID)
	if err != nil {
		return fmt.Errorf("supervisor: find process %d: %w", r.PID, err)
	}
	p.leader, p.pid = leader, r.PID
	p.lineage = newLineage(born(r.PID), mark, born(p.cmd.Process.Pid), openCgroup(r.Cgroup))
	p.lineage.cgroup.share() // while the supervisor, which waits for us, holds it too
	if _, err := p.lifeline.Write([]byte{held}); err != nil {
		return p.silent(err)
	}
	return nil
}

// silent explains why no report came, with the supervisor's last words.
func (p *Process) silent(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("supervisor: no report within %s", startWait)
	}
	inTime(p.stderrEd, lastWords)
	if words := p.Stderr(); len(words) > 0 {
		return fmt.Errorf("supervisor: it ended without a report: %s", words[len(words)-1])
	}
	return fmt.Errorf("supervisor: it ended without a report: %w", err)
}

// watch reads the reports until the supervisor is gone, and waits for it.
func (p *Process) watch(reports *json.Decoder) {
	defer close(p.buried) // only here: dismiss waits for it
	defer bug.Catch()
	for {
		var r report
		if reports.Decode(&r) != nil {
			break
		}
		switch r.Event {
		case reportExited:
			p.finish(r.exit())
		case reportSeen:
			p.lineage.learn(r.Seen)
		}
	}
	_ = p.cmd.Process.Kill() // it has ended, unless what it says is no report
	state, err := p.cmd.Process.Wait()
	p.failed = err != nil || !state.Success()
	if p.hasExited() {
		return
	}
	why := fmt.Errorf("wait for the supervisor: %w", err)
	if err == nil {
		why = fmt.Errorf("the supervisor ended first (%s), and the command was killed", state)
	}
	if !p.closing.Load() { // else dismiss looks once more
		// The kernel kills the leader on Linux. The rest, and all of it elsewhere,
		// is left to us.
		if err := p.KillTree(); err != nil {
			why = errors.Join(why, err)
		}
	}
	p.finish(lost(why))
}

// dismiss ends the supervisor, after the tree was killed.
func (p *Process) dismiss(patience time.Duration) {
	p.lifeline.Close()
	buried := inTime(p.buried, patience)
	if !buried {
		_ = p.cmd.Process.Kill() // it waits for what cannot be killed
		inTime(p.buried, p.limit)
	}
	if !buried || p.failed { // it was killed while we killed, and has not looked whether anything is left
		_ = p.KillTree()
	}
	p.lineage.cgroup.remove() // the supervisor has, unless it was killed
	_ = p.leader.Release()    // a descriptor that only this code closes
}

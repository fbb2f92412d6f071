package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lastcall/harness/check"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

const (
	fewKills, manyKills = 20, 400
	// latestKill is when after its start a run gets its signal at the latest: most take
	// longer.
	latestKill = 2 * time.Second
	// killPatience is how long a run may take to end, and orphanPatience what it has
	// started after that, on a busy machine; orphanWait is how long is waited for what
	// mostly does not end.
	killPatience, orphanPatience, orphanWait = time.Minute, 10 * time.Second, time.Second
)

// victims are who gets the signal.
const (
	toLastcall   = "lastcall"
	toSupervisor = "supervisor"
	toBoth       = "both"
)

// killing is one way to attack a run.
type killing struct {
	verb   string
	victim string
	signal syscall.Signal // SIGSTOP is followed by SIGCONT
}

// ways returns them all. Only a command of the user's has a supervisor.
func ways() (all []killing) {
	for _, verb := range []string{"compare", "test", "probe", "sweep", "demo"} {
		victims := []string{toLastcall, toSupervisor, toBoth}
		if verb == "compare" || verb == "demo" {
			victims = victims[:1]
		}
		for _, victim := range victims {
			for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGSTOP} {
				all = append(all, killing{verb, victim, s})
			}
		}
	}
	return all
}

// TestKills kills runs at random moments: nothing is left, no report is corrupt, and none
// of a run that broke off is green. The server under test does everything right, and has
// a child that does not know of its end.
func TestKills(t *testing.T) {
	onlySlow(t)
	needs(t, "sh", "sleep")
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here: processes cannot be found by their environment")
	}
	kills := fewKills
	if os.Getenv(envLong) == "1" {
		kills = manyKills
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d; %s=1 does %d", kills, seed, envLong, manyKills)
	random := rand.New(rand.NewPCG(seed, 0))
	all := ways()
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	counts := make(map[killing]*toll)
	for n := range kills {
		way := all[n%len(all)]
		if counts[way] == nil {
			counts[way] = new(toll)
		}
		r := &killedRun{T: t, killing: way, dir: t.TempDir(), mark: fmt.Sprintf("%d-kill-%d-%d", os.Getpid(), n, seed), count: counts[way]}
		r.moment = time.Duration(random.Int64N(int64(latestKill)))
		r.pause = 50*time.Millisecond + time.Duration(random.Int64N(int64(450*time.Millisecond)))
		r.run()
	}
	t.Log("\n" + tableOf(counts))
}

// toll counts what became of the runs that were killing in one way.
type toll struct {
	kills, inTime, green, wrong, inconclusive, interrupted, none int // by what the report says
	orphans                                                      int // processes that the next run had to end
	beyond                                                       int // processes that no run can find, for want of a cgroup
}

// tableOf prints the outcomes, one way a line.
func tableOf(counts map[killing]*toll) string {
	var lines []string
	sum := new(toll)
	line := func(name string, o *toll) string {
		return fmt.Sprintf("%-28s %5d %7d %5d %5d %12d %11d %9d %8d %6d", name, o.kills, o.inTime, o.green, o.wrong, o.inconclusive, o.interrupted, o.none, o.orphans, o.beyond)
	}
	for way, o := range counts {
		lines = append(lines, line(fmt.Sprintf("%s %s %s", way.verb, way.victim, scenario.SignalName(way.signal)), o))
		sum.kills, sum.inTime, sum.green, sum.wrong = sum.kills+o.kills, sum.inTime+o.inTime, sum.green+o.green, sum.wrong+o.wrong
		sum.inconclusive, sum.interrupted, sum.none = sum.inconclusive+o.inconclusive, sum.interrupted+o.interrupted, sum.none+o.none
		sum.orphans, sum.beyond = sum.orphans+o.orphans, sum.beyond+o.beyond
	}
	slices.Sort(lines)
	head := fmt.Sprintf("%-28s %5s %7s %5s %5s %12s %11s %9s %8s %6s", "", "kills", "in time", "pass", "fail", "inconclusive", "interrupted", "no report", "swept", "beyond")
	return strings.Join(append(append([]string{head}, lines...), line("all", sum)), "\n")
}

// killedRun is one run that is killing.
type killedRun struct {
	*testing.T
	killing

	dir, mark     string
	moment, pause time.Duration
	count         *toll
	cmd           *exec.Cmd
	ended         chan struct{} // closed when lastcall has
	said          bytes.Buffer
}

func (r *killedRun) fail(format string, args ...any) {
	r.Helper()
	r.Errorf("%s, %s to %s after %s: %s\n%s", r.verb, scenario.SignalName(r.signal), r.victim, r.moment, fmt.Sprintf(format, args...), &r.said)
}

func (r *killedRun) path(name string) string { return filepath.Join(r.dir, name) }

func (r *killedRun) tmp() string { return r.path("tmp") }

// args is the command line.
func (r *killedRun) args() []string {
	outputs := []string{"--quiet", "--report", "json=" + r.path("out/r.json")}
	if r.verb != "sweep" {
		outputs = append(outputs, "--report", "junit="+r.path("out/r.xml"))
	}
	load := []string{"--shutdowns", "2", "--rate", "100", "--min-at-risk", "1", "--record", r.path("rec")}
	command := []string{"--", "sh", "-c", "sleep 300 & exec " + lastcall + " serve signal-notify --request-log=false --addr 127.0.0.1:{port}"}
	switch r.verb {
	case "compare":
		return slices.Concat([]string{"compare", "signal-notify", "--delay", "20ms", "--gate"}, load, outputs)
	case "test":
		return slices.Concat([]string{"test", "--url", "/work?delay=20ms", "--rule", "no-survivors=off"}, load, outputs, command)
	case "probe":
		return slices.Concat([]string{"probe", "http1/in-handler", "http1/endless-stream", "exit/idle", "--url", "/health", "--slow-url", "/work?delay={ms}ms", "--stream-url", "/events"}, outputs, command)
	case "sweep":
		return slices.Concat([]string{"sweep", "--limit", "3s", "--url", "/health"}, outputs, command)
	}
	return []string{"demo", "--no-open"}
}

// start starts lastcall with the mark, and a directory for temporary files of its own.
func (r *killedRun) start(args ...string) *exec.Cmd {
	cmd := exec.Command(lastcall, args...)
	cmd.Env = append(os.Environ(), envMark+"="+r.mark, "TMPDIR="+r.tmp())
	cmd.Stdout, cmd.Stderr = &r.said, &r.said
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	return cmd
}

// run carries the attack out, and looks at what it left.
func (r *killedRun) run() {
	if err := errors.Join(os.Mkdir(r.tmp(), 0o700), os.Mkdir(r.path("out"), 0o700)); err != nil {
		r.Fatal(err)
	}
	r.count.kills++
	r.cmd, r.ended = r.start(r.args()...), make(chan struct{})
	go func() {
		_ = r.cmd.Wait() // its state tells
		close(r.ended)   // by the only one who waits
	}()
	time.Sleep(r.moment) // the moment is what is tried
	if r.attack() {
		r.count.inTime++
	}
	if r.verb == "demo" && r.signal == syscall.SIGSTOP { // of the others a second one would kill it
		_ = r.cmd.Process.Signal(syscall.SIGINT) // it ends in no other way
	}
	select {
	case <-r.ended:
	case <-time.After(killPatience):
		_ = r.cmd.Process.Kill()
		<-r.ended
		r.fail("it did not end within %s", killPatience)
	}
	r.wantNoOrphans()
	r.wantExit()
	r.wantReports()
	r.wantNothingLeft()
}

// dies reports whether lastcall itself is killed, and cannot clean up.
func (r *killedRun) dies() bool { return r.signal == syscall.SIGKILL && r.victim != toSupervisor }

// attack sends the signal, and says whether it came before the end.
func (r *killedRun) attack() bool {
	var pids []int
	if r.victim != toSupervisor {
		pids = append(pids, r.cmd.Process.Pid)
	}
	if r.victim != toLastcall {
		var supervisors []int
		eventually(time.Second, func() bool {
			for pid, line := range marked(r.mark) {
				if strings.HasPrefix(line, lastcall+" supervise ") {
					supervisors = append(supervisors, pid)
				}
			}
			return len(supervisors) > 0
		})
		pids = append(pids, supervisors...)
	}
	reached := false
	for _, pid := range pids {
		select {
		case <-r.ended: // its PID may be another's
			continue
		default:
			reached = syscall.Kill(pid, r.signal) == nil || reached
		}
	}
	if r.signal == syscall.SIGSTOP {
		time.Sleep(r.pause) // how long it is stopped is what is tried
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT) // a supervisor may have been killed meanwhile
		}
	}
	return reached
}

// wantNoOrphans asks that all that was started ends with lastcall. Where its supervisor is
// killed too, the next run has to do it.
func (r *killedRun) wantNoOrphans() {
	patience, orphaned := orphanPatience, r.dies() && r.victim == toBoth
	if orphaned {
		patience = orphanWait
	}
	if eventually(patience, func() bool { return len(marked(r.mark)) == 0 }) {
		return
	}
	left := marked(r.mark)
	if !orphaned {
		r.fail("left behind: %v", left)
		r.end(left)
		return
	}
	for pid := range left {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)); err == nil && !bytes.Contains(text, []byte("/lastcall-")) {
			r.count.beyond++
			r.end(map[int]string{pid: left[pid]})
			delete(left, pid)
		}
	}
	r.count.orphans += len(left)
}

// end ends what a test that has failed would leave.
func (r *killedRun) end(left map[int]string) {
	for pid := range left {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it has our mark; it may just have ended
	}
}

// wantExit asks for an exit code that says what happened. A signal can come before it is
// caught, and after the end of the run.
func (r *killedRun) wantExit() {
	code := r.cmd.ProcessState.ExitCode()
	status, _ := r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	allowed := []int{exitPass, exitFail, exitInconclusive}
	if r.signal != syscall.SIGSTOP && r.victim != toSupervisor {
		allowed = append(allowed, 128+int(r.signal))
	}
	early := status.Signaled() && (status.Signal() == r.signal && r.victim != toSupervisor || r.verb == "demo" && status.Signal() == syscall.SIGINT)
	if !early && !slices.Contains(allowed, code) {
		r.fail("it ended with %s", r.cmd.ProcessState)
	}
}

// wantReports asks that each report is whole, that none of a run that broke off is green,
// and that the server is accused of nothing that it did not do.
func (r *killedRun) wantReports() {
	code := r.cmd.ProcessState.ExitCode()
	text, err := os.ReadFile(r.path("out/r.json"))
	if errors.Is(err, fs.ErrNotExist) {
		r.count.none++
	} else {
		var s result.Suite // of a sweep only the status is asked for
		if err := json.Unmarshal(text, &s); err != nil {
			r.fail("the JSON report: %v", err)
			return
		}
		switch s.Status {
		case result.SuitePass:
			r.count.green++
		case result.SuiteFail:
			r.count.wrong++
		case result.SuiteInconclusive:
			r.count.inconclusive++
		case result.SuiteInterrupted:
			r.count.interrupted++
		}
		if s.Status == result.SuitePass && code > exitPass { // -1: it was killed after it had written it
			r.fail("exit code %d, and the report says %s", code, s.Status)
		}
		r.wantNoFail(s)
		r.wantJUnit(s.Status)
	}
	r.wantRecording()
}

// wantNoFail asks that a right server fails by nothing but late requests, which the kernel
// can lose for it.
func (r *killedRun) wantNoFail(s result.Suite) {
	for _, subject := range s.Subjects {
		for _, f := range subject.Findings {
			if f.Status == result.Violated && f.Rule != check.LateRequestsAnswered {
				r.fail("%s fails by %s: %s", subject.Name, f.Rule, f.Detail)
			}
		}
		for _, p := range subject.Probes {
			if p.Status == result.ProbeFail {
				r.fail("%s fails %s: %s", subject.Name, p.Probe, p.Seen)
			}
		}
	}
}

// wantJUnit asks that the JUnit report is as red as the JSON.
func (r *killedRun) wantJUnit(status result.Overall) {
	text, err := os.ReadFile(r.path("out/r.xml"))
	if errors.Is(err, fs.ErrNotExist) { // of a sweep there is none, and a kill may have come in between
		return
	}
	var suites struct {
		Errors   int `xml:"errors,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		r.fail("the JUnit report: %v", err)
	} else if green := suites.Errors+suites.Failures == 0; green != (status == result.SuitePass) {
		r.fail("the JSON report says %s, and the JUnit report has %d errors and %d failures", status, suites.Errors, suites.Failures)
	}
}

// wantRecording asks that what was recorded is whole, and that half a recording is no pass.
func (r *killedRun) wantRecording() {
	names, err := filepath.Glob(r.path("rec/*.jsonl"))
	if err != nil || len(names) == 0 {
		return
	}
	last := 0
	for _, h := range histories(r.T, r.path("rec")) { // which demands that each can be read
		last = max(last, h.Header.Shutdown)
	}
	if last == 2 {
		return
	}
	out, err := exec.Command(lastcall, "report", r.path("rec"), "--gate").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFail && exit.ExitCode() != exitInconclusive {
		r.fail("half a recording ends with %v:\n%s", err, out)
	}
}

// wantNothingLeft asks that there is no file but those that were asked for. Who was killed
// cannot clean up: the next run does, and ends what still runs.
func (r *killedRun) wantNothingLeft() {
	stray := func() (found []string) {
		for _, dir := range []string{r.tmp(), r.path("out"), r.path("rec")} {
			entries, _ := os.ReadDir(dir) // not every run records
			for _, e := range entries {
				name := e.Name()
				wanted := name == "r.json" || name == "r.xml" || filepath.Ext(name) == ".jsonl"
				if young := strings.HasPrefix(name, ".lastcall-") && r.dies() && !hasUnnamed(dir); !wanted && !young {
					found = append(found, filepath.Join(dir, name))
				}
			}
		}
		return found
	}
	found := stray()
	if r.dies() {
		next := exec.Command(lastcall, "probe", "exit/idle", "signal-notify", "--quiet", "--repeats", "1")
		next.Env = append(os.Environ(), "TMPDIR="+r.tmp())
		if out, err := next.CombinedOutput(); err != nil {
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitInconclusive {
				r.fail("the next run: %v\n%s", err, out)
			}
		}
		found = stray()
	}
	if len(found) > 0 {
		r.fail("these are left: %v", found)
	}
	if left := marked(r.mark); len(left) > 0 {
		r.fail("the next run leaves %v", left)
		r.end(left)
	}
}

// hasUnnamed reports whether a file can be without a name there (open(2), O_TMPFILE). Else
// what a killed run has left beside its reports stays for a day.
func hasUnnamed(dir string) bool {
	file, err := os.OpenFile(dir, os.O_WRONLY|unix.O_TMPFILE, 0o600)
	if err != nil {
		return false
	}
	file.Close()
	return true
}

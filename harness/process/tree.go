package process

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	ps "github.com/shirou/gopsutil/v4/process"
)

// nameWidth is how much of a command line is shown.
const nameWidth = 80

// Info names a process for people.
type Info struct {
	PID int
	// Name is its command line, shortened. It comes from the process itself, so
	// that whoever prints it must escape it.
	Name string
}

// String returns the PID and the name: "4711 (python3 server.py)".
func (i Info) String() string { return fmt.Sprintf("%d (%s)", i.PID, i.Name) }

// Leader names the command itself.
func (p *Process) Leader() Info {
	if !p.hasExited() {
		if line := commandLine(p.PID()); line != "" {
			return Info{p.PID(), line}
		}
	}
	return Info{p.PID(), shorten(strings.Join(append([]string{p.command.Path}, p.command.Args...), " "))}
}

// Tree returns the leader, if it lives, and all its descendants that do, parents
// before their children. Under a supervisor on Linux these include what
// daemonised itself: the run's cgroup has it, or its environment, its session or
// the supervisor, who saw it being born, tells. Otherwise only orphans that stayed
// in the leader's process group are known for certain. The error says that the
// system shows no processes; then no supervisor starts.
func (p *Process) Tree() ([]Info, error) {
	members, err := p.members()
	if err != nil {
		return nil, fmt.Errorf("what process %d has started: %w", p.PID(), err)
	}
	return p.infos(members), nil
}

// Survivors returns the Tree without the leader: once the leader has exited,
// what it left behind. It is empty also if the system shows no processes: it is
// meant for explaining, not for proving that there are none.
func (p *Process) Survivors() []Info {
	tree, _ := p.Tree()
	return slices.DeleteFunc(tree, func(i Info) bool { return i.PID == p.PID() })
}

// KillTree sends SIGKILL to all of the Tree until nothing of it is left. What is
// still there after a few seconds is named in the error: it is stuck in the
// kernel, or we are not allowed to kill it.
func (p *Process) KillTree() error {
	p.lineage.cgroup.kill() // at once, whatever forks meanwhile
	return killAll(p.leader, p.pid, p.members, p.limit)
}

// members returns the rows of the Tree.
func (p *Process) members() ([]row, error) { return p.lineage.members() }

// group returns the members of the tree that are in the leader's process group.
func (p *Process) group() ([]row, error) {
	members, err := p.members()
	return slices.DeleteFunc(members, func(r row) bool { return r.pgid != p.PID() }), err
}

// inGroup says whether any of the rows is in the process group.
func inGroup(rows []row, pgid int) bool {
	return slices.ContainsFunc(rows, func(r row) bool { return r.pgid == pgid })
}

// infos names the rows. One that has just gone has no name any more.
func (p *Process) infos(rows []row) []Info {
	infos := make([]Info, 0, len(rows))
	for _, r := range rows {
		if r.pid == p.PID() {
			infos = append(infos, p.Leader())
			continue
		}
		infos = append(infos, info(r.pid))
	}
	return infos
}

// info names a process by its command line, or by its name in brackets if it has
// none, as ps does.
func info(pid int) Info {
	if line := commandLine(pid); line != "" {
		return Info{pid, line}
	}
	name, _ := (&ps.Process{Pid: int32(pid)}).Name() // gone: ""
	return Info{pid, "[" + shorten(name) + "]"}
}

// commandLine returns a process's command line as far as it is shown, or "".
func commandLine(pid int) string {
	line, _ := (&ps.Process{Pid: int32(pid)}).Cmdline() // not NewProcess, which looks at far more
	return shorten(line)
}

func shorten(line string) string {
	letters := []rune(strings.TrimSpace(line))
	if len(letters) <= nameWidth {
		return string(letters)
	}
	return string(letters[:nameWidth-1]) + "…"
}

// killAll sends SIGKILL to all that list returns until it returns nothing: first
// to the group that the leader founded, at once, or what forks as fast as we
// kill would get away, and then one by one.
func killAll(leader *os.Process, pgid int, list func() ([]row, error), limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		left, err := list()
		if err != nil || len(left) == 0 {
			return err
		}
		if inGroup(left, pgid) {
			_ = signalGroup(leader, pgid, syscall.SIGKILL) // whether it reached all is seen below
		}
		late := time.Now().After(deadline)
		var names []string
		for _, r := range left {
			err := r.signal(syscall.SIGKILL)
			if late {
				names = append(names, survivor(r, err))
			}
		}
		if late {
			return fmt.Errorf("survived SIGKILL for %s: %s", limit, strings.Join(names, ", "))
		}
		time.Sleep(pause) // for the kernel: only the next look can tell
	}
}

// survivor says who lives on, and why if that is known.
func survivor(r row, err error) string {
	text := info(r.pid).String()
	if errors.Is(err, fs.ErrPermission) {
		text += ", which lastcall may not signal"
	}
	return text
}

// row is what the system's table says of a process at one instant.
type row struct {
	pid, ppid, pgid int
	sid             int // the session, 0 if it is not known
	// start is when it began, in the system's own units: with the PID it names a
	// process for ever, as a PID alone does not.
	start uint64
	// lives is false for a zombie: it runs nothing, holds nothing, and cannot be
	// killed.
	lives  bool
	kernel bool // a thread of the kernel, which has no environment
}

// descend returns the roots among the rows and all their descendants that live,
// parents before their children. What is dead has no children.
func descend(rows []row, root func(row) bool) []row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.pid, b.pid) })
	children := make(map[int][]row)
	var found []row
	seen := make(map[int]bool)
	for _, r := range rows {
		children[r.ppid] = append(children[r.ppid], r)
		if root(r) {
			found, seen[r.pid] = append(found, r), true
		}
	}
	for i := 0; i < len(found); i++ { // it grows meanwhile
		for _, r := range children[found[i].pid] {
			if !seen[r.pid] {
				found, seen[r.pid] = append(found, r), true
			}
		}
	}
	return slices.DeleteFunc(found, func(r row) bool { return !r.lives })
}

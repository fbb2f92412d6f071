package process

import (
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// identity names a process for ever, as a PID alone does not.
type identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // in the table's units
}

func (r row) identity() identity { return identity{r.pid, r.start} }

// lineage knows which processes came of one command. An orphan's parent is another
// than the one that started it, so the descent is seen only while the parents
// live. A process is of the lineage if any of these holds:
//
//   - its parent is, or it was seen to be before
//   - it is in a session that a member made: nothing joins a session from outside
//   - it is in a process group that a member founded
//   - its environment has the run's mark
//   - it is in the run's own cgroup
//
// Without a cgroup a process is lost that, between two looks, makes a session of
// its own, loses its parent and drops its environment.
type lineage struct {
	leader identity
	mark   string        // what its environment has, "" for nothing
	beside identity      // the supervisor, which has the mark and is none of them
	home   int           // the session that we share with strangers
	cgroup *cgroup       // nil for none
	settle time.Duration // how long an empty list is doubted

	mu        sync.Mutex // guards what follows: more than one goroutine looks, and reports come in
	known     map[identity]bool
	fresh     []identity             // of the known: those that the last look has found
	pids      map[int]bool           // of the known: what they may have founded a group with
	sessions  map[int]bool           // with a member in them, so that the number stays taken
	groups    map[int]bool           // in the same way
	strangers map[int]uint64         // the start by PID of those who are no members and never will be
	dead      map[identity]bool      // of the known: zombies, and seen to be
	blank     map[identity]time.Time // since when the environment of those who have none is empty
}

// newLineage returns the lineage of a command that was just started, as the leader
// of a process group. If the leader has no name, only the mark tells.
func newLineage(leader identity, mark string, supervisor identity, c *cgroup) *lineage {
	session, err := unix.Getsid(0)
	if err != nil {
		session = 0 // it cannot fail for ourselves
	}
	settle := settleFor
	if mark == "" || c != nil {
		settle = 0 // a cgroup misses none, and without a mark another look tells no more
	}
	l := &lineage{
		leader: leader, mark: mark, beside: supervisor, home: session, cgroup: c, settle: settle,
		known: map[identity]bool{}, pids: map[int]bool{}, sessions: map[int]bool{}, groups: map[int]bool{},
		strangers: map[int]uint64{}, dead: map[identity]bool{}, blank: map[identity]time.Time{},
	}
	if leader.PID != 0 { // which is the session and the group of those from outside of a PID namespace
		l.known[leader], l.pids[leader.PID], l.sessions[leader.PID], l.groups[leader.PID] = true, true, true, true
	}
	return l
}

// An empty list that may have missed what was born meanwhile is read again, but
// not for ever: a busy machine never holds still.
const (
	settleFor   = 250 * time.Millisecond
	settleLong  = 2 * time.Second       // if no process waits
	settlePause = 10 * time.Millisecond // at most
	// blankFor is how long a process may take from one program to the next, on a
	// machine with better things to do: its environment is empty until then.
	blankFor = time.Second
)

// members returns the rows of all that live, the leader first, and parents before
// their children. What forks while the list is read leaves a trace (see look), and
// is looked for again, so that an empty list is one indeed.
func (l *lineage) members() ([]row, error) {
	l.mu.Lock() // also while it waits: a second look at the same time would find no more
	defer l.mu.Unlock()
	found, settled, err := l.look(true)
	end := time.Now().Add(l.settle)
	for pause := time.Millisecond; err == nil && len(found) == 0 && !settled && time.Now().Before(end); pause = min(2*pause, settlePause) {
		time.Sleep(pause)                   // for what was just born: only the next look can tell
		found, settled, err = l.look(false) // all others are known by now
	}
	return found, err
}

// follow looks at members and at newcomers only, which costs far less than
// members does, and returns those that are new since the last look of any kind.
func (l *lineage) follow() ([]identity, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _, err := l.look(false)
	return l.fresh, err
}

// learn takes over what another has seen.
func (l *lineage) learn(seen []identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range seen {
		l.known[id], l.pids[id.PID] = true, true
	}
}

// look reads the table, with the strangers or without, and returns the members
// that live. It is settled if it can have missed none: processes are listed by
// their PIDs, and get these in the same order, so that what is born too late for
// the list has a parent in it, which is seen, or has gone or died before it could be.
func (l *lineage) look(all bool) (found []row, settled bool, err error) {
	l.fresh = nil
	listed := make(map[int]bool)
	rows, gone, err := list(func(pid int) bool {
		listed[pid] = true
		_, stranger := l.strangers[pid]
		return all || !stranger
	})
	if err != nil {
		return nil, false, err
	}
	settled = !slices.ContainsFunc(gone, func(pid int) bool { _, stranger := l.strangers[pid]; return !stranger })
	marked, blank := l.marks(rows)
	kin := l.sort(rows, marked)
	l.forget(rows, kin)
	settled = !l.bury(rows, kin) && settled
	maps.DeleteFunc(l.strangers, func(pid int, _ uint64) bool { return !listed[pid] || kin[pid] })
	for _, r := range rows {
		switch {
		case kin[r.pid]:
		case blank[r.pid] && !l.stays(r): // it may be on its way from one program to the next
			settled = false
		default:
			l.strangers[r.pid] = r.start
			delete(l.blank, r.identity())
		}
	}
	maps.DeleteFunc(l.blank, func(id identity, _ time.Time) bool { return !listed[id.PID] })
	return l.inOrder(rows, kin), settled, nil
}

// bury notes the members that are zombies, and reports whether any is new: it may have
// been a parent until just now, of what is not in the list.
func (l *lineage) bury(rows []row, kin map[int]bool) (some bool) {
	dead := make(map[identity]bool)
	for _, r := range rows {
		if kin[r.pid] && !r.lives {
			dead[r.identity()] = true
			some = some || !l.dead[r.identity()]
		}
	}
	l.dead = dead
	return some
}

// stays reports whether a process's environment was empty for so long that it
// will be.
func (l *lineage) stays(r row) bool {
	since, seen := l.blank[r.identity()]
	if !seen {
		l.blank[r.identity()] = time.Now()
		return false
	}
	return time.Since(since) > blankFor
}

// inOrder returns the members that live, the leader first, and parents before
// their children.
func (l *lineage) inOrder(rows []row, kin map[int]bool) []row {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !kin[r.pid] })
	found := descend(rows, func(r row) bool { return r.pid == l.leader.PID || !kin[r.ppid] })
	slices.SortStableFunc(found, func(a, b row) int { return rank(a, l.leader.PID) - rank(b, l.leader.PID) })
	return found
}

// rank sorts the leader to the front.
func rank(r row, leader int) int {
	if r.pid == leader {
		return 0
	}
	return 1
}

// foreign reports whether a process cannot be a member: it is the supervisor, or
// was there before the command.
func (l *lineage) foreign(r row) bool { return r.identity() == l.beside || r.start < l.leader.Start }

// marks returns the PIDs of those that have the mark, as far as that is not known
// yet, and of those of which it cannot be said.
func (l *lineage) marks(rows []row) (marked, blank map[int]bool) {
	marked, blank = make(map[int]bool), make(map[int]bool)
	for _, r := range rows {
		start, stranger := l.strangers[r.pid]
		if l.mark == "" || r.kernel || l.foreign(r) || !r.lives || l.known[r.identity()] || stranger && start == r.start {
			continue
		}
		has, known := hasMark(r.pid, l.mark)
		marked[r.pid], blank[r.pid] = has, !known
	}
	return marked, blank
}

// sort returns the PIDs of the members.
func (l *lineage) sort(rows []row, marked map[int]bool) map[int]bool {
	for _, r := range rows { // a number that another has got
		if !l.known[r.identity()] {
			delete(l.sessions, r.pid)
			delete(l.groups, r.pid)
		}
	}
	kin, inside := make(map[int]bool), l.cgroup.pids()
	for grown := true; grown; { // one can make a member of the next, wherever that stands
		grown = false
		for _, r := range rows {
			if kin[r.pid] || l.foreign(r) {
				continue
			}
			if l.known[r.identity()] || kin[r.ppid] || l.sessions[r.sid] || l.groups[r.pgid] || marked[r.pid] || inside[r.pid] {
				kin[r.pid], grown = true, true
				l.join(r)
			}
		}
	}
	return kin
}

// join notes a member, and the session and the group that are its own.
func (l *lineage) join(r row) {
	if !l.known[r.identity()] {
		l.known[r.identity()], l.pids[r.pid] = true, true
		l.fresh = append(l.fresh, r.identity())
	}
	if r.sid > 0 && r.sid != l.home {
		l.sessions[r.sid] = true
	}
	if l.pids[r.pgid] {
		l.groups[r.pgid] = true
	}
}

// forget drops the members that have gone, and the numbers of sessions and groups
// that no member holds any more: others may get them. A server that forks for each
// request has had many.
func (l *lineage) forget(rows []row, kin map[int]bool) {
	here, sessions, groups := map[identity]bool{l.leader: true}, make(map[int]bool), make(map[int]bool)
	for _, r := range rows {
		if kin[r.pid] {
			here[r.identity()], sessions[r.sid], groups[r.pgid] = true, true, true
		}
	}
	maps.DeleteFunc(l.known, func(id identity, _ bool) bool { return !here[id] })
	maps.DeleteFunc(l.pids, func(pid int, _ bool) bool { return !kin[pid] && pid != l.leader.PID })
	maps.DeleteFunc(l.sessions, func(n int, _ bool) bool { return !sessions[n] })
	maps.DeleteFunc(l.groups, func(n int, _ bool) bool { return !groups[n] })
}

package process

import (
	"maps"
	"slices"
	"testing"
)

// TestSort: what the table can show, without processes. Process 1 is init, 10 the
// supervisor, 20 the leader; the supervisor's session is 2, the leader's is 20.
func TestSort(t *testing.T) {
	live := func(pid, ppid, pgid, sid int) row {
		return row{pid: pid, ppid: ppid, pgid: pgid, sid: sid, start: 7, lives: true}
	}
	dead := func(r row) row { r.lives = false; return r }
	begun := func(r row, start uint64) row { r.start = start; return r }
	init, supervisor, leader := begun(live(1, 0, 1, 1), 1), live(10, 2, 10, 2), live(20, 10, 20, 20)
	for _, tt := range []struct {
		name   string
		before []row // an earlier look
		rows   []row
		want   []int
	}{
		{"a leader", nil, []row{init, supervisor, leader}, []int{20}},
		{"with children and theirs", nil, []row{live(23, 21, 20, 20), live(21, 20, 20, 20), live(22, 20, 22, 22), leader, supervisor}, []int{20, 21, 22, 23}},
		{"whose PIDs came round", nil, []row{live(3, 5, 20, 20), live(5, 20, 20, 20), leader, supervisor}, []int{20, 5, 3}},
		{"another child of the supervisor", nil, []row{leader, supervisor, live(11, 10, 10, 2)}, []int{20}},
		{"an orphan of the session", nil, []row{init, leader, live(22, 1, 22, 20)}, []int{20, 22}},
		{"an orphan of the group", nil, []row{init, leader, live(22, 1, 20, 20)}, []int{20, 22}},
		{"a marked daemon and its session", nil, []row{init, leader, live(33, 1, 31, 31), live(34, 1, 34, 31)}, []int{20, 33, 34}},
		{"a daemon unmarked and unseen", nil, []row{init, leader, live(32, 1, 31, 31)}, []int{20}},
		{"a daemon that was seen", []row{leader, live(31, 20, 31, 31), live(32, 31, 31, 31)}, []row{init, leader, live(32, 1, 31, 31)}, []int{20, 32}},
		{"and of its session", []row{leader, live(31, 20, 31, 31)}, []row{init, leader, live(31, 1, 31, 31), live(35, 1, 35, 31)}, []int{20, 31, 35}},
		{"a group in the supervisor's session", []row{leader, live(31, 20, 31, 2)}, []row{leader, live(31, 20, 31, 2), live(32, 1, 31, 2), live(36, 1, 10, 2)}, []int{20, 32, 31}},
		{
			"a session's number that was given up",
			[]row{leader, live(31, 20, 31, 31)},
			[]row{init, leader, begun(live(31, 1, 31, 31), 9), live(32, 1, 32, 31)},
			[]int{20},
		},
		{"zombies", nil, []row{dead(leader), supervisor, dead(live(21, 10, 20, 20)), live(22, 1, 20, 20)}, []int{22}},
		{"only the session is left", nil, []row{init, live(22, 1, 20, 20), live(24, 1, 24, 24)}, []int{22}},
		{"the PID is another's", nil, []row{init, begun(leader, 8), live(22, 20, 20, 20)}, nil},
		{"older than the leader", nil, []row{init, leader, begun(live(33, 1, 33, 33), 6)}, []int{20}},
		{"a circle", nil, []row{live(20, 21, 20, 20), live(21, 20, 20, 20)}, []int{20, 21}},
	} {
		l := newLineage(leader.identity(), "", supervisor.identity(), nil)
		l.home = 2
		marked := map[int]bool{33: true}
		if tt.before != nil {
			l.forget(tt.before, l.sort(tt.before, marked))
		}
		var got []int
		for _, r := range l.inOrder(tt.rows, l.sort(tt.rows, marked)) {
			got = append(got, r.pid)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestForget: the number of a session that no member holds any more can be
// another's.
func TestForget(t *testing.T) {
	leader := row{pid: 20, pgid: 20, sid: 20, start: 7, lives: true}
	daemon := row{pid: 31, ppid: 20, pgid: 31, sid: 31, start: 7, lives: true}
	l := newLineage(leader.identity(), "", identity{}, nil)
	l.home = 2
	l.forget([]row{leader, daemon}, l.sort([]row{leader, daemon}, nil))
	if !l.sessions[31] || !l.groups[31] {
		t.Fatalf("the daemon's session is not known: %v", l.sessions)
	}
	l.forget([]row{leader}, l.sort([]row{leader}, nil))
	late := row{pid: 40, ppid: 1, pgid: 31, sid: 31, start: 9, lives: true} // its founder had the PID after the daemon
	if kin := l.sort([]row{leader, late}, nil); !maps.Equal(kin, map[int]bool{20: true}) {
		t.Errorf("of the lineage are %v, want the leader", kin)
	}
}

// TestMarks: a lastcall that runs under another gives its command both marks.
func TestMarks(t *testing.T) {
	t.Setenv(envMark, "")
	outer, value := newMark()
	t.Setenv(envMark, value)
	inner, both := newMark()
	if !carries(both, outer) || !carries(both, inner) || carries(value, inner) || carries(both, outer[:len(outer)-1]) {
		t.Errorf("%q and %q carry the wrong marks of %q and %q", value, both, outer, inner)
	}
}

// TestNewlyDead: a member that has died since the last look may have been a parent of what
// is not in the list, so that an empty list has to be read again; once.
func TestNewlyDead(t *testing.T) {
	leader := row{pid: 20, pgid: 20, sid: 20, start: 7}
	l := newLineage(leader.identity(), "mark", identity{}, nil)
	kin := map[int]bool{20: true}
	if rows := []row{leader}; !l.bury(rows, kin) || l.bury(rows, kin) {
		t.Error("a dead leader is to be doubted at the first look, and at no other")
	}
	child := row{pid: 21, ppid: 20, pgid: 20, sid: 20, start: 8}
	if rows := []row{leader, child}; !l.bury(rows, map[int]bool{20: true, 21: true}) {
		t.Error("another that has died is not doubted")
	}
}

// TestNoLeader: where nobody could name the leader, nothing is taken for a member that only
// shares a zero with it, as those do that come from outside of a PID namespace.
func TestNoLeader(t *testing.T) {
	l := newLineage(identity{}, "mark", identity{}, nil)
	outside := row{pid: 50, start: 7, lives: true}
	own := row{pid: 60, ppid: 1, pgid: 60, sid: 60, start: 7, lives: true}
	below := row{pid: 61, ppid: 60, pgid: 60, sid: 60, start: 7, lives: true}
	kin := l.sort([]row{outside, own, below}, map[int]bool{60: true})
	if !maps.Equal(kin, map[int]bool{60: true, 61: true}) {
		t.Errorf("of the lineage are %v, want the one with the mark and its child", kin)
	}
}

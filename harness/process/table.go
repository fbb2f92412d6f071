package process

import (
	"cmp"
	"slices"
)

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

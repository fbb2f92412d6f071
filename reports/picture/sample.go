package picture

import "lastcall/harness/history"

// How many lanes are drawn of a subject: mostLanes where there is room in the
// file, and allLanes over all subjects, each of which takes some hundred bytes.
const (
	mostLanes = 2000
	allLanes  = 10_000
)

// laneRoom is how many lanes each of so many subjects gets at most.
func laneRoom(subjects int) int { return min(allLanes/max(subjects, 1), 4*mostLanes) }

// rank orders requests by how much it matters that they are seen.
func rank(l Lane) int {
	switch {
	case l.Outcome == history.Dropped:
		return 0
	case exposed(l.Window) && (l.Outcome == history.Rejected || l.Outcome == history.Failed):
		return 1
	case l.Window == history.InFlight:
		return 2
	case l.Window == history.Late:
		return 3
	}
	return 4
}

// sample chooses the lanes that are drawn: every exposed one, and of the others as
// many as there is room for, evenly. Only where the exposed ones alone are more
// than the file can hold are they thinned out too, those that matter least first.
// It returns how many were exposed, and how many of them it left out.
func sample(lanes []Lane, room int) (kept []Lane, exposed, hidden int) {
	const ranks = 5
	var sizes [ranks]int
	for _, l := range lanes {
		sizes[rank(l)]++
	}
	exposed = len(lanes) - sizes[ranks-1]
	quota := sizes
	left := room
	for r := range quota {
		most := left
		if r == ranks-1 {
			most = min(left, max(mostLanes-exposed, 0))
		}
		quota[r] = min(sizes[r], most)
		left -= quota[r]
		if r < ranks-1 {
			hidden += sizes[r] - quota[r]
		}
	}
	var seen [ranks]int
	for _, l := range lanes {
		r := rank(l)
		// The n-th of its rank is kept where the quota's share of n steps up.
		if seen[r]*quota[r]/sizes[r] < (seen[r]+1)*quota[r]/sizes[r] {
			kept = append(kept, l)
		}
		seen[r]++
	}
	return kept, exposed, hidden
}

// Thin returns the swimlane with about so many lanes, for where there is little
// room: every n-th of each kind, so that the picture keeps its shape.
func (s *Swimlane) Thin(most int) *Swimlane {
	if len(s.Lanes) <= most {
		return s
	}
	thin := *s
	thin.Lanes = nil
	seen := make(map[history.Outcome]int)
	total := make(map[history.Outcome]int)
	for _, l := range s.Lanes {
		total[l.Outcome]++
	}
	for _, l := range s.Lanes {
		n := seen[l.Outcome]
		seen[l.Outcome]++
		quota := max(1, total[l.Outcome]*most/len(s.Lanes))
		if n*quota/total[l.Outcome] < (n+1)*quota/total[l.Outcome] {
			thin.Lanes = append(thin.Lanes, l)
		}
	}
	return &thin
}

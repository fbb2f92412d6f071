package demo

import (
	"slices"
	"strings"

	"lastcall/harness/result"
)

// tell says in one or two plain sentences what became of everybody.
func (t Texts) tell(s result.Subject, settings Settings) string {
	if s.ShutdownsIntact == 0 { // its requests were set aside, and are in none of the counts
		return t.Say("told.unjudged")
	}
	said := t.waited(s, settings)
	lost := s.LateOrEdge().Dropped + s.LateOrEdge().Failed
	if lost > 0 {
		said = append(said, t.Count("told.late", lost))
	}
	if s.Late.Rejected > 0 {
		said = append(said, t.Count("told.declined", s.Late.Rejected))
	}
	if settings.Lag > 0 && s.Late.Refused > 0 {
		said = append(said, t.Count("told.refused", s.Late.Refused))
	}
	if s.Ledger.LostAcks > 0 {
		said = append(said, t.Count("told.acks", s.Ledger.LostAcks))
	}
	if killed(s) {
		said = append(said, t.Say("told.killed"))
	}
	return strings.Join(said, " ")
}

// waited tells of those who were waiting as the signal came.
// Where a balancer goes on sending, those who came late and were served count as
// much.
func (t Texts) waited(s result.Subject, settings Settings) []string {
	all, late := s.InFlight, 0
	if settings.Lag > 0 {
		late = s.Late.Completed
	}
	said := t.inHand(s, late)
	if late > 0 && (all.Total == 0 || all.Completed < all.Total) {
		said = append(said, t.Count("told.served", late))
	}
	return said
}

// inHand tells of those in flight, and of so many who came late if all were kept.
func (t Texts) inHand(s result.Subject, late int) []string {
	all, name := s.InFlight, "name"
	lost := all.Dropped + all.Failed
	if all.Total == 0 {
		return []string{t.Say("told.none")}
	}
	said := []string{t.Count("told.waiting", all.Total)}
	switch {
	case all.Completed == all.Total && late > 0:
		return append(said, t.Count("told.kept-late", all.Total, name, s.Name, "late", thousands(late)))
	case all.Completed == all.Total:
		return append(said, t.Count("told.kept", all.Total, name, s.Name))
	case lost == all.Total:
		return append(said, t.Count("told.lost", all.Total, name, s.Name))
	case all.Rejected == all.Total:
		return append(said, t.Count("told.rejected", all.Total, name, s.Name))
	}
	var parts []string
	for _, p := range []struct {
		key string
		n   int
	}{{"told.some-kept", all.Completed}, {"told.some-rejected", all.Rejected}, {"told.some-lost", lost}} {
		if p.n > 0 {
			parts = append(parts, t.Count(p.key, p.n))
		}
	}
	return append(said, t.Say("told.mixed", name, s.Name, "parts", t.list(parts)))
}

// list joins parts as people do.
func (t Texts) list(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return t.Say("told.and", "first", strings.Join(parts[:last], ", "), "last", parts[last])
}

func killed(s result.Subject) bool {
	return slices.ContainsFunc(s.Exits, func(e result.Exit) bool { return e.Killed })
}

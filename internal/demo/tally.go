package demo

import (
	"reflect"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// Tally sums up what became of those who dealt with one strategy, under the same
// conditions.
type Tally struct {
	Strategy    string `json:"strategy"`
	Deployments int    `json:"deployments"`
	All         int    `json:"all"`      // in flight, or late and not refused
	Lost        int    `json:"lost"`     // hung up on, or answered wrongly
	Rejected    int    `json:"rejected"` // turned away
	Refused     int    `json:"refused"`  // late, where a balancer had nowhere else to send them
	LostAcks    int    `json:"lostAcks"`
	Sentence    string `json:"sentence"`
}

func (t *Tally) add(s result.Subject, settings Settings) {
	t.Deployments++
	t.All += s.InFlight.Total + s.LateOrEdge().Total - s.Late.Refused - s.Late.Unsent
	t.Lost += losses(s.InFlight) + losses(s.LateOrEdge())
	t.Rejected += s.InFlight.Rejected + s.Late.Rejected
	t.LostAcks += s.Ledger.LostAcks
	if settings.Lag > 0 {
		t.Refused += s.Late.Refused
	}
}

func losses(c history.Counts) int { return c.Dropped + c.Failed }

// sum says in a sentence what a tally comes to.
func (t Texts) sum(all Tally) string {
	said := t.Count("told.sofar", all.Deployments, "missed", thousands(all.Lost+all.Rejected),
		"lost", thousands(all.Lost), "rejected", thousands(all.Rejected), "all", thousands(all.All))
	if all.Refused > 0 {
		said += " " + t.Count("told.door", all.Refused)
	}
	if all.LostAcks > 0 {
		said += " " + t.Count("told.acks", all.LostAcks)
	}
	return said
}

// tally adds a deployment to those of its strategy.
func (b *Board) tally(s result.Subject) {
	if s.ShutdownsIntact == 0 {
		return // nothing was counted
	}
	i := slices.IndexFunc(b.tallies, func(t Tally) bool { return t.Strategy == s.Name })
	if i < 0 { // there are no more of them than panels
		i = len(b.tallies)
		b.tallies = append(b.tallies, Tally{Strategy: s.Name})
	}
	b.tallies[i].add(s, b.settings)
	b.tallies[i].Sentence = b.texts.sum(b.tallies[i])
}

// forget drops the tallies that other settings end: all of them under other
// conditions or at another step, else those whose strategy has left.
func (b *Board) forget(s Settings) {
	if !alike(b.settings, s) {
		b.tallies = nil
	}
	b.tallies = slices.DeleteFunc(b.tallies, func(t Tally) bool { return !slices.Contains(s.Panels, t.Strategy) })
}

// alike reports whether two settings differ in nothing but the panels and the view.
func alike(a, b Settings) bool {
	a.Panels, a.CloseUp = b.Panels, b.CloseUp
	return reflect.DeepEqual(a, b)
}

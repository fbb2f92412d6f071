package check

import (
	"fmt"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

func noLostAckRule() Rule {
	return Rule{
		Name:      NoLostAck,
		Asks:      "acknowledged work (a completed answer to a method that is not safe) is there after the exit",
		Needs:     needsWrites,
		Reference: "RFC 9110 sections 9.2.1 and 15.3; Kludex/starlette #1438; sidekiq/sidekiq #622",
		Unit:      "acknowledged writes", Breach: "were not applied",
		judge:  noLostAck,
		normal: Level{Require, Require}, explain: explainer.lostAcks,
	}
}

func noDuplicateRule() Rule {
	return Rule{
		Name: NoDuplicate,
		Asks: "nothing is executed twice: no id is executed more than once in the ledger, or applied more than once",
		Excuses: "an idempotent method was executed again, and was not applied twice: " +
			"a proxy between client and server may repeat it",
		Needs:     needsWitness,
		Reference: "RFC 9110 section 9.2.2",
		Unit:      "executed requests", Breach: "were executed more than once",
		judge:  noDuplicate,
		normal: Level{Require, Warn}, explain: explainer.duplicates,
	}
}

func noUnansweredExecutionRule() Rule {
	return Rule{
		Name:      NoUnansweredExecution,
		Asks:      "nothing is executed whose client gets no answer",
		Needs:     needsWitness,
		Reference: "RFC 9110 section 9.2.2",
		Unit:      "executed requests", Breach: "were dropped after the server had done the work",
		judge:  noUnansweredExecution,
		normal: Level{Warn, Warn}, explain: explainer.unanswered,
	}
}

// A witness on the server's side.
const (
	needsWitness = "a command that prints the ids that were applied (--applied), or a ledger: a server that appends " +
		`"<id> executed" to the file named by LASTCALL_LEDGER. The id is the request's X-Lastcall-Id, or what {id} in its body became`
	needsWrites = "requests that ask for a change (--method POST), and " + needsWitness
)

// safe reports whether a method asks for no change (RFC 9110 section 9.2.1).
func safe(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}

// seeOther is the status 303: the answer to what was asked lies elsewhere (RFC
// 9110 section 15.4.4).
const seeOther = 303

// acknowledged reports whether the client may believe that its write was done:
// it got a whole answer that says so. Redirections say so only where they are the
// answer (303), or where somebody expects them.
func (o *observation) acknowledged(r *history.Request) bool {
	if r.Outcome != history.Completed || safe(o.Method(r)) {
		return false
	}
	expected := o.Header.Scenario.Load.ExpectStatus != ""
	return r.Status/100 == 2 || r.Status == seeOther || expected && r.Status < 400
}

// effects returns how often a request was executed, by the witness that knows
// best: the store where it was looked up, else the ledger.
func (o *observation) effects(r *history.Request) int {
	if o.Applied.Looked {
		return o.applied[r.Seq]
	}
	return o.entries[r.Seq].Executed
}

// executed reports whether either witness has seen a request's effect.
func (o *observation) executed(r *history.Request) bool {
	return o.entries[r.Seq].Executed > 0 || o.applied[r.Seq] > 0
}

// repeated reports whether either witness has seen it more than once.
func (o *observation) repeated(r *history.Request) bool {
	return o.entries[r.Seq].Executed > 1 || o.applied[r.Seq] > 1
}

// unknown says why nobody can tell what was done with the writes, "" if somebody
// can. A lookup that failed is not made up for by the ledger: whoever asks the
// store wants its answer.
func unknown(h *history.History) string {
	a := h.Applied
	switch {
	case a.Asked() && (!a.Looked || senseless(a)):
		return "it is not known what was applied"
	case a.Looked || h.Ledger.Says(history.Executed):
		return ""
	case h.Ledger.Present():
		return "the server's ledger never says executed, and no command lists what was applied (--applied)"
	}
	return "the server keeps no ledger, and no command lists what was applied (--applied)"
}

// senseless reports whether a command printed something, and not one id.
func senseless(a history.Applied) bool { return a.Strange > 0 && len(a.Lines)+a.Foreign == 0 }

// lost reports whether a write was acknowledged and is not there.
func (o *observation) lost(r *history.Request) bool {
	return o.acknowledged(r) && o.unknown == "" && o.effects(r) == 0
}

// noLostAck judges all that was acknowledged, also long before the signal: what
// a server has promised it must have kept when it is gone. When it was kept does
// not matter, for some do the work later.
func noLostAck(o *observation) (t tally) {
	acknowledged := 0
	for i := range o.Requests {
		r := &o.Requests[i]
		if !o.acknowledged(r) {
			continue
		}
		acknowledged++
		if o.lost(r) {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	switch {
	case acknowledged == 0 && o.harmless():
		t.said = "no request asks for a change (--method POST)"
	case acknowledged == 0:
	case o.unknown != "":
		t.said = o.unknown
	default:
		t.judged, t.said = acknowledged, o.ids(t.breaches)
	}
	return t
}

// harmless reports whether there were requests, and all of them were safe.
func (o *observation) harmless() bool {
	for i := range o.Requests {
		if !safe(o.Method(&o.Requests[i])) {
			return false
		}
	}
	return len(o.Requests) > 0
}

func noDuplicate(o *observation) (t tally) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if !o.executed(r) {
			continue
		}
		t.judged++
		switch {
		case !o.repeated(r):
		case r.Idempotent && o.applied[r.Seq] <= 1:
			t.excused = append(t.excused, o.proof(r))
		default:
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	t.said = o.ids(append(append([]result.Evidence{}, t.breaches...), t.excused...))
	return t
}

func noUnansweredExecution(o *observation) (t tally) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if o.windows[i] == history.Before || !o.executed(r) {
			continue
		}
		t.judged++
		if r.Outcome == history.Dropped {
			t.breaches = append(t.breaches, o.proof(r))
		}
	}
	return t
}

// ids names the first few requests of a list as the server knows them.
func (o *observation) ids(evidence []result.Evidence) string {
	const most = 5
	var names []string
	for _, e := range evidence[:min(most, len(evidence))] {
		names = append(names, o.ID(*e.Seq))
	}
	if len(evidence) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// lostAcks tells of writes that were acknowledged and are gone.
func (t explainer) lostAcks(f result.Finding) []string {
	said := []string{
		prose.Sentence(f.Detail),
		"Their clients were told that it was done, and will not retry: this is worse than an error, because a client can see an error" + t.heldFor() + ".",
	}
	if f.Count == f.Judged {
		said = append(said, "None was found. If that cannot be right, look at "+t.witness()+".")
	}
	return append(said, "Commit before you answer. If the work is done later, as after a 202, finish the queue before the exit: "+
		"first the listener, then the requests in flight, then the queue, and the store last.")
}

// heldFor says how long before the exit the oldest of them was acknowledged: it
// tells for how long work may lie in a queue.
func (t explainer) heldFor() string {
	var longest time.Duration
	for _, o := range t.intact {
		for i := range o.Requests {
			if r := &o.Requests[i]; o.Exit.Seen && o.lost(r) {
				longest = max(longest, o.Exit.At-r.End)
			}
		}
	}
	if longest <= 0 {
		return ""
	}
	return fmt.Sprintf(" (the oldest had been acknowledged for %s when the process was gone)", scenario.InWords(longest))
}

// witness is who says what was applied.
func (t explainer) witness() string {
	for _, o := range t.intact {
		if a := o.Applied; a.Looked {
			return fmt.Sprintf("what %q prints", strings.Join(a.Command, " "))
		}
	}
	return "when the ledger says executed"
}

// duplicates tells of work that was done twice.
func (t explainer) duplicates(f result.Finding) []string {
	return []string{
		prose.Sentence(f.Detail),
		"lastcall sent each of them once: a proxy behind lastcall sent it again, or the server repeated work that was done.",
		"Keep the request's id with the work, in the same transaction and under a unique index, and repeat no work that may be done already.",
	}
}

// unanswered tells of work whose client got no answer.
func (t explainer) unanswered(f result.Finding) []string {
	return []string{
		prose.Sentence(f.Detail),
		"Their clients cannot know that the work was done, and may ask for it again.",
		"Exit only when the answers have been written.",
	}
}

package check

import (
	"fmt"
	"strings"
	"time"

	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// lostAcks tells of writes that were acknowledged and are gone.
func (t teller) lostAcks(f result.Finding) []string {
	said := []string{
		sentence(f.Detail),
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
func (t teller) heldFor() string {
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
func (t teller) witness() string {
	for _, o := range t.intact {
		if a := o.Applied; a.Looked {
			return fmt.Sprintf("what %q prints", strings.Join(a.Command, " "))
		}
	}
	return "when the ledger says executed"
}

// duplicates tells of work that was done twice.
func (t teller) duplicates(f result.Finding) []string {
	return []string{
		sentence(f.Detail),
		"lastcall sent each of them once: a proxy behind lastcall sent it again, or the server repeated work that was done.",
		"Keep the request's id with the work, in the same transaction and under a unique index, and repeat no work that may be done already.",
	}
}

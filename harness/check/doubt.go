package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
)

// doubt tells why nothing was concluded. A reason that is the same in several
// shutdowns is told once.
func (t teller) doubt() []string {
	var reasons []string
	shutdowns := make(map[string][]int) // by reason, where it is one of single shutdowns
	for _, f := range t.subject.Findings {
		if f.Status != result.Unjudged {
			continue
		}
		reason := f.Detail
		if f.Rule == Integrity && len(f.Evidence) > 0 {
			n := f.Evidence[0].Shutdown
			reason = strings.TrimPrefix(reason, inShutdown(n))
			if !slices.Contains(shutdowns[reason], n) {
				shutdowns[reason] = append(shutdowns[reason], n)
			}
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	said := []string{}
	for _, reason := range reasons {
		where := ""
		switch in := shutdowns[reason]; len(in) {
		case 0:
		case 1:
			where = inShutdown(in[0])
		default:
			where = fmt.Sprintf("in %d of %s: ", len(in), plural(t.subject.Shutdowns, "shutdown"))
		}
		said = append(said, sentence(where+reason))
	}
	const most = 3
	if len(said) > most {
		said = append(said[:most-1], fmt.Sprintf("There are %d more reasons; --report json lists all of them.", len(said)-most+1))
	}
	return said
}

// gotNoCPU is why nothing can be said of a server that got too little CPU while it stopped.
const gotNoCPU = "the server waited for a CPU for much of the time that it took to stop; repeat the run when this machine is less busy"

// whyUnsure says why some late losses may be races or not.
func (o *observation) whyUnsure() string {
	slip, crowded := time.Duration(0), true
	o.late(func(r *history.Request) {
		if l, lost := o.fates[r.Seq]; lost && l.fate == fateDoubt {
			slip = max(slip, o.timing.Slip(max(r.Begun, r.Started), r.End))
			crowded = crowded && l.crowded
		}
	})
	switch {
	case slip > history.MaxGuard || !o.Kernel.Asked:
		return fmt.Sprintf("lastcall itself was up to %s late, so a race with the close of a connection cannot be told from a breach; "+
			"repeat the run when this machine is less busy", scenario.InWords(slip))
	case o.starving:
		return gotNoCPU
	case crowded:
		return "this many requests do not cross one close by chance, and the server answered almost nothing between the signal and the close; repeat the run with a higher rate (--rate)"
	}
	return "they ended near the instant at which the server closed other connections, but were older than a request that crosses a close; repeat the run with more shutdowns (--shutdowns)"
}

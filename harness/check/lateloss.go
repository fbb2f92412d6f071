package check

import (
	"fmt"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/prose"
)

// fate says what a dropped late request is to the server's account.
type fate uint8

const (
	fateBreach fate = iota // the server is to blame
	fateRace               // it met the close of its connection: no HTTP/1.1 server can avoid that
	fateDoubt              // it may be either
)

// kind says what the server did with a request that it dropped.
type kind uint8

const (
	lossHungUp     kind = iota // its process had read the request, and ended the connection
	lossLeftUnread             // its process had not read all of it, or had not even accepted the connection
	lossInHand                 // a look, or its ledger, saw it in the server's hands before the end
	lossAnswered               // its answer had begun
	lossWaiting                // neither an answer nor an end came by the deadline
	lossGreeted                // its TLS handshake was cut off after the connection was accepted
)

// loss is one dropped late request.
type loss struct {
	fate fate
	kind kind
	held time.Duration // for how long the server was seen to have it, 0 if it was not

	crowded bool // doubtful only because too many crossed one close
}

const (
	// quickRead bounds the age of a request that was read and crossed a close:
	// net/http itself reads one, sees that it shuts down, and returns (server.go,
	// golang/go #65802).
	quickRead = 10 * time.Millisecond
	// longUnread bounds the age of one that was not read: a server with one thread
	// may have been busy with another. A server that let requests wait for longer
	// than that before the signal, too, may have done so at its end: see patience.
	longUnread = 100 * time.Millisecond
	// longestRace bounds what a server's own pauses, or the silence of its ledger, make
	// of that.
	longestRace = 500 * time.Millisecond
	// abandoned bounds, beyond what requests waited for before the signal (for the slowest
	// answer, or to be read) and what the server waited for a CPU, the age of a request that no process had read: a server that is
	// at work comes to it sooner. Nothing but a server that accepts and reads no more
	// leaves a request for so long (gunicorn's sync workers do, until the last of them
	// has ended).
	abandoned = 100 * time.Millisecond
	// lateFactor is by how many times lastcall's own lateness that grows.
	lateFactor = 10
	// takenUp is how long a server must have had a late request before its end: from
	// then on it is to blame for it on any machine, unless lastcall was later still.
	takenUp = 5 * time.Millisecond
	// starving is how long a thread must have waited for a CPU to be called starved.
	starving = 10 * time.Millisecond
	// starvingShare is for how much of the time from the signal to the exit some thread
	// of the server must have waited for a CPU, for that to explain whatever it did not
	// come to. On a quiet machine it is 0.05 (in the median of 1 400 shutdowns), beside
	// one burner for each core 0.13, at ten times the load 1 and more: threads wait at
	// the same time.
	starvingShare = 1.0 / 3
)

// lateLoss judges one dropped late request by what was seen of it. No excuse is
// widened because lastcall was late itself: that turns a breach into a doubt, and
// never into a pass. Nor is a request on the edge more than doubtful, nor one that
// the process had read and of which the ledger knows nothing, near a close: its
// handler had not begun.
func (o *observation) lateLoss(r *history.Request, w history.Window) loss {
	begun := r.Begun
	if begun == 0 { // it never came to writing, or the record is of an old format
		begun = max(r.Started, r.Sent)
	}
	slip := o.timing.Slip(begun, r.End)
	l := loss{kind: o.kindOf(r), held: o.heldFor(r)}
	if l.kind == lossWaiting && o.starving {
		l.fate = fateDoubt
	}
	if l.kind == lossAnswered || l.kind == lossWaiting || o.entries[r.Seq].Received > 0 {
		return l
	}
	_, distance, closing := o.timing.Closing(r.End)
	near := closing && distance <= history.Crossing+slip
	if l.held >= max(takenUp, slip) {
		l.kind = lossInHand
		if near && (o.starved(r) || w == history.Edge || o.neverBegun(r)) || o.starving {
			l.fate = fateDoubt
		}
		return l
	}
	limit := quickRead
	switch {
	case o.neverBegun(r):
		limit = longestRace
	case l.kind == lossLeftUnread:
		limit = o.patience()
	}
	switch {
	case closing && distance <= history.Crossing && r.End-begun <= limit:
		l.fate = fateRace
	case o.starving || o.waitedFor(begun, r.End) >= max(starving, (r.End-begun)/2):
		l.fate = fateDoubt // it may have come no further, or not have come to say that it closes
	case l.kind == lossLeftUnread && r.End-begun > abandoned+max(o.slowest, o.unread)+lateFactor*slip+o.waitedFor(begun, r.End):
		// Nor does a close that comes so late excuse it.
	case near || w == history.Edge:
		l.fate = fateDoubt
	case !o.Kernel.Asked && slip > history.MaxGuard: // nothing is proved without a witness on a machine that is late
		l.fate = fateDoubt
	}
	return l
}

// unreadBefore is for how long the oldest request had waited, as the signal came, of
// which no process had read a byte. A server that came to a halt before it was told to
// stop (its threads wait for a lock that one has that gets no CPU, say) did not do so
// because it was told.
func (o *observation) unreadBefore() (longest time.Duration) {
	for i := range o.Requests {
		r := &o.Requests[i]
		if open := r.Begun > 0 && r.Begun < o.Signal.Before && r.End >= o.Signal.Before; open &&
			(r.Standing == history.Queued || r.Standing == history.Unread) {
			longest = max(longest, o.Signal.Before-r.Begun)
		}
	}
	return longest
}

// starvedStop reports whether the server got so little CPU while it stopped that nothing
// it left undone shows what it would have done. Nor does anything where it had not
// answered one request when the signal came, and we were late ourselves.
func (o *observation) starvedStop() bool {
	if o.slowest == 0 && o.slip > history.MaxGuard {
		return true
	}
	n := len(o.Looks)
	if n == 0 {
		return false
	}
	until := min(o.Exit.At, o.Looks[n-1].End())
	took := until - o.Signal.Before
	if o.crowding(o.Signal.Before, until) {
		return false
	}
	return took > 0 && o.timing.Wait(o.Signal.Before, until) > max(starving, time.Duration(starvingShare*float64(took)))
}

// waitedFor is how long the server waited for a CPU that others had.
func (o *observation) waitedFor(from, to time.Duration) time.Duration {
	if o.crowding(from, to) {
		return 0
	}
	return o.timing.Wait(from, to)
}

// crowding reports whether the server's own threads had most of the machine: then they
// waited for each other, and not for what else runs (gunicorn's sync workers, as they
// stop).
func (o *observation) crowding(from, to time.Duration) bool {
	cpus := time.Duration(max(1, o.Header.Environment.CPUs))
	return 2*o.timing.Ran(from, to) >= cpus*(to-from)
}

// neverBegun reports whether the ledger, which has every other request, has nothing of
// this one: no handler had it, however long the process held it in a buffer.
func (o *observation) neverBegun(r *history.Request) bool {
	return o.complete && o.entries[r.Seq].Received == 0
}

// blurred reports whether a late loss that is in doubt may be so because lastcall was
// late, or because the server got no CPU: then another try may tell.
func (o *observation) blurred(r *history.Request) bool {
	from := max(r.Begun, r.Started)
	return o.starving || o.timing.Slip(from, r.End) > history.MaxGuard || o.timing.Wait(from, r.End) > starving
}

// patience is how old a request may be that crossed a close unread: as long as the
// slowest answer before the signal took more than the median one, within bounds. By so
// much this server pauses.
func (o *observation) patience() time.Duration {
	return min(max(longUnread, o.slowest-o.median), longestRace)
}

// kindOf says what the server did, as far as the end of the connection shows.
func (o *observation) kindOf(r *history.Request) kind {
	switch {
	case r.Outcome == history.Refused:
		return lossGreeted
	case r.Cause == history.Truncated || r.Cause == history.Corrupt:
		return lossAnswered
	case r.Cause == history.Hung:
		return lossWaiting
	case o.entries[r.Seq].Received > 0:
		return lossInHand
	case r.State == history.TCPClose || r.Later > 0 || r.State == 0 && r.Cause == history.Reset:
		return lossLeftUnread
	}
	return lossHungUp
}

// heldFor is for how long the server was seen to have a request before its end.
func (o *observation) heldFor(r *history.Request) time.Duration {
	if n := int(r.Had); n > 0 && n <= len(o.Looks) {
		return max(0, r.End-o.Looks[n-1].End())
	}
	return 0
}

// starved reports whether the server got no CPU for most of the time that it had the
// request: it may have read it, and come no further. A goroutine goes from one thread to
// another, and each may wait: so the waits of different threads, one look after the
// other, count together.
func (o *observation) starved(r *history.Request) bool {
	waited := max(time.Duration(r.Waited)*time.Microsecond, o.waitedFor(r.End-o.heldFor(r), r.End))
	return waited > starving && 2*waited >= o.heldFor(r) && o.entries[r.Seq].Received == 0
}

// cutBeforeItBegan reports whether a request in flight that was dropped may not have
// been begun, although the server had read it: it was starved of CPU until it closed
// its connections, or for so long that what it did in the end says nothing.
func (o *observation) cutBeforeItBegan(r *history.Request) bool {
	if r.Outcome != history.Dropped || r.BytesIn > 0 {
		return false
	}
	if o.starving && r.End > o.Signal.After+longUnread && o.entries[r.Seq].Received == 0 {
		return true
	}
	if !o.starved(r) {
		return false
	}
	_, distance, closing := o.timing.Closing(r.End)
	return closing && distance <= history.Crossing+o.timing.Slip(r.Begun, r.End)
}

// atStake reports whether a late request was dropped, or accepted and cut off before
// it could be sent.
func atStake(r *history.Request) bool {
	return r.Outcome == history.Dropped || r.Outcome == history.Refused && r.Reason == history.TLSClosed
}

// lateLosses judges all dropped late requests of a shutdown, by sequence number.
func (o *observation) lateLosses() map[uint32]loss {
	all := make(map[uint32]loss)
	for i := range o.Requests {
		r, w := &o.Requests[i], o.windows[i]
		if (w == history.Late || w == history.Edge) && atStake(r) {
			all[r.Seq] = o.lateLoss(r, w)
		}
	}
	o.doubtCrowds(all)
	return all
}

const (
	// crowd and crowdTime bound how many requests cross one close by chance: so many,
	// or as many as are sent in such a time.
	crowd     = 10
	crowdTime = 10 * time.Millisecond
	// answersFirst is how many answers between the signal and a closing show that the
	// server was at work until then.
	answersFirst = 10
)

// doubtCrowds turns races into doubts where too many requests crossed one closing:
// more than a third of all that came late, and more than chance brings there, while
// the server had answered next to nothing since the signal.
func (o *observation) doubtCrowds(all map[uint32]loss) {
	by := make(map[history.Closing][]uint32)
	atRisk := 0
	var answers []time.Duration
	o.late(func(r *history.Request) {
		switch r.Outcome {
		case history.Completed, history.Rejected, history.Failed:
			answers = append(answers, r.End)
			atRisk++
		case history.Dropped:
			atRisk++
		case history.Refused, history.Unsent, history.Pending:
		}
		if l, lost := all[r.Seq]; lost && l.fate == fateRace {
			c, _, _ := o.timing.Closing(r.End)
			by[c] = append(by[c], r.Seq)
		}
	})
	chance := max(crowd, int(float64(o.Header.Scenario.Load.Rate)*crowdTime.Seconds()))
	for closing, lost := range by {
		before := 0
		for _, at := range answers {
			if at <= closing.To {
				before++
			}
		}
		if len(lost) <= chance || 3*len(lost) <= atRisk || before >= answersFirst {
			continue
		}
		for _, seq := range lost {
			l := all[seq]
			l.fate, l.crowded = fateDoubt, true
			all[seq] = l
		}
	}
}

// late calls f for every request that came late, also for those on the edge.
func (o *observation) late(f func(*history.Request)) {
	for i := range o.Requests {
		if w := o.windows[i]; w == history.Late || w == history.Edge {
			f(&o.Requests[i])
		}
	}
}

// maxEdge is how many requests may be on the edge, as a share of those that were open
// at the signal, before a shutdown shows too little: but always a few.
const (
	maxEdge  = 0.05
	fewEdged = 2
)

// edged asks that it can be told of most requests whether the server had them.
func edged(o *observation) []problem {
	var evidence []result.Evidence
	o.each(history.Edge, func(r *history.Request) { evidence = append(evidence, o.proof(r)) })
	if float64(len(evidence)) <= max(fewEdged, maxEdge*float64(o.Signal.Open)) {
		return nil
	}
	return []problem{{soft: true, evidence: evidence, detail: fmt.Sprintf(
		"%s dropped within %s of the signal, and the process had only just read them, so it is not known whether it had begun the work; "+
			"test an endpoint that takes longer to answer (--url), or repeat it on a quieter machine",
		prose.Count(len(evidence), "request")+" "+prose.Was(len(evidence)), history.Crossing)}}
}

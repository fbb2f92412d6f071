package history

import (
	"time"
)

// EnoughAnswers is how many answers before the signal prove what an answer looks
// like. With fewer of them a difference is a doubt.
const EnoughAnswers = 30

// Unlikeness says in which way an answer differs from those before the signal.
type Unlikeness uint8

// The ways in which answers differ, in the order in which they are told.
const (
	Alike       Unlikeness = iota
	Empty                  // an empty body, where none was empty
	EndedEarly             // a chunked body that ended sooner than any before, and is shorter than any before
	MuchShorter            // less than half as long as the shortest
	NewStatus              // a status that did not occur before, and that is not asked for
	OtherLength            // another length than is usual
)

var unlikenessNames = [...]string{"alike", "empty", "ended-early", "much-shorter", "new-status", "other-length"}

// String returns the name of the difference.
func (u Unlikeness) String() string { return name(unlikenessNames[:], int(u), "unlikeness") }

// Difference is an exposed answer that is unlike those before the signal, or
// that came sooner than any of them.
type Difference struct {
	Request int        // its index in History.Requests
	Kind    Unlikeness // Alike: only its haste is remarkable
	Before  int        // how many answers it was compared with
	Sooner  bool       // it began less than half as long after its request as any before, and so did too many others for chance
	Proved  bool       // enough for a failure; else a doubt
}

// CompareAnswers makes those exposed answers failed that were completed as far as
// their status tells, and that nothing before the signal looked like. It can be
// called again: what it has made failed it compares like the others.
//
// It is called once, as the load ends, so that all who read the history count the
// same. A saved history keeps what was decided then.
func (h *History) CompareAnswers() {
	for i := range h.Requests {
		if r := &h.Requests[i]; r.Reason == UnlikeBefore {
			r.Outcome, r.Reason = Completed, NoReason
		}
	}
	for _, d := range h.Differences() {
		if d.Proved {
			r := &h.Requests[d.Request]
			r.Outcome, r.Reason = Failed, UnlikeBefore
		}
	}
}

// Differences compares the exposed answers that would count as completed with the
// answers before the signal, in the order of the requests.
//
// An answer is compared with those to the same target, and its length with those
// of the same status. Without any, or where the scenario says what a body must
// match, no lengths are compared. It differs if it is
//
//   - empty where none was, of a new status, or less than half as long as the
//     shortest. Where the lengths themselves varied by more than a factor of two it
//     must be shorter by more than that factor: the shortest of a few hundred
//     random lengths says little about the next;
//   - chunked, ended sooner than any, and shorter than any by more than is usual;
//   - of another length than is usual.
//
// Usual is what lies between the shortest and the longest, and beyond them by at
// most nearBytes or a nearShare of their length. That lets a right server echo ids
// and counters: each gets one byte longer at 100, and one shorter as a gauge falls
// below 10. Where lengths always varied, those that are shorter than the shortest
// by half of the distance to the longest are usual too, unless they are too many
// for chance; for longer ones see tooLong.
func (h *History) Differences() []Difference {
	if !h.Signal.Sent {
		return nil
	}
	c := h.answersBefore()
	exposed := h.exposedAnswers()
	for _, i := range exposed {
		c.count(&h.Requests[i])
	}
	var found []Difference
	for _, i := range exposed {
		r := &h.Requests[i]
		kind, before := c.compare(r)
		sooner := c.sooner(r)
		if kind == Alike && !sooner {
			continue
		}
		found = append(found, Difference{
			Request: i, Kind: kind, Before: before, Sooner: sooner,
			Proved: before >= EnoughAnswers && kind != Alike && kind != OtherLength && (kind == Empty || !h.successor(r)),
		})
	}
	return found
}

// completed reports whether the answer counts as completed but for what it is
// compared with.
func (r *Request) completed() bool {
	return r.Outcome == Completed || r.Outcome == Failed && r.Reason == UnlikeBefore
}

// exposedAnswers are the completed answers whose life overlaps the shutdown. What
// began after the exit another process has answered.
func (h *History) exposedAnswers() (all []int) {
	for i := range h.Requests {
		r := &h.Requests[i]
		after := h.Exit.Seen && r.Started > h.Exit.At && h.Operation == nil
		if r.completed() && r.End >= h.Signal.Before && !after {
			all = append(all, i)
		}
	}
	return all
}

// successor reports whether the answer may be that of a new version: a request
// that was sent after a command had begun to replace the server. A new version
// may well say something else.
func (h *History) successor(r *Request) bool {
	return h.Operation != nil && r.Started >= h.Signal.Before
}

// answerKind is what answers must share to be compared.
type answerKind struct {
	target uint8
	status uint16
}

// comparison is what the answers before the signal looked like.
type comparison struct {
	lengths  bool          // are compared: no expression says more
	statuses bool          // are compared: none is asked for
	targets  map[uint8]int // how many answers each had
	empty    map[uint8]int // and how many of them were empty, or can have no body
	kinds    map[answerKind]*usual
}

// usual is what the answers of one kind looked like before the signal, and how
// many exposed ones stand out.
type usual struct {
	AnswersBefore

	exposed  int
	shorter  int // exposed answers, shorter than the shortest by more than a little
	cut      int // of these, chunked ones that ended sooner than any
	hastened int // exposed answers that came in less than half of the quickest time
}

func (h *History) answersBefore() comparison {
	l := h.Header.Scenario.Load
	c := comparison{
		lengths: l.ExpectBody == "", statuses: l.ExpectStatus == "",
		targets: make(map[uint8]int), empty: make(map[uint8]int), kinds: make(map[answerKind]*usual),
	}
	for _, b := range h.Folded.Answers {
		c.kinds[answerKind{b.Target, b.Status}] = &usual{AnswersBefore: b}
	}
	for i := range h.Requests {
		r := &h.Requests[i]
		if r.Outcome != Completed || r.End >= h.Signal.Before {
			continue
		}
		kind := answerKind{r.Target, r.Status}
		u := c.kinds[kind]
		if u == nil {
			u = new(usual)
			c.kinds[kind] = u
		}
		u.add(r)
	}
	for kind, u := range c.kinds {
		c.targets[kind.target] += u.Answers
		c.empty[kind.target] += u.Empty
	}
	return c
}

// measured reports whether the answer's length is known, and means something.
func (r *Request) measured() bool { return r.Framing != UnknownFraming && r.Framing != Bodiless }

// began is how long after the request the answer began. An answer that came
// before all of its request was out says nothing.
func (r *Request) began() (took time.Duration, ok bool) {
	return r.FirstByte - r.Sent, r.Sent > 0 && r.FirstByte >= r.Sent
}

// count counts the exposed answers that stand out.
func (c comparison) count(r *Request) {
	u := c.kinds[answerKind{r.Target, r.Status}]
	if u == nil {
		return
	}
	u.exposed++
	if u.hasty(r) {
		u.hastened++
	}
	if r.measured() && r.Length < u.Shortest-near(u.Shortest) {
		u.shorter++
		if u.endedSooner(r) {
			u.cut++
		}
	}
}

func (u *usual) endedSooner(r *Request) bool {
	return r.Framing == Chunked && u.Chunked > 0 && r.End-r.Sent < u.Ended
}

// hasty reports whether the answer began in less than half of the time of the
// quickest before.
func (u *usual) hasty(r *Request) bool {
	took, ok := r.began()
	return ok && u.Timed > 0 && took < u.Began/2
}

// sooner reports whether the answer came sooner than any before. By chance, or
// because less is to be done during a shutdown, some do.
func (c comparison) sooner(r *Request) bool {
	u := c.kinds[answerKind{r.Target, r.Status}]
	return u != nil && u.hasty(r) && !byChance(u.hastened, u.exposed, u.Timed)
}

// compare says how the answer differs, and from how many.
func (c comparison) compare(r *Request) (kind Unlikeness, before int) {
	if c.targets[r.Target] == 0 {
		return Alike, 0
	}
	u := c.kinds[answerKind{r.Target, r.Status}]
	switch {
	case u == nil && c.statuses && r.measured() && r.Length == 0 && c.empty[r.Target] == 0:
		return Empty, c.targets[r.Target] // what net/http says for a handler that returns, instead of 201
	case u == nil && c.statuses:
		return NewStatus, c.targets[r.Target]
	case u == nil, !c.lengths, u.Known == 0, !r.measured():
		return Alike, 0
	}
	return u.compare(r.Length, u.endedSooner(r)), u.Known
}

// compare says how a body of that length differs.
func (u *usual) compare(length int64, endedSooner bool) Unlikeness {
	if length == 0 && u.Shortest > 0 {
		return Empty
	}
	missing := u.Shortest - length
	spread := (u.Longest - u.Shortest) / 2
	improbable := missing > near(u.Shortest) && !byChance(u.shorter, u.exposed, u.Known)
	switch {
	case missing > near(u.Shortest) && endedSooner && (missing > spread || !byChance(u.cut, u.exposed, u.Known)):
		return EndedEarly
	case missing > near(u.Shortest) && float64(u.Shortest)/float64(length) > max(2, float64(u.Longest)/float64(u.Shortest)):
		return MuchShorter
	case missing > max(near(u.Shortest), spread), improbable, u.tooLong(length):
		return OtherLength
	}
	return Alike
}

// tooLong reports whether a body is longer than is usual. Where the longest was
// more than twice the shortest nothing is: lengths may have a long tail, and lists
// grow.
func (u *usual) tooLong(length int64) bool {
	return u.Longest <= 2*u.Shortest && length-u.Longest > max(near(u.Longest), u.Longest-u.Shortest)
}

// By how much a length may lie outside of those before and still be one of them.
const (
	nearBytes = 4  // as a few counters change
	nearShare = 20 // a twentieth, where there are many of them
)

func near(length int64) int64 { return max(nearBytes, length/nearShare) }

// byChance reports whether as many of the exposed answers can have fallen below
// all those before without any reason: that a certain number of the smallest among
// all are exposed has the probability of drawing only exposed ones (the rank test
// for an extreme, as for any order that is equally likely).
func byChance(extreme, exposed, before int) bool {
	const improbable = 1e-4
	p := 1.0
	for i := range extreme {
		p *= float64(exposed-i) / float64(exposed+before-i)
	}
	return p >= improbable
}

package picture

import (
	"slices"
	"time"

	"lastcall/harness/history"
)

// Lane is the life of one request.
type Lane struct {
	*history.Request
	Window history.Window
	Phases []Phase
	Story  Story
}

// PhaseKind says what a request was waiting for.
type PhaseKind uint8

// The phases of a request, in their order.
const (
	Connecting PhaseKind = iota
	Sending
	Waiting
	Receiving
)

// PhaseKinds lists the phases in their order.
func PhaseKinds() []PhaseKind { return []PhaseKind{Connecting, Sending, Waiting, Receiving} }

// String names the phase.
func (k PhaseKind) String() string {
	return [...]string{"connecting", "sending", "waiting", "receiving"}[k%4]
}

// Phase is a stretch of a request's life, from the signal.
type Phase struct {
	Kind     PhaseKind
	From, To time.Duration
}

// phases splits a life. On a connection that stood already there is no
// connecting; without an answer there is no receiving.
func phases(r *history.Request, signal time.Duration) []Phase {
	var all []Phase
	at := r.Started
	until := func(kind PhaseKind, to time.Duration) {
		if to > at {
			all = append(all, Phase{kind, at - signal, to - signal})
			at = to
		}
	}
	switch {
	case r.Connected == 0: // it never was
		until(Connecting, r.End)
		return all
	default:
		until(Connecting, min(r.Connected, r.End))
	}
	if r.Sent == 0 {
		until(Sending, r.End)
		return all
	}
	until(Sending, min(r.Sent, r.End))
	if r.FirstByte == 0 {
		until(Waiting, r.End)
		return all
	}
	until(Waiting, min(r.FirstByte, r.End))
	until(Receiving, r.End)
	return all
}

// Swimlane is one shutdown: a lane for each request that its window shows, in the
// order in which they began.
type Swimlane struct {
	Shutdown int
	Signal   time.Duration // on the shutdown's clock
	Axis     Axis
	Over     time.Duration // when it was over, from the signal: the exit, or the command's end
	Lanes    []Lane
	Marks    []Mark
	Touched  int // requests whose life touches the window, of which the lanes are some
	Outside  int // requests whose life does not
	Exposed  int // of those that touch it, exposed or dropped
	Hidden   int // exposed, and yet left out: even they were too many
}

// swimlane lays the lanes of a shutdown out, at most so many.
func swimlane(h *history.History, a Axis, room int) *Swimlane {
	windows, _ := h.Windows()
	s := &Swimlane{Shutdown: h.Header.Shutdown, Signal: h.Signal.Before, Axis: a, Over: over(h)}
	signal := h.Signal.Before
	var lanes []Lane
	for i := range h.Requests {
		r := &h.Requests[i]
		dropped := r.Outcome == history.Dropped
		if !dropped && (r.End-signal < s.Axis.From || r.Started-signal > s.Axis.To) {
			s.Outside++
			continue
		}
		lanes = append(lanes, Lane{Request: r, Window: windows[i]})
	}
	s.Touched = len(lanes)
	s.Lanes, s.Exposed, s.Hidden = sample(lanes, room)
	teller := storyteller{history: h}
	for i := range s.Lanes {
		l := &s.Lanes[i]
		l.Phases, l.Story = phases(l.Request, signal), teller.story(l.Request, l.Window)
	}
	slices.SortStableFunc(s.Lanes, func(a, b Lane) int { return int(a.Started - b.Started) })
	s.Marks = marks(h, s.Axis)
	return s
}

// Package picture computes what the drawings of a run show, and draws them: which
// requests get a lane, in which order, how many ended in each bucket of time, and
// where a label stands. It is pure: histories and a suite in, numbers and SVG out.
//
// It judges nothing. Which shutdown is the worst stands in the suite, and so does
// every number that a report says in words.
package picture

import (
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// Picture is all that is drawn of a run. What compares subjects has one axis for
// all of them.
type Picture struct {
	Subjects []Subject // in the suite's order
	Time     Axis      // of the buckets, from the signal
	Width    time.Duration
	Up, Down int  // the highest bucket of any subject, on each side of the line
	Exits    Axis // from the signal
	Latency  Axis
}

// Subject is what is drawn of one subject. Without its histories it is empty.
type Subject struct {
	Histories int
	Swimlane  *Swimlane // of the worst shutdown; nil: its history is not there
	Buckets   []Bucket
	Exits     []Exit
	Over      time.Duration // when the last shutdown was over, from the signal: the exit, or the command's end; 0: never
	Before    Box           // latency of what was answered before the signal
	After     Box           // of what was answered from the signal on
}

// Exit is how one shutdown ended, and when.
type Exit struct {
	At  time.Duration // from the signal
	How ExitKind
}

// ExitKind tells the ways apart in which a process ends.
type ExitKind uint8

// The ways in which a process ends.
const (
	Clean    ExitKind = iota // by itself, with 0
	Unclean                  // by itself, with another code
	Signaled                 // a signal ended it
	Killed                   // lastcall did, the grace period being over
)

// String names the kind.
func (k ExitKind) String() string { return [...]string{"clean", "unclean", "signaled", "killed"}[k%4] }

// Of computes the picture of a suite from the histories that it was judged from.
// Those of subjects that the suite does not know are left out.
func Of(s result.Suite, histories []*history.History) Picture {
	p := Picture{Subjects: make([]Subject, len(s.Subjects))}
	groups := make([][]*history.History, len(s.Subjects))
	for i, subject := range s.Subjects {
		groups[i] = of(histories, subject.Name)
		p.Subjects[i] = sketch(groups[i])
	}
	p.lanes(s, groups)
	p.frame(groups)
	return p
}

func of(histories []*history.History, subject string) []*history.History {
	var own []*history.History
	for _, h := range histories {
		if h.Header.Subject == subject {
			own = append(own, h)
		}
	}
	return own
}

// lanes draws the worst shutdown of each subject.
func (p *Picture) lanes(s result.Suite, groups [][]*history.History) {
	shown := make([]*history.History, len(groups))
	axes := make([]Axis, len(groups))
	for i, subject := range s.Subjects {
		if shown[i] = worst(subject, groups[i]); shown[i] != nil {
			axes[i] = window(shown[i])
		}
	}
	axes = align(axes)
	room := laneRoom(len(groups))
	for i, h := range shown {
		if h != nil {
			p.Subjects[i].Swimlane = swimlane(h, axes[i], room)
		}
	}
}

// worst is the shutdown that the suite tells of, or the first, or nil if neither
// is there.
func worst(s result.Subject, own []*history.History) *history.History {
	number := 1
	if s.Timeline != nil {
		number = s.Timeline.Shutdown
	}
	for _, h := range own {
		if h.Header.Shutdown == number && h.Signal.Sent {
			return h
		}
	}
	return nil
}

func sketch(own []*history.History) Subject {
	s := Subject{Histories: len(own)}
	var before, after []time.Duration
	for _, h := range own {
		if !h.Signal.Sent {
			continue
		}
		if h.Exit.Seen {
			s.Exits = append(s.Exits, Exit{At: h.Exit.At - h.Signal.Before, How: how(h.Exit)})
		}
		s.Over = max(s.Over, over(h))
		warm := h.Warm()
		for i := range h.Requests {
			r := &h.Requests[i]
			switch {
			case r.Outcome != history.Completed || r.Started < warm: // the first answers are slow
			case r.End < h.Signal.Before:
				before = append(before, r.End-r.Started)
			default:
				after = append(after, r.End-r.Started)
			}
		}
	}
	s.Before, s.After = box(before), box(after)
	return s
}

// over is when a shutdown was over, from the signal: the exit, or the end of the
// command that was run instead of a signal; 0 if neither was seen.
func over(h *history.History) time.Duration {
	switch {
	case h.Operation != nil:
		return max(h.Operation.End-h.Signal.Before, 0)
	case h.Exit.Seen:
		return max(h.Exit.At-h.Signal.Before, 0)
	}
	return 0
}

func how(e history.Exit) ExitKind {
	switch {
	case e.Killed:
		return Killed
	case e.Signal != "":
		return Signaled
	case e.Code != 0:
		return Unclean
	}
	return Clean
}

// frame chooses the axes that all subjects share, and fills the buckets.
func (p *Picture) frame(groups [][]*history.History) {
	var last, exit, slow time.Duration
	for i, s := range p.Subjects {
		for _, h := range groups[i] {
			last = max(last, ending(h))
		}
		for _, e := range s.Exits {
			exit = max(exit, e.At)
		}
		slow = max(slow, s.Before.Max, s.After.Max)
	}
	p.Exits, p.Latency = NewAxis(0, max(exit, time.Millisecond)), NewAxis(0, max(slow, time.Millisecond))
	lead := min(max(last/3, 150*time.Millisecond), time.Second)
	p.Width = bucketWidth(lead + last)
	p.Time = NewAxis(-roundUp(lead, p.Width), roundUp(last+last/10, p.Width))
	for i := range p.Subjects {
		s := &p.Subjects[i]
		s.Buckets = buckets(groups[i], p.Time, p.Width)
		for _, b := range s.Buckets {
			p.Up, p.Down = max(p.Up, b.up()), max(p.Down, b.down())
		}
	}
}

package picture

import (
	"cmp"
	"regexp"
	"slices"
	"time"

	"lastcall/harness/history"
)

// Mark is something that happened to the server, at a time from the signal.
type Mark struct {
	Kind MarkKind
	At   time.Duration
	Text string
}

// MarkKind tells the marks apart.
type MarkKind uint8

// The marks.
const (
	SignalMark MarkKind = iota
	AgainMark
	RedMark
	RefusedMark
	PausedMark
	OperatedMark
	KilledMark
	ExitMark
)

// String names the mark.
func (k MarkKind) String() string {
	return [...]string{"signal", "again", "red", "refused", "paused", "operated", "killed", "exit"}[k%8]
}

// signalName is what a signal may call itself on a picture.
var signalName = regexp.MustCompile(`^SIG[A-Z0-9+]{1,12}$`)

func nameOfSignal(name string) string {
	if signalName.MatchString(name) {
		return name
	}
	return "the signal"
}

// marks are what stands as a line across all lanes, by time.
func marks(h *history.History, a Axis) []Mark {
	signal := h.Signal.Before
	name := nameOfSignal(h.Signal.Name)
	if h.Operation != nil {
		name = "the command"
	}
	all := []Mark{{SignalMark, 0, name}}
	add := func(kind MarkKind, at time.Duration, text string) {
		if at -= signal; a.Has(at) {
			all = append(all, Mark{kind, at, text + " " + Offset(at)})
		}
	}
	for i, again := range h.Signal.Again {
		if i < 3 { // more would cover the lanes
			add(AgainMark, again.At, nameOfSignal(again.Name))
		}
	}
	if red := h.Readiness.Red; red > 0 {
		add(RedMark, red, "not ready")
	}
	for _, e := range h.Events {
		switch e.Name {
		case history.EventFirstRefused:
			add(RefusedMark, e.At, "first refusal")
		case history.EventLoadPaused:
			add(PausedMark, e.At, "load paused")
		case history.EventLoadEnded:
			add(PausedMark, e.At, "load ended")
		case history.EventOperated:
			add(OperatedMark, e.At, "command done")
		case history.EventKilled:
			add(KilledMark, e.At, "SIGKILL")
		case history.EventStarted, history.EventReady, history.EventLoad, history.EventSignal, history.EventLastAnswer,
			history.EventExit, history.EventSignalAgain, history.EventNotReady: // drawn otherwise, or not at all
		}
	}
	if h.Exit.Seen {
		add(ExitMark, h.Exit.At, "exit")
	}
	slices.SortStableFunc(all, func(x, y Mark) int { return cmp.Compare(x.At, y.At) })
	return all
}

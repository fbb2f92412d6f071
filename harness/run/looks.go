package run

import (
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/process"
	"lastcall/harness/wire"
)

// sight is what the looks showed of one request.
type sight struct {
	standing history.Standing // in the last look before the signal
	had      uint32           // the first look that saw it read, from 1; 0: none did
}

// listen asks which listening sockets are there. Each that has gone since it was
// last seen has closed in between.
func (w *witness) listen() {
	if w.told && len(w.listening) == 0 {
		return // what listens now is a successor
	}
	before, at := w.listening, w.now()
	now, err := w.sockets.Listening(nil)
	if err != nil {
		w.missing = err.Error()
		return
	}
	closed := false
	for _, l := range before {
		gone := !slices.ContainsFunc(now, func(m process.Listener) bool { return m.Inode == l.Inode })
		closed = closed || gone
		if gone && w.told {
			w.closings = append(w.closings, history.Closing{From: w.listed, To: w.now(), Listener: true})
		}
	}
	w.listening, w.listed = now, at
	if !w.told || len(now) == 0 {
		return // what waited to the end has been noted
	}
	waiting := 0
	for _, l := range now {
		waiting += int(l.Queued)
	}
	w.backlog.Add(at, waiting, closed)
}

// look asks about all requests that are open.
func (w *witness) look() {
	number := len(w.looks)
	if number%treeEvery == 0 && !w.told || w.pids == nil {
		w.pids = w.members()
	}
	if !w.told {
		w.listen()
	}
	began := w.now()
	w.waits = append(w.waits, process.Waits(w.pids, nil))
	wait, ran := time.Duration(0), time.Duration(0)
	if number > 0 {
		wait, ran = longestWait(w.waits[number-1], w.waits[number]), allRan(w.waits[number-1], w.waits[number])
	}
	w.open = w.attack.Outstanding(w.open)
	w.clients = w.clients[:0]
	for _, o := range w.open {
		w.clients = append(w.clients, o.Client)
	}
	at := w.now()
	found, err := w.sockets.Look(w.clients, w.found)
	end := w.now()
	w.found = found
	if err != nil {
		w.missing = err.Error()
	}
	slip := time.Duration(0)
	if number > 0 {
		slip = max(0, began-w.due-listenEvery) // the tick by which it is known that it is due
	}
	w.looks = append(w.looks, history.Look{At: at, Took: end - at, Slip: slip, Open: len(w.open), Wait: wait, Ran: ran})
	if err == nil {
		w.note(uint32(number + 1))
	}
	w.due = began + max(lookEvery, lookShare*(w.now()-began))
}

// note keeps what a look showed.
func (w *witness) note(number uint32) {
	before := w.seen
	if !w.told { // of what has ended before the signal nothing is kept
		w.seen = make(map[uint32]sight, len(w.open))
	}
	for i, o := range w.open {
		standing := standingOf(o, w.found[i])
		if o.Over() {
			standing = history.Moving
		}
		s := before[o.Seq]
		if !w.told {
			s.standing = standing
		}
		if standing.Read() && s.had == 0 {
			s.had = number
		}
		w.seen[o.Seq] = s
	}
}

// standingOf compares how much of its connection the server's process has read
// with where the request lies in it.
func standingOf(o wire.Outstanding, s process.Socket) history.Standing {
	switch {
	case o.Begun == 0:
		return history.Moving
	case !s.There():
		return history.Absent
	case s.Queued():
		return history.Queued
	case s.Inode == 0 || s.State != process.StateEstablished && s.State != process.StateCloseWait:
		return history.Moving // the server has ended it, and we do not know yet
	case !s.Known:
		return history.NoStanding
	}
	switch read := s.Read(); {
	case o.End > 0 && read >= o.End:
		return history.HadWhole
	case o.Body && o.Head > 0 && read >= o.Head:
		return history.BegunBody
	case read > o.From:
		return history.Partly
	}
	return history.Unread
}

// forget drops the first looks. What they saw read counts as seen by the first
// that is left.
func (w *witness) forget(n int) {
	w.looks = slices.Delete(w.looks, 0, n)
	w.waits = slices.Delete(w.waits, 0, n)
	for seq, s := range w.seen {
		if s.had > 0 {
			s.had = max(1, s.had-min(s.had, uint32(n)))
			w.seen[seq] = s
		}
	}
}

// Into writes what was seen into the history, whose requests have all ended.
func (w *witness) into(h *history.History, endings []time.Duration) {
	for _, at := range endings {
		if h.Signal.Sent && at >= h.Signal.Before {
			h.Closings = append(h.Closings, history.Closing{From: at, To: at})
		}
	}
	if w == nil {
		return
	}
	h.Looks, h.Backlog = w.looks, w.backlog
	h.Closings = append(h.Closings, w.closings...)
	if w.missing != "" {
		h.Kernel = history.Kernel{Missing: w.missing}
	}
	slices.SortFunc(h.Closings, func(a, b history.Closing) int { return int(a.From - b.From) })
	for i := range h.Requests {
		r := &h.Requests[i]
		s, ok := w.seen[r.Seq]
		if !ok {
			continue
		}
		r.Standing, r.Had = s.standing, s.had
		if s.had > 0 && r.Outcome == history.Dropped {
			r.Waited = uint32(w.waited(int(s.had)-1, r.End) / time.Microsecond)
		}
	}
}

// waited is how long the thread that was delayed most waited for a CPU, from a look
// to an instant.
func (w *witness) waited(look int, until time.Duration) (most time.Duration) {
	last := look
	for last+1 < len(w.looks) && w.looks[last].At < until {
		last++
	}
	for ; last > look && len(w.waits[last]) == 0; last-- {
		// the process had gone by then: what was seen last counts
	}
	return longestWait(w.waits[look], w.waits[last])
}

// allRan is how long the threads together had a CPU between two looks. One that began
// or ended in between does not count.
func allRan(before, after []process.Wait) (ran time.Duration) {
	for _, now := range after {
		for _, then := range before {
			if then.Thread == now.Thread && now.Ran > then.Ran {
				ran += time.Duration(now.Ran - then.Ran)
			}
		}
	}
	return ran
}

// longestWait is how long the thread that was delayed most waited between two looks.
func longestWait(before, after []process.Wait) (most time.Duration) {
	for _, now := range after {
		for _, then := range before {
			if then.Thread == now.Thread && now.Total > then.Total {
				most = max(most, time.Duration(now.Total-then.Total))
			}
		}
	}
	return most
}

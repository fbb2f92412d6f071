package sweep

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

const (
	// leadIn is how long before the first request the thread is at its post.
	leadIn = 5 * time.Millisecond
	// spin is how long before an instant the thread stops sleeping: a sleeper is
	// woken some hundreds of microseconds late, and the next request is seldom
	// further away than this.
	spin = 2 * time.Millisecond
	// lastTries is how long connections that are still being made are tried after
	// the last request was due. Then they are waited for as usual.
	lastTries = time.Millisecond
)

// volley sends everything, the signal included, from one thread.
type volley struct {
	*shutdown
	zero    time.Time // when the signal is due; once it was sent: when that was
	next    int       // the first shot that was not sent
	waiting []*shot   // connecting
}

// fire sends all shots, and the signal among them. What went wrong is that the
// signal could not be sent.
func (s *shutdown) fire(number syscall.Signal) error {
	// One thread, ours alone: the scheduler must not let another goroutine have
	// it, and no collection of garbage falls due in the next few milliseconds.
	runtime.GC()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	s.sendNothing()
	first, _ := s.plan.Grid.Edges(0)
	v := &volley{shutdown: s, zero: time.Now().Add(leadIn + max(0, -first))}
	sent := &s.history.Signal
	sent.Name, sent.Number = scenario.SignalName(number), int(number)
	// What comes before the signal is sent when it is known whom that goes to,
	// and the mark last of all: nothing lies between it and the system call.
	done, err := s.server.Signal(number, s.plan.Scenario.Disruption.Target, s.holders, func() error {
		v.await(s.pilot.due)
		v.send(s.pilot)
		v.connectAhead()
		v.sendUntil(0)
		v.await(0)
		return s.server.Ledger().MarkSignal()
	})
	if err != nil {
		sent.Error = err.Error()
		return fmt.Errorf("the signal: %w", err)
	}
	s.signalled(done)
	if len(done.To) > 1 {
		s.history.Sweep.Unsent = 0 // it was pending for one after the other
	}
	v.zero = done.Before // what follows keeps its distance from the signal that was sent
	_, last := s.plan.Grid.Edges(s.plan.Grid.Bins() - 1)
	v.sendUntil(last)
	for end := last + lastTries; len(v.waiting) > 0 && time.Since(v.zero) < end; {
		v.poll()
	}
	return nil
}

// connecting is how long a connect takes at the most, as a rule.
const connecting = 50 * time.Microsecond

// begins is when a request is begun that is due then: a fresh one is written a connect's
// time later. One of just after the signal would begin before that: see connectAhead.
func (s *shot) begins() time.Duration {
	if s.lane == fresh && s.due < 0 {
		return s.due - connecting
	}
	return s.due
}

// connectAhead sends what is due long before the signal, and then connects the fresh
// requests that are due within a connect's time after it. One that is written in that time
// had to begin its connect before the signal, and then the thread has no time for it.
func (v *volley) connectAhead() {
	var ahead []*shot
	for _, shot := range v.shots {
		if shot.lane == fresh && shot.due >= 0 && shot.due < connecting {
			ahead = append(ahead, shot)
		}
	}
	lead := -connecting * time.Duration(len(ahead))
	v.sendUntil(lead)
	v.await(lead)
	for _, shot := range ahead {
		shot.ahead = shot.socket.connect() == nil // if it failed, it is tried again when it is due
	}
}

// sendNothing measures a kill(2) of signal 0, as often as makes one likely that nothing
// interrupted. See history.History.Pending.
func (s *shutdown) sendNothing() {
	const often = 5
	for range often {
		began := time.Now()
		if syscall.Kill(s.server.PID(), 0) != nil {
			return
		}
		took := time.Since(began)
		if best := s.history.Sweep.Unsent; best == 0 || took < best {
			s.history.Sweep.Unsent = took
		}
	}
}

func (s *shutdown) signalled(done subject.Sent) {
	sent := &s.history.Signal
	sent.Sent, sent.Before, sent.After = true, done.Before.Sub(s.base), done.After.Sub(s.base)
	s.history.Delivery.Target = s.plan.Scenario.Disruption.Target
	for _, p := range done.To {
		s.history.Delivery.To = append(s.history.Delivery.To, history.Process{PID: p.PID, Name: p.Name})
	}
	s.event(history.EventSignal, sent.Before)
}

// sendUntil sends what is due before that time from the signal. A request that is late is
// sent all the same, and counts where it was sent. Of several that are late by more than a
// step the last is sent, and the others are skipped: all at once would make a queue, which
// the sweep would take for the race.
func (v *volley) sendUntil(end time.Duration) {
	for v.next < len(v.shots) && v.shots[v.next].due < end {
		shot := v.shots[v.next]
		v.next++
		v.await(shot.begins())
		now := time.Since(v.zero)
		overtaken := v.next < len(v.shots) && v.shots[v.next].due < min(now, end)
		if shot.skipped = overtaken && now-shot.due > v.plan.Grid.Step; !shot.skipped {
			v.send(shot)
		}
	}
}

// await returns at a time from the signal. It sleeps only while that is far.
func (v *volley) await(due time.Duration) {
	at := v.zero.Add(due)
	if far := time.Until(at) - spin; far > 0 {
		time.Sleep(far)
	}
	for time.Until(at) > 0 {
		yield()
		v.poll()
	}
}

// poll tries the connections that are still being made.
func (v *volley) poll() {
	if len(v.waiting) > 0 { // seldom
		v.waiting = slices.DeleteFunc(v.waiting, func(s *shot) bool { return v.write(s) })
	}
}

func (v *volley) send(s *shot) {
	r := &s.record
	r.Scheduled = v.zero.Add(s.begins()).Sub(v.base)
	r.Started = v.now()
	if s.ahead {
		if r.Connected = v.now(); !v.write(s) {
			v.waiting = append(v.waiting, s)
		}
		return
	}
	if s.lane == reused {
		if s.socket.closedByPeer() {
			s.written = v.now()
			r.Outcome, r.Reason, r.Stale, r.End = history.Refused, history.DeadConnections, 1, r.Started
			return
		}
		r.Sent = v.now()
		n, err := s.socket.write(s.request)
		s.wrote(n, err, v.now())
		return
	}
	err := s.socket.connect()
	r.Connected = v.now()
	if err != nil {
		s.notConnected(err, r.Connected)
		return
	}
	if !v.write(s) {
		v.waiting = append(v.waiting, s)
	}
}

// write writes the request of a fresh connection, and returns false if that is
// still being made.
func (v *volley) write(s *shot) bool {
	at := v.now()
	n, err := s.socket.write(s.request)
	if errors.Is(err, errNotYet) {
		s.record.Connected = v.now()
		return false
	}
	if n == 0 && err != nil { // of the connect, or of one that was broken at once
		s.notConnected(err, v.now())
		return true
	}
	s.record.Sent = at
	s.wrote(n, err, v.now())
	return true
}

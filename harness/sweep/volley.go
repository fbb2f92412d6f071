package sweep

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"

	"lastcall/harness"
	"lastcall/harness/history"
	"lastcall/harness/process"
)

const (
	// leadIn is how long before the first request the thread is at its post.
	leadIn = 5 * time.Millisecond
	// spin is how long before an instant the thread stops sleeping: the kernel
	// wakes a sleeper some fifty microseconds late.
	spin = 200 * time.Microsecond
	// lastTries is how long connections that are still being made are tried after
	// the last request was due. Then they are waited for as usual.
	lastTries = time.Millisecond
)

// volley sends everything, the signal included, from one thread.
type volley struct {
	*shutdown
	zero    time.Time // when the signal is due
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

	first, _ := s.plan.Grid.Edges(0)
	v := &volley{shutdown: s, zero: time.Now().Add(leadIn + max(0, -first))}
	sent := &s.history.Signal
	sent.Name, sent.Number = process.SignalName(number), int(number)
	// What comes before the signal is sent when it is known whom that goes to,
	// and the mark last of all: nothing lies between it and the system call.
	done, err := s.server.Signal(number, s.plan.Scenario.Disruption.Target, s.holders, func() error {
		v.sendUntil(0)
		v.await(0)
		return s.server.Book().MarkSignal()
	})
	if err != nil {
		sent.Error = err.Error()
		return fmt.Errorf("the signal: %w", err)
	}
	s.signalled(done)
	_, last := s.plan.Grid.Edges(s.plan.Grid.Bins() - 1)
	v.sendUntil(last)
	for end := last + lastTries; len(v.waiting) > 0 && time.Since(v.zero) < end; {
		v.poll()
	}
	return nil
}

func (s *shutdown) signalled(done harness.Sent) {
	sent := &s.history.Signal
	sent.Sent, sent.Before, sent.After = true, done.Before.Sub(s.base), done.After.Sub(s.base)
	s.history.Delivery.Target = s.plan.Scenario.Disruption.Target
	for _, p := range done.To {
		s.history.Delivery.To = append(s.history.Delivery.To, history.Process{PID: p.PID, Name: p.Name})
	}
	s.event(history.EventSignal, sent.Before)
}

// sendUntil sends what is due before that time from the signal.
func (v *volley) sendUntil(end time.Duration) {
	for v.next < len(v.shots) && v.shots[v.next].due < end {
		shot := v.shots[v.next]
		v.next++
		v.await(shot.due)
		v.send(shot)
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
	r.Scheduled = v.zero.Add(s.due).Sub(v.base)
	r.Started = v.now()
	if s.lane == reused {
		if closedByPeer(s.conn) {
			r.Outcome, r.Reason, r.Stale, r.End = history.Refused, history.DeadConnections, 1, r.Started
			return
		}
		r.Sent = v.now()
		n, err := s.conn.Write(s.request)
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

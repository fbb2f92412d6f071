package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// bench is what a case works at: one fresh server, the connections to it, and the
// means to stop it.
type bench struct {
	ctx     context.Context // ends with the run, or when the case takes too long
	plan    *Plan
	facts   facts
	variant string
	ledger  string // the file of the server's
	server  subject.Server
	run     string // begins every id
	ordinal int    // of this server: the ids of all differ
	seq     uint32
	another func() (*bench, error) // boots a server of the same kind: its port may be the same
	end     func()                 // releases all of it

	mu    sync.Mutex // guards conns: an interruption closes them from elsewhere
	conns []*conn
	over  bool

	due       time.Time      // when the slow request is answered that the signal must come before
	onSignal  func()         // called just before the first signal, if it is set
	to        []process.Info // who got the signal
	signalled time.Time
	cut       bool // we killed it
}

// dial connects to the server.
func (b *bench) dial() (*conn, error) { return b.dialSmall(0) }

// dialSmall connects with a receive buffer of about so many bytes.
func (b *bench) dialSmall(receive int) (*conn, error) {
	c, err := dial(b.ctx, b.server.Endpoint().Address, receive)
	if err != nil {
		return nil, err
	}
	b.mu.Lock() // with closeAll: what is dialled after it is closed at once
	defer b.mu.Unlock()
	if b.over {
		c.close()
		return nil, context.Cause(b.ctx)
	}
	b.conns = append(b.conns, c)
	return c, nil
}

// closeAll closes every connection, so that no goroutine waits for one.
func (b *bench) closeAll() {
	b.mu.Lock() // with dial
	defer b.mu.Unlock()
	b.over = true
	for _, c := range b.conns {
		c.close()
	}
}

// braker is a server whose processes can be stopped and continued.
type braker interface {
	Brake() error
	Release() error
}

// brake stops the server's processes. What arrives from now on waits in the
// kernel, and so does a signal. It must be released.
func (b *bench) brake() error {
	server, ok := b.server.(braker)
	if !ok {
		return errors.New("lastcall may not stop its processes")
	}
	return server.Brake()
}

// release lets them go on.
func (b *bench) release() error {
	server, ok := b.server.(braker)
	if !ok {
		return nil // it was not braked
	}
	return server.Release()
}

// signal sends the signal that tells the server to stop.
func (b *bench) signal() error { return b.send(b.plan.Signal) }

// send sends a signal. The first one is that from which everything is counted.
func (b *bench) send(s syscall.Signal) error {
	var holders []process.Info
	if b.plan.Target == scenario.Owner { // to look for them takes its time on a busy machine
		var err error
		if holders, err = b.server.Holders(); err != nil {
			return err
		}
	}
	var mark func() error
	if b.signalled.IsZero() {
		mark = b.mark
	}
	sent, err := b.server.Signal(s, b.plan.Target, holders, mark)
	if err != nil {
		return err
	}
	if b.signalled.IsZero() {
		b.signalled, b.to = sent.Before, sent.To
	}
	return b.inTime("the signal", sent.After)
}

// mark notes in the server's book that it is about to be told to stop.
func (b *bench) mark() error {
	err := b.server.Ledger().MarkSignal()
	if err == nil && b.onSignal != nil {
		b.onSignal()
	}
	return err
}

// inTime is an error if what was done then came too late for the slow request to be
// still in its handler.
func (b *bench) inTime(what string, at time.Time) error {
	if left := b.due.Sub(at); !b.due.IsZero() && left < tooClose {
		return overdue(fmt.Sprintf("%s came too late, %s before the answer was due: the machine is too busy", what, scenario.InWords(left)))
	}
	return nil
}

// tooClose is how near to its answer a request can be said to be in its handler:
// how long that takes is known no better.
const tooClose = 100 * time.Millisecond

// dueBy notes that a request was sent whose answer takes so long, at the least. The
// first of those that are open counts. One that can be told how long to take takes
// no less: what it took before, on a busy machine, may have been more.
func (b *bench) dueBy(wrote time.Time) {
	takes := b.facts.slow
	if strings.Contains(b.plan.Hints.Slow, slowMark) {
		takes = min(takes, slowFor)
	}
	if due := wrote.Add(takes); b.due.IsZero() || due.Before(b.due) {
		b.due = due
	}
}

// answered notes that no slow request is open any more.
func (b *bench) answered() { b.due = time.Time{} }

// pause waits, unless the run ends.
func (b *bench) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	}
}

// await looks until there is no error any more, for as long as a state may take
// to be reached. It returns the last error.
func (b *bench) await(look func() error) error {
	deadline := time.Now().Add(settle)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		err := look()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if e := b.pause(pause); e != nil {
			return e
		}
	}
}

// until is when the patience with a server ends that was told to stop.
func (b *bench) until() time.Time { return b.signalled.Add(b.plan.Grace + patience) }

// patience is what is added to a grace period, so that a server that just makes
// it is seen to.
const patience = 500 * time.Millisecond

// exited reports whether the process has ended.
func (b *bench) exited() bool {
	select {
	case <-b.server.Exited():
		return true
	default:
		return false
	}
}

// leave is how the process ended.
type leave struct {
	process.Exit
	took   time.Duration // since the signal
	killed bool          // by us, the grace period being over
}

// String says it in a few words.
func (l leave) String() string {
	if l.killed {
		return fmt.Sprintf("it was killed after %s", scenario.InWords(l.took))
	}
	if l.Signal != "" {
		return fmt.Sprintf("it ended after %s, %s", scenario.InWords(l.took), l.Exit)
	}
	return fmt.Sprintf("it ended after %s with %s", scenario.InWords(l.took), l.Exit)
}

// awaitExit gives the server its grace period, and then kills it.
func (b *bench) awaitExit() (leave, error) {
	timer := time.NewTimer(time.Until(b.signalled.Add(b.plan.Grace)))
	defer timer.Stop()
	select {
	case <-b.server.Exited():
	case <-b.ctx.Done():
		return leave{}, context.Cause(b.ctx)
	case <-timer.C:
		if b.exited() { // both are ready for a goroutine that waited for an answer until now
			break
		}
		b.cut = true
		if err := b.server.Kill(); err != nil {
			return leave{}, err
		}
		select {
		case <-b.server.Exited():
		case <-b.ctx.Done():
			return leave{}, context.Cause(b.ctx)
		}
	}
	if err := b.cutDown(); err != nil {
		return leave{}, err
	}
	exit := b.server.Exit()
	return leave{Exit: exit, took: exit.At.Sub(b.signalled), killed: b.cut}, nil
}

// lateNews is how much later than the end of its connections the end of a process may
// be known.
const lateNews = 250 * time.Millisecond

// cutDown says that the server's end was not its own doing, nor that of the signal: its
// supervisor was killed, or it was itself, as by a system that is out of memory. What
// became of the connections then says nothing of the server.
func (b *bench) cutDown() error {
	news := time.NewTimer(lateNews)
	defer news.Stop()
	select {
	case <-b.server.Exited():
	case <-news.C:
		return nil // it lives on
	}
	exit := b.server.Exit()
	if exit.Err != nil {
		return exit.Err
	}
	if kill := scenario.SignalName(syscall.SIGKILL); exit.Signal == kill && !b.cut && b.plan.Signal != syscall.SIGKILL {
		return fmt.Errorf("the server was killed by a %s that lastcall did not send", kill)
	}
	return nil
}

package targets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"
)

const (
	// batchEvery is how often the queue is written: the longest time for which
	// an acknowledged order exists in memory only.
	batchEvery = 250 * time.Millisecond
	// retryAfter is how long the writer rests after a batch that failed.
	retryAfter = 500 * time.Millisecond
	// queueLimit is how many orders may wait in memory.
	queueLimit = 100_000
)

var (
	errQueueClosed = errors.New("the queue is closed")
	errQueueFull   = errors.New("the queue is full")
)

// Queue holds orders that were acknowledged and are not written yet. A writer
// of its own, which the first order starts, writes them in batches:
//
//	POST /async ── 202 ──> Queue ── every 250 ms ─> Store
//
// A strategy must call Flush after the last request and before the store is
// closed, or what was acknowledged in the last moments is lost.
type Queue struct {
	write   func(context.Context, ...order) error // all of them, or none and an error
	written func(order)                           // told of each, once it is safe
	failed  func(error)                           // told when a batch has to be tried again

	mu      sync.Mutex // guards what follows; never held during a write
	pending []order
	closed  bool
	stop    context.CancelFunc // ends the writer; nil until it starts
	stopped chan struct{}      // closed when the writer has ended
}

// Add takes one more order, or says why it cannot.
func (q *Queue) Add(o order) error {
	q.mu.Lock() // many handlers add
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return errQueueClosed
	case len(q.pending) >= queueLimit:
		return errQueueFull
	}
	q.pending = append(q.pending, o)
	if q.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		q.stop, q.stopped = stop, make(chan struct{})
		go q.run(ctx, q.stopped)
	}
	return nil
}

// run writes a batch whenever it is time for one.
func (q *Queue) run(ctx context.Context, stopped chan<- struct{}) {
	defer close(stopped) // only here: end waits for the last batch by it
	timer := time.NewTimer(batchEvery)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		pause := batchEvery
		if _, err := q.batch(ctx); err != nil && ctx.Err() == nil {
			q.failed(err)
			pause = retryAfter
		}
		timer.Reset(pause) // it has fired, and has one reader
	}
}

// batch writes all that is pending in one transaction, and returns how many
// orders are pending still. Only one goroutine may call it at a time.
func (q *Queue) batch(ctx context.Context) (left int, err error) {
	q.mu.Lock() // only to look: handlers go on adding while the batch is written
	batch := q.pending
	q.mu.Unlock()
	if len(batch) == 0 {
		return 0, nil
	}
	if err := q.write(ctx, batch...); err != nil {
		return len(batch), err
	}
	for _, o := range batch {
		q.written(o)
	}
	q.mu.Lock() // what was added meanwhile stays
	defer q.mu.Unlock()
	q.pending = q.pending[len(batch):]
	return len(q.pending), nil
}

// end refuses new orders and stops the writer. A batch that it interrupts was
// either written whole, or is pending still.
func (q *Queue) end() {
	q.mu.Lock() // not while an order is added: it might start the writer again
	q.closed = true
	stop, stopped := q.stop, q.stopped
	q.mu.Unlock()
	if stop != nil {
		stop()
		<-stopped
	}
}

// Flush ends the queue and writes what is in it. It tries again for as long as
// another process holds the lock of the store, and says so each time. It gives
// up on any other error and at the end of the context. The error says how many
// acknowledged orders are lost.
func (q *Queue) Flush(ctx context.Context) error {
	q.end()
	for {
		left, err := q.batch(ctx)
		switch {
		case left == 0:
			return nil
		case ctx.Err() != nil || !locked(err):
			return fmt.Errorf("flush queue: %d acknowledged orders are lost: %w", left, err)
		case err != nil:
			q.failed(err)
		}
	}
}

// Close ends the queue and forgets what is in it. It is for strategies that have
// nothing to lose.
func (q *Queue) Close() error {
	q.end()
	return nil
}

// locked reports whether the store would take the orders if another process let
// go of it: SQLITE_BUSY, in any of its variants. SQLite has waited by then.
func locked(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && failure.Code()&0xff == sqlitecode.SQLITE_BUSY
}

package targets

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is where a queue under test writes.
type shelf struct {
	mu     sync.Mutex // the queue's writer and the test use what follows
	kept   [][]order
	told   []order
	fails  []error
	refuse error  // what the next writes fail with
	stuck  int    // so many of the next writes last until their context ends
	during func() // runs once, during a write
}

func (s *shelf) queue() *Queue {
	return &Queue{
		write:   s.write,
		written: func(o order) { s.set(func() { s.told = append(s.told, o) }) },
		failed:  func(err error) { s.set(func() { s.fails = append(s.fails, err) }) },
	}
}

func (s *shelf) write(ctx context.Context, orders ...order) error {
	var during func()
	var stuck bool
	s.set(func() {
		during, s.during = s.during, nil
		if stuck = s.stuck > 0; stuck {
			s.stuck--
		}
	})
	if during != nil {
		during()
	}
	if stuck {
		<-ctx.Done()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.refuse != nil:
		return s.refuse
	}
	s.kept = append(s.kept, slices.Clone(orders))
	return nil
}

func (s *shelf) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *shelf) batches() [][]order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept)
}

func (s *shelf) written() []order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

func (s *shelf) failed() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fails)
}

func add(t *testing.T, q *Queue, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := q.Add(order{id: id}); err != nil {
			t.Fatalf("add %s: %v", id, err)
		}
	}
}

func ids(batches ...[]order) (all []string) {
	for _, o := range slices.Concat(batches...) {
		all = append(all, o.id)
	}
	return all
}

func TestTheQueueWritesInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		q := s.queue()
		add(t, q, "a", "b", "c")
		time.Sleep(batchEvery - time.Nanosecond)
		if synctest.Wait(); len(s.batches()) > 0 {
			t.Errorf("%v is written too early", s.batches())
		}
		time.Sleep(time.Nanosecond)
		if synctest.Wait(); len(s.batches()) != 1 || !slices.Equal(ids(s.batches()[0]), []string{"a", "b", "c"}) {
			t.Errorf("batches %v, want one of three", s.batches())
		}
		add(t, q, "d")
		time.Sleep(batchEvery)
		if synctest.Wait(); !slices.Equal(ids(s.batches()...), []string{"a", "b", "c", "d"}) {
			t.Errorf("batches %v", s.batches())
		}
		if err := q.Flush(t.Context()); err != nil || len(s.batches()) != 2 {
			t.Errorf("flush of nothing: %v, %d batches", err, len(s.batches()))
		}
		if !slices.Equal(ids(s.written()), ids(s.batches()...)) {
			t.Errorf("told of %v", s.written())
		}
	})
}

func TestFlushWritesWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		q := s.queue()
		add(t, q, "a", "b")
		began := time.Now()
		if err := q.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if time.Since(began) > 0 {
			t.Error("it waited for the next batch")
		}
		if !slices.Equal(ids(s.batches()...), []string{"a", "b"}) || !slices.Equal(ids(s.written()), []string{"a", "b"}) {
			t.Errorf("written %v, told of %v", s.batches(), s.written())
		}
		if err := q.Add(order{id: "c"}); !errors.Is(err, errQueueClosed) {
			t.Errorf("add after flush: %v", err)
		}
	})
}

func TestFlushIsBoundedByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{stuck: 1}
		q := s.queue()
		add(t, q, "a", "b", "c")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := q.Flush(ctx)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s, want 1s", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 acknowledged orders are lost") {
			t.Errorf("error %v; want the context's, and 3 lost", err)
		}
	})
}

// TestFlushInterruptsABatch has one on its way as Flush comes: it is neither
// lost nor written twice.
func TestFlushInterruptsABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shelf{stuck: 1}
		q := s.queue()
		add(t, q, "a", "b")
		time.Sleep(batchEvery)
		synctest.Wait()
		s.set(func() {
			if s.stuck > 0 {
				t.Fatal("the writer is not at it")
			}
		})
		began := time.Now()
		if err := q.Flush(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("flush took %s: %v", time.Since(began), err)
		}
		if got := ids(s.batches()...); !slices.Equal(got, []string{"a", "b"}) || len(s.failed()) > 0 {
			t.Errorf("written %v, told of failures %v", got, s.failed())
		}
	})
}

func TestABatchThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		s := shelf{refuse: full}
		q := s.queue()
		add(t, q, "a")
		time.Sleep(batchEvery)
		synctest.Wait()
		add(t, q, "b")
		if len(s.failed()) != 1 || !errors.Is(s.failed()[0], full) {
			t.Errorf("told of failures %v, want one", s.failed())
		}
		s.set(func() { s.refuse = nil })
		time.Sleep(retryAfter)
		if synctest.Wait(); !slices.Equal(ids(s.batches()...), []string{"a", "b"}) || len(s.failed()) != 1 {
			t.Errorf("written %v after %d failures", s.batches(), len(s.failed()))
		}
		q.Close()
	})
}

func TestFlushSaysWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		s := shelf{refuse: full}
		q := s.queue()
		add(t, q, "a", "b")
		began := time.Now()
		err := q.Flush(t.Context())
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "2 acknowledged orders are lost: disk full") {
			t.Errorf("error %v", err)
		}
		if time.Since(began) > 0 {
			t.Error("it went on trying: a full disk does not get better")
		}
	})
}

func TestOrdersThatComeDuringAWriteStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		q := s.queue()
		s.set(func() { s.during = func() { add(t, q, "late") } })
		add(t, q, "a")
		time.Sleep(batchEvery)
		if synctest.Wait(); !slices.Equal(ids(s.batches()...), []string{"a"}) {
			t.Errorf("first batch %v", s.batches())
		}
		time.Sleep(batchEvery)
		if synctest.Wait(); !slices.Equal(ids(s.batches()...), []string{"a", "late"}) {
			t.Errorf("both batches %v", s.batches())
		}
		q.Close()
	})
}

func TestCloseForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		q := s.queue()
		add(t, q, "a")
		if err := q.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if len(s.batches()) > 0 {
			t.Errorf("written %v", s.batches())
		}
		if err := q.Add(order{id: "b"}); !errors.Is(err, errQueueClosed) {
			t.Errorf("add after close: %v", err)
		}
	})
}

func TestTheQueueHasALimit(t *testing.T) {
	var s shelf
	q := s.queue()
	q.pending = make([]order, queueLimit)
	if err := q.Add(order{}); !errors.Is(err, errQueueFull) {
		t.Errorf("one too many: %v", err)
	}
}

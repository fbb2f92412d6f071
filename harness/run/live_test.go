package run_test

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/run"
	"lastcall/harness/subject"
)

// watched is a run that a test watches and decides about.
type watched struct {
	moment chan struct{}
	extra  chan string
	feed   *run.Feed
	done   chan *history.History
}

// watch starts one.
func watch(t *testing.T, behaviour string, size int, limit time.Duration) *watched {
	t.Helper()
	w := &watched{
		moment: make(chan struct{}), extra: make(chan string, 1),
		feed: run.NewFeed(size), done: make(chan *history.History, 1),
	}
	go func() {
		defer close(w.done) // closed by its only writer: a run that failed has no history
		histories, err := run.Run(t.Context(), run.Plan{
			Scenario: quick(), Subjects: []subject.Subject{newSubject(t, behaviour)}, Path: "/", Seed: 1,
			Live: &run.Live{Moment: w.moment, Limit: limit, Extra: w.extra, Feed: w.feed},
		})
		if err != nil {
			t.Error(err)
			return
		}
		w.done <- histories[0]
	}()
	return w
}

// until takes sights until one is wanted, and returns them all.
func (w *watched) until(t *testing.T, what string, wanted func(run.Sight) bool) (all []run.Sight) {
	t.Helper()
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	for {
		select {
		case s := <-w.feed.Sights():
			if all = append(all, s); wanted(s) {
				return all
			}
		case <-patience.C:
			t.Fatalf("no %s among %d sights", what, len(all))
		}
	}
}

// rest takes what is left when the run is over.
func (w *watched) rest() (all []run.Sight) {
	for len(w.feed.Sights()) > 0 {
		all = append(all, <-w.feed.Sights())
	}
	return all
}

func isEvent(name history.EventName) func(run.Sight) bool {
	return func(s run.Sight) bool { return s.Event.Name == name }
}

// TestWatchedRunIsSeenWhole asks that whoever watches sees each request begin and
// end, and that the second is, to the letter, what the history says.
func TestWatchedRunIsSeenWhole(t *testing.T) {
	w := watch(t, "drains", 1<<16, time.Minute)
	answered := 0
	sights := w.until(t, "fiftieth answer", func(s run.Sight) bool {
		if s.Request.Outcome == history.Completed {
			answered++
		}
		return answered == 50 // far more than the warm-up: nobody but us decides
	})
	close(w.moment)
	h := <-w.done
	if h == nil || h.Error != "" {
		t.Fatalf("history %+v", h)
	}
	sights = append(sights, w.rest()...)
	begun := make(map[uint32]bool)
	ended := make(map[uint32]history.Request)
	var events []history.EventName
	for _, s := range sights {
		switch {
		case s.Event.Name != "":
			events = append(events, s.Event.Name)
		case s.Request.Outcome == history.Pending:
			begun[s.Request.Seq] = true
		case !begun[s.Request.Seq]:
			t.Errorf("request %d ended before it began", s.Request.Seq)
		default:
			ended[s.Request.Seq] = s.Request
		}
	}
	if len(begun) != h.Scheduled || len(ended) != h.Scheduled || w.feed.Missed() != 0 {
		t.Errorf("%d begun and %d ended of %d scheduled, %d missed", len(begun), len(ended), h.Scheduled, w.feed.Missed())
	}
	for _, r := range h.Requests {
		r.Standing, r.Had, r.Waited, r.Later = 0, 0, 0, 0 // what the kernel showed is told in the end
		if ended[r.Seq] != r {
			t.Errorf("request %d was seen as %+v, and is %+v", r.Seq, ended[r.Seq], r)
		}
	}
	if len(events) != len(h.Events) {
		t.Errorf("events %v were seen of %v", events, h.Events)
	}
	if h.Signal.Mean == 0 || !h.Exit.Seen || h.Header.Repeats != 0 {
		t.Errorf("signal %+v, exit %+v, repeated %d times", h.Signal, h.Exit, h.Header.Repeats)
	}
}

// TestMomentThatDoesNotCome asks that the load ends before its server does: nobody
// is hung up on.
func TestMomentThatDoesNotCome(t *testing.T) {
	w := watch(t, "handles no signal", 0, 600*time.Millisecond)
	h := <-w.done
	if h == nil || h.Error != run.ErrNoMoment.Error() || h.Signal.Sent {
		t.Fatalf("history %+v", h)
	}
	if c := h.Counts(); c.Completed != c.Total || c.Total == 0 {
		t.Errorf("requests %+v", c)
	}
	// Nobody took anything from a feed without room, and the load did not wait.
	if want := 2 * h.Scheduled; w.feed.Missed() < want {
		t.Errorf("missed %d, there were %d of requests alone", w.feed.Missed(), want)
	}
	wantGone(t, h)
}

func TestExtraSignal(t *testing.T) {
	w := watch(t, "ignores the signal", 1<<16, time.Minute)
	close(w.moment) // before it is warm: it warms up first
	w.until(t, "signal", isEvent(history.EventSignal))
	w.extra <- "no signal at all"
	w.extra <- "SIGKILL"
	w.until(t, "second signal", isEvent(history.EventSignalAgain))
	h := <-w.done
	if h == nil || h.Exit.Signal != "SIGKILL" || h.Exit.Killed || len(h.Signal.Again) != 1 || h.Signal.Again[0].Name != "SIGKILL" {
		t.Fatalf("history %+v", h)
	}
	if h.Signal.Before < quick().Warm() {
		t.Errorf("the signal came after %s, before it was warm", h.Signal.Before)
	}
}

func TestLivePlanWithoutAnEnd(t *testing.T) {
	for name, live := range map[string]run.Live{
		"no moment": {Limit: time.Second}, "no limit": {Moment: make(chan struct{})},
	} {
		plan := run.Plan{Scenario: quick(), Subjects: []subject.Subject{newSubject(t, "drains")}, Live: &live}
		if _, err := run.Run(t.Context(), plan); err == nil {
			t.Errorf("%s: it ran", name)
		}
	}
}

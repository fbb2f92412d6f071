package picture

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestPicture: two subjects with two shutdowns each, one of them unknown to the
// suite, one without a signal.
func TestPicture(t *testing.T) {
	unsent := shutdownOf("naive", 3, asked(-10, 10, history.Completed))
	unsent.Signal = history.Signal{}
	killed := shutdownOf("notify", 1, slices.Concat(many(4, asked(-150, -50, history.Completed)), many(3, asked(-50, 70, history.Completed)))...)
	killed.Exit.Killed = true
	p := Of(suiteWith(map[string]int{"naive": 2, "notify": 1}, "naive", "notify", "absent"), []*history.History{
		shutdownOf("naive", 1, asked(-30, 5, history.Dropped)),
		shutdownOf("naive", 2, many(9, asked(-30, 5, history.Dropped))...),
		unsent, killed, shutdownOf("stranger", 1),
	})
	naive, notify, absent := p.Subjects[0], p.Subjects[1], p.Subjects[2]
	if naive.Histories != 3 || naive.Swimlane.Shutdown != 2 || len(naive.Swimlane.Lanes) != 9 || len(naive.Exits) != 2 {
		t.Errorf("naive: %+v", naive)
	}
	if absent.Histories != 0 || absent.Swimlane != nil {
		t.Errorf("absent: %+v", absent)
	}
	for outcome, s := range map[string]Subject{"o-dropped": naive, "o-completed": notify} {
		if svg := p.DrawBuckets(s, true).SVG; strings.Count(svg, `class="bar `+outcome+`"`) != 1 || strings.Count(svg, `class="bar `) != 1 {
			t.Errorf("not only what is %s is drawn: %s", outcome, svg)
		}
	}
	if notify.Exits[0] != (Exit{span(50), Killed}) {
		t.Errorf("notify's exits: %+v", notify.Exits)
	}
	if b, a := notify.Before, notify.After; b.N != 4 || b.P50 != span(100) || a.N != 3 || a.Max != span(120) {
		t.Errorf("latency: before %+v, after %+v", b, a)
	}
	var ended history.Counts
	for _, b := range naive.Buckets {
		ended = ended.Plus(b.Counts)
	}
	if ended != (history.Counts{Total: 10, Dropped: 10}) || p.Down != 10 || p.Up != 4 {
		t.Errorf("buckets hold %+v, the highest are %d and %d", ended, p.Up, p.Down)
	}
	if p.Width != 10*time.Millisecond || int((p.Time.To-p.Time.From)/p.Width) != len(naive.Buckets) {
		t.Errorf("%d buckets of %s from %s to %s", len(naive.Buckets), p.Width, p.Time.From, p.Time.To)
	}
}

func TestBucketsStartAtTheSignal(t *testing.T) {
	own := []*history.History{shutdownOf("it", 1, asked(-50, -25, history.Completed), asked(-50, -0.1, history.Completed), asked(-50, 0, history.Dropped), asked(-50, 9.9, history.Rejected), asked(0, 10, history.Refused), asked(0, 900, history.Failed))}
	all := buckets(own, NewAxis(-span(20), span(30)), span(10))
	want := []history.Counts{{}, {Total: 1, Completed: 1}, {Total: 2, Dropped: 1, Rejected: 1}, {Total: 1, Refused: 1}, {}}
	for i, b := range all {
		if b.Counts != want[i] {
			t.Errorf("bucket %d: %+v, want %+v", i, b.Counts, want[i])
		}
	}
	if all[2].up() != 0 || all[2].down() != 2 || all[3].up() != 1 {
		t.Error("a bucket is drawn on the wrong side of the line")
	}
}

func TestBucketWidth(t *testing.T) {
	for span, want := range map[time.Duration]time.Duration{
		0: 10 * time.Millisecond, 4 * time.Second: 10 * time.Millisecond, 4001 * time.Millisecond: 20 * time.Millisecond, 100 * time.Second: 500 * time.Millisecond,
	} {
		if got := bucketWidth(span); got != want {
			t.Errorf("%s has buckets of %s, want %s", span, got, want)
		}
	}
}

// TestMarksNeverMeet: each has a row of its own, and is where it happened.
func TestMarksNeverMeet(t *testing.T) {
	h := shutdownOf("it", 1, asked(-30, 45, history.Completed))
	h.Signal.Again = []history.Again{{Name: "SIGINT", At: ms(20)}, {Name: "<script>", At: ms(21)}}
	h.Readiness.Red = ms(1)
	h.Events = append(h.Events, history.Event{Name: history.EventKilled, At: ms(49)}, history.Event{Name: history.EventReady, At: 1})
	s := swimlane(h, window(h), 100)
	var texts []string
	for _, m := range s.Marks {
		texts = append(texts, m.Text)
	}
	want := "SIGTERM, not ready +1 ms, first refusal +2 ms, SIGINT +20 ms, the signal +21 ms, SIGKILL +49 ms, exit +50 ms"
	if got := strings.Join(texts, ", "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	rows := s.rows()
	slices.Sort(rows)
	for i, row := range rows {
		if row != i {
			t.Errorf("rows %v: two labels share one", rows)
		}
	}
	svg := s.Draw().SVG
	if strings.Contains(svg, "<script") {
		t.Error("a signal's name is markup")
	}
	if !strings.Contains(svg, `text-anchor="start" dx="0.35em">not ready`) || !strings.Contains(svg, `text-anchor="end" dx="-0.35em">exit`) {
		t.Error("a label stands on the side where there is no room")
	}
}

// TestDrawnLanes: every loss has its shape, at its end.
func TestDrawnLanes(t *testing.T) {
	h := shutdownOf("it", 1, slices.Concat(many(7, asked(-30, 5, history.Dropped)), many(2, asked(-30, 20, history.Rejected)), many(11, asked(-30, 20, history.Completed)))...)
	svg := swimlane(h, window(h), 100).Draw().SVG
	for shape, want := range map[string]int{"#lc-dropped": 7, "#lc-rejected": 2, "#lc-completed": 0, `class="o-dropped waiting"`: 1} {
		if got := strings.Count(svg, shape); got != want {
			t.Errorf("%s occurs %d times, want %d", shape, got, want)
		}
	}
}

// TestManyLanesStaySmall: whatever is recorded, a drawing stays one that a page
// can hold.
func TestManyLanesStaySmall(t *testing.T) {
	h := shutdownOf("it", 1, many(50_000, asked(-30, 5, history.Dropped))...)
	p := Of(suiteWith(map[string]int{"it": 1}, "it"), []*history.History{h})
	s := p.Subjects[0].Swimlane
	d := s.Draw()
	if len(s.Lanes) != laneRoom(1) || s.Hidden != 50_000-len(s.Lanes) || len(d.SVG) > 800_000 || d.Height > highest+200 {
		t.Errorf("%d lanes, %d hidden, %d bytes, %v pixels high", len(s.Lanes), s.Hidden, len(d.SVG), d.Height)
	}
}

// TestNothingToDraw: neither an empty suite nor a shutdown without requests stops
// anybody.
func TestNothingToDraw(t *testing.T) {
	for _, histories := range [][]*history.History{nil, {shutdownOf("it", 1)}, {{Header: history.Header{Subject: "it", Shutdown: 1}}}} {
		p := Of(suiteWith(map[string]int{"it": 1}, "it"), histories)
		s := p.Subjects[0]
		p.DrawBuckets(s, true)
		p.DrawExits(s)
		p.DrawLatency(s)
		p.Latency.DrawAxis()
		if s.Swimlane != nil {
			s.Swimlane.Draw()
			s.Swimlane.Thin(5).Draw()
		}
	}
	if p := Of(result.Suite{}, nil); len(p.Subjects) != 0 {
		t.Error("there are subjects")
	}
	DrawShare(history.Counts{})
}

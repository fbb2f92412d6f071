package picture

import (
	"testing"

	"lastcall/harness/history"
)

// crowd are lanes in which each rank occurs so often, mixed.
func crowd(dropped, rejected, inFlight, late, before int) []Lane {
	var lanes []Lane
	add := func(n int, o history.Outcome, w history.Window) {
		for range n {
			lanes = append(lanes, Lane{Request: &history.Request{Seq: uint32(len(lanes)), Outcome: o}, Window: w})
		}
	}
	add(before/2, history.Completed, history.Before)
	add(dropped, history.Dropped, history.InFlight)
	add(inFlight, history.Completed, history.InFlight)
	add(rejected, history.Rejected, history.Late)
	add(late, history.Completed, history.Late)
	add(before-before/2, history.Refused, history.After)
	return lanes
}

func TestSample(t *testing.T) {
	for name, c := range map[string]struct {
		lanes                        []Lane
		room                         int
		kept, exposed, hidden, drops int
	}{
		"all fit":                        {crowd(5, 5, 20, 30, 40), 5000, 100, 60, 0, 5},
		"nobody":                         {nil, 5000, 0, 0, 0, 0},
		"many others: they are thinned":  {crowd(50, 50, 100, 300, 9000), 5000, mostLanes, 500, 0, 50},
		"many exposed: all of them stay": {crowd(50, 50, 100, 3000, 9000), 5000, 3200, 3200, 0, 50},
		"too many: the late go first":    {crowd(50, 50, 100, 3000, 9000), 500, 500, 3200, 2700, 50},
		"too many losses":                {crowd(900, 50, 100, 3000, 9000), 500, 500, 4050, 3550, 500},
	} {
		kept, exposed, hidden := sample(c.lanes, c.room)
		drops := 0
		for i, l := range kept {
			if l.Outcome == history.Dropped {
				drops++
			}
			if i > 0 && l.Seq <= kept[i-1].Seq {
				t.Fatalf("%s: the order is not kept", name)
			}
		}
		if len(kept) != c.kept || exposed != c.exposed || hidden != c.hidden || drops != c.drops {
			t.Errorf("%s: kept %d, exposed %d, hidden %d, of the dropped %d; want %d, %d, %d, %d",
				name, len(kept), exposed, hidden, drops, c.kept, c.exposed, c.hidden, c.drops)
		}
	}
}

// TestThinKeepsTheShape: of every kind about the same share, and at least one.
func TestThinKeepsTheShape(t *testing.T) {
	s := (&Swimlane{Lanes: crowd(1, 100, 0, 200, 0)}).Thin(30)
	counts := map[history.Outcome]int{}
	for _, l := range s.Lanes {
		counts[l.Outcome]++
	}
	if counts[history.Dropped] != 1 || counts[history.Rejected] != 9 || counts[history.Completed] != 19 {
		t.Errorf("%v", counts)
	}
}

func TestRoomIsShared(t *testing.T) {
	for subjects, want := range map[int]int{0: 8000, 1: 8000, 2: 5000, 20: 500} {
		if got := laneRoom(subjects); got != want {
			t.Errorf("%d subjects get %d lanes each, want %d", subjects, got, want)
		}
	}
}

package history_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"lastcall/harness/history"
)

type boundedInner struct {
	At    time.Duration `json:"at"`
	Code  int           `json:"code"`
	Count int64         `json:"count"`
	Share float64       `json:"share"`
}

type boundedTime struct{ time.Duration }

type boundedOuter struct {
	Exit  *boundedInner  `json:"exit"`
	List  []boundedInner `json:"list"`
	Named map[string]int `json:"named"`
	Grace boundedTime    `json:"grace"`
	Seed  uint64         `json:"seed"`
	Small []uint8        `json:"small"`
	Any   any            `json:"any"`
}

func TestBounded(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		says string // "" for none
	}{
		{"nothing", boundedOuter{}, ""},
		{"all within", boundedOuter{Exit: &boundedInner{At: -time.Second, Code: -1, Count: history.Most}, Seed: math.MaxUint64, Small: []uint8{255}}, ""},
		{"a far time", boundedOuter{Exit: &boundedInner{At: math.MaxInt64}}, "exit.at is 2562047h"},
		{"a time far back", boundedOuter{List: []boundedInner{{}, {At: math.MinInt64}}}, "list[1].at is -2562047h"},
		{"a far duration", boundedOuter{Grace: boundedTime{math.MaxInt64}}, "grace is"},
		{"a negative count", boundedOuter{Exit: &boundedInner{Count: -1}}, "exit.count is -1: it must be from 0"},
		{"a huge count", &boundedOuter{Exit: &boundedInner{Count: math.MaxInt64}}, "exit.count is 9223372036854775807"},
		{"a code of -2", boundedOuter{Exit: &boundedInner{Code: -2}}, "exit.code is -2: it must be from -1"},
		{"in a map", boundedOuter{Named: map[string]int{"a": -1}}, "named[a] is -1"},
		{"a huge float", boundedOuter{Exit: &boundedInner{Share: -1e300}}, "exit.share is -1e+300"},
		{"in an interface", boundedOuter{Any: boundedInner{Count: -3}}, "any.count is -3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := history.Bounded(c.v)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

package bounds_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"lastcall/internal/bounds"
)

type inner struct {
	At    time.Duration `json:"at"`
	Code  int           `json:"code"`
	Count int64         `json:"count"`
	Share float64       `json:"share"`
}

type wrapped struct{ time.Duration }

type outer struct {
	Exit  *inner         `json:"exit"`
	List  []inner        `json:"list"`
	Named map[string]int `json:"named"`
	Grace wrapped        `json:"grace"`
	Seed  uint64         `json:"seed"`
	Small []uint8        `json:"small"`
	Any   any            `json:"any"`
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		v    any
		says string // "" for none
	}{
		{"nothing", outer{}, ""},
		{"all within", outer{Exit: &inner{At: -time.Second, Code: -1, Count: bounds.Most}, Seed: math.MaxUint64, Small: []uint8{255}}, ""},
		{"a far time", outer{Exit: &inner{At: math.MaxInt64}}, "exit.at is 2562047h"},
		{"a time far back", outer{List: []inner{{}, {At: math.MinInt64}}}, "list[1].at is -2562047h"},
		{"a far duration", outer{Grace: wrapped{math.MaxInt64}}, "grace is"},
		{"a negative count", outer{Exit: &inner{Count: -1}}, "exit.count is -1: it must be from 0"},
		{"a huge count", &outer{Exit: &inner{Count: math.MaxInt64}}, "exit.count is 9223372036854775807"},
		{"a code of -2", outer{Exit: &inner{Code: -2}}, "exit.code is -2: it must be from -1"},
		{"in a map", outer{Named: map[string]int{"a": -1}}, "named[a] is -1"},
		{"a huge float", outer{Exit: &inner{Share: -1e300}}, "exit.share is -1e+300"},
		{"in an interface", outer{Any: inner{Count: -3}}, "any.count is -3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := bounds.Check(c.v)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

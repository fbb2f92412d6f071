package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
)

// TestParkTakesThePlaceOfTheScenarios: a path may have commas, and one is the default
// number.
func TestParkTakesThePlaceOfTheScenarios(t *testing.T) {
	s := scenario.Default()
	s.Load.Parked = []scenario.Park{{Kind: scenario.Silent, Count: 9}}
	var o subjectOptions
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.register(f)
	if err := f.Parse([]string{"--park", "websocket=/chat?a=b,c,5", "--park", "events=/stream", "--park", "silent,3", "--park", "idle,2", "--park", "idle=/health"}); err != nil {
		t.Fatal(err)
	}
	f.String("method", "", "")
	if err := o.apply(&s, f, nil); err != nil {
		t.Fatal(err)
	}
	want := []scenario.Park{
		{Kind: scenario.WebSocket, URL: "/chat?a=b,c", Count: 5},
		{Kind: scenario.EventStream, URL: "/stream", Count: 1},
		{Kind: scenario.Silent, Count: 3},
		{Kind: scenario.Idle, Count: 2},
		{Kind: scenario.Idle, URL: "/health", Count: 1},
	}
	if diff := cmp.Diff(want, s.Load.Parked); diff != "" {
		t.Errorf("parked (-want +got):\n%s", diff)
	}
}

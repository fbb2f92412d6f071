package targets

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelpersAreWhatAStrategyUses(t *testing.T) {
	for name, want := range map[string][]string{
		"naive": nil,
		"drain": {
			"headBound", "serveUntil", "interrupted", "App.Drain", "App.Lag", "drainBound",
			"Streams.Close", "Sockets.Close", "Queue.Flush", "Store.Close",
		},
		"with-timeout":  {"headBound", "serveUntil", "interrupted", "Streams.Close", "Sockets.Close", "Queue.Flush", "Store.Close"}, // its drain is a context
		"silent-holds":  {"serveUntil", "drainBound", "Streams.Close", "Sockets.Close", "Queue.Flush", "Store.Close"},
		"ack-then-lose": {"headBound", "serveUntil", "drainBound", "Streams.Close", "Sockets.Close", "Queue.Close", "Store.Close"},
	} {
		s, _ := ByName(name)
		helpers, err := s.Helpers()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range helpers {
			got = append(got, h.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestHelpersAreGo asks that each is a piece of Go with its comment, and is shown
// whole.
func TestHelpersAreGo(t *testing.T) {
	for _, s := range All() {
		helpers, err := s.Helpers()
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range helpers {
			text := "package x\n" + h.Source
			if strings.Count(h.Name, ".") == 1 && !strings.Contains(h.Source, "func ") { // a field
				text = "package x\ntype x struct {\n" + h.Source + "\n}"
			}
			if _, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: %s: %v in\n%s", s.Name, h.Name, err, h.Source)
			}
			if !strings.HasPrefix(h.Source, "// ") || strings.Contains(h.Source, "more lines in") {
				t.Errorf("%s: %s has no comment, or is cut:\n%s", s.Name, h.Name, h.Source)
			}
		}
	}
}

func TestDifference(t *testing.T) {
	for name, want := range map[string][]string{
		"early-exit":    {"- return <-drained", "+ return nil"},
		"store-first":   {"+ app.Store.Close(),", "- app.Store.Close(),"},
		"signal-notify": nil,
		"naive":         nil,
	} {
		s, _ := ByName(name)
		got, err := s.Difference()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestEveryStrategyCanBeSeen: beside one that does otherwise.
func TestEveryStrategyCanBeSeen(t *testing.T) {
	for _, s := range All() {
		names, scenario, ok := strings.Cut(s.SeeIt(), " --scenario ")
		if two := strings.Fields(names); !ok || scenario == "" || len(two) != 2 || !slices.Contains(two, s.Name) {
			t.Errorf("%s: %q", s.Name, s.SeeIt())
		}
		for _, name := range strings.Fields(names) {
			if _, ok := ByName(name); !ok {
				t.Errorf("%s: there is no %s", s.Name, name)
			}
		}
	}
}

// Package targets is what lastcall tests: one small web service, and one file
// for each way to stop it, right and wrong. What differs between two strategies
// is all that their files show; what they share is the service (App) and the
// scaffold (Serve). A wrong one differs from its right sibling by about one
// line, and says which.
//
// To add a strategy, write one file with one function of type Stopper, add
// one entry to a list in catalogue.go, and say below expect in every scenario what
// becomes of it.
package targets

import (
	"embed"
	"net"
	"strings"
)

// Stopper serves app on ln until it is told to stop, in its own way. It is the
// whole of a strategy: its return is the end of the process, with exit code 1
// if it returns an error.
type Stopper func(ln net.Listener, app *App) error

// Strategy is a named way for a server to stop.
type Strategy struct {
	Name    string
	Summary string // one sentence
	When    string // when to use it
	Costs   string // what it costs
	Verdict string // the rule that it satisfies or breaks, in words

	Faulty  bool
	Bug     string  // its number among the bugs that Bugs names, "" if it is none of them
	Sibling string  // the right strategy from which a faulty one differs by about a line
	Breaks  string  // the rule that a faulty one must fail, "" for a right one
	Shows   string  // the scenario in which a faulty one fails, and a right one does not
	See     string  // the names and flags for lastcall compare that show what it is about, where no sibling tells: see SeeIt
	Run     Stopper // what it does

	succeeds bool // it hands over to successors: see takeSeat
}

//go:embed *.go
var sources embed.FS

// Default returns the names of the default comparison.
func Default() []string { return []string{"naive", "with-cancel", "signal-notify"} }

// ByName returns the strategy of that name, and whether there is one.
func ByName(name string) (Strategy, bool) {
	for _, s := range All() {
		if s.Name == name {
			return s, true
		}
	}
	return Strategy{}, false
}

// SeeIt returns what to give lastcall compare to see what the strategy is about: it
// beside its sibling, in a scenario that tells them apart.
func (s Strategy) SeeIt() string {
	switch {
	case s.See != "":
		return s.See
	case s.Faulty:
		return strings.TrimSpace(s.Name+" "+s.Sibling) + " --scenario " + s.Shows
	}
	for _, other := range All() {
		if other.Sibling == s.Name {
			return other.SeeIt()
		}
	}
	return ""
}

// file returns the name of the strategy's file.
func (s Strategy) file() string { return strings.ReplaceAll(s.Name, "-", "") + ".go" }

// Source returns the strategy's file, the very one that was compiled.
func (s Strategy) Source() string {
	text, err := sources.ReadFile(s.file())
	if err != nil {
		return "" // embedded by the compiler: a test reads them all
	}
	return string(text)
}

// BugTitle returns what the strategy's bug is, and where it was reported, or ""
// if it has none.
func (s Strategy) BugTitle() string { return Bugs()[s.Bug] }

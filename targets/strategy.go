// Package targets is what lastcall tests: one small web service, and one file
// for each way to stop it. What differs between two strategies is all that
// their files show; what they share is the service and the scaffold (Serve).
//
// To add a strategy, write one file with one function of type Stopper and add
// one line to All.
package targets

import (
	"embed"
	"net"
	"net/http"
)

// Stopper serves handler on ln until it is told to stop, in its own way. It is
// the whole of a strategy: its return is the end of the process, with exit code
// 1 if it returns an error.
type Stopper func(ln net.Listener, handler http.Handler) error

// Strategy is a named way for a server to stop.
type Strategy struct {
	Name    string
	Summary string  // one sentence
	When    string  // when to use it
	Costs   string  // what it costs
	Verdict string  // the rule that it satisfies or breaks
	Run     Stopper // what it does
	file    string
}

//go:embed *.go
var sources embed.FS

// All returns every strategy, in the order in which they teach. The slice is
// fresh.
func All() []Strategy {
	return []Strategy{
		{
			Name:    "naive",
			Summary: "http.Serve and nothing else: the default action of SIGTERM ends the process where it stands.",
			When:    "Never in front of people; it is the control that every comparison needs.",
			Costs:   "Every request in flight at the signal, on every deploy.",
			Verdict: "breaks in-flight-completes: whoever was waiting is hung up on",
			Run:     naive, file: "naive.go",
		},
		{
			Name:    "with-cancel",
			Summary: "SIGTERM cancels a root context that every request inherits; handlers give up with 503; then Shutdown.",
			When:    "When a late answer is worth nothing and a quick, clean refusal is better.",
			Costs:   "The work of every request in flight; its client must ask again.",
			Verdict: "breaks in-flight-completes: requests are answered, but with a refusal",
			Run:     withCancel, file: "withcancel.go",
		},
		{
			Name:    "signal-notify",
			Summary: "signal.Notify, then Shutdown with a bound, and main waits for it: the textbook.",
			When:    "Nearly always; in front of a load balancer, drain for a while first.",
			Costs:   "An exit as late as the slowest request; a few requests that arrive as it closes.",
			Verdict: "satisfies in-flight-completes; late requests on idle connections can still be lost",
			Run:     signalNotify, file: "signalnotify.go",
		},
	}
}

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

// Source returns the strategy's file, the very one that was compiled.
func (s Strategy) Source() string {
	text, err := sources.ReadFile(s.file)
	if err != nil {
		return "" // embedded by the compiler: a test reads them all
	}
	return string(text)
}

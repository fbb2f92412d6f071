// Package probe parks connections in one exact state, sends the signal to a fresh
// process, and says what became of them. Load meets most states by chance and the
// narrow ones hardly ever; a probe is in its state on purpose, and proves it.
//
// One Case is one requirement, as in h2spec and the Autobahn test suite. Each is
// repeated on fresh processes. One proven loss is a proof, also where others of the
// same state went well; a pass takes all of them.
//
//	Case ──> Run (boots, parks, proves, signals) ──> Sighting ──> verdict ──> result.Probe
//
// A new probe is one entry in the list of its family's file; a new family is one
// file and one line in Catalogue.
package probe

import (
	"errors"
	"slices"
	"time"
)

// Case is one probe.
type Case struct {
	ID        string   // as in "http1/in-handler": the family, and the state
	State     string   // of the connections as the signal comes, in a few words
	Requires  string   // of the server, as a whole sentence
	Reference string   // who asks for it
	Remedy    string   // what would help a server that fails
	Bugs      []string // real servers had, by number

	// Rule is the rule whose severity a breach has under the policy. A breach that
	// is excused, as that of a race, has the severity of the rule's excuses.
	Rule     string
	Needs    []Need
	Braked   bool     // it stops the server's processes for a moment
	Variants []string // as in "cold", "warm"; none is one without a name
	Race     bool     // it is provoked, and lost by chance: the rule excuses it
	Alone    bool     // nothing else runs meanwhile: its times are of a few milliseconds

	unbooted bool // it starts its servers itself

	// run carries out one repeat. An error is why the state was not reached, or,
	// of type inapplicable, why the server cannot be probed so.
	run func(*bench) (Sighting, error)
}

// Need is something that a probe has to be told of the server.
type Need struct {
	flag  string // that tells it
	known func(Hints) bool
}

// The needs.
var (
	needSlow     = Need{"--slow-url", func(h Hints) bool { return h.Slow != "" }}
	needDownload = Need{"--download-url", func(h Hints) bool { return h.Download != "" }}
	needStream   = Need{"--stream-url", func(h Hints) bool { return h.Stream != "" }}
	needUpload   = Need{"--upload-url", func(h Hints) bool { return h.Upload != "" }}
	needSocket   = Need{"--ws-url", func(h Hints) bool { return h.Socket != "" }}
	needReady    = Need{"--ready", func(h Hints) bool { return h.Ready }}
)

// Hints say what is where on a server. Each is a path, or a URL of the server's
// host; {ms} in Slow is replaced by a number of milliseconds.
type Hints struct {
	Plain    string // answers at once, with whatever; "" is the endpoint itself
	Slow     string // takes half a second or so to answer
	Detached string // the same as Slow where the handler works on when its client has sent FIN, if that is another one
	Download string // answers with far more than the buffers of two sockets hold
	Chunked  string // the same in chunks, if that is another one
	Stream   string // an answer that does not end by itself
	Upload   string // takes the body of a POST
	Socket   string // speaks the WebSocket protocol
	Ready    bool   // a readiness check is known: Server.Ready asks it

	Header map[string]string // of every request
}

// The variants of most probes of HTTP/1: a connection that has served a request
// before is another thing to many servers than a new one.
const (
	cold = "cold"
	warm = "warm"
)

// Catalogue returns every probe, in the order in which a report shows them. The
// slice is fresh.
func Catalogue() []Case {
	return slices.Concat(
		acceptCases(),
		requestCases(), handlerCases(), answerCases(), reuseCases(), latecomerCases(), socketCases(), // http1/
		newCases(),
		signalCases(), startupCases(), // signal/
		treeCases(),
		exitCases(),
		readyCases(),
		wireCases(),
		h2Cases(),
	)
}

// Variant is a case in one of its variants.
type Variant struct {
	Case
	Name string // "" if there is only one
}

// variants returns a case once for each of its variants.
func (c Case) variants() []Variant {
	if len(c.Variants) == 0 {
		return []Variant{{c, ""}}
	}
	var all []Variant
	for _, name := range c.Variants {
		all = append(all, Variant{c, name})
	}
	return all
}

// Flags returns the flags that tell what the case needs.
func (c Case) Flags() []string { return c.missing(Hints{}) }

// missing returns the flags that would tell what the case needs.
func (c Case) missing(h Hints) (flags []string) {
	for _, need := range c.Needs {
		if !need.known(h) {
			flags = append(flags, need.flag)
		}
	}
	return flags
}

// Sighting is what one repeat saw.
type Sighting struct {
	Skip    string // why the server cannot be probed so, "" if it can
	Reached bool   // the connections were in the state as the signal came
	Why     string // not reached: why
	Proof   string // reached: by what that is known
	Lost    int    // requests or connections in the state that got less than they should
	Of      int    // that were in the state
	Bad     bool   // the requirement is broken in another way than by a loss
	Excused bool   // the breach is one that the rule excuses
	Rule    string // that is broken, if it is not the case's
	Seen    string // what became of them
}

// broken reports whether the requirement was seen broken.
func (s Sighting) broken() bool { return s.Reached && (s.Lost > 0 || s.Bad) }

// inapplicable is why a server cannot be probed in some way, which is nothing
// against it.
type inapplicable string

// Error returns the reason.
func (i inapplicable) Error() string { return string(i) }

// overdue is why a state was not reached by a lateness of our own: the server had
// answered, or was about to, as the signal came. It says nothing of the server, so
// that the repeat is tried again.
type overdue string

// Error returns the reason.
func (o overdue) Error() string { return string(o) }

// sightingOf is what a repeat saw, or why it saw nothing.
func sightingOf(s Sighting, err error) Sighting {
	if why, ok := errors.AsType[inapplicable](err); ok {
		return Sighting{Skip: string(why)}
	}
	if err != nil {
		return Sighting{Why: err.Error()}
	}
	return s
}

const (
	// settle is how long a state may take to be reached. It takes milliseconds.
	settle = 3 * time.Second
	// slowFor is how long the sample's handlers take: long enough for the signal
	// to come in the middle of it on a busy machine.
	slowFor = 600 * time.Millisecond
	// slowEnough is how long an answer must take to be called slow.
	slowEnough = 300 * time.Millisecond
)

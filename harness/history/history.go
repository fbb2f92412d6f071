// Package history holds everything that was observed in one shutdown, on one
// monotonic clock: every request, every event, and the server's own ledger.
//
//	scenario ──> harness ──> History ──> check ──> result ──> reports
//
// A History is the only value that crosses from running to judging. It judges
// nothing itself. It can be saved and read back, and judged again offline.
package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"lastcall/harness/scenario"
)

// Schema names the format of a saved history. Histories of the first format hold
// nothing of what the kernel showed, and are read too.
const (
	Schema   = "lastcall/history/v2"
	schemaV1 = "lastcall/history/v1"
)

// Header says what was run. It is a saved history's first line.
type Header struct {
	Schema      string            `json:"schema"`
	Tool        Tool              `json:"tool"`
	Environment Environment       `json:"environment"`
	Run         string            `json:"run"`                // unique to one invocation; the first part of every request's id
	Ordinal     int               `json:"ordinal"`            // of the shutdown among all of the run, from 1; the id's second part
	Subject     string            `json:"subject"`            // the subject's name
	Kind        string            `json:"kind"`               // "strategy", "command" or "running"
	Position    int               `json:"position"`           // of the subject within the run, from 0
	Subjects    int               `json:"subjects,omitempty"` // of the run; 0: not known, in a recording of old
	Shutdown    int               `json:"shutdown"`           // its repetition, from 1
	Seed        uint64            `json:"seed"`               // of the run
	Started     time.Time         `json:"started"`            // wall clock at the base of all times
	Repeats     int               `json:"repeats,omitempty"`  // how many tries came before it, in which lastcall itself ran behind its schedule
	Offers      string            `json:"offers,omitempty"`   // what the server would rather speak over TLS than HTTP/1.1 (ALPN), as in "h2"
	Scenario    scenario.Scenario `json:"scenario"`
}

// Tool says which lastcall wrote a record.
type Tool struct {
	Version string `json:"version"`
}

// Environment is the machine on which the experiment ran.
type Environment struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	CPUs   int    `json:"cpus"`
	Go     string `json:"go"`
	Kernel string `json:"kernel"`
}

// History is one shutdown: one cycle of boot, load, signal, drain and exit.
type History struct {
	Header    Header
	PID       int
	Addr      string // where the subject listened
	Events    []Event
	Signal    Signal
	Delivery  Delivery
	Operation *Operation // what was run instead of a signal; nil: a signal was sent
	Exit      Exit
	Left      Left
	Readiness Readiness
	Methods   []string // of the targets that were sent in turn, by Request.Target
	Requests  []Request
	Folded    Folded   // requests of long before the signal, which are in no Requests
	Spill     *Spill   // has the records of those, for Write; nil: they are gone
	Parked    []Parked // connections that were held beside the requests
	Kernel    Kernel
	Looks     []Look    // in order; Request.Had counts them from 1
	Closings  []Closing // from just before the signal on, in order
	Backlog   Backlog   // after the signal
	Answers   []Answer  // the first of those that went wrong after the signal
	Idle      int       // connections of the load that had served and were not in use as the process ended
	Ledger    Ledger
	Applied   Applied
	Sweep     Sweep // of a shutdown of a sweep, else zero

	Scheduled   int     // hits that the Pacer granted
	Stalls      []Stall // in which it missed hits, that were skipped and so never scheduled
	Results     int     // results that vegeta handed back, each with a sequence number of its own
	Disagreed   int     // results whose status is not the one that our transport saw
	Interrupted bool    // lastcall was stopped; nothing can be concluded

	Stderr []string // the last lines the subject wrote there
	Error  string   // why the shutdown could not be carried out, "" if it was
}

// ID returns the id that the request of that sequence number carried in its
// X-Lastcall-Id, by which ledgers and stores know it.
func (h *History) ID(seq uint32) string {
	return fmt.Sprintf("%s-%d-%d", h.Header.Run, h.Header.Ordinal, seq)
}

// Method returns the HTTP method of a request. Histories of old do not say it of
// what came from a file of requests: that had the load's, as far as they know.
func (h *History) Method(r *Request) string {
	target, l := int(r.Target), h.Header.Scenario.Load
	if target < len(h.Methods) {
		return h.Methods[target]
	}
	if target < len(l.Requests) && l.Requests[target].Method != "" {
		return l.Requests[target].Method
	}
	return l.Method
}

// At returns when the event happened, and whether it did.
func (h *History) At(name EventName) (time.Duration, bool) {
	for _, e := range h.Events {
		if e.Name == name {
			return e.At, true
		}
	}
	return 0, false
}

// Counts returns how all requests ended.
func (h *History) Counts() Counts {
	c := h.Folded.Counts
	for i := range h.Requests {
		c.Add(h.Requests[i].Outcome)
	}
	return c
}

// Request returns the record of the request of that sequence number, or nil: it was
// folded, or there was none.
func (h *History) Request(seq uint32) *Request {
	i, ok := slices.BinarySearchFunc(h.Requests, seq, func(r Request, seq uint32) int { return cmp.Compare(r.Seq, seq) })
	if !ok {
		return nil
	}
	return &h.Requests[i]
}

// NoCloseFrame is the code of a websocket that ended without a close frame. No
// such frame carries it (RFC 6455 section 7.4.1).
const NoCloseFrame = 1006

// Parked is what became of one parked connection.
type Parked struct {
	Kind string `json:"kind"`
	URL  string `json:"url,omitempty"` // as in the scenario

	Opened time.Duration `json:"opened,omitempty"` // 0: it could not be opened, and Error says why
	Ended  time.Duration `json:"ended,omitempty"`  // when the server ended it; 0: it was open when lastcall gave it up

	// Clean: the server took its leave. A websocket had a close frame before the
	// connection ended, an event stream its last chunk (RFC 9112 section 7.1). On a
	// silent or an idle connection there is nothing to say, so that any end is clean.
	Clean bool   `json:"clean,omitempty"`
	Code  int    `json:"code,omitempty"`  // of a websocket's close frame, or NoCloseFrame
	Error string `json:"error,omitempty"` // how it was cut, or why it could not be opened
}

// Told reports whether it is of a kind whose client can be told of the end.
func (p Parked) Told() bool { return p.Kind == scenario.WebSocket || p.Kind == scenario.EventStream }

// Package demo is lastcall demo: a page on which a team watches servers being told to
// stop. It shows requests as bars while they happen, a button that deploys, and what
// became of each request.
//
//	Stage (runs, judges) ──> Board (what is known) ──> Server ──> every viewer
//	  ^                                                  │
//	  └──────────── Apply, Deploy, Send ─────────────────┘
//
// The page runs nothing and judges nothing: what it shows comes from the Stage, and what it
// drives is that Stage. All viewers see the same.
package demo

import (
	"errors"
	"time"

	"lastcall/harness/history"
	"lastcall/internal/highlight"
)

// Stage is what the page drives. Its methods are called from any goroutine, with
// what Settings.Validate has let through.
type Stage interface {
	// Strategies are those that can be put on the stage.
	Strategies() []Strategy
	// Apply begins again with other settings.
	Apply(Settings) error
	// Deploy tells every server to stop. The error is ErrNotNow while one is not
	// ready for it.
	Deploy() error
	// Send sends one more signal, of Extras, to those that are stopping. The error
	// is ErrNotNow while none is.
	Send(signal string) error
}

// ErrNotNow says that something can be done, but not at this moment.
var ErrNotNow = errors.New("not now")

// Strategy is a way to stop that can be chosen.
type Strategy struct {
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Faulty  bool              `json:"faulty"`
	Source  []highlight.Piece `json:"-"`
}

// Phase is what a server is doing.
type Phase string

// The phases, in their order.
const (
	Booting  Phase = "booting"  // there is no load
	Warming  Phase = "warming"  // there is load, but it is too early to stop
	Serving  Phase = "serving"  // it can be deployed
	Stopping Phase = "stopping" // it has got the signal
	Judging  Phase = "judging"  // it is gone
	Troubled Phase = "troubled" // it could not be started
)

// Code is an outcome as a picture knows it.
type Code = history.Outcome

// Row is one request in a picture: when it began and ended, in milliseconds from
// the signal, how it ended, and where it stood when the signal came.
type Row struct {
	Start, End float64
	Outcome    Code
	Window     history.Window
}

// refresh is how often viewers are told of requests: as fast as an eye sees.
const refresh = 50 * time.Millisecond

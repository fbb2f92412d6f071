package demo

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"sync"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/bug"
)

// Board is what is known of the stage: what its servers do, what becomes of their
// requests, and what was judged. The Stage writes on it, viewers read from it.
type Board struct {
	texts Texts
	base  time.Time // of the clock that viewers see

	mu          sync.Mutex // guards what follows: panels are written from one goroutine each, and read by every viewer
	settings    Settings
	panels      []*panel
	deployments int
	announced   string
	tallies     []Tally
	hub         hub
}

// NewBoard returns a board with nothing on it.
func NewBoard(t Texts) *Board { return &Board{texts: t, base: time.Now()} }

// Reset clears the board for other settings.
func (b *Board) Reset(s Settings) {
	b.mu.Lock() // no viewer sees half of it
	defer b.mu.Unlock()
	b.forget(s)
	b.settings, b.panels, b.announced = s, nil, ""
	for _, name := range s.Panels {
		b.panels = append(b.panels, &panel{Strategy: name, Phase: Booting})
	}
	b.publish("state", b.state())
}

// SetPhase says what a panel's server is doing.
func (b *Board) SetPhase(panel int, phase Phase) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	p := b.panels[panel]
	if p.Phase == phase {
		return
	}
	p.Phase, p.Trouble = phase, ""
	b.publish("state", b.state())
}

// SetTrouble says why a panel's server could not be run.
func (b *Board) SetTrouble(panel int, why string) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.panels[panel].Phase, b.panels[panel].Trouble = Troubled, why
	b.publish("state", b.state())
}

// Ready reports whether every server can be told to stop.
func (b *Board) Ready() bool {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	return b.ready()
}

func (b *Board) ready() bool { return len(b.panels) > 0 && b.every(Serving) }

func (b *Board) every(phase Phase) bool {
	for _, p := range b.panels {
		if p.Phase != phase {
			return false
		}
	}
	return true
}

// Settings returns what the viewers see.
func (b *Board) Settings() Settings {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	return b.settings
}

// Stopping returns which panels' servers have got the signal.
func (b *Board) Stopping() (all []int) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	for i, p := range b.panels {
		if p.Phase == Stopping {
			all = append(all, i)
		}
	}
	return all
}

// Deploying says that all servers are about to be told to stop.
func (b *Board) Deploying() {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.deployments++
	b.announced = ""
	for _, p := range b.panels {
		p.Phase, p.Result, p.picture = Stopping, nil, nil
	}
	b.publish("state", b.state())
}

// SetMissed says how many requests of a panel could not be seen as they happened.
func (b *Board) SetMissed(panel, n int) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.panels[panel].missed = n
}

// Request says that a request has begun or ended. Its times count from the base.
func (b *Board) Request(panel int, base time.Time, r history.Request) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.panels[panel].see(base, b.ms(base), r)
}

// Event says that something happened to a panel's server.
func (b *Board) Event(panel int, base time.Time, e history.Event) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.panels[panel].happened(base, b.ms(base), e)
}

// Deployed says what came of a deployment.
func (b *Board) Deployed(panel int, h *history.History, s result.Subject) {
	view := picture(h) // which takes a moment, while no lock is held
	b.mu.Lock()        // see Board.mu
	defer b.mu.Unlock()
	p := b.panels[panel]
	p.Result = b.conclude(s)
	view.Panel, view.Deployment = panel, b.deployments
	p.picture = &view
	b.tally(s)
	b.announce()
	b.publish("picture", view)
	b.publish("state", b.state())
}

// announce says what became of everybody once the last panel is judged: a screen
// reader would be interrupted by each of them.
func (b *Board) announce() {
	var all []string
	for _, p := range b.panels {
		if p.Result == nil {
			return
		}
		all = append(all, p.Result.Sentence)
	}
	b.announced = strings.Join(all, " ")
}

// ms is a time on the clock that viewers see, in milliseconds.
func (b *Board) ms(t time.Time) float64 { return milliseconds(t.Sub(b.base)) }

// milliseconds rounds to a tenth: a pixel is more.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*10) / 10
}

// Watch adds a viewer. What it gets first is all that is known.
func (b *Board) Watch() (*viewer, error) {
	b.mu.Lock() // nothing may be published between the state and what follows it
	defer b.mu.Unlock()
	first := [][]byte{message("state", b.state())}
	for _, p := range b.panels {
		if p.picture != nil {
			first = append(first, message("picture", p.picture))
		}
	}
	return b.hub.join(first...)
}

// Leave removes a viewer.
func (b *Board) Leave(v *viewer) {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	b.hub.leave(v)
}

// Run sends what happens to the viewers until the context ends.
func (b *Board) Run(ctx context.Context) {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	defer bug.Catch()
	for {
		select {
		case <-tick.C:
			b.flush()
		case <-ctx.Done():
			return
		}
	}
}

// flush sends what came since the last time.
func (b *Board) flush() {
	b.mu.Lock() // see Board.mu
	defer b.mu.Unlock()
	f := frame{Now: b.ms(time.Now())}
	for _, p := range b.panels {
		f.Panels = append(f.Panels, p.flush())
	}
	if len(b.hub.viewers) > 0 {
		b.publish("frame", f)
	}
}

func (b *Board) publish(kind string, v any) { b.hub.publish(message(kind, v)) }

// message is a server-sent event.
func message(kind string, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("null") // numbers and texts can all be written
	}
	return []byte("event: " + kind + "\ndata: " + string(text) + "\n\n")
}

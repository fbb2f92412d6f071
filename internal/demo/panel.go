package demo

import (
	"time"

	"lastcall/harness/history"
)

// mostSeen bounds what a panel shows in one frame: more than that is a blur. What
// is left out is counted, and shown.
const mostSeen = 500

// panel is one server of the stage.
type panel struct {
	Strategy string   `json:"strategy"`
	Phase    Phase    `json:"phase"`
	Trouble  string   `json:"trouble,omitempty"`
	Result   *Outcome `json:"result,omitempty"` // of the last deployment

	base    time.Time // of the process that is loaded now
	run     int       // how many processes there have been
	counts  Counts
	missed  int // by the feed
	unseen  int // left out of frames
	begun   []float64
	ended   []float64
	marks   []Mark
	picture *Picture
}

// Counts is what has become of the requests to one process.
type Counts struct {
	Open      int `json:"open"`
	Completed int `json:"completed"`
	Rejected  int `json:"rejected"`
	Refused   int `json:"refused"`
	Lost      int `json:"lost"` // dropped, or answered wrongly
}

// Mark is something that happened to a server.
type Mark struct {
	Name history.EventName `json:"name"`
	At   float64           `json:"at"` // in milliseconds
}

// frame is what happened within one refresh.
type frame struct {
	Now    float64      `json:"now"`
	Panels []panelFrame `json:"panels"`
}

type panelFrame struct {
	Run    int       `json:"run"`
	Counts Counts    `json:"counts"`
	Missed int       `json:"missed,omitempty"`
	Begun  []float64 `json:"b,omitempty"` // number, begin; number, begin; ...
	Ended  []float64 `json:"e,omitempty"` // number, begin, end, outcome; ...
	Marks  []Mark    `json:"marks,omitempty"`
}

// meet notes that what follows is of another process.
func (p *panel) meet(base time.Time) {
	if !p.base.Equal(base) {
		p.base, p.counts = base, Counts{}
		p.run++
		p.begun, p.ended, p.marks = nil, nil, nil
	}
}

// see notes a request; zero is the base of its times on the viewers' clock.
func (p *panel) see(base time.Time, zero float64, r history.Request) {
	p.meet(base)
	began := zero + milliseconds(r.Started)
	if r.Outcome == history.Pending {
		p.counts.Open++
		if p.room() {
			p.begun = append(p.begun, float64(r.Seq), tenth(began))
		}
		return
	}
	p.counts.end(r.Outcome)
	if p.room() {
		p.ended = append(p.ended, float64(r.Seq), tenth(began), tenth(zero+milliseconds(r.End)), float64(r.Outcome))
	}
}

// room reports whether another request can be shown in this frame.
func (p *panel) room() bool {
	if len(p.begun)/2+len(p.ended)/4 < mostSeen {
		return true
	}
	p.unseen++
	return false
}

func (p *panel) happened(base time.Time, zero float64, e history.Event) {
	p.meet(base)
	p.marks = append(p.marks, Mark{e.Name, tenth(zero + milliseconds(e.At))})
}

// end notes that one that was open has ended.
func (c *Counts) end(o history.Outcome) {
	c.Open = max(0, c.Open-1) // its beginning may have been missed
	switch o {
	case history.Completed:
		c.Completed++
	case history.Rejected:
		c.Rejected++
	case history.Refused:
		c.Refused++
	case history.Dropped, history.Failed:
		c.Lost++
	case history.Pending, history.Unsent:
	}
}

// flush returns what came since the last time, and forgets it.
func (p *panel) flush() panelFrame {
	f := panelFrame{
		Run: p.run, Counts: p.counts, Missed: p.missed + p.unseen,
		Begun: p.begun, Ended: p.ended, Marks: p.marks,
	}
	p.begun, p.ended, p.marks = nil, nil, nil
	return f
}

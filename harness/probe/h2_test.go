package probe

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// parts are how a server can behave: it takes its streams, waits for the signal,
// and then does what its name says.
var parts = map[string]func(*peer, []uint32){
	"goes as it should": func(p *peer, ids []uint32) {
		last := ids[len(ids)-1]
		_ = p.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
		_ = p.WriteGoAway(last, http2.ErrCodeNo, nil)
		for _, id := range ids {
			p.answer(id, "200")
		}
	},
	"cuts the streams off": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[len(ids)-1], http2.ErrCodeNo, nil)
		p.answer(ids[0], "200")
	},
	"tells nobody": func(p *peer, ids []uint32) {
		for _, id := range ids {
			p.answer(id, "200")
		}
	},
	"disowns what it answers": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[0]-1, http2.ErrCodeNo, nil)
		for _, id := range ids {
			p.answer(id, "200")
		}
	},
	"takes it back": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[len(ids)-1], http2.ErrCodeNo, nil)
		_ = p.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
		for _, id := range ids {
			p.answer(id, "200")
		}
	},
	"goes with an error": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[len(ids)-1], http2.ErrCodeInternal, nil)
		for _, id := range ids {
			p.answer(id, "200")
		}
	},
	"answers 503": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[len(ids)-1], http2.ErrCodeNo, nil)
		for _, id := range ids {
			p.answer(id, "503")
		}
	},
	"resets the streams": func(p *peer, ids []uint32) {
		_ = p.WriteGoAway(ids[len(ids)-1], http2.ErrCodeNo, nil)
		for _, id := range ids {
			_ = p.WriteRSTStream(id, http2.ErrCodeCancel)
		}
	},
}

// onSignal is a script that does a part after so many streams.
func onSignal(streams int, part func(*peer, []uint32)) func(*peer) {
	return func(p *peer) {
		ids := p.take(streams)
		if len(ids) < streams {
			return
		}
		<-p.told
		part(p, ids)
	}
}

func TestH2InFlight(t *testing.T) {
	for name, want := range map[string]struct {
		lost int
		bad  bool
		says string
	}{
		"goes as it should":       {0, false, "0 of 8 lost: 8 answered 200; GOAWAY came after"},
		"cuts the streams off":    {7, false, "7 of 8 lost: 7 not answered, 1 answered 200"},
		"tells nobody":            {0, false, "no GOAWAY came"},
		"disowns what it answers": {0, true, "below stream 1, which was answered"},
		"answers 503":             {8, false, "8 answered 503"},
		"resets the streams":      {8, false, "8 reset with CANCEL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := h2InFlight(newH2Script(t, onSignal(h2Streams, parts[name])))
			if err != nil || !s.Reached || s.Lost != want.lost || s.Bad != want.bad || s.Of != h2Streams || !strings.Contains(s.Seen, want.says) {
				t.Errorf("%+v, %v; want %+v", s, err, want)
			}
		})
	}
}

func TestH2GoawayOrder(t *testing.T) {
	for name, want := range map[string]struct {
		lost int
		bad  bool
		says string
		rule string
	}{
		"goes as it should":       {0, false, "with last-stream-id 2147483647, and after", ""},
		"cuts the streams off":    {1, true, "streams open then: 1", ruleInFlight},
		"tells nobody":            {0, true, "the client got no GOAWAY", ""},
		"disowns what it answers": {0, true, "the last-stream-id is below stream 1, which was answered", ""},
		"takes it back":           {0, true, "the last-stream-id went up from 3 to 2147483647", ""},
		"goes with an error":      {0, true, "the GOAWAY has the error INTERNAL_ERROR", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newH2Script(t, onSignal(2, parts[name]))
			b.variant = atWork
			s, err := h2GoawayOrder(b)
			if err != nil || !s.Reached || s.Lost != want.lost || s.Bad != want.bad || s.Rule != want.rule || !strings.Contains(s.Seen, want.says) {
				t.Errorf("%+v, %v; want %+v", s, err, want)
			}
		})
	}
}

func TestH2GoawayOrderOfAnIdleConnection(t *testing.T) {
	for _, tells := range []bool{true, false} {
		b := newH2Script(t, func(p *peer) {
			ids := p.take(1)
			if len(ids) == 0 {
				return
			}
			p.answer(ids[0], "200")
			<-p.told
			if tells {
				_ = p.WriteGoAway(ids[0], http2.ErrCodeNo, nil)
			}
		})
		b.variant = idle
		if s, err := h2GoawayOrder(b); err != nil || !s.Reached || s.Bad == tells || s.Lost > 0 || s.Of != 0 {
			t.Errorf("it tells: %t; %+v, %v", tells, s, err)
		}
	}
}

// late is a script that takes one stream in hand and some that come after the
// signal, and then does something with those. All others are above its
// last-stream-id.
func late(part func(p *peer, ids []uint32)) func(*peer) {
	return func(p *peer) {
		first := p.take(1)
		if len(first) == 0 {
			return
		}
		<-p.told
		ids := p.take(3)
		if len(ids) < 3 {
			return
		}
		part(p, ids)
		p.answer(first[0], "200")
		p.rest()
	}
}

func TestH2LateStream(t *testing.T) {
	for name, tt := range map[string]struct {
		part func(*peer, []uint32)
		lost int
		says string
	}{
		"answered": {func(p *peer, ids []uint32) {
			_ = p.WriteGoAway(ids[2], http2.ErrCodeNo, nil)
			for _, id := range ids {
				p.answer(id, "503")
			}
		}, 0, "3 answered 503"},
		"refused": {func(p *peer, ids []uint32) {
			_ = p.WriteGoAway(ids[2], http2.ErrCodeNo, nil)
			for _, id := range ids {
				_ = p.WriteRSTStream(id, http2.ErrCodeRefusedStream)
			}
		}, 0, "3 refused with REFUSED_STREAM"},
		"above": {func(p *peer, _ []uint32) {
			_ = p.WriteGoAway(1, http2.ErrCodeNo, nil)
		}, 0, "above the last-stream-id"},
		"dropped": {func(p *peer, ids []uint32) {
			_ = p.WriteGoAway(ids[2], http2.ErrCodeNo, nil)
			p.answer(ids[1], "200")
			p.answer(1, "200")
			time.Sleep(2 * afterGoaway) // let the client open those that are above
			p.Close()
		}, 2, "2 not answered"},
		"cancelled": {func(p *peer, ids []uint32) {
			_ = p.WriteGoAway(ids[2], http2.ErrCodeNo, nil)
			for _, id := range ids {
				_ = p.WriteRSTStream(id, http2.ErrCodeInternal)
			}
		}, 3, "3 reset with INTERNAL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := h2LateStream(newH2Script(t, late(tt.part)))
			if err != nil || !s.Reached || s.Lost != tt.lost || s.Of < 3 || !strings.Contains(s.Seen, tt.says) {
				t.Errorf("%+v, %v; want %d lost, and %q", s, err, tt.lost, tt.says)
			}
		})
	}
}

// TestH2PrefaceAfterSignal: the first connection keeps the server busy; what the
// second meets is the script's.
func TestH2PrefaceAfterSignal(t *testing.T) {
	for name, tt := range map[string]struct {
		second func(*peer)
		bad    bool
		says   string
	}{
		"serves on and tells nobody": {func(p *peer) {
			for id := range p.streams {
				p.answer(id, "200")
			}
		}, true, "it was served without a GOAWAY"},
		"tells it": {func(p *peer) {
			for _, id := range p.take(2) {
				p.answer(id, "200")
			}
			_ = p.WriteGoAway(3, http2.ErrCodeNo, nil)
		}, false, "streams answered: 2"},
		"says nothing": {func(p *peer) { p.rest() }, true, "neither served nor closed, and got no GOAWAY"},
		"hangs up":     {func(*peer) {}, false, ""}, // before the client speaks, or after that
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := h2PrefaceAfterSignal(newH2Script(t, func(p *peer) {
				select {
				case <-p.told: // its preface came after the signal
					tt.second(p)
				default:
					p.rest()
				}
			}))
			if err != nil || !s.Reached || s.Bad != tt.bad || !strings.Contains(s.Seen, tt.says) {
				t.Errorf("%+v, %v; want bad: %t, and %q", s, err, tt.bad, tt.says)
			}
		})
	}
}

// TestWhoSpeaksNoHTTP2IsSkipped, with what it said instead.
func TestWhoSpeaksNoHTTP2IsSkipped(t *testing.T) {
	for want, play := range map[string]func(net.Conn, chan struct{}){
		`it answered the preface with "HTTP/1.1 400 Bad Request"`: func(c net.Conn, _ chan struct{}) {
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		},
		"without TLS: the connection was ": func(c net.Conn, _ chan struct{}) { _, _ = c.Read(make([]byte, 100)) },
	} {
		for _, c := range h2Cases() {
			_, err := c.run(newRawScript(t, play))
			if _, ok := errors.AsType[inapplicable](err); !ok || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want one that does not apply, with %q", c.ID, err, want)
			}
		}
	}
}

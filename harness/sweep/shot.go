package sweep

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/ledger"
	"lastcall/harness/load"
	"lastcall/harness/scenario"
)

// lane is a kind of connection.
type lane int

const (
	reused lane = iota // has served one request, and is idle
	fresh              // is made for the request
)

// shot is one request, sent once.
type shot struct {
	lane    lane
	due     time.Duration // from the signal: when it is meant to be sent
	request []byte
	method  string

	socket   *socket         // until everything was sent
	conn     *net.TCPConn    // from then on
	deadline time.Time       // of the answer
	record   history.Request // its times are the shutdown's

	written time.Duration // just after the system call that sent it, or showed that it cannot be
	stamped time.Duration // when the kernel put it onto the network, 0: not known
	skipped bool          // it was not sent, its turn being over
	ahead   bool          // its connection was begun before the signal
}

// shots plans the n requests of one shutdown, in order of due time. They are spread
// over all bins, but for a jitter that the seed decides: requests that come at one
// beat could miss what a server does in between. Each bin gets as many as its weight
// says. Where there are fewer requests than bins it is another bin's turn each time.
func (p *Plan) shots(number, n int, l lane, weights []float64) []*shot {
	source := rand.New(rand.NewPCG(p.Seed, uint64(number)))
	whole := 0.0
	for _, w := range weights {
		whole += w
	}
	var all []*shot
	bin, below := 0, 0.0 // below is the weight of all bins before this one
	for i := range n {
		at := (float64(i) + source.Float64()) / float64(n) * whole
		for bin < len(weights)-1 && at >= below+weights[bin] {
			below += weights[bin]
			bin++
		}
		from, to := p.Grid.Edges(bin)
		within := min(max(0, (at-below)/weights[bin]), 1)
		due := from + time.Duration(within*float64(to-from))
		all = append(all, &shot{lane: l, due: min(due, to-1)})
	}
	return all
}

// pilotLead is how long before the first bin the pilot is sent.
const pilotLead = 500 * time.Microsecond

// newPilot plans a request before the others, which no ledger knows. The first time
// that a thread comes this way it takes longer than a step can be.
func (s *shutdown) newPilot() (*shot, error) {
	text, err := render(s.target, "")
	first, _ := s.plan.Grid.Edges(0)
	return &shot{lane: s.lane, due: min(first, 0) - pilotLead, request: text}, err
}

// writeRequests writes the request of every shot as it will be sent.
func (s *shutdown) writeRequests() error {
	for seq, shot := range s.shots {
		id := ledger.ID(s.history.Header.Run, s.history.Header.Ordinal, uint32(seq))
		text, err := render(s.target, id)
		if err != nil {
			return err
		}
		shot.request, shot.method = text, s.target.Method
		r := &shot.record
		r.Seq, r.Conn, r.Attempts = uint32(seq), uint32(seq)+1, 1
		r.Pooled = shot.lane == reused
		r.Idempotent = idempotent(s.target.Method)
	}
	return nil
}

// render returns a request as it stands on the wire. Without an id it is one that
// no ledger knows.
func render(t load.Target, id string) ([]byte, error) {
	fill := func(text string) string { return strings.ReplaceAll(text, scenario.IDMark, cmp.Or(id, "warm-up")) }
	body := []byte(fill(string(t.Body)))
	req, err := http.NewRequest(t.Method, fill(t.URL), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for name, values := range t.Header {
		for _, value := range values {
			req.Header.Add(name, fill(value))
		}
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if id != "" {
		req.Header.Set(ledger.HeaderID, id)
	}
	var text bytes.Buffer
	if err := req.Write(&text); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return text.Bytes(), nil
}

// idempotent reports whether a client may repeat a request of that method by
// itself (RFC 9110 section 9.2.2).
func idempotent(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPatch:
		return false
	}
	return true
}

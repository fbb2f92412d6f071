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

	conn   *net.TCPConn    // reused: from the beginning; fresh: once everything was sent
	socket *socket         // fresh: until then
	record history.Request // its times are the shutdown's
}

// shots plans the requests of one shutdown, in order of due time. They are spread
// evenly over all bins, but for a jitter that the seed decides: requests that come
// at one beat could miss what a server does in between, and where there are fewer
// of them than bins it is another bin's turn each time.
func (p *Plan) shots(number int, l lane) []*shot {
	source := rand.New(rand.NewPCG(p.Seed, uint64(number)))
	first, _ := p.Grid.Edges(0)
	_, last := p.Grid.Edges(p.Grid.Bins() - 1)
	n := p.connections()
	var all []*shot
	for i := range n {
		part := (float64(i) + source.Float64()) / float64(n)
		all = append(all, &shot{lane: l, due: first + time.Duration(part*float64(last-first))})
	}
	return all
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
	fill := func(text string) string { return strings.ReplaceAll(text, load.IDMark, cmp.Or(id, "warm-up")) }
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

package probe

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/ledger"
)

// request is one that is about to be written.
type request struct {
	method string
	id     string
	text   string // its head, with the empty line at its end
}

// slowMark is replaced by a number of milliseconds in Hints.Slow.
const slowMark = "{ms}"

// plain is a request that is answered at once.
func (b *bench) plain(headers ...string) (request, error) {
	return b.request(b.plan.Hints.Plain, headers...)
}

// slow is a request that keeps the server busy for so long, where it can be told,
// else for as long as it takes.
func (b *bench) slow(d time.Duration, headers ...string) (request, error) {
	hint := strings.ReplaceAll(b.plan.Hints.Slow, slowMark, strconv.FormatInt(d.Milliseconds(), 10))
	return b.request(hint, headers...)
}

// request writes a request: [METHOD ]URL, and header lines.
func (b *bench) request(hint string, headers ...string) (request, error) {
	r := request{method: "GET"}
	if method, rest, ok := strings.Cut(hint, " "); ok {
		r.method, hint = method, strings.TrimSpace(rest)
	}
	text, err := b.server.Endpoint().At(hint)
	if err != nil {
		return r, fmt.Errorf("a request %w", err)
	}
	u, err := url.Parse(text)
	if err != nil {
		return r, err
	}
	b.seq++
	r.id = ledger.ID(b.run, b.ordinal, b.seq)
	lines := []string{
		r.method + " " + u.RequestURI() + " HTTP/1.1", "Host: " + u.Host, "User-Agent: lastcall", ledger.HeaderID + ": " + r.id,
	}
	for _, name := range slices.Sorted(maps.Keys(b.plan.Hints.Header)) {
		lines = append(lines, name+": "+b.plan.Hints.Header[name])
	}
	r.text = strings.Join(append(lines, headers...), "\r\n") + "\r\n\r\n"
	return r, nil
}

// facts in the ledger: received reports whether the server wrote that it has the
// request.
func (b *bench) received(id string) bool {
	file, err := ledger.OpenRead(b.server.Ledger().Path())
	if err != nil {
		return false
	}
	defer file.Close()
	found := false
	_, err = ledger.Parse(file, func(l ledger.Line) { found = found || l == ledger.Line{ID: id, Fact: ledger.Received} })
	return err == nil && found
}

// ask writes a request and reads the answer to it.
func (b *bench) ask(c *conn, r request) answer {
	if err := c.write(r.text); err != nil {
		return answer{err: err, end: c.last, bare: true}
	}
	return c.answer(r.method, time.Now().Add(b.plan.Grace+settle), nil)
}

// open connects, and in the variant warm lets the connection serve a request.
func (b *bench) open() (*conn, error) {
	c, err := b.dial()
	if err == nil && b.variant == warm {
		err = b.warmUp(c)
	}
	return c, err
}

// warmUp lets a connection serve a request. The error says that it does not stay
// open for another.
func (b *bench) warmUp(c *conn) error {
	r, err := b.plain()
	if err != nil {
		return err
	}
	a := b.ask(c, r)
	switch {
	case !a.whole:
		return fmt.Errorf("its first request was %s", a)
	case a.close:
		return errNoKeepAlive
	}
	return nil
}

// errNoKeepAlive says that there are no kept-alive connections to be probed.
const errNoKeepAlive = inapplicable("the server closes every connection after one answer")

// working waits until the server works on a request that was written: it says so
// in its ledger, or, where it keeps none, it has read all of it. The proof says
// which; in either case no answer has come.
func (b *bench) working(c *conn, r request) (proof string, err error) {
	proof = "the server had read the whole request and sent nothing"
	look := c.taken
	if b.facts.ledger {
		proof = "the server's ledger said received, and nothing had come back"
		look = func() error {
			if !b.received(r.id) {
				return errors.New("its ledger does not say that it received the request")
			}
			return nil
		}
	}
	if err := b.await(look); err != nil {
		return "", err
	}
	if c.hungUp() {
		return "", overdue("the answer came before the signal could")
	}
	return proof, nil
}

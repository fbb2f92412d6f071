package probe

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// requestCases are about requests that are not yet sent to their end.
func requestCases() []Case {
	return []Case{
		{
			ID: "http1/partial-head", State: "part of the request's head sent", Variants: []string{cold, warm},
			Requires:  "A request whose head is half sent is served when the rest comes, or its connection is closed. A client that never sends the rest does not delay the exit.",
			Reference: "RFC 9112 section 9.5; hyperium/hyper #3233",
			Remedy:    "Bound the wait for a head (in Go: http.Server.ReadHeaderTimeout).",
			Bugs:      []string{"B49"}, Rule: ruleGrace, run: partialHead,
		},
		{
			ID: "http1/expect-100", State: "head with Expect sent, body withheld", Needs: []Need{needUpload},
			Requires:  "A client that waits with its body gets a final status without 100 Continue, or 100 Continue and then a real answer. It never gets 100 and then 503 or a closed connection.",
			Reference: "RFC 9110 section 10.1.1; OpenLiberty/open-liberty #20070",
			Remedy:    "Decide before you send 100 Continue: after it the request is in flight, and must be answered.",
			Bugs:      []string{"B45"}, Rule: ruleInFlight, run: expectContinue,
		},
		{
			ID: "http1/partial-body", State: "half of the announced body sent", Variants: []string{cold, warm}, Needs: []Need{needUpload},
			Requires:  "An upload that has begun is read to its end, and answered.",
			Reference: "RFC 9112 section 9.6; Go net/http Server.Shutdown",
			Remedy:    "Count a request as in flight as soon as its head has come, and read its body to the end before the process ends.",
			Bugs:      []string{"B05"}, Rule: ruleInFlight, run: partialBody,
		},
	}
}

// breath is what lies between the signal and what a client does next: long enough
// for the server to have handled the signal.
const breath = 100 * time.Millisecond

// partialHead parks two connections: one sends the rest after the signal, the
// other never does.
func partialHead(b *bench) (s Sighting, err error) {
	var half [2]sent
	for i := range half {
		if half[i].conn, err = b.open(); err != nil {
			return s, err
		}
		if half[i].request, err = b.plain(); err != nil {
			return s, err
		}
		if err = half[i].write(half[i].text[:len(half[i].text)/2]); err != nil {
			return s, err
		}
	}
	for _, h := range half {
		if err := b.await(h.taken); err != nil {
			return s, err
		}
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(breath); err != nil {
		return s, err
	}
	seen := "the connection was closed before the rest was sent"
	if rest := half[0]; !rest.hungUp() {
		a := answer{bare: true, end: reset}
		if err := rest.write(rest.text[len(rest.text)/2:]); err == nil {
			a = rest.answer(rest.method, b.until(), nil)
		}
		rest.close() // kept alive, it could hold the exit in its own right
		seen = "with the rest sent it was " + a.String()
		s.Bad = a.end == timeout || !a.whole && !a.bare
	}
	end, err := b.awaitExit()
	if err != nil {
		return s, err
	}
	s.Reached, s.Proof = true, "the server had read the bytes that were sent"
	s.Bad = s.Bad || end.killed
	s.Seen = fmt.Sprintf("%s; %s", seen, end)
	return s, nil
}

// uploadSize is how much is uploaded, in bytes: more than servers read ahead.
const uploadSize = 64 << 10

// upload is an upload's head and body, and the status that it has without a
// signal.
type upload struct {
	request
	body   string
	status int
}

// newUpload tries an upload out, and prepares another.
func (b *bench) newUpload(headers ...string) (u upload, err error) {
	u.body = strings.Repeat("lastcall", uploadSize/8)
	head := []string{fmt.Sprintf("Content-Length: %d", len(u.body)), "Content-Type: application/octet-stream"}
	first, err := b.request(b.plan.Hints.Upload, head...)
	if err != nil {
		return u, err
	}
	c, err := b.dial()
	if err != nil {
		return u, err
	}
	a := answer{}
	if err := c.write(first.text + u.body); err == nil {
		a = c.answer(first.method, b.soon(), nil)
	}
	c.close() // kept alive, it could keep a server with one worker from the next
	if u.status = a.status; !a.whole || a.status >= http.StatusBadRequest {
		return u, inapplicable("also without a signal the upload is " + a.String())
	}
	u.request, err = b.request(b.plan.Hints.Upload, append(head, headers...)...)
	return u, err
}

// sighting is that of one upload.
func (u upload) sighting(proof, before string, a answer) Sighting {
	s := Sighting{Reached: true, Of: 1, Proof: proof, Seen: before + a.String()}
	if !a.whole || a.status != u.status {
		s.Lost = 1
	}
	if a.whole && a.status != u.status {
		s.Seen += fmt.Sprintf("; without the signal it is %d", u.status)
	}
	return s
}

func partialBody(b *bench) (s Sighting, err error) {
	u, err := b.newUpload()
	if err != nil {
		return s, err
	}
	c, err := b.open()
	if err != nil {
		return s, err
	}
	half := len(u.body) / 2
	if err := c.write(u.text + u.body[:half]); err != nil {
		return s, err
	}
	if err := b.await(c.taken); err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(breath); err != nil {
		return s, err
	}
	_ = c.write(u.body[half:]) // an answer can have come before, which tells more than the error
	proof := fmt.Sprintf("the server had read the head and %d of %d bytes", half, len(u.body))
	return u.sighting(proof, "", c.answer(u.method, b.until(), nil)), nil
}

// expectContinue withholds the body until the server asks for it, or for a while:
// some ask only when they want to read it.
func expectContinue(b *bench) (s Sighting, err error) {
	u, err := b.newUpload("Expect: 100-continue")
	if err != nil {
		return s, err
	}
	c, err := b.dial()
	if err != nil {
		return s, err
	}
	if err := c.write(u.text); err != nil {
		return s, err
	}
	if err := b.await(func() error {
		if c.hungUp() { // an answer tells more than that it was read
			return nil
		}
		return c.taken()
	}); err != nil {
		return s, err
	}
	told, err := c.asked(time.Now().Add(time.Second))
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(breath); err != nil {
		return s, err
	}
	proof, before := "the server had read the head, and had not asked for the body", ""
	if told {
		proof, before = "the server had read the head, and had asked for the body with 100 Continue", "100 before the signal, then "
		_ = c.write(u.body) // as in partialBody
		return u.sighting(proof, before, c.answer(u.method, b.until(), nil)), nil
	}
	return b.withheld(c, u, proof)
}

// withheld goes on with a client that was not asked for its body before the signal.
func (b *bench) withheld(c *conn, u upload, proof string) (Sighting, error) {
	asked := false
	a := c.answer(u.method, time.Now().Add(time.Second), func(status int) {
		if status == http.StatusContinue {
			asked = true
			_ = c.write(u.body) // as in partialBody
		}
	})
	if a.whole && !asked { // the client can go elsewhere: it has sent no body
		return Sighting{Reached: true, Of: 1, Proof: proof, Seen: a.String() + " before 100"}, nil
	}
	if a.end == timeout && !asked { // a client need not wait for ever (RFC 9110 section 10.1.1)
		_ = c.write(u.body)
		a = c.answer(u.method, b.until(), nil)
	}
	before := ""
	if asked {
		before = "100 after the signal, then "
	}
	return u.sighting(proof, before, a), nil
}

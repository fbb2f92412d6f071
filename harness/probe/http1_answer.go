package probe

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// answerCases are about answers that have begun.
func answerCases() []Case {
	return []Case{
		{
			ID: "http1/mid-response", State: "part of the answer read, slow reader", Variants: []string{byLength, inChunks}, Needs: []Need{needDownload},
			Requires:  "An answer that has begun is sent completely, also to a client that reads slowly.",
			Reference: "RFC 9112 section 8; gofiber/fiber #4701",
			Remedy:    "Wait for the answers, not only for the handlers, before the process ends.",
			Bugs:      []string{"B05", "B11"}, Rule: ruleInFlight, run: midResponse,
		},
		{
			ID: "http1/endless-stream", State: "first events of a stream read", Needs: []Need{needStream},
			Requires:  "An answer without an end gets a proper end within the grace period, and does not delay the exit.",
			Reference: "tokio-rs/axum #2673; grpc/grpc-go #5225; RFC 9112 section 8",
			Remedy:    "Notify the handlers of streams at the signal (in Go: http.Server.RegisterOnShutdown), and let them return.",
			Bugs:      []string{"B16", "B51"}, Rule: ruleInFlight, run: endlessStream,
		},
	}
}

// The variants of an answer under way: how its end is told.
const (
	byLength = "length"
	inChunks = "chunked"
)

// smallWindow is the receive buffer of a slow reader, in bytes.
const smallWindow = 32 << 10

// midResponse reads the begin of an answer, and then nothing until some time after
// the signal. The process must still have had something to write: what the
// kernel's buffers hold comes whatever the process does.
func midResponse(b *bench) (s Sighting, err error) {
	c, a, resp, err := b.begun()
	if err != nil {
		return s, err
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		return s, fmt.Errorf("its body did not begin: %w", err)
	}
	if err := b.pause(breath / 2); err != nil { // for the buffers to fill
		return s, err
	}
	buffered, err := c.underway()
	if err != nil {
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	if err := b.pause(3 * breath); err != nil {
		return s, err
	}
	a = c.body(a, resp, b.until())
	if a.whole && a.got <= int64(buffered) {
		return s, inapplicable(fmt.Sprintf("the answer is too small: its last %d bytes were in the kernel's buffers: name a larger one with %s", a.got, map[string]string{byLength: "--download-url", inChunks: "--chunked-url"}[b.variant]))
	}
	s = Sighting{Reached: true, Of: 1, Proof: fmt.Sprintf("the answer had begun, and %d bytes of it lay in the kernel's buffers", buffered), Seen: a.String()}
	if a.whole {
		s.Seen += fmt.Sprintf(", %d bytes after the signal", a.got)
	} else {
		s.Lost = 1
	}
	return s, nil
}

// begun asks for the answer of the variant, and reads its head.
func (b *bench) begun() (*conn, answer, *http.Response, error) {
	hint := b.plan.Hints.Download
	if b.variant == inChunks && b.plan.Hints.Chunked != "" {
		hint = b.plan.Hints.Chunked
	}
	c, err := b.dialSmall(smallWindow)
	if err != nil {
		return nil, answer{}, nil, err
	}
	r, err := b.request(hint)
	if err != nil {
		return nil, answer{}, nil, err
	}
	if err := c.write(r.text); err != nil {
		return nil, answer{}, nil, err
	}
	a, resp := c.head(r.method, b.soon(), nil)
	switch {
	case resp == nil:
		return nil, a, nil, fmt.Errorf("the download was %s", a)
	case a.status >= http.StatusBadRequest:
		return nil, a, nil, inapplicable(fmt.Sprintf("also without a signal the download is answered %d", a.status))
	case a.chunked && b.variant == byLength:
		return nil, a, nil, inapplicable("the answer comes in chunks: name one with a Content-Length with --download-url, and this one with --chunked-url")
	case !a.chunked && b.variant == inChunks:
		return nil, a, nil, inapplicable("the answer does not come in chunks: name a large one in chunks with --chunked-url")
	}
	return c, a, resp, nil
}

// underway returns how many bytes the server has written that were not read: they
// come whatever becomes of it.
func (c *conn) underway() (int, error) {
	peer, err := c.peer()
	if err != nil {
		return 0, err
	}
	here, err := process.Unread(c.tcp)
	return peer.Unsent + here + c.in.Buffered(), err
}

func endlessStream(b *bench) (s Sighting, err error) {
	c, err := b.dial()
	if err != nil {
		return s, err
	}
	r, err := b.request(b.plan.Hints.Stream)
	if err != nil {
		return s, err
	}
	if err := c.write(r.text); err != nil {
		return s, err
	}
	a, resp := c.head(r.method, b.soon(), nil)
	if resp == nil {
		return s, fmt.Errorf("the stream was %s", a)
	}
	if a.status >= http.StatusBadRequest || a.length >= 0 {
		return s, inapplicable(fmt.Sprintf("it is not a stream: the answer was %d, with a known length", a.status))
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 1)); err != nil {
		return s, fmt.Errorf("nothing of the stream came: %w", err)
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	a = c.body(a, resp, b.signalled.Add(b.plan.Grace))
	if a.whole {
		c.close() // kept alive, it could hold the exit in its own right
	}
	end, err := b.awaitExit()
	if err != nil {
		return s, err
	}
	s = Sighting{Reached: true, Of: 1, Proof: "the first bytes of the stream had come", Bad: end.killed}
	s.Seen = fmt.Sprintf("ended whole %s after the signal; %s", scenario.InWords(a.done.Sub(b.signalled)), end)
	if !a.whole {
		s.Lost = 1
		s.Seen = fmt.Sprintf("%s, %s after the signal; %s", a, scenario.InWords(a.done.Sub(b.signalled)), end)
	}
	return s, nil
}

// soon is when the patience with an answer ends that no signal disturbs.
func (b *bench) soon() time.Time { return time.Now().Add(b.facts.slow + settle) }

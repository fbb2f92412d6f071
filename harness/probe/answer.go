package probe

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what came back for one request.
type answer struct {
	status  int    // 0: no head came
	whole   bool   // head and body are complete by their framing
	close   bool   // it says Connection: close
	length  int64  // announced, -1 if it was not
	chunked bool   // framed in chunks
	got     int64  // bytes of the body
	begin   string // of the body: a few bytes, to look into
	end     ending // how the connection ended, where it ended the answer
	bare    bool   // no byte at all of it came
	err     error
	began   time.Time // its head was read
	done    time.Time
}

// bodyBegin is how much of a body is kept.
const bodyBegin = 256

// answer reads one final answer to a request of that method; informational ones
// (1xx) are skipped, and told to the function if there is one.
func (c *conn) answer(method string, until time.Time, informed func(status int)) answer {
	a, resp := c.head(method, until, informed)
	if resp == nil {
		return a
	}
	return c.body(a, resp, until)
}

// head reads the head of an answer. The response is nil if there is none.
func (c *conn) head(method string, until time.Time, informed func(int)) (a answer, resp *http.Response) {
	before := c.got - int64(c.in.Buffered())
	_ = c.tcp.SetReadDeadline(until) // a dead connection says so at the read
	for {
		resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
		if err != nil {
			a.err, a.end, a.done = err, c.endOf(err), time.Now()
			a.bare = c.got-int64(c.in.Buffered()) == before
			return a, nil
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			if informed != nil {
				informed(resp.StatusCode)
			}
			continue
		}
		a.status, a.close, a.began = resp.StatusCode, resp.Close, time.Now()
		a.length, a.chunked = resp.ContentLength, len(resp.TransferEncoding) > 0
		return a, resp
	}
}

// body reads the rest of an answer.
func (c *conn) body(a answer, resp *http.Response, until time.Time) answer {
	_ = c.tcp.SetReadDeadline(until)
	var begin strings.Builder
	n, err := io.Copy(&begin, io.LimitReader(resp.Body, bodyBegin))
	a.got, a.begin = a.got+n, begin.String()
	if err == nil {
		n, err = io.Copy(io.Discard, resp.Body)
		a.got += n
	}
	resp.Body.Close()
	a.done = time.Now()
	if err != nil {
		a.err, a.end = err, c.endOf(err)
		return a
	}
	// One that only the end of the connection ends: a reset is a cut.
	a.whole = true
	return a
}

// endOf says how the connection ended that gave an error: an unexpected end of an
// answer is what the socket itself saw.
func (c *conn) endOf(err error) ending {
	if c.last != open {
		return c.last
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fin
	}
	return other
}

// afterwards reads on after an answer until the connection ends, and says how.
func (c *conn) afterwards(until time.Time) ending {
	_ = c.tcp.SetReadDeadline(until)
	_, err := io.Copy(io.Discard, c.in)
	if err == nil {
		return fin
	}
	return endingOf(err)
}

// String says in a few words what came.
func (a answer) String() string {
	switch {
	case a.whole && a.close:
		return fmt.Sprintf("answered %d, with Connection: close", a.status)
	case a.whole:
		return fmt.Sprintf("answered %d", a.status)
	case a.status != 0:
		return fmt.Sprintf("cut after %d bytes of a %d: %s", a.got, a.status, a.end)
	case a.end == timeout:
		return "never answered"
	case !a.bare:
		return "cut within the head of the answer: " + a.end.String()
	}
	return a.end.String() + " without an answer"
}

// asked waits for 100 Continue, and says whether it came. Other informational
// answers, as 103 Early Hints, ask for nothing. A final one is an error.
func (c *conn) asked(until time.Time) (came bool, err error) {
	_ = c.tcp.SetReadDeadline(until)
	for {
		if _, err := c.in.Peek(1); err != nil {
			if endingOf(err) == timeout {
				return false, nil
			}
			return false, fmt.Errorf("the connection was %s before any answer", c.endOf(err))
		}
		resp, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodPost})
		if err != nil {
			return false, err
		}
		if resp.StatusCode >= http.StatusOK {
			return false, inapplicable(fmt.Sprintf("it answers %d before it has read the body", resp.StatusCode))
		}
		if resp.StatusCode == http.StatusContinue {
			return true, nil
		}
	}
}

package picture

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/history"
)

// Story tells in a sentence what became of a request: a pattern, and what stands
// in its blanks {0}, {1} and so on. Thousands of requests share a few patterns,
// and a page holds each of them once.
type Story struct {
	Pattern string
	Blanks  []string
}

// String is the sentence.
func (s Story) String() string {
	text := s.Pattern
	for i, blank := range s.Blanks {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", blank)
	}
	return text
}

// storyteller tells of the requests of one shutdown.
type storyteller struct{ history *history.History }

// telling is a story in the making.
type telling struct {
	text   strings.Builder
	blanks []string
}

// say adds words; each %s is a blank.
func (t *telling) say(words string, blanks ...string) {
	for _, blank := range blanks {
		words = strings.Replace(words, "%s", fmt.Sprintf("{%d}", len(t.blanks)), 1)
		t.blanks = append(t.blanks, blank)
	}
	t.text.WriteString(words)
}

func (s storyteller) story(r *history.Request, w history.Window) Story {
	t := new(telling)
	switch {
	case r.Outcome == history.Refused, r.Outcome == history.Unsent, r.Sent == 0:
		s.never(t, r)
	default:
		s.sent(t, r)
		s.ended(t, r, w)
	}
	return Story{t.text.String(), t.blanks}
}

// never tells of a request that did not leave.
func (s storyteller) never(t *telling, r *history.Request) {
	t.say("Request %s began "+s.when(r.Started), number(r.Seq), s.apart(r.Started))
	switch {
	case r.Outcome == history.Unsent:
		t.say(" and was never sent (%s): this is lastcall's own fault.", r.Reason.String())
	case r.Outcome == history.Pending:
		t.say(" and had not ended when lastcall stopped looking.")
	case r.Reason == history.ConnectionRefused:
		t.say(" and was refused: its client knew at once that it must go elsewhere.")
	default:
		t.say(" and could not be sent (%s): its client knew that it must go elsewhere.", r.Reason.String())
	}
}

func (s storyteller) sent(t *telling, r *history.Request) {
	connection := "on a new connection"
	if r.Reused {
		connection = "on a kept-alive connection"
	}
	t.say("Request %s was sent "+s.when(r.Sent)+" "+connection+"; ", number(r.Seq), s.apart(r.Sent))
}

// ended tells what the server made of a request.
func (s storyteller) ended(t *telling, r *history.Request, w history.Window) {
	had := s.held(r)
	switch r.Outcome {
	case history.Completed:
		s.completed(t, r, w)
	case history.Rejected:
		t.say("the server had it for %s and rejected it with %s.", had, strconv.Itoa(int(r.Status)))
	case history.Failed:
		s.failed(t, r)
	case history.Dropped:
		s.dropped(t, r, w)
	default:
		t.say("it had not ended when lastcall stopped looking.")
	}
}

// failed tells of an answer that is wrong, and by what.
func (s storyteller) failed(t *telling, r *history.Request) {
	had, status := s.held(r), strconv.Itoa(int(r.Status))
	switch r.Reason {
	case history.UnexpectedBody:
		t.say("after %s came an answer with status %s and an unexpected body.", had, status)
	case history.UnlikeBefore:
		t.say("after %s came an answer with status %s and %s bytes: no answer before "+s.moment()+" looked like that.", had, status, strconv.FormatInt(r.Length, 10))
	default:
		t.say("the server had it for %s and answered with %s.", had, status)
	}
}

func (s storyteller) completed(t *telling, r *history.Request, w history.Window) {
	took := Brief(r.End - r.Sent)
	switch w {
	case history.InFlight:
		t.say("it was in flight, and was completed %s after "+s.moment()+".", Brief(r.End-s.history.Signal.Before))
	case history.Before:
		t.say("it was completed %s later, before "+s.moment()+".", took)
	case history.After:
		t.say("it was completed %s later, by the process that listens now.", took)
	default:
		t.say("it was still completed, %s later.", took)
	}
}

// dropped tells of a loss. Who had the request is only certain of those in flight.
func (s storyteller) dropped(t *telling, r *history.Request, w history.Window) {
	held := "%s later the server"
	if w == history.InFlight {
		held = "the server had it for %s and"
	}
	if r.Cause == history.Hung {
		held = "%s later"
	}
	if w == history.InFlight {
		t.say(held, s.held(r))
	} else {
		t.say(held, Brief(r.End-r.Sent))
	}
	switch r.Cause {
	case history.Closed:
		t.say(" closed the connection: its client got no answer.")
	case history.Reset:
		t.say(" reset the connection: its client got no answer.")
	case history.Truncated:
		t.say(" stopped after %s bytes: its client got part of an answer.", strconv.FormatInt(r.BytesIn, 10))
	case history.Hung:
		t.say(" there was still no answer: its client gave up.")
	case history.Corrupt:
		t.say(" sent another body than it had announced.")
	default:
		t.say(" was gone: its client got no answer.")
	}
	if r.Masked {
		t.say(" Go's own client would have sent it again, and hidden this loss.")
	}
}

// held is how long the server had a request: no longer than it lived, though its
// client may have heard of that later.
func (s storyteller) held(r *history.Request) string {
	end := r.End
	if exit := s.history.Exit; exit.Seen && exit.At > r.Sent {
		end = min(end, exit.At)
	}
	return Brief(end - r.Sent)
}

// when says where a time lies from the signal; apart fills its blank.
func (s storyteller) when(at time.Duration) string {
	if at < s.history.Signal.Before {
		return "%s before " + s.moment()
	}
	return "%s after " + s.moment()
}

func (s storyteller) apart(at time.Duration) string {
	d := at - s.history.Signal.Before
	return Brief(max(d, -d))
}

func (s storyteller) moment() string {
	if s.history.Operation != nil {
		return "the command"
	}
	return "the signal"
}

func number(seq uint32) string { return strconv.FormatUint(uint64(seq), 10) }

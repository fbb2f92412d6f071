package picture

import (
	"strings"
	"testing"

	"lastcall/harness/history"
)

func TestStories(t *testing.T) {
	with := func(r history.Request, change func(*history.Request)) history.Request {
		change(&r)
		return r
	}
	dropped := asked(-38, 0.4, history.Dropped)
	for want, c := range map[string]struct {
		request history.Request
		window  history.Window
	}{
		"Request 417 was sent 38 ms before the signal on a kept-alive connection; the server had it for 38 ms and closed the connection: its client got no answer.": {
			with(dropped, func(r *history.Request) { r.Reused = true }), history.InFlight,
		},
		"Request 417 was sent 38 ms before the signal on a new connection; the server had it for 38 ms and reset the connection: its client got no answer. " +
			"Go's own client would have sent it again, and hidden this loss.": {
			with(dropped, func(r *history.Request) { r.Cause, r.Masked = history.Reset, true }), history.InFlight,
		},
		"Request 417 was sent 38 ms before the signal on a new connection; the server had it for 38 ms and stopped after 77 bytes: its client got part of an answer.": {
			with(dropped, func(r *history.Request) { r.Cause, r.BytesIn = history.Truncated, 77 }), history.InFlight,
		},
		"Request 417 was sent 38 ms before the signal on a new connection; 38 ms later there was still no answer: its client gave up.": {
			with(dropped, func(r *history.Request) { r.Cause = history.Hung }), history.InFlight,
		},
		"Request 417 was sent 38 ms before the signal on a new connection; the server had it for 38 ms and sent another body than it had announced.": {
			with(dropped, func(r *history.Request) { r.Cause = history.Corrupt }), history.InFlight,
		},
		"Request 417 was sent 0.2 ms after the signal on a kept-alive connection; 0.3 ms later the server closed the connection: its client got no answer.": {
			with(asked(0.2, 0.5, history.Dropped), func(r *history.Request) { r.Reused = true }), history.Late,
		},
		"Request 417 was sent 20 ms before the signal on a new connection; it was in flight, and was completed 80 ms after the signal.": {
			asked(-20, 80, history.Completed), history.InFlight,
		},
		"Request 417 was sent 200 ms before the signal on a new connection; it was completed 101 ms later, before the signal.": {
			asked(-200, -99, history.Completed), history.Before,
		},
		"Request 417 was sent 1.5 s after the signal on a new connection; it was still completed, 100 ms later.": {
			asked(1500, 1600, history.Completed), history.Late,
		},
		"Request 417 was sent 1.5 s after the signal on a new connection; it was completed 100 ms later, by the process that listens now.": {
			asked(1500, 1600, history.Completed), history.After,
		},
		"Request 417 was sent 20 ms before the signal on a new connection; the server had it for 25 ms and rejected it with 503.": {
			asked(-20, 5, history.Rejected), history.InFlight,
		},
		"Request 417 was sent 20 ms before the signal on a new connection; the server had it for 25 ms and answered with 500.": {
			asked(-20, 5, history.Failed), history.InFlight,
		},
		"Request 417 was sent 20 ms before the signal on a new connection; after 25 ms came an answer with status 200 and an unexpected body.": {
			with(asked(-20, 5, history.Failed), func(r *history.Request) { r.Status, r.Reason = 200, history.UnexpectedBody }), history.InFlight,
		},
		"Request 417 was sent 20 ms before the signal on a new connection; after 25 ms came an answer with status 200 and 7 bytes: no answer before the signal looked like that.": {
			with(asked(-20, 5, history.Failed), func(r *history.Request) {
				r.Status, r.Reason, r.Framing, r.Length = 200, history.UnlikeBefore, history.ByLength, 7
			}), history.InFlight,
		},
		"Request 417 began 12 ms after the signal and was refused: its client knew at once that it must go elsewhere.": {
			asked(12, 12.1, history.Refused), history.After,
		},
		"Request 417 began 12 ms after the signal and could not be sent (dead-connections): its client knew that it must go elsewhere.": {
			with(asked(12, 12.1, history.Refused), func(r *history.Request) { r.Reason = history.DeadConnections }), history.Late,
		},
		"Request 417 began 12 ms after the signal and was never sent (out-of-ports): this is lastcall's own fault.": {
			asked(12, 13, history.Unsent), history.Late,
		},
		"Request 417 was sent 12 ms after the signal on a new connection; it had not ended when lastcall stopped looking.": {
			with(asked(12, 13, history.Dropped), func(r *history.Request) { r.Outcome = history.Pending }), history.Late,
		},
	} {
		c.request.Seq = 417
		story := storyteller{shutdownOf("it", 1)}.story(&c.request, c.window)
		if got := story.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if strings.ContainsAny(story.Pattern, "0123456789") && !strings.Contains(story.Pattern, "{") {
			t.Errorf("a number stands in the pattern %q", story.Pattern)
		}
		if len(story.Blanks) > 9 {
			t.Errorf("%d blanks: the page's script knows ten digits", len(story.Blanks))
		}
	}
}

// TestStoriesOfAnOperation speak of the command.
func TestStoriesOfAnOperation(t *testing.T) {
	h := shutdownOf("it", 1)
	h.Operation = &history.Operation{}
	r := asked(-20, 80, history.Completed)
	want := "Request 0 was sent 20 ms before the command on a new connection; it was in flight, and was completed 80 ms after the command."
	if got := (storyteller{h}).story(&r, history.InFlight).String(); got != want {
		t.Errorf("got %s", got)
	}
}

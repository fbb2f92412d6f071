package load

import (
	"net/http"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// TestLengthOfAnAnswer: a record says how long the body was, and how its end was
// told, whatever the framing took. Of an answer that was cut neither is known.
func TestLengthOfAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		method  string
		play    func(*rig, *exchange)
		framing history.Framing
		length  int64
	}{
		"Content-Length":     {play: answers(sized("200 OK", "hello")), framing: history.ByLength, length: 5},
		"an empty body":      {play: answers(sized("200 OK", "")), framing: history.ByLength},
		"an error page":      {play: answers(sized("500 No", "oh no")), framing: history.ByLength, length: 5},
		"chunks":             {play: answers(okHead + chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), framing: history.Chunked, length: 5},
		"only the last one":  {play: answers(okHead + chunked + "0\r\n\r\n"), framing: history.Chunked},
		"until it closes":    {play: then(okHead+"\r\nhello", (*exchange).fin), framing: history.ByClose, length: 5},
		"HEAD":               {method: http.MethodHead, play: answers(okHead + "Content-Length: 9\r\n\r\n"), framing: history.Bodiless},
		"204":                {play: answers("HTTP/1.1 204 No Content\r\n\r\n"), framing: history.Bodiless},
		"304":                {play: answers("HTTP/1.1 304 Not Modified\r\n\r\n"), framing: history.Bodiless},
		"cut":                {play: then(okHead+"Content-Length: 9\r\n\r\nhalf", (*exchange).fin)},
		"cut between chunks": {play: then(okHead+chunked+"2\r\nhe\r\n", (*exchange).fin)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *rig
			s := newScript(t, func(x *exchange) { tt.play(r, x) })
			r = newRig(t, s.address(), scenario.Reused, ample)
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			if got := r.do(method, ""); got.Framing != tt.framing || got.Length != tt.length {
				t.Errorf("%s, %d bytes; want %s, %d", got.Framing, got.Length, tt.framing, tt.length)
			}
		})
	}
}

package load

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// statuses reads a set that is known to be one.
func statuses(t testing.TB, text string) scenario.StatusSet {
	t.Helper()
	s, err := scenario.ParseStatusSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOutcomeOfAskedForStatus(t *testing.T) {
	tests := map[string]struct {
		set    string
		status int
		want   history.Outcome
	}{
		"in the set":                      {"200,204", 204, history.Completed},
		"a success that is not asked for": {"200,204", 201, history.Failed},
		"a redirect not asked for":        {"200", 302, history.Failed},
		"an error that is asked for":      {"404", 404, history.Completed},
		"503 declines in spite of a set":  {"200", 503, history.Rejected},
		"429 declines in spite of a set":  {"200", 429, history.Rejected},
		"503 is named":                    {"200,503", 503, history.Completed},
		"429 is named by a range":         {"400-499", 429, history.Completed},
		"503 where only 429 is named":     {"429", 503, history.Rejected},
		"no status at all":                {"100-599", 0, history.Failed},
		"a status beyond HTTP":            {"100-599", 600, history.Failed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (Expect{Status: statuses(t, tt.set)}).Outcome(tt.status); got != tt.want {
				t.Errorf("outcome(%d) = %s, want %s", tt.status, got, tt.want)
			}
		})
	}
}

// expectScene is an answer, what was expected, and what the record must say.
type expectScene struct {
	method string // GET if empty
	status string // 200-399 if empty
	body   string // the expression
	play   func(*rig, *exchange)
	want   history.Request // without Attempts, Pooled and Written, which all have
}

func sized(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func expectScenes() map[string]expectScene {
	mib := strings.Repeat("x", maxExcerpt)
	outcome := func(o history.Outcome, status uint16, change ...func(*history.Request)) history.Request {
		r := history.Request{Outcome: o, Status: status, Idempotent: true}
		for _, c := range change {
			c(&r)
		}
		return r
	}
	wrong := func(r *history.Request) { r.Reason = history.UnexpectedBody }
	cut := func(r *history.Request) { r.Cause = history.Truncated }
	done, failed, lost := history.Completed, history.Failed, history.Dropped
	fin := (*exchange).fin
	return map[string]expectScene{
		"a body that matches":                 {body: "^ok$", play: answers(sized("200 OK", "ok")), want: outcome(done, 200)},
		"a body that does not":                {body: "^ok$", play: answers(sized("200 OK", "oh no")), want: outcome(failed, 200, wrong)},
		"chunks that match together":          {body: "^hello$", play: answers(okHead + chunked + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), want: outcome(done, 200)},
		"chunks that do not":                  {body: "^hello$", play: answers(okHead + chunked + "2\r\nhe\r\n0\r\n\r\n"), want: outcome(failed, 200, wrong)},
		"no body where one must be":           {body: "ok", play: answers(sized("200 OK", "")), want: outcome(failed, 200, wrong)},
		"204 where a body must be":            {body: "ok", play: answers("HTTP/1.1 204 No Content\r\n\r\n"), want: outcome(failed, 204, wrong)},
		"no body where none may be":           {body: "^$", play: answers(sized("200 OK", "")), want: outcome(done, 200)},
		"HEAD is not asked":                   {method: "HEAD", body: "ok", play: answers(okHead + "Content-Length: 9\r\n\r\n"), want: outcome(done, 200)},
		"an error page is not asked":          {body: "ok", play: answers(sized("500 No", "ok")), want: outcome(failed, 500)},
		"a refusal is not asked":              {body: "ok", play: answers(sized("503 Busy", "busy")), want: outcome(history.Rejected, 503)},
		"a refusal that is expected is asked": {status: "503", body: "ok", play: answers(sized("503 Busy", "busy")), want: outcome(failed, 503, wrong)},
		"a status that is not expected":       {status: "201", play: answers(sized("200 OK", "ok")), want: outcome(failed, 200)},
		"101 that is expected":                {status: "101", play: answers("HTTP/1.1 101 Go\r\n\r\n"), want: outcome(done, 101)},
		"cut off, though what came matches":   {body: "half", play: then(okHead+"Content-Length: 9\r\n\r\nhalf", fin), want: outcome(lost, 200, cut)},

		"the last byte that is seen":       {body: "xy$", play: answers(sized("200 OK", mib[1:]+"y")), want: outcome(done, 200)},
		"the first that is not":            {body: "y", play: answers(sized("200 OK", mib+"y")), want: outcome(failed, 200, wrong)},
		"what is beyond does not disturb":  {body: "^x+$", play: answers(sized("200 OK", mib+"y")), want: outcome(done, 200)},
		"close-delimited and whole":        {body: "end$", play: then(okHead+"\r\nthe end", fin), want: outcome(done, 200, closes)},
		"close-delimited and cut":          {body: "end$", play: then(okHead+"\r\nthe e", fin), want: outcome(lost, 200, cut, unframe)},
		"close-delimited, cut at once":     {body: "end$", play: then(okHead+"\r\n", fin), want: outcome(lost, 200, cut, unframe)},
		"close-delimited and reset":        {body: "end$", play: then(okHead+"\r\nthe end", (*exchange).rst), want: outcome(lost, 200, cut, unframe)},
		"close-delimited, no expression":   {play: then(okHead+"\r\nthe end", fin), want: outcome(done, 200, unframe)},
		"close-delimited error page":       {body: "end$", play: then("HTTP/1.1 500 No\r\n\r\nthe end", fin), want: outcome(failed, 500, unframe)},
		"close-delimited refusal":          {body: "end$", play: then("HTTP/1.1 503 No\r\n\r\nthe e", fin), want: outcome(history.Rejected, 503, unframe)},
		"close-delimited beyond the MiB":   {body: "^x", play: then(okHead+"\r\n"+mib+"end", fin), want: outcome(done, 200, unframe)},
		"close-delimited, end not seen":    {body: "end$", play: then(okHead+"\r\n"+mib+"end", fin), want: outcome(failed, 200, unframe, wrong)},
		"close-delimited, just a MiB":      {body: "end$", play: then(okHead+"\r\n"+mib[3:]+"end", fin), want: outcome(done, 200, closes)},
		"HTTP/1.0 close-delimited":         {body: "end$", play: then("HTTP/1.0 200 OK\r\n\r\nthe end", fin), want: outcome(done, 200, closes)},
		"close-delimited, closed outright": {body: "^$", play: then(okHead+"\r\n", fin), want: outcome(done, 200, closes)},
	}
}

func TestExpectedAnswers(t *testing.T) {
	for name, tt := range expectScenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *rig
			s := newScript(t, func(x *exchange) { tt.play(r, x) })
			r = newRig(t, s.address(), scenario.Reused, ample)
			if tt.status != "" {
				r.expect.Status = statuses(t, tt.status)
			}
			if tt.body != "" {
				r.expect.Body = regexp.MustCompile(tt.body)
			}
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			got := r.do(method, "") // which compares it with what vegeta would say
			tt.want.Attempts, tt.want.Pooled, tt.want.Written = 1, true, true
			if diff := cmp.Diff(tt.want, facts(got)); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// A connection whose answer had the wrong body is as good as any: HTTP came to
// its end.
func TestUnexpectedBodyKeepsTheConnection(t *testing.T) {
	s := newScript(t, (*exchange).answer)
	r := newRig(t, s.address(), scenario.Reused, ample)
	r.expect.Body = regexp.MustCompile("never")
	r.do(http.MethodGet, "")
	if got := r.do(http.MethodGet, ""); got.Outcome != history.Failed || !got.Reused {
		t.Errorf("the next request: %s, reused %t", got.Outcome, got.Reused)
	}
}

// What an expression costs is paid by those who ask for one.
func TestNoExpressionKeepsNothing(t *testing.T) {
	req, resp := &http.Request{Method: http.MethodGet}, &http.Response{ContentLength: 1 << 30}
	if n := testing.AllocsPerRun(100, func() {
		if (Expect{}).excerpt(req, resp) != nil {
			t.Fatal("a body is kept that nobody asks for")
		}
	}); n != 0 {
		t.Errorf("%g allocations a request", n)
	}
	asked := Expect{Body: regexp.MustCompile("x")}
	x := asked.excerpt(req, resp)
	for range 3 {
		x.add(make([]byte, maxExcerpt))
	}
	if len(x.bytes) != maxExcerpt || cap(x.bytes) > maxExcerpt || !x.more {
		t.Errorf("%d bytes are kept, in room for %d", len(x.bytes), cap(x.bytes))
	}
}

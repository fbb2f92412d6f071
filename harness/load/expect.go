package load

import (
	"net/http"
	"regexp"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// maxExcerpt is how much of an answer's body an expression sees, in bytes.
const maxExcerpt = 1 << 20

// Expect says which whole answers are completed. Its zero value takes the
// status codes 200-399 with any body.
type Expect struct {
	// Status holds the codes that are expected. 503 and 429 decline and make a
	// request rejected, unless they are in this set.
	Status scenario.StatusSet

	// Body is what the body of an answer must match if its status is an
	// expected one; nil is any. It sees the body as it was sent, encoded if the
	// request asked for that, and at most its first MiB. An answer without a
	// body must match as an empty one; only one to HEAD, which can have none, is
	// not asked.
	//
	// It also tells whether an answer was whole that ended with its connection:
	// if it matches it was, and if it does not the answer was cut off. Of a body
	// longer than a MiB it can tell neither.
	Body *regexp.Regexp
}

// Outcome judges a whole answer by its status alone.
func (e Expect) Outcome(status int) history.Outcome {
	switch {
	case e.Status.Has(status):
		return history.Completed
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return history.Rejected
	default:
		return history.Failed
	}
}

// judge judges a whole answer. Its body is asked only where its status is an
// expected one: an error page is wrong whatever it says.
func (e Expect) judge(status int, text *excerpt) verdict {
	outcome := e.Outcome(status)
	if outcome == history.Completed && text != nil && !e.Body.Match(text.bytes) {
		return verdict{outcome: history.Failed, reason: history.UnexpectedBody}
	}
	return verdict{outcome: outcome}
}

// excerpt is the beginning of an answer's body, as much of it as the expression
// sees. It is nil where none asks.
type excerpt struct {
	bytes []byte
	more  bool // the body was longer
}

// excerpt returns a place for what the expression is to see of the answer. There
// is none without an expression: then a request costs not one allocation more.
func (e Expect) excerpt(req *http.Request, resp *http.Response) *excerpt {
	if e.Body == nil || req.Method == http.MethodHead {
		return nil
	}
	return &excerpt{bytes: make([]byte, 0, min(max(resp.ContentLength, 0), maxExcerpt))}
}

// add keeps what there is room for.
func (x *excerpt) add(p []byte) {
	if room := maxExcerpt - len(x.bytes); len(p) > room {
		p, x.more = p[:room], true
	}
	x.bytes = append(x.bytes, p...)
}

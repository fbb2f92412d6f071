package check

import (
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// answers gives a request's answer a body of that length.
func answers(length int64) change {
	return func(r *history.Request) { r.Framing, r.Length = history.ByLength, length }
}

// judgedAnswers is what a run leaves: answers that are unlike all before have failed.
func judgedAnswers(b *builder) *history.History {
	h := b.done()
	h.CompareAnswers()
	return h
}

// TestAnswersUnlikeThoseBefore: a whole answer of the right status is a failure if
// none before the signal looked like it, and a doubt if it may be right.
func TestAnswersUnlikeThoseBefore(t *testing.T) {
	before := func(n int) *builder { return newFrame().before(history.Completed, n, answers(64)) }
	for _, tt := range []struct {
		name    string
		history *builder
		want    result.Verdict
		says    string // in the story
	}{
		{"alike - pass", before(40).inFlight(history.Completed, 25, answers(64)), result.Pass, ""},
		{
			"empty - fail", before(40).inFlight(history.Completed, 25, answers(0)), result.Fail,
			"25 of 25 requests in flight were answered 200 with an empty body, unlike every answer before the signal. " +
				"This is typical of handlers whose context was cancelled by the signal. " +
				"A client cannot tell such an answer from a good one. net/http writes it for a handler that returns without writing anything. " +
				"Do not let handlers inherit a context that the signal cancels",
		},
		{
			"some empty - fail", before(40).inFlight(history.Completed, 20, answers(0)).inFlight(history.Completed, 5, answers(64)), result.Fail,
			"20 of 25 requests in flight were answered 200 with an empty body, unlike every answer before the signal. This is typical of handlers " +
				"whose context was cancelled by the signal. Of the others, 5 completed.",
		},
		{
			"much shorter - fail", before(40).inFlight(history.Completed, 25, answers(12)), result.Fail,
			"25 of 25 requests in flight were answered 200 with a body less than half as long as any before the signal",
		},
		{
			"redirected - fail", before(40).inFlight(history.Completed, 25, answers(64), status(302)), result.Fail,
			"25 of 25 requests in flight were answered 302, unlike every answer before the signal. If status 302 is right, say so (--expect-status)",
		},
		{"one empty among many dropped - fail", before(40).inFlight(history.Completed, 1, answers(0)).inFlight(history.Dropped, 24), result.Fail, "24 dropped"},
		{
			"late ones empty - fail", before(40).inFlight(history.Completed, 25, answers(64)).late(history.Completed, 5, answers(0)), result.Fail,
			"5 of the late requests were answered 200 with an empty body, unlike every answer before the signal.",
		},
		{
			"empty, few before - inconclusive", before(20).inFlight(history.Completed, 25, answers(0)), result.Inconclusive,
			"25 of the answers to requests in flight differ from all before the signal (25 empty): fewer than 30 answers came before the signal, " +
				"too few to tell whether that is wrong; let the warm-up last longer, or say what a whole body looks like (--expect-body)",
		},
		{
			"longer - inconclusive", before(40).inFlight(history.Completed, 24, answers(64)).inFlight(history.Completed, 1, answers(99)), result.Inconclusive,
			"The answer to 1 request in flight differs from all before the signal (1 of another length): this can be right or wrong; " +
				"say what a whole body looks like (--expect-body)",
		},
		{
			"late ones longer - pass", before(40).inFlight(history.Completed, 25, answers(64)).late(history.Completed, 5, answers(99)), result.Pass,
			"5 of the answers to requests sent later differ from all before the signal (5 of another length)",
		},
		{"nobody noted lengths - pass", newHistory(), result.Pass, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judge(t, "default", []*history.History{judgedAnswers(tt.history)})
			if s.Verdict != tt.want {
				t.Errorf("verdict %s, want %s: %q", s.Verdict, tt.want, s.Story)
			}
			if text := strings.Join(s.Story, " "); !strings.Contains(text, tt.says) || tt.says == "" && text != "" {
				t.Errorf("%q does not say %q", text, tt.says)
			}
		})
	}
}

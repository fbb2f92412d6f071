package history

// The bounds of what is kept of wrong answers.
const (
	MaxAnswers = 5  // of a shutdown
	MaxExcerpt = 80 // bytes of the first line of a body
)

// Answer is what an answer said that went wrong after the signal.
type Answer struct {
	Seq  uint32 `json:"seq"`
	Line string `json:"line"` // the beginning of the body's first line that is not empty: printable, at most MaxExcerpt bytes
}

// KeepAnswers keeps the first few of the answers that went wrong after the signal,
// and of those that say the same only one. It is called when it is known which did.
func (h *History) KeepAnswers(all []Answer) {
	known := make(map[Answer]bool)
	for _, a := range all {
		r := h.Request(a.Seq)
		if r == nil || len(h.Answers) == MaxAnswers {
			continue
		}
		same := Answer{uint32(r.Status), a.Line}
		if r.Outcome != Failed && r.Outcome != Rejected || !h.Signal.Sent || r.End < h.Signal.Before || known[same] {
			continue
		}
		known[same] = true
		h.Answers = append(h.Answers, a)
	}
}

package probe

import (
	"fmt"
	"time"

	"lastcall/harness/scenario"
)

// summary is what became of all attempts.
type summary struct {
	first     time.Duration // of all
	served    time.Duration // the last that was, -1 if none was
	refused   time.Duration // the first that was, -1 if none was
	tolerated time.Duration // all before it were served
	lost      int           // accepted and not answered
	edge      int           // the same, as the listener closed
	waited    int           // neither refused nor accepted
	how       string        // the first loss, in words
}

// summarise sums up some attempts, of which there is one at the least.
func summarise(all []attempt) summary {
	s := summary{first: all[0].at, served: -1, refused: -1, tolerated: -1}
	last := time.Duration(0)
	for _, a := range all {
		s.first, last = min(s.first, a.at), max(last, a.at)
		if a.refused && (s.refused < 0 || a.at < s.refused) {
			s.refused = a.at
		}
		if a.answer.whole && a.answer.status < 500 {
			s.served = max(s.served, a.at)
		} else if s.tolerated < 0 || a.at < s.tolerated {
			s.tolerated = a.at
		}
	}
	if s.tolerated < 0 {
		s.tolerated = last
	}
	s.countLosses(all)
	return s
}

// countLosses tells the race at the close of the listener from a server that
// accepts and does not answer. The race is over within an instant: nothing is lost
// later, and none was served. It is seen by the losses themselves: on a busy machine
// the first refusal may be noticed much later.
func (s *summary) countLosses(all []attempt) {
	first, last, hung := time.Duration(-1), time.Duration(-1), false
	for _, a := range all {
		if a.waited {
			s.waited++
		}
		if a.refused || a.waited || a.answer.whole {
			continue
		}
		if first < 0 || a.at < first {
			first, s.how = a.at, fmt.Sprintf("one opened %s after the signal was %s", scenario.InWords(a.at), a.answer)
		}
		last, hung = max(last, a.at), hung || a.answer.end == timeout
		s.lost++
	}
	if s.refused >= 0 && !hung && last-first <= edge && s.served <= first+edge {
		s.edge, s.lost = s.lost, 0
	}
}

// String says it in a sentence or two.
func (s summary) String() string {
	text := "none was served"
	if s.served >= 0 {
		text = "served until " + scenario.InWords(s.served)
	}
	if s.refused >= 0 {
		text += ", refused from " + scenario.InWords(s.refused) + " after the signal"
	} else {
		text += " after the signal, and never refused"
	}
	text += "; tolerates a load balancer lag of " + scenario.InWords(s.tolerated)
	if s.edge > 0 {
		text += fmt.Sprintf("; %d were lost when the listener closed: %s", s.edge, s.how)
	}
	if s.waited > 0 {
		text += fmt.Sprintf("; %d were neither refused nor accepted: the accept queue was full", s.waited)
	}
	if s.lost > 0 {
		text += fmt.Sprintf("; %d were accepted and never answered: %s", s.lost, s.how)
	}
	return text
}

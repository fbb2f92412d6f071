package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// FoldedAfter is how long before the present a request must have ended to be folded: so
// long that no signal that comes now can have anything to do with it, and that what is
// kept shows the steady state before the signal.
const FoldedAfter = 10 * time.Second

// Folded is what is left of the requests of a long warm-up that were completed long
// before the signal. They have no records: all that is asked of them later is how many
// there were, how long they took, and what their answers looked like.
type Folded struct {
	Counts  Counts          `json:"counts"`
	Pooled  int             `json:"pooled,omitempty"` // on kept-alive connections
	Answers []AnswersBefore `json:"answers,omitempty"`
	Latency []Latency       `json:"latency,omitempty"`
}

// Latency is how many requests took how long, from when each was due to its end.
type Latency struct {
	Took  time.Duration `json:"took"` // to within a hundredth, and more rather than less
	Count int           `json:"count"`
}

// AnswersBefore is what the completed answers of one target and of one status looked like that
// came before the signal.
type AnswersBefore struct {
	Target uint8  `json:"target,omitempty"`
	Status uint16 `json:"status"`

	Answers  int           `json:"answers"`
	Empty    int           `json:"empty,omitempty"`    // of those, empty or of unknown length
	Known    int           `json:"known,omitempty"`    // of known length
	Shortest int64         `json:"shortest,omitempty"` // of those
	Longest  int64         `json:"longest,omitempty"`
	Chunked  int           `json:"chunked,omitempty"`
	Ended    time.Duration `json:"ended,omitempty"` // the quickest end of a chunked one, after its request
	Timed    int           `json:"timed,omitempty"`
	Began    time.Duration `json:"began,omitempty"` // the quickest first byte of any, after its request
}

func (b *AnswersBefore) add(r *Request) {
	b.Answers++
	if r.Length == 0 { // or is unknown
		b.Empty++
	}
	if took, ok := r.began(); ok {
		b.Began = least(b.Began, b.Timed, took)
		b.Timed++
	}
	if !r.measured() {
		return
	}
	b.Shortest, b.Longest = least(b.Shortest, b.Known, r.Length), max(b.Longest, r.Length)
	b.Known++
	if r.Framing == Chunked {
		b.Ended = least(b.Ended, b.Chunked, r.End-r.Sent)
		b.Chunked++
	}
}

// least is the least of so many values, and of one more.
func least[T int64 | time.Duration](known T, n int, more T) T {
	if n == 0 {
		return more
	}
	return min(known, more)
}

// Folds reports whether a request can be folded that ended long ago: a loss, an answer
// that is not right, and a connection that was found dead are evidence.
func (r *Request) Folds() bool { return r.Outcome == Completed && r.Stale == 0 }

// Folder folds requests. It is for one goroutine.
type Folder struct {
	folded  Folded
	answers map[answerKind]*AnswersBefore
	latency *hdrhistogram.Histogram
}

// NewFolder returns one that has folded nothing.
func NewFolder() *Folder {
	return &Folder{
		answers: make(map[answerKind]*AnswersBefore),
		// In microseconds, to two digits. What is longer than a request can last counts as
		// that.
		latency: hdrhistogram.New(1, int64(2*time.Hour/time.Microsecond), 2),
	}
}

// Add folds a request, which must be one that can be.
func (f *Folder) Add(r *Request) {
	f.folded.Counts.Add(r.Outcome)
	if r.Pooled {
		f.folded.Pooled++
	}
	took := max(0, int64((r.End-r.Scheduled)/time.Microsecond))
	_ = f.latency.RecordValue(min(took, f.latency.HighestTrackableValue())) // so it cannot be out of range
	kind := answerKind{r.Target, r.Status}
	b := f.answers[kind]
	if b == nil {
		b = &AnswersBefore{Target: r.Target, Status: r.Status}
		f.answers[kind] = b
	}
	b.add(r)
}

// Folded returns what was folded.
func (f *Folder) Folded() Folded {
	out := f.folded
	for _, kind := range slices.SortedFunc(maps.Keys(f.answers), func(a, b answerKind) int {
		return (int(a.target)-int(b.target))*(math.MaxUint16+1) + int(a.status) - int(b.status)
	}) {
		out.Answers = append(out.Answers, *f.answers[kind])
	}
	for _, bar := range f.latency.Distribution() {
		if bar.Count > 0 {
			out.Latency = append(out.Latency, Latency{time.Duration(bar.To) * time.Microsecond, int(bar.Count)})
		}
	}
	return out
}

// Spill holds the records of requests that were folded, on disk, so that a history can
// be saved with all of them (History.Spill). It is for one goroutine at a time.
type Spill struct {
	file *os.File
	out  *bufio.Writer
	enc  *json.Encoder
	next uint32 // sequence number of the first that is not in it
}

// NewSpill makes one whose file is in the directory and has no name: it is gone when
// lastcall is, however that ends.
func NewSpill(dir string) (*Spill, error) {
	file, err := os.CreateTemp(dir, ".lastcall-*")
	if err != nil {
		return nil, fmt.Errorf("keep requests on disk: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, fmt.Errorf("keep requests on disk: %w", err)
	}
	s := &Spill{file: file, out: bufio.NewWriterSize(file, 1<<16)}
	s.enc = json.NewEncoder(s.out)
	return s, nil
}

// Add takes the records that follow those it has.
func (s *Spill) Add(all []Request) error {
	for i := range all {
		if err := s.enc.Encode(line{Request: &all[i]}); err != nil {
			return fmt.Errorf("keep requests on disk: %w", err)
		}
		s.next = all[i].Seq + 1
	}
	return nil
}

// copy writes all lines.
func (s *Spill) copy(to io.Writer) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(to, s.file)
	return err
}

// Close gives the file up.
func (s *Spill) Close() {
	if s != nil {
		s.file.Close()
	}
}

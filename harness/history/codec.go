package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// end is what a saved history's last line holds.
type end struct {
	PID         int        `json:"pid"`
	Addr        string     `json:"addr"`
	Signal      Signal     `json:"signal"`
	Delivery    Delivery   `json:"delivery,omitzero"`
	Operation   *Operation `json:"operation,omitempty"`
	Exit        Exit       `json:"exit"`
	Left        Left       `json:"left,omitzero"`
	Readiness   Readiness  `json:"readiness,omitzero"`
	Scheduled   int        `json:"scheduled"`
	Stalls      []Stall    `json:"stalls,omitempty"`
	Results     int        `json:"results"`
	Disagreed   int        `json:"disagreed,omitempty"`
	Interrupted bool       `json:"interrupted,omitempty"`
	Methods     []string   `json:"methods,omitempty"`
	Foreign     int        `json:"ledger_foreign,omitempty"`
	Torn        int        `json:"ledger_torn,omitempty"`
	Truncated   bool       `json:"ledger_truncated,omitempty"`
	Path        string     `json:"ledger_path,omitempty"`
	Asked       Applied    `json:"asked,omitzero"` // without its lines, which stand by themselves
	Sweep       Sweep      `json:"sweep,omitzero"`
	Stderr      []string   `json:"stderr,omitempty"`
	Error       string     `json:"error,omitempty"`
	Events      int        `json:"events"`
	Requests    int        `json:"requests"`
	Folded      Folded     `json:"folded,omitzero"`
	Ledger      int        `json:"ledger"`
	Applied     int        `json:"applied,omitempty"`
	Parked      int        `json:"parked,omitempty"`
	Kernel      Kernel     `json:"kernel,omitzero"`
	Looks       int        `json:"looks,omitempty"`
	Closings    int        `json:"closings,omitempty"`
	Backlog     Backlog    `json:"backlog,omitzero"`
	Idle        int        `json:"idle,omitempty"`
	Answers     int        `json:"answers,omitempty"`
}

// maxLine bounds one line of a saved history, in bytes.
const maxLine = 1 << 20

// Errors of Read. They are wrapped with the number of the line.
var (
	ErrForeign   = errors.New("not a lastcall history")
	ErrSchema    = errors.New("history of another format")
	ErrTruncated = errors.New("history is truncated")
)

// Write saves the history as JSON lines. A line that Read would refuse, being
// too long, is an error already here.
func (h *History) Write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	if err := h.encode(out); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

func (h *History) encode(out io.Writer) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	put := func(v any) error {
		text.Reset()
		if err := enc.Encode(v); err != nil {
			return err
		}
		if text.Len() > maxLine {
			return fmt.Errorf("a line of %d bytes, at most %d can be read again: keep long bodies in files", text.Len(), maxLine)
		}
		_, err := out.Write(text.Bytes())
		return err
	}
	header := h.Header
	header.Schema = Schema
	if err := put(header); err != nil {
		return err
	}
	saved := h
	if h.Spill != nil {
		if err := h.Spill.copy(out); err != nil {
			return err
		}
		saved = h.whole()
	}
	for l := range saved.lines() {
		if err := put(l); err != nil {
			return err
		}
	}
	last := saved.end()
	if h.Spill != nil {
		last.Requests += int(h.Spill.next)
	}
	return put(line{End: last})
}

// whole is the history without the requests that its spill has.
func (h *History) whole() *History {
	w := *h
	w.Folded = Folded{}
	first, _ := slices.BinarySearchFunc(h.Requests, h.Spill.next, func(r Request, seq uint32) int { return cmp.Compare(r.Seq, seq) })
	w.Requests = h.Requests[first:]
	return &w
}

func (h *History) end() *end {
	return &end{
		PID: h.PID, Addr: h.Addr, Signal: h.Signal, Delivery: h.Delivery, Operation: h.Operation,
		Exit: h.Exit, Left: h.Left, Readiness: h.Readiness,
		Scheduled: h.Scheduled, Stalls: h.Stalls, Results: h.Results, Disagreed: h.Disagreed, Interrupted: h.Interrupted, Methods: h.Methods,
		Foreign: h.Ledger.Foreign, Torn: h.Ledger.Torn, Truncated: h.Ledger.Truncated, Path: h.Ledger.Path,
		Asked: h.Applied, Sweep: h.Sweep, Stderr: h.Stderr, Error: h.Error,
		Events: len(h.Events), Requests: len(h.Requests), Folded: h.Folded, Ledger: len(h.Ledger.Lines), Applied: len(h.Applied.Lines), Parked: len(h.Parked),
		Kernel: h.Kernel, Looks: len(h.Looks), Closings: len(h.Closings),
		Backlog: h.Backlog, Idle: h.Idle, Answers: len(h.Answers),
	}
}

// Read reads a saved history. It returns ErrForeign, ErrSchema or
// ErrTruncated, wrapped, for what is no history, one of another format, or one
// that was cut short.
func Read(r io.Reader) (*History, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	h, err := readHeader(lines)
	if err != nil {
		return nil, err
	}
	n := 1
	for lines.Scan() {
		n++
		last, err := h.readLine(lines.Bytes())
		if broken := lines.Err(); broken != nil { // the line is what came before
			err = broken
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if last == nil {
			continue
		}
		if err := h.finish(last); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if lines.Scan() {
			return nil, fmt.Errorf("line %d: %w: text after the end", n+1, ErrForeign)
		}
		if err := lines.Err(); err != nil { // a line too long, or a broken reader
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		return h, nil
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil, fmt.Errorf("%w: its last line, after line %d, is missing", ErrTruncated, n)
}

func readHeader(lines *bufio.Scanner) (*History, error) {
	some := lines.Scan()
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if !some {
		return nil, fmt.Errorf("%w: it is empty", ErrForeign)
	}
	var h History
	if err := json.Unmarshal(lines.Bytes(), &h.Header); err != nil {
		if schema := schemaOf(lines.Bytes()); schema != "" && schema != Schema && schema != schemaV1 {
			return nil, fmt.Errorf("line 1: %w: %q, this lastcall reads %q", ErrSchema, schema, Schema)
		}
		return nil, fmt.Errorf("line 1: %w", ErrForeign)
	}
	switch h.Header.Schema {
	case Schema, schemaV1:
		if err := Bounded(&h.Header); err != nil {
			return nil, fmt.Errorf("line 1: %w: %w", ErrForeign, err)
		}
		return &h, nil
	case "":
		return nil, fmt.Errorf("line 1: %w: it names no schema", ErrForeign)
	default:
		return nil, fmt.Errorf("line 1: %w: %q, this lastcall reads %q", ErrSchema, h.Header.Schema, Schema)
	}
}

func schemaOf(header []byte) string {
	var s struct {
		Schema string `json:"schema"`
	}
	if json.Unmarshal(header, &s) != nil {
		return ""
	}
	return s.Schema
}

// readLine adds one line to the history, or returns its end.
func (h *History) readLine(text []byte) (*end, error) {
	var l line
	if err := json.Unmarshal(bytes.TrimSpace(text), &l); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("%w in the middle of a line", ErrTruncated)
		}
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForeign, err)
	}
	switch {
	case l.Event != nil:
		h.Events = append(h.Events, *l.Event)
	case l.Request != nil:
		h.Requests = append(h.Requests, *l.Request)
	case l.Ledger != nil:
		h.Ledger.Lines = append(h.Ledger.Lines, *l.Ledger)
	case l.Applied != nil:
		h.Applied.Lines = append(h.Applied.Lines, *l.Applied)
	case l.Parked != nil:
		h.Parked = append(h.Parked, *l.Parked)
	case l.Look != nil:
		h.Looks = append(h.Looks, *l.Look)
	case l.Closing != nil:
		h.Closings = append(h.Closings, *l.Closing)
	case l.Answer != nil:
		h.Answers = append(h.Answers, *l.Answer)
	case l.End != nil:
		return l.End, nil
	default:
		return nil, fmt.Errorf("%w: neither event, request, ledger, applied, parked, look, closing, answer nor end", ErrForeign)
	}
	return nil, nil
}

func (h *History) finish(e *end) error {
	promised := [...]int{e.Events, e.Requests, e.Ledger, e.Applied, e.Parked, e.Looks, e.Closings, e.Answers}
	held := [...]int{len(h.Events), len(h.Requests), len(h.Ledger.Lines), len(h.Applied.Lines), len(h.Parked), len(h.Looks), len(h.Closings), len(h.Answers)}
	if promised != held {
		return fmt.Errorf("%w: of events, requests, ledger lines, applied ids, parked connections, looks, closings and answers it promises %v, and holds %v", ErrTruncated, promised, held)
	}
	h.PID, h.Addr, h.Signal, h.Exit = e.PID, e.Addr, e.Signal, e.Exit
	h.Delivery, h.Operation, h.Left, h.Readiness = e.Delivery, e.Operation, e.Left, e.Readiness
	h.Scheduled, h.Results, h.Disagreed, h.Interrupted = e.Scheduled, e.Results, e.Disagreed, e.Interrupted
	h.Ledger.Foreign, h.Ledger.Torn, h.Ledger.Truncated, h.Ledger.Path = e.Foreign, e.Torn, e.Truncated, e.Path
	h.Methods, h.Stderr, h.Error, h.Kernel = e.Methods, e.Stderr, e.Error, e.Kernel
	h.Backlog, h.Idle = e.Backlog, e.Idle
	e.Asked.Lines = h.Applied.Lines
	h.Applied = e.Asked
	h.Sweep, h.Stalls, h.Folded = e.Sweep, e.Stalls, e.Folded
	return nil
}

// A saved history is JSON lines. The first is the header; each other holds
// exactly one of the fields of line; the last is the end, which carries the
// counts by which a truncated file is known.
type line struct {
	Event   *Event      `json:"event,omitempty"`
	Request *Request    `json:"request,omitempty"`
	Ledger  *LedgerLine `json:"ledger,omitempty"`
	Applied *uint32     `json:"applied,omitempty"`
	Parked  *Parked     `json:"parked,omitempty"`
	Look    *Look       `json:"look,omitempty"`
	Closing *Closing    `json:"closing,omitempty"`
	Answer  *Answer     `json:"answer,omitempty"`
	End     *end        `json:"end,omitempty"`
}

// check returns what no shutdown can have shown: a number out of bounds, a request that
// ended before it started.
func (l *line) check() error {
	if err := Bounded(l); err != nil {
		return err
	}
	if r := l.Request; r != nil && r.End != 0 && r.End < r.Started {
		return fmt.Errorf("request.end is %s, before request.started %s", r.End, r.Started)
	}
	return nil
}

// lines are all lines between the header and the end.
func (h *History) lines() iter.Seq[line] {
	return func(yield func(line) bool) {
		_ = each(h.Events, func(e *Event) bool { return yield(line{Event: e}) }) &&
			each(h.Requests, func(r *Request) bool { return yield(line{Request: r}) }) &&
			each(h.Ledger.Lines, func(l *LedgerLine) bool { return yield(line{Ledger: l}) }) &&
			each(h.Applied.Lines, func(seq *uint32) bool { return yield(line{Applied: seq}) }) &&
			each(h.Parked, func(p *Parked) bool { return yield(line{Parked: p}) }) &&
			each(h.Looks, func(l *Look) bool { return yield(line{Look: l}) }) &&
			each(h.Closings, func(c *Closing) bool { return yield(line{Closing: c}) }) &&
			each(h.Answers, func(a *Answer) bool { return yield(line{Answer: a}) })
	}
}

// each calls f for every item until it returns false, and says whether it never
// did.
func each[T any](items []T, f func(*T) bool) bool {
	for i := range items {
		if !f(&items[i]) {
			return false
		}
	}
	return true
}

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

// The limits of what is read from files, so that nothing that is computed from it
// overflows or takes all memory. A shutdown's clock starts at its base, and a time before
// it can only be a little earlier.
const (
	Earliest = -24 * time.Hour
	Latest   = 366 * 24 * time.Hour
	Most     = 1 << 53 // of a count or a size; a JSON number is exact up to it
)

// Bounded returns an error that names the first field of v, at any depth, that is out of
// bounds: a time.Duration before Earliest or after Latest, a number that is negative or
// greater than Most. A field named Code may be -1, which means a death by a signal. A
// float may be negative.
func Bounded(v any) error {
	if f := bounded(reflect.ValueOf(v), false); f != nil {
		return f
	}
	return nil
}

// fault is one field's. Its path is put together on the way out, so that a value
// without one costs no allocation.
type fault struct{ path, text string }

func (f *fault) Error() string { return strings.TrimPrefix(f.path, ".") + " is " + f.text }

func (f *fault) in(part string) *fault {
	if f != nil {
		f.path = part + f.path
	}
	return f
}

var timeType = reflect.TypeFor[time.Duration]()

// bounded looks at one value. A code is an exit code.
func bounded(v reflect.Value, code bool) *fault {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return bounded(v.Elem(), code)
	case reflect.Struct:
		return boundedFields(v)
	case reflect.Slice, reflect.Array:
		return boundedItems(v)
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if f := bounded(entries.Value(), false); f != nil {
				return f.in(fmt.Sprintf("[%v]", entries.Key()))
			}
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return boundedInt(v, code)
	case reflect.Float64, reflect.Float32:
		if math.Abs(v.Float()) > Most || math.IsNaN(v.Float()) {
			return &fault{text: fmt.Sprintf("%g: it must be from -%d to %d", v.Float(), int64(Most), int64(Most))}
		}
	default: // cannot be out of bounds; of the unsigned numbers the greatest are seeds
	}
	return nil
}

func boundedFields(v reflect.Value) *fault {
	t := v.Type()
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		field := t.Field(i)
		if f := bounded(v.Field(i), field.Name == "Code"); f != nil {
			return f.in(part(field))
		}
	}
	return nil
}

// part is the name of a field as the file has it, with a dot before it.
func part(field reflect.StructField) string {
	if field.Anonymous {
		return ""
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		name = field.Name
	}
	return "." + name
}

func boundedItems(v reflect.Value) *fault {
	switch v.Type().Elem().Kind() {
	case reflect.String, reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return nil // cannot be out of bounds
	default:
	}
	for i := range v.Len() {
		if f := bounded(v.Index(i), false); f != nil {
			return f.in(fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

func boundedInt(v reflect.Value, code bool) *fault {
	if v.Type() == timeType {
		if d := time.Duration(v.Int()); d < Earliest || d > Latest {
			return &fault{text: fmt.Sprintf("%s: a time must be from %s to %s", d, Earliest, Latest)}
		}
		return nil
	}
	least := int64(0)
	if code {
		least = -1
	}
	if n := v.Int(); n < least || n > Most {
		return &fault{text: fmt.Sprintf("%d: it must be from %d to %d", n, least, int64(Most))}
	}
	return nil
}

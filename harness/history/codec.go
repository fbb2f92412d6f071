package history

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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

package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	Results     int        `json:"results"`
	Disagreed   int        `json:"disagreed,omitempty"`
	Interrupted bool       `json:"interrupted,omitempty"`
	Methods     []string   `json:"methods,omitempty"`
	Foreign     int        `json:"ledger_foreign,omitempty"`
	Torn        int        `json:"ledger_torn,omitempty"`
	Truncated   bool       `json:"ledger_truncated,omitempty"`
	Path        string     `json:"ledger_path,omitempty"`
	Asked       Applied    `json:"asked,omitzero"` // without its lines, which stand by themselves
	Stderr      []string   `json:"stderr,omitempty"`
	Error       string     `json:"error,omitempty"`
	Events      int        `json:"events"`
	Requests    int        `json:"requests"`
	Ledger      int        `json:"ledger"`
	Applied     int        `json:"applied,omitempty"`
	Parked      int        `json:"parked,omitempty"`
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
	for l := range h.lines() {
		if err := put(l); err != nil {
			return err
		}
	}
	return put(line{End: h.end()})
}

func (h *History) end() *end {
	return &end{
		PID: h.PID, Addr: h.Addr, Signal: h.Signal, Delivery: h.Delivery, Operation: h.Operation,
		Exit: h.Exit, Left: h.Left, Readiness: h.Readiness,
		Scheduled: h.Scheduled, Results: h.Results, Disagreed: h.Disagreed, Interrupted: h.Interrupted, Methods: h.Methods,
		Foreign: h.Ledger.Foreign, Torn: h.Ledger.Torn, Truncated: h.Ledger.Truncated, Path: h.Ledger.Path,
		Asked: h.Applied, Stderr: h.Stderr, Error: h.Error,
		Events: len(h.Events), Requests: len(h.Requests), Ledger: len(h.Ledger.Lines), Applied: len(h.Applied.Lines), Parked: len(h.Parked),
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
		if schema := schemaOf(lines.Bytes()); schema != "" && schema != Schema {
			return nil, fmt.Errorf("line 1: %w: %q, this lastcall reads %q", ErrSchema, schema, Schema)
		}
		return nil, fmt.Errorf("line 1: %w", ErrForeign)
	}
	switch h.Header.Schema {
	case Schema:
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
	case l.End != nil:
		return l.End, nil
	default:
		return nil, fmt.Errorf("%w: neither event, request, ledger, applied, parked nor end", ErrForeign)
	}
	return nil, nil
}

func (h *History) finish(e *end) error {
	promised := [...]int{e.Events, e.Requests, e.Ledger, e.Applied, e.Parked}
	held := [...]int{len(h.Events), len(h.Requests), len(h.Ledger.Lines), len(h.Applied.Lines), len(h.Parked)}
	if promised != held {
		return fmt.Errorf("%w: of events, requests, ledger lines, applied ids and parked connections it promises %v, and holds %v", ErrTruncated, promised, held)
	}
	h.PID, h.Addr, h.Signal, h.Exit = e.PID, e.Addr, e.Signal, e.Exit
	h.Delivery, h.Operation, h.Left, h.Readiness = e.Delivery, e.Operation, e.Left, e.Readiness
	h.Scheduled, h.Results, h.Disagreed, h.Interrupted = e.Scheduled, e.Results, e.Disagreed, e.Interrupted
	h.Ledger.Foreign, h.Ledger.Torn, h.Ledger.Truncated, h.Ledger.Path = e.Foreign, e.Torn, e.Truncated, e.Path
	h.Methods, h.Stderr, h.Error = e.Methods, e.Stderr, e.Error
	e.Asked.Lines = h.Applied.Lines
	h.Applied = e.Asked
	return nil
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"lastcall/harness/diff"
	"lastcall/harness/history"
	"lastcall/harness/result"
	"lastcall/internal/input"
)

// maxSuite bounds what is read of a file that is said to be a report, in bytes:
// a thousand shutdowns are some ten megabytes.
const maxSuite = 64 << 20

// readSuite reads a JSON report. Within v1 fields are only added, so that unknown
// ones are no mistake; everything else that compare does not write is. The error
// is one of usage, and names the file.
func readSuite(path string) (result.Suite, error) {
	text, err := readBounded(path, maxSuite)
	if err != nil {
		return result.Suite{}, notSuite(path, err)
	}
	suite, err := parseSuite(text)
	if err != nil {
		return result.Suite{}, notSuite(path, err)
	}
	return suite, nil
}

func notSuite(path string, err error) error {
	return usagef("%s: %w: name a file that --report json=FILE wrote", path, err)
}

func readBounded(path string, most int64) ([]byte, error) {
	text, err := input.Read(context.Background(), path, most) // SIGINT still has its own action
	if _, ok := errors.AsType[*input.Large](err); ok {
		return nil, fmt.Errorf("it is larger than %d MB", most>>20)
	}
	if err != nil {
		return nil, plain(err)
	}
	return text, nil
}

func parseSuite(text []byte) (result.Suite, error) {
	if err := suiteHead(text); err != nil {
		return result.Suite{}, err
	}
	var suite result.Suite
	if err := json.Unmarshal(text, &suite); err != nil {
		return result.Suite{}, jsonError(text, err)
	}
	if suite.Subjects == nil {
		return result.Suite{}, errors.New("it has no list of subjects")
	}
	if err := history.Bounded(&suite); err != nil {
		return result.Suite{}, err
	}
	return suite, diff.ValidSuite(suite)
}

// suiteHead looks whether the text is one JSON object that calls itself a suite,
// before anything else of it is believed.
func suiteHead(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	var head struct {
		Schema string `json:"schema"`
	}
	if err := dec.Decode(&head); err != nil {
		return jsonError(text, err)
	}
	switch head.Schema {
	case result.Schema:
	case "":
		return errors.New("it is JSON, but not a report: it has no schema")
	case history.Schema:
		return errors.New("it is a recorded history, not a report: judge it with lastcall report DIR --report json=FILE")
	case result.DiffSchema:
		return errors.New("it is a comparison of two reports, not a report")
	default:
		return fmt.Errorf("its schema is %q, this lastcall reads %q", head.Schema, result.Schema)
	}
	if rest := bytes.TrimSpace(text[dec.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("line %d: something follows the report", lineAt(text, int64(bytes.LastIndex(text, rest))+1))
	}
	return nil
}

// jsonError says in plain words where a text is no JSON, or not the one expected.
func jsonError(text []byte, err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is truncated")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("line %d: it is not JSON: %w", lineAt(text, syntax.Offset), err)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return fmt.Errorf("it is JSON, but not a report: it is of type %s", wrong.Value)
		}
		return fmt.Errorf("line %d: %s must not be of type %s", lineAt(text, wrong.Offset), wrong.Field, wrong.Value)
	}
	return err
}

// lineAt is the line in which so many bytes of the text end.
func lineAt(text []byte, offset int64) int {
	offset = min(max(0, offset-1), int64(len(text)))
	return 1 + bytes.Count(text[:offset], []byte("\n"))
}

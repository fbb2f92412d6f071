package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"lastcall/harness/load"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/input"
)

// Targets are the requests of the plan, as they are sent to the endpoint: what
// the scenario lists, then what its file of requests does, or, without both, one
// of the load's method. It waits for the files that are pipes until the context ends.
func (p *Plan) Targets(ctx context.Context, e subject.Endpoint) ([]load.Target, error) {
	l := p.Scenario.Load
	requests := l.Requests
	if len(requests) == 0 && l.RequestsFile == "" {
		requests = []scenario.Target{{URL: p.Path}}
	}
	var targets []load.Target
	for i, r := range requests {
		t, err := target(ctx, r, e, l.Method)
		if err != nil {
			return nil, inRequest(i, err)
		}
		targets = append(targets, t)
	}
	if l.RequestsFile == "" {
		return targets, nil
	}
	more, err := p.targetsFromFile(ctx, e)
	if err == nil && len(targets)+len(more) > scenario.MaxTargets {
		err = &scenario.Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("has %d requests, must be at most %d, with load.requests", len(more), scenario.MaxTargets)}
	}
	return append(targets, more...), err
}

// inRequest says of which request something is wrong.
func inRequest(i int, err error) error {
	field := fmt.Sprintf("load.requests[%d]", i)
	if part, ok := errors.AsType[*scenario.Invalid](err); ok {
		return &scenario.Invalid{Field: field + "." + part.Field, Problem: part.Problem}
	}
	return &scenario.Invalid{Field: field, Problem: err.Error()}
}

func target(ctx context.Context, r scenario.Target, e subject.Endpoint, method string) (t load.Target, err error) {
	t = load.Target{Method: cmp.Or(r.Method, method), Body: []byte(r.Body)}
	if t.URL, err = subject.At(e, r.URL); err != nil {
		return t, err
	}
	for name, value := range r.Header {
		if t.Header == nil {
			t.Header = make(http.Header)
		}
		t.Header.Set(name, value)
	}
	if r.BodyFile == "" {
		return t, nil
	}
	if t.Body, err = input.Read(ctx, r.BodyFile, maxBody); err != nil {
		return t, &scenario.Invalid{Field: "body-file", Problem: fmt.Sprintf("cannot be read: %s", err)}
	}
	return t, nil
}

// maxBody bounds the body of a request, in bytes: it is held in memory once.
const maxBody = 64 << 20

// targetsFromFile reads vegeta's own format. Its {port} is the endpoint's.
func (p *Plan) targetsFromFile(ctx context.Context, e subject.Endpoint) ([]load.Target, error) {
	name := p.Scenario.Load.RequestsFile
	invalid := func(err error) error {
		return &scenario.Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("cannot be used: %s: %s", name, err)}
	}
	text, err := input.Read(ctx, name, load.MaxTargetsFile)
	if err != nil {
		return nil, &scenario.Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("cannot be read: %s", err)}
	}
	expand := func(word string) string { return strings.ReplaceAll(word, scenario.PortMark, subject.PortOf(e.URL)) }
	targets, err := load.ReadTargets(bytes.NewReader(text), filepath.Dir(name), expand)
	if err != nil {
		return nil, invalid(err)
	}
	for i := range targets {
		if targets[i].URL, err = subject.At(e, targets[i].URL); err != nil {
			return nil, invalid(err)
		}
	}
	return targets, nil
}

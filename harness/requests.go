package harness

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/internal/input"
)

// MaxRequests is how many different requests a load can hold.
const MaxRequests = load.MaxTargets

// validCommand refuses a command that cannot be started.
func validCommand(field string, argv []string) error {
	if len(argv) > 0 && strings.TrimSpace(argv[0]) == "" {
		return &Invalid{Field: field + "[0]", Problem: fmt.Sprintf("is %q, must be a program", argv[0])}
	}
	for i, word := range argv {
		if strings.ContainsRune(word, 0) {
			return &Invalid{Field: fmt.Sprintf("%s[%d]", field, i), Problem: fmt.Sprintf("is %q, which has a zero byte", word)}
		}
	}
	return nil
}

// validEnv refuses names that no environment can hold.
func validEnv(env map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return &Invalid{Field: "subject.env", Key: name, Problem: fmt.Sprintf("has the name %q, must be as in DATABASE_URL", name)}
		}
		if strings.ContainsRune(env[name], 0) {
			return &Invalid{Field: "subject.env", Key: name, Problem: fmt.Sprintf("has a zero byte in %q", name)}
		}
	}
	return nil
}

// validSubjectURL refuses a URL at which nothing can be asked for, and options
// that go with https only.
func validSubjectURL(s history.Subject) error {
	if s.URL != "" {
		u, err := parseURL(s.URL)
		if err != nil {
			return &Invalid{Field: "subject.url", Problem: err.Error()}
		}
		if u.Scheme == "http" && (s.CA != "" || s.Insecure) {
			return &Invalid{Field: "subject.url", Problem: fmt.Sprintf("is %q: ca and insecure are for https", s.URL)}
		}
	}
	if s.CA != "" && s.Insecure {
		return &Invalid{Field: "subject.insecure", Problem: "trusts any certificate, so ca has no effect: leave one out"}
	}
	if strings.Contains(s.Ready, "://") {
		if _, err := parseURL(s.Ready); err != nil {
			return &Invalid{Field: "subject.ready", Problem: err.Error()}
		}
	} else if s.Ready != "" && !strings.HasPrefix(s.Ready, "/") {
		return &Invalid{Field: "subject.ready", Problem: fmt.Sprintf("is %q, must be a path, as in /health, or a URL", s.Ready)}
	}
	return nil
}

// noPort stands for a port that is not known yet: hardly anybody can mean it, and
// yet it can be asked.
const noPort = "65535"

// parseURL reads an absolute URL that may hold {port}.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.ReplaceAll(text, portMark, noPort))
	switch {
	case err != nil:
		return nil, fmt.Errorf("is %q, which is not a URL: %w", text, unwrapURL(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("is %q, must be as in http://127.0.0.1:{port}/path", text)
	}
	if err := load.ValidURL(u, strings.ReplaceAll(text, portMark, noPort)); err != nil {
		return nil, fmt.Errorf("is %q, which %w", hidden(u, text), err)
	}
	return u, nil
}

// hidden is a URL as it was written, but for a password: errors end up in logs.
func hidden(u *url.URL, text string) string {
	if u.User == nil {
		return text
	}
	return u.Redacted()
}

// unwrapURL strips the text that is quoted already.
func unwrapURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // url.Parse returns exactly this
		return e.Err
	}
	return err
}

// validRequests refuses requests that could not be sent as they are meant.
func validRequests(l history.Load) error {
	if len(l.Requests) > MaxRequests {
		return &Invalid{Field: "load.requests", Problem: fmt.Sprintf("has %d requests, must be at most %d", len(l.Requests), MaxRequests)}
	}
	for i, r := range l.Requests {
		field := fmt.Sprintf("load.requests[%d]", i)
		if err := validRequest(field, r); err != nil {
			return err
		}
	}
	return nil
}

func validRequest(field string, r history.Target) error {
	if r.Method != "" {
		if err := oneOf(field+".method", r.Method, Methods()); err != nil {
			return err
		}
	}
	if err := validURL(field+".url", r.URL); err != nil {
		return err
	}
	if r.Body != "" && r.BodyFile != "" {
		return &Invalid{Field: field + ".body", Problem: "and body-file are both given: leave one out"}
	}
	return validHeader(field+".header", r.Header)
}

// validHeader refuses what load.ValidHeader does, and
// one name in two spellings, of which either could win.
func validHeader(field string, header map[string]string) error {
	spelt := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		invalid := func(problem string, args ...any) error {
			return &Invalid{Field: field, Key: name, Problem: fmt.Errorf(problem, args...).Error()}
		}
		canonical := http.CanonicalHeaderKey(name)
		if err := load.ValidHeader(name, header[name]); err != nil {
			return invalid("%w", err)
		}
		if spelt[canonical] != "" {
			return invalid("has both %s and %s, which are the same", spelt[canonical], name)
		}
		spelt[canonical] = name
	}
	return nil
}

// validExpectation refuses statuses and expressions that cannot be read.
func validExpectation(l history.Load) error {
	if _, err := load.ParseStatusSet(l.ExpectStatus); l.ExpectStatus != "" && err != nil {
		return &Invalid{Field: "load.expect-status", Problem: err.Error()}
	}
	if _, err := regexp.Compile(l.ExpectBody); err != nil {
		return &Invalid{Field: "load.expect-body", Problem: fmt.Sprintf("is not a regular expression: %s", err)}
	}
	return nil
}

// Targets are the requests of the plan, as they are sent to the endpoint: what
// the scenario lists, then what its file of requests does, or, without both, one
// of the load's method. It waits for the files that are pipes until the context ends.
func (p *Plan) Targets(ctx context.Context, e Endpoint) ([]load.Target, error) {
	l := p.Scenario.Load
	requests := l.Requests
	if len(requests) == 0 && l.RequestsFile == "" {
		requests = []history.Target{{URL: p.Path}}
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
	if err == nil && len(targets)+len(more) > MaxRequests {
		err = &Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("has %d requests, must be at most %d, with load.requests", len(more), MaxRequests)}
	}
	return append(targets, more...), err
}

// inRequest says of which request something is wrong.
func inRequest(i int, err error) error {
	field := fmt.Sprintf("load.requests[%d]", i)
	if part, ok := errors.AsType[*Invalid](err); ok {
		return &Invalid{Field: field + "." + part.Field, Problem: part.Problem}
	}
	return &Invalid{Field: field, Problem: err.Error()}
}

func target(ctx context.Context, r history.Target, e Endpoint, method string) (t load.Target, err error) {
	t = load.Target{Method: cmp.Or(r.Method, method), Body: []byte(r.Body)}
	if t.URL, err = at(e, r.URL); err != nil {
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
		return t, &Invalid{Field: "body-file", Problem: fmt.Sprintf("cannot be read: %s", err)}
	}
	return t, nil
}

// maxBody bounds the body of a request, in bytes: it is held in memory once.
const maxBody = 64 << 20

// targetsFromFile reads vegeta's own format. Its {port} is the endpoint's.
func (p *Plan) targetsFromFile(ctx context.Context, e Endpoint) ([]load.Target, error) {
	name := p.Scenario.Load.RequestsFile
	invalid := func(err error) error {
		return &Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("cannot be used: %s: %s", name, err)}
	}
	text, err := input.Read(ctx, name, load.MaxTargetsFile)
	if err != nil {
		return nil, &Invalid{Field: "load.requests-file", Problem: fmt.Sprintf("cannot be read: %s", err)}
	}
	expand := func(word string) string { return strings.ReplaceAll(word, portMark, portOf(e.URL)) }
	targets, err := load.ReadTargets(bytes.NewReader(text), filepath.Dir(name), expand)
	if err != nil {
		return nil, invalid(err)
	}
	for i := range targets {
		if targets[i].URL, err = at(e, targets[i].URL); err != nil {
			return nil, invalid(err)
		}
	}
	return targets, nil
}

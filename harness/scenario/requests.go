package scenario

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// PortMark is replaced by the subject's port wherever a command or a URL holds
// it.
const PortMark = "{port}"

// PidMark is replaced by the subject's PID in a command that is run instead of a
// signal.
const PidMark = "{pid}"

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
func validSubjectURL(s Subject) error {
	if s.URL != "" {
		u, err := ParseURL(s.URL)
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
		if _, err := ParseURL(s.Ready); err != nil {
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

// ParseURL reads an absolute URL that may hold {port}.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.ReplaceAll(text, PortMark, noPort))
	switch {
	case err != nil:
		return nil, fmt.Errorf("is %q, which is not a URL: %w", text, UnwrapURL(err))
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("is %q, must be as in http://127.0.0.1:{port}/path", text)
	}
	if err := ValidURL(u, strings.ReplaceAll(text, PortMark, noPort)); err != nil {
		return nil, fmt.Errorf("is %q, which %w", WithoutPassword(u, text), err)
	}
	return u, nil
}

// UnwrapURL strips the text that is quoted already.
func UnwrapURL(err error) error {
	if e, ok := err.(*url.Error); ok { //nolint:errorlint // url.Parse returns exactly this
		return e.Err
	}
	return err
}

// validRequests refuses requests that could not be sent as they are meant.
func validRequests(l Load) error {
	if len(l.Requests) > MaxTargets {
		return &Invalid{Field: "load.requests", Problem: fmt.Sprintf("has %d requests, must be at most %d", len(l.Requests), MaxTargets)}
	}
	for i, r := range l.Requests {
		field := fmt.Sprintf("load.requests[%d]", i)
		if err := validRequest(field, r); err != nil {
			return err
		}
	}
	return nil
}

func validRequest(field string, r Target) error {
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

// validHeader refuses what ValidHeader does, and
// one name in two spellings, of which either could win.
func validHeader(field string, header map[string]string) error {
	spelt := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(header)) {
		invalid := func(problem string, args ...any) error {
			return &Invalid{Field: field, Key: name, Problem: fmt.Errorf(problem, args...).Error()}
		}
		canonical := http.CanonicalHeaderKey(name)
		if err := ValidHeader(name, header[name]); err != nil {
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
func validExpectation(l Load) error {
	if _, err := ParseStatusSet(l.ExpectStatus); l.ExpectStatus != "" && err != nil {
		return &Invalid{Field: "load.expect-status", Problem: err.Error()}
	}
	if _, err := regexp.Compile(l.ExpectBody); err != nil {
		return &Invalid{Field: "load.expect-body", Problem: fmt.Sprintf("is not a regular expression: %s", err)}
	}
	return nil
}

// validURL refuses what is neither a path nor a URL.
func validURL(field, text string) error {
	switch {
	case strings.HasPrefix(text, "//"):
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %q, must begin with one slash, or be a whole URL", text)}
	case strings.HasPrefix(text, "/"):
		u, err := url.ParseRequestURI(strings.ReplaceAll(text, PortMark, noPort))
		if err != nil {
			return &Invalid{Field: field, Problem: fmt.Sprintf("is %q, which is not a path: %s", text, UnwrapURL(err))}
		}
		if err := ValidURL(u, text); err != nil {
			return &Invalid{Field: field, Problem: fmt.Sprintf("is %q, which %s", text, err)}
		}
		return nil
	}
	if method, rest, ok := strings.Cut(text, " "); ok && slices.Contains(Methods(), strings.ToUpper(method)) {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %q: write method: %s and url: %s", text, strings.ToUpper(method), rest)}
	}
	if _, err := ParseURL(text); err != nil {
		return &Invalid{Field: field, Problem: err.Error()}
	}
	return nil
}

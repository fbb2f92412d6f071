package load

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lastcall/harness/scenario"
)

// form is a target that holds IDMark, split at the marks of its body: it is
// filled in for every request.
type form struct {
	url    string      // "": there is no mark in it
	header http.Header // the fields that have one
	body   [][]byte    // at least two pieces, or nil
}

// formsOf returns the targets that have to be filled in, by their index; nil
// where there is none among them, so that the others cost nothing.
func formsOf(targets []Target) []*form {
	var forms []*form
	for i, t := range targets {
		f := formOf(t)
		if f == nil {
			continue
		}
		if forms == nil {
			forms = make([]*form, len(targets))
		}
		forms[i] = f
	}
	return forms
}

func formOf(t Target) *form {
	f := &form{header: make(http.Header)}
	if strings.Contains(t.URL, scenario.IDMark) {
		f.url = t.URL
	}
	for name, values := range t.Header {
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, scenario.IDMark) }) {
			f.header[name] = values
		}
	}
	if pieces := bytes.Split(t.Body, []byte(scenario.IDMark)); len(pieces) > 1 {
		f.body = pieces
	}
	if f.url == "" && len(f.header) == 0 && f.body == nil {
		return nil
	}
	return f
}

// fill writes the id into a request, whose URL and header are its own to change.
func (f *form) fill(req *http.Request, id string) {
	if f.url != "" {
		// Target.Validate has read it with the mark, which is stricter than with
		// the id: letters, digits and dashes mean the same everywhere.
		if u, err := url.Parse(strings.ReplaceAll(f.url, scenario.IDMark, id)); err == nil {
			req.URL = u
		}
	}
	for name, values := range f.header {
		filled := make([]string, len(values))
		for i, value := range values {
			filled[i] = strings.ReplaceAll(value, scenario.IDMark, id)
		}
		req.Header[name] = filled
	}
	if f.body == nil {
		return
	}
	body := bytes.Join(f.body, []byte(id))
	closeBody(req) // the one with the marks in it is never sent
	// Every connection that is tried gets the same id, and net/http sees that the
	// body lies in memory.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength = int64(len(body))
}

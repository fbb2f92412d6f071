package cli

import (
	"net/http"
	"strings"

	"lastcall/harness/scenario"
)

// applyRequests makes requests of the URLs, headers and body. The first URL with
// a host says where the server is.
func (o *subjectOptions) applyRequests(s *scenario.Scenario) error {
	l := &s.Load
	if s.Disruption.Unloaded() {
		return o.applySite(s)
	}
	if len(o.urls) > 0 {
		l.Requests = nil
		for i, text := range o.urls {
			r := o.request(text)
			if site, _, ok := cutSite(r.URL); ok && i == 0 {
				s.Subject.URL = site
			}
			l.Requests = append(l.Requests, r)
		}
	}
	if len(o.headers) == 0 && o.body == "" {
		return nil
	}
	if l.RequestsFile != "" && len(l.Requests) == 0 {
		return usagef("--header and --body do not go with --requests: write them into the file")
	}
	if len(l.Requests) == 0 {
		l.Requests = []scenario.Target{{URL: pathOf(s.Subject.URL)}}
	}
	return o.applyParts(l)
}

// applySite takes from the URLs where the server is: where no load is sent they ask
// for nothing.
func (o *subjectOptions) applySite(s *scenario.Scenario) error {
	for i, text := range o.urls {
		site, _, ok := cutSite(o.request(text).URL)
		if !ok || i > 0 {
			return usagef("--url %s has a path, and with disruption.when %s no load is sent: write http://127.0.0.1:{port}/, or leave it out", text, s.Disruption.When)
		}
		s.Subject.URL = site
	}
	return nil
}

// applyParts adds the headers and the body to every request.
func (o *subjectOptions) applyParts(l *scenario.Load) error {
	headers := make(map[string]string)
	for _, text := range o.headers {
		name, value, ok := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return usagef("--header %q: must be as in Accept: application/json", text)
		}
		headers[name] = strings.TrimSpace(value)
	}
	requests := make([]scenario.Target, len(l.Requests))
	for i, r := range l.Requests {
		all := make(map[string]string)
		for name, value := range r.Header {
			all[name] = value
		}
		for name, value := range headers {
			all[name] = value
		}
		if len(all) > 0 {
			r.Header = all
		}
		if o.body != "" {
			r.Body, r.BodyFile = "", o.body
			if r.Method == "" && o.post {
				r.Method = http.MethodPost
			}
		}
		requests[i] = r
	}
	l.Requests = requests
	return nil
}

// request reads [METHOD ]URL.
func (o *subjectOptions) request(text string) scenario.Target {
	if method, rest, ok := strings.Cut(strings.TrimSpace(text), " "); ok && !strings.ContainsAny(method, "/:") {
		return scenario.Target{Method: strings.ToUpper(method), URL: strings.TrimSpace(rest)}
	}
	return scenario.Target{URL: text}
}

// cutSite cuts a URL after its host: it cannot be parsed while it holds {port}.
func cutSite(text string) (site, path string, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return "", text, false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + rest[:end] + "/", rest[end:], true
}

// pathOf is the path of a URL, as a request names it.
func pathOf(text string) string {
	_, path, _ := cutSite(text)
	if !strings.HasPrefix(path, "/") {
		return "/" + path
	}
	return path
}

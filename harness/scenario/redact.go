package scenario

import (
	"fmt"
	"maps"
)

// hidden stands where a secret may have stood.
const hidden = "(hidden)"

// Redacted returns the scenario as it may be kept: without the values of
// environment variables and of headers, and without bodies, any of which may hold
// a secret. Reports and recorded histories are uploaded, mailed and compared.
func (s Scenario) Redacted() Scenario {
	s.Subject.Env = hide(s.Subject.Env)
	requests := make([]Target, len(s.Load.Requests))
	for i, r := range s.Load.Requests {
		r.Header = hide(r.Header)
		if r.Body != "" {
			r.Body = fmt.Sprintf("%s %d bytes", hidden, len(r.Body))
		}
		requests[i] = r
	}
	if len(requests) > 0 {
		s.Load.Requests = requests
	}
	parked := make([]Park, len(s.Load.Parked))
	for i, p := range s.Load.Parked {
		p.Header = hide(p.Header)
		parked[i] = p
	}
	if len(parked) > 0 {
		s.Load.Parked = parked
	}
	return s
}

// hide keeps the names.
func hide(values map[string]string) map[string]string {
	kept := maps.Clone(values)
	for name := range kept {
		kept[name] = hidden
	}
	return kept
}

package scenario

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// ParkKinds returns the kinds of connections that can be parked.
func ParkKinds() []string {
	return []string{Silent, Idle, WebSocket, EventStream}
}

// ValidParked refuses connections that could not be parked as they are meant.
func ValidParked(l Load) error {
	if len(l.Parked) > MaxParks {
		return &Invalid{Field: "load.parked", Problem: fmt.Sprintf("has %d entries, must be at most %d", len(l.Parked), MaxParks)}
	}
	for i, p := range l.Parked {
		if err := validPark(fmt.Sprintf("load.parked[%d]", i), p); err != nil {
			return err
		}
	}
	return nil
}

func validPark(field string, p Park) error {
	if p.Kind == "" {
		return &Invalid{Field: field + ".kind", Problem: "is missing: it is one of " + strings.Join(ParkKinds(), ", ")}
	}
	if p.Count == 0 {
		return &Invalid{Field: field + ".count", Problem: fmt.Sprintf("is missing, or 0: it must be from 1 to %d", MaxParked)}
	}
	if err := oneOf(field+".kind", p.Kind, ParkKinds()); err != nil {
		return err
	}
	if err := number(field+".count", p.Count, 1, MaxParked); err != nil {
		return err
	}
	silent := p.Kind == Silent
	switch {
	case silent && p.URL != "":
		return &Invalid{Field: field + ".url", Problem: fmt.Sprintf("is %q: a silent connection sends no request, so leave it out", p.URL)}
	case silent && len(p.Header) > 0:
		return &Invalid{Field: field + ".header", Problem: "has no effect: a silent connection never sends a byte, so leave it out"}
	case silent:
		return nil
	case p.URL == "" && p.Kind == Idle: // the subject's URL
		return validParkHeader(field+".header", p.Header)
	case p.URL == "":
		return &Invalid{Field: field + ".url", Problem: "is missing: name a path of the server, as in /" + p.Kind}
	}
	if err := validURL(field+".url", p.URL); err != nil {
		return err
	}
	return validParkHeader(field+".header", p.Header)
}

// validParkHeader also refuses what belongs to the handshake of a websocket (RFC 6455
// section 4.1) but for its subprotocols, which are the server's business.
func validParkHeader(field string, header map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		canonical := http.CanonicalHeaderKey(name)
		if strings.HasPrefix(canonical, "Sec-Websocket-") && canonical != Subprotocols {
			return &Invalid{Field: field, Key: name, Problem: fmt.Sprintf("has %s, which lastcall sets itself", name)}
		}
	}
	return validHeader(field, header)
}

// Subprotocols is the header of a websocket's handshake that offers some, as
// net/http spells it.
const Subprotocols = "Sec-Websocket-Protocol"

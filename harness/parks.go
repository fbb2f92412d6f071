package harness

import (
	"fmt"

	"lastcall/harness/history"
)

// ParkKinds returns the kinds of connections that can be parked.
func ParkKinds() []string { return []string{history.Silent, history.WebSocket, history.EventStream} }

// validParked refuses connections that could not be parked as they are meant.
func validParked(l history.Load) error {
	if len(l.Parked) > history.MaxParks {
		return &Invalid{Field: "load.parked", Problem: fmt.Sprintf("has %d entries, must be at most %d", len(l.Parked), history.MaxParks)}
	}
	for i, p := range l.Parked {
		if err := validPark(fmt.Sprintf("load.parked[%d]", i), p); err != nil {
			return err
		}
	}
	return nil
}

func validPark(field string, p history.Park) error {
	if err := oneOf(field+".kind", p.Kind, ParkKinds()); err != nil {
		return err
	}
	if err := number(field+".count", p.Count, 1, history.MaxParked); err != nil {
		return err
	}
	silent := p.Kind == history.Silent
	switch {
	case silent && p.URL != "":
		return &Invalid{Field: field + ".url", Problem: fmt.Sprintf("is %q: a silent connection asks for nothing, so drop it", p.URL)}
	case silent:
		return nil
	case p.URL == "":
		return &Invalid{Field: field + ".url", Problem: "is missing: name a path of the server, as in /" + p.Kind}
	}
	return validURL(field+".url", p.URL)
}

// checkParked refuses a URL that leads elsewhere than to the endpoint.
func (p *Plan) checkParked(e Endpoint) error {
	for i, wanted := range p.Scenario.Load.Parked {
		if _, err := at(e, wanted.URL); err != nil {
			return &Invalid{Field: fmt.Sprintf("load.parked[%d]", i), Problem: err.Error()}
		}
	}
	return nil
}

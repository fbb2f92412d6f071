package scenario_test

import (
	"strings"
	"testing"

	"lastcall/harness/scenario"
)

// TestRedactedHasNoSecret, and the scenario that is executed keeps them.
func TestRedactedHasNoSecret(t *testing.T) {
	secret := map[string]string{"Authorization": "Bearer topsecret"}
	s := scenario.Scenario{
		Subject: scenario.Subject{Env: map[string]string{"TOKEN": "topsecret"}},
		Load: scenario.Load{
			Requests: []scenario.Target{{URL: "/", Header: secret, Body: "topsecret"}},
			Parked:   []scenario.Park{{Kind: scenario.WebSocket, URL: "/ws", Count: 1, Header: secret}, {Kind: scenario.Silent, Count: 1}},
		},
	}
	r := s.Redacted()
	if kept := r.Load.Parked[0].Header["Authorization"]; kept != "(hidden)" || r.Load.Parked[1].Header != nil {
		t.Errorf("of a parked connection %q is kept, and %v", kept, r.Load.Parked[1].Header)
	}
	for where, value := range map[string]string{
		"env": r.Subject.Env["TOKEN"], "header": r.Load.Requests[0].Header["Authorization"], "body": r.Load.Requests[0].Body,
	} {
		if strings.Contains(value, "topsecret") {
			t.Errorf("%s keeps %q", where, value)
		}
	}
	if secret["Authorization"] != "Bearer topsecret" || s.Load.Parked[0].Header["Authorization"] != "Bearer topsecret" {
		t.Error("what is sent has changed")
	}
}

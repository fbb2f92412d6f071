package demo

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
)

// TestWhoIsLetIn asks that neither a rebound name, nor another site's page, nor
// another user of the machine gets anything, or is obeyed.
func TestWhoIsLetIn(t *testing.T) {
	s := newSite(t)
	port := s.base[strings.LastIndex(s.base, ":"):]
	key := s.key()
	good, _ := json.Marshal(Opening())
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"the page", "GET", "/", "", nil, 200},
		{"the page, followed from a chat", "GET", "/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},
		{"a part of the page", "GET", "/page.js", "", nil, 200},
		{"localhost", "GET", "/source/naive", "", []string{key, "Host: localhost" + port}, 200},
		{"no key", "GET", "/source/naive", "", nil, 403},
		{"no key for the events", "GET", "/events", "", nil, 403},
		{"a wrong key", "GET", "/source/naive", "", []string{keyHeader + ": AAAA"}, 403},
		{"the key in the URL", "GET", "/source/naive?key=" + s.server.key, "", nil, 403},
		{"the key in a cookie", "GET", "/source/naive", "", []string{"Cookie: lastcall" + port[1:] + "=" + s.server.key}, 403},
		{"a rebound name", "GET", "/", "", []string{"Host: evil.example" + port}, 421},
		{"another port", "GET", "/events", "", []string{key, "Host: 127.0.0.1:1"}, 421},
		{"another site reads", "GET", "/events", "", []string{key, "Origin: http://evil.example"}, 403},
		{"another site's script tag", "GET", "/page.js", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"another port's page reads", "GET", "/events", "", []string{key, "Origin: http://127.0.0.1:1"}, 403},
		{"another site deploys", "POST", "/deploy", "", []string{key, "Origin: http://evil.example"}, 403},
		{"a sandboxed page deploys", "POST", "/deploy", "", []string{key, "Origin: null"}, 403},
		{"another port's page deploys", "POST", "/deploy", "", []string{key, "Sec-Fetch-Site: same-site"}, 403},
		{"nobody deploys", "POST", "/deploy", "", nil, 403},
		{"a link deploys", "GET", "/deploy", "", []string{key}, 405},
		{"our page deploys", "POST", "/deploy", "", []string{key, "Origin: " + s.base, "Sec-Fetch-Site: same-origin"}, 204},
		{"a program deploys", "POST", "/deploy", "", []string{key}, 204},
		{"our page applies", "POST", "/settings", string(good), []string{key, "Origin: " + s.base}, 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.stage.takeTold()
			answer := s.ask(t, c.method, c.path, c.body, c.headers...)
			if answer.StatusCode != c.want {
				t.Errorf("%d, want %d", answer.StatusCode, c.want)
			}
			if told := s.stage.takeTold(); (len(told) > 0) != (c.want == 204) {
				t.Errorf("the stage was told %v", told)
			}
			if policy := answer.Header.Get("Content-Security-Policy"); c.want == 200 && !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("policy %q", policy)
			}
		})
	}
}

// TestTheKeyStaysHere: a cookie would be sent to every port of this host.
func TestTheKeyStaysHere(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/page.js", "/source/naive"} {
		if set := s.ask(t, "GET", path, "", s.key()).Header.Get("Set-Cookie"); set != "" {
			t.Errorf("%s sets the cookie %q", path, set)
		}
	}
}

// TestItsOwnAddressIsLetIn: whatever loopback address it listens on, the page works, and
// so does what needs the key.
func TestItsOwnAddressIsLetIn(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.2:0", "[::1]:0"} {
		probe, err := net.Listen("tcp", addr)
		if err != nil {
			t.Logf("%s: this machine does not have it: %v", addr, err) // macOS has only the first of 127/8
			continue
		}
		probe.Close()
		s := newSiteAt(t, addr)
		page := s.ask(t, "GET", "/", "", "Origin: "+s.base)
		if page.StatusCode != 200 {
			t.Errorf("%s: %d to the page", addr, page.StatusCode)
		}
		if part := s.ask(t, "GET", "/source/naive", "", s.key(), "Origin: "+s.base); part.StatusCode != 200 {
			t.Errorf("%s: %d to a source", addr, part.StatusCode)
		}
	}
}

package live

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
	cookie := "Cookie: lastcall-" + port[1:] + "=" + s.server.key
	good, _ := json.Marshal(Opening())
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
	}{
		{"the URL that was printed", "GET", "/?key=" + s.server.key, "", nil, 200},
		{"that URL, followed from a chat", "GET", "/?key=" + s.server.key, "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 200},
		{"the cookie", "GET", "/", "", []string{cookie}, 200},
		{"localhost", "GET", "/", "", []string{cookie, "Host: localhost" + port}, 200},
		{"no key", "GET", "/", "", nil, 403},
		{"a wrong key", "GET", "/?key=AAAA", "", nil, 403},
		{"no key for a part", "GET", "/page.js", "", nil, 403},
		{"the key in the wrong place", "GET", "/page.js?key=" + s.server.key, "", nil, 403},
		{"a wrong cookie", "GET", "/events", "", []string{cookie + "x"}, 403},
		{"a rebound name", "GET", "/", "", []string{cookie, "Host: evil.example" + port}, 421},
		{"another port", "GET", "/", "", []string{cookie, "Host: 127.0.0.1:1"}, 421},
		{"another site reads", "GET", "/events", "", []string{cookie, "Origin: http://evil.example"}, 403},
		{"another site's script tag", "GET", "/page.js", "", []string{cookie, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		{"another port's page reads", "GET", "/events", "", []string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		{"another site deploys", "POST", "/deploy", "", []string{cookie, "Origin: http://evil.example"}, 403},
		{"a sandboxed page deploys", "POST", "/deploy", "", []string{cookie, "Origin: null"}, 403},
		{"another port's page deploys", "POST", "/deploy", "", []string{cookie, "Sec-Fetch-Site: same-site"}, 403},
		{"nobody deploys", "POST", "/deploy", "", nil, 403},
		{"a link deploys", "GET", "/deploy", "", []string{cookie}, 405},
		{"our page deploys", "POST", "/deploy", "", []string{cookie, "Origin: " + s.base, "Sec-Fetch-Site: same-origin"}, 204},
		{"a program deploys", "POST", "/deploy", "", []string{s.key()}, 204},
		{"our page applies", "POST", "/settings", string(good), []string{cookie, "Origin: " + s.base}, 204},
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
	set := s.ask(t, "GET", "/?key="+s.server.key, "").Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie is %q, without %s", set, want)
		}
	}
}

// TestItsOwnAddressIsLetIn: whatever loopback address it listens on, the URL that
// it prints works, and so do its parts with the cookie.
func TestItsOwnAddressIsLetIn(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.2:0", "[::1]:0"} {
		probe, err := net.Listen("tcp", addr)
		if err != nil {
			t.Logf("%s: this machine does not have it: %v", addr, err) // macOS has only the first of 127/8
			continue
		}
		probe.Close()
		s := newSiteAt(t, addr)
		page := s.ask(t, "GET", "/?key="+s.server.key, "")
		if page.StatusCode != 200 {
			t.Errorf("%s: %d to the URL that was printed", addr, page.StatusCode)
		}
		cookie, _, _ := strings.Cut(page.Header.Get("Set-Cookie"), ";")
		if part := s.ask(t, "GET", "/page.js", "", "Cookie: "+cookie, "Origin: "+s.base); part.StatusCode != 200 {
			t.Errorf("%s: %d to a part of the page", addr, part.StatusCode)
		}
	}
}

package load

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/ledger"
	"lastcall/harness/scenario"
)

// folder holds body files.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"order.json": `{"n":1}`, "empty": "", "a b": "spaced"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func target(method, url, body string, headers ...string) Target {
	t := Target{Method: method, URL: url, Header: make(http.Header)}
	if body != "" {
		t.Body = []byte(body)
	}
	for i := 0; i < len(headers); i += 2 {
		t.Header[headers[i]] = append(t.Header[headers[i]], headers[i+1])
	}
	return t
}

// targetsFiles are files that vegeta and we read alike.
func targetsFiles() map[string]struct {
	text string
	want []Target
} {
	type file = struct {
		text string
		want []Target
	}
	a, b := target("GET", "http://h/a", ""), target("GET", "http://h/b", "")
	order := target("POST", "http://h/b", `{"n":1}`, "X-Own", "1")
	return map[string]file{
		"one":                              {"GET http://h/a", []Target{a}},
		"two without a blank line":         {"GET http://h/a\nGET http://h/b\n", []Target{a, b}},
		"two with several":                 {"\n\nGET http://h/a\n\n\nGET http://h/b\n\n", []Target{a, b}},
		"lines of another system":          {"GET http://h/a\r\n\r\nGET http://h/b\r\n", []Target{a, b}},
		"indented":                         {"  GET http://h/a  \n\t\n\tGET http://h/b\n", []Target{a, b}},
		"comments":                         {"# first\nGET http://h/a\n\n  # then\nGET http://h/b\n# end", []Target{a, b}},
		"a header":                         {"GET http://h/a\nX-Own: 1\n", []Target{target("GET", "http://h/a", "", "X-Own", "1")}},
		"a header twice":                   {"GET http://h/a\nX-Own: 1\nX-Own:2", []Target{target("GET", "http://h/a", "", "X-Own", "1", "X-Own", "2")}},
		"the spelling of a header is kept": {"GET http://h/a\nx-OWN :  a: b ", []Target{target("GET", "http://h/a", "", "x-OWN", "a: b")}},
		"a comment among headers":          {"GET http://h/a\n# why\nX-Own: 1\n#X-Other: 2\n", []Target{target("GET", "http://h/a", "", "X-Own", "1")}},
		"a body":                           {"POST http://h/b\nX-Own: 1\n@order.json\n", []Target{order}},
		"a body and no header":             {"POST http://h/b\n@order.json\n", []Target{target("POST", "http://h/b", `{"n":1}`)}},
		"a target right after a body":      {"POST http://h/b\nX-Own: 1\n@order.json\nGET http://h/a", []Target{order, a}},
		"a comment right after a body":     {"POST http://h/b\nX-Own: 1\n@order.json\n# next\nGET http://h/a", []Target{order, a}},
		"the same body twice":              {"POST http://h/b\nX-Own: 1\n@order.json\n\nPOST http://h/b\nX-Own: 1\n@order.json", []Target{order, order}},
		"an empty body":                    {"POST http://h/b\n@empty", []Target{target("POST", "http://h/b", "")}},
		"a body file with a space":         {"POST http://h/b\n@a b", []Target{target("POST", "http://h/b", "spaced")}},
		"a method of one's own":            {"PURGE http://h/a", []Target{target("PURGE", "http://h/a", "")}},
		"https and a query":                {"GET https://h:8443/a?b=c&d=%20", []Target{target("GET", "https://h:8443/a?b=c&d=%20", "")}},
	}
}

func TestReadTargets(t *testing.T) {
	dir := folder(t)
	t.Chdir(dir) // vegeta looks for body files there
	for name, tt := range targetsFiles() {
		t.Run(name, func(t *testing.T) {
			for _, from := range []string{dir, ""} {
				got, err := ReadTargets(strings.NewReader(tt.text), from, nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("targets (-want +got):\n%s", diff)
				}
			}
			if diff := asVegeta(tt.text, tt.want); diff != "" {
				t.Errorf("vegeta reads something else:\n%s", diff)
			}
		})
	}
}

// asVegeta returns how the targets differ from what vegeta reads.
func asVegeta(text string, targets []Target) string {
	theirs, err := vegeta.ReadAllTargets(vegeta.NewHTTPTargeter(strings.NewReader(text), nil, nil))
	if err != nil {
		return err.Error()
	}
	var same []Target
	for _, t := range theirs {
		same = append(same, Target{Method: t.Method, URL: t.URL, Header: t.Header, Body: t.Body})
	}
	return cmp.Diff(same, targets, cmpopts.EquateEmpty())
}

func TestReadTargetsExpands(t *testing.T) {
	dir := folder(t)
	if err := os.WriteFile(filepath.Join(dir, "{port}"), []byte("{port}"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "# {port}\nPOST http://h:{port}/{port}\nOrigin: http://h:{port}\n@{port}\nGET http://h:{port}/"
	got, err := ReadTargets(strings.NewReader(text), dir, strings.NewReplacer("{port}", "8080").Replace)
	want := []Target{
		target("POST", "http://h:8080/8080", "{port}", "Origin", "http://h:8080"), target("GET", "http://h:8080/", ""),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, targets (-want +got):\n%s", err, diff)
	}
}

// Each error names the line, and what would be right.
func TestReadTargetsRefuses(t *testing.T) {
	dir := folder(t)
	long := strings.Repeat("x", 64<<10)
	tests := map[string]struct{ text, says string }{
		"nothing":                         {"", "there is no target: write one, such as GET http://localhost:8080/"},
		"blank lines and comments":        {"\n# GET http://h/\n\n", "there is no target"},
		"no URL":                          {"\nGET\n", "line 2: bad target: GET: write METHOD URL, as GET http://localhost:8080/"},
		"no method":                       {"http://h/", "line 1: bad target: "},
		"a method in lower case":          {"GET http://h/\n\nget http://h/", "line 3: bad method: get: write METHOD URL"},
		"a path":                          {"GET /orders", "line 1: \"/orders\" is not the URL of a server: write it in full"},
		"an address without a scheme":     {"GET localhost:8080/", "line 1: "},
		"the rest of a request line":      {"GET http://h/ HTTP/1.1", "line 1: the URL \"http://h/ HTTP/1.1\" has a space in it"},
		"a fragment":                      {"GET http://h/#a", "line 1: the URL \"http://h/#a\" has a fragment"},
		"a port to fill in":               {"GET http://h:{port}/", "line 1: bad URL: "},
		"a tunnel":                        {"CONNECT http://h/", "line 1: CONNECT opens a tunnel"},
		"a header without a colon":        {"GET http://h/\nAccept", "line 2: bad header: Accept: write NAME: VALUE, as Accept: text/html"},
		"a header without a value":        {"GET http://h/\nAccept:", "line 2: bad header: "},
		"a header without a name":         {"GET http://h/\n: a", "line 2: bad header: "},
		"a header's name with a space":    {"GET http://h/\nx own: a", "line 2: the request has \"x own\": \"a\", which no request can carry"},
		"a header's value with a control": {"GET http://h/\nX-Own: a\x01b", `line 2: the request has "X-Own": "a\x01b", which no request can carry`},
		"a length":                        {"GET http://h/\n\nPOST http://h/\nX-Own: 1\nContent-Length: 7\n@order.json", "line 5: the request has Content-Length, which lastcall sets itself"},
		"a Host that would come twice":    {"GET http://h/\nhost: a", "line 2: the header host must be written Host"},
		"two hosts":                       {"GET http://h/\nHost: a\nHost: b", "line 3: a request has one Host"},
		"a target among headers":          {"GET http://h/\nAccept: */*\nGET http://h/b\n", "line 3: \"GET http://h/b\" begins a target: put a blank line before it"},
		"a target after a comment":        {"GET http://h/\n# and\nGET http://h/b\n", "line 3: \"GET http://h/b\" begins a target"},
		"a target of lower case":          {"GET http://h/\nget http://h/b\n", "line 2: the request has \"get http\": \"//h/b\", which no request can carry"},
		"a header without a target":       {"Accept: */*", "line 1: bad method: Accept:"},
		"a header after a body":           {"POST http://h/\n@order.json\nAccept: */*", "line 3: bad method: Accept:"},
		"a body without a target":         {"@order.json", "line 1: bad target: @order.json"},
		"two bodies":                      {"POST http://h/\n@order.json\n@order.json", "line 3: bad target: @order.json"},
		"a body without a file":           {"POST http://h/\n@", "line 2: a body has no file: write @FILE"},
		"a body that is not there":        {"POST http://h/\n@nowhere", "line 2: body: "},
		"a body that is a folder":         {"POST http://h/\n@.", "is not a regular file"},
		"a body that never ends":          {"POST http://h/\n@/dev/zero", "line 2: body: /dev/zero is not a regular file"},
		"too many targets":                {strings.Repeat("GET http://h/\n", 257), "line 257: there are more than 256 targets"},
		"a long line":                     {"GET http://h/a\n\nGET http://h/" + long, "line 3: it has 64 KiB or more"},
		"a long header":                   {"GET http://h/a\nX-Own: " + long, "line 2: it has 64 KiB or more"},
		"no end":                          {"GET http://h/a\n\n" + strings.Repeat("#"+long[2:]+"\n", 65), "there are more than 4194304 bytes of targets"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ReadTargets(strings.NewReader(tt.text), dir, nil)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want an error that says %q", err, tt.says)
			}
			if got != nil {
				t.Errorf("and yet %d targets", len(got))
			}
		})
	}
}

func TestReadTargetsTakesAsManyAsARecordCounts(t *testing.T) {
	got, err := ReadTargets(strings.NewReader(strings.Repeat("GET http://h/\n", scenario.MaxTargets)), "", nil)
	if err != nil || len(got) != scenario.MaxTargets {
		t.Errorf("%d targets, %v", len(got), err)
	}
}

// vegeta ends at a broken reader as if it had read all.
func TestReadTargetsKeepsTheReadersError(t *testing.T) {
	broken := errors.New("disk on fire")
	r := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("GET http://h/\n")))
	if _, err := ReadTargets(r, "", nil); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("%v, want the reader's error", err)
	}
	if _, err := ReadTargets(iotest.ErrReader(broken), "", nil); !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's error", err)
	}
}

// A pipe that nobody writes to must not be waited for.
func TestBodyFromAPipeIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadTargets(strings.NewReader("POST http://h/\n@pipe"), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("%v", err)
	}
}

// All body files together are bounded, and one that several targets share counts
// once and is held once.
func TestBodiesAreBounded(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"half": maxBodies / 2, "rest": maxBodies/2 + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
			t.Fatal(err)
		}
	}
	half := "POST http://h/\n@half\n"
	got, err := ReadTargets(strings.NewReader(half+half+half), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got[2].Body) != maxBodies/2 || &got[0].Body[0] != &got[2].Body[0] {
		t.Errorf("bodies of %d and %d bytes, shared %t", len(got[0].Body), len(got[2].Body), &got[0].Body[0] == &got[2].Body[0])
	}
	_, err = ReadTargets(strings.NewReader(half+"POST http://h/\n@rest\n"), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "line 4: body: ") || !strings.Contains(err.Error(), "all body files together may have 64 MiB") {
		t.Errorf("%v", err)
	}
}

// FuzzReadTargets: whatever we accept, vegeta reads as the same, and it can be
// sent.
func FuzzReadTargets(f *testing.F) {
	for _, tt := range targetsFiles() {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("GET http://h/\nX : 1\nHost: a\n\n#\nPUT http://h/\n#\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.ContainsRune(text, '@') {
			return // a body's file would be looked for in two places
		}
		targets, err := ReadTargets(bytes.NewReader(text), "", nil)
		if err != nil {
			if targets != nil {
				t.Fatalf("%v, and yet %d targets", err, len(targets))
			}
			return
		}
		if diff := asVegeta(string(text), targets); diff != "" {
			t.Fatalf("vegeta reads something else:\n%s", diff)
		}
		for _, target := range targets {
			if err := sendable(target); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// sendable writes the request as net/http sends it and looks whether it is whole.
func sendable(target Target) error {
	v := vegeta.Target{Method: target.Method, URL: target.URL, Header: target.Header}
	req, err := v.Request()
	if err != nil {
		return err
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		return err
	}
	for name, values := range target.Header {
		for _, value := range values {
			if name != "Host" && !strings.Contains(wire.String(), fmt.Sprintf("\r\n%s: %s\r\n", name, value)) {
				return fmt.Errorf("%s: %q is not sent in %q", name, value, wire.String())
			}
		}
	}
	if _, ours := target.Header[ledger.HeaderID]; ours {
		return errors.New("the id is taken")
	}
	return nil
}

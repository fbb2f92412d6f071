package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
)

// requestsOf returns the requests that a command line of test comes to.
func requestsOf(t *testing.T, args ...string) []scenario.Target {
	t.Helper()
	o := &testOptions{runOptions: *newRunOptions()}
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.register(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, _, err := o.resolve(f, []string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Load.Requests
}

// TestABodyIsPosted: curl sends a POST too where a body is given and no method.
func TestABodyIsPosted(t *testing.T) {
	put := write(t, "gate.yaml", "load: {method: PUT}\n")
	for _, c := range []struct {
		name string
		args []string
		want []scenario.Target
	}{
		{"a body alone", []string{"--body", "a"}, []scenario.Target{{Method: "POST", URL: "/", BodyFile: "a"}}},
		{"a body for a path", []string{"--url", "/a", "--body", "b"}, []scenario.Target{{Method: "POST", URL: "/a", BodyFile: "b"}}},
		{"a method in the URL", []string{"--url", "patch /a", "--body", "b"}, []scenario.Target{{Method: "PATCH", URL: "/a", BodyFile: "b"}}},
		{"a method by flag", []string{"--url", "/a", "--body", "b", "--method", "get"}, []scenario.Target{{URL: "/a", BodyFile: "b"}}},
		{"a method in the file", []string{"-f", put, "--url", "/a", "--body", "b"}, []scenario.Target{{URL: "/a", BodyFile: "b"}}},
		{"no body", []string{"--url", "/a"}, []scenario.Target{{URL: "/a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, requestsOf(t, c.args...)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

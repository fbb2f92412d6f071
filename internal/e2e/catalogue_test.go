package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lastcall/harness/probe"
	"lastcall/harness/result"
)

// TestCatalogueOfForeignServers puts servers that nobody here wrote through every
// probe. What does not apply to them is skipped, with a reason; nothing hangs, and
// nothing is left behind.
func TestCatalogueOfForeignServers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the state of a connection is proved on Linux only")
	}
	t.Parallel() // it waits, most of the time
	const pass, fail, skip = result.ProbePass, result.ProbeFail, result.ProbeSkip
	a := ailingServers(t)
	for _, tt := range []struct {
		name  string
		args  func(*ailing) []string
		known map[string]result.ProbeStatus
	}{
		// Its own answer to half a head, or to none at all, is a timeout of a minute.
		{"nginx", inNginx("SIGQUIT"), map[string]result.ProbeStatus{
			"http1/in-handler cold": pass, "http1/in-handler warm": pass, "http1/partial-body cold": pass, "http1/mid-response length": pass,
			"accept/silent": fail, "exit/kept-alive": pass, "exit/status": pass, "tree/survivors": pass,
			"http1/websocket": skip, "h2/in-flight": skip, "accept/queued": skip,
		}},
		{"nginx", inNginx("SIGTERM"), map[string]result.ProbeStatus{
			"http1/in-handler cold": fail, "http1/in-handler warm": fail, "http1/mid-response length": fail,
			"accept/silent": pass, "exit/status": pass, "tree/survivors": pass, "http1/websocket": skip,
		}},
		{"node", inNode("right.js"), map[string]result.ProbeStatus{
			"http1/in-handler cold": pass, "http1/in-handler warm": pass, "http1/partial-body warm": pass, "exit/kept-alive": pass,
			"exit/status": pass, "tree/wrapper": pass, "tree/survivors": pass, "http1/websocket": skip, "h2/in-flight": skip,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program(t, tt.name, "/usr/sbin/"+tt.name)
			t.Parallel() // one waits while another works
			a := &ailing{dir: a.dir, t: t}
			probes := wholeCatalogue(t, tt.args(a))
			for _, p := range probes {
				name := strings.TrimSpace(p.Probe + " " + p.Variant)
				if want, ok := tt.known[name]; ok && p.Status != want {
					t.Errorf("%s: %s, %q, want %s", name, p.Status, p.Seen, want)
				}
				if p.Seen == "" || p.Status != skip && p.Status != result.ProbeInconclusive && p.Proof == "" {
					t.Errorf("%s: %s, seen %q, proof %q", name, p.Status, p.Seen, p.Proof)
				}
				delete(tt.known, name)
			}
			if len(tt.known) > 0 {
				t.Errorf("these were not probed: %v", tt.known)
			}
		})
	}
}

// wholeCatalogue probes a server by all there is, once, and looks for what is left.
func wholeCatalogue(t *testing.T, args []string) []result.Probe {
	t.Helper()
	dash := slices.Index(args, "--")
	args = slices.Concat([]string{
		"probe", "--repeats", "1", "--grace", "2s", "--report", "json", "--quiet",
		"--slow-url", "/slow?for={ms}ms", "--upload-url", "/slow", "--download-url", "/big", "--ready", "/",
	}, args[:dash], args[dash:])
	mark := t.Name() + time.Now().String()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, args...)
	cmd.Env = append(os.Environ(), envMark+"="+mark)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	stop := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // it takes a quarter of that
	_ = cmd.Run()                                                          // the exit code tells
	if !stop.Stop() {
		t.Fatal("it hangs")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitPass && code != exitFail {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if left := marked(mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	var s result.Suite
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil || len(s.Subjects) != 1 {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	for _, c := range probe.Catalogue() {
		if !slices.ContainsFunc(s.Subjects[0].Probes, func(p result.Probe) bool { return p.Probe == c.ID }) {
			t.Errorf("nothing is said of %s", c.ID)
		}
	}
	return s.Subjects[0].Probes
}

// holders returns the processes that have a file below a directory open: nginx
// overwrites the environment by which others are found.
func holders(dir string) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && strings.HasPrefix(file, dir+"/") {
			found = append(found, link)
		}
	}
	return found
}

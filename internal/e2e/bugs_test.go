package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"lastcall/harness/probe"
	"lastcall/harness/result"
	"lastcall/targets"
)

// shown is a bug that a real server had, a server that has it, and the probe that
// shows it.
type shown struct {
	bug, probe string
	want       result.ProbeStatus
	server     string // how docs/bugs.md calls it
	sick       func(*ailing) []string
	right      func(*ailing) []string // the sibling, which passes the probe
	needs      string                 // a program
	flags      []string
}

// bugs is what the table in docs/bugs.md says.
func bugs() []shown {
	const fail, warn = result.ProbeFail, result.ProbeWarn
	right := fixture("nobodyaccepts", "-right")
	return []shown{
		{bug: "B01", probe: "http1/idle-race", want: warn, server: "`signal-notify`; right: `drain`", sick: strategy("signal-notify"), right: strategy("drain")},
		{bug: "B02", probe: "accept/backlog", want: warn, server: "`signal-notify`; right: `drain`", sick: strategy("signal-notify"), right: strategy("drain")},
		{bug: "B03", probe: "accept/silent", want: fail, server: "`silent-holds`; right: `notify-context`", sick: strategy("silent-holds"), right: strategy("notify-context")},
		{bug: "B05", probe: "http1/in-handler", want: fail, server: "`early-exit`; right: `signal-notify`", sick: strategy("early-exit"), right: strategy("signal-notify")},
		{bug: "B06", probe: "exit/status", want: fail, server: "`fatal-serve`; right: `signal-notify`", sick: strategy("fatal-serve"), right: strategy("signal-notify")},
		{bug: "B10", probe: "http1/in-handler", want: fail, server: "`with-cancel`; right: `with-cancel-detached`", sick: strategy("with-cancel"), right: strategy("with-cancel-detached")},
		{bug: "B17", probe: "http1/websocket", want: fail, server: "`hijack-forgotten`; right: `notify-context`", sick: strategy("hijack-forgotten"), right: strategy("notify-context")},
		{bug: "B19", probe: "exit/kept-alive", want: fail, server: "node, closing its listener as it did before version 19; right: `server.close()`", sick: inNode("holds.js"), right: inNode("right.js"), needs: "node", flags: []string{"--grace", "4s"}},
		{bug: "B21", probe: "http1/in-handler", want: fail, server: "node, `process.exit(0)`; right: `server.close()`", sick: inNode("exits.js"), right: inNode("right.js"), needs: "node"},
		{bug: "B26", probe: "tree/wrapper", want: fail, server: "`sh -c 'SERVER; true'`; right: `sh -c 'exec SERVER'`", sick: inShell("%s; true"), right: inShell("exec %s"), flags: []string{"--grace", "2s"}},
		{bug: "B28", probe: "accept/queued", want: fail, server: "`oneworker`; right: `oneworker -right`", sick: fixture("oneworker"), right: fixture("oneworker", "-right")},
		{bug: "B31", probe: "new/served-until", want: fail, server: "`nobodyaccepts`; right: `nobodyaccepts -right`", sick: fixture("nobodyaccepts"), right: right},
		{bug: "B53", probe: "http1/in-handler", want: fail, server: "nginx, SIGTERM; right: SIGQUIT", sick: inNginx("SIGTERM"), right: inNginx("SIGQUIT"), needs: "nginx"},
		{bug: "B54", probe: "h2/preface-after-signal", want: warn, server: "`untold`; right: `untold -right`", sick: fixture("untold"), right: fixture("untold", "-right")},
		{bug: "B66", probe: "signal/double", want: fail, server: "`second-term-kills`; right: `notify-context`", sick: strategy("second-term-kills"), right: strategy("notify-context")},
		{bug: "B70", probe: "tree/wrapper", want: fail, server: "`go run SERVER`; right: `go build`, and what was built", sick: goRun, right: right, flags: []string{"--grace", "2s", "--ready-timeout", "60s"}},
		{bug: "B71", probe: "tree/survivors", want: fail, server: "`sh -c 'SERVER; true'`; right: `sh -c 'exec SERVER'`", sick: inShell("%s; true"), right: inShell("exec %s"), flags: []string{"--grace", "2s"}},
	}
}

// TestBugsByNumber: each bug is shown by its probe, which cites it and which the
// right sibling passes.
func TestBugsByNumber(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the state of a connection is proved on Linux only")
	}
	t.Parallel() // it waits, most of the time
	a := ailingServers(t)
	slots := make(chan struct{}, 6) // they wait, most of the time
	var all sync.WaitGroup
	for _, b := range bugs() {
		if b.needs != "" && !installed(b.needs) && os.Getenv("CI") != "true" {
			t.Logf("%s is not shown: %s is not installed", b.bug, b.needs)
			continue
		}
		for want, args := range map[result.ProbeStatus][]string{b.want: b.sick(a), result.ProbePass: b.right(a)} {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				b.wantStatus(t, args, want)
			})
		}
	}
	all.Wait()
}

// wantStatus probes one server twice, and looks at the worst that came of it.
func (b shown) wantStatus(t *testing.T, args []string, want result.ProbeStatus) {
	args = slices.Concat([]string{"probe", b.probe, "--repeats", "2", "--report", "json", "--quiet"}, b.flags, args)
	if dash := slices.Index(args, "--"); dash >= 0 {
		args = slices.Insert(args, dash, "--slow-url", "/slow?for={ms}ms", "--ready", "/")
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), lastcall, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // what it says tells
	var s result.Suite
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil || len(s.Subjects) != 1 || len(s.Subjects[0].Probes) == 0 {
		t.Errorf("%s: lastcall %s: %v\n%s%s", b.bug, strings.Join(args, " "), err, &stdout, &stderr)
		return
	}
	for _, p := range s.Subjects[0].Probes {
		if p.Status != want || !slices.Contains(p.Bugs, b.bug) {
			t.Errorf("%s: %s %s of %s: %s, want %s; it is known as %v\n%s", b.bug, p.Probe, p.Variant, args, p.Status, want, p.Bugs, p.Seen)
		}
	}
}

// TestBugsInTheDocs keeps the two tables of docs/bugs.md true: the bugs that a server shows,
// and all the others that a strategy or a probe cites.
func TestBugsInTheDocs(t *testing.T) {
	text, known := page(t, "docs/bugs.md"), targets.Bugs()
	shown, cited := make(map[string]bool), make(map[string][]string)
	wantRow := func(row string) {
		if !strings.Contains(text, row) {
			t.Errorf("docs/bugs.md has no line\n%s", row)
		}
	}
	for _, b := range bugs() {
		shown[b.bug] = true
		wantRow(fmt.Sprintf("| %s | %s | %s | `%s` | %s |\n", b.bug, known[b.bug], b.server, b.probe, strings.ToUpper(b.want.String())))
	}
	for _, c := range probe.Catalogue() {
		for _, number := range c.Bugs {
			cited[number] = append(cited[number], "`"+c.ID+"`")
		}
	}
	for _, s := range targets.All() {
		if s.Bug != "" {
			cited[s.Bug] = append(cited[s.Bug], "the strategy `"+s.Name+"`")
		}
	}
	for number, by := range cited {
		if known[number] == "" {
			t.Errorf("%s is cited by %s, and `explain %s` does not know it", number, strings.Join(by, ", "), number)
		}
		if !shown[number] {
			wantRow(fmt.Sprintf("| %s | %s | %s |\n", number, known[number], strings.Join(by, ", ")))
		}
	}
	for number := range known {
		if !shown[number] && len(cited[number]) == 0 {
			t.Errorf("neither a server nor a probe shows %s", number)
		}
	}
	if n := strings.Count(text, "\n| B"); n != len(known) {
		t.Errorf("docs/bugs.md has %d bugs, want %d", n, len(known))
	}
}

package check

import (
	"strings"
	"testing"

	"lastcall/harness/history"
	"lastcall/harness/result"
)

// TestRemedies: whoever swallowed the signal is known by its command line.
func TestRemedies(t *testing.T) {
	const unknown = "Let %s forward the signal, or replace itself by the server (exec); or, if the platform does so too, " +
		"signal the whole group (--signal-target group)."
	let := func(name string) string { return strings.Replace(unknown, "%s", name, 1) }
	tests := []struct{ commandLine, want string }{
		{"sh -c ./server --port 80; true", shellRemedy},
		{"/bin/sh ./start.sh", shellRemedy},
		{"/bin/bash /srv/run", shellRemedy},
		{"-bash", shellRemedy},
		{"dash", shellRemedy},
		{"/usr/bin/zsh -c server", shellRemedy},
		{"npm start", nodeRemedy},
		{"npm run start", nodeRemedy},
		{"npm run start:prod --silent", nodeRemedy},
		{"node /usr/bin/npm start", nodeRemedy},
		{"node /usr/lib/node_modules/npm/bin/npm-cli.js start", nodeRemedy},
		{"/usr/local/bin/node --max-old-space-size=512 /usr/bin/npm run start", nodeRemedy},
		{"yarn start", nodeRemedy},
		{"node /opt/yarn-v1.22.22/bin/yarn.js start", nodeRemedy},
		{"node /app/.yarn/releases/yarn-4.1.0.cjs start", nodeRemedy},
		{"nodejs /usr/bin/pnpm.cjs start", nodeRemedy},
		{"npx serve", nodeRemedy},
		{"go run ./cmd/api", goRunRemedy},
		{"/usr/local/go/bin/go -C api run .", goRunRemedy},
		{"tini -- sh -c server", initRemedy},
		{"/sbin/tini -- /start", initRemedy},
		{"/sbin/docker-init -- /start", initRemedy},
		// What is no wrapper must not be taken for one by its name.
		{"./shovel", let(`"./shovel"`)},
		{"gunicorn: master [api]", let(`"gunicorn: master [api]"`)},
		{"node server.js", let(`"node server.js"`)},
		{"node /srv/sh.js", let(`"node /srv/sh.js"`)},
		{"node /srv/tini", let(`"node /srv/tini"`)},
		{"node", let(`"node"`)},
		{"node --inspect", let(`"node --inspect"`)},
		{"/opt/go --listen :80", let(`"/opt/go --listen :80"`)},
		{"", let("the process that got it")},
		{"   ", let("the process that got it")},
	}
	for _, tt := range tests {
		t.Run(tt.commandLine, func(t *testing.T) {
			if got := remedy(people(history.Process{PID: 1, Name: tt.commandLine})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got, want := remedy(nil), let("the process that got it"); got != want {
		t.Errorf("nobody got it: %q, want %q", got, want)
	}
	if got := remedy(people(node, npm)); got != nodeRemedy {
		t.Errorf("the second of two is known, and it says %q", got)
	}
}

// TestHostileNamesAreText: a process may call itself what it likes.
func TestHostileNamesAreText(t *testing.T) {
	hostile := history.Process{PID: 666, Name: "x\x1b[2J\r\nPASS \u202e\"quoted\" <b> `rm` \xff | ::error::"}
	s := judge(t, "default", histories(newHistory().left(true, hostile).
		delivered(people(hostile), people(hostile, hostile), people(hostile)).
		edit(func(h *history.History) { h.Delivery.To[0].PID, h.Delivery.To[1].PID = 7, 8 })))
	said := append([]string{}, s.Story...)
	for _, f := range s.Findings {
		if f.Rule == SignalDelivered || f.Rule == NoSurvivors {
			if f.Status != result.Violated {
				t.Errorf("%s is %v", f.Rule, f.Status)
			}
			said = append(said, f.Detail)
		}
	}
	text := strings.Join(said, " ")
	for _, r := range text {
		if r < ' ' || r == '\u202e' || r == '\ufffd' {
			t.Errorf("%q is in %q", r, text)
		}
	}
	quoted := `"x\x1b[2J\r\nPASS \u202e\"quoted\" <b> ` + "`rm`" + ` \xff | ::error::"`
	for _, want := range []string{quoted + " (PID 666)", quoted + " (PID 7) and " + quoted + " (PID 8)", "Let " + quoted + " forward the signal"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %s: %s", want, text)
		}
	}
}

func TestProcesses(t *testing.T) {
	a, b := history.Process{PID: 1, Name: "a"}, history.Process{PID: 2, Name: "b"}
	for _, tt := range []struct {
		given []history.Process
		want  string
	}{
		{nil, "no process"},
		{people(a), `"a" (PID 1)`},
		{people(a, b), `"a" (PID 1) and "b" (PID 2)`},
		{people(a, b, a), `"a" (PID 1), "b" (PID 2) and "a" (PID 1)`},
		{people(a, b, a, b), `"a" (PID 1), "b" (PID 2), "a" (PID 1) and 1 more`},
		{people(a, b, a, b, b), `"a" (PID 1), "b" (PID 2), "a" (PID 1) and 2 more`},
	} {
		if got := processes(tt.given); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

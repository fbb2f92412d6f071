package cli

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// whileOrSignal refuses flags that would be ignored: those of a signal where a
// command is run in its place, and those of such a command where there is none.
func whileOrSignal(s scenario.Scenario, f *pflag.FlagSet) error {
	if len(s.Disruption.While) == 0 {
		if f.Changed("settle") {
			return usagef("--settle is how long the load goes on after the command of --while: give --while too, or leave out --settle")
		}
		return nil
	}
	where := "--while"
	if !f.Changed("while") {
		where = "the scenario's disruption.while"
	}
	for _, name := range []string{"signal", "signal-target", "lag"} {
		if f.Changed(name) {
			return usagef("--%s and %s do not go together: a command runs in place of the signal, so leave one out", name, where)
		}
	}
	return nil
}

// tested refuses what names nothing that could be tested, or only half of it.
func (o *testOptions) tested(s scenario.Scenario) error {
	command, while, at, urls := len(s.Subject.Command) > 0, len(s.Disruption.While) > 0, s.Subject.URL, o.subject.urls
	switch {
	case command, while && at != "":
		return nil
	case while && len(urls) > 0:
		return usagef("--url %s has no host and port, and lastcall needs them to find a running server: write http://127.0.0.1:8080%s", urls[0], pathOf(urls[0]))
	case while:
		return &scenario.Invalid{Field: "subject.url", Problem: "is missing: name the URL of the running server, as in http://127.0.0.1:8080/, or a command to start"}
	case at != "" && len(urls) > 0:
		return usagef("there is no command to test: write it after --. If a server already runs at %s, name with --while what to run, as in --while ./deploy.sh", at)
	case o.from != "":
		return &scenario.Invalid{Field: "subject.command", Problem: `is missing: name a program and its arguments, as in [./server, --port, "{port}"]`}
	}
	return usagef("there is no command to test: write it after --, as in lastcall test -- ./myserver --port {port}, or into %s", defaultFile)
}

// local refuses an address of another machine. Names are looked up later, by the
// run itself.
func local(s scenario.Subject) error {
	for _, u := range [][2]string{{"subject.url", s.URL}, {"subject.ready", s.Ready}} {
		parsed, err := url.Parse(strings.ReplaceAll(u[1], "{port}", "1"))
		if err != nil || s.AllowRemote {
			continue // validation says what is wrong with it
		}
		if ip, err := netip.ParseAddr(parsed.Hostname()); err == nil && !ip.Unmap().IsLoopback() {
			return &scenario.Invalid{Field: u[0], Problem: fmt.Sprintf(
				"leads to %s, which is another machine: load goes to loopback only, unless --allow-remote is given", ip)}
		}
	}
	return nil
}

// trusts refuses certificates that nobody can trust, or that nobody would ask
// for.
func trusts(s scenario.Subject) error {
	if s.URL == "" && (s.CA != "" || s.Insecure) {
		field := "subject.insecure"
		if s.CA != "" {
			field = "subject.ca"
		}
		return &scenario.Invalid{Field: field, Problem: "is for https: name the server's URL, too, as in https://127.0.0.1:{port}/"}
	}
	if s.CA == "" || s.Insecure { // both: validation says so
		return nil
	}
	text, err := readBounded(s.CA, subject.MaxCA)
	if err != nil {
		return &scenario.Invalid{Field: "subject.ca", Problem: fmt.Sprintf("is %s, which cannot be read: %s", s.CA, err)}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return &scenario.Invalid{Field: "subject.ca", Problem: fmt.Sprintf("is %s, which has no certificate in PEM form", s.CA)}
	}
	return nil
}

package cli

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/shlex"
	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
)

// subjectOptions are the flags that describe a server of the user's, and what
// is asked of it. What is given overrides the scenario's.
type subjectOptions struct {
	name         string
	dir          string
	env          []string // NAME=VALUE
	ready        string
	readyTimeout time.Duration
	ca           string
	insecure     bool
	allowRemote  bool
	front        bool

	urls         []string // [METHOD ]URL
	headers      []string // Name: value
	body         string   // a file
	post         bool     // a body makes a POST where no method is given, as curl has it
	requests     string   // a file
	parked       []scenario.Park
	expectStatus string
	expectBody   string

	ledger  string // a file
	applied string // a command

	while  string
	settle time.Duration
}

func (o *subjectOptions) register(f *pflag.FlagSet) {
	f.StringArrayVar(&o.urls, "url", nil, "`[METHOD ]URL` or path to request; may be repeated, and they are sent in turn (default http://127.0.0.1:{port}/)")
	f.StringArrayVar(&o.headers, "header", nil, "`Name: value` of every request; may be repeated")
	f.StringVar(&o.body, "body", "", "`file` with the body of every request (a POST, unless a method is given)")
	f.StringVar(&o.requests, "requests", "", "`file` of more requests, in vegeta's target format")
	f.StringVar(&o.expectStatus, "expect-status", "", "`statuses` that count as completed, as in 200,204,300-399 (default 200-399)")
	f.StringVar(&o.expectBody, "expect-body", "", "`regexp` that the body of a completed answer matches")
	f.Var(parksValue{&o.parked}, "park", "hold connections while the server stops: websocket=/chat,5, events=/stream,5, idle,3 or silent,3; may be repeated (default: the scenario's)")
	o.registerServer(f)
	f.StringVar(&o.ca, "ca", "", "PEM `file` of the certificates to trust, for https")
	f.BoolVar(&o.insecure, "insecure", false, "trust any certificate")
	f.BoolVar(&o.allowRemote, "allow-remote", false, "allow load to another machine, if the URL names one")
	f.BoolVar(&o.front, "front", false, "the URL is that of a proxy, which stays up and forwards to the command; the command gets the signal")
	f.StringVar(&o.applied, "applied", "", "run this `command` after the exit; it prints the ids that were applied, one a line ({port} and {pid} are replaced)")
	f.StringVar(&o.while, "while", "", "run this `command` instead of a signal; the server promises to stay up ({port} and {pid} are replaced)")
	f.Var(durationValue{&o.settle}, "settle", "how long the load goes on after the command of --while (default 2s)")
}

// registerServer registers how a server of the user's is started, and known to be
// ready.
func (o *subjectOptions) registerServer(f *pflag.FlagSet) {
	f.StringVar(&o.ready, "ready", "", "`URL` or path that answers 2xx when the server is ready (default: it accepts connections)")
	f.Var(durationValue{&o.readyTimeout}, "ready-timeout", "how long the server may take to be ready (default 10s)")
	f.StringArrayVar(&o.env, "env", nil, "`NAME=value` in the server's environment; may be repeated")
	f.StringVar(&o.dir, "dir", "", "working `directory` of the server")
	f.StringVar(&o.name, "name", "", "`name` of the server in the reports (default: the program's)")
	f.StringVar(&o.ledger, "ledger", "", "`file` to which the server appends its ledger, if not LASTCALL_LEDGER ({port} is replaced)")
}

// apply changes the scenario by the flags given, and by the command after "--".
func (o *subjectOptions) apply(s *scenario.Scenario, f *pflag.FlagSet, command []string) error {
	if f.Changed("ready-timeout") && o.readyTimeout <= 0 {
		return usagef("--ready-timeout is %s, must be more than 0", o.readyTimeout)
	}
	o.post = o.body != "" && !f.Changed("method") && s.Load.Method == http.MethodGet
	subject, l := &s.Subject, &s.Load
	subject.Delay.Duration = 0 // the sample handler's; it is not known how long a user's takes
	if len(command) > 0 {
		subject.Command = command
	}
	for name, set := range map[string]func(){
		"name":          func() { subject.Name = o.name },
		"dir":           func() { subject.Dir = o.dir },
		"ready":         func() { subject.Ready = o.ready },
		"ready-timeout": func() { subject.ReadyTimeout.Duration = o.readyTimeout },
		"ca":            func() { subject.CA = o.ca },
		"insecure":      func() { subject.Insecure = o.insecure },
		"allow-remote":  func() { subject.AllowRemote = o.allowRemote },
		"front":         func() { subject.Front = o.front },
		"ledger":        func() { subject.Ledger = o.ledger },
		"requests":      func() { l.RequestsFile, l.Requests = o.requests, nil }, // those of --url come after this
		"park":          func() { l.Parked = o.parked },
		"expect-status": func() { l.ExpectStatus = o.expectStatus },
		"expect-body":   func() { l.ExpectBody = o.expectBody },
		"settle":        func() { s.Disruption.Settle.Duration = o.settle },
	} {
		if f.Changed(name) {
			set()
		}
	}
	for _, change := range []func(*scenario.Scenario) error{o.applyEnv, o.applyRequests, o.applyCommands} {
		if err := change(s); err != nil {
			return err
		}
	}
	return nil
}

func (o *subjectOptions) applyEnv(s *scenario.Scenario) error {
	if len(o.env) == 0 {
		return nil
	}
	env := make(map[string]string, len(s.Subject.Env)+len(o.env))
	for name, value := range s.Subject.Env { // the scenario's own is not ours to change
		env[name] = value
	}
	for _, text := range o.env {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return usagef("--env %q: must be as in DATABASE_URL=postgres://127.0.0.1/test", text)
		}
		env[name] = value
	}
	s.Subject.Env = env
	return nil
}

// applyCommands takes the commands that are run beside the server.
func (o *subjectOptions) applyCommands(s *scenario.Scenario) error {
	if err := splitInto(&s.Disruption.While, "while", o.while, "nginx -s reload"); err != nil {
		return err
	}
	return splitInto(&s.Subject.Applied, "applied", o.applied, "psql -Atc 'select id from orders'")
}

// splitInto splits a command into words, as a shell would, without running one.
func splitInto(words *[]string, flag, command, example string) error {
	if command == "" {
		return nil
	}
	split, err := shlex.Split(command)
	if err != nil {
		return usagef("--%s %q: %w: write it as for a shell, with its quotes closed", flag, command, err)
	}
	if len(split) == 0 {
		return usagef("--%s is empty: name a command, as in %q", flag, example)
	}
	*words = split
	return nil
}

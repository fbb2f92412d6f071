package check

import (
	"fmt"
	"strings"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// ownStop is how a program is told to stop gracefully that takes SIGTERM for
// something else.
type ownStop struct {
	name   string // as its makers write it
	signal string // "" if it takes none until it is configured to
	config string // what makes SIGTERM graceful, if there is no such signal
	source string // where its documentation says so
}

// ownStops are such programs, by the name of their executable.
var ownStops = map[string]ownStop{
	"nginx":    {name: "nginx", signal: "SIGQUIT", source: "nginx.org/en/docs/control.html"},
	"apache2":  apache,
	"httpd":    apache,
	"haproxy":  {name: "HAProxy", signal: "SIGUSR1", source: "HAProxy's management guide, section 4, stopping and restarting"},
	"lighttpd": {name: "lighttpd", signal: "SIGINT", source: "lighttpd(8)"},
	"unicorn":  {name: "unicorn", signal: "SIGQUIT", source: "yhbt.net/unicorn/SIGNALS.html"},
	"php-fpm":  {name: "php-fpm", signal: "SIGQUIT", source: "php-fpm(8)"},
	"gunicorn": {name: "gunicorn", signal: "SIGTERM", source: "docs.gunicorn.org/en/stable/signals.html"},
	"uwsgi": {
		name: "uWSGI", config: "hook-master-start = unix_signal:15 gracefully_kill_them_all",
		source: "uwsgi-docs.readthedocs.io, Management and Hooks",
	},
}

var apache = ownStop{name: "Apache", signal: "SIGWINCH", source: "httpd.apache.org/docs/current/stopping.html"}

// ownStop returns how the program that was told to stop, or that listens, is stopped
// gracefully, if it was told something else.
func (t teller) ownStop() (s ownStop, known bool) {
	for _, o := range t.intact {
		for _, list := range [][]history.Process{o.Delivery.To, o.Delivery.Holders} {
			for _, p := range list {
				if s, known = ownStops[programOf(p)]; known {
					return s, s.signal != o.Signal.Name
				}
			}
		}
	}
	return s, false
}

// says tells of it, in sentences.
func (s ownStop) says() string {
	if s.signal == "" {
		return fmt.Sprintf("The server is %s. It reloads on SIGTERM, or ends at once with die-on-term; to stop it gracefully, configure %q (%s).", s.name, s.config, s.source)
	}
	return fmt.Sprintf("The server is %s. It stops gracefully on %s: use --signal %[2]s (%[3]s).", s.name, s.signal, s.source)
}

// programOf is the name of a process's program, by which ownStops knows it. A script
// goes by its own name. A version belongs to the name of some (php-fpm8.2).
func programOf(p history.Process) string {
	name := p.Program()
	for _, interpreter := range [...]string{"python", "ruby"} {
		if strings.HasPrefix(name, interpreter) {
			return script(strings.Fields(p.Name)[1:])
		}
	}
	if strings.HasPrefix(name, "php-fpm") {
		return "php-fpm"
	}
	return name
}

// otherSignal says, after a remedy, how the server may be told to stop otherwise: by
// the signal that is known for it, or, of one that handles signals, by another.
func (t teller) otherSignal(remedy string) string {
	switch own, known := t.ownStop(); {
	case known:
		return own.says()
	case t.subject.Kind == scenario.KindStrategy:
		return remedy
	}
	return remedy + " Some servers stop gracefully on another signal (--signal)."
}

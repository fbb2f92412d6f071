package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/internal/prose"
)

// handling is what the process whose end is the exit had told the kernel to do with
// the signal, before it came.
type handling uint8

const (
	handlingUnknown handling = iota
	handlingNone             // the default action, which ends it
	handlingRuntime          // caught, as its runtime does whatever the program asks for
	handlingCatch
	handlingIgnore
	handlingBlock // blocked, and not caught
)

func (o *observation) handling() handling {
	d, known := o.Delivery.Disposition(o.PID)
	to := o.Delivery.To
	switch {
	case !known, len(to) > 0 && !contains(to, o.PID): // or another got the signal
		return handlingUnknown
	case d.Ignores:
		return handlingIgnore
	case d.Catches && (d.Runtime || o.raisesAgain()):
		return handlingRuntime
	case d.Catches:
		return handlingCatch
	case d.Blocks:
		return handlingBlock
	}
	return handlingNone
}

// raisers are runtimes that catch SIGTERM whatever the program asks for, to tidy up, and
// then raise it again (node's SignalExit, Ruby's SignalException).
var raisers = []string{"node", "nodejs", "ruby"}

// raisesAgain reports whether such a runtime is what was started.
func (o *observation) raisesAgain() bool {
	for _, list := range [][]history.Process{o.Delivery.To, o.Delivery.Holders} {
		for _, p := range list {
			if p.PID == o.PID {
				return slices.Contains(raisers, p.Program())
			}
		}
	}
	return false
}

// handlingOf is that of these shutdowns, if it is the same in all.
func handlingOf(all []*observation) handling {
	for _, o := range all[min(1, len(all)):] {
		if o.handling() != all[0].handling() {
			return handlingUnknown
		}
	}
	if len(all) == 0 {
		return handlingUnknown
	}
	return all[0].handling()
}

// disregards says that the process was deaf to the signal, "" if that was not seen.
func (t explainer) disregards(all []*observation) string {
	switch handlingOf(all) {
	case handlingIgnore:
		return fmt.Sprintf("The process ignores %s.", t.signal())
	case handlingBlock:
		return fmt.Sprintf("The process had blocked %s when it arrived, and had no handler for it.", t.signal())
	case handlingUnknown, handlingNone, handlingRuntime, handlingCatch:
	}
	return ""
}

// cuts is when requests lost their connections, over the shutdowns in which some did.
type cuts struct {
	window      history.Window
	in          []*observation
	n           int           // requests that were dropped before their deadline
	withExit    int           // of them, together with the process
	first, last time.Duration // of those dropped earlier, or of all if there are none, after the signal
	lingered    time.Duration // the shortest time from the last that was dropped earlier to the exit
}

func (t explainer) cuts(w history.Window) (c cuts) {
	c.window = w
	earlier := 0
	for _, o := range t.intact {
		lost := false
		o.each(w, func(r *history.Request) {
			if r.Outcome != history.Dropped || r.Cause == history.Hung {
				return
			}
			lost = true
			c.n++
			if o.endedWithProcess(r) {
				c.withExit++
				if earlier == 0 {
					c.spread(o, r)
				}
				return
			}
			if earlier++; earlier == 1 {
				c.first, c.last = 0, 0
			}
			c.spread(o, r)
			if left := o.Exit.At - r.End; o.Exit.Seen && (earlier == 1 || left < c.lingered) {
				c.lingered = left
			}
		})
		if lost {
			c.in = append(c.in, o)
		}
	}
	return c
}

func (c *cuts) spread(o *observation, r *history.Request) {
	after := max(r.End-o.Signal.Before, 0)
	if c.last == 0 {
		c.first = after
	}
	c.first, c.last = min(c.first, after), max(c.last, after)
}

// clearly is how long before the exit was seen a connection must have ended that did
// not end with the process: the kernel closes the files of a process last of all, and it
// takes a moment to hear of the exit. A server that drops its clients and then raises the
// signal again takes longer (6 ms in node). On a busy machine the supervisor hears of the
// exit later, by as much as lastcall's own requests start late: with a burner for each core
// 300 ms were seen.
const clearly = 4 * time.Millisecond

// beforeExit reports whether, in most of the shutdowns, all had been dropped clearly
// before the process was gone: then it dropped them itself.
func (c cuts) beforeExit() bool {
	n := 0
	for _, o := range c.in {
		last := time.Duration(0)
		o.each(c.window, func(r *history.Request) {
			if r.Outcome == history.Dropped && r.Cause != history.Hung {
				last = max(last, r.End)
			}
		})
		if o.Exit.Seen && o.Exit.At-last > max(clearly, o.slip, o.timing.Slip(last, o.Exit.At)) {
			n++
		}
	}
	return 2*n > len(c.in)
}

// early reports whether most of them were dropped while the process went on.
func (c cuts) early() bool { return 2*c.withExit < c.n }

// every reports whether it is so in every shutdown that lost some.
func (c cuts) every(is func(*observation) bool) bool {
	return explainer{intact: c.in}.every(is)
}

// when says when those were dropped that were dropped earlier.
func (c cuts) when(moment string) string {
	return between(c.first, c.last, moment)
}

// between says between which times after a moment something happened.
func between(first, last time.Duration, moment string) string {
	switch {
	case last <= atOnce:
		return fmt.Sprintf("within %s of %s", within(last), moment)
	case scenario.InWords(first) == scenario.InWords(last):
		return fmt.Sprintf("%s after %s", scenario.InWords(last), moment)
	}
	return fmt.Sprintf("from %s to %s after %s", scenario.InWords(first), scenario.InWords(last), moment)
}

// within rounds up.
func within(d time.Duration) string {
	return scenario.InWords((d + time.Millisecond - 1) / time.Millisecond * time.Millisecond)
}

// who is all that were dropped, or those of them that were dropped earlier.
func (c cuts) who() string {
	if c.withExit > 0 {
		return fmt.Sprintf("%d of the %d that were dropped", c.n-c.withExit, c.n)
	}
	return "They"
}

// endedWithProcess reports whether the request was dropped together with the process:
// then its end may have been the cause. What the kernel still has of a long answer is
// read for a while after that; any other was dropped by another process then.
func (o *observation) endedWithProcess(r *history.Request) bool {
	apart := o.Exit.At - r.End
	return o.Exit.Seen && apart <= withExit && (apart >= -withExit || r.Cause == history.Truncated)
}

// servedAnew counts the requests that were completed on connections made a while
// after the signal, if the last of them began shortly before SIGKILL, or before the
// load ended: then the server went on as if nothing had happened.
func (o *observation) servedAnew() (n int) {
	killed, ok := o.At(history.EventKilled)
	if !ok || !o.Signal.Sent {
		return 0
	}
	for _, name := range []history.EventName{history.EventLoadPaused, history.EventLoadEnded} {
		if at, did := o.At(name); did && at > o.Signal.Before {
			killed = min(killed, at)
		}
	}
	last := time.Duration(0)
	o.each(history.Late, func(r *history.Request) {
		if r.Outcome == history.Completed && r.Connected > o.Signal.After+atOnce {
			n, last = n+1, max(last, r.Started)
		}
	})
	if killed-last > lately {
		return 0
	}
	return n
}

// asIfUntold says of a server that had to be killed that it went on as before, "" if
// that was not seen in all of these shutdowns.
func (t explainer) asIfUntold(all []*observation) string {
	n := 0
	for _, o := range all {
		one := o.servedAnew()
		if one == 0 {
			return ""
		}
		n += one
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("The process went on accepting and answering new connections as if it had not been told to stop. It completed %s on connections made after %s.",
		prose.Count(n, "request"), t.signal())
}

// untold tells of a process that had to be killed and went on as if it had not been told
// to stop, and what helps; nothing if that was not seen.
func (t explainer) untold(killed []*observation) (what, remedy string) {
	deaf, anew := t.disregards(killed), t.asIfUntold(killed)
	switch {
	case deaf != "":
		remedy = t.otherSignal(fmt.Sprintf("Handle %s: stop accepting, answer the requests in flight, and exit.", t.signal()))
	case anew != "":
		remedy = t.reloads()
	}
	return join(" ", deaf, anew), remedy
}

// reloads is what helps a server that goes on as before.
func (t explainer) reloads() string {
	if own, known := t.ownStop(); known {
		return own.says()
	}
	other := "SIGQUIT"
	if t.signal() == other {
		other = "SIGTERM"
	}
	return fmt.Sprintf("Some servers use %s for something else, such as a reload. Send the signal on which this server stops (--signal %s).", t.signal(), other)
}

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
func (t explainer) ownStop() (s ownStop, known bool) {
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
func (t explainer) otherSignal(remedy string) string {
	switch own, known := t.ownStop(); {
	case known:
		return own.says()
	case t.subject.Kind == scenario.KindStrategy:
		return remedy
	}
	return remedy + " Some servers stop gracefully on another signal (--signal)."
}

package scenario

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Key is one key of a scenario: all that lastcall says of it anywhere. The loader's
// limits, the JSON Schema, the flag that is named in an error, the comparison of two
// runs and the command that repeats a run read it.
type Key struct {
	Path  string // as in the file: "load.rate"; a key of a list's items is "load.requests[].url"
	About string // for the reader of the file
	Title string // in the comparison of two runs; "": runs that differ in it are alike
	Flag  string // the flag of lastcall that sets it; "": none does

	Words       []string      // all that it can be
	Low, High   int           // the bounds of a number, or of how many items a list has
	Least, Most time.Duration // the bounds of a duration
	Blank       bool          // zero, or empty, is as good as left out, so it cannot be written
	Own         bool          // the flag is for a server of the user's: a strategy of the sample service has none of it
}

// The bounds of what a scenario may ask for.
const (
	MaxOpen     = 10_000 // well under what descriptors a process may have
	MaxDuration = time.Hour
	MaxJitter   = time.Minute
)

// Methods returns the HTTP methods that a request can have.
func Methods() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
}

// Keys returns every key of a scenario. What decides about another key comes before it:
// the deadline of a request follows from the grace period.
func Keys() []Key {
	return slices.Concat(topKeys(), subjectKeys(), disruptionKeys(), loadKeys(), targetKeys(), parkKeys(), overridesKeys())
}

func topKeys() []Key {
	return []Key{
		{Path: "name", Title: "scenario", About: "The name of the scenario in the reports. By default the file's name."},
		{Path: "purpose", About: "The question of the scenario, in a sentence."},
		{Path: "subject", About: "The server under test."},
		{Path: "load", About: "The requests: how many, which, and what counts as their answer."},
		{Path: "disruption", About: "What happens to the subject under load."},
		{Path: "policy", Title: "policy", Flag: "policy", About: "Which rules are required, only warn, or are off: lastcall list policies."},
		{Path: "overrides", About: "Numbers and rules in place of the policy's."},
		{Path: "needs", Title: "needs", About: "Rules that must have been tested for a pass. lastcall explain RULE says what each needs."},
		{Path: "shutdowns", Title: "shutdowns", Flag: "shutdowns", Low: 1, High: MaxShutdowns, About: "How many times each subject is shut down."},
		{Path: "reports", About: "FORMAT or FORMAT=PATH, as in junit=report.xml. Paths are relative to where lastcall is started."},
		{Path: "expect", About: "Which strategies of the sample service pass, and which fail by which rule, for lastcall selftest. A scenario for your own server has none."},
	}
}

func subjectKeys() []Key {
	return under("subject", []Key{
		{Path: "delay", Title: "delay", Flag: "delay", Most: MaxDuration, About: "How long the sample service works on a request. For your own server: how long its requests take."},
		{Path: "name", Flag: "name", Own: true, Blank: true, About: "The name of the subject in the reports. By default the command's name."},
		{Path: "command", About: "The program and its arguments, started without a shell; {port} is replaced. A program with a slash is relative to the file. One without a slash is looked up in PATH. Relative paths in the arguments start where lastcall is started, or at dir."},
		{Path: "dir", Flag: "dir", Own: true, Blank: true, About: "The command's working directory, relative to the file."},
		{Path: "env", Flag: "env", Own: true, About: "Added to the command's environment; {port} is replaced."},
		{Path: "url", Flag: "url", Own: true, About: "The URL of the subject; {port} is replaced."},
		{Path: "front", Flag: "front", Own: true, About: "Another process listens at the URL, stays up, and relays to the command: a proxy. The command gets the signal."},
		{Path: "ready", Flag: "ready", Own: true, About: "The readiness check, a path or a URL: status 2xx is ready. By default the port has to accept."},
		{Path: "ready-timeout", Flag: "ready-timeout", Own: true, Blank: true, Most: MaxDuration, About: "How long the subject may take to be ready."},
		{Path: "ledger", Flag: "ledger", Own: true, Blank: true, About: "The file, relative to the scenario's, to which the subject appends its ledger, if it is not the one in LASTCALL_LEDGER; {port} is replaced."},
		{Path: "applied", Flag: "applied", Own: true, About: "A command that prints the ids that were applied, one a line: those of X-Lastcall-Id, or what {id} was replaced by. It runs after the exit, without a shell; {port} and {pid} are replaced."},
		{Path: "ca", Flag: "ca", Own: true, Blank: true, About: "A PEM file of the certificates to trust, relative to the file. For https."},
		{Path: "insecure", Flag: "insecure", Own: true, About: "Trust any certificate. For https."},
		{Path: "allow-remote", Flag: "allow-remote", Own: true, About: "The URL may lead to another machine."},
	})
}

func disruptionKeys() []Key {
	return under("disruption", []Key{
		{Path: "signal", Title: "signal", Flag: "signal", About: "A signal's name or number, or a sequence with the time between, as in SIGTERM,2s,SIGTERM."},
		{Path: "target", Title: "signal target", Flag: "signal-target", Words: []string{Leader, Group, Owner}, About: "Which process gets the signal: the command itself (leader), its process group (group), or the process that holds the listening socket (owner). By default the policy's."},
		{Path: "grace", Title: "grace", Flag: "grace", Blank: true, Least: time.Millisecond, Most: MaxDuration, About: "How long after the signal SIGKILL comes. By default the policy's."},
		{Path: "lag", Title: "lag", Flag: "lag", Blank: true, Most: MaxDuration, About: "How long after the signal new requests stop, as when a balancer sends no more. By default the policy's; without a lag they go on."},
		{Path: "while", Title: "command", Flag: "while", Own: true, About: "A command to run instead of a signal, during which the subject promises to stay up; {port} and {pid} are replaced."},
		{Path: "settle", Flag: "settle", Own: true, Blank: true, Most: MaxDuration, About: "How long the load goes on after that command."},
		{Path: "when", Title: "signalled when", Words: States(), About: "In which state the signal finds the subject: loaded (by default), ready (before any request), or started: at a random instant within twice the time that it takes to be ready, which is measured first. With the last two no load is sent."},
	})
}

func loadKeys() []Key {
	return under("load", []Key{
		{Path: "rate", Title: "rate", Flag: "rate", Low: 1, High: MaxRate, About: "Requests per second, in an open loop."},
		{Path: "method", Title: "method", Flag: "method", Words: Methods(), About: "The HTTP method of the requests."},
		{Path: "connections", Title: "connections", Flag: "connections", Words: []string{string(Mixed), string(Reused), string(Fresh)}, About: "On which connections the requests are sent: kept alive (reused), a new one for each (fresh), or in turn (mixed)."},
		{Path: "timeout", Title: "timeout", Flag: "timeout", Blank: true, Least: time.Millisecond, Most: MaxDuration, About: "A request's deadline, from its start. By default the grace period plus five seconds."},
		{Path: "warm-up", Title: "warm-up", Most: MaxDuration, About: "Load before the signal. 0s: until a steady state is seen, which takes at most 700ms if the server is not slow."},
		{Path: "jitter", Most: MaxJitter, About: "At most this much is added to the warm-up, decided by the seed; at most a minute. Not used if disruption.when is started."},
		{Path: "trigger", Most: MaxDuration, About: "How long the signal waits for enough open requests."},
		{Path: "tail", Title: "tail", Most: MaxDuration, About: "How long after the signal the rate is kept. Then it is lowered so that a few requests are open, until the exit or the end of the grace period."},
		{Path: "max-open", Title: "max-open", Low: 1, High: MaxOpen, About: "The load pauses at this many open requests."},
		{Path: "requests", Title: "requests", High: MaxTargets, About: "Requests that are sent in turn. By default one to the subject's URL."},
		{Path: "requests-file", Title: "file of requests", Flag: "requests", Own: true, Blank: true, About: "A file with more requests, in vegeta's target format, relative to the scenario's."},
		{Path: "expect-status", Title: "expected status", Flag: "expect-status", Own: true, About: "Statuses that count as completed, such as 200,204,300-399."},
		{Path: "expect-body", Title: "expected body", Flag: "expect-body", Own: true, Blank: true, About: "A regular expression (Go's) that the body of a completed answer matches."},
		{Path: "parked", Title: "parked", Flag: "park", Own: true, High: MaxParks, About: "Connections that are opened before the load and held while the server stops. They do not count as requests; closes-cleanly judges how they end."},
	})
}

func targetKeys() []Key {
	return under("load.requests[]", []Key{
		{Path: "method", Words: Methods(), About: "The HTTP method. By default the load's."},
		{Path: "url", About: "A path of the subject's URL, or a URL of the same host; {id} is replaced by each request's id."},
		{Path: "header", About: "Header fields of the request; {id} in a value is replaced."},
		{Path: "body", Blank: true, About: "The request's body; {id} is replaced (in GraphQL, write { id } for a field)."},
		{Path: "body-file", Blank: true, About: "A file with the request's body, relative to the scenario's."},
	})
}

func parkKeys() []Key {
	return under("load.parked[]", []Key{
		{Path: "kind", Words: ParkKinds(), About: "silent (connects, and never sends a byte), idle (kept alive: it has served one request, and is not used again), websocket, or events (an answer without an end, such as server-sent events)."},
		{Path: "url", About: "The URL of a WebSocket connection, an event stream or an idle connection: a path of the subject's URL, or a URL of the same host. None for silent. By default an idle connection uses the subject's URL."},
		{Path: "count", Low: 1, High: MaxParked, About: "How many."},
		{Path: "header", About: "Header fields of the request that opens it, such as Authorization or Sec-WebSocket-Protocol. None for silent."},
	})
}

func overridesKeys() []Key {
	return under("overrides", []Key{
		{Path: "min-at-risk", Title: "min-at-risk", Flag: "min-at-risk", Low: 1, Blank: true, About: "How many requests must be at risk for a pass."},
		{Path: "max-loss", Title: "max-loss", Flag: "max-loss", Blank: true, About: "The share of requests of the worst half second of a shutdown that may be late and dropped: its 95% bound over shutdowns."},
		{Path: "exit-codes", Title: "exit codes", Flag: "exit-code", About: "Exit codes that are as good as 0."},
		{Path: "rules", Title: "rules", Flag: "rule", About: "off, warn or fail, for each rule in place of the policy's."},
	})
}

// under puts the section before the paths.
func under(section string, keys []Key) []Key {
	for i := range keys {
		keys[i].Path = section + "." + keys[i].Path
	}
	return keys
}

// FlagOf returns the flag that sets a key, "" if none does.
func FlagOf(path string) string {
	for _, k := range Keys() {
		if k.Path == path {
			return k.Flag
		}
	}
	return ""
}

// OfLoad reports whether the key is about requests, of which there are none if no load is
// sent (Disruption.Unloaded).
func (k Key) OfLoad() bool { return strings.HasPrefix(k.Path, "load.") || k.Path == "subject.delay" }

// of returns what a scenario has for the key, which is none of a list's items.
func (k Key) of(s Scenario) reflect.Value {
	v := reflect.ValueOf(s)
	for name := range strings.SplitSeq(k.Path, ".") {
		for field, value := range v.Fields() {
			if tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); tag == name {
				v = value
				break
			}
		}
	}
	return v
}

// Values returns what a scenario has for the key as its flag takes it, once for each time
// that the flag is given. It is nil if the scenario leaves it out.
func (k Key) Values(s Scenario) []string {
	v := k.of(s)
	if v.IsZero() && (k.Blank || v.Kind() == reflect.Bool || v.Kind() == reflect.String) {
		return nil
	}
	switch v := v.Interface().(type) {
	case []string:
		return []string{strings.Join(v, " ")}
	case []int:
		return each(v, strconv.Itoa)
	case []Target:
		return each(v, func(t Target) string { return strings.TrimSpace(t.Method + " " + t.URL) })
	case []Park:
		return each(v, Park.String)
	case map[string]string:
		return each(slices.Sorted(maps.Keys(v)), func(name string) string { return name + "=" + v[name] })
	}
	return []string{fmt.Sprint(v.Interface())}
}

func each[T any](items []T, text func(T) string) (all []string) {
	for _, item := range items {
		all = append(all, text(item))
	}
	return all
}

// Text returns the same for a reader, "none" if the scenario leaves it out.
func (k Key) Text(s Scenario) string {
	if values := k.Values(s); len(values) > 0 && values[0] != "" {
		return strings.Join(values, ", ")
	}
	return "none"
}

// valid refuses a value that is none of the words, or out of bounds.
func (k Key) valid(s Scenario) error {
	if strings.Contains(k.Path, "[]") {
		return nil // its list is looked at as a whole
	}
	v := k.of(s)
	if v.IsZero() && k.Blank && k.Least == 0 {
		return nil
	}
	switch v := v.Interface().(type) {
	case int:
		if k.High > 0 {
			return number(k.Path, v, k.Low, k.High)
		}
	case Duration:
		return within(k.Path, v, k.Least, k.Most)
	case string:
		if len(k.Words) > 0 && (v != "" || k.Path != "disruption.when") {
			return oneOf(k.Path, v, k.Words)
		}
	case Connections:
		return oneOf(k.Path, string(v), k.Words)
	}
	return nil
}

func number(field string, n, low, high int) error {
	if n < low || n > high {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %d, must be from %d to %d", n, low, high)}
	}
	return nil
}

func within(field string, d Duration, low, high time.Duration) error {
	if d.Duration < low || d.Duration > high {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %s, must be from %s to %s", d, low, high)}
	}
	return nil
}

func oneOf(field, value string, allowed []string) error {
	if !slices.Contains(allowed, value) {
		return &Invalid{Field: field, Problem: fmt.Sprintf("is %q, must be one of %s", value, strings.Join(allowed, ", "))}
	}
	return nil
}

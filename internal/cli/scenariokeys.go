package cli

import (
	"github.com/invopop/jsonschema"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/history"
)

// keySpec is what the schema says of a scenario's key in addition to its type.
type keySpec struct {
	about string
	shape func(*jsonschema.Schema) // nil: the type says it all
}

// scenarioKeys returns the keys of every section. A test keeps it complete, and
// the limits equal to the loader's.
func scenarioKeys() map[string]map[string]keySpec {
	return map[string]map[string]keySpec{
		"Scenario":   topKeys(),
		"Subject":    subjectKeys(),
		"Load":       loadKeys(),
		"Target":     targetKeys(),
		"Park":       parkKeys(),
		"Disruption": disruptionKeys(),
		"Overrides":  overridesKeys(),
	}
}

// topKeys are the keys of the file itself.
func topKeys() map[string]keySpec {
	return map[string]keySpec{
		"name":       {"The name of the scenario in the reports. By default the file's name.", nil},
		"purpose":    {"The question of the scenario, in a sentence.", nil},
		"subject":    {"The server under test.", nil},
		"load":       {"The requests: how many, which, and what counts as their answer.", nil},
		"disruption": {"What happens to the subject under load.", nil},
		"policy":     {"Which rules are required, only warn, or are off: lastcall list policies.", oneOfWords(check.PolicyNames())},
		"overrides":  {"Numbers and rules in place of the policy's.", nil},
		"needs":      {"Rules that must have been tested for a pass. lastcall explain RULE says what each needs.", rulesShape},
		"shutdowns":  {"How many times each subject is shut down.", between(1, harness.MaxShutdowns)},
		"reports":    {"FORMAT or FORMAT=PATH, as in junit=report.xml. Paths are relative to where lastcall is started.", reportShape},
		"expect":     {"Which strategies of the sample service pass, and which fail by which rule, for lastcall selftest. A scenario for your own server has none.", expectShape},
	}
}

// subjectKeys are the keys of subject.
func subjectKeys() map[string]keySpec {
	return map[string]keySpec{
		"delay":         {"How long the sample service works on a request. For your own server: how long its requests take.", nil},
		"name":          {"The name of the subject in the reports. By default the command's name.", notEmpty},
		"command":       {"The program and its arguments, started without a shell; {port} is replaced. A program with a slash is relative to the file. One without a slash is looked up in PATH. Relative paths in the arguments start where lastcall is started, or at dir.", commandShape},
		"dir":           {"The command's working directory, relative to the file.", notEmpty},
		"env":           {"Added to the command's environment; {port} is replaced.", environmentShape},
		"url":           {"The URL of the subject; {port} is replaced.", matching(urlPattern)},
		"front":         {"Another process listens at the URL, stays up, and relays to the command: a proxy. The command gets the signal.", nil},
		"ready":         {"The readiness check, a path or a URL: status 2xx is ready. By default the port has to accept.", matching("^/|" + urlPattern)},
		"ready-timeout": {"How long the subject may take to be ready.", notZero},
		"ledger":        {"The file, relative to the scenario's, to which the subject appends its ledger, if it is not the one in LASTCALL_LEDGER; {port} is replaced.", notEmpty},
		"applied":       {"A command that prints the ids that were applied, one a line: those of X-Lastcall-Id, or what {id} was replaced by. It runs after the exit, without a shell; {port} and {pid} are replaced.", commandShape},
		"ca":            {"A PEM file of the certificates to trust, relative to the file. For https.", notEmpty},
		"insecure":      {"Trust any certificate. For https.", nil},
		"allow-remote":  {"The URL may lead to another machine.", nil},
	}
}

// loadKeys are the keys of load.
func loadKeys() map[string]keySpec {
	return map[string]keySpec{
		"rate":          {"Requests per second, in an open loop.", between(1, harness.MaxRate)},
		"method":        {"The HTTP method of the requests.", oneOfWords(harness.Methods())},
		"connections":   {"On which connections the requests are sent: kept alive (reused), a new one for each (fresh), or in turn (mixed).", oneOfWords(connectionNames())},
		"timeout":       {"A request's deadline, from its start. By default the grace period plus five seconds.", notZero},
		"warm-up":       {"Load before the signal. 0s: until a steady state is seen, which takes at most 700ms if the server is not slow.", nil},
		"jitter":        {"At most this much is added to the warm-up, decided by the seed; at most a minute. Not used if disruption.when is started.", nil},
		"trigger":       {"How long the signal waits for enough open requests.", nil},
		"tail":          {"How long after the signal the rate is kept. Then it is lowered so that a few requests are open, until the exit or the end of the grace period.", nil},
		"max-open":      {"The load pauses at this many open requests.", between(1, harness.MaxOpen)},
		"requests":      {"Requests that are sent in turn. By default one to the subject's URL.", atMost(harness.MaxRequests)},
		"requests-file": {"A file with more requests, in vegeta's target format, relative to the scenario's.", notEmpty},
		"expect-status": {"Statuses that count as completed, such as 200,204,300-399.", statusShape},
		"expect-body":   {"A regular expression (Go's) that the body of a completed answer matches.", notEmpty},
		"parked":        {"Connections that are opened before the load and held while the server stops. They do not count as requests; closes-cleanly judges how they end.", atMost(history.MaxParks)},
	}
}

// parkKeys are the keys of one of load.parked.
func parkKeys() map[string]keySpec {
	return map[string]keySpec{
		"kind":   {"silent (connects, and never sends a byte), idle (kept alive: it has served one request, and is not used again), websocket, or events (an answer without an end, such as server-sent events).", oneOfWords(harness.ParkKinds())},
		"url":    {"The URL of a WebSocket connection, an event stream or an idle connection: a path of the subject's URL, or a URL of the same host. None for silent. By default an idle connection uses the subject's URL.", matching("^/|" + urlPattern)},
		"count":  {"How many.", between(1, history.MaxParked)},
		"header": {"Header fields of the request that opens it, such as Authorization or Sec-WebSocket-Protocol. None for silent.", headerShape},
	}
}

// targetKeys are the keys of one of load.requests.
func targetKeys() map[string]keySpec {
	return map[string]keySpec{
		"method":    {"The HTTP method. By default the load's.", oneOfWords(harness.Methods())},
		"url":       {"A path of the subject's URL, or a URL of the same host; {id} is replaced by each request's id.", matching("^/|" + urlPattern)},
		"header":    {"Header fields of the request; {id} in a value is replaced.", headerShape},
		"body":      {"The request's body; {id} is replaced (in GraphQL, write { id } for a field).", notEmpty},
		"body-file": {"A file with the request's body, relative to the scenario's.", notEmpty},
	}
}

// disruptionKeys are the keys of disruption.
func disruptionKeys() map[string]keySpec {
	return map[string]keySpec{
		"signal": {"A signal's name or number, or a sequence with the time between, as in SIGTERM,2s,SIGTERM.", signalShape},
		"target": {"Which process gets the signal: the command itself (leader), its process group (group), or the process that holds the listening socket (owner). By default the policy's.", oneOfWords([]string{history.Leader, history.Group, history.Owner})},
		"grace":  {"How long after the signal SIGKILL comes. By default the policy's.", notZero},
		"lag":    {"How long after the signal new requests stop, as when a balancer sends no more. By default the policy's; without a lag they go on.", notZero},
		"while":  {"A command to run instead of a signal, during which the subject promises to stay up; {port} and {pid} are replaced.", commandShape},
		"settle": {"How long the load goes on after that command.", notZero},
		"when":   {"In which state the signal finds the subject: loaded (by default), ready (before any request), or started: at a random instant within twice the time that it takes to be ready, which is measured first. With the last two no load is sent.", oneOfWords(harness.States())},
	}
}

// overridesKeys are the keys of overrides.
func overridesKeys() map[string]keySpec {
	return map[string]keySpec{
		"min-at-risk": {"How many requests must be at risk for a pass.", atLeast(1)},
		"max-loss":    {"The share of requests of the worst half second of a shutdown that may be late and dropped: its 95% bound over shutdowns.", notZero},
		"exit-codes":  {"Exit codes that are as good as 0.", exitCodeShape},
		"rules":       {"off, warn or fail, for each rule in place of the policy's.", severityShape},
	}
}

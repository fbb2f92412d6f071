package cli

import (
	"github.com/invopop/jsonschema"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/history"
)

// keySpec is what the schema says of a scenario's key besides its type.
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
		"name":       {"What the scenario is called in the reports. By default the file's name.", nil},
		"purpose":    {"What the scenario is to find out, in a sentence.", nil},
		"subject":    {"What is tested.", nil},
		"load":       {"The requests: how many, which, and what counts as their answer.", nil},
		"disruption": {"What happens to the subject under load.", nil},
		"policy":     {"Which rules are required, warned about or off: lastcall list policies.", oneOfWords(check.PolicyNames())},
		"overrides":  {"Numbers and rules that the policy would decide otherwise.", nil},
		"needs":      {"Rules that must have found something to judge: without that there is no pass. What each takes: lastcall explain RULE.", rulesShape},
		"shutdowns":  {"How often each subject is shut down.", between(1, harness.MaxShutdowns)},
		"reports":    {"FORMAT or FORMAT=PATH, as in junit=report.xml. Paths are relative to where lastcall is started.", reportShape},
		"expect":     {"Which strategies of the sample service pass, and which fail by which rule: what lastcall selftest holds lastcall to. A server of your own has none.", expectShape},
	}
}

// subjectKeys are the keys of subject.
func subjectKeys() map[string]keySpec {
	return map[string]keySpec{
		"delay":         {"How long the sample service works on a request; of a server of your own, what its requests take.", nil},
		"name":          {"What the subject is called in the reports. By default the command's name.", notEmpty},
		"command":       {"The program and its arguments, which no shell reads; {port} is replaced. A program with a slash in it is relative to the file, one without is looked up in PATH; its arguments are as they are, for a program that runs where lastcall was started, or in dir.", commandShape},
		"dir":           {"The command's working directory, relative to the file.", notEmpty},
		"env":           {"Added to the command's environment; {port} is replaced.", environmentShape},
		"url":           {"Where the subject serves; {port} is replaced.", matching(urlPattern)},
		"front":         {"Another process listens at the URL, stays up, and relays to the command: a proxy. The command gets the signal.", nil},
		"ready":         {"The readiness check, a path or a URL: status 2xx is ready. By default the port has to accept.", matching("^/|" + urlPattern)},
		"ready-timeout": {"How long it may take until the subject is ready.", notZero},
		"ledger":        {"The file, relative to the scenario's, that the subject appends its ledger to, if it is not the one that LASTCALL_LEDGER names; {port} is replaced.", notEmpty},
		"applied":       {"A command, run after the exit and by no shell, that prints the ids which were applied, one a line: those of X-Lastcall-Id, or what {id} stood for; {port} and {pid} are replaced.", commandShape},
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
		"connections":   {"On which connections the requests travel: kept alive, one for each, or by turns.", oneOfWords(connectionNames())},
		"timeout":       {"A request's deadline, from its start. By default the grace and five seconds.", notZero},
		"warm-up":       {"Load before the signal may come. 0s: until a steady state is seen, which takes 700ms at most where the server is not slow.", nil},
		"jitter":        {"At most so much is added to the warm-up, by seed; a minute at most. Not used where disruption.when is started.", nil},
		"trigger":       {"How long the signal waits for enough open requests.", nil},
		"tail":          {"The rate is kept so long after the signal. Then it is lowered to what keeps a few requests open, until the exit or the grace.", nil},
		"max-open":      {"The load pauses at so many open requests.", between(1, harness.MaxOpen)},
		"requests":      {"Requests that are sent in turn. By default one to the subject's URL.", atMost(harness.MaxRequests)},
		"requests-file": {"A file with more of them, in vegeta's target format, relative to the scenario's.", notEmpty},
		"expect-status": {"Statuses that count as completed, as in 200,204,300-399.", statusShape},
		"expect-body":   {"A regular expression (Go's) that the body of a completed answer matches.", notEmpty},
		"parked":        {"Connections that are opened before the load and held over the signal. They count among no requests; closes-cleanly judges how they end.", atMost(history.MaxParks)},
	}
}

// parkKeys are the keys of one of load.parked.
func parkKeys() map[string]keySpec {
	return map[string]keySpec{
		"kind":   {"silent (connects, and never sends a byte), idle (kept alive: it has served one request, and is not used again), websocket, or events (an answer without an end, as server-sent events).", oneOfWords(harness.ParkKinds())},
		"url":    {"What a websocket, an event stream or an idle connection asks for: a path of the subject's URL, or a URL of the same host. None for silent. By default an idle one asks for the subject's URL.", matching("^/|" + urlPattern)},
		"count":  {"How many of them.", between(1, history.MaxParked)},
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
		"target": {"Who gets the signal: the command itself, its process group, or whoever holds the listening socket. By default as the policy's platform does.", oneOfWords([]string{history.Leader, history.Group, history.Owner})},
		"grace":  {"SIGKILL comes so long after the signal. By default the policy's.", notZero},
		"lag":    {"New requests stop so long after the signal, as when a balancer has learned. By default the policy's; without any they go on.", notZero},
		"while":  {"A command to run instead of a signal, during which the subject promises to stay up; {port} and {pid} are replaced.", commandShape},
		"settle": {"How long the load goes on after that command.", notZero},
		"when":   {"In which state the signal finds the subject: loaded (by default), ready (and not asked for anything yet), or started, at a random instant of its start, within twice the time that it takes to be ready, which is measured first (the last of several waits until it is ready). In the last two no load is sent.", oneOfWords(harness.States())},
	}
}

// overridesKeys are the keys of overrides.
func overridesKeys() map[string]keySpec {
	return map[string]keySpec{
		"min-at-risk": {"Fewer requests at risk prove nothing.", atLeast(1)},
		"max-loss":    {"Share of the requests of the worst half second of a shutdown that may be late and lost, by its 95 % bound over shutdowns.", notZero},
		"exit-codes":  {"Exit codes that are clean, besides 0.", exitCodeShape},
		"rules":       {"off, warn or fail, for each rule that should be taken otherwise.", severityShape},
	}
}

package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lastcall/harness/scenario"
)

// Severity says how seriously a policy takes a rule.
type Severity uint8

// The severities.
const (
	Off Severity = iota
	Warn
	Require
)

var severityNames = [...]string{"off", "warn", "fail"}

// String returns "off", "warn" or "fail".
func (s Severity) String() string {
	if int(s) >= len(severityNames) {
		return fmt.Sprintf("severity(%d)", s)
	}
	return severityNames[s]
}

// ParseSeverity reads "off", "warn" or "fail".
func ParseSeverity(text string) (Severity, error) {
	if i := slices.Index(severityNames[:], text); i >= 0 {
		return Severity(i), nil
	}
	return Off, fmt.Errorf("is %q, must be off, warn or fail", text)
}

// Level is a rule's severity under a policy. Some rules know breaches that a
// server cannot avoid: those have a severity of their own.
type Level struct {
	Breach  Severity
	Excused Severity // for what the rule's text calls unavoidable or allowed
}

// String returns "fail", or "fail, excused: warn".
func (l Level) String() string {
	if l.Breach == l.Excused {
		return l.Breach.String()
	}
	return l.Breach.String() + ", excused: " + l.Excused.String()
}

// off reports whether the policy does not look at the rule at all.
func (l Level) off() bool { return l.Breach == Off && l.Excused == Off }

// Policy says which rules are required, warned about or off, and their numbers.
type Policy struct {
	Name      string
	Summary   string
	Source    string   // who asks for this
	Why       []string // in a few lines, for who has to live with it
	MinAtRisk int      // fewer requests at risk, over all shutdowns, prove nothing
	MaxLoss   float64  // share of the worst half second that may be late and lost; 0: late-requests-answered decides
	ExitCodes []int    // that are as good as 0
	DiesClean bool     // to die of the very signal that was sent is a clean end
	Levels    map[string]Level

	// What a scenario gets where it does not say.
	Grace  time.Duration // until SIGKILL
	Lag    time.Duration // how long a balancer goes on sending; 0: to the end
	Target string        // who gets the signal
}

// Uses reports whether the policy looks at the rule at all.
func (p Policy) Uses(rule string) bool { return !p.Levels[rule].off() }

// minAtRisk is the least number of requests at risk under every policy so far.
const minAtRisk = 20

// Policies returns every policy. The slice and the maps are fresh.
func Policies() []Policy {
	return []Policy{defaultPolicy(), strictPolicy(), kubernetesPolicy(), dockerPolicy(), systemdPolicy()}
}

func defaultPolicy() Policy {
	return Policy{
		Name: "default", MinAtRisk: minAtRisk, Levels: normalLevels(),
		Summary: "All requests in flight are completed; races that no HTTP/1.1 server can win only warn.",
		Source:  "Go's Server.Shutdown promises as much; RFC 9112 section 9.5 describes the races.",
		Why: []string{
			"When a server has read a request, it has promised an answer, also when it is told to stop.",
			"It may refuse later requests. A refusal is honest: nothing was done, and a client or balancer can go elsewhere at once.",
			"To accept a connection and then end it without an answer is not honest: the client cannot know whether the work was done.",
			"A few requests cross the close of their own idle connection. HTTP/1.1 cannot prevent that, so such a loss is only a warning.",
			"The process gets 10 seconds, the signal goes to the command itself, and it should end with code 0.",
		},
		Grace: 10 * time.Second, Target: scenario.Leader,
	}
}

func normalLevels() map[string]Level {
	levels := make(map[string]Level)
	for _, r := range Rules() {
		levels[r.Name] = r.normal
	}
	return levels
}

func strictPolicy() Policy {
	p := defaultPolicy()
	for rule, level := range p.Levels {
		if !level.off() {
			p.Levels[rule] = Level{Require, Require}
		}
	}
	p.Name = "strict"
	p.Summary = "Every warning is a failure: not one request sent before the listener closed may be lost."
	p.Source = "For servers that drain before they close, behind a balancer that stops sending."
	p.Why = []string{
		"The default policy only warns of races that a server alone cannot avoid. With a balancer in front it can avoid them.",
		"A server that goes on serving with Connection: close until no new request comes, and closes only then, drops nothing: none of 10,000 in 20 shutdowns, measured.",
		"So here each late loss fails, and so does an answer after the signal without Connection: close.",
		"The numbers are those of the default policy: 10 seconds, the signal to the command itself, exit code 0 and no other.",
	}
	return p
}

func kubernetesPolicy() Policy {
	p := defaultPolicy()
	p.Levels[LateRequestsAnswered] = Level{Require, Require}
	p.Levels[ServesThroughLag] = Level{Require, Require}
	p.Levels[ReadyFlipsFirst] = Level{Warn, Warn}
	p.Name = "k8s"
	p.Summary = "A pod that is deleted: it serves on while the endpoints learn of it, then drains, within 30 seconds."
	p.Source = "Kubernetes, Pod Lifecycle, Termination of Pods; kubernetes/kubernetes #106476."
	p.Why = []string{
		"A pod that is deleted gets SIGTERM and is taken out of its Service at the same time, not one after the other.",
		"Every node has to learn of the new endpoints. Until then, a second or two, new connections go on coming: a server that closes the listener at once refuses them.",
		"So for 2 seconds (lag) after the signal every new request must be completed (serves-through-lag); then lastcall stops sending, as the balancer does.",
		"After that no race is left to excuse: each late loss fails.",
		"The readiness check should fail before the first refusal (ready-flips-first), for balancers that use it instead of the API.",
		"The kubelet waits for terminationGracePeriodSeconds, 30 by default, and a preStop hook runs on that budget too; then comes SIGKILL.",
		"Only process 1 of the container gets the signal. Status 0 and 143 are both clean.",
	}
	p.ExitCodes, p.DiesClean = []int{143}, true
	p.Grace, p.Lag = 30*time.Second, 2*time.Second
	return p
}

func dockerPolicy() Policy {
	p := defaultPolicy()
	p.Name = "docker"
	p.Summary = "docker stop: SIGTERM to process 1 only, SIGKILL after 10 seconds."
	p.Source = "docker stop and docker run --stop-timeout; STOPSIGNAL in the Dockerfile reference."
	p.Why = []string{
		"docker stop sends SIGTERM (or the image's STOPSIGNAL: --signal) to process 1 of the container, and SIGKILL 10 seconds later.",
		"Process 1 is what CMD started. In its shell form that is /bin/sh -c, which does not forward the signal: the server never gets it (signal-delivered).",
		"When process 1 ends, everything else in the container is killed at once, in the middle of its work (no-survivors).",
		"docker reports 143 for a process that died of SIGTERM: a warning here, because a server that catches the signal ends with 0.",
	}
	return p
}

func systemdPolicy() Policy {
	p := defaultPolicy()
	p.Name = "systemd"
	p.Summary = "systemctl stop: SIGTERM to every process of the unit at once, SIGKILL after 90 seconds."
	p.Source = "systemd.kill(5), KillMode=control-group; systemd.service(5), TimeoutStopSec and SuccessExitStatus."
	p.Why = []string{
		"systemctl stop sends SIGTERM to all processes of the unit at the same time (KillMode=control-group), workers included.",
		"A master that stops its workers one by one finds them stopping already. A worker that dies of SIGTERM drops its requests.",
		"After TimeoutStopSec, 90 seconds by default, comes SIGKILL. A process that left its group is found and ended too (no-survivors).",
		"systemd takes death by SIGTERM for a clean end, but not status 143: that one warns (SuccessExitStatus=143 is the usual line for a JVM).",
	}
	p.DiesClean = true
	p.Grace, p.Target = 90*time.Second, scenario.Group
	return p
}

// PolicyByName returns the policy of that name, and whether there is one.
func PolicyByName(name string) (Policy, bool) {
	for _, p := range Policies() {
		if p.Name == name {
			return p, true
		}
	}
	return Policy{}, false
}

// PolicyNames returns the names of all policies, in order.
func PolicyNames() []string {
	var names []string
	for _, p := range Policies() {
		names = append(names, p.Name)
	}
	return names
}

// Resolve returns the scenario's policy with the scenario's overrides, and the
// scenario with what it left to the policy filled in. The error is a
// *scenario.Invalid.
func Resolve(s scenario.Scenario) (Policy, scenario.Scenario, error) {
	p, ok := PolicyByName(s.Policy)
	if !ok {
		return p, s, &scenario.Invalid{
			Field: "policy", Problem: fmt.Sprintf("%q is unknown, must be one of %s", s.Policy, strings.Join(PolicyNames(), ", ")),
		}
	}
	if err := p.override(s.Overrides); err != nil {
		return p, s, err
	}
	if err := p.judges(s); err != nil {
		return p, s, err
	}
	d := &s.Disruption
	if d.Grace.Duration == 0 {
		d.Grace.Duration = p.Grace
	}
	if d.Lag.Duration == 0 && len(d.While) == 0 && !d.Unloaded() {
		d.Lag.Duration = p.Lag
	}
	if d.Target == "" {
		d.Target = p.Target
	}
	return p, s, nil
}

// judges refuses a scenario that needs a rule by which nothing would be judged.
func (p *Policy) judges(s scenario.Scenario) error {
	for i, name := range s.Needs {
		problem := ""
		j := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == name })
		switch {
		case j < 0:
			problem = fmt.Sprintf("is the unknown rule %q, must be one of %s", name, strings.Join(RuleNames(), ", "))
		case !Rules()[j].applies(s.Disruption):
			problem = fmt.Sprintf("is %s, which has nothing to judge here: %s", name, Rules()[j].when)
		case !p.Uses(name):
			problem = fmt.Sprintf("is %s, a rule that is off under the policy %q: turn it on (--rule %s=fail, or overrides.rules), or leave it out here", name, p.Name, name)
		default:
			continue
		}
		return &scenario.Invalid{Field: fmt.Sprintf("needs[%d]", i), Problem: problem}
	}
	return nil
}

// override applies what a scenario changes of its policy.
func (p *Policy) override(o scenario.Overrides) error {
	invalid := func(field, problem string, args ...any) error {
		return &scenario.Invalid{Field: "overrides." + field, Problem: fmt.Sprintf(problem, args...)}
	}
	if o.MinAtRisk < 0 {
		return invalid("min-at-risk", "is %d, must be at least 1", o.MinAtRisk)
	}
	if o.MinAtRisk > 0 {
		p.MinAtRisk = o.MinAtRisk
	}
	if !(o.MaxLoss >= 0 && o.MaxLoss < 1) { // nor is it no number at all
		return invalid("max-loss", "is %s, must be at least 0%% and less than 100%%", o.MaxLoss)
	}
	p.MaxLoss = float64(o.MaxLoss)
	if p.MaxLoss > 0 { // the bound decides, and the rule only tells
		p.Levels[LateRequestsAnswered] = Level{Warn, Warn}
	}
	for _, code := range o.ExitCodes {
		if code < 0 || code > 255 {
			return invalid("exit-codes", "has %d, must be from 0 to 255", code)
		}
	}
	p.ExitCodes = append(p.ExitCodes, o.ExitCodes...)
	known := RuleNames()
	for _, rule := range slices.Sorted(maps.Keys(o.Rules)) {
		if !slices.Contains(known, rule) {
			return invalid("rules", "has the unknown rule %q, must be one of %s", rule, strings.Join(known, ", "))
		}
		severity, err := ParseSeverity(o.Rules[rule])
		if err != nil {
			return invalid("rules."+rule, "%s", err)
		}
		p.Levels[rule] = Level{severity, severity}
	}
	return nil
}

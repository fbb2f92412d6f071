// Package samples makes subjects of the strategies of the sample service, and plans of
// them. The service is lastcall's own program: it starts itself as "lastcall serve NAME".
package samples

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"lastcall/harness/check"
	"lastcall/harness/run"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/spelling"
	"lastcall/targets"
)

// Names are the names of all strategies, in the order of the catalogue.
func Names() []string {
	var names []string
	for _, s := range targets.All() {
		names = append(names, s.Name)
	}
	return names
}

// ByName returns a strategy. The error for an unknown one has the nearest name.
func ByName(name string) (targets.Strategy, error) {
	s, ok := targets.ByName(name)
	if !ok && strings.Contains(name, ",") {
		return s, fmt.Errorf("unknown strategy %q: separate names by spaces, as in %s", name,
			strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ' ' }), " "))
	}
	if !ok {
		return s, fmt.Errorf("unknown strategy %q: %s", name, spelling.Hint(name, Names()))
	}
	return s, nil
}

// Program is the path of lastcall's own program, which runs the strategies.
func Program() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find lastcall's own program, which runs the strategies: %w", err)
	}
	return program, nil
}

// Subject is the sample service with a strategy. The program is lastcall's own.
func Subject(strategy, program string) subject.Strategy {
	return subject.Strategy{
		Label: strategy, Path: program, Lifeline: targets.EnvLifeline, Health: "/health",
		Args: []string{"serve", strategy, "--addr", "127.0.0.1:0", "--request-log=false"},
	}
}

// Path is what a scenario asks of the sample service, if it does not say: an answer that
// takes the scenario's delay.
func Path(s scenario.Scenario) string {
	query := url.Values{"delay": {s.Subject.Delay.String()}}
	return "/work?" + query.Encode()
}

// Plan puts strategies through a scenario, each in an environment that has these
// variables too (see Lag). The error of an unknown name, or of one that is named twice,
// is the caller's to explain.
func Plan(s scenario.Scenario, policy check.Policy, names, env []string) (run.Plan, error) {
	program, err := Program()
	if err != nil {
		return run.Plan{}, err
	}
	plan := run.Plan{Scenario: s, Tool: run.Tool(), Path: Path(s), PollReady: policy.Uses(check.ReadyFlipsFirst)}
	seen := make(map[string]bool)
	for _, name := range names {
		strategy, err := ByName(name)
		if err != nil {
			return plan, err
		}
		if seen[name] {
			return plan, fmt.Errorf("strategy %q is named twice: raise --shutdowns to repeat it", name)
		}
		seen[name] = true
		subject := Subject(strategy.Name, program)
		subject.Env = env
		plan.Subjects = append(plan.Subjects, withStore(subject, s, program))
	}
	return plan, nil
}

// KnownLag is how long the scenario's balancer goes on sending. A strategy that drains is
// told, as the operator of a server knows it. A lag in the environment is meant, and
// stays: then it is 0.
func KnownLag(s scenario.Scenario) time.Duration {
	if os.Getenv(targets.EnvLag) != "" {
		return 0
	}
	return s.Disruption.Lag.Duration
}

// Lag is the environment that tells a strategy the lag. With 0 it is told nothing.
func Lag(lag time.Duration) []string {
	if lag == 0 {
		return nil
	}
	return []string{targets.EnvLag + "=" + lag.String()}
}

// storePaths are where the service writes to its store.
var storePaths = []string{"/orders", "/async"}

// withStore lets a strategy be asked for what its store holds, if the scenario writes to
// nothing else: of what /work acknowledges no store holds anything.
func withStore(s subject.Strategy, sc scenario.Scenario, program string) subject.Strategy {
	if !stored(sc.Load) {
		return s
	}
	s.Store = targets.EnvStore
	s.Applied = []string{program, "applied", "{store}"}
	s.Supervisor = []string{program, "supervise"}
	return s
}

// stored reports whether the store holds all that the load asks to be written.
func stored(l scenario.Load) bool {
	if l.RequestsFile != "" { // it is not read yet
		return false
	}
	writes := 0
	for _, r := range l.Requests {
		method := r.Method
		if method == "" {
			method = l.Method
		}
		if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
			continue
		}
		u, err := url.Parse(r.URL)
		if err != nil || !slices.Contains(storePaths, u.Path) {
			return false
		}
		writes++
	}
	return writes > 0
}

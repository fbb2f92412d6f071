package check

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
func (s Severity) String() string { return severityNames[s] }

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

// Policy says which rules are required, warned about or off, and their numbers.
type Policy struct {
	Name      string
	Summary   string
	Source    string // who asks for this
	MinAtRisk int    // fewer requests at risk, over all shutdowns, prove nothing
	Levels    map[string]Level
}

// minAtRisk is the least number of requests at risk under every policy so far.
const minAtRisk = 20

// Policies returns every policy. The slice and the maps are fresh.
func Policies() []Policy {
	normal := map[string]Level{
		InFlightCompletes:     {Require, Require},
		LateRequestsAnswered:  {Require, Warn},
		NoFailed:              {Require, Require},
		AnnouncesClose:        {Warn, Warn},
		ExitsInGrace:          {Require, Require},
		ExitStatus:            {Require, Warn},
		NoUnansweredExecution: {Warn, Warn},
	}
	strict := make(map[string]Level, len(normal))
	for rule := range normal {
		strict[rule] = Level{Require, Require}
	}
	return []Policy{
		{
			Name: "default", MinAtRisk: minAtRisk, Levels: normal,
			Summary: "Nobody who was being served is let down; races that no HTTP/1.1 server can win are only warned about.",
			Source:  "Go's Server.Shutdown promises as much; RFC 9112 section 9.5 describes the races.",
		},
		{
			Name: "strict", MinAtRisk: minAtRisk, Levels: strict,
			Summary: "Every warning is a failure: not one request sent before the listener closed may be lost.",
			Source:  "For servers that drain before they close, behind a balancer that has learned of it.",
		},
	}
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

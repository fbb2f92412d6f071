package probe

// The rules whose severity breaches have. Package check judges them in the
// histories of a load; here they are only names, for the Severity.
const (
	ruleDelivered = "signal-delivered"
	ruleInFlight  = "in-flight-completes"
	ruleLate      = "late-requests-answered"
	ruleLag       = "serves-through-lag"
	ruleAnnounces = "announces-close"
	ruleReady     = "ready-flips-first"
	ruleGrace     = "exits-in-grace"
	ruleStatus    = "exit-status"
	ruleSurvivors = "no-survivors"
)

package reports

// Column is a word above a column of the comparison, and what stands below it.
type Column struct {
	Name    string // in small letters, with hyphens for blanks
	Meaning string
}

// Columns returns the words of the comparison, from left to right. Those that are
// outcomes too are not among them: rejected, failed and refused. The slice is fresh.
func Columns() []Column {
	return []Column{
		{"in-flight", "Requests that the server had in hand when it was told to stop: kept, rejected, failed and lost add up to them."},
		{"kept", "In flight, and answered as if nothing had happened."},
		{"late", "Requests that were on their way when the server was told to stop, or were sent afterwards."},
		{"lost", "Dropped: sent, at least in part, and hung up on without a whole answer. There is one such column of the " +
			"requests in flight, and one of the late ones, of which a few no HTTP/1.1 server can save."},
		{"at-risk", "The late requests that were not simply refused: of how many the lost ones were lost."},
		{"lost-acks", "Work that was acknowledged to its client, and is not there after the exit (no-lost-ack). The column is there only if somebody lost some."},
		{"ended", "Parked websockets and event streams that a server ended, with a word or without, while a command ran during which it promises to stay up (--while), or soon after: their clients must connect again. The column is there only if some were held over such a command."},
		{"cut", "Parked websockets and event streams that ended without a word (closes-cleanly). The column is there only if some were held over the signal."},
		{"exit", "How the process ended (its exit code, the signal that ended it, or killed: by lastcall, after the grace period), and how long after the signal, the median of all shutdowns."},
		{"verdict", "PASS: all that the policy requires was put to the test and held. FAIL: a required rule was broken. INCONCLUSIVE: something was wrong with the measurement, or too little was at risk to prove anything."},
	}
}

package reports

// Column is a word above a column of the comparison, and what stands below it.
type Column struct {
	Name    string // in small letters, with hyphens for blanks
	Meaning string
}

// Columns returns the words of the comparison, from left to right. The outcomes are not
// among them: completed, rejected, failed, refused and dropped. The slice is fresh.
func Columns() []Column {
	return []Column{
		{"in-flight", "Requests that the server was working on when it was told to stop: the sum of completed, rejected, failed and dropped."},
		{"late", "Requests that were on their way when the server was told to stop, or were sent afterwards. No HTTP/1.1 server can prevent a few dropped ones."},
		{"at-risk", "The late requests that were neither refused nor unsent."},
		{"lost-acks", "Work that was acknowledged to its client, and is missing after the exit (no-lost-ack). The column appears only if some was lost."},
		{"ended", "Parked WebSocket connections and event streams that the server ended while the command of --while ran, or soon after: their clients must connect again. The column appears only if some were held."},
		{"cut", "Parked WebSocket connections and event streams that ended without a close frame or a last chunk (closes-cleanly). The column appears only if some were held."},
		{"exit", "How the process ended (its exit code, the signal that ended it, or killed: by lastcall, after the grace period), and how long after the signal, the median of all shutdowns."},
		{"verdict", "PASS: no required rule was broken, and enough requests were at risk. FAIL: a required rule was broken. INCONCLUSIVE: the measurement was disturbed, or too few requests were at risk to prove anything."},
	}
}

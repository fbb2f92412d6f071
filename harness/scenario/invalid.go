package scenario

// Invalid is a scenario's mistake: which field, what is wrong with it, and what
// would be right.
type Invalid struct {
	Field   string // as in the file: "load.rate", "load.requests[2].url"
	Problem string // "is 0, must be from 1 to 20000"

	// Where to point, if not at Field's value.
	Key string   // Field is a mapping, and this key of it is the mistake
	Of  []string // fields that are wrong only together: the first that the file has
}

// Error returns field and problem in one line.
func (e *Invalid) Error() string { return e.Field + " " + e.Problem }

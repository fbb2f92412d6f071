package history

// Counts holds how many requests ended in each outcome. Total is their sum,
// and counts nothing else.
type Counts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Rejected  int `json:"rejected"`
	Failed    int `json:"failed"`
	Refused   int `json:"refused"`
	Dropped   int `json:"dropped"`
	Unsent    int `json:"unsent"`
}

// Add counts one request. A request that has not ended, or whose outcome is
// outside the closed set, is in no outcome and is not counted: that gap is what
// conservation looks for.
func (c *Counts) Add(o Outcome) {
	switch o {
	case Completed:
		c.Completed++
	case Rejected:
		c.Rejected++
	case Failed:
		c.Failed++
	case Refused:
		c.Refused++
	case Dropped:
		c.Dropped++
	case Unsent:
		c.Unsent++
	case Pending:
		return
	default:
		return
	}
	c.Total++
}

// Plus returns the sum of two counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		Total:     c.Total + d.Total,
		Completed: c.Completed + d.Completed,
		Rejected:  c.Rejected + d.Rejected,
		Failed:    c.Failed + d.Failed,
		Refused:   c.Refused + d.Refused,
		Dropped:   c.Dropped + d.Dropped,
		Unsent:    c.Unsent + d.Unsent,
	}
}

// AtRisk is the denominator of every rate and bound: what was counted, without
// the refused (they can go elsewhere) and the unsent (they prove nothing).
func (c Counts) AtRisk() int { return c.Total - c.Refused - c.Unsent }

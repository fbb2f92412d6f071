package reports

import (
	"encoding/json"
	"fmt"
	"slices"

	"lastcall/harness/result"
	"lastcall/reports/picture"
)

// pageSwim is a swimlane, and what its lanes tell.
type pageSwim struct {
	drawn
	Hint, Caption string
	Data          laneData
}

// laneData is what the page's script needs: where the lanes are, the patterns of
// their stories, and what fills the blanks of each.
type laneData struct {
	picture.Layout
	Patterns []string  `json:"patterns"`
	Lanes    []laneRow `json:"lanes"`
}

// laneRow is [pattern, 1 if the request was lost, blanks...].
type laneRow struct {
	pattern int
	wrong   bool
	blanks  []string
}

// MarshalJSON writes the row as a list: there are thousands.
func (r laneRow) MarshalJSON() ([]byte, error) {
	wrong := 0
	if r.wrong {
		wrong = 1
	}
	list := []any{r.pattern, wrong}
	for _, blank := range r.blanks {
		list = append(list, blank)
	}
	return json.Marshal(list)
}

func newPageSwim(name string, s result.Subject, swim *picture.Swimlane) *pageSwim {
	label := fmt.Sprintf("%s, %s %d: %s requests, one a line. Walk with the arrow keys.", name, occasion(s), swim.Shutdown, number(len(swim.Lanes)))
	p := &pageSwim{drawn: *show(swim.Draw(), label), Caption: caption(s, swim), Hint: laneHint(swim)}
	p.Data.Layout = swim.Layout()
	known := make(map[string]int)
	for _, lane := range swim.Lanes {
		pattern, ok := known[lane.Story.Pattern]
		if !ok {
			pattern = len(p.Data.Patterns)
			known[lane.Story.Pattern] = pattern
			p.Data.Patterns = append(p.Data.Patterns, lane.Story.Pattern)
		}
		p.Data.Lanes = append(p.Data.Lanes, laneRow{pattern, wrongly(lane.Outcome), lane.Story.Blanks})
	}
	return p
}

// laneHint is a first story: that of a lost request.
func laneHint(swim *picture.Swimlane) string {
	i := slices.IndexFunc(swim.Lanes, func(l picture.Lane) bool { return wrongly(l.Outcome) })
	if i < 0 {
		return "Point at a line to read the story of that request."
	}
	return "For example: " + swim.Lanes[i].Story.String()
}

// caption says which shutdown it is, and what is not in the picture.
func caption(s result.Subject, swim *picture.Swimlane) string {
	text := fmt.Sprintf("%s %d of %d, %s lines.", capital(occasion(s)), swim.Shutdown, s.Shutdowns, number(len(swim.Lanes)))
	if swim.Outside > 0 {
		text += fmt.Sprintf(" %s requests began and ended outside this window.", number(swim.Outside))
	}
	switch left := swim.Touched - len(swim.Lanes); {
	case swim.Hidden > 0:
		text += fmt.Sprintf(" A sample: of the %s requests in the window %s are left out, %s of them touched by the shutdown. Lost requests come first.",
			number(swim.Touched), number(left), number(swim.Hidden))
	case left > 0:
		text += fmt.Sprintf(" A sample: %s requests that the shutdown did not touch are left out. All %s that it touched are there.",
			number(left), number(swim.Exposed))
	}
	return text
}

package check

import (
	"fmt"
	"slices"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// parking asks that what was to be parked was there when the signal came.
// Otherwise a pass would not be earned; what is proved is proved all the same.
func parking(o *observation) (found []problem) {
	for _, p := range o.Parked {
		detail := ""
		switch {
		case p.Opened == 0:
			detail = unopened(p)
		case !o.Signal.Sent || o.held(p):
		case !p.Told():
			detail = o.unheld(p.Kind)
		case p.Ended == 0 || p.Ended >= o.Signal.Before:
			detail = fmt.Sprintf("%s was opened only %s after %s: repeat the run", p.URL, scenario.InWords(p.Opened-o.Signal.Before), o.moment())
		default:
			detail = fmt.Sprintf("%s ended %s before %s%s: name a path whose stream goes on, or raise the server's limit",
				p.URL, scenario.InWords(o.Signal.Before-p.Ended), o.moment(), how(p))
		}
		if detail == "" {
			continue
		}
		detail = o.parkKey(p) + ": " + detail
		if !slices.ContainsFunc(found, func(f problem) bool { return f.detail == detail }) {
			found = append(found, problem{detail: detail, soft: true})
		}
	}
	return append(found, o.unended()...)
}

// unheld says that no connection of a kind was there as the signal came, "" if one
// was. One is as good as many: it holds the exit, or it does not. That one in
// several is missing for a moment is what comes of a server that bounds the wait.
func (o *observation) unheld(kind string) string {
	if slices.ContainsFunc(o.Parked, func(p history.Parked) bool { return p.Kind == kind && o.held(p) }) {
		return ""
	}
	return fmt.Sprintf("no %s connection was open when %s arrived, because the server ends them too soon: "+
		"raise the server's limit for waiting for a request, or leave them out", kind, o.moment())
}

// unended finds those whose client can be told and whose end was not seen,
// although the process that held them had ended by itself: whether they were told
// nobody knows.
func (o *observation) unended() (found []problem) {
	if o.Operation != nil || !o.Exit.Seen || o.Exit.Killed {
		return nil
	}
	for _, kind := range []struct{ name, noun string }{{scenario.WebSocket, "WebSocket connection"}, {scenario.EventStream, "event stream"}} {
		held, open := 0, 0
		for _, p := range o.Parked {
			if p.Kind != kind.name || !o.held(p) {
				continue
			}
			if held++; p.Ended == 0 {
				open++
			}
		}
		if open > 0 {
			found = append(found, problem{soft: true, detail: fmt.Sprintf(
				"%d of %s %s still open when lastcall looked, after the exit: another process holds %s, or this machine was too busy",
				open, count(held, kind.noun), was(open), verb(open, "it", "them"))})
		}
	}
	return found
}

// unopened says why a connection could not be parked, and what to change.
func unopened(p history.Parked) string {
	switch p.Kind {
	case scenario.WebSocket:
		return fmt.Sprintf("%s %s: name a path that accepts WebSocket connections, or leave it out", p.URL, p.Error)
	case scenario.EventStream:
		return fmt.Sprintf("%s %s: name a path that answers in chunks and goes on, or leave it out", p.URL, p.Error)
	case scenario.Idle:
		return fmt.Sprintf("an idle connection could not be opened: %s: name a path whose answer leaves its connection open (--park idle=/path), or leave it out", p.Error)
	}
	return fmt.Sprintf("a silent connection could not be opened: %s: park fewer of them, or raise the limit of open files (ulimit -n)", p.Error)
}

// how says how a connection ended, where there is more to say.
func how(p history.Parked) string {
	switch {
	case p.Kind == scenario.WebSocket && p.Clean:
		return fmt.Sprintf(", with the code %d", p.Code)
	case p.Error != "":
		return ", cut off (" + p.Error + ")"
	}
	return ""
}

// parkKey is the key of the scenario that asks for a parked connection.
func (o *observation) parkKey(p history.Parked) string {
	wanted := o.Header.Scenario.Load.Parked
	i := slices.IndexFunc(wanted, func(w scenario.Park) bool { return w.Kind == p.Kind && w.URL == p.URL })
	key := "load.parked"
	if i >= 0 {
		key = fmt.Sprintf("%s[%d]", key, i)
	}
	if p.URL != "" {
		key += ".url"
	}
	return key
}

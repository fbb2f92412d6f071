package check

import (
	"testing"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
)

// goRuntime is what any Go program shows.
var goRuntime = history.Disposition{Catches: true, Runtime: true}

// killedAtLast makes it a process that had to be killed so long after the signal.
func killedAtLast(after time.Duration) func(*history.History) {
	return func(h *history.History) {
		at := signalAt + after
		h.Exit = history.Exit{Seen: true, At: at, Code: -1, Signal: "SIGKILL", Killed: true}
		h.Events = append(h.Events[:len(h.Events):len(h.Events)], history.Event{Name: history.EventKilled, At: at - time.Millisecond})
		for i := range h.Events {
			if h.Events[i].Name == history.EventExit {
				h.Events[i].At = at
			}
		}
	}
}

// told names who was told to stop.
func toldTo(name string) func(*history.History) {
	return func(h *history.History) { h.Delivery.To = []history.Process{{PID: h.PID, Name: name}} }
}

// anew is a request on a connection that was made so long after the signal.
func anew(after time.Duration) change {
	return func(r *history.Request) {
		sentAt(signalAt + after)(r)
		r.End = r.Sent + 20*time.Millisecond
	}
}

// queued is an accept queue that nobody emptied from one instant to another.
func queued(since, until time.Duration, waiting int) func(*history.History) {
	return func(h *history.History) {
		h.Backlog = history.Backlog{Asked: 100, Longest: waiting, Since: since, Until: until, Waiting: waiting}
	}
}

// said keeps what a wrong answer said.
func said(lines ...history.Answer) func(*history.History) {
	return func(h *history.History) { h.Answers = lines }
}

// usersServer is an intact shutdown of a user's server, of which nothing is lost yet.
func usersServer() *builder { return newHistory().kind("command") }

// TestCausesOfLossesInFlight: the story says what was seen, in the order of evidence.
func TestCausesOfLossesInFlight(t *testing.T) {
	const ms = time.Millisecond
	byTerm := history.Exit{Code: -1, Signal: "SIGTERM"}
	atSignal := func() *builder { return usersServer().inFlight(history.Dropped, 3, cutAt(2500*time.Microsecond)) }
	for _, tt := range []struct {
		name string
		b    *builder
		want []string
		not  []string
	}{
		{
			"no handler", usersServer().inFlight(history.Dropped, 3).exit(byTerm),
			[]string{"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 500 ms later.", "Catch the signal"},
			[]string{"--signal"},
		},
		{
			"a runtime that catches all", usersServer().inFlight(history.Dropped, 3).exit(byTerm).edit(handles(goRuntime)),
			[]string{"SIGTERM ended the process in the middle of their work, 500 ms later. Probably nothing in the process handles SIGTERM. Its runtime catches every signal, so this is not certain.", "Catch the signal"},
			nil,
		},
		{
			"a strategy of ours, whose source is known", newHistory().inFlight(history.Dropped, 3).exit(byTerm).edit(handles(goRuntime)),
			[]string{"Nothing in the process handles SIGTERM, so"},
			nil,
		},
		{
			"not known what it handles", usersServer().inFlight(history.Dropped, 3).exit(byTerm).edit(func(h *history.History) { h.Delivery.Dispositions = nil }),
			[]string{"SIGTERM ended the process in the middle of their work, 500 ms later.", "Catch the signal"},
			[]string{"andles"},
		},
		{
			"blocked, and taken in the end", usersServer().inFlight(history.Dropped, 3).exit(byTerm).edit(handles(history.Disposition{Blocks: true})),
			[]string{"The process had blocked SIGTERM when it arrived, and had no handler for it. SIGTERM ended the process"},
			nil,
		},
		{
			"caught, and raised again at once", usersServer().inFlight(history.Dropped, 3, cutAt(2*ms)).exit(byTerm).edit(handles(history.Disposition{Catches: true})).
				edit(func(h *history.History) { h.Exit.At = signalAt + 5*ms }),
			[]string{"The process catches SIGTERM: it dropped them within 2 ms of it, and ended by the same signal, 5 ms after it came.", "raises the signal again", "--signal"},
			[]string{"Nothing in the process"},
		},
		{
			"caught, dropped, and raised again later", atSignal().exit(byTerm).edit(handles(history.Disposition{Catches: true})),
			[]string{"The process catches SIGTERM. They were dropped within 3 ms of SIGTERM; the process went on for 498 ms after that, and ended by the same signal."},
			[]string{"Nothing in the process"},
		},
		{
			"a runtime, dropped, and ended by it later", atSignal().exit(byTerm).edit(handles(goRuntime)),
			[]string{"The process catches SIGTERM. They were dropped within 3 ms of SIGTERM; the process went on for 498 ms after that, and ended by the same signal."},
			nil,
		},
		{
			"not handled, and its end heard of late", atSignal().exit(byTerm).edit(handles(history.Disposition{})),
			[]string{"Nothing in the process handles SIGTERM, so the kernel ended it"},
			[]string{"went on"},
		},
		{
			"not known, dropped, and ended by it later", atSignal().exit(byTerm).edit(func(h *history.History) { h.Delivery.Dispositions = nil }),
			[]string{"They were dropped within 3 ms of SIGTERM; the process went on for 498 ms after that, and ended by SIGTERM."},
			[]string{"catches"},
		},
		{
			"node, with its end", usersServer().inFlight(history.Dropped, 3, cutAt(4*ms)).exit(byTerm).edit(handles(history.Disposition{Catches: true})).edit(toldTo("node main.js")).
				edit(func(h *history.History) { h.Exit.At = signalAt + 6*ms }),
			[]string{"SIGTERM ended the process in the middle of their work, 6 ms later. Probably nothing in the process handles SIGTERM. Its runtime catches every signal, so this is not certain.", "Catch the signal"},
			nil,
		},
		{
			"node, that dropped them before its end", usersServer().inFlight(history.Dropped, 3, cutAt(4*ms)).exit(byTerm).edit(handles(history.Disposition{Catches: true})).edit(toldTo("node main.js")).
				edit(func(h *history.History) { h.Exit.At = signalAt + 9*ms }),
			[]string{"The process catches SIGTERM: it dropped them within 4 ms of it, and ended by the same signal, 9 ms after it came."},
			[]string{"nothing in the process"},
		},
		{
			"dropped long before the exit", atSignal(),
			[]string{"They were dropped within 3 ms of SIGTERM; the process lingered for 498 ms after that, and ended with exit code 0.", "Close no connection with a request on it", "--signal"},
			[]string{"while they were still being served"},
		},
		{
			"most of them", atSignal().inFlight(history.Dropped, 1),
			[]string{"3 of the 4 that were dropped were dropped within 3 ms"},
			nil,
		},
		{
			"one after the other", usersServer().inFlight(history.Dropped, 1, cutAt(150*ms)).inFlight(history.Dropped, 1, cutAt(300*ms)),
			[]string{"They were dropped from 150 ms to 300 ms after SIGTERM; the process lingered for 200 ms"},
			nil,
		},
		{
			"after the exit of the command, by what it had started", usersServer().inFlight(history.Dropped, 3, cutAt(90*ms)).
				edit(func(h *history.History) { h.Exit.At = signalAt + ms }),
			[]string{"The command itself had ended before that with exit code 0: another process, which it had started, dropped them."},
			[]string{"lingered"},
		},
		{
			"with the exit", usersServer().inFlight(history.Dropped, 3),
			[]string{"The process ended with exit code 0, 500 ms after the signal, while they were still being served.", "Exit only when", "--signal"},
			nil,
		},
		{
			"seen a while after the exit, for much of the answer was on its way", usersServer().inFlight(history.Dropped, 3, cutAt(700*ms), cause(history.Truncated)).exit(byTerm),
			[]string{"Nothing in the process handles SIGTERM, so the kernel ended it in the middle of their work, 500 ms later."},
			nil,
		},
		{
			"cut by SIGKILL", usersServer().inFlight(history.Dropped, 3, cutAt(10*time.Second)).edit(killedAtLast(10 * time.Second)),
			[]string{"The process was still running when its grace period of 10 s was over, and SIGKILL cut them off."},
			nil,
		},
		{
			"ignored, and cut by SIGKILL", usersServer().inFlight(history.Dropped, 3, cutAt(10*time.Second)).edit(killedAtLast(10 * time.Second)).edit(handles(history.Disposition{Ignores: true})),
			[]string{"The process ignores SIGTERM. The process was still running"},
			nil,
		},
		{
			"served on, and cut by SIGKILL", usersServer().inFlight(history.Dropped, 3, cutAt(10*time.Second)).late(history.Completed, 4, anew(9700*ms)).edit(killedAtLast(10 * time.Second)),
			[]string{"The process went on accepting and answering new connections as if it had not been told to stop. It completed 4 requests", "SIGKILL cut them off", "--signal SIGQUIT"},
			nil,
		},
		{
			"cut at the signal, and a reload", atSignal().late(history.Completed, 4, anew(9700*ms)).edit(killedAtLast(10 * time.Second)),
			[]string{
				"They were dropped within 3 ms of SIGTERM. The process went on accepting and answering new connections as if it had not been told to stop. It completed 4 requests on " +
					"connections made after SIGTERM. SIGKILL ended it only when its grace period of 10 s was over.",
				"Some servers use SIGTERM for something else, such as a reload", "--signal SIGQUIT",
			},
			[]string{"SIGKILL cut"},
		},
		{
			"cut at the signal, and idle until SIGKILL", atSignal().late(history.Completed, 1, anew(200*ms)).edit(killedAtLast(10 * time.Second)),
			[]string{"They were dropped within 3 ms of SIGTERM. SIGKILL ended it only when"},
			[]string{"as if it had not been told", "reload"},
		},
		{
			"nginx", atSignal().edit(toldTo("nginx: master process nginx -g daemon off;")),
			[]string{"The server is nginx. It stops gracefully on SIGQUIT: use --signal SIGQUIT (nginx.org/en/docs/control.html)."},
			[]string{"Some servers"},
		},
		{
			"uwsgi", atSignal().edit(toldTo("/usr/bin/uwsgi --http :80")),
			[]string{"The server is uWSGI. It reloads on SIGTERM, or ends at once with die-on-term; to stop it gracefully, configure"},
			[]string{"Some servers"},
		},
		{
			"gunicorn has SIGTERM", atSignal().edit(toldTo("/usr/bin/python3 /usr/bin/gunicorn app:app")),
			[]string{"Close no connection"},
			[]string{"gunicorn"},
		},
		{
			"turned away, and what they said", usersServer().inFlight(history.Rejected, 3).edit(said(history.Answer{Seq: 70, Line: `{"error":"draining"}`})),
			[]string{`Their answers came within 50 ms of the signal: 3 with 503 (` + "`{\"error\":\"draining\"}`)."},
			[]string{"gave up"},
		},
		{
			"failed, and what they said", usersServer().inFlight(history.Failed, 2).inFlight(history.Failed, 1, func(r *history.Request) { r.Status = 502 }).
				edit(said(history.Answer{Seq: 71, Line: "database is closed"})),
			[]string{`3 answered with an error`, `2 with 500 ("database is closed"), 1 with 502.`},
			[]string{"something they need"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantStory(t, judge(t, "default", histories(tt.b)).Story, tt.want, tt.not)
		})
	}
}

// TestCausesOfLateLosses: what the accept queue, the looks and the ends of the
// connections show.
func TestCausesOfLateLosses(t *testing.T) {
	const ms = time.Millisecond
	unread := func(r *history.Request) {
		sentAt(signalAt + 100*ms)(r)
		r.End, r.Cause = exitAt, history.Reset
	}
	away := func(b *builder) *builder { return b.edit(func(h *history.History) { h.Closings = nil }) }
	for _, tt := range []struct {
		name string
		b    *builder
		want []string
		not  []string
	}{
		{
			"no process accepted", away(usersServer().late(history.Dropped, 9, unread)).edit(queued(signalAt+20*ms, exitAt-ms, 9)),
			[]string{
				"9 of 9 late requests at risk got no answer.",
				"No process accepted connections any more from 20 ms after SIGTERM on. 9 requests waited in the kernel's accept queue, and were dropped when " +
					"the process ended with exit code 0, 499 ms after the signal.",
				"Close the listening socket when the last process stops accepting",
			},
			[]string{"went on serving"},
		},
		{
			"the listener closed over them", away(usersServer().late(history.Dropped, 9, unread, cutAt(300*ms))).edit(queued(signalAt+20*ms, signalAt+300*ms, 9)),
			[]string{"were dropped when the listening socket was closed, 300 ms after the signal."},
			nil,
		},
		{
			"a queue for a moment only", away(usersServer().late(history.Dropped, 9, unread)).edit(queued(exitAt-10*ms, exitAt-ms, 9)),
			[]string{"No request that was sent after the signal was answered. The process ended with exit code 0, 500 ms after the signal, and its end dropped them (9 that no process had read)."},
			[]string{"No process accepted"},
		},
		{
			"nothing was answered from some time on", away(usersServer().late(history.Completed, 2).late(history.Dropped, 9, unread)),
			[]string{"No request that was sent later than 20 ms after the signal was answered."},
			[]string{"went on serving"},
		},
		{
			"it went on serving", away(usersServer().late(history.Completed, 2, anew(200*ms)).late(history.Dropped, 9, unread)),
			[]string{"The process went on serving open connections, and then ended with exit code 0, 500 ms after the signal, in the middle of their work."},
			nil,
		},
		{
			"read, and dropped while it went on", away(usersServer().late(history.Dropped, 2)),
			[]string{"accepted, or kept open, and then ended without an answer (2 that the process had read). This is worse than a refusal"},
			nil,
		},
		{
			"in hand", away(usersServer().late(history.Dropped, 2, sentAt(signalAt+60*ms), cutAt(140*ms)).edit(func(h *history.History) {
				h.Looks = append(h.Looks[:len(h.Looks):len(h.Looks)], history.Look{At: signalAt + 100*ms})
				for i := range h.Requests {
					if r := &h.Requests[i]; r.Outcome == history.Dropped {
						r.Had = uint32(len(h.Looks))
					}
				}
			})),
			[]string{"without an answer (2 that the process was working on for up to 40 ms). This is worse"},
			nil,
		},
		{
			"without a witness", usersServer().late(history.Dropped, 2, sentAt(signalAt+60*ms), cutAt(61*ms)).edit(unseen),
			[]string{"Their connections were accepted, or kept open, and then ended without an answer. This is worse"},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantStory(t, judge(t, "default", histories(tt.b)).Story, tt.want, tt.not)
		})
	}
}

// TestCausesOfALateExit: what was open, and what the process did with the signal.
func TestCausesOfALateExit(t *testing.T) {
	const ms = time.Millisecond
	overdue := func() *builder { return usersServer().edit(killedAtLast(10 * time.Second)) }
	stillOpen := func(p *history.Parked) { p.Ended, p.Clean = 0, false }
	for _, tt := range []struct {
		name string
		b    *builder
		want []string
		not  []string
	}{
		{"caught", overdue(), []string{"The process catches SIGTERM, and did not end by itself.", "Give each wait"}, []string{"open to the end"}},
		{"not known", overdue().edit(func(h *history.History) { h.Delivery.Dispositions = nil }), []string{"was killed.", "Give each wait"}, []string{"catches", "ignores"}},
		{"a runtime that catches all", overdue().edit(handles(goRuntime)), []string{"The process catches SIGTERM, and did not end by itself."}, nil},
		{"ignored", overdue().edit(handles(history.Disposition{Ignores: true})), []string{"The process ignores SIGTERM.", "Handle SIGTERM"}, nil},
		{
			"blocked", overdue().edit(handles(history.Disposition{Blocks: true})),
			[]string{"The process had blocked SIGTERM when it arrived, and had no handler for it.", "Handle SIGTERM"},
			nil,
		},
		{
			"told the wrong signal", overdue().late(history.Completed, 3, anew(9900*ms)),
			[]string{"The process went on accepting and answering new connections as if it had not been told to stop. It completed 3 requests", "--signal SIGQUIT"},
			nil,
		},
		{
			"ignored, and served on", overdue().late(history.Completed, 3, anew(9900*ms)).edit(handles(history.Disposition{Ignores: true})),
			[]string{"The process ignores SIGTERM. The process went on accepting", "Handle SIGTERM"},
			[]string{"such as a reload"},
		},
		{
			"until the load ended", overdue().late(history.Completed, 3, anew(4900*ms)).edit(func(h *history.History) {
				h.Events = append(h.Events, history.Event{Name: history.EventLoadEnded, At: signalAt + 5*time.Second})
			}),
			[]string{"as if it had not been told to stop"},
			nil,
		},
		{"websockets", overdue().parked(scenario.WebSocket, 5, stillOpen), []string{"5 WebSocket connections were open to the end.", "close frame (1001"}, nil},
		{"a stream", overdue().parked(scenario.EventStream, 1, stillOpen), []string{"1 event stream was open to the end.", "End the streams"}, nil},
		{
			"idle ones of the load", overdue().edit(func(h *history.History) { h.Idle = 2 }),
			[]string{"Lastcall's own 2 idle kept-alive connections were open to the end.", "Close idle connections"},
			nil,
		},
		{
			"idle ones that were parked", overdue().parked(scenario.Idle, 5, stillOpen).parked(scenario.Idle, 1).edit(func(h *history.History) { h.Idle = 1 }),
			[]string{"5 idle kept-alive connections and lastcall's own idle kept-alive connection were open to the end.", "Close idle connections"},
			nil,
		},
		{"ended before", overdue().parked(scenario.WebSocket, 5), []string{"did not end by itself."}, []string{"open to the end"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantStory(t, judge(t, "default", histories(tt.b)).Story, tt.want, tt.not)
		})
	}
}

// TestOwnStop: programs are known however they were started.
func TestOwnStop(t *testing.T) {
	for line, want := range map[string]string{
		"nginx: master process nginx -g daemon off;":    "nginx",
		"/usr/sbin/apache2 -DFOREGROUND":                "apache2",
		"haproxy -W -f /etc/haproxy.cfg":                "haproxy",
		"lighttpd -D -f x":                              "lighttpd",
		"unicorn master -c config.rb":                   "unicorn",
		"ruby /usr/local/bin/unicorn -c config.rb":      "unicorn",
		"php-fpm: master process (/etc/php/fpm.conf)":   "php-fpm",
		"/usr/sbin/php-fpm8.2 --nodaemonize":            "php-fpm",
		"/usr/bin/python3.11 /usr/bin/gunicorn app:app": "gunicorn",
		"gunicorn: master [app]":                        "gunicorn",
		"python3 -u twosignals.py 8080":                 "twosignals",
		"node server.js":                                "node",
		"":                                              "",
	} {
		if got := programOf(history.Process{Name: line}); got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
	for name, own := range ownStops {
		if own.name == "" || own.source == "" || (own.signal == "") == (own.config == "") {
			t.Errorf("%s: %+v", name, own)
		}
	}
}

// TestCausesWhereALateExitIsNoFailure: late requests that SIGKILL cut off are told of
// by what the process did with the signal.
func TestCausesWhereALateExitIsNoFailure(t *testing.T) {
	b := usersServer().late(history.Dropped, 9, cutAt(10*time.Second)).edit(killedAtLast(10 * time.Second)).
		edit(func(h *history.History) { h.Closings = nil }).edit(handles(history.Disposition{Blocks: true}))
	s := Judge(histories(b), storyPolicy(t, "warn "+ExitsInGrace)).Subjects[0]
	wantStory(t, s.Story, []string{
		"9 of 9 late requests at risk got no answer.",
		"The process had blocked SIGTERM when it arrived, and had no handler for it. SIGKILL ended it when its grace period of 10 s was over, and dropped them.",
		"Handle SIGTERM",
	}, nil)
}

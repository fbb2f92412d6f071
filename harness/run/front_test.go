package run_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/history"
	"lastcall/harness/process"
	"lastcall/harness/result"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
	"lastcall/internal/testrun"
)

// behindFront is the server of this test binary on a port of its own, and the URL of
// a front that relays to it and answers 502 as long as it is not there.
func behindFront(t *testing.T, behaviour string) subject.Command {
	t.Helper()
	port, err := process.ChoosePort()
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // each 502 is expected
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	c := command(behaviour)
	c.Spec.Env["PORT"] = strconv.Itoa(port)
	c.Spec.URL = front.URL + "/"
	return c
}

// TestCommandBehindAFront: the front is asked, the command is booted and told to
// stop, as often as it takes, whether the front was announced or found.
func TestCommandBehindAFront(t *testing.T) {
	for name, announced := range map[string]bool{"announced": true, "found": false} {
		t.Run(name, func(t *testing.T) {
			c := behindFront(t, "drains")
			c.Spec.Front = announced
			s := quick()
			s.Shutdowns = 2
			for try := 1; ; try++ {
				completed := true
				for i, h := range executed(t, s, c) {
					completed = behindItsFront(t, i+1, h) && completed
				}
				// No kernel shows what the command has read: on a busy machine requests that
				// are counted as in flight are still in the front.
				if completed {
					break
				}
				if t.Failed() || !testrun.Again(t, try) {
					t.Fatal("not all in flight were completed, or none was answered 502 afterwards")
				}
			}
			nobodyLeft(t)
		})
	}
}

// behindItsFront looks at one shutdown of a command behind a front, and reports whether
// all in flight were completed and the front has answered 502 for what came later.
func behindItsFront(t *testing.T, number int, h *history.History) bool {
	t.Helper()
	if h.Error != "" {
		t.Fatalf("shutdown %d: %s", number, h.Error)
	}
	if h.Delivery.Front == "" || len(h.Delivery.Holders) > 0 || len(h.Delivery.To) != 1 || h.Delivery.To[0].PID != h.PID || h.Left.PortTaken {
		t.Errorf("shutdown %d: delivery %+v, left %+v", number, h.Delivery, h.Left)
	}
	windows, _ := h.Windows()
	var before, inFlight history.Counts
	gateway := 0
	for j, r := range h.Requests {
		switch {
		case windows[j] == history.Before:
			before.Add(r.Outcome)
		case windows[j] == history.InFlight:
			inFlight.Add(r.Outcome)
		case r.Status == http.StatusBadGateway && r.Outcome == history.Failed:
			gateway++
		}
	}
	if before.Total == 0 || before.Completed != before.Total {
		t.Errorf("shutdown %d: before the signal %+v: the load began before the command was there", number, before)
	}
	t.Logf("shutdown %d: in flight %+v, %d failed with 502 afterwards", number, inFlight, gateway)
	return inFlight.Total > 0 && inFlight.Completed == inFlight.Total && gateway > 0
}

// TestFrontIsSaid: the report names the front, and what helps against its 502s.
func TestFrontIsSaid(t *testing.T) {
	s := quick()
	s.Policy = "default"
	s.Overrides.MinAtRisk = 1
	policy, s, err := check.Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	suite := check.Judge(executed(t, s, behindFront(t, "drains")), policy)
	subject := suite.Subjects[0]
	if statusOf(subject, check.NoFailed) != result.Violated || !strings.Contains(strings.Join(subject.Story, " "), "The front had no command to forward them to.") {
		t.Errorf("%s: %q", subject.Verdict, subject.Story)
	}
	for _, rule := range []string{check.SignalDelivered, check.NoSurvivors} {
		if status := statusOf(subject, rule); status == result.Violated {
			t.Errorf("%s is %s, of a command behind a front", rule, status)
		}
	}
	if text := strings.Join(suite.Warnings, " "); !strings.Contains(text, "requests went to the front") {
		t.Errorf("the warnings %q do not name the front", text)
	}
}

// TestFrontThatCannotBe.
func TestFrontThatCannotBe(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*scenario.Subject)
		says   string
	}{
		"no URL":         {func(s *scenario.Subject) { s.URL = "" }, "needs the URL of the front"},
		"a port of ours": {func(s *scenario.Subject) { s.URL = "http://127.0.0.1:{port}/" }, "needs the URL of the front"},
		"its port":       {func(s *scenario.Subject) { s.Command = append(s.Command, "--port={port}") }, "name the port of the command itself"},
	} {
		t.Run(name, func(t *testing.T) {
			c := command("drains")
			c.Spec.URL, c.Spec.Front = "http://127.0.0.1:8080/", true
			tt.change(&c.Spec)
			if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v does not say %q", err, tt.says)
			}
		})
	}
	c := command("drains")
	port, err := process.ChoosePort()
	if err != nil {
		t.Fatal(err)
	}
	c.Spec.Front, c.Spec.URL = true, "http://127.0.0.1:"+strconv.Itoa(port)+"/"
	if h := executed(t, quick(), c)[0]; !strings.Contains(h.Error, "start the front before the command") {
		t.Errorf("without a front: %q", h.Error)
	}
}

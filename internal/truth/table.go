package truth

import (
	"slices"

	"lastcall/harness/result"
)

// The rules that rows break.
const (
	inFlight  = "in-flight-completes"
	late      = "late-requests-answered"
	inGrace   = "exits-in-grace"
	delivered = "signal-delivered"
	staysUp   = "stays-up"
	cleanly   = "closes-cleanly"
)

// noHandler is what the story says of a server that has no handler for its signal.
const noHandler = "nothing in the process handles SIGTERM"

var pass = Expect{Verdicts: []result.Verdict{result.Pass}}

func fails(rule string) Expect {
	return Expect{Verdicts: []result.Verdict{result.Fail}, Rules: []string{rule}}
}

// representatives are the twelve right and the twelve wrong servers that stand for
// all where each is run often.
var representatives = []string{
	"go-textbook", "go-textbook-fresh", "go-textbook-reused", "go-textbook-fresh-60", "go-echoes-id", "go-varied", "go-backlog",
	"node-drain", "python-drain", "python-two-signals-int", "nginx-quit-reused", "uvicorn-term-fresh",

	"go-naive", "go-cancel-empty", "go-cancel-stream", "go-batch", "go-cuts-uploads", "python-cold-start", "go-hangup",
	"go-hangup-45ms", "go-tls-hangup", "go-clock-6s", "node-destroy", "python-drain-limit-tail",
}

// Rows returns the table.
func Rows() []Row {
	return slices.Concat(rightRows(), inFlightRows(), lateRows(), otherRows(), realRows())
}

// unasked is a right server to which lastcall cannot talk as it was told to.
func unasked(name string, server ...string) Row {
	r := right(name, server...)
	r.Expect = Expect{Verdicts: []result.Verdict{result.Inconclusive}}
	return r
}

func rightRows() []Row {
	either := Expect{Verdicts: []result.Verdict{result.Pass, result.Inconclusive}}
	counting := right("go-counter", goKind("counter")...).flags(rate("200", "mixed")...)
	counting.Expect = either
	silent := right("python-closes-silently", python("closes.py")...).flags("--rate", "200")
	silent.Expect = either
	silent.Story = []string{"--connections fresh"}
	h2 := unasked("go-h2-only", goKind("h2-only")...).flags("--rate", "100").says("HTTP/2", "h2/")
	return []Row{
		right("go-ten-workers", goKind("workers", "10x1s")...),
		right("go-one-worker", goKind("workers", "1x100ms")...),
		right("go-textbook", goKind("textbook")...).flags(rate("200", "mixed")...),
		right("go-textbook-fresh", goKind("textbook")...).flags(rate("200", "fresh")...),
		right("go-textbook-reused", goKind("textbook")...).flags(rate("200", "reused")...),
		// Six requests in flight each time: five shutdowns have the twenty that are needed.
		right("go-textbook-fresh-60", goKind("textbook")...).flags(rate("60", "fresh")...).flags("--shutdowns", "5"),
		right("go-textbook-tls", goKind("tls-textbook")...).
			flags("--url", "https://127.0.0.1:{port}/", "--insecure").flags(rate("100", "mixed")...),
		right("go-echoes-id", goKind("echo-id")...).flags(rate("200", "mixed")...),
		right("go-varied", goKind("varied")...).flags(rate("200", "mixed")...),
		counting,
		right("go-counter-expected", goKind("counter")...).flags(rate("200", "mixed")...).flags("--expect-body", `^\d+\n$`),
		right("go-lag", goKind("lag", "1s")...).flags("--lag", "500ms").flags(rate("200", "mixed")...),
		// A pause before the signal leaves it few in flight, or none.
		right("go-backlog", goKind("backlog")...).flags(rate("100", "fresh")...).flags("--shutdowns", "8", "--min-at-risk", "4"),
		unasked("go-denies", goKind("denies")...).flags("--rate", "100").says("401", "--header"),
		unasked("go-tls-asked-without", goKind("tls-textbook")...).flags("--rate", "100").says("TLS", "https://"),
		right("go-tls-h2", goKind("tls-h2")...).
			flags("--url", "https://127.0.0.1:{port}/", "--insecure").flags(rate("100", "mixed")...),
		right("node-drain", node("drain")...).flags(rate("200", "mixed")...),
		right("python-drain", python("drains.py")...).flags(rate("100", "mixed")...),
		right("python-declines", python("declines.py")...).flags("--url", "POST /", "--body", "{dir}/body").
			flags(rate("60", "mixed")...).file("body", upload),
		right("python-two-signals-int", python("twosignals.py")...).flags("--signal", "SIGINT").flags(rate("200", "mixed")...),
		silent,
		right("python-closes-fresh", python("closes.py")...).flags(rate("200", "fresh")...),
		h2,
		right("node-websocket-kept", node("reload-keep")...).flags(reloading("200")...).flags("--park", "websocket=/ws,5"),
	}
}

// inFlightRows lose what they had in hand.
func inFlightRows() []Row {
	parent := wrong("go-watches-parent", inFlight, "{bin}/servers", "parent", "{port}").
		flags("--signal-target", "group").flags(rate("100", "mixed")...)
	behind := wrong("python-behind-front", inFlight, python("drainlimit.py", "0")...).
		flags("--url", "http://127.0.0.1:{beside}/").flags(rate("100", "mixed")...)
	behind.Server[2] = "{free}"
	behind.Beside = []string{"front", "127.0.0.1:{free}"}
	behind.Rules = []string{inFlight, late, "no-failed"}
	return []Row{
		wrong("go-naive", inFlight, goKind("naive")...).flags(rate("200", "mixed")...).says(noHandler),
		wrong("go-cancel-empty", inFlight, goKind("cancel-empty")...).flags(rate("200", "mixed")...).says("empty"),
		wrong("go-cancel-stream", inFlight, goKind("cancel-stream")...).flags(rate("200", "mixed")...),
		wrong("go-ten-workers-exit", inFlight, goKind("workers-exit", "10x1s")...),
		wrong("go-one-worker-exit", inFlight, goKind("workers-exit", "1x100ms")...),
		// A signal that falls at the beginning of a batch finds nothing that waits.
		wrong("go-batch", inFlight, goKind("batch")...).flags(rate("200", "mixed")...).flags("--shutdowns", "6"),
		wrong("go-cuts-uploads", inFlight, goKind("cuts-uploads")...).flags("--url", "POST /", "--body", "{dir}/body").
			flags(rate("40", "mixed")...).file("body", upload),
		wrong("python-cold-start", inFlight, python("coldstart.py")...).flags(rate("100", "mixed")...).
			says(noHandler),
		wrong("node-cut-then-wait", inFlight, node("cut-then-wait")...).flags(rate("100", "mixed")...).
			never("while they were still being served"),
		wrong("node-signal-again", inFlight, node("signal-again")...).flags(rate("100", "mixed")...).
			never(noHandler + ", so the kernel"), // that it does so probably is all that can be known where it drops them within a millisecond of its end
		wrong("python-term-reloads", inFlight, python("termreloads.py")...).flags(rate("100", "mixed")...).flags("--grace", "3s").
			never("SIGKILL cut them"),
		wrong("python-two-signals-term", inFlight, python("twosignals.py")...).flags(rate("200", "mixed")...).says("--signal"),
		parent, behind,
	}
}

// lateRows accept what they do not answer.
func lateRows() []Row {
	return []Row{
		wrong("go-hangup", late, goKind("hangup")...).flags(rate("200", "mixed")...),
		wrong("go-hangup-45ms", late, goKind("hangup-briefly")...).flags(rate("200", "fresh")...),
		wrong("go-tls-hangup", late, goKind("tls-hangup")...).
			flags("--url", "https://127.0.0.1:{port}/", "--insecure").flags(rate("200", "fresh")...),
		wrong("go-clock-3s", late, goKind("clock", "3s")...).flags(rate("200", "mixed")...),
		wrong("go-clock-6s", late, goKind("clock", "6s")...).flags(rate("200", "mixed")...),
		wrong("node-destroy", late, node("destroy")...).flags(rate("200", "mixed")...),
		wrong("node-late-cut", late, node("late-cut")...).flags(rate("100", "mixed")...),
		wrong("python-drain-limit-3s", late, python("drainlimit.py", "3")...).flags(rate("100", "mixed")...),
		wrong("python-drain-limit-5s", late, python("drainlimit.py", "5")...).flags(rate("100", "mixed")...),
		wrong("python-drain-limit-tail", late, python("drainlimit.py", "2", "tail")...).flags(rate("200", "mixed")...),
		wrong("python-unaccepted", late, python("unaccepted.py")...).flags(rate("200", "mixed")...).
			never("went on serving"),
	}
}

// otherRows break another promise.
func otherRows() []Row {
	idle := wrong("go-idle-holds", inGrace, goKind("idle-holds")...).flags("--park", "idle,3", "--grace", "3s").
		flags(rate("100", "mixed")...).says("idle")
	blip := wrong("python-reload-503", staysUp, python("blip.py")...).flags(reloading("100")...).says("503")
	blip.Rules = []string{staysUp, late, inFlight, "no-failed"}
	ended := wrong("node-websocket-ended", cleanly, node("reload")...).flags(reloading("200")...).
		flags("--park", "websocket=/ws,5", "--rule", "stays-up=fail").says("websocket") // by default it warns
	ended.Rules = []string{staysUp, cleanly}
	wrapped := wrong("python-wrapped", delivered, "sh", "-c", "{python} {source}/twosignals.py $PORT; true").flags("--rate", "200")
	return []Row{idle, blip, ended, wrapped}
}

// reloading is how a row gets SIGHUP from a server that stays up.
func reloading(perSecond string) []string {
	return append(rate(perSecond, "mixed"), "--while", "kill -HUP {pid}")
}

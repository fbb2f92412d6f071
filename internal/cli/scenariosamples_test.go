package cli

// keySample is what a key can hold, and what it cannot, besides what no key can.
type keySample struct{ good, bad []string }

func texts(texts ...string) []string { return texts }

var (
	anyWord  = keySample{good: texts("x", "5", "0x10", "true", "yes", "1.50", `"5"`, "several words"), bad: texts("[x]", "{a: b}")}
	someWord = keySample{good: anyWord.good, bad: append(texts(`""`, "''"), anyWord.bad...)}
	anyTime  = keySample{good: texts("0s", "100ms", "1m30s", "1.5s", ".5s", "5.s", "1h", "+2s", "1us", "1µs", "1ns", `"0"`), bad: texts("5", "0", "1.5", "5 s", "-1s", "1d", "soon", `""`, "true", "5S", "s", ". s")}
	someTime = keySample{good: texts("1ms", "0.001s", "1m30s", "1h"), bad: append(texts("0s", "0ms", `"0"`, "0h0m0.0s"), anyTime.bad...)}
	anyTruth = keySample{good: texts("true", "false", "True"), bad: texts("yes", "1", `"true"`, "on")}
	words    = keySample{good: texts("[]", "[x]", "[a, 5, true, 1.5, 0x10]"), bad: texts("x", "5", "a b", "{a: b}", "[null]", "[a, ~]", "[[a]]", "[{a: b}]", `[""]`, `[" ", x]`, `[a, "\0"]`)}
)

// keySamples are values for every key. A key that is not here fails the test.
var keySamples = map[string]keySample{
	"name": anyWord, "purpose": anyWord,
	"subject.delay": {texts("0s", "100ms", "1.5s", ".5s", "5.s", "+2s", "1us", "1ns"), anyTime.bad}, "subject.name": someWord, "subject.command": words, "subject.dir": someWord,
	"subject.env": {
		texts("{}", "{A: 1}", "{A: yes, B: true, C: 1.5, D: ''}", "{1: x}", "{a.b: c}"),
		texts("x", "[A=1]", "{A: null}", "{A: }", "{A: [x]}", "{A: {b: c}}", "{A=B: x}", `{"": x}`, `{A: "\0"}`, `{"A\0": x}`),
	},
	"subject.url": {
		texts("http://127.0.0.1:8080", `"http://localhost:{port}/a?b"`, "https://[::1]/", "http://h"),
		texts("x", "5", "/a", "127.0.0.1:8080", "ftp://h/", "http://", "http:///a", "http://user@h/", "http://:80/", `""`, "http://h:port/", `"http://h:{pid}/"`),
	},
	"subject.ready": {
		texts("/", "/health?x=y", "http://127.0.0.1:9/ready"),
		texts("health", "5", "true", "ftp://h/", "http://", `""`),
	},
	"subject.ledger": someWord, "subject.applied": words,
	"subject.ready-timeout": someTime, "subject.ca": someWord, "subject.allow-remote": anyTruth, "subject.insecure": anyTruth, "subject.front": anyTruth,
	"load.rate":        {texts("1", "500", "20000", "+5"), texts("0", "-1", "20001", "1.5", "fast", `"5"`, "1e3", "true", "99999999999999999999")},
	"load.method":      {texts("GET", "OPTIONS"), texts("get", "BREW", "5", `""`)},
	"load.connections": {texts("mixed", "reused", "fresh"), texts("wired", "Mixed", "5", `""`)},
	"load.timeout":     {texts("101ms", "1h"), append(texts("0s"), anyTime.bad...)},
	"load.jitter":      {texts("0s", "100ms", "1m", ".5s", "+2s", "1us", `"0"`), anyTime.bad},
	"load.warm-up":     anyTime, "load.trigger": anyTime, "load.tail": anyTime,
	"load.max-open": {texts("50", "10000"), texts("0", "10001", "-1", "many")},
	"load.requests": {
		texts("[]", "[{url: /}]", "[{url: /a}, {url: /b}]"),
		texts("{url: /}", "/", "[/]", "[null]", "[[{url: /}]]", "[{}]", "[{method: GET}]", "[{url: /}, {url: null}]"),
	},
	"load.requests[].method":    {texts("PUT", "null"), texts("put", "5", `""`)},
	"load.requests[].url":       {texts("/", "/a?b=c", `"http://127.0.0.1:{port}/a"`), texts("a", "5", `""`, "ftp://h/", "null")},
	"load.requests[].header":    {texts("{}", "{A: b, X-C: 5, D.e: true}", `{A: ""}`, `{A: "a\tb"}`), texts("x", "[A]", "{A: null}", "{A: [b]}", `{"": b}`, "{A b: c}", `{A: "b\nc"}`, `{A: "\x7f"}`)},
	"load.requests[].body":      someWord,
	"load.requests[].body-file": someWord,
	"load.requests-file":        someWord,
	"load.parked": {
		texts("[]", "[{kind: silent, count: 1}]", "[{kind: events, url: /e, count: 2}, {kind: silent, url: null, count: 3}]",
			"[{kind: idle, count: 1}, {kind: idle, url: /a, count: 2, header: {A: b}}, {kind: idle, url: null, count: 3}]"),
		texts("{kind: silent, count: 1}", "[silent]", "[null]", "[{}]", "[{kind: silent}]", "[{kind: silent, url: /, count: 1}]", "[{kind: websocket, count: 1}]",
			"[{kind: events, url: null, count: 1}]", "[{kind: silent, count: null}]", "[{kind: silent, count: 1, header: {A: b}}]"),
	},
	"load.parked[].kind":   {texts("websocket", "events", "idle"), texts("silent", "Events", "ws", "5", `""`, "null")}, // beside a url
	"load.parked[].url":    {texts("/", "/a?b=c", `"http://127.0.0.1:{port}/a"`), texts("a", "5", `""`, "ws://h/", "null")},
	"load.parked[].count":  {texts("1", "100"), texts("0", "101", "-1", "many", "null")},
	"load.parked[].header": {texts("{}", "{A: b, X-C: 5}", "{Sec-WebSocket-Protocol: chat}", "null"), texts("x", "[A]", "{A: null}", `{"": b}`, "{A b: c}", `{A: "b\nc"}`)},
	"load.expect-body":     {texts("x", "5", "true", "'^ok$'"), texts(`""`, "[x]", "{a: b}")},
	"disruption.target":    {texts("leader", "group", "owner"), texts("Leader", "all", "5", `""`)},
	"disruption.grace":     someTime, "disruption.lag": {good: texts("1ms", "0.001s", "1m30s"), bad: someTime.bad}, // less than the grace
	"disruption.settle":     someTime,
	"disruption.while":      words,
	"disruption.when":       {texts("loaded", "ready", "started"), texts("Loaded", "booting", "5", `""`)},
	"policy":                {texts("default", "strict", "k8s", "docker", "systemd"), texts("strct", "Default", "5", `""`)},
	"overrides.min-at-risk": {texts("1", "1000000"), texts("0", "-1", "1.5", "x")},
	"overrides.max-loss":    {texts("0.1%", "5 %", "99.9%", ".5%", `" 1% "`, "007%"), texts("0.1", "5", "0%", "0.0%", "100%", "101%", "-1%", "x", "%", "1.5.5%")},
	"overrides.exit-codes":  {texts("[]", "[0]", "[143, 255]"), texts("143", "[256]", "[-1]", "[x]", `["1"]`, "[1.5]", "[null]", "[[1]]", "{a: 1}")},
	"overrides.rules": {
		texts("{}", "{exit-status: off}", "{no-failed: warn, announces-close: fail}"),
		texts("off", "[exit-status]", "{exit-status: no}", "{exit-status: false}", "{exit-status: null}", "{exit-statu: off}", "{exit-status: Off}"),
	},
	"needs":     {texts("[]", "[no-lost-ack]", "[no-failed, closes-cleanly, no-failed]"), texts("no-lost-ack", "[no-lost-akc]", "[No-Failed]", "[pass]", "[5]", "[null]", `[""]`, "[[no-failed]]", "{no-failed: x}")},
	"shutdowns": {texts("1", "1000"), texts("0", "1001", "-3", "x")},
	"reports":   {texts("[]", "[table]", "[json=a, junit=b c.xml, table]", `["json=\n"]`), texts("table", "[jsn]", "[json=]", "[5]", "[null]", "[json, json]", "{json: x}", "[Json]")},
	"expect": {
		texts("{}", "{pass: [drain]}", "{pass: [], no-failed: [store-first, naive], exit-status: [naive]}"),
		texts("drain", "[drain]", "{pass: drain}", "{pass: [drian]}", "{pass: [null]}", "{pass: null}", "{fail: [naive]}", "{no-faild: [naive]}", "{pass: [5]}", "{pass: {a: b}}", "{pass: [[drain]]}"),
	},
}

// onItsOwn are keys with a test of their own.
var onItsOwn = []string{"load.expect-status", "disruption.signal"}

// everywhere are values of every kind. No key takes all of them.
var everywhere = texts("null", "~", "", `""`, "x", "5", "-5", "0", "2.5", ".inf2", "true", "no", "[]", "[x]", "[5]", "[null]", "[[]]", "[{}]", "{}", "{a: b}", "{a: null}", "{a: {}}", "/", "5s", "5%")

// Package truth holds the table of servers, right and wrong, and runs it: each row
// is a server, how lastcall is asked about it, and the verdict, the rule and the
// story that it deserves. It starts the built lastcall and reads its JSON report, as
// anybody could, so that a row holds whatever the program does inside.
package truth

import (
	"fmt"
	"strings"
)

// Row is a server and what it deserves.
type Row struct {
	Name  string
	Right bool // the server does what it should: it may never fail
	Expect

	Flags  []string // of lastcall test, beside those that every row gets
	Server []string // the command that is tested
	Beside []string // a server that stands beside it, in kinds of servers: backend or front
	Files  []file   // written into the run's directory
	Open   string   // what lastcall cannot tell yet: until it can, faults of the row are printed and fail nothing
	Rare   string   // a bug of the server that few shutdowns show: it may pass, and it may fail by its rules
	Needs  []string // programs that must be there, beside those that every row needs
}

// file is written before a run. Text may hold the placeholders of fill.
type file struct{ name, text string }

// place is what the placeholders of a row stand for in one run. Those of lastcall
// itself, {port} and {pid} and {id}, are left to it.
type place struct {
	bin    string // {bin}: where servers and classes were built
	source string // {source}: where the scripts are
	dir    string // {dir}: the run's own directory
	python string // {python}
	free   int    // {free}: a port for a server that cannot be told which
	beside int    // {beside}: the port of the server that stands beside
}

func (p place) fill(s string) string {
	return strings.NewReplacer(
		"{bin}", p.bin, "{source}", p.source, "{dir}", p.dir, "{python}", p.python,
		"{free}", fmt.Sprint(p.free), "{beside}", fmt.Sprint(p.beside),
	).Replace(s)
}

func (p place) fillAll(words []string) []string {
	filled := make([]string, len(words))
	for i, w := range words {
		filled[i] = p.fill(w)
	}
	return filled
}

// The rows below are made with these. Each returns a copy.

func right(name string, server ...string) Row {
	return Row{Name: name, Right: true, Server: server, Expect: pass}
}

func wrong(name, rule string, server ...string) Row {
	return Row{Name: name, Server: server, Expect: fails(rule)}
}

func (r Row) flags(flags ...string) Row {
	r.Flags = append(append([]string(nil), r.Flags...), flags...)
	return r
}

func (r Row) says(fragments ...string) Row {
	r.Story = fragments
	return r
}

func (r Row) never(fragments ...string) Row {
	r.Never = fragments
	return r
}

// goKind is a server of the Go program of that kind.
func goKind(kind string, arg ...string) []string {
	return append([]string{"{bin}/servers", kind, "{port}"}, arg...)
}

// python is a script.
func python(script string, arg ...string) []string {
	return append([]string{"{python}", "{source}/" + script, "{port}"}, arg...)
}

// node is the kind of server in Node.
func node(kind string) []string { return []string{"node", "{source}/node.js", kind, "{port}"} }

// java is the server of the JDK.
func java(arg ...string) []string {
	return append([]string{"java", "-XX:TieredStopAtLevel=1", "-cp", "{bin}", "Stop", "{port}"}, arg...)
}

// rate is how many requests a second, of what connections, a row gets.
func rate(perSecond, connections string) []string {
	return []string{"--rate", perSecond, "--connections", connections}
}

package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"lastcall/harness/scenario"
)

const (
	// maxBodies bounds the body files of all targets together, in bytes: they
	// are held in memory.
	maxBodies = 64 << 20
	// MaxTargetsFile bounds a file of targets, in bytes.
	MaxTargetsFile = 4 << 20
)

var errNoTarget = errors.New("there is no target: write one, such as GET http://localhost:8080/")

// ReadTargets reads targets in vegeta's own format ("http", which its -targets
// takes):
//
//	GET http://localhost:8080/
//	Accept: text/html
//
//	# a comment
//	POST http://localhost:8080/orders
//	Content-Type: application/json
//	@order.json
//
// A body file's name is relative to dir, and each file is read once. expand, if
// there is one, is applied to each line but comments and body files before it is
// read; it is for what must be filled in, such as a port.
//
// It is strict where vegeta silently goes wrong: vegeta takes a target that no
// blank line separates from the headers before it for one more header, ends at a
// line of more than 64 KiB as if it were the last, and leaves out what net/http
// would not send. An error names the line.
func ReadTargets(r io.Reader, dir string, expand func(string) string) ([]Target, error) {
	if expand == nil {
		expand = func(line string) string { return line }
	}
	p := &targetsReader{expand: expand, bodies: bodies{dir: dir, read: make(map[string][]byte)}}
	input := &io.LimitedReader{R: r, N: MaxTargetsFile + 1}
	lines := bufio.NewScanner(input)                        // of 64 KiB at most, as vegeta's
	for lines.Scan() && lines.Err() == nil && input.N > 0 { // else the line is only what came of one
		p.line++
		if err := p.take(strings.TrimSpace(lines.Text())); err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: it has 64 KiB or more", p.line+1)
	case err != nil:
		return nil, fmt.Errorf("line %d: %w", p.line+1, err)
	case input.N <= 0:
		return nil, fmt.Errorf("line %d: there are more than %d bytes of targets", p.line+1, MaxTargetsFile)
	case len(p.targets) == 0:
		return nil, errNoTarget
	}
	return p.targets, nil
}

// targetsReader takes a file of targets line by line.
type targetsReader struct {
	expand  func(string) string
	bodies  bodies
	line    int // the current one, from 1
	targets []Target

	open  bool // the last target may get headers and a body
	begun bool // and has got some: a blank line must come before the next
}

// methodLine finds what vegeta takes for the first line of a target. Its parser
// looks for it only right after another such line.
var methodLine = regexp.MustCompile(`^[A-Z]+\s`)

func (p *targetsReader) take(line string) error {
	switch {
	case line == "":
		p.open = false
		return nil
	case line[0] == '#':
		p.begun = true // vegeta no longer looks for a target after it
		return nil
	case !p.open, !p.begun && methodLine.MatchString(line):
		return p.begin(p.expand(line))
	case line[0] == '@':
		return p.body(line[1:])
	default:
		return p.header(p.expand(line))
	}
}

func (p *targetsReader) begin(line string) error {
	t, err := decode(line)
	if err != nil {
		return fmt.Errorf("%w: write METHOD URL, as GET http://localhost:8080/", err)
	}
	if err := t.Validate(); err != nil {
		return err
	}
	if len(p.targets) == scenario.MaxTargets {
		return fmt.Errorf("there are more than %d targets", scenario.MaxTargets)
	}
	p.targets = append(p.targets, t)
	p.open, p.begun = true, false
	return nil
}

func (p *targetsReader) header(line string) error {
	p.begun = true
	if methodLine.MatchString(line) {
		return fmt.Errorf("%q begins a target: put a blank line before it", line)
	}
	// vegeta reads headers only below a target, of which nothing else is wanted.
	t, err := decode("GET http://localhost/\n" + line)
	if err != nil {
		return fmt.Errorf("%w: write NAME: VALUE, as Accept: text/html", err)
	}
	last := &p.targets[len(p.targets)-1]
	for name, values := range t.Header {
		last.Header[name] = append(last.Header[name], values...)
	}
	return last.Validate()
}

func (p *targetsReader) body(name string) (err error) {
	p.open = false
	p.targets[len(p.targets)-1].Body, err = p.bodies.load(name)
	return err
}

// decode reads one target as vegeta does.
func decode(text string) (Target, error) {
	var t vegeta.Target
	if err := vegeta.NewHTTPTargeter(strings.NewReader(text), nil, nil).Decode(&t); err != nil {
		return Target{}, errors.New(brief(err.Error()))
	}
	return Target{Method: t.Method, URL: t.URL, Header: t.Header}, nil
}

// quoted is how much of a line an error quotes, in bytes: the file may be no text at all.
const quoted = 200

func brief(text string) string {
	if len(text) > quoted {
		text = text[:quoted] + "…"
	}
	return strings.ToValidUTF8(text, "·")
}

// bodies reads body files, each once.
type bodies struct {
	dir  string
	read map[string][]byte // by path
	size int
}

func (b *bodies) load(name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("a body has no file: write @FILE")
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.dir, path)
	}
	if body, ok := b.read[path]; ok {
		return body, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for, a device read for ever
		return nil, fmt.Errorf("body: %s is not a regular file", path)
	}
	body, err := readAtMost(path, maxBodies-b.size)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	b.read[path] = body
	b.size += len(body)
	return body, nil
}

// readAtMost reads a file of at most so many bytes.
func readAtMost(path string, most int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > most {
		return nil, fmt.Errorf("%s is too large: all body files together may have %d MiB", path, maxBodies>>20)
	}
	return text, nil
}

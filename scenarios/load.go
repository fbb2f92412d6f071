package scenarios

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lastcall/harness/scenario"
	"lastcall/internal/input"
	"lastcall/internal/spelling"
)

// ErrUnknown is what Load's error wraps for a name that is neither in the
// catalogue nor a file.
var ErrUnknown = errors.New("unknown scenario")

// largest is how many bytes a scenario's file may have. Long bodies have a file
// of their own.
const largest = 256 << 10

// Load returns the scenario of that name in the catalogue, or the one in the
// file of that name, which Parse describes.
//
// In a file, relative paths are relative to the file's directory, so that it
// means the same wherever lastcall is started (in what comes through a pipe they are
// relative to where that is): subject.dir, subject.ca,
// subject.ledger, body-file, requests-file, and the program of subject.command,
// subject.applied and disruption.while if it has a slash in it, as in ./server
// (without one it is looked up in PATH). They are returned as absolute paths. A
// program's arguments stay as they are, because it is not known which of them are paths:
// the program runs where lastcall is started, or in subject.dir. So do the paths of
// reports: reports are made where lastcall is started.
func Load(nameOrFile string, checks ...Check) (scenario.Scenario, error) {
	if text, ok := Source(nameOrFile); ok {
		return Parse(nameOrFile+".yaml", []byte(text), checks...)
	}
	info, err := os.Stat(nameOrFile)
	there := err == nil && !info.IsDir()
	if !there && !strings.ContainsAny(nameOrFile, `/.\`) {
		hint := "use one of " + strings.Join(Names(), ", ") + ", or the path of a file"
		if near := spelling.Nearest(nameOrFile, Names()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return scenario.Scenario{}, fmt.Errorf("%w %q: %s", ErrUnknown, nameOrFile, hint)
	}
	text, err := read(nameOrFile)
	if err != nil {
		return scenario.Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	s, err := Parse(nameOrFile, text, checks...)
	if err != nil {
		return scenario.Scenario{}, err
	}
	dir := "."
	if there && info.Mode().IsRegular() {
		dir = filepath.Dir(nameOrFile)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return scenario.Scenario{}, fmt.Errorf("read scenario: %w", err)
	}
	anchor(&s, dir)
	return s, nil
}

// Blame shows a mistake that was found later, such as a command that is not
// there, where its field stands in the file. An error that names no field, or a
// file that cannot be read any more, leaves it as it is.
func Blame(file string, err error) error {
	if _, ok := errors.AsType[*scenario.Invalid](err); !ok {
		return err
	}
	text, unread := read(file)
	if unread != nil {
		return err
	}
	source := newSource(file, strings.TrimPrefix(string(text), byteOrderMark))
	root, unread := source.parse()
	if unread != nil {
		return err
	}
	return source.locate(blamed(root, err), err)
}

// Sets reports whether a scenario of that name, or the file of that name, sets a field
// itself, such as load.rate. What cannot be read sets nothing.
func Sets(nameOrFile, field string) bool {
	text, known := Source(nameOrFile)
	if !known {
		held, err := read(nameOrFile)
		if err != nil {
			return false
		}
		text = string(held)
	}
	root, err := newSource(nameOrFile, strings.TrimPrefix(text, byteOrderMark)).parse()
	if err != nil || root == nil {
		return false
	}
	spot := find(root, field)
	return spot.rest == "" && spot.node.Type() != ast.NullType
}

// read returns a file's text. It reads no more than a scenario can have, since
// a path may lead to a device that never ends.
func read(path string) ([]byte, error) {
	text, err := input.Read(context.Background(), path, largest) // SIGINT still has its own action
	if _, ok := errors.AsType[*input.Large](err); ok {
		return nil, fmt.Errorf("%s: has more than %d KiB: is it a scenario? (body-file takes a long body)", path, largest>>10)
	}
	return text, err
}

// anchor makes a file's relative paths absolute. Absolute, because a program's
// path would otherwise be taken from subject.dir.
func anchor(s *scenario.Scenario, dir string) {
	fix := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	fix(&s.Subject.Dir)
	fix(&s.Subject.CA)
	fix(&s.Subject.Ledger)
	fix(&s.Load.RequestsFile)
	for i := range s.Load.Requests {
		fix(&s.Load.Requests[i].BodyFile)
	}
	for _, command := range [][]string{s.Subject.Command, s.Subject.Applied, s.Disruption.While} {
		if len(command) > 0 && strings.Contains(command[0], "/") {
			fix(&command[0])
		}
	}
}

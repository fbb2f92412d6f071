package scenarios

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"

	"lastcall/harness"
)

// strict finds what the decoder would take silently, or refuse without saying
// where: an unknown key, half a request per second, a duration without a unit,
// a second document. It reports whether there is anything to decode at all. What
// does not parse is left to the decoder, which says it well.
func strict(text []byte) (empty bool, err error) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return false, nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		switch doc.Body.Type() {
		case ast.CommentType, ast.NullType, ast.DirectiveType:
		default:
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return true, nil
	case 1:
		return false, fits(bodies[0], reflect.TypeFor[harness.Scenario]())
	}
	return false, mistake(bodies[1].GetToken(), "a second document: a file holds one scenario")
}

// fits compares a node with the type that it is meant for.
func fits(node ast.Node, want reflect.Type) error {
	switch n := node.(type) {
	case *ast.AliasNode, *ast.NullNode:
		return nil // checked where it is defined; what is null keeps its default
	case *ast.AnchorNode:
		return fits(n.Value, want)
	case *ast.TagNode:
		return fits(n.Value, want)
	case ast.MapNode:
		if want.Kind() == reflect.Struct && !isText(want) {
			return keysFit(n, want)
		}
		return mistake(node.GetToken(), "a single value is wanted, not a mapping")
	}
	switch {
	case node.Type() == ast.SequenceType && want.Kind() != reflect.Struct, node.Type() == ast.SequenceType && isText(want):
		return mistake(node.GetToken(), "a single value is wanted, not a list")
	case isText(want):
		value := reflect.New(want).Interface().(encoding.TextUnmarshaler)
		if err := value.UnmarshalText([]byte(node.GetToken().Value)); err != nil {
			return mistake(node.GetToken(), err.Error())
		}
	case want.Kind() == reflect.Int && node.Type() != ast.IntegerType:
		return mistake(node.GetToken(), fmt.Sprintf("%q is not a whole number", node.GetToken().Value))
	}
	return nil // what else can be wrong, the decoder tells
}

func keysFit(mapping ast.MapNode, want reflect.Type) error {
	known := make(map[string]reflect.Type)
	var names []string
	for field := range want.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		known[name] = field.Type
		names = append(names, name)
	}
	for pairs := mapping.MapRange(); pairs.Next(); {
		key := pairs.Key()
		if key.IsMergeKey() {
			continue
		}
		field, ok := known[key.GetToken().Value]
		if !ok {
			return &located{key.GetToken(), &UnknownKey{key.GetToken().Value, names}}
		}
		if err := fits(pairs.Value(), field); err != nil {
			return err
		}
	}
	return nil
}

// isText reports whether a type reads itself from text, as a duration does.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// UnknownKey is a key that a scenario does not have, and those that it could
// have in that place.
type UnknownKey struct {
	Key  string
	Keys []string
}

// Error names both.
func (e *UnknownKey) Error() string {
	return fmt.Sprintf("unknown key %q: use one of %s", e.Key, strings.Join(e.Keys, ", "))
}

// located is a mistake at a place in a file.
type located struct {
	at   *token.Token
	what error
}

func mistake(at *token.Token, what string) error { return &located{at, errors.New(what)} }

// Error returns "line:column: what" and the source beneath.
func (l *located) Error() string {
	var p printer.Printer
	shown := strings.TrimRight(p.PrintErrorToken(l.at, false), "\n")
	return fmt.Sprintf("%d:%d: %s\n%s", l.at.Position.Line, l.at.Position.Column, l.what, shown)
}

// Unwrap returns the mistake without its place.
func (l *located) Unwrap() error { return l.what }

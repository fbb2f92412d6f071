package scenarios

import (
	"encoding"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalar fills a number, a truth value or a text.
func (d decoder) scalar(node ast.Node, into reflect.Value) error {
	if err := d.single(node); err != nil {
		return err
	}
	text := literal(node)
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		truth, ok := node.(*ast.BoolNode)
		if !ok {
			if text == "true" || text == "false" {
				return d.mistake(begin(node), "%q in quotes is a text: write %s, without quotes", text, text)
			}
			return d.mistake(begin(node), "%q is neither true nor false", short(text))
		}
		into.SetBool(truth.Value)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err == nil && isString(node) {
			return d.mistake(begin(node), "%q in quotes is a text, not a whole number: write %d, without quotes", short(text), n)
		}
		if err != nil || node.Type() != ast.IntegerType || node.GetToken().Type != token.IntegerType {
			return d.mistake(begin(node), "%q is not a whole number: write digits, as in 500", short(text))
		}
		into.SetInt(int64(n))
	default:
		return d.mistake(begin(node), "a key of the type %s, which is not allowed", into.Type())
	}
	return nil
}

// text fills what reads itself from text, as a duration does. A bare number is
// refused even where it would be read: 0 has no unit either.
func (d decoder) text(node ast.Node, into reflect.Value) error {
	if err := d.single(node); err != nil {
		return err
	}
	text := literal(node)
	if err := into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		return d.mistake(begin(node), "%w", err)
	}
	if !isString(node) {
		return d.mistake(begin(node), "%s is a bare number: write it with its unit", text)
	}
	return nil
}

// single refuses what is more than one value.
func (d decoder) single(node ast.Node) error {
	if mark := marker.FindString(d.from(begin(node))); mark != "" && isMapping(node) {
		return d.mistake(begin(node), "a mapping, although it looks like a text: write %q, in quotes", mark)
	}
	if isMapping(node) || node.Type() == ast.SequenceType {
		return d.mistake(begin(node), "a single value is wanted, not %s", kindOf(node))
	}
	return nil
}

// literal returns a value as it was written, whatever else it could mean.
func literal(node ast.Node) string {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.StringNode:
		return n.Value
	}
	return node.GetToken().Value
}

// begin returns where a node begins. A block mapping's own token is the colon
// after its first key.
func begin(node ast.Node) place {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0].Key.GetToken())
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key.GetToken())
	}
	return placeOf(node.GetToken())
}

func kindOf(node ast.Node) string {
	switch {
	case isMapping(node):
		return "a mapping"
	case node.Type() == ast.SequenceType:
		return "a list"
	}
	return "a single value"
}

func isMapping(node ast.Node) bool {
	_, ok := node.(ast.MapNode)
	return ok
}

func isString(node ast.Node) bool {
	return node.Type() == ast.StringType || node.Type() == ast.LiteralType
}

// isText reports whether a type reads itself from text, as a duration does.
func isText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// isScalar reports whether a type's zero value can be written by mistake: false
// and an empty list are meant.
func isScalar(t reflect.Type) bool {
	return isText(t) || t.Kind() == reflect.String || t.Kind() == reflect.Int
}

// longest is how many characters of a wrong value a message repeats.
const longest = 60

func short(text string) string {
	runes := []rune(text)
	if len(runes) <= longest {
		return text
	}
	return string(runes[:longest]) + "…"
}

package scenarios

import (
	"errors"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lastcall/harness/scenario"
)

// blamed returns the place of the field that an *scenario.Invalid names. Where
// the file does not have it, its default met another's value: then it is the
// place of what is nearest above it.
func blamed(root ast.Node, err error) place {
	invalid, ok := errors.AsType[*scenario.Invalid](err)
	if !ok || root == nil {
		return place{1, 1}
	}
	for _, field := range invalid.Of {
		if spot := find(root, field); spot.rest == "" {
			return begin(spot.node)
		}
	}
	spot := find(root, invalid.Field)
	if spot.rest == "" {
		for _, pair := range pairsOf(spot.node) {
			if literal(pair.Key) == invalid.Key {
				return placeOf(pair.Key.GetToken())
			}
		}
		return begin(spot.node)
	}
	if spot.key != nil {
		return placeOf(spot.key.GetToken())
	}
	return begin(spot.node)
}

// spot is what a path leads to, or as far as it leads.
type spot struct {
	node ast.Node
	key  ast.Node // before the node, unless it is in a list
	rest string   // of the path, that the file does not have
}

// find follows a path such as load.requests[2].url or overrides.rules.exit-status.
func find(root ast.Node, path string) spot {
	at := spot{node: root, rest: path}
	for at.rest != "" {
		next, ok := at.step()
		if !ok {
			return at
		}
		at = next
	}
	return at
}

// step goes down by one key, the longest that fits (a header's name may have a
// dot in it), or by one item.
func (s spot) step() (spot, bool) {
	if list, ok := s.node.(*ast.SequenceNode); ok {
		index, rest, closed := strings.Cut(strings.TrimPrefix(s.rest, "["), "]")
		i, err := strconv.Atoi(index)
		if !closed || err != nil || i < 0 || i >= len(list.Values) {
			return s, false
		}
		return spot{list.Values[i], nil, strings.TrimPrefix(rest, ".")}, true
	}
	var best *ast.MappingValueNode
	var rest string
	for _, pair := range pairsOf(s.node) {
		after, ok := strings.CutPrefix(s.rest, literal(pair.Key))
		if ok && (after == "" || after[0] == '.' || after[0] == '[') && (best == nil || len(after) < len(rest)) {
			best, rest = pair, after
		}
	}
	if best == nil {
		return s, false
	}
	return spot{best.Value, best.Key, strings.TrimPrefix(rest, ".")}, true
}

func pairsOf(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

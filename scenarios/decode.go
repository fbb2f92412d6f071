package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lastcall/harness/scenario"
	"lastcall/internal/spelling"
)

// decoder fills Go values from the nodes of a file. It goes by the yaml tags,
// and knows the kinds that a scenario is made of. A library's decoder would take
// 0x10 for "16", and refuse without saying which key was wrong.
type decoder struct{ source }

func (d decoder) decode(node ast.Node, into reflect.Value) error {
	switch {
	case isText(into.Type()):
		return d.text(node, into)
	case into.Kind() == reflect.Struct:
		return d.fields(node, into)
	case into.Kind() == reflect.Map:
		return d.entries(node, into)
	case into.Kind() == reflect.Slice:
		return d.items(node, into)
	}
	return d.scalar(node, into)
}

// field is a key that a struct can have.
type field struct {
	name  string
	index []int
	open  bool // its zero value means that it was left out
}

func fieldsOf(t reflect.Type) []field {
	var all []field
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		all = append(all, field{name, f.Index, options != ""})
	}
	return all
}

// fields fills a struct. A key without a value is as if it were left out.
func (d decoder) fields(node ast.Node, into reflect.Value) error {
	fields := fieldsOf(into.Type())
	pairs, err := d.pairs(node, fields)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		name := literal(pair.Key)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return d.locate(placeOf(pair.Key.GetToken()), unknownKey(name, fields))
		}
		if pair.Value.Type() == ast.NullType {
			continue
		}
		value := into.FieldByIndex(fields[i].index)
		if err := d.decode(pair.Value, value); err != nil {
			return err
		}
		if fields[i].open && value.IsZero() && isScalar(value.Type()) {
			return d.mistake(begin(pair.Value), "%q has the same effect as no value: leave the key out, or give it another value", short(literal(pair.Value)))
		}
	}
	return nil
}

// entries fills a map of texts.
func (d decoder) entries(node ast.Node, into reflect.Value) error {
	pairs, err := d.pairs(node, nil)
	if err != nil {
		return err
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, pair := range pairs {
		value := reflect.New(into.Type().Elem()).Elem()
		if err := d.present(pair.Value, value); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(literal(pair.Key)), value)
	}
	return nil
}

// items fills a list.
func (d decoder) items(node ast.Node, into reflect.Value) error {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		return d.mistake(begin(node), "a list is wanted, not %s: %s", kindOf(node), asList(node, into.Type().Elem()))
	}
	into.Set(reflect.MakeSlice(into.Type(), len(list.Values), len(list.Values)))
	for i, item := range list.Values {
		if err := d.present(item, into.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// present decodes a value that cannot be left out: the place of a list's item,
// or a name without its value, means nothing.
func (d decoder) present(node ast.Node, into reflect.Value) error {
	if node.Type() == ast.NullType {
		return d.mistake(begin(node), `no value: write one, or "" for an empty text`)
	}
	return d.decode(node, into)
}

// pairs returns a mapping's keys with their values, or says what the node is
// instead.
func (d decoder) pairs(node ast.Node, fields []field) ([]*ast.MappingValueNode, error) {
	if isMapping(node) {
		return pairsOf(node), nil
	}
	example := "NAME: value"
	if len(fields) > 0 {
		example = fields[0].name + ": ..."
	}
	if written := asMapping(node, fields); written != "" {
		return nil, d.mistake(begin(node), "a mapping is wanted, not %s: write %s", kindOf(node), written)
	}
	return nil, d.mistake(begin(node), "a mapping is wanted, as in {%s}, not %s", example, kindOf(node))
}

// asMapping shows a request's URL, or a subject's command, as the mapping that it
// should be, or returns "".
func asMapping(node ast.Node, fields []field) string {
	has := func(name string) bool {
		return slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
	}
	text := literal(node)
	switch {
	case node.Type() == ast.SequenceType:
	case has("body"):
		return asRequest(text)
	case has("command") && strings.ContainsAny(text, "/. "):
		if list, ok := strings.CutPrefix(asList(node, reflect.TypeFor[string]()), "write ["); ok {
			return fmt.Sprintf("{command: [%s}", list)
		}
	}
	return ""
}

// asRequest takes a text for a URL, or for a method and a URL.
func asRequest(text string) string {
	method, url, both := strings.Cut(text, " ")
	if !both || !slices.Contains(scenario.Methods(), method) {
		method, url = "", text
	}
	if !strings.HasPrefix(url, "/") && !strings.Contains(url, "://") {
		return ""
	}
	if strings.ContainsAny(url, ",[]{}#\" ") {
		url = strconv.Quote(url)
	}
	if method != "" {
		return fmt.Sprintf("{method: %s, url: %s}", method, url)
	}
	return fmt.Sprintf("{url: %s}", url)
}

// asList shows what was written as the list that it should be.
func asList(node ast.Node, item reflect.Type) string {
	if item.Kind() == reflect.Struct {
		return `begin each item with "- "`
	}
	text := literal(node)
	words := strings.Fields(text)
	if isMapping(node) || len(words) == 0 || len(words) > 10 {
		return "write [a, b]"
	}
	if strings.ContainsAny(text, "\"'\\$`&|;<>()*?~#") {
		return `write each word by itself, as in [./server, --port, "8080"]; there is no shell`
	}
	if item.Kind() == reflect.Int {
		return fmt.Sprintf("write [%s]", strings.Join(words, ", "))
	}
	for i, word := range words {
		if strings.ContainsAny(word, ",[]{}:%@!") {
			words[i] = fmt.Sprintf("%q", word)
		}
	}
	return fmt.Sprintf("write [%s]", strings.Join(words, ", "))
}

// UnknownKey is a key that a scenario does not have in that place.
type UnknownKey struct {
	Key       string
	Keys      []string // that it could have there
	Elsewhere []string // where else it has a key of that name, as in load.rate
}

// Error names the key, and the likeliest that was meant.
func (e *UnknownKey) Error() string {
	if len(e.Elsewhere) > 0 {
		return fmt.Sprintf("unknown key %q: did you mean %s?", short(e.Key), strings.Join(e.Elsewhere, " or "))
	}
	return fmt.Sprintf("unknown key %q: %s", short(e.Key), spelling.Hint(e.Key, e.Keys))
}

func unknownKey(name string, fields []field) *UnknownKey {
	e := &UnknownKey{Key: name}
	for _, f := range fields {
		e.Keys = append(e.Keys, f.name)
	}
	for _, known := range keysOf(reflect.TypeFor[scenario.Scenario](), "") {
		if strings.HasSuffix("."+known, "."+name) && !strings.HasSuffix(name, "]") {
			e.Elsewhere = append(e.Elsewhere, known)
		}
	}
	return e
}

// keysOf returns the paths of all keys in a struct.
func keysOf(t reflect.Type, prefix string) []string {
	var all []string
	for _, f := range fieldsOf(t) {
		field := t.FieldByIndex(f.index).Type
		all = append(all, prefix+f.name)
		switch {
		case isText(field):
		case field.Kind() == reflect.Struct:
			all = append(all, keysOf(field, prefix+f.name+".")...)
		case field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct:
			all = append(all, keysOf(field.Elem(), prefix+f.name+"[].")...)
		}
	}
	return all
}

package history

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// The limits of what is read from files, so that nothing that is computed from it
// overflows or takes all memory. A shutdown's clock starts at its base, and a time before
// it can only be a little earlier.
const (
	Earliest = -24 * time.Hour
	Latest   = 366 * 24 * time.Hour
	Most     = 1 << 53 // of a count or a size; a JSON number is exact up to it
)

// Bounded returns an error that names the first field of v, at any depth, that is out of
// bounds: a time.Duration before Earliest or after Latest, a number that is negative or
// greater than Most. A field named Code may be -1, which means a death by a signal. A
// float may be negative.
func Bounded(v any) error {
	if f := bounded(reflect.ValueOf(v), false); f != nil {
		return f
	}
	return nil
}

// fault is one field's. Its path is put together on the way out, so that a value
// without one costs no allocation.
type fault struct{ path, text string }

func (f *fault) Error() string { return strings.TrimPrefix(f.path, ".") + " is " + f.text }

func (f *fault) in(part string) *fault {
	if f != nil {
		f.path = part + f.path
	}
	return f
}

var timeType = reflect.TypeFor[time.Duration]()

// bounded looks at one value. A code is an exit code.
func bounded(v reflect.Value, code bool) *fault {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return bounded(v.Elem(), code)
	case reflect.Struct:
		return boundedFields(v)
	case reflect.Slice, reflect.Array:
		return boundedItems(v)
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if f := bounded(entries.Value(), false); f != nil {
				return f.in(fmt.Sprintf("[%v]", entries.Key()))
			}
		}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return boundedInt(v, code)
	case reflect.Float64, reflect.Float32:
		if math.Abs(v.Float()) > Most || math.IsNaN(v.Float()) {
			return &fault{text: fmt.Sprintf("%g: it must be from -%d to %d", v.Float(), int64(Most), int64(Most))}
		}
	default: // cannot be out of bounds; of the unsigned numbers the greatest are seeds
	}
	return nil
}

func boundedFields(v reflect.Value) *fault {
	t := v.Type()
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		field := t.Field(i)
		if f := bounded(v.Field(i), field.Name == "Code"); f != nil {
			return f.in(part(field))
		}
	}
	return nil
}

// part is the name of a field as the file has it, with a dot before it.
func part(field reflect.StructField) string {
	if field.Anonymous {
		return ""
	}
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		name = field.Name
	}
	return "." + name
}

func boundedItems(v reflect.Value) *fault {
	switch v.Type().Elem().Kind() {
	case reflect.String, reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return nil // cannot be out of bounds
	default:
	}
	for i := range v.Len() {
		if f := bounded(v.Index(i), false); f != nil {
			return f.in(fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

func boundedInt(v reflect.Value, code bool) *fault {
	if v.Type() == timeType {
		if d := time.Duration(v.Int()); d < Earliest || d > Latest {
			return &fault{text: fmt.Sprintf("%s: a time must be from %s to %s", d, Earliest, Latest)}
		}
		return nil
	}
	least := int64(0)
	if code {
		least = -1
	}
	if n := v.Int(); n < least || n > Most {
		return &fault{text: fmt.Sprintf("%d: it must be from %d to %d", n, least, int64(Most))}
	}
	return nil
}

package history_test

import (
	"fmt"
	"reflect"
	"time"
)

// zeroFields returns the path of every exported field within a value that is
// zero, by name. In a list only the first element is looked at, and whatever is
// pointed at as if it was there itself.
func zeroFields(v any) []string { return zeroIn(reflect.Indirect(reflect.ValueOf(v)), "") }

func zeroIn(v reflect.Value, path string) []string {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		return zeroIn(v.Elem(), path)
	}
	if v.Kind() == reflect.Slice && v.Len() > 0 {
		return zeroIn(v.Index(0), path+"[0]")
	}
	if v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[time.Time]() {
		if v.IsZero() {
			return []string{path}
		}
		return nil
	}
	var found []string
	for i := range v.NumField() {
		found = append(found, zeroIn(v.Field(i), fmt.Sprintf("%s.%s", path, v.Type().Field(i).Name))...)
	}
	return found
}

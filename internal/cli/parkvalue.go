package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
)

// parksValue collects repeated --park KIND[=PATH][,COUNT].
type parksValue struct{ target *[]scenario.Park }

var _ pflag.Value = parksValue{}

// String is empty: by default the scenario decides.
func (v parksValue) String() string { return "" }

// Set reads one more entry. The number after the last comma is the count: a path may
// have commas too.
func (v parksValue) Set(text string) error {
	park := scenario.Park{Count: 1}
	if cut := strings.LastIndex(text, ","); cut >= 0 {
		n, err := strconv.Atoi(text[cut+1:])
		if err != nil {
			return fmt.Errorf("must end with a number, as in websocket=/chat,5")
		}
		text, park.Count = text[:cut], n
	}
	park.Kind, park.URL, _ = strings.Cut(text, "=")
	field := scenario.Load{Parked: append(append([]scenario.Park(nil), *v.target...), park)}
	if err := scenario.ValidParked(field); err != nil {
		_, problem, _ := strings.Cut(err.Error(), "].")
		return fmt.Errorf("its %s (as in websocket=/chat,5, events=/stream,5, idle,3 or silent,3)", problem)
	}
	*v.target = append(*v.target, park)
	return nil
}

// Type names the value in the help.
func (v parksValue) Type() string { return "kind[=path][,count]" }

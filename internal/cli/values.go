package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"lastcall/harness/scenario"
)

// numberValue is a whole number whose mistakes are explained in plain words.
type numberValue struct {
	target  *int
	example string
}

var _ pflag.Value = numberValue{}

// String returns the number.
func (v numberValue) String() string {
	if v.target == nil {
		return ""
	}
	return strconv.Itoa(*v.target)
}

// Set reads the number.
func (v numberValue) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("must be a whole number, as in %s", v.example)
	}
	*v.target = n
	return nil
}

// Type names the value in the help.
func (v numberValue) Type() string { return "number" }

// fractionValue is a number that need not be whole.
type fractionValue struct {
	target  *float64
	example string
}

var _ pflag.Value = fractionValue{}

// String returns the number.
func (v fractionValue) String() string {
	if v.target == nil {
		return ""
	}
	return strconv.FormatFloat(*v.target, 'g', -1, 64)
}

// Set reads the number.
func (v fractionValue) Set(text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("must be a number, as in %s", v.example)
	}
	*v.target = n
	return nil
}

// Type names the value in the help.
func (v fractionValue) Type() string { return "number" }

// durationValue is a duration whose mistakes are explained in plain words.
type durationValue struct{ target *time.Duration }

var _ pflag.Value = durationValue{}

// String returns the duration; one that is not set has no default to show.
func (v durationValue) String() string {
	if v.target == nil || *v.target == 0 {
		return ""
	}
	return v.target.String()
}

// Set reads the duration; it must have a unit.
func (v durationValue) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("must be a duration with a unit, as in 100ms or 10s")
	}
	*v.target = d
	return nil
}

// Type names the value in the help.
func (v durationValue) Type() string { return "duration" }

// shareValue is a share in percent.
type shareValue struct{ target *scenario.Share }

var _ pflag.Value = shareValue{}

// String returns the share; one that is not set has no default to show.
func (v shareValue) String() string {
	if v.target == nil || *v.target == 0 {
		return ""
	}
	return v.target.String()
}

// Set reads the share; it must have its sign.
func (v shareValue) Set(text string) error { return v.target.UnmarshalText([]byte(text)) }

// Type names the value in the help.
func (v shareValue) Type() string { return "share" }

// reportRequest is one --report: a format, and where it goes.
type reportRequest struct {
	format string
	path   string // "" is standard output
}

// reportsValue collects repeated --report FORMAT[=PATH].
type reportsValue struct {
	target  *[]reportRequest
	formats []string // that there are
}

var _ pflag.SliceValue = reportsValue{}

// String returns what was asked for.
func (v reportsValue) String() string {
	if v.target == nil {
		return ""
	}
	return strings.Join(v.GetSlice(), ",")
}

// Set reads one more report.
func (v reportsValue) Set(text string) error {
	format, path, hasPath := strings.Cut(text, "=")
	switch {
	case !slices.Contains(v.formats, format):
		return fmt.Errorf("unknown format %q: %s", format, hint(format, v.formats))
	case hasPath && path == "":
		return fmt.Errorf("the path after %q is empty: write %s=PATH, or %s for standard output", "=", format, format)
	}
	*v.target = append(*v.target, reportRequest{format, path})
	return nil
}

// Append adds one more report.
func (v reportsValue) Append(text string) error { return v.Set(text) }

// Replace sets all reports.
func (v reportsValue) Replace(texts []string) error {
	*v.target = nil
	for _, text := range texts {
		if err := v.Set(text); err != nil {
			return err
		}
	}
	return nil
}

// GetSlice returns what was asked for.
func (v reportsValue) GetSlice() []string {
	var texts []string
	for _, r := range *v.target {
		if r.path == "" {
			texts = append(texts, r.format)
		} else {
			texts = append(texts, r.format+"="+r.path)
		}
	}
	return texts
}

// Type names the value in the help.
func (v reportsValue) Type() string { return "format[=path]" }

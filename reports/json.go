package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"lastcall/harness/result"
)

// JSON writes the suite as it is, indented, with a final newline.
func JSON(w io.Writer, s result.Suite) error {
	return indented(w, "json report", s)
}

// indented writes a value as JSON for people too. The error says what it was to be.
func indented(w io.Writer, what string, value any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(true) // a server's words may end up in a page
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

package reports

import (
	"encoding/json"
	"fmt"
	"io"

	"lastcall/harness/result"
)

// JSON writes the suite as it is, indented, with a final newline.
func JSON(w io.Writer, s result.Suite) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(true) // a server's words may end up in a page
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write json report: %w", err)
	}
	return nil
}

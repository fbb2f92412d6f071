package cli

import "lastcall/internal/spelling"

// hint says what would be right: the nearest name if one is near, else all.
func hint(wrong string, names []string) string { return spelling.Hint(wrong, names) }

// nearest returns the name that is at most a third of its letters away, or "".
func nearest(wrong string, names []string) string { return spelling.Nearest(wrong, names) }

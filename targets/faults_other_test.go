//go:build !linux

package targets

import "testing"

// mountTiny needs Linux.
func mountTiny(t *testing.T) string {
	t.Helper()
	t.Skip("tmpfs is of Linux: the limit on the file size shows the same")
	return ""
}

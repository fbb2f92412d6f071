package demo_test

import (
	"os"
	"slices"
	"testing"

	"lastcall/internal/cli"
)

// TestMain: the servers of a stage that a test runs are this program, as they are
// lastcall's own program elsewhere.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "supervise", "applied"}, os.Args[1]) {
		os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

package load

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if anything is left running. In the process that
// the benchmark starts it is the server instead.
func TestMain(m *testing.M) {
	if os.Getenv(benchServer) != "" {
		serveBench()
		return
	}
	goleak.VerifyTestMain(m)
}

package harness_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"lastcall/harness"
)

// The verdict without a test: boot the server, load it, tell it to stop, and judge. In a
// test use Gate. Here the server is a small one that this test binary plays; of yours the
// command is as in {"./myserver", "--port", "{port}"}.
func ExampleServer_Test() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	suite, err := harness.Server{
		Command: []string{os.Args[0]}, Env: map[string]string{envStops: "drains"},
		URL: "/work", Ready: "/health", Rate: 200, Shutdowns: 2,
	}.Test(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range suite.Subjects {
		// s.Verdict is pass, fail or inconclusive: on a busy machine it may be inconclusive.
		fmt.Println("requests in flight that were dropped:", s.InFlight.Dropped)
	}
	// Output:
	// requests in flight that were dropped: 0
}

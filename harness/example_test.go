package harness_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"lastcall/harness"
	"lastcall/harness/check"
	"lastcall/harness/scenario"
)

// A gate as a Go test: boot the server, load it, tell it to stop while requests
// are in flight, and fail unless nobody was let down. In a test of yours the
// command is your server's, as in {"./myserver", "--port", "{port}"}; here it is
// a small one that this test binary plays.
func Example() {
	server := harness.Command{Spec: scenario.Subject{
		Command: []string{os.Args[0]},
		Env:     map[string]string{envServer: "drains"},
		Ready:   "/health",
	}}
	sc := scenario.Default()
	sc.Policy = "default"
	sc.Shutdowns = 2
	sc.Disruption.Grace = scenario.Seconds(5)
	policy, sc, err := check.Resolve(sc)
	if err != nil {
		fmt.Println(err) // in a test: t.Fatal(err)
		return
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	histories, err := harness.Run(ctx, harness.Plan{
		Scenario: sc, Subjects: []harness.Subject{server}, Seed: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	suite := check.Judge(histories, policy)
	for _, s := range suite.Subjects {
		for _, f := range s.Findings {
			if f.Rule == check.InFlightCompletes {
				fmt.Println(f.Rule, f.Status)
			}
		}
		fmt.Println("verdict:", s.Verdict) // in a test: t.Error(s.Story) unless it is result.Pass
	}
	// Output:
	// in-flight-completes pass
	// verdict: pass
}

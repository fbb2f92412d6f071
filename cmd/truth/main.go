// Command truth runs the table of servers, right and wrong, whose verdicts lastcall
// must get right:
//
//	go run ./cmd/truth -runs 5                all rows on a quiet machine
//	go run ./cmd/truth -few -runs 20 -busy    twenty-four of them beside a burner per core
//	go run ./cmd/truth -few -user nobody      as an unprivileged user
//	go run ./cmd/truth -print markdown        what the results file has so far
//
// A run that was stopped goes on where it stopped, as long as the code is the same.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lastcall/internal/truth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := truth.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
		os.Exit(1)
	}
}

// Package testrun says when a test is tried again, and when it is not tried at all.
package testrun

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// tooMuch is how many tasks a processor has where no verdict can be promised any more: a
// server then waits for its turn as long as it runs.
const tooMuch = 2.0

// NotShort skips a test that starts processes, or draws at random for long, with -short.
func NotShort(t T) {
	if testing.Short() {
		t.Skip("it takes its time: without -short it runs")
	}
}

// T is a test, or a script that is one.
type T interface{ Skip(args ...any) }

// tries is how often a run is begun whose verdict a busy machine can keep open.
const tries = 3

// Again says whether a run that should have a verdict and has none is begun again, after
// so many tries. After the last it skips the test if the machine is busy, and else returns
// false: the test must fail.
func Again(t T, try int) bool {
	if try < tries {
		return true
	}
	skipIfBusy(t)
	return false
}

// skipIfBusy skips the test where others use the machine so much that lastcall is right to
// come to no verdict. Where they do not, it returns, and the test must fail.
func skipIfBusy(t T) {
	if load, known := load(); known && load > tooMuch*float64(runtime.NumCPU()) {
		t.Skip(fmt.Sprintf("no verdict in any try, and the machine is busy: a load of %.1f on %d processors", load, runtime.NumCPU()))
	}
}

// load is how many tasks ran or waited for a processor, as a mean over a minute (proc(5)).
func load() (float64, bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	return load, err == nil
}

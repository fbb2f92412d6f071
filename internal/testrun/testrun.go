// Package testrun says when a test is tried again, and when it is not tried at all.
package testrun

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fewIdle is the share of all processors' time below which others leave so little that no
// verdict can be promised: lastcall and its server wait for their turn.
const fewIdle = 1.0 / 3

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
	if idle, known := idle(); known && idle < fewIdle {
		t.Skip(fmt.Sprintf("no verdict in any try, and others use the machine: %.0f%% of its processors' time is idle", 100*idle))
	}
}

// idle is the share of all processors' time that is idle while the test itself does
// nothing (proc(5), stat).
func idle() (float64, bool) {
	before, all, ok := ticks()
	time.Sleep(time.Second)
	after, now, again := ticks()
	if !ok || !again || now == all {
		return 0, false
	}
	return float64(after-before) / float64(now-all), true
}

// ticks are the idle time and all time of all processors since the system started.
func ticks() (idle, all int, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0, false
	}
	for i, field := range fields[1:9] { // user nice system idle iowait irq softirq steal
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i == 3 || i == 4 {
			idle += n
		}
	}
	return idle, all, true
}

package scenario_test

import (
	"fmt"
	"time"

	"lastcall/harness/scenario"
)

// A second Ctrl-C: the signal, two seconds, and the signal again.
func ExampleParseSequence() {
	steps, err := scenario.ParseSequence("int, 2s, int")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(scenario.FormatSequence(steps))
	// Output: SIGINT,2s,SIGINT
}

// Durations as they stand in a sentence.
func ExampleInWords() {
	fmt.Println(scenario.InWords(38 * time.Millisecond))
	fmt.Println(scenario.InWords(200 * time.Second))
	// Output:
	// 38 ms
	// 3 min 20 s
}

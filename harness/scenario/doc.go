// Package scenario says what an experiment is: what is loaded and how, what disrupts it, by
// which policy it is judged. It has the one table of the keys that a scenario can have
// (Keys), the defaults and limits, and the notations: durations, shares, statuses, signals
// and sequences of them. It starts nothing and reads no file.
package scenario

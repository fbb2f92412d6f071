// Package bug turns a panic into what a user can act on. A panic that is left alone ends
// a program with exit code 2, which means a mistake of the user's here, and prints a
// stack at people who cannot read it.
package bug

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
)

// ExitCode is the exit code after a bug: nothing can be concluded.
const ExitCode = 3

// Catch ends the program in an orderly way if its goroutine panics. It must be deferred
// first in every goroutine: a panic can be caught in its own goroutine only. The servers
// that lastcall started end with it, because their supervisors see its end.
func Catch() {
	if v := recover(); v != nil {
		Report(os.Stderr, v, debug.Stack())
		os.Exit(ExitCode)
	}
}

// Report says in one line what happened, where, and what to do. The stack goes to a file,
// or follows the line if it cannot be written.
func Report(w io.Writer, panicked any, stack []byte) {
	line := fmt.Sprintf("lastcall: this is a bug in lastcall: %s: %s", place(stack), oneLine(fmt.Sprint(panicked)))
	file, err := os.CreateTemp("", "lastcall-bug-*.txt")
	if err == nil {
		_, err = fmt.Fprintf(file, "%v\n\n%s", panicked, stack)
		if closed := file.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		fmt.Fprintf(w, "%s; report it with what follows (README, Bugs)\n%s", line, stack)
		return
	}
	fmt.Fprintf(w, "%s; report it with %s (README, Bugs)\n", line, file.Name())
}

// place is the line of source that panicked, as "file.go:12": the first of the stack
// after the runtime's own.
func place(stack []byte) string {
	_, after, found := bytes.Cut(stack, []byte("\npanic("))
	if !found {
		return "an unknown place"
	}
	for line := range bytes.Lines(after) {
		path, ok := bytes.CutPrefix(line, []byte("\t"))
		if !ok || bytes.Contains(path, []byte("/src/runtime/")) {
			continue
		}
		at, _, _ := strings.Cut(string(bytes.TrimSpace(path)), " ")
		parts := strings.Split(at, "/")
		return strings.Join(parts[max(0, len(parts)-3):], "/")
	}
	return "an unknown place"
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}

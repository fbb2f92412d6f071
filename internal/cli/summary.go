package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"syscall"

	"lastcall/harness/result"
	"lastcall/reports"
)

// envSummary names the file that GitHub Actions shows as a step's summary. Steps
// append to it.
const envSummary = "GITHUB_STEP_SUMMARY"

// summarize appends the Markdown report to the job summary, where there is one.
// Nobody asked for it by a flag, so that it is missing is worth a line, but
// changes no exit code.
func (out *output) summarize(s result.Suite) {
	out.summarizeAs(func(w io.Writer) error { return reports.Markdown(w, s) })
}

func (out *output) summarizeAs(markdown func(io.Writer) error) {
	path := os.Getenv(envSummary)
	if path == "" {
		return
	}
	if err := appendSummary(path, markdown); err != nil {
		fmt.Fprintf(out.stderr, "lastcall: warning: no job summary: %s %q: %v\n", envSummary, path, plain(err))
	}
}

func appendSummary(path string, markdown func(io.Writer) error) error {
	var text bytes.Buffer
	if err := markdown(&text); err != nil {
		return err
	}
	// A pipe without a reader must not delay the end of a run.
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE | syscall.O_NONBLOCK
	file, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return err
	}
	defer file.Close() // for the ways out below; after a success it is closed
	if _, err := file.Write(text.Bytes()); err != nil {
		return err
	}
	return file.Close()
}

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"lastcall/harness/history"
	"lastcall/internal/input"
)

// historySuffix ends the name of every recorded history.
const historySuffix = ".jsonl"

// recorder writes histories into a directory, each as soon as it is complete.
type recorder struct{ dir string }

// openRecorder makes the directory. One that holds histories already is
// refused: nothing recorded is ever overwritten or mixed with another run's.
func openRecorder(dir string) (*recorder, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, usagef("--record %s: %w: name a directory that lastcall can create", dir, plain(err))
	}
	held, err := historyFiles(dir)
	if err != nil {
		return nil, usagef("--record %s: %w", dir, plain(err))
	}
	if len(held) > 0 {
		return nil, usagef("--record %s: it already holds recorded histories: name a new directory", dir)
	}
	sweepTemp(dir)
	probe, err := createTemp(dir)
	if err != nil {
		return nil, usagef("--record %s: %w: name a directory that can be written", dir, plain(err))
	}
	probe.discard()
	return &recorder{dir}, nil
}

// spill is the directory for what a history does not hold in memory.
func (r *recorder) spill() string {
	if r == nil {
		return ""
	}
	return r.dir
}

// write saves one history. It appears under its name only when it is whole.
func (r *recorder) write(h *history.History) error {
	if r == nil {
		return nil
	}
	name := historyName(h.Header)
	file, err := createTemp(r.dir)
	if err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	defer file.discard() // after it was published there is nothing left to remove
	if err = h.Write(file); err == nil {
		err = file.publish(filepath.Join(r.dir, name), false)
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", name, plain(err))
	}
	return nil
}

// historyName is the name of the file for a history. No two shutdowns of a run have the
// same.
func historyName(h history.Header) string {
	name := fmt.Sprintf("%s-%03d", fileName(h.Subject, h.Position), h.Shutdown)
	if h.Repeats > 0 {
		name += fmt.Sprintf("-again-%d", h.Repeats)
	}
	return name + historySuffix
}

var (
	unsafeInName = regexp.MustCompile(`^[.-]|[^A-Za-z0-9._-]`)
	numbered     = regexp.MustCompile(`_[0-9]+$`)
)

// longestName is how much of a name a file's name holds, in bytes. Most file systems
// allow 255 for all of it.
const longestName = 90

// fileName is what the files of a subject begin with: its name, as far as it leads to no
// other directory, hides nothing and is no flag. A name that is changed gets the
// subject's position at its end, and so does one that ends as those do: none is like
// another's.
func fileName(name string, position int) string {
	safe := unsafeInName.ReplaceAllString(name, "_")
	safe = safe[:min(len(safe), longestName)]
	if safe != name || safe == "" || numbered.MatchString(safe) {
		safe = fmt.Sprintf("%s_%d", safe, position+1)
	}
	return safe
}

func historyFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), historySuffix) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, nil
}

// readHistories reads all histories of a directory. They must be of one run.
func readHistories(dir string) ([]*history.History, error) {
	files, err := historyFiles(dir)
	if err != nil {
		return nil, usagef("%s: %w: name a directory written by lastcall compare --record", dir, plain(err))
	}
	if len(files) == 0 {
		return nil, usagef("%s: it has no recorded history (*%s): name a directory written by lastcall compare --record", dir, historySuffix)
	}
	var histories []*history.History
	seen := make(map[int]string) // the file of each shutdown: a copy would count twice
	for _, name := range files {
		h, err := readHistory(name)
		if err != nil {
			return nil, usagef("%s: %w", name, err)
		}
		if len(histories) > 0 && h.Header.Run != histories[0].Header.Run {
			return nil, usagef("%s: it belongs to another run than %s: keep each run in a directory of its own", name, files[0])
		}
		if other, ok := seen[h.Header.Ordinal]; ok {
			return nil, usagef("%s: it is the same shutdown as %s: remove one of them", name, other)
		}
		seen[h.Header.Ordinal] = name
		histories = append(histories, h)
	}
	return histories, nil
}

func readHistory(name string) (*history.History, error) {
	file, err := input.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer file.Close()
	h, err := history.Read(file)
	if errors.Is(err, history.ErrTruncated) {
		return nil, fmt.Errorf("%w; it is incomplete: remove it, or record again", err)
	}
	return h, err
}

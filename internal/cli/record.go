package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lastcall/harness/history"
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
		return nil, usagef("--record %s: %w: name a directory that can be made", dir, plain(err))
	}
	held, err := historyFiles(dir)
	if err != nil {
		return nil, usagef("--record %s: %w", dir, plain(err))
	}
	if len(held) > 0 {
		return nil, usagef("--record %s: it holds recorded histories already: name a new directory", dir)
	}
	probe, err := os.CreateTemp(dir, ".lastcall-*")
	if err != nil {
		return nil, usagef("--record %s: %w: name a directory that can be written", dir, plain(err))
	}
	probe.Close()
	os.Remove(probe.Name())
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
	name := fmt.Sprintf("%s-%03d%s", h.Header.Subject, h.Header.Shutdown, historySuffix)
	if n := h.Header.Repeats; n > 0 {
		name = fmt.Sprintf("%s-%03d-again-%d%s", h.Header.Subject, h.Header.Shutdown, n, historySuffix)
	}
	file, err := os.CreateTemp(r.dir, ".lastcall-*")
	if err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	defer os.Remove(file.Name()) // after the rename there is nothing left to remove
	err = h.Write(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(file.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(r.dir, name))
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	return nil
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
		return nil, usagef("%s: it holds no recorded history (*%s): name a directory written by lastcall compare --record", dir, historySuffix)
	}
	var histories []*history.History
	seen := make(map[int]string) // the file of each shutdown: a copy would count twice
	for _, name := range files {
		h, err := readHistory(name)
		if err != nil {
			return nil, usagef("%s: %w", name, err)
		}
		if len(histories) > 0 && h.Header.Run != histories[0].Header.Run {
			return nil, usagef("%s: it is of another run than %s: keep each run in a directory of its own", name, files[0])
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
	file, err := os.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer file.Close()
	h, err := history.Read(file)
	if errors.Is(err, history.ErrTruncated) {
		return nil, fmt.Errorf("%w; it was not written to its end: remove it, or record again", err)
	}
	return h, err
}

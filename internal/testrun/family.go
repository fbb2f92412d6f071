package testrun

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// EnvMark is the environment variable that marks the processes of one test: what it starts,
// and what these start, inherit it.
const EnvMark = "LASTCALL_TEST_STARTS"

// Family returns the command lines of all living processes with that mark, by process id.
// One that is dead has no environment any more. Without /proc it is empty: see HasProc.
func Family(mark string) map[int]string {
	has := EnvMark + "=" + mark + "\x00"
	environs, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well formed
	lines := make(map[int]string)
	for _, path := range environs {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text)+"\x00", has) {
			continue // gone meanwhile, or another's
		}
		dir := filepath.Dir(path)
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			line, _ := os.ReadFile(filepath.Join(dir, "cmdline")) // gone: empty
			lines[pid] = strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return lines
}

// HasProc reports whether /proc shows the environment of processes.
func HasProc() bool {
	_, err := os.Stat("/proc/self/environ")
	return err == nil
}

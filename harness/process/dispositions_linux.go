package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// ReadDispositions reads them from SigBlk, SigIgn and SigCgt of /proc/PID/status
// (proc_pid_status(5)). Handlers are the same for all threads of a process. The
// error wraps fs.ErrNotExist if there is no such process.
func ReadDispositions(pid int) (d Dispositions, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return d, fmt.Errorf("signal dispositions of process %d: %w", pid, err)
	}
	for key, set := range map[string]*uint64{"SigBlk": &d.blocked, "SigIgn": &d.ignored, "SigCgt": &d.caught} {
		if *set, err = signalSet(text, key); err != nil {
			return Dispositions{}, fmt.Errorf("signal dispositions of process %d: %w", pid, err)
		}
	}
	return d, nil
}

// signalSet returns a set of signals from a status: a line with a mask in
// hexadecimal.
func signalSet(status []byte, key string) (uint64, error) {
	for line := range bytes.Lines(status) {
		if mask, is := bytes.CutPrefix(line, []byte(key+":")); is {
			return strconv.ParseUint(string(bytes.TrimSpace(mask)), 16, 64)
		}
	}
	return 0, fmt.Errorf("/proc shows no %s", key)
}

package process

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Wait is how long a thread has waited for a CPU since it began, and had one, in
// nanoseconds.
type Wait struct {
	Thread int
	Total  uint64
	Ran    uint64
}

// Waits returns how long each thread of the processes has waited for a CPU
// (/proc/PID/task/TID/schedstat, the second number, and the first is how long it ran; sched-stats.rst in the
// kernel's documentation), in into. A kernel that does not count them shows none.
func Waits(pids []int, into []Wait) []Wait {
	into = into[:0]
	var text [128]byte
	for _, pid := range pids {
		base := "/proc/" + strconv.Itoa(pid) + "/task"
		dir, err := os.Open(base)
		if err != nil {
			continue // it has gone
		}
		threads, err := dir.Readdirnames(-1)
		dir.Close()
		if err != nil {
			continue
		}
		for _, name := range threads {
			w, ok := waitOf(base+"/"+name+"/schedstat", text[:])
			thread, err := strconv.Atoi(name)
			if w.Thread = thread; ok && err == nil {
				into = append(into, w)
			}
		}
	}
	return into
}

// waitOf reads one file with three system calls: there may be hundreds of threads.
func waitOf(path string, text []byte) (w Wait, ok bool) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return w, false
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, text)
	if err != nil {
		return w, false
	}
	fields := bytes.Fields(text[:n])
	if len(fields) < 2 {
		return w, false
	}
	ran, err := strconv.ParseUint(string(fields[0]), 10, 64)
	total, second := strconv.ParseUint(string(fields[1]), 10, 64)
	return Wait{Total: total, Ran: ran}, err == nil && second == nil
}

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

// monotonic returns CLOCK_MONOTONIC in nanoseconds: one clock for all processes
// of a boot (and of a time namespace, which a child shares with its parent).
func monotonic() int64 {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return ts.Nano()
}

// fromMonotonic converts an instant that another process took from monotonic
// into a time.Time of this process.
//
// Go's monotonic time is the same clock, minus an origin that it hides. So we
// read both clocks now, and go as far back from the one as the instant lies back
// on the other. The error is the time between the two readings; of a few tries
// the closest counts, which is well under a microsecond.
func fromMonotonic(at int64) (time.Time, bool) {
	if at == 0 {
		return time.Time{}, false
	}
	var best time.Time
	closest := int64(-1)
	for range 5 {
		before := monotonic()
		now := time.Now()
		after := monotonic()
		if between := after - before; closest < 0 || between < closest {
			closest = between
			best = now.Add(time.Duration(at - before - between/2))
		}
	}
	return best, true
}

// signalGroup sends a signal to the process group that the leader founded. Its
// pidfd stands for the group also when the leader has gone, and for no other
// that gets the number later (Linux 6.9). Without it the number has to do, which
// stays taken while there is a member: the caller has just seen one.
func signalGroup(leader *os.Process, pgid int, s syscall.Signal) error {
	var sent error
	if err := leader.WithHandle(func(fd uintptr) {
		sent = unix.PidfdSendSignal(int(fd), s, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	}); err == nil && !errors.Is(sent, unix.EINVAL) && !errors.Is(sent, unix.ENOSYS) {
		return sent
	}
	return unix.Kill(-pgid, s)
}

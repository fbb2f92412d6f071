package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// The table is read from /proc directly. gopsutil reads two or three files for
// each process where one says all, so that what it says need not fit together;
// it does not know process groups; and its start time moves with the wall clock.

// table returns a row for each process that can be seen.
func table() ([]row, error) {
	rows, _, err := list(func(int) bool { return true })
	return rows, err
}

// list returns a row for each process that is wanted and can be seen, and the PIDs
// of those that were gone when their turn came.
func list(want func(pid int) bool) (rows []row, gone []int, err error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, nil, fmt.Errorf("list processes: %w", err)
	}
	seen := false
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // no process
		}
		seen = true
		if !want(pid) {
			continue
		}
		if r, ok := look(pid); ok {
			rows = append(rows, r)
		} else {
			gone = append(gone, pid)
		}
	}
	if !seen {
		return nil, nil, errors.New("list processes: /proc shows none") // not even ours
	}
	return rows, gone, nil
}

// look returns one process's row, or false if there is none.
func look(pid int) (row, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return row{}, false // it has gone, or is none of our business
	}
	return parseStat(text)
}

// Fields of /proc/PID/stat after the name, from 0 (proc_pid_stat(5) counts these
// from 3).
const (
	statState   = 0
	statPPID    = 1
	statPGID    = 2
	statSession = 3
	statFlags   = 6
	statThreads = 17
	statStart   = 19
)

// flagKernel is PF_KTHREAD of the kernel's include/linux/sched.h.
const flagKernel = 0x00200000

// parseStat reads one /proc/PID/stat.
func parseStat(text []byte) (row, bool) {
	name, rest := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')') // a name can have any of these
	if name < 1 || rest < name {
		return row{}, false
	}
	fields := bytes.Fields(text[rest+1:])
	if len(fields) <= statStart {
		return row{}, false
	}
	var broken bool
	number := func(field []byte) uint64 {
		n, err := strconv.ParseUint(string(field), 10, 64)
		broken = broken || err != nil
		return n
	}
	r := row{
		pid:   int(number(bytes.TrimSpace(text[:name]))),
		ppid:  int(number(fields[statPPID])),
		pgid:  int(number(fields[statPGID])),
		sid:   int(number(fields[statSession])),
		start: number(fields[statStart]),

		kernel: number(fields[statFlags])&flagKernel != 0,
	}
	// A process whose first thread has ended is shown as a zombie while others
	// run on.
	state := fields[statState][0]
	r.lives = state != 'Z' && state != 'X' && state != 'x' || state == 'Z' && number(fields[statThreads]) > 1
	return r, !broken
}

// environLimit bounds what is read of an environment. The kernel allows an
// argument or a variable 128 KiB, and all of them a quarter of the stack: 2 MiB.
const environLimit = 2 << 20

// hasMark says whether a process was started with the mark in its environment,
// and whether that is known: the environment of another user's is not shown, and
// one that is just starting another program has none for a moment.
func hasMark(pid int, mark string) (has, known bool) {
	file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false, errors.Is(err, fs.ErrPermission) // not for us to see, now or later
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, environLimit))
	if err != nil {
		return false, errors.Is(err, fs.ErrPermission)
	}
	for variable := range bytes.SplitSeq(text, []byte{0}) {
		if value, is := bytes.CutPrefix(variable, []byte(envMark+"=")); is {
			return carries(string(value), mark), true
		}
	}
	return false, len(text) > 0
}

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// The table is read from /proc directly. gopsutil reads two or three files for
// each process where one says all, so that what it says need not fit together;
// it does not know process groups; and its start time moves with the wall clock.

// table returns a row for each process that can be seen.
func table() ([]row, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	rows := make([]row, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue // no process
		}
		if r, ok := look(pid); ok {
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("list processes: /proc shows none") // not even ours
	}
	return rows, nil
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
	statThreads = 17
	statStart   = 19
)

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
		start: number(fields[statStart]),
	}
	// A process whose first thread has ended is shown as a zombie while others
	// run on.
	state := fields[statState][0]
	r.lives = state != 'Z' && state != 'X' && state != 'x' || state == 'Z' && number(fields[statThreads]) > 1
	return r, !broken
}

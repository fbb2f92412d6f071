package process

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// zombie is SZOMB of <sys/proc.h>.
const zombie = 5

// table returns a row for each process that can be seen.
func table() ([]row, error) {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	rows := make([]row, 0, len(all))
	for i := range all {
		rows = append(rows, rowOf(&all[i]))
	}
	return rows, nil
}

// look returns one process's row, or false if there is none.
func look(pid int) (row, bool) {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid {
		return row{}, false
	}
	return rowOf(k), true
}

func rowOf(k *unix.KinfoProc) row {
	began := k.Proc.P_starttime
	return row{
		pid: int(k.Proc.P_pid), ppid: int(k.Eproc.Ppid), pgid: int(k.Eproc.Pgid),
		start: uint64(began.Sec)*uint64(time.Second/time.Microsecond) + uint64(began.Usec),
		lives: k.Proc.P_stat != zombie,
	}
}

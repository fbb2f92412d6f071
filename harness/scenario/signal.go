package scenario

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The real-time signals as the GNU C library numbers them: it keeps 32 and 33
// for itself (signal(7)). Only Linux has them.
const (
	sigRTMin = 34
	sigRTMax = 64
)

const hasRealTime = runtime.GOOS == "linux"

// SignalName returns a signal's name, as in SIGTERM, SIGRTMIN+3 or SIGRTMAX-14:
// a real-time signal is counted from the nearer end, as kill -l does.
func SignalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	if !hasRealTime || s < sigRTMin || s > sigRTMax {
		return fmt.Sprintf("signal %d", int(s))
	}
	name, n := "SIGRTMIN+", s-sigRTMin
	if n > (sigRTMax-sigRTMin)/2 {
		name, n = "SIGRTMAX-", sigRTMax-s
	}
	if n == 0 {
		return name[:len(name)-1]
	}
	return name + strconv.Itoa(int(n))
}

// ParseSignal returns the signal of that name or number; SIGTERM, TERM, term and
// 15 are all the same. Real-time signals are SIGRTMIN+n and SIGRTMAX-n. A number
// must be of a signal that has a name.
func ParseSignal(name string) (syscall.Signal, error) {
	if n, err := strconv.ParseUint(name, 10, 8); err == nil {
		if s := syscall.Signal(n); known(s) {
			return s, nil
		}
		return 0, unknownSignal(name)
	}
	full := strings.ToUpper(name)
	if !strings.HasPrefix(full, "SIG") {
		full = "SIG" + full
	}
	if s := unix.SignalNum(full); s != 0 {
		return s, nil
	}
	if s, ok := parseRealTime(full); ok {
		return s, nil
	}
	return 0, unknownSignal(name)
}

// known says whether a signal has a name.
func known(s syscall.Signal) bool {
	return unix.SignalName(s) != "" || hasRealTime && s >= sigRTMin && s <= sigRTMax
}

// parseRealTime reads SIGRTMIN, SIGRTMIN+n, SIGRTMAX-n and SIGRTMAX.
func parseRealTime(full string) (syscall.Signal, bool) {
	if !hasRealTime {
		return 0, false
	}
	offset, from, sign := "", sigRTMin, 1
	switch {
	case full == "SIGRTMIN":
		return sigRTMin, true
	case full == "SIGRTMAX":
		return sigRTMax, true
	case strings.HasPrefix(full, "SIGRTMIN+"):
		offset = full[len("SIGRTMIN+"):]
	case strings.HasPrefix(full, "SIGRTMAX-"):
		offset, from, sign = full[len("SIGRTMAX-"):], sigRTMax, -1
	default:
		return 0, false
	}
	n, err := strconv.ParseUint(offset, 10, 8)
	if err != nil || n > sigRTMax-sigRTMin {
		return 0, false
	}
	return syscall.Signal(from + sign*int(n)), true
}

func unknownSignal(name string) error {
	also := "or a number"
	if hasRealTime {
		also = "a number, or a real-time signal as in SIGRTMIN+3"
	}
	return fmt.Errorf("%q is not a signal: use one of SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, %s", name, also)
}

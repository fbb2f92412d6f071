package scenario

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestParseSignal(t *testing.T) {
	for name, want := range map[string]syscall.Signal{
		"15": syscall.SIGTERM, "9": syscall.SIGKILL, "1": syscall.SIGHUP, "SIGTERM": syscall.SIGTERM, "TERM": syscall.SIGTERM, "term": syscall.SIGTERM, "SigTerm": syscall.SIGTERM,
		"INT": syscall.SIGINT, "SIGKILL": syscall.SIGKILL, "usr1": syscall.SIGUSR1,
	} {
		if got, err := ParseSignal(name); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "SIG", "0", "-15", "15s", "200", "256", "SIG15", "SIGNAL", "SIGSIGTERM", " TERM", "TERM ", "Σ"} {
		got, err := ParseSignal(name)
		if err == nil || got != 0 {
			t.Errorf("%q is %v", name, got)
			continue
		}
		if !strings.Contains(err.Error(), fmt.Sprintf("%q is not a signal", name)) || !strings.Contains(err.Error(), "SIGTERM") {
			t.Errorf("%q: the error %q names neither it nor what could be meant", name, err)
		}
	}
}

func TestSignalName(t *testing.T) {
	for s, want := range map[syscall.Signal]string{syscall.SIGTERM: "SIGTERM", syscall.SIGKILL: "SIGKILL", 0: "signal 0", 250: "signal 250"} {
		if got := SignalName(s); got != want {
			t.Errorf("signal %d is called %q, want %q", int(s), got, want)
		}
	}
	for _, name := range []string{"SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2"} {
		if s, err := ParseSignal(name); err != nil || SignalName(s) != name {
			t.Errorf("%s reads as %v, %v", name, s, err)
		}
	}
}

// TestRealTimeSignals: as kill -l of Debian 12's bash names them.
func TestRealTimeSignals(t *testing.T) {
	if !hasRealTime {
		t.Skip("this system has no real-time signals")
	}
	names := map[syscall.Signal]string{
		34: "SIGRTMIN", 35: "SIGRTMIN+1", 37: "SIGRTMIN+3", 49: "SIGRTMIN+15",
		50: "SIGRTMAX-14", 63: "SIGRTMAX-1", 64: "SIGRTMAX",
	}
	for s, want := range names {
		if got := SignalName(s); got != want {
			t.Errorf("signal %d is called %q, want %q", int(s), got, want)
		}
	}
	for name, want := range map[string]syscall.Signal{
		"SIGRTMIN+3": 37, "rtmin+3": 37, "RTMIN": 34, "sigrtmin+0": 34, "SIGRTMIN+30": 64, "SIGRTMAX-30": 34, "RTMAX-1": 63, "34": 34, "64": 64,
	} {
		if got, err := ParseSignal(name); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %d", name, got, err, int(want))
		}
	}
	for _, name := range []string{"SIGRTMIN-1", "SIGRTMAX+1", "SIGRTMIN+31", "SIGRTMAX-31", "SIGRTMIN+", "SIGRTMIN+ 1", "SIGRTMIN++1", "SIGRT", "32", "33", "65"} {
		if got, err := ParseSignal(name); err == nil || !strings.Contains(err.Error(), "SIGRTMIN+3") {
			t.Errorf("%q is %v, %v, want an error that shows how it is written", name, got, err)
		}
	}
	for s := syscall.Signal(1); s <= sigRTMax; s++ {
		if got, err := ParseSignal(SignalName(s)); known(s) && (err != nil || got != s) {
			t.Errorf("signal %d is called %q, which reads as %v, %v", int(s), SignalName(s), got, err)
		}
	}
}

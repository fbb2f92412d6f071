package subject

import (
	"fmt"
	"syscall"
	"time"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// KillWait bounds the wait for an exit after SIGKILL. Only a process that is stuck in the
// kernel outlives it.
const KillWait = 5 * time.Second

// local is a server in processes of this machine, of which we started the first.
type local struct {
	*process.Process
	endpointState
}

var _ Server = (*local)(nil)

// Signal sends the signal to the target.
func (l *local) Signal(s syscall.Signal, target string, holders []process.Info, mark func() error) (sent Sent, err error) {
	l.BeforeSignal(mark)
	defer l.BeforeSignal(nil)
	switch target {
	case scenario.Group:
		sent.To, sent.Before, sent.After, err = l.SignalGroup(s)
	case scenario.Owner:
		if len(holders) == 0 {
			return sent, fmt.Errorf("no process is known to listen at %s: use --signal-target leader or group", l.Endpoint().Address)
		}
		sent.To = holders[:1]
		sent.Before, sent.After, err = l.SignalPID(holders[0].PID, s)
	default:
		sent.To = []process.Info{l.Leader()}
		sent.Before, sent.After, err = l.Process.Signal(s)
	}
	return sent, err
}

// Close kills what lives, and releases everything.
func (l *local) Close() {
	l.Process.Close()
	l.book.Close()
}

// Kill ends everything that the process has started, and itself.
func (l *local) Kill() error { return l.KillTree() }

// exitedEarly explains an exit before the server was ready. A server that puts
// itself into the background looks like one.
func (l *local) exitedEarly() error { return Gone(l.Exit(), l.Survivors()) }

// Gone tells of a process that has exited before its time, and of what it left.
func Gone(exit process.Exit, left []process.Info) error {
	if len(left) == 0 {
		return fmt.Errorf("it ended with %s", exit)
	}
	return fmt.Errorf("it ended with %s and left %q (PID %d) in the background: "+
		"start the server in the foreground (as in nginx -g 'daemon off;'), so that lastcall can stop it", exit, left[0].Name, left[0].PID)
}

package run

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/harness/process"
	"lastcall/harness/scenario"
	"lastcall/harness/wire"
	"lastcall/internal/bug"
)

const (
	// lookEvery is how often the kernel is asked about all open requests, from
	// shortly before the signal until the exit.
	lookEvery = 5 * time.Millisecond
	// lookShare bounds what asking costs: to one part in so many of the time.
	lookShare = 20
	// listenEvery is how often it is asked whether the listening sockets are there.
	listenEvery = time.Millisecond
	// approach is how long before the signal is due the looks begin: what a server
	// had read some looks ago it has had the time to begin with.
	approach = 30 * time.Millisecond
	// manyLooks bounds the looks that are kept before the signal.
	manyLooks = 256
	// together is how many requests that a server has read at one time show that
	// it does not give a worker to each connection.
	together = 3
	// treeEvery is how often the processes of the subject are listed again, in looks.
	treeEvery = 40
	// idleOut is how long nothing may be outstanding, and nothing listen, before the
	// connections that were set aside are closed where no client keeps any.
	idleOut = 100 * time.Millisecond
)

// witness asks the kernel what the server's process has read of our requests, and
// when it closes what. Before the signal the conductor uses it, afterwards a
// goroutine of its own, until stop.
type witness struct {
	now     func() time.Duration
	attack  *load.Attack
	sockets *process.Sockets
	members func() []int // the subject's processes
	fresh   bool         // no client keeps a connection

	looks     []history.Look
	closings  []history.Closing
	backlog   history.Backlog
	seen      map[uint32]sight // by the request's sequence number
	told      bool             // the signal was sent
	missing   string           // why the kernel gave no answer, "" if it did
	listening []process.Listener
	listed    time.Duration // when they were
	due       time.Duration // of the next look
	quiet     time.Duration // since when nothing is outstanding and nothing listens, 0: something is or does

	pids  []int
	waits [][]process.Wait // by look

	open    []wire.Outstanding // reused from look to look
	clients []netip.AddrPort
	found   []process.Socket

	quit chan struct{} // closed by stop
	done chan struct{} // closed when the goroutine has ended; nil: there is none
}

// watchKernel opens the witness, or notes why there is none.
func (s *shutdown) watchKernel() {
	address, err := netip.ParseAddrPort(s.server.Endpoint().Address)
	pid := 0
	if err == nil {
		pid, err = s.trusted()
	}
	var sockets *process.Sockets
	if err == nil {
		sockets, err = process.OpenSockets(address, pid)
	}
	if err != nil {
		s.history.Kernel.Missing = err.Error()
		return
	}
	s.history.Kernel.Asked = true
	s.witness = &witness{
		now: s.now, attack: s.attack, sockets: sockets, members: s.members,
		fresh: s.plan.Scenario.Load.Connections == scenario.Fresh,
		seen:  make(map[uint32]sight), quit: make(chan struct{}),
	}
}

// trusted returns a process of the subject's that holds the listening socket. The
// error says why what that process has read would say nothing of the subject.
func (s *shutdown) trusted() (pid int, err error) {
	address := s.server.Endpoint().Address
	if len(s.holders) == 0 {
		if why := s.history.Delivery.Error; why != "" {
			return 0, fmt.Errorf("it is not known which process listens at %s: %s", address, why)
		}
		return 0, fmt.Errorf("no process of this machine listens at %s", address)
	}
	first := s.holders[0]
	if s.server.PID() == 0 { // lastcall has not started it
		if name := (history.Process{Name: first.Name}).Program(); slices.Contains(forwarders, name) {
			return 0, fmt.Errorf("%s listens at %s, and forwards what it reads", name, address)
		}
		return first.PID, nil
	}
	members := s.members()
	for _, h := range s.holders {
		if slices.Contains(members, h.PID) {
			return h.PID, nil
		}
	}
	return 0, fmt.Errorf("%s listens at %s, and is not a process of the command", first, address)
}

// forwarders are programs that listen for a server elsewhere.
var forwarders = []string{"docker-proxy", "rootlesskit", "rootlessport", "slirp4netns", "pasta", "passt", "gvproxy", "kubectl", "ssh", "sshd", "socat"}

// members are the subject's processes: its tree, or who listens if it is not ours.
func (s *shutdown) members() (pids []int) {
	tree, err := s.server.Tree()
	if err != nil || len(tree) == 0 {
		tree = s.holders
	}
	for _, p := range tree {
		pids = append(pids, p.PID)
	}
	return pids
}

// approaching looks, if it is time to, before the signal.
func (w *witness) approaching() {
	if w == nil || w.now() < w.due {
		return
	}
	if len(w.looks) >= manyLooks {
		w.forget(manyLooks / 2)
	}
	w.look()
	if w.fresh && w.busy() {
		w.attack.Roomy()
	}
}

// busy reports whether the server had several requests at one time.
func (w *witness) busy() bool {
	n := 0
	for _, s := range w.seen {
		if s.standing.Read() {
			n++
		}
	}
	return n >= together
}

// ready reports whether there is a look from long enough ago: what a server had
// read then it had the time to begin with, on a machine as late as this one is.
func (w *witness) ready() bool {
	if w == nil || w.missing != "" {
		return true
	}
	slip := time.Duration(0)
	for _, l := range w.looks {
		slip = max(slip, l.Slip)
	}
	ago := min(max(lookEvery, slip), history.MaxSlip)
	return len(w.looks) > 0 && w.now()-w.looks[0].End() >= ago
}

// atSignal looks just before the signal, and counts what it sees as what the
// server has when it comes.
func (w *witness) atSignal() {
	if w == nil {
		return
	}
	w.look()
	w.told = true
	w.attack.Seal()
}

// follow looks just after the signal, and goes on looking until stop.
func (w *witness) follow() {
	if w == nil {
		return
	}
	w.look()
	w.done = make(chan struct{})
	go w.drain()
}

func (w *witness) drain() {
	defer close(w.done) // closed by the only goroutine that looks
	ticker := time.NewTicker(listenEvery)
	defer ticker.Stop()
	defer bug.Catch()
	for {
		select {
		case <-ticker.C:
		case <-w.quit:
			return
		}
		w.listen()
		if w.now() >= w.due {
			w.look()
			w.dismiss()
		}
	}
}

// dismiss closes the connections that were set aside, once they are all that is
// left where no client keeps any: a server may wait for them.
func (w *witness) dismiss() {
	now := w.now()
	switch {
	case !w.fresh:
	case len(w.open) > 0 || len(w.listening) > 0:
		w.quiet = 0
	case w.quiet == 0:
		w.quiet = now
	case now-w.quiet > idleOut:
		w.attack.Dismiss()
	}
}

// stop ends the looks. It may be called more than once.
func (w *witness) stop() {
	if w == nil || w.sockets == nil {
		return
	}
	close(w.quit) // closed once: sockets says so
	if w.done != nil {
		<-w.done
	}
	w.sockets.Close()
	w.sockets = nil
}

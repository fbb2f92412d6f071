package process

import "errors"

// Socket is the server's end of a connection, as the kernel shows it.
type Socket struct {
	State  uint8  // TCP's (include/net/tcp_states.h), 0: there is no such socket
	Inode  uint32 // 0: no process has it, so it waits in the accept queue or was closed
	Unread uint32 // bytes that have arrived and were not read
	Unsent uint32 // bytes that were written and not acknowledged by the client
	// Received is how many bytes have arrived since the connection began
	// (tcpi_bytes_received). Known is false where the kernel does not count them.
	Received uint64
	Known    bool
}

// The states of a socket that matter here.
const (
	StateEstablished = 1
	StateSynReceived = 3
	StateClose       = 7
	StateCloseWait   = 8
)

// Listener is a socket that listens.
type Listener struct {
	Inode  uint32
	Queued uint32 // connections in its accept queue
}

// There reports whether the kernel still has the socket.
func (s Socket) There() bool { return s.State != 0 }

// Queued reports whether the connection waits for a process to accept it.
func (s Socket) Queued() bool {
	return s.State == StateSynReceived || s.State == StateEstablished && s.Inode == 0
}

// Read is how many bytes the process has read since the connection began, if it
// is Known: our own FIN would count as one, so ask before there is one.
func (s Socket) Read() int64 { return int64(s.Received) - int64(s.Unread) }

// ErrNoWitness says that the kernel cannot be asked about the server's sockets.
var ErrNoWitness = errors.New("the kernel cannot be asked about the server's sockets")

package sweep

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// stampNext asks the kernel to note when it puts what is written next onto the network
// (Documentation/networking/timestamping.rst). A connect is not stamped. The stamp comes
// without the data, which would need a privilege on some machines, and without an
// SOF_TIMESTAMPING_OPT_ID, which a socket that is not connected yet is refused: one
// socket writes once. Where there are no stamps, the clock around the call has to do.
func (s *socket) stampNext() {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING,
		unix.SOF_TIMESTAMPING_TX_SOFTWARE|unix.SOF_TIMESTAMPING_SOFTWARE|unix.SOF_TIMESTAMPING_OPT_TSONLY)
}

// stampNoMore asks it to stop.
func (s *socket) stampNoMore() {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, 0)
}

// stampedLate takes out what came after stampNoMore, and returns whether anything did. It
// has no time any more, and the kernel may give the data with it.
func (s *socket) stampedLate() (late bool) {
	var control [256]byte
	for {
		if _, _, _, _, err := unix.Recvmsg(s.fd, nil, control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT); err != nil {
			return late
		}
		late = true
	}
}

// stamp returns the next stamp that is there, in nanoseconds of CLOCK_REALTIME, or 0.
// The kernel stamps the packet with the last byte of a write, within the write.
func (s *socket) stamp() int64 {
	var control [256]byte
	_, n, _, _, err := unix.Recvmsg(s.fd, nil, control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return 0
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPING {
			continue
		}
		var stamps unix.ScmTimestamping
		if _, err := binary.Decode(m.Data, binary.NativeEndian, &stamps); err == nil {
			return stamps.Ts[0].Nano()
		}
	}
	return 0
}

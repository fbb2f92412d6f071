package wire

import "golang.org/x/sys/unix"

// tcpState is the state of a socket (tcp(7), TCP_INFO).
func tcpState(fd int) uint8 {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	return info.State
}

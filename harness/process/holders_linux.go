package process

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// gopsutil's net.Connections names one process for each address. A socket that
// several hold, or several sockets of one address (SO_REUSEPORT), are what we
// come for, so /proc is read here.

// listeners returns the sockets of our network namespace that listen.
func listeners() ([]listener, error) {
	var all []listener
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) && path != "/proc/net/tcp" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		found, err := parseListeners(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// States of a socket in /proc/net/tcp (include/net/tcp_states.h).
const (
	tcpSynRecv = "03"
	tcpListen  = "0A"
)

// parseListeners reads /proc/net/tcp or tcp6 as far as it is about sockets that
// listen: they come first, and after them perhaps thousands of connections.
// (Kernels before 4.4 put half-open ones between them.)
func parseListeners(r io.Reader) ([]listener, error) {
	var found []listener
	lines := bufio.NewScanner(r)
	lines.Scan() // the head
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 10 {
			return nil, fmt.Errorf("%q is too short", lines.Bytes())
		}
		switch string(fields[3]) {
		case tcpListen:
		case tcpSynRecv:
			continue
		default:
			return found, nil
		}
		addr, err := parseAddress(fields[1])
		if err != nil {
			return nil, err
		}
		inode, err := strconv.ParseUint(string(fields[9]), 10, 64)
		if err != nil {
			return nil, err
		}
		found = append(found, listener{addr: addr, id: inode})
	}
	return found, lines.Err()
}

// parseAddress reads an address as in 0100007F:1F90: 32-bit words as they lie in
// memory, and the port.
func parseAddress(text []byte) (netip.AddrPort, error) {
	ip, port, _ := bytes.Cut(text, []byte(":"))
	words := make([]byte, hex.DecodedLen(len(ip)))
	n, err := strconv.ParseUint(string(port), 16, 16)
	if err == nil {
		_, err = hex.Decode(words, ip)
	}
	if err != nil || len(words)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address: %w", text, err)
	}
	for i := 0; i < len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	addr, ok := netip.AddrFromSlice(words)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", text)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}

// owners returns the processes that have one of the sockets open, as far as we
// may look into them.
func owners(sockets []listener) ([]int, error) {
	wanted := make(map[string]bool, len(sockets))
	for _, s := range sockets {
		wanted[fmt.Sprintf("socket:[%d]", s.id)] = true
	}
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && hasOpen("/proc/"+name+"/fd", wanted) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// hasOpen says whether one of the descriptors in the directory is a wanted one.
// It is relative to the directory and without an allocation for each: a machine
// can have tens of thousands.
func hasOpen(dir string, wanted map[string]bool) bool {
	fds, err := os.Open(dir)
	if err != nil {
		return false // it has gone, or is another user's
	}
	defer fds.Close()
	names, err := fds.Readdirnames(-1)
	if err != nil {
		return false // it goes just now
	}
	var target [64]byte // longer than any socket's
	at := int(fds.Fd())
	for _, name := range names {
		n, err := unix.Readlinkat(at, name, target[:])
		if err == nil && wanted[string(target[:n])] {
			return true
		}
	}
	return false
}

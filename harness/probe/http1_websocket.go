package probe

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// socketCases are about connections that are no longer HTTP.
func socketCases() []Case {
	return []Case{{
		ID: "http1/websocket", State: "upgraded to WebSocket, idle", Needs: []Need{needSocket},
		Requires:  "A WebSocket connection gets a close frame before it is closed, and does not delay the exit.",
		Reference: "RFC 6455 sections 5.5.1 and 7.1.5; kernel/kernel-images #296",
		Remedy:    "Keep a list of the WebSocket connections, and send the close frame 1001 on each at the signal (in Go they are hijacked connections, and Server.Shutdown does not know them).",
		Bugs:      []string{"B17"}, Rule: ruleInFlight, run: webSocket,
	}}
}

func webSocket(b *bench) (s Sighting, err error) {
	c, err := b.dial()
	if err != nil {
		return s, err
	}
	r, err := b.request(b.plan.Hints.Socket, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==") // of RFC 6455 section 1.3: it need not be secret
	if err != nil {
		return s, err
	}
	if err := c.write(r.text); err != nil {
		return s, err
	}
	if a, _ := c.head(r.method, b.soon(), nil); a.status != http.StatusSwitchingProtocols {
		return s, inapplicable("it is not a WebSocket: " + a.String())
	}
	if err := b.pause(breath / 2); err != nil { // until the server has it among its sockets
		return s, err
	}
	if err := b.signal(); err != nil {
		return s, err
	}
	_ = c.tcp.SetReadDeadline(b.signalled.Add(b.plan.Grace)) // a dead connection says so at the read
	code, err := c.closeFrame()
	seen := fmt.Sprintf("close frame %d", code)
	if err == nil {
		// An empty close frame, masked with zeros as a client must mask.
		_ = c.write("\x88\x80\x00\x00\x00\x00")
	} else {
		s.Lost, seen = 1, "no close frame, which a client reports as 1006: "+c.endOf(err).String()
	}
	end, err := b.awaitExit()
	if err != nil {
		return s, err
	}
	s.Reached, s.Of, s.Proof = true, 1, "the server had answered 101 Switching Protocols a while before"
	s.Bad, s.Seen = end.killed, seen+"; "+end.String()
	return s, nil
}

// The parts of a frame's head (RFC 6455 section 5.2).
const (
	opcodeMask   = 0x0f
	opcodeClose  = 0x8
	lengthMask   = 0x7f
	length16     = 126
	length64     = 127
	maskedBit    = 0x80
	noStatusCode = 1005 // of a close frame without one (RFC 6455 section 7.4.1)
)

// closeFrame reads frames until a close frame, and returns its status code.
func (c *conn) closeFrame() (code int, err error) {
	for {
		opcode, payload, err := c.frame()
		switch {
		case err != nil:
			return 0, err
		case opcode != opcodeClose:
			continue
		case len(payload) < 2:
			return noStatusCode, nil
		}
		return int(binary.BigEndian.Uint16(payload)), nil
	}
}

// frame reads one frame. Of a long payload it keeps the first bytes.
func (c *conn) frame() (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & lengthMask)
	wide := map[uint64]int{length16: 2, length64: 8}[size]
	if wide > 0 {
		var long [8]byte
		if _, err := io.ReadFull(c.in, long[8-wide:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if head[1]&maskedBit != 0 {
		size += 4 // a server must not mask, but its frames have an end also then
	}
	payload = make([]byte, min(size, bodyBegin))
	if _, err := io.ReadFull(c.in, payload); err != nil {
		return 0, nil, err
	}
	_, err = io.CopyN(io.Discard, c.in, int64(size-uint64(len(payload))))
	return head[0] & opcodeMask, payload, err
}

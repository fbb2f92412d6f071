package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestFateOf(t *testing.T) {
	tests := map[string]struct {
		err  error
		want Fate
	}{
		"EOF is FIN":                       {io.EOF, Finished},
		"FIN within a record of TLS":       {io.ErrUnexpectedEOF, Finished},
		"an alert of TLS":                  {&net.OpError{Op: "remote error", Err: errors.New("no")}, Broken},
		"what came is no record of TLS":    {tls.RecordHeaderError{}, Garbled},
		"our side of TLS gave up":          {&net.OpError{Op: "local error", Err: errors.New("no")}, Garbled},
		"our deadline":                     {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Overdue},
		"the kernel's retransmissions":     {os.NewSyscallError("read", syscall.ETIMEDOUT), Overdue},
		"closed by ourselves":              {&net.OpError{Op: "read", Err: net.ErrClosed}, Ours},
		"RST":                              {os.NewSyscallError("read", syscall.ECONNRESET), Broken},
		"a write after RST":                {os.NewSyscallError("write", syscall.EPIPE), Piped},
		"anything else ends a connection":  {os.NewSyscallError("read", syscall.EIO), Broken},
		"text that only reads like an EOF": {errors.New("EOF"), Broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fateOf(tt.err); got != tt.want {
				t.Errorf("fateOf(%v) = %d, want %d", tt.err, got, tt.want)
			}
		})
	}
}

// TestFateIsTheBestProof: reader and writer report the same end in any order.
func TestFateIsTheBestProof(t *testing.T) {
	late := os.ErrDeadlineExceeded
	tests := map[string]struct {
		errs []error
		want Fate
	}{
		"FIN, then our write meets the RST it drew": {[]error{io.EOF, syscall.EPIPE, net.ErrClosed}, Finished},
		"the writer is first to tell of it":         {[]error{syscall.EPIPE, io.EOF, net.ErrClosed}, Finished},
		"RST, and the writer gets the error":        {[]error{syscall.ECONNRESET, io.EOF}, Broken},
		"RST, but the reader is first to tell":      {[]error{io.EOF, syscall.ECONNRESET}, Broken},
		"nobody but the writer saw anything":        {[]error{syscall.EPIPE, net.ErrClosed}, Piped},
		"what follows our deadline is its echo":     {[]error{late, io.EOF, syscall.ECONNRESET}, Overdue},
		"what follows our close is its echo":        {[]error{net.ErrClosed, syscall.ECONNRESET, late}, Ours},
		"a deadline after the end changes nothing":  {[]error{io.EOF, late}, Finished},
		"what follows what was no TLS is its echo":  {[]error{tls.RecordHeaderError{}, io.EOF, late, net.ErrClosed}, Garbled},
		"what is no TLS after the end, neither":     {[]error{io.EOF, tls.RecordHeaderError{}}, Finished},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := new(Conn)
			for _, err := range tt.errs {
				c.note(err)
			}
			if got := c.Fate(); got != tt.want {
				t.Errorf("fate = %d, want %d", got, tt.want)
			}
		})
	}
}

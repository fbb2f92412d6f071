package targets

import (
	"net"
	"net/http"
)

// naive does nothing about signals, like most first drafts. The default action
// of SIGTERM is to end the process where it stands: every handler is cut off in
// the middle of its work, and everybody who was waiting is hung up on.
func naive(ln net.Listener, handler http.Handler) error {
	return http.Serve(ln, handler)
}

package targets

import (
	"net"
	"net/http"
)

// naive does nothing about signals, like most first drafts. The default action
// of SIGTERM is to end the process where it stands: every handler is cut off in
// the middle of its work, and everybody who was waiting is hung up on. What was
// acknowledged and not yet written goes with it.
func naive(ln net.Listener, app *App) error {
	return http.Serve(ln, app)
}

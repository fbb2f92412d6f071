package targets

import (
	"net"
	"net/http"
)

// naive does nothing about signals, like most first drafts. The default action of
// SIGTERM ends the process at once. Every handler is cut off in the middle of its
// work, and all requests in flight are dropped. Work that was acknowledged and not
// yet written is lost, too.
func naive(ln net.Listener, app *App) error {
	return http.Serve(ln, app)
}

package demo

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"
)

// keyHeader carries the key. A cookie would be sent to each port of the host (RFC 6265,
// section 8.5), and so to a server of another user.
const keyHeader = "X-Lastcall-Key"

// replyWithin bounds everything but the stream of events.
const replyWithin = 10 * time.Second

// NewKey returns a secret for one start.
func NewKey() string { return rand.Text() }

// guard lets through what comes from a page whose URL had the key:
//
//	Host    ── a name that leads here by DNS rebinding is refused
//	Origin  ── so is another site's page, whatever it asks for
//	the key ── and so is another user of this machine, who gets the empty page only
type guard struct {
	hosts []string // with the port
	key   string
	free  map[string]bool // the paths of the page and its parts, which tell nothing
	next  http.Handler
}

// newGuard puts a guard before a handler.
func newGuard(hosts []string, key string, next http.Handler) http.Handler {
	g := &guard{hosts: hosts, key: key, free: map[string]bool{"/": true}, next: next}
	for _, name := range assets() {
		g.free["/"+name] = true
	}
	return http.NewCrossOriginProtection().Handler(g)
}

// policy is what a page of ours may load: its own parts.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP checks and passes on.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	// Nothing here takes long, and nobody may hold a connection for nothing. That
	// fails only where a connection has no deadlines, as in a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(replyWithin))
	switch {
	case !g.ours(r.Host):
		http.Error(w, "this is not a name of this page", http.StatusMisdirectedRequest)
	case !g.sameOrigin(r):
		http.Error(w, "a page of another site may not request this", http.StatusForbidden)
	case g.free[r.URL.Path], g.matches(r.Header.Get(keyHeader)):
		g.next.ServeHTTP(w, r)
	default:
		http.Error(w, "open the URL that lastcall demo printed: it has a key in it", http.StatusForbidden)
	}
}

func (g *guard) ours(host string) bool {
	for _, h := range g.hosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

// sameOrigin refuses what a page of another origin asks for, reads included:
// CrossOriginProtection lets those pass.
func (g *guard) sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && !g.ours(strings.TrimPrefix(origin, "http://")) {
		return false
	}
	// A link to the page from elsewhere is a navigation.
	return r.Header.Get("Sec-Fetch-Site") != "cross-site" || r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// matches compares in constant time: how long it takes tells nothing of the key.
func (g *guard) matches(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(g.key)) == 1
}

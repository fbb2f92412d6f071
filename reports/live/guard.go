package live

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"time"
)

// keyHeader carries the key of a program; a browser has it in a cookie.
const keyHeader = "X-Lastcall-Key"

// replyWithin bounds everything but the stream of events.
const replyWithin = 10 * time.Second

// NewKey returns a secret for one start.
func NewKey() string { return rand.Text() }

// guard lets through what comes from whoever was given the URL:
//
//	Host    ── a name that leads here by DNS rebinding is refused
//	Origin  ── so is another site's page, whatever it asks for
//	the key ── and so is another user of this machine
type guard struct {
	hosts  []string // with the port
	key    string
	cookie string // its name: cookies of one host are shared by all its ports
	next   http.Handler
}

// newGuard puts a guard before a handler.
func newGuard(hosts []string, key string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(hosts[0]) // each has one
	g := &guard{hosts: hosts, key: key, cookie: "lastcall-" + port, next: next}
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
	head.Set("Referrer-Policy", "no-referrer") // the key is in the URL
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
	// Nothing here takes long, and nobody may hold a connection for nothing. That
	// fails only where a connection has no deadlines, as in a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(replyWithin))
	switch {
	case !g.ours(r.Host):
		http.Error(w, "this is no name of this page", http.StatusMisdirectedRequest)
	case !g.sameOrigin(r):
		http.Error(w, "another site's page may not ask for this", http.StatusForbidden)
	case g.fromURL(r):
		http.SetCookie(w, &http.Cookie{
			Name: g.cookie, Value: g.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		})
		g.next.ServeHTTP(w, r)
	case g.known(r):
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
	// A link to the page from elsewhere is a navigation, and the key is in it.
	return r.Header.Get("Sec-Fetch-Site") != "cross-site" || r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// fromURL reports whether the page itself is asked for with the key.
func (g *guard) fromURL(r *http.Request) bool {
	return r.URL.Path == "/" && g.matches(r.URL.Query().Get("key"))
}

func (g *guard) known(r *http.Request) bool {
	if g.matches(r.Header.Get(keyHeader)) {
		return true
	}
	cookie, err := r.Cookie(g.cookie)
	return err == nil && g.matches(cookie.Value)
}

// matches compares in constant time: how long it takes tells nothing of the key.
func (g *guard) matches(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(g.key)) == 1
}

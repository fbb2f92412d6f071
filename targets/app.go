package targets

import (
	"crypto/subtle"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudflare/tableflip"

	"lastcall/harness/ledger"
)

// App is a small, honest web service, and what it has that must be let go of
// when it stops. A right strategy does so in this order:
//
//	Streams  ── told to end: Shutdown would wait without end
//	Sockets  ── told to end: Shutdown does not know of them
//	the listener, and then the requests in flight: http.Server.Shutdown
//	Queue    ── flushed: its orders were acknowledged
//	Store    ── closed last: all the others need it
//
// The strategies differ only in how they do that, and in what they forget.
type App struct {
	Log     *slog.Logger
	Streams *Streams // answers without an end: /events
	Sockets *Sockets // WebSocket connections: /ws
	Queue   *Queue   // orders that are acknowledged and not written: /async
	Store   *Store   // orders that are written: /orders

	// Lag is how long a strategy that drains goes on serving before it closes
	// anything, while the news that it leaves spreads: EnvLag and a margin.
	Lag time.Duration
	// Upgrader hands the listener over to a successor. It is nil but for the
	// strategy handoff.
	Upgrader *tableflip.Upgrader

	// GivesUp ends a request whose context was cancelled before its work was done:
	// with 503, unless a strategy says otherwise.
	GivesUp http.HandlerFunc

	ledger  *ledger.Writer // nil: none is kept
	delay   time.Duration  // how long /work and /orders take when the request does not say
	leaving atomic.Bool    // /health is red
	closing atomic.Bool    // every answer says Connection: close
	routes  http.Handler
	key     string // that a request must bring, "" for none
}

// newApp returns a service that has opened nothing yet.
func newApp(log *slog.Logger, book *ledger.Writer, delay time.Duration) *App {
	a := &App{
		Log: log, Streams: newStreams(), Sockets: newSockets(),
		Store: &Store{pid: os.Getpid()}, GivesUp: saysAbandoned, ledger: book, delay: delay,
	}
	a.Queue = &Queue{
		write:   a.Store.Insert,
		written: func(o order) { a.note(o.id, ledger.Executed) },
		failed:  func(err error) { a.Log.Error("queue: the batch is tried again", "err", err) },
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/{$}", a.index)
	routes.HandleFunc("/health", a.health)
	routes.HandleFunc("/api/data", a.data)
	routes.HandleFunc("/work", a.work)
	routes.HandleFunc("POST /orders", a.orders)
	routes.HandleFunc("POST /async", a.async)
	routes.HandleFunc("POST /upload", a.upload)
	routes.HandleFunc("GET /stream", a.stream)
	routes.HandleFunc("GET /events", a.events)
	routes.HandleFunc("GET /ws", a.socket)
	a.routes = a.keepLedger(routes)
	return a
}

// Drain turns the readiness check red, so that balancers send no more, and says
// Connection: close with every answer from now on, so that clients come back on
// a new connection, to another server. It closes nothing.
func (a *App) Drain() {
	a.leaving.Store(true)
	a.Dismiss()
}

// Dismiss says Connection: close with every answer from now on.
func (a *App) Dismiss() { a.closing.Store(true) }

// ServeHTTP answers a request:
//
//	recover ── request log ── pid, Connection: close ── ledger ── routes
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if introduced(r) {
		return
	}
	started := time.Now()
	answer := &answer{ResponseWriter: w, app: a}
	answer.Header()["X-Lastcall-Pid"] = ownPID
	if a.key != "" && r.URL.Path != "/health" && subtle.ConstantTimeCompare([]byte(r.Header.Get(HeaderKey)), []byte(a.key)) != 1 {
		http.Error(answer, "this server answers the page's own load only", http.StatusForbidden)
		return
	}
	defer a.recovered(answer, r)
	a.routes.ServeHTTP(answer, r)
	if a.Log.Enabled(r.Context(), slog.LevelInfo) {
		a.Log.Info("request", "method", r.Method, "path", r.URL.Path, "status", answer.status,
			"took", time.Since(started).Round(time.Microsecond).String())
	}
}

// ownPID is in every answer: behind a hand-over it tells who gave it.
var ownPID = []string{strconv.Itoa(os.Getpid())}

// recovered answers 500 for a handler that panics, so that one bad request does
// not look like a lost one. A deliberate abort goes through, and an answer that
// has begun is cut: it must not look whole.
func (a *App) recovered(w *answer, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http, too, wants this very value
		panic(p)
	}
	a.Log.Error("handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "internal error"})
}

// answer remembers the status for the log, and makes the answer say that it is
// the last one on its connection.
type answer struct {
	http.ResponseWriter
	app    *App
	status int // 0 until the head of the answer is written
}

// WriteHeader notes the status and passes it on. The head is the last moment at
// which the answer to a request that came before the signal can tell of it.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
		if w.app.closing.Load() && status != http.StatusSwitchingProtocols {
			w.Header().Set("Connection", "close") // RFC 9112 section 9.6
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes the head first, as the interface demands.
func (w *answer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// keepLedger records that a request was received and that its handler
// returned. What lies between, the effect, the handler records itself.
func (a *App) keepLedger(next http.Handler) http.Handler {
	if a.ledger == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.record(r, ledger.Received)
		next.ServeHTTP(w, r)
		a.record(r, ledger.Answered)
	})
}

func (a *App) executed(r *http.Request) { a.record(r, ledger.Executed) }

func (a *App) record(r *http.Request, fact string) {
	if id := r.Header.Get(ledger.HeaderID); validID(id) {
		a.note(id, fact)
	}
}

// note writes one line of the ledger, if there is one. A ledger that cannot be
// written is nothing to a client.
func (a *App) note(id, fact string) {
	if a.ledger == nil {
		return
	}
	if err := a.ledger.Append(id, fact); err != nil {
		a.Log.Error("ledger", "id", id, "err", err)
	}
}

// maxID is how long an id may be, in bytes.
const maxID = 200

// validID refuses an id that would break a line of the ledger.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

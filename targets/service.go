package targets

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"lastcall/harness/ledger"
)

// The bounds of what a request may ask of /work.
const (
	maxDelay = 10 * time.Minute
	maxSize  = 16 << 20 // bytes
)

// Service is a small, honest web service. The strategies differ only in how
// they stop it.
type Service struct {
	Log    *slog.Logger   // must not be nil
	Ledger *ledger.Writer // nil: no ledger is kept
	Delay  time.Duration  // how long /work takes when the request does not say
}

// Handler returns the service behind its middleware:
//
//	recover ── request log ── ledger ── pid ── routes
func (s *Service) Handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/{$}", s.index)
	routes.HandleFunc("/health", s.health)
	routes.HandleFunc("/api/data", s.data)
	routes.HandleFunc("/work", s.work)
	return s.recoverPanics(s.logRequests(s.keepLedger(stampPID(routes))))
}

func (s *Service) index(w http.ResponseWriter, r *http.Request) {
	s.executed(r)
	writeJSON(w, http.StatusOK, map[string]any{
		"service": "lastcall sample",
		"routes":  []string{"/", "/health", "/api/data", "/work?delay=100ms&size=1024&status=200"},
	})
}

// health is the readiness check.
func (s *Service) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok"})
}

func (s *Service) data(w http.ResponseWriter, r *http.Request) {
	type item struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	s.executed(r)
	writeJSON(w, http.StatusOK, map[string]any{
		"items": []item{{1, "bitter"}, {2, "stout"}, {3, "cider"}},
	})
}

// work takes delay, then answers status with size bytes. It gives up with 503
// when the request's context ends first, as a handler does whose database
// query was cancelled.
func (s *Service) work(w http.ResponseWriter, r *http.Request) {
	order, problem := s.parseWork(r)
	if problem != "" {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": problem})
		return
	}
	timer := time.NewTimer(order.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"error": "work abandoned: " + r.Context().Err().Error()})
		return
	}
	s.executed(r)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(order.size))
	w.WriteHeader(order.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(strings.Repeat("x", order.size))) // the client may be gone: nobody to tell
	}
}

type workOrder struct {
	delay  time.Duration
	size   int
	status int
}

// parseWork reads what the request asks for. The problem is "" if it is fine.
func (s *Service) parseWork(r *http.Request) (order workOrder, problem string) {
	order = workOrder{delay: s.Delay, size: 64, status: http.StatusOK}
	query := r.URL.Query()
	var err error
	if v := query.Get("delay"); v != "" {
		if order.delay, err = time.ParseDuration(v); err != nil || order.delay < 0 || order.delay > maxDelay {
			return order, "delay must be a duration from 0s to " + maxDelay.String()
		}
	}
	if v := query.Get("size"); v != "" {
		if order.size, err = strconv.Atoi(v); err != nil || order.size < 0 || order.size > maxSize {
			return order, "size must be from 0 to " + strconv.Itoa(maxSize) + " bytes"
		}
	}
	if v := query.Get("status"); v != "" {
		if order.status, err = strconv.Atoi(v); err != nil || order.status < 200 || order.status > 599 {
			return order, "status must be from 200 to 599"
		}
	}
	switch order.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		order.size = 0 // these have no body: RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5
	}
	return order, ""
}

// recoverPanics answers 500 for a handler that panics, so that one bad request
// does not look like a lost one. A deliberate abort goes through.
func (s *Service) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.Log.Error("handler panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "internal error"})
		}()
		next.ServeHTTP(w, r)
	})
}

func (s *Service) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Log.Enabled(r.Context(), slog.LevelInfo) {
			next.ServeHTTP(w, r)
			return
		}
		started := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.Log.Info("request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"took", time.Since(started).Round(time.Microsecond).String())
	})
}

// keepLedger records that a request was received and that its handler
// returned. What lies between, the effect, the handler records itself.
func (s *Service) keepLedger(next http.Handler) http.Handler {
	if s.Ledger == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.record(r, ledger.Received)
		next.ServeHTTP(w, r)
		s.record(r, ledger.Answered)
	})
}

func (s *Service) executed(r *http.Request) { s.record(r, ledger.Executed) }

func (s *Service) record(r *http.Request, fact string) {
	id := r.Header.Get(ledger.HeaderID)
	if s.Ledger == nil || id == "" || strings.ContainsAny(id, " \n") {
		return
	}
	if err := s.Ledger.Append(id, fact); err != nil {
		s.Log.Error("ledger", "id", id, "err", err)
	}
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// stampPID puts the process into every answer: behind a hand-over it tells who
// gave it.
func stampPID(next http.Handler) http.Handler {
	pid := strconv.Itoa(os.Getpid())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Lastcall-Pid", pid)
		next.ServeHTTP(w, r)
	})
}

// writeJSON answers with a Content-Length, so that a cut answer can be told
// from a whole one.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // it is read in terminals: & and not \u0026
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString("{\"error\":\"internal error\"}\n")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client may be gone: nobody to tell
}

package targets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The bounds of what a request may ask of /work.
const (
	maxDelay = 10 * time.Minute
	maxSize  = 16 << 20 // bytes
)

func (a *App) index(w http.ResponseWriter, r *http.Request) {
	a.executed(r)
	writeJSON(w, http.StatusOK, map[string]any{
		"service": "lastcall sample",
		"routes": []string{
			"/", "/health", "/api/data", "/work?delay=100ms&size=1024&status=200&detached=0",
			"POST /orders?delay=100ms", "POST /async?delay=0s", "POST /upload",
			"/stream?chunks=10&every=100ms&size=0", "/events?every=1s", "/ws",
		},
	})
}

// health is the readiness check.
func (a *App) health(w http.ResponseWriter, _ *http.Request) {
	if a.leaving.Load() {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "draining"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok"})
}

func (a *App) data(w http.ResponseWriter, r *http.Request) {
	type item struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	a.executed(r)
	writeJSON(w, http.StatusOK, map[string]any{
		"items": []item{{1, "bitter"}, {2, "stout"}, {3, "cider"}},
	})
}

// work takes delay, then answers status with size bytes. It gives up with 503
// when the request's context ends first, as a handler does whose database
// query was cancelled. With detached=1 it does not look: net/http ends the context
// also where a client has only closed its side of the connection (FIN).
func (a *App) work(w http.ResponseWriter, r *http.Request) {
	order, problem := a.parseWork(r)
	if problem != "" {
		badRequest(w, problem)
		return
	}
	heeds := r
	if order.detached {
		heeds = r.WithContext(context.WithoutCancel(r.Context()))
	}
	if !a.labour(w, heeds, order.delay) {
		return
	}
	a.executed(r)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(order.size))
	w.WriteHeader(order.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(strings.Repeat("x", order.size))) // the client may be gone: there is no reader of an error
	}
}

// labour takes its time. If the request's context ends first, it gives up, which
// is 503 unless the strategy has another idea, and returns false.
func (a *App) labour(w http.ResponseWriter, r *http.Request, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		a.GivesUp(w, r)
		return false
	}
}

// saysAbandoned answers 503, as a handler should that gives up.
func saysAbandoned(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusServiceUnavailable, map[string]any{"error": "work abandoned: " + r.Context().Err().Error()})
}

type workOrder struct {
	delay    time.Duration
	size     int
	status   int
	detached bool // from the request's context
}

// parseWork reads what the request asks for. The problem is "" if it is fine.
func (a *App) parseWork(r *http.Request) (order workOrder, problem string) {
	query := r.URL.Query()
	if order.delay, problem = durationIn(query, "delay", a.delay, 0, maxDelay); problem != "" {
		return order, problem
	}
	if order.size, problem = numberIn(query, "size", 64, 0, maxSize, " bytes"); problem != "" {
		return order, problem
	}
	if order.status, problem = numberIn(query, "status", http.StatusOK, 200, 599, ""); problem != "" {
		return order, problem
	}
	detached, problem := numberIn(query, "detached", 0, 0, 1, "")
	if order.detached = detached == 1; problem != "" {
		return order, problem
	}
	switch order.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		order.size = 0 // these have no body: RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5
	}
	return order, ""
}

// durationIn reads a parameter that is a duration. The problem is "" if it is
// within its bounds, or missing.
func durationIn(query url.Values, name string, preset, least, most time.Duration) (d time.Duration, problem string) {
	text := query.Get(name)
	if text == "" {
		return preset, ""
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		return preset, fmt.Sprintf("%s must be a duration from %s to %s", name, least, most)
	}
	return d, ""
}

// numberIn reads a parameter that is a whole number, as durationIn does.
func numberIn(query url.Values, name string, preset, least, most int, unit string) (n int, problem string) {
	text := query.Get(name)
	if text == "" {
		return preset, ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return preset, fmt.Sprintf("%s must be from %d to %d%s", name, least, most, unit)
	}
	return n, ""
}

func badRequest(w http.ResponseWriter, problem string) {
	writeJSON(w, http.StatusBadRequest, map[string]any{"error": problem})
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
	_, _ = w.Write(body.Bytes()) // the client may be gone: there is no reader of an error
}

package targets

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"lastcall/harness/ledger"
)

const (
	// maxOrderBody is how long the body of an order may be, in bytes.
	maxOrderBody = 4 << 10
	// storePatience bounds a write inside a request, the wait for its turn
	// included.
	storePatience = 3 * time.Second
)

// orders writes one row inside the request and answers 201 when it is
// committed.
func (a *App) orders(w http.ResponseWriter, r *http.Request) {
	o, ok := a.takeOrder(w, r, a.delay)
	if !ok {
		return
	}
	// Once it has begun the write goes on, whatever becomes of the request: an
	// answer must be the truth about the row.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storePatience)
	defer cancel()
	if err := a.Store.Insert(ctx, o); err != nil {
		a.Log.Error("order not stored", "id", o.id, "err", err)
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "the order was not stored"})
		return
	}
	a.note(o.id, ledger.Executed)
	writeJSON(w, http.StatusCreated, map[string]any{"id": o.id})
}

// async acknowledges an order with 202 while it is only in memory. The promise
// is kept later, by the queue's writer.
func (a *App) async(w http.ResponseWriter, r *http.Request) {
	o, ok := a.takeOrder(w, r, 0)
	if !ok {
		return
	}
	if err := a.Queue.Add(o); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"error": err.Error()})
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]any{"id": o.id})
}

// takeOrder reads an order and takes the time that the request asks for, as
// /work does. If it returns false, the request is answered.
func (a *App) takeOrder(w http.ResponseWriter, r *http.Request, delay time.Duration) (o order, ok bool) {
	delay, problem := durationIn(r.URL.Query(), "delay", delay, 0, maxDelay)
	if problem == "" {
		o, problem = parseOrder(w, r)
	}
	if problem != "" {
		badRequest(w, problem)
		return o, false
	}
	return o, a.labour(w, r, delay)
}

// parseOrder reads the body, {"item":"stout"}. The id is the request's, or a
// new one if it has none.
func parseOrder(w http.ResponseWriter, r *http.Request) (o order, problem string) {
	var body struct {
		Item string `json:"item"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrderBody)).Decode(&body)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return o, fmt.Sprintf("the body must be at most %d bytes", maxOrderBody)
	}
	if err != nil || body.Item == "" {
		return o, `the body must be a JSON object with an item, as in {"item":"stout"}`
	}
	o = order{id: r.Header.Get(ledger.HeaderID), item: body.Item}
	if !validID(o.id) {
		o.id = "own-" + rand.Text()
	}
	return o, ""
}

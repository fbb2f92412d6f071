package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"lastcall/internal/bug"
)

// Server shows a board, and lets viewers drive the stage.
type Server struct {
	stage      Stage
	board      *Board
	texts      Texts
	key        string
	hosts      []string
	strategies []Strategy
}

// NewServer returns a server for the listener's address, on which it does not
// serve yet.
func NewServer(stage Stage, board *Board, texts Texts, ln net.Listener) *Server {
	own := ln.Addr().String()
	_, port, _ := net.SplitHostPort(own) // a listener's address has a port
	return &Server{
		stage: stage, board: board, texts: texts, key: NewKey(), strategies: stage.Strategies(),
		hosts: []string{own, net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("localhost", port), net.JoinHostPort("::1", port)},
	}
}

// URL is where the page is, with the key. A browser sends no fragment to a server: the
// page reads it, and keeps the key in what is of this origin only.
func (s *Server) URL(ln net.Listener) string {
	return "http://" + ln.Addr().String() + "/#key=" + s.key
}

// Handler is all that can be asked for.
func (s *Server) Handler() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", s.page)
	routes.HandleFunc("GET /events", s.events)
	routes.HandleFunc("GET /source/{name}", s.source)
	routes.HandleFunc("POST /settings", s.apply)
	routes.HandleFunc("POST /deploy", s.deploy)
	routes.HandleFunc("POST /signal", s.signal)
	for _, name := range assets() {
		routes.HandleFunc("GET /"+name, asset(name))
	}
	return newGuard(s.hosts, s.key, routes)
}

const (
	headWithin = 5 * time.Second
	idleWithin = time.Minute
	maxHead    = 16 << 10 // bytes
	maxBody    = 4 << 10  // bytes
	leaveTime  = 2 * time.Second
)

// Serve serves until the context ends, and closes the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headWithin, ReadTimeout: replyWithin, IdleTimeout: idleWithin, MaxHeaderBytes: maxHead,
		ErrorLog:    log.New(io.Discard, "", 0), // what a client does wrong is its own affair
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.board.Run(ctx)
	failed := make(chan error, 1) // buffered: after the end of the context there is no reader
	go func() {
		defer bug.Catch()
		failed <- server.Serve(ln)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	// The streams of events have seen the context end; the others have a moment.
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := server.Shutdown(bound); err != nil {
		return server.Close()
	}
	return nil
}

// apply takes other settings.
func (s *Server) apply(w http.ResponseWriter, r *http.Request) {
	var settings Settings
	if !read(w, r, &settings) {
		return
	}
	if err := settings.Validate(s.strategies); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	answer(w, s.stage.Apply(settings))
}

func (s *Server) deploy(w http.ResponseWriter, _ *http.Request) { answer(w, s.stage.Deploy()) }

// signal sends one more signal.
func (s *Server) signal(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Signal string `json:"signal"`
	}
	if !read(w, r, &order) {
		return
	}
	if err := listed("signal", order.Signal, Extras()); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	answer(w, s.stage.Send(order.Signal))
}

// source answers with the pieces of a strategy's source.
func (s *Server) source(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.strategies, func(k Strategy) bool { return k.Name == r.PathValue("name") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.strategies[i].Source) // who asked may be gone
}

// read reads a small JSON object that must be as expected. If it is not, the
// request is answered.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is something after the object")
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// answer says how it went.
func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, ErrNotNow):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

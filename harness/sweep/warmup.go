package sweep

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"lastcall/harness/history"
	"lastcall/harness/load"
	"lastcall/internal/bug"
)

// errKeepsNone is why there can be no reused connections.
var errKeepsNone = errors.New("the server keeps no connection open: sweep --connections fresh only")

// warm has the server answer a few requests, plans by how long that took, and opens
// everything that is open before the first one that counts. All of it together has as long as one answer.
func (s *shutdown) warm(ctx context.Context) error {
	bound := s.plan.Scenario.Load.Timeout.Duration
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("the server was not warm within %s (--timeout): use a faster endpoint, or send fewer at a time (--per-step 0.2)", bound))
	defer cancel()
	began := time.Now()
	for range warmUps {
		asked := time.Now()
		conn, err := s.served(ctx)
		if err != nil {
			return err
		}
		conn.Close()
		if took := time.Since(asked); s.history.Sweep.Answered == 0 || took < s.history.Sweep.Answered {
			s.history.Sweep.Answered = took
		}
		if time.Since(began) > warmEnough {
			break
		}
	}
	n := thinned(s.plan.connections(s.history.Sweep.Answered), s.weights)
	s.shots = s.plan.shots(s.history.Header.Shutdown, n, s.lane, s.weights)
	s.history.Scheduled = n
	err := s.writeRequests()
	if err != nil {
		return err
	}
	if s.pilot, err = s.newPilot(); err != nil {
		return err
	}
	together := 1
	if s.history.Sweep.Answered > slowAnswer {
		together = slowTogether
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	for _, shot := range append(slices.Clone(s.shots), s.pilot) {
		group.Go(func() error {
			defer bug.Catch()
			return s.open(ctx, shot)
		})
	}
	return group.Wait()
}

// open makes what a shot has before the first one is sent.
func (s *shutdown) open(ctx context.Context, shot *shot) (err error) {
	if shot.lane == fresh {
		if shot.socket, err = openSocket(s.server.Endpoint().Address); err != nil {
			return err
		}
		shot.socket.stampNext()
		return nil
	}
	conn, err := s.served(ctx)
	if err != nil {
		return err
	}
	if shot.socket, err = takeSocket(conn); err != nil {
		return err
	}
	shot.socket.stampNext()
	shot.record.Connected, shot.record.Reused = s.now(), true
	return nil
}

// served returns a connection that has served one request, which no ledger knows,
// and is idle.
func (s *shutdown) served(ctx context.Context) (*net.TCPConn, error) {
	text, err := render(s.target, "")
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.server.Endpoint().Address)
	if err != nil {
		return nil, fmt.Errorf("connect before the signal: %w", err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("connect before the signal: a %T is not of TCP", conn)
	}
	if err := ask(ctx, tcp, s.target.Method, text, s.lane == reused); err != nil {
		conn.Close()
		return nil, fmt.Errorf("a request before the signal: %w", err)
	}
	return tcp, nil
}

// ask has a connection serve one request, after which it may have to be kept.
func ask(ctx context.Context, conn *net.TCPConn, method string, request []byte, kept bool) (err error) {
	// An answer that does not come is cut off by the context's end.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // which says more than that a deadline was exceeded
		}
	}()
	if _, err := conn.Write(request); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	switch outcome := (load.Expect{}).Outcome(resp.StatusCode); {
	case outcome != history.Completed:
		return fmt.Errorf("it was answered %s: use an endpoint that answers 2xx", resp.Status)
	case kept && resp.Close:
		return errKeepsNone
	case in.Buffered() > 0:
		return errors.New("more bytes followed the answer")
	}
	return nil
}

package sweep

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"lastcall/harness/history"
	"lastcall/harness/load"
)

// served returns a connection that has served one request, which no ledger knows,
// and is idle.
func (s *shutdown) served(ctx context.Context) (*net.TCPConn, error) {
	text, err := render(s.target, "")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.plan.Scenario.Load.Timeout.Duration)
	defer cancel()
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
func ask(ctx context.Context, conn *net.TCPConn, method string, request []byte, kept bool) error {
	// An answer that does not come is cut off by the context's end.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
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
		return fmt.Errorf("it was answered %s: ask for something that is answered 2xx", resp.Status)
	case kept && resp.Close:
		return errors.New("the server keeps no connection open: sweep --connections fresh only")
	case in.Buffered() > 0:
		return errors.New("something followed the answer")
	}
	return nil
}

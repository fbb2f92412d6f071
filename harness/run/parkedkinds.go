package run

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"lastcall/harness/history"
	"lastcall/harness/scenario"
	"lastcall/harness/subject"
)

// parkingClient asks at the endpoint and nowhere else, on a new connection each
// time: none is ever reused, so that net/http repeats nothing. It does not say
// Connection: close, which would change what a server does.
func parkingClient(e subject.Endpoint) *http.Client {
	transport := subject.Pinned(e.Address, e.TLS)
	transport.MaxIdleConnsPerHost = -1 // no pool
	transport.DisableCompression = true
	transport.ResponseHeaderTimeout, transport.TLSHandshakeTimeout = parkBound, parkBound
	return subject.Direct(transport)
}

// open opens a connection as it is wanted.
func (p *parking) open(ctx context.Context, wanted scenario.Park) (connection, error) {
	if wanted.Kind == scenario.Silent {
		return p.openSilent(ctx)
	}
	url, err := subject.At(p.endpoint, wanted.URL)
	if err != nil {
		return nil, err
	}
	header := make(http.Header)
	for name, value := range wanted.Header {
		header.Set(name, value)
	}
	switch wanted.Kind {
	case scenario.Idle:
		return p.openIdle(ctx, url, header)
	case scenario.WebSocket:
		return p.openWebSocket(ctx, url, header)
	}
	return p.openEvents(ctx, url, header)
}

// quiet is a connection on which nothing is asked, or nothing is asked any more.
type quiet struct{ net.Conn }

func (p *parking) openSilent(ctx context.Context) (connection, error) {
	dialer := net.Dialer{Timeout: parkBound}
	conn, err := dialer.DialContext(ctx, "tcp", p.endpoint.Address)
	if err != nil {
		return nil, err
	}
	return quiet{conn}, nil
}

// openIdle asks once. The request has no id: no ledger and no store is to take it
// for one of the load's.
func (p *parking) openIdle(ctx context.Context, url string, header http.Header) (connection, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.ReplaceAll(url, scenario.IDMark, noID), nil)
	if err != nil {
		return nil, err
	}
	req.Header, req.Host = header, cmp.Or(header.Get("Host"), req.URL.Host)
	dialer := net.Dialer{Timeout: parkBound}
	conn, err := dialer.DialContext(ctx, "tcp", p.endpoint.Address)
	if err != nil {
		return nil, err
	}
	if p.endpoint.TLS != nil {
		conn = tls.Client(conn, p.secure())
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := exchange(conn, req); err != nil {
		conn.Close()
		return nil, innermost(err)
	}
	return quiet{conn}, nil
}

// noID stands for {id} in a URL that is asked for without one.
const noID = "parked"

// secure is how a connection speaks HTTP/1.1 over TLS.
func (p *parking) secure() *tls.Config {
	secure := p.endpoint.TLS.Clone()
	secure.NextProtos = nil
	if secure.ServerName == "" {
		secure.ServerName = p.endpoint.URL.Hostname()
	}
	return secure
}

// exchange sends a request and reads the whole answer, whatever its status. The
// error says why, too, if the connection does not persist after it (RFC 9112
// section 9.3).
func exchange(conn net.Conn, req *http.Request) error {
	_ = conn.SetDeadline(time.Now().Add(parkBound)) // it cannot fail on a connection that is open, and reading tells of any other
	if err := req.Write(conn); err != nil {
		return err
	}
	reader := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(reader, req)
		if err != nil {
			return err
		}
		if resp.StatusCode/100 == 1 { // the answer is still to come
			continue
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if resp.Close {
			return fmt.Errorf("answered %d with Connection: close, or without a length", resp.StatusCode)
		}
		return conn.SetDeadline(time.Time{})
	}
}

// await takes any end for a clean one: there was nothing to be finished.
func (q quiet) await(ctx context.Context) history.Parked {
	stop := context.AfterFunc(ctx, q.close)
	defer stop()
	_, _ = io.Copy(io.Discard, q.Conn) // what a server says before it hangs up, such as 408, does not matter
	return history.Parked{Clean: true}
}

func (q quiet) close() { q.Conn.Close() }

// socket is a websocket.
type socket struct{ *websocket.Conn }

func (p *parking) openWebSocket(ctx context.Context, url string, header http.Header) (connection, error) {
	options := &websocket.DialOptions{HTTPClient: p.client, HTTPHeader: header, Host: header.Get("Host")}
	if offered := header.Get(scenario.Subprotocols); offered != "" { // the library refuses an answer that it has not offered itself
		header.Del(scenario.Subprotocols)
		options.Subprotocols = strings.FieldsFunc(offered, func(r rune) bool { return r == ',' || r == ' ' })
	}
	conn, resp, err := websocket.Dial(ctx, url, options)
	switch {
	case err == nil:
		conn.SetReadLimit(-1) // what the server sends is read and thrown away
		return socket{conn}, nil
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, answered(resp)
	}
	return nil, innermost(err)
}

// await reads until a close frame comes, which is a clean end (RFC 6455 section
// 7.1.1), or the connection ends without one.
func (s socket) await(ctx context.Context) history.Parked {
	for {
		_, message, err := s.Reader(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err == nil {
			continue
		}
		if code := websocket.CloseStatus(err); code >= 0 {
			return history.Parked{Clean: true, Code: int(code)}
		}
		return history.Parked{Code: history.NoCloseFrame, Error: innermost(err).Error()}
	}
}

func (s socket) close() { _ = s.CloseNow() } // there is no caller for an error

// events is an answer that goes on and on.
type events struct{ io.ReadCloser }

func (p *parking) openEvents(ctx context.Context, url string, header http.Header) (connection, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	req.Host = header.Get("Host") // "": that of the URL
	resp, err := p.client.Do(req)
	switch {
	case err != nil:
		return nil, scenario.UnwrapURL(err)
	case resp.StatusCode/100 != 2:
		err = answered(resp)
	case resp.ContentLength < 0 && len(resp.TransferEncoding) == 0:
		err = errors.New("answers without chunks, so its end looks like a cut")
	default:
		return events{resp.Body}, nil
	}
	resp.Body.Close()
	return nil, err
}

// await reads to the last chunk, which is a clean end (RFC 9112 section 8), or
// until the connection ends without one.
func (e events) await(context.Context) history.Parked { // the request has the context already
	if _, err := io.Copy(io.Discard, e); err != nil {
		return history.Parked{Error: innermost(err).Error()}
	}
	return history.Parked{Clean: true}
}

func (e events) close() { e.Close() }

func answered(resp *http.Response) error { return fmt.Errorf("answered %d", resp.StatusCode) }

// innermost is an error without what was told of the way to it: the URL, the
// library, the addresses.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/coder/websocket"

	"lastcall/harness/history"
)

// parkingClient asks at the endpoint and nowhere else, on a new connection each
// time: none is ever reused, so that net/http repeats nothing. It does not say
// Connection: close, which would change what a server does.
func parkingClient(e Endpoint) *http.Client {
	transport := pinned(e.Address, e.TLS)
	transport.MaxIdleConnsPerHost = -1 // no pool
	transport.DisableCompression = true
	transport.ResponseHeaderTimeout, transport.TLSHandshakeTimeout = parkBound, parkBound
	return direct(transport)
}

// open opens a connection as it is wanted.
func (p *parking) open(ctx context.Context, wanted history.Park) (connection, error) {
	if wanted.Kind == history.Silent {
		return p.openSilent(ctx)
	}
	url, err := at(p.endpoint, wanted.URL)
	if err != nil {
		return nil, err
	}
	header := make(http.Header)
	for name, value := range wanted.Header {
		header.Set(name, value)
	}
	if wanted.Kind == history.WebSocket {
		return p.openWebSocket(ctx, url, header)
	}
	return p.openEvents(ctx, url, header)
}

// silent is a TCP connection on which we never send a byte.
type silent struct{ net.Conn }

func (p *parking) openSilent(ctx context.Context) (connection, error) {
	dialer := net.Dialer{Timeout: parkBound}
	conn, err := dialer.DialContext(ctx, "tcp", p.endpoint.Address)
	if err != nil {
		return nil, err
	}
	return silent{conn}, nil
}

// await takes any end for a clean one: there was nothing to be finished.
func (s silent) await(ctx context.Context) history.Parked {
	stop := context.AfterFunc(ctx, s.close)
	defer stop()
	_, _ = io.Copy(io.Discard, s.Conn) // what a server says before it hangs up, such as 408, does not matter
	return history.Parked{Clean: true}
}

func (s silent) close() { s.Conn.Close() }

// socket is a websocket.
type socket struct{ *websocket.Conn }

func (p *parking) openWebSocket(ctx context.Context, url string, header http.Header) (connection, error) {
	options := &websocket.DialOptions{HTTPClient: p.client, HTTPHeader: header, Host: header.Get("Host")}
	if offered := header.Get(subprotocols); offered != "" { // the library refuses an answer that it has not offered itself
		header.Del(subprotocols)
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

func (s socket) close() { _ = s.CloseNow() } // there is nobody left to tell

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
		return nil, unwrapURL(err)
	case resp.StatusCode/100 != 2:
		err = answered(resp)
	case resp.ContentLength < 0 && len(resp.TransferEncoding) == 0:
		err = errors.New("answers without chunks, so that its end cannot be told from a cut")
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

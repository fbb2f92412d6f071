package subject

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"lastcall/harness/process"
	"lastcall/harness/scenario"
)

// A front is a proxy that stays up while the command behind it is started and told
// to stop: nginx before php-fpm, or whatever else relays. It listens at the URL, and
// the command elsewhere. So it is the front that is asked, and the command that gets
// the signal; and the process that listens at the URL says nothing of the command.

// gatewayStatus reports whether an answer says that a front has nobody to relay to
// (RFC 9110 sections 15.6.3 to 15.6.5).
func gatewayStatus(status int) bool {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// frontOf returns the process that listens at the place as a front, "" if nobody
// listens there. One that was not announced is taken for a front if it answers that
// it has nobody to relay to, as long as the command is not started: of any other the
// load would go to a server that is not stopped, and it is refused.
func frontOf(ctx context.Context, s scenario.Subject, p place) (string, error) {
	address := ""
	for _, a := range p.addresses {
		if process.PortTaken(a) {
			address = a
			break
		}
	}
	if address == "" {
		if s.Front {
			return "", fmt.Errorf("no process listens at %s: start the front before the command (--front)", p.addresses[0])
		}
		return "", nil
	}
	who := "another process"
	if holders, err := process.Holders(address); err == nil && len(holders) > 0 {
		who = fmt.Sprintf("%q (PID %d)", holders[0].Name, holders[0].PID)
	}
	if s.Front {
		return who, nil
	}
	status, err := askFront(ctx, Endpoint{Address: address, URL: p.url, TLS: p.tls})
	if err == nil && gatewayStatus(status) {
		return who, nil
	}
	return "", fmt.Errorf("%s is already in use by %s: stop that process, let lastcall choose a free port (%s in the URL), "+
		"or say that it is a proxy in front of the command (--front)", address, who, scenario.PortMark)
}

// askFront returns the status of the answer to one request.
func askFront(ctx context.Context, e Endpoint) (status int, err error) {
	transport := Pinned(e.Address, e.TLS)
	transport.DisableKeepAlives = true
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL.String(), nil)
	if err != nil {
		return 0, fmt.Errorf("ask the front: %w", err)
	}
	resp, err := Direct(transport).Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask the front: %w", err)
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// relays asks whether the front has a command to relay to.
func (s *endpointState) relays(ctx context.Context, e Endpoint) error {
	status, err := askFront(ctx, e)
	if err == nil && gatewayStatus(status) {
		return fmt.Errorf("the front %s answers %d %s: it does not reach the command", s.front, status, http.StatusText(status))
	}
	return err
}

// checkFront refuses a front whose port nobody knows, and a command that would be
// told to listen on it.
func checkFront(s scenario.Subject) error {
	if !s.Front {
		return nil
	}
	if s.URL == "" || strings.Contains(s.URL, scenario.PortMark) {
		return &scenario.Invalid{Field: "subject.front", Problem: "needs the URL of the front, with its port, as in http://127.0.0.1:8080/"}
	}
	for i, word := range s.Command {
		if strings.Contains(word, scenario.PortMark) {
			return &scenario.Invalid{Field: "subject.command[" + strconv.Itoa(i) + "]", Problem: fmt.Sprintf("has %s, which is the front's: name the port of the command itself", scenario.PortMark)}
		}
	}
	return nil
}

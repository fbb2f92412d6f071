package targets

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestEveryStrategySpeaksHTTP2WhenAsked: without a line about it in any of their
// files, on the port of HTTP/1, and both at once. Without being asked none does.
func TestEveryStrategySpeaksHTTP2WhenAsked(t *testing.T) {
	t.Parallel()
	for _, strategy := range All() {
		t.Run(strategy.Name, func(t *testing.T) {
			t.Parallel()
			s := boot(t, strategy.Name, envH2C+"=1")
			two, one := new(http.Protocols), new(http.Protocols)
			two.SetUnencryptedHTTP2(true)
			one.SetHTTP1(true)
			for _, protocols := range []*http.Protocols{two, one, two} {
				transport := &http.Transport{Protocols: protocols}
				resp, err := (&http.Client{Transport: transport}).Get("http://" + s.addr + "/")
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				transport.CloseIdleConnections()
				if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "lastcall sample") ||
					(resp.ProtoMajor == 2) != protocols.UnencryptedHTTP2() {
					t.Errorf("%v: %s, %s, %v", protocols, resp.Proto, resp.Status, err)
				}
			}
		})
	}
}

func TestNobodySpeaksHTTP2Unasked(t *testing.T) {
	t.Parallel()
	s := boot(t, "signal-notify")
	two := new(http.Protocols)
	two.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: two}
	defer transport.CloseIdleConnections()
	if resp, err := (&http.Client{Transport: transport}).Get("http://" + s.addr + "/"); err == nil {
		resp.Body.Close()
		t.Errorf("it speaks %s", resp.Proto)
	}
	s.signal(syscall.SIGTERM)
	s.until("its end", func() bool {
		select {
		case <-s.exited:
			return true
		default:
			return false
		}
	})
}

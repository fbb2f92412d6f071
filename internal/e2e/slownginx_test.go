package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slowNginx is the end of a command line that probes nginx, which asks a slow server
// behind it: an answer of its own it begins at once, so that none is in its handler.
func slowNginx(t *testing.T) []string {
	t.Helper()
	if !installed("nginx") {
		return nil // who asks for it has looked
	}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // of an upload; then its end is told by the context
		if d, err := time.ParseDuration(r.URL.Query().Get("for")); err == nil {
			select {
			case <-time.After(d):
			case <-r.Context().Done(): // nginx has gone
			}
		}
		_, _ = w.Write([]byte("ok\n"))
	}))
	t.Cleanup(behind.Close)
	dir, port := nginxDir(t), freePort(t)
	writeFile(t, dir, "big", "")
	if err := os.Truncate(filepath.Join(dir, "big"), 64<<20); err != nil { // without a byte on the disk
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left := holders(dir); len(left) > 0 {
			t.Errorf("somebody of nginx has not ended: %v", left)
		}
	})
	conf := strings.Replace(nginxConf(dir, port), "location /slow {", fmt.Sprintf("location = / { return 200; }\n\t\tlocation /slow { proxy_pass %s; }\n\t\tlocation /file {", behind.URL), 1)
	conf = strings.ReplaceAll(conf, fmt.Sprintf(":%d;", port), ":PORT;")
	writeFile(t, dir, "template", strings.Replace(conf, "nginx.pid", "PORT.pid", 1))
	// It takes its port from nothing but its configuration.
	return []string{
		"--dir", dir, "--", "sh", "-c", "sed s/PORT/$PORT/ template > $PORT.conf; exec \"$0\" -p \"$1\" -c $PORT.conf -e \"$1/error.log\" -g 'daemon off;'",
		program(t, "nginx", "/usr/sbin/nginx"), dir,
	}
}

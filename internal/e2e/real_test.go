package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lastcall/harness/check"
	"lastcall/harness/result"
)

// These tests hold the gate against servers that nobody here wrote. Each is told
// to stop in a way whose consequences its own documentation states.

// slowFile is served slowly, so that requests are in flight at any time.
const slowFile = 64 << 10

// TestNginx: SIGTERM is the fast shutdown and SIGQUIT the graceful one (nginx,
// Controlling nginx; docker-nginx #377).
func TestNginx(t *testing.T) {
	t.Parallel() // it waits, most of the time
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	args := func(t *testing.T, signal string) []string {
		dir, port := nginxDir(t), freePort(t)
		writeFile(t, dir, "nginx.conf", nginxConf(dir, port))
		return []string{
			"test", "--signal", signal, "--rate", "200", "--shutdowns", "2",
			"--url", fmt.Sprintf("http://127.0.0.1:%d/slow", port), "--",
			nginx, "-p", dir, "-c", "nginx.conf", "-e", filepath.Join(dir, "error.log"), "-g", "daemon off;",
		}
	}
	ends := func(t *testing.T, s result.Subject) {
		wantStatus(t, s, check.ExitsInGrace, result.Satisfied)
		wantStatus(t, s, check.NoSurvivors, result.Satisfied)
		if s.InFlight.Total < 20 {
			t.Errorf("%d requests in flight: too few to prove anything", s.InFlight.Total)
		}
	}
	t.Run("SIGTERM is fast: requests in flight are lost", func(t *testing.T) {
		s := suite(t, exitFail, args(t, "SIGTERM")...).Subjects[0]
		wantVerdict(t, s, result.Fail, check.InFlightCompletes, result.Violated)
		ends(t, s)
	})
	t.Run("SIGQUIT is graceful: they are completed", func(t *testing.T) {
		ends(t, graceful(t, args(t, "SIGQUIT")...))
	})
}

// TestNginxReload: SIGHUP changes the workers under load, and the port never
// goes away. The old workers finish what they have.
func TestNginxReload(t *testing.T) {
	t.Parallel() // it waits, most of the time
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	dir, port := nginxDir(t), freePort(t)
	writeFile(t, dir, "nginx.conf", nginxConf(dir, port))
	s := suite(t, exitPass, "test", "--while", "kill -HUP {pid}", "--settle", "1s", "--rate", "200", "--shutdowns", "1",
		"--url", fmt.Sprintf("http://127.0.0.1:%d/slow", port), "--",
		nginx, "-p", dir, "-c", "nginx.conf", "-e", filepath.Join(dir, "error.log"), "-g", "daemon off;")
	wantVerdict(t, s.Subjects[0], result.Pass, check.StaysUp, result.Satisfied)
	if s.Subjects[0].Requests.Refused != 0 {
		t.Errorf("%d requests refused during a reload", s.Subjects[0].Requests.Refused)
	}
}

// TestNginxRestart: to stop it and start it again is no reload, and every
// refusal counts.
func TestNginxRestart(t *testing.T) {
	t.Parallel() // it waits, most of the time
	nginx := program(t, "nginx", "/usr/sbin/nginx")
	dir, port := nginxDir(t), freePort(t)
	writeFile(t, dir, "nginx.conf", nginxConf(dir, port))
	s := suite(t, exitFail, "test", "--while", "kill -QUIT {pid}", "--settle", "1s", "--rate", "200", "--shutdowns", "1",
		"--url", fmt.Sprintf("http://127.0.0.1:%d/slow", port), "--",
		nginx, "-p", dir, "-c", "nginx.conf", "-e", filepath.Join(dir, "error.log"), "-g", "daemon off;")
	wantStatus(t, s.Subjects[0], check.StaysUp, result.Violated)
	wantStatus(t, s.Subjects[0], check.InFlightCompletes, result.Satisfied)
}

func nginxDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name := dir; name != os.TempDir() && name != "/"; name = filepath.Dir(name) {
		if err := os.Chmod(name, 0o755); err != nil { // its workers are somebody else
			t.Fatal(err)
		}
	}
	writeFile(t, dir, "slow", strings.Repeat("x", slowFile))
	return dir
}

func nginxConf(dir string, port int) string {
	return fmt.Sprintf(`worker_processes 2;
pid %[1]s/nginx.pid;
events { worker_connections 1000; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]d;
		root %[1]s;
		location /slow { limit_rate 400k; }
	}
}
`, dir, port)
}

// TestPythonHTTPServer: http.server has no handler for SIGTERM, whose default
// action ends it in the middle of its answers. They are large, so that they take
// their time and no socket buffer holds them.
func TestPythonHTTPServer(t *testing.T) {
	onlySlow(t)
	t.Parallel() // it waits, most of the time
	python := program(t, "python3")
	dir := t.TempDir()
	writeFile(t, dir, "big", "")
	if err := os.Truncate(filepath.Join(dir, "big"), 512<<20); err != nil { // without a byte on the disk
		t.Fatal(err)
	}
	s := suite(t, exitFail, "test", "--rate", "4", "--shutdowns", "2", "--url", "/big", "--",
		python, "-m", "http.server", "{port}", "--bind", "127.0.0.1", "--directory", dir)
	subject := s.Subjects[0]
	wantVerdict(t, subject, result.Fail, check.InFlightCompletes, result.Violated)
	wantStory(t, subject, "Nothing in the process handles SIGTERM")
	for _, e := range subject.Exits {
		if e.Signal != "SIGTERM" {
			t.Errorf("exit %+v, want death by SIGTERM", e)
		}
	}
}

const nodeServer = `const http = require('http');
const server = http.createServer((req, res) => setTimeout(() => res.end('ok\n'), 100));
server.listen(process.env.PORT, '127.0.0.1');
`

// TestNode: without a handler SIGTERM ends node at once; with server.close() it
// answers what is in flight and exits by itself.
func TestNode(t *testing.T) {
	t.Parallel() // it waits, most of the time
	node := program(t, "node", "nodejs")
	dir := t.TempDir()
	writeFile(t, dir, "without.js", nodeServer)
	writeFile(t, dir, "with.js", nodeServer+"process.on('SIGTERM', () => server.close());\n")
	t.Run("without a handler", func(t *testing.T) {
		s := suite(t, exitFail, "test", "--rate", "300", "--shutdowns", "2", "--dir", dir, "--", node, "without.js")
		wantVerdict(t, s.Subjects[0], result.Fail, check.InFlightCompletes, result.Violated)
		wantStory(t, s.Subjects[0], "nothing in the process handles SIGTERM")
	})
	t.Run("with server.close", func(t *testing.T) {
		s := graceful(t, "test", "--rate", "300", "--shutdowns", "2", "--lag", "500ms", "--dir", dir, "--", node, "with.js")
		wantStatus(t, s, check.ExitStatus, result.Satisfied)
	})
}

// TestWrappers: a shell, and npm, get the signal and keep it. The one that holds
// the socket is named, and the one that was told in its stead.
func TestWrappers(t *testing.T) {
	t.Parallel() // it waits, most of the time
	node := program(t, "node", "nodejs")
	dir := t.TempDir()
	writeFile(t, dir, "server.js", nodeServer+"process.on('SIGTERM', () => server.close());\n")
	writeFile(t, dir, "package.json", `{"name": "wrapped", "version": "1.0.0", "scripts": {"start": "node server.js"}}`)
	t.Run("sh -c", func(t *testing.T) {
		s := suite(t, exitFail, "test", "--rate", "200", "--shutdowns", "1", "--dir", dir, "--", "sh", "-c", node+" server.js; true")
		wantUndelivered(t, s.Subjects[0], "sh -c", "server.js", "exec")
	})
	t.Run("npm start", func(t *testing.T) {
		npm := program(t, "npm")
		s := suite(t, exitFail, "test", "--rate", "200", "--shutdowns", "1", "--dir", dir, "--env", "npm_config_cache="+t.TempDir(),
			"--env", "npm_config_update_notifier=false", "--", npm, "start")
		wantUndelivered(t, s.Subjects[0], "npm start", "node server.js", "package manager")
	})
}

func wantUndelivered(t *testing.T, s result.Subject, told, holds, remedy string) {
	t.Helper()
	wantStatus(t, s, check.SignalDelivered, result.Violated)
	wantStory(t, s, told)
	wantStory(t, s, holds)
	wantStory(t, s, remedy)
	if s.Verdict != result.Fail {
		t.Errorf("verdict %s, want fail", s.Verdict)
	}
	if len(s.Details[0].Left.Processes) == 0 {
		t.Error("nobody is named as having survived")
	}
}

// exitFor is the exit code of a gate with that verdict.
func exitFor(v result.Verdict) int {
	switch v {
	case result.Pass:
		return exitPass
	case result.Fail:
		return exitFail
	case result.Inconclusive:
	}
	return exitInconclusive
}

// The exit codes of the README.
const (
	exitPass         = 0
	exitFail         = 1
	exitUsage        = 2
	exitInconclusive = 3
)

// program returns the path of the first program that is installed.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	needs(t, names[0])
	return ""
}

// freePort returns a port for a server that cannot be told which.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

package truth

import (
	"slices"
	"strings"

	"lastcall/harness/result"
)

// A server that somebody else wrote, with a signal for a graceful stop and one for
// a fast one, each with connections that are kept alive and with fresh ones.

// configs of the proxies. All pass requests on to a backend that stays up, so that
// the work is in hand for as long as it takes.
const (
	nginxConf = `worker_processes 2;
pid {dir}/nginx.pid;
error_log stderr;
events { worker_connections 1000; }
http {
	access_log off;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
	server {
		listen 127.0.0.1:{free};
		location / { proxy_pass http://127.0.0.1:{beside}; }
	}
}
`
	apacheConf = `ServerRoot {dir}
ServerName localhost
Listen 127.0.0.1:${PORT}
PidFile {dir}/apache.pid
DefaultRuntimeDir {dir}
Mutex file:{dir}
ErrorLog /dev/stderr
LogLevel error
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass / http://127.0.0.1:{beside}/
`
	haproxyConf = `global
	maxconn 1000
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
frontend in
	bind "127.0.0.1:${PORT}"
	default_backend out
backend out
	server one 127.0.0.1:{beside}
`
	lighttpdConf = `server.bind = "127.0.0.1"
server.port = env.PORT
server.document-root = "{dir}"
server.modules = ( "mod_proxy" )
server.errorlog = "/dev/stderr"
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => {beside} ) ) )
`
)

// upload is a body that takes a server a while to read, and more than its socket
// buffers hold.
var upload = strings.Repeat("0123456789abcdef", 1<<20/16)

// file adds a file to the run's directory.
func (r Row) file(name, text string) Row {
	r.Files = append(append([]file(nil), r.Files...), file{name, text})
	return r
}

// proxy is a server that passes requests on.
func proxy(r Row, program string) Row {
	r.Beside = []string{"backend"}
	r.Needs = []string{program}
	return r
}

// stop is a way of telling a server to stop.
type stop struct {
	signal string
	row    func(name string, server ...string) Row
	says   []string // of the story of a fast stop
}

func graceful(signal string) stop { return stop{signal: signal, row: right} }

// fast is the stop of a server that has a graceful one, which the story names.
func fast(signal string, says ...string) stop {
	return stop{signal: signal, says: says, row: func(name string, server ...string) Row {
		return wrong(name, inFlight, server...)
	}}
}

// both returns the row for connections that are kept alive and for fresh ones.
func (s stop) both(name, perSecond string, with func(Row) Row, server ...string) []Row {
	var rows []Row
	for _, connections := range []string{"reused", "fresh"} {
		short := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(s.signal, "SIG", ""), ",", "-"))
		r := s.row(name+"-"+short+"-"+connections, server...).flags("--signal", s.signal).flags(rate(perSecond, connections)...).says(s.says...)
		rows = append(rows, with(r))
	}
	return rows
}

// realRows are servers from Debian, by their graceful stop and by their fast one.
func realRows() []Row {
	nginx := func(r Row) Row {
		return proxy(r, "nginx").file("nginx.conf", nginxConf).flags("--url", "http://127.0.0.1:{free}/")
	}
	apache := func(r Row) Row { return proxy(r, "apache2").file("apache.conf", apacheConf) }
	haproxy := func(r Row) Row { return proxy(r, "haproxy").file("haproxy.cfg", haproxyConf) }
	lighttpd := func(r Row) Row { return proxy(r, "lighttpd").file("lighttpd.conf", lighttpdConf) }
	var rows []Row
	add := func(s stop, name string, with func(Row) Row, server ...string) {
		rows = append(rows, s.both(name, "200", with, server...)...)
	}
	nginxServer := []string{"nginx", "-p", "{dir}", "-c", "{dir}/nginx.conf", "-e", "/dev/stderr", "-g", "daemon off;"}
	add(graceful("SIGQUIT"), "nginx", nginx, nginxServer...)
	add(fast("SIGTERM", "QUIT"), "nginx", nginx, nginxServer...)
	apacheServer := []string{"apache2", "-d", "{dir}", "-f", "{dir}/apache.conf", "-DFOREGROUND"}
	add(graceful("SIGWINCH"), "apache", apache, apacheServer...)
	add(fast("SIGTERM", "WINCH"), "apache", apache, apacheServer...)
	add(graceful("SIGUSR1"), "haproxy", haproxy, "haproxy", "-db", "-f", "{dir}/haproxy.cfg")
	add(fast("SIGTERM", "USR1"), "haproxy", haproxy, "haproxy", "-db", "-f", "{dir}/haproxy.cfg")
	add(graceful("SIGINT"), "lighttpd", lighttpd, "lighttpd", "-D", "-f", "{dir}/lighttpd.conf")
	add(fast("SIGTERM", "SIGINT"), "lighttpd", lighttpd, "lighttpd", "-D", "-f", "{dir}/lighttpd.conf")
	return append(rows, languageRows()...)
}

// languageRows are the servers that come with a language.
func languageRows() []Row {
	plain := func(r Row) Row { return r }
	needs := func(program string) func(Row) Row {
		return func(r Row) Row { r.Needs = []string{program}; return r }
	}
	// A JVM that ran its hooks says that SIGTERM ended it.
	stopped := func(r Row) Row { return needs("java")(r).flags("--exit-code", "143") }
	// With connections that are kept alive it does not end while they are used
	// (nodejs/node #2642).
	unending := func(r Row) Row {
		if slices.Contains(r.Flags, "reused") {
			r.Right, r.Expect = false, fails(inGrace)
			return r.flags("--grace", "4s")
		}
		return r
	}
	// A shutdown loses one request or two, and some lose none.
	fiveTimes := func(r Row) Row {
		if slices.Contains(r.Flags, "reused") {
			r.Open = "what it loses lies near the closing of its other connections, and is in doubt"
		}
		return needs("gunicorn")(r).flags("--shutdowns", "5")
	}
	uvicornWith := func(r Row) Row {
		if slices.Contains(r.Flags, "reused") {
			r.Right, r.Expect = false, fails(inGrace)
			r.Verdicts = append(r.Verdicts, result.Pass)
			r.Rare = "a connection that uvicorn accepts just before it closes its listeners is not told of the shutdown " +
				"(server.py, shutdown): it is served as long as its client uses it, and the process ends no sooner"
			r = r.flags("--grace", "4s")
		}
		return needs("uvicorn")(r)
	}
	uvicorn := []string{"uvicorn", "--app-dir", "{source}", "--no-access-log", "--log-level", "warning", "--port", "{port}", "asgi:app"}
	// Ten workers of 100 ms answer 100 requests a second at most.
	sync := []string{"gunicorn", "--chdir", "{source}", "-b", "127.0.0.1:{port}", "-w", "10", "wsgi:app"}
	threads := []string{"gunicorn", "--chdir", "{source}", "-b", "127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "16", "wsgi:app"}
	// Only connections that were kept alive are lost: the listener closes at once.
	reusedAreLost := func(name, perSecond string, with func(Row) Row, server ...string) []Row {
		lost, kept := lateStop, graceful("SIGTERM")
		return []Row{lost.both(name, perSecond, with, server...)[0], kept.both(name, perSecond, with, server...)[1]}
	}
	return slices.Concat(
		graceful("SIGTERM").both("uvicorn", "200", uvicornWith, uvicorn...),
		fast("SIGKILL").both("uvicorn", "200", needs("uvicorn"), uvicorn...), // it has no fast stop of its own
		lateStop.both("gunicorn-sync", "70", needs("gunicorn"), sync...),
		fast("SIGQUIT").both("gunicorn-sync", "70", needs("gunicorn"), sync...),
		reusedAreLost("gunicorn-gthread", "200", fiveTimes, threads...),
		reusedAreLost("java-stop", "200", stopped, java("3")...),
		fast("SIGTERM").both("java-naive", "200", needs("java"), java()...),
		graceful("SIGTERM").both("node-close", "200", unending, node("close")...),
		fast("SIGTERM", noHandler).both("node-naive", "200", plain, node("naive")...),
		graceful("SIGTERM").both("python-drain", "100", plain, python("drains.py")...),
		fast("SIGTERM", noHandler).both("python-naive", "100", plain, python("naive.py")...),
	)
}

// lateStop is a graceful stop that loses requests which come after the signal.
var lateStop = stop{signal: "SIGTERM", row: func(name string, server ...string) Row { return wrong(name, late, server...) }}

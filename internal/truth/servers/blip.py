"""Wrong for a server that promises to stay up: a reload (SIGHUP) during which it
answers 503 to everything, for a second."""
import http.server
import signal
import socketserver
import sys
import time

until = 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        declined = time.monotonic() < until
        if not declined:
            time.sleep(0.05)
        self.send_response(503 if declined else 200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"no\n" if declined else b"ok\n")

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def reload(*_):
    global until
    until = time.monotonic() + 1


signal.signal(signal.SIGHUP, reload)
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

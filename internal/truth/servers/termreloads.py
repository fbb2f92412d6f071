"""Wrong: SIGTERM is taken for a reload. The worker is killed with what it has in
hand, another is forked, and it serves on. SIGQUIT would end it."""
import http.server
import os
import signal
import socketserver
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def fork():
    pid = os.fork()
    if pid == 0:
        for number in signal.SIGTERM, signal.SIGQUIT:
            signal.signal(number, signal.SIG_DFL)
        server.serve_forever()
    return pid


def kill():
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)


def term(*_):
    global worker
    kill()
    worker = fork()


def leave(*_):
    kill()
    os._exit(0)


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
worker = fork()
signal.signal(signal.SIGTERM, term)
signal.signal(signal.SIGQUIT, leave)
while True:
    signal.pause()

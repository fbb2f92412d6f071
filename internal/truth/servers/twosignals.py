"""SIGTERM is the fast stop, which hangs up on everybody; SIGINT is the graceful one:
the listener closes, and for a second what is asked is answered with Connection:
close."""
import http.server
import os
import signal
import socketserver
import sys
import threading
import time

busy = 0
lock = threading.Lock()  # guards busy: every connection has a thread
leaving = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global busy
        with lock:
            busy += 1
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        if leaving:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok\n")
        self.wfile.flush()
        with lock:
            busy -= 1

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def drain():
    global leaving
    leaving = True
    server.shutdown()
    server.server_close()
    end = time.monotonic() + 1
    while busy or time.monotonic() < end:
        time.sleep(0.01)
    os._exit(0)


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=drain).start())
server.serve_forever(poll_interval=0.01)
threading.Event().wait()  # for drain

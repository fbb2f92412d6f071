"""Wrong: the drain has a limit, at which everybody is hung up on.

    drainlimit.py PORT SECONDS [tail]

On SIGTERM the listener closes and kept-alive connections are served as ever; that
many seconds later the process exits, whatever is in hand. With tail, three answers
in a hundred take 450 ms, as an ordinary latency tail has it; the others take 100."""
import http.server
import itertools
import os
import signal
import socketserver
import sys
import threading
import time

NUMBERS = itertools.count()
TAIL = "tail" in sys.argv[3:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.45 if TAIL and next(NUMBERS) % 33 == 32 else 0.1)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 512


def leave():
    server.shutdown()
    server.server_close()
    time.sleep(float(sys.argv[2]))
    os._exit(0)  # here is the mistake


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=leave).start())
server.serve_forever(poll_interval=0.01)
threading.Event().wait()  # for leave

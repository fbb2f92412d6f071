"""Right: http.server that drains.

On SIGTERM the listener closes, each request that has come is answered with
Connection: close, and connections on which none has come are closed. Then it exits."""
import http.server
import signal
import socket
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        with self.server.lock:
            self.server.idle.add(self.connection)
            if self.server.leaving:
                self.connection.shutdown(socket.SHUT_RD)
        super().handle_one_request()
        with self.server.lock:
            self.server.idle.discard(self.connection)

    def parse_request(self):
        with self.server.lock:
            self.server.idle.discard(self.connection)
        return super().parse_request()

    def do_GET(self):
        time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        if self.server.leaving:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for their end
    request_queue_size = 512
    leaving = False

    def __init__(self, *args):
        super().__init__(*args)
        self.lock = threading.Lock()  # guards idle and leaving: every connection has a thread
        self.idle = set()

    def drain(self):
        self.shutdown()
        with self.lock:
            self.leaving = True
            for connection in self.idle:
                # Its thread reads what has come, a request or nothing, and then the end.
                connection.shutdown(socket.SHUT_RD)


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain).start())
server.serve_forever(poll_interval=0.01)
server.server_close()

"""Right: for a second after SIGTERM each upload is declined, and none is lost.

The head is looked at before the body: 503 with Connection: close is sent, and the
connection is closed with the body unread. Each answer is whole. Uploads whose head
was read before are read to their end and answered 200."""
import signal
import socket
import sys
import threading
import time

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 5\r\n\r\nbusy\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
stopping = threading.Event()
connections = set()
lock = threading.Lock()  # guards connections: every connection has a thread


def serve(connection, stream):
    while stream.readline():
        length = 0
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if stopping.is_set():
            connection.sendall(BUSY)
            return
        stream.read(length)
        time.sleep(0.15)
        connection.sendall(OK)


def handle(connection):
    try:
        with connection, connection.makefile("rb") as stream:
            serve(connection, stream)
    except OSError:
        pass  # the client has gone
    finally:
        with lock:
            connections.discard(connection)


def accept(until):
    while not until():
        try:
            connection, _ = listener.accept()
        except socket.timeout:
            continue
        connection.settimeout(None)
        with lock:
            connections.add(connection)
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512)
listener.settimeout(0.02)
accept(stopping.is_set)
end = time.monotonic() + 1
accept(lambda: time.monotonic() > end)
listener.close()
with lock:
    idle = list(connections)
for connection in idle:
    try:
        connection.shutdown(socket.SHUT_RD)  # a thread that waits for a request reads the end
    except OSError:
        pass
while connections:
    time.sleep(0.01)

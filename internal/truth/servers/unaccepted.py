"""Wrong: after SIGTERM nothing accepts, and the listening socket stays open for a
second. What was accepted is answered. Who dials meanwhile is accepted by the kernel
and reset when the process exits."""
import os
import signal
import socket
import sys
import threading
import time

stopping = threading.Event()


def serve(connection):
    try:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            time.sleep(0.1)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n")
    except OSError:
        pass  # the client has gone


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512)
listener.settimeout(0.02)
while not stopping.is_set():
    try:
        connection, _ = listener.accept()
    except socket.timeout:
        continue
    connection.settimeout(5)
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
time.sleep(1)  # here is the mistake: the listener is still open
os._exit(0)

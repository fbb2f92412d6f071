"""Right, and closes each connection after one answer without having announced it
with Connection: close. On SIGTERM it drains."""
import signal
import socket
import sys
import threading
import time

stopping = threading.Event()
busy = 0
lock = threading.Lock()  # guards busy: every connection has a thread


def serve(connection):
    global busy
    try:
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(4096)
                if not part:
                    return
                head += part
            time.sleep(0.05)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    except OSError:
        pass  # the client has gone
    finally:
        with lock:
            busy -= 1


signal.signal(signal.SIGTERM, lambda *_: stopping.set())
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512)
listener.settimeout(0.02)
while not stopping.is_set():
    try:
        connection, _ = listener.accept()
    except socket.timeout:
        continue
    connection.settimeout(5)
    with lock:
        busy += 1
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
listener.close()
while busy:
    time.sleep(0.01)

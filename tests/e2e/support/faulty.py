# SPDX-License-Identifier: Apache-2.0
"""A receiver that misbehaves on the wire: each connection is handed, once its request was read, to the next function of
a script; the last one repeats."""
import socket
import threading
import time

from .paths import PATIENCE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(conn):
    """Head and body of one request; None when the other side is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = conn.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    while len(body) < int(lines.get(b"content-length", 0)):
        body += conn.recv(65536)
    return {name.decode(): value.decode() for name, value in lines.items()}


def well(conn):
    conn.sendall(OK)


class Faulty:
    """requests: headers of those that came, names in lower case, values too. over: set when it is closed."""

    def __init__(self, *script, tls=None, before_the_body=False):
        self.script = list(script) or [well]
        self.tls, self.before_the_body = tls, before_the_body
        self.requests, self.connections = [], 0
        self.changed = threading.Condition()
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def url(self, host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/hook"

    def _accept(self):
        while not self.over.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            with conn:
                conn.settimeout(PATIENCE)
                if self.tls:
                    conn = self.tls.wrap_socket(conn, server_side=True)
                with conn:
                    while self._one(conn):
                        pass
        except (OSError, ValueError):
            pass  # the hub hung up: that is what many of these tests are about

    def _one(self, conn):
        request = read_request(conn)
        if request is None:
            return False
        with self.changed:
            self.requests.append(request)
            act = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            self.changed.notify_all()
        act(conn)
        return act is well

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, PATIENCE), self.requests
        return list(self.requests)

    def close(self):
        """Nobody is answered any more. A thread that still accepted would go on under the number of the socket, and that
        is soon the next receiver's."""
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()


def slowly(piece, times=1000, pause=0.1):
    """The same bytes again and again."""
    def act(conn):
        for _ in range(times):
            conn.sendall(piece)
            time.sleep(pause)
    return act

# SPDX-License-Identifier: Apache-2.0
"""Bytes over a socket, for clients that do not behave."""
import socket
import time

from .paths import PATIENCE


def connect(hub, timeout=PATIENCE):
    return socket.create_connection(("127.0.0.1", hub.port), timeout=timeout)


def exchange(hub, data, timeout=PATIENCE):
    """Sends, and reads until the hub closes or has nothing more to say. What came, as bytes."""
    with connect(hub, timeout) as s:
        try:
            s.sendall(data)
        except OSError:
            pass
        got = b""
        s.settimeout(5)
        try:
            while chunk := s.recv(65536):
                got += chunk
                if answered(got):
                    break
        except OSError:
            pass
        return got


def to_the_end(hub, data, timeout=PATIENCE):
    """Sends all, and reads until the hub closes."""
    with connect(hub, timeout) as s:
        s.sendall(data)
        got = b""
        while chunk := s.recv(65536):
            got += chunk
        return got


def answered(got):
    """Is a whole answer there?"""
    head, mark, body = got.partition(b"\r\n\r\n")
    if not mark:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return b"transfer-encoding" not in head.lower()


def status(got):
    """The status of an answer; 0 when the hub hung up."""
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.") else 0


def is_open(s):
    """Has the other side hung up?"""
    s.setblocking(False)
    try:
        return s.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        s.setblocking(True)


def quick(hub, path="/healthz"):
    """Seconds that an honest client waits for an answer."""
    start = time.monotonic()
    assert hub.get(path).status_code == 200
    return time.monotonic() - start

# SPDX-License-Identifier: Apache-2.0
"""Bad days of receivers: whatever one does with a webhook, it costs a bounded time and little memory, is told as what
it was, and the event arrives under the same id as soon as the receiver is well."""
import datetime
import gzip
import shutil
import socket
import struct
import subprocess

import pytest

from support.config import base, endpoint, with_hooks
from support.events import created
from support.faulty import Faulty, slowly, well
from support.ports import answers, free_ports, refusing
from support.wait import until

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def faulty():
    made = []

    def make(*script, **more):
        made.append(Faulty(*script, **more))
        return made[-1]

    yield make
    for receiver in made:
        if not receiver.over.is_set():
            receiver.close()


def test_a_receiver_that_is_closed_takes_nothing(faulty):
    """So that what the next one is sent goes to no script of this one."""
    receiver = faulty()
    receiver.close()
    assert not receiver.accepting.is_alive() and not answers(receiver.port)


def start(new_hub, url, env=None, clock=False, **options):
    """The hub waits for an answer longer than any machine is slow, unless it is told otherwise."""
    options = {"timeout": "2m", "schedule": ["1h"], **options}
    hub = new_hub(with_hooks(base(), endpoint("local", url), **options), clock)
    hub.env = env or {}
    return hub.start()


def delivered(hub):
    return until(lambda: hub.deliveries("?channel=hooks&state=delivered"))[0]



# --- what a receiver does once, and is well the next time -----------------------------------------------------------------

def says_nothing(conn):
    conn.recv(1)  # until the hub hangs up


def closes(conn):
    conn.close()


def resets(conn):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def closes_in_the_middle(conn):
    conn.sendall(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    conn.close()


def breaks_a_chunk_off(conn):
    conn.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\nhalf")
    conn.close()


def says(text):
    return lambda conn: (conn.sendall(text), conn.close())


def sends_headers_for_ever(conn):
    conn.sendall(HEAD)
    while True:
        conn.sendall(b"X-More: 0123456789\r\n" * 1000)


def sends_hints_for_ever(conn):
    while True:
        conn.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" * 1000)


FAULTS = [
    ("says nothing", says_nothing, "timeout"),
    ("a head without end, line by line", lambda c: (c.sendall(HEAD), slowly(b"X-More: x\r\n")(c)), "timeout"),
    ("noise, byte by byte", slowly(b"X"), "other"),
    ("body byte by byte", lambda c: (c.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n"), slowly(b"x")(c)), "timeout"),
    ("chunks byte by byte", lambda c: (c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), slowly(b"1\r\nx\r\n")(c)),
     "timeout"),
    ("closes", closes, "reset"),
    ("resets", resets, "reset"),
    ("closes in the middle", closes_in_the_middle, "reset"),
    ("closes in the head", says(HEAD + b"Content-Le"), "reset"),
    ("closes behind the status", says(HEAD), "reset"),
    ("breaks a chunk off", breaks_a_chunk_off, "reset"),
    ("speaks another protocol", says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "other"),
    ("a chunk of no length", says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n"), "reset"),
    ("headers for ever", sends_headers_for_ever, "headers"),
    ("hints for ever", sends_hints_for_ever, "headers"),
    ("502", says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), "http_502"),
]


@pytest.mark.parametrize("name,act,why", FAULTS, ids=[f[0] for f in FAULTS])
def test_it_is_tried_again_under_the_same_id(new_hub, faulty, name, act, why):
    receiver = faulty(act, well)
    hub = start(new_hub, receiver.url(), clock=True, timeout="1s" if why == "timeout" else "2m")
    before = hub.rss_mb()
    hub.send(created())
    until(lambda: hub.deliveries("?channel=hooks&state=retrying"))
    hub.config["channels"]["hooks"]["timeout"] = "2m"
    hub.write_config()
    assert hub.reload().status_code == 200
    hub.clock.advance("67m")
    first, second = receiver.wait(2)
    assert first["webhook-id"] == second["webhook-id"]
    one = delivered(hub)
    assert one["attempts"] == 2, one
    details = [line for line in hub.log().splitlines() if "delivery failed" in line]
    assert len(details) == 1 and why in details[0], details
    assert hub.rss_mb() < before + 20


# --- odd, but an answer --------------------------------------------------------------------------------------------------

BOMB = gzip.compress(b"\0" * (64 << 20))


def a_gigabyte(conn):
    conn.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
    while True:
        conn.sendall(b"x" * 65536)


def chunks_for_ever(conn):
    conn.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        conn.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")


ANSWERS = [
    ("a gigabyte", a_gigabyte),
    ("chunks for ever", chunks_for_ever),
    ("a body that would unpack to 64 MB",
     says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)),
    ("interim answers first", says(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
                                   b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n")),
    ("HTTP/1.0 until it closes", says(b"HTTP/1.0 200 OK\r\n\r\nfine")),
    ("a thousand headers", says(HEAD + b"X-Some: thing\r\n" * 1000 + b"Content-Length: 0\r\n\r\n")),
    ("no reason", says(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")),
    ("no body, and a length", says(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")),
]


@pytest.mark.parametrize("name,act", ANSWERS, ids=[a[0] for a in ANSWERS])
def test_it_is_taken_as_delivered(new_hub, faulty, name, act):
    receiver = faulty(act)
    hub = start(new_hub, receiver.url())
    before = hub.rss_mb()
    hub.send(created())
    assert delivered(hub)["attempts"] == 1
    assert len(receiver.requests) == 1
    assert "accept-encoding" not in receiver.requests[0]  # so nothing is unpacked here
    assert "expect" not in receiver.requests[0]
    assert hub.rss_mb() < before + 20


def test_an_answer_before_the_body_was_read(new_hub):
    """The receiver looks at the head only, says no and hangs up while the hub still writes."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = with_hooks(base(), endpoint("local", f"http://127.0.0.1:{listener.getsockname()[1]}/"), timeout="2m",
                        schedule=["24h"])
    hub = new_hub(config).start()
    hub.send(created(fields={"name": "Long", "text": "x" * 400_000}))
    conn, _ = listener.accept()
    with conn, listener:
        head = b""
        while b"\r\n\r\n" not in head:
            head += conn.recv(100)
        conn.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        conn.shutdown(socket.SHUT_WR)
        retrying = until(lambda: hub.deliveries("?channel=hooks&state=retrying"))
    assert retrying[0]["attempts"] == 1 and "413" in retrying[0]["detail"]


# --- TLS -----------------------------------------------------------------------------------------------------------------

def test_tls_with_an_authority_that_is_trusted(new_hub, faulty, authority):
    receiver = faulty(tls=authority.server("127.0.0.1"))
    hub = start(new_hub, receiver.url(), env={"SSL_CERT_FILE": str(authority.ca_file)})
    for _ in range(3):
        hub.send(created())
    receiver.wait(3)
    until(lambda: len(hub.deliveries("?channel=hooks&state=delivered")) == 3)


@pytest.mark.parametrize("what", ["another name", "expired", "a stranger's"])
def test_a_certificate_that_is_not_right(new_hub, faulty, authority, what):
    lives = datetime.timedelta(days=-1) if what == "expired" else datetime.timedelta(days=1)
    receiver = faulty(tls=authority.server("other.example" if what == "another name" else "127.0.0.1", lives=lives))
    env = {} if what == "a stranger's" else {"SSL_CERT_FILE": str(authority.ca_file)}
    hub = start(new_hub, receiver.url(), env=env, schedule=["24h"])
    hub.send(created())
    retrying = until(lambda: hub.deliveries("?channel=hooks&state=retrying"))[0]
    assert "tls" in retrying["detail"], retrying
    assert receiver.requests == []  # nothing was said to it


# --- nginx ---------------------------------------------------------------------------------------------------------------

NGINX = """
daemon off; pid {root}/nginx.pid; error_log {root}/error.log; worker_processes 1;
events {{ worker_connections 128; }}
http {{
    log_format one '$status $connection $connection_requests $http_webhook_id'; access_log {root}/access.log one;
    client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};
        keepalive_requests 3;
        location /well {{ return 200 "ok"; }}
        location /bad-gateway {{ proxy_pass http://127.0.0.1:{closed}; }}
        location /late {{ proxy_pass http://127.0.0.1:{silent}; proxy_read_timeout 1s; }}
    }}
}}
"""


class Nginx:
    def __init__(self, root, authority):
        root.mkdir()
        self.log = root / "access.log"
        self.port, = free_ports(1)
        self.closed, self.silent = refusing(), socket.create_server(("127.0.0.1", 0))
        config = root / "nginx.conf"
        config.write_text(NGINX.format(root=root, port=self.port, closed=self.closed.getsockname()[1],
                                       silent=self.silent.getsockname()[1], pem=authority.server_file("127.0.0.1")))
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
        self.process = subprocess.Popen([program, "-p", str(root), "-c", str(config), "-e", str(root / "error.log")],
                                        stderr=subprocess.DEVNULL)
        until(self._listens, "nginx listens")

    def _listens(self):
        assert self.process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def lines(self):
        return [line.split() for line in self.log.read_text().splitlines() if not line.endswith("-")]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.closed.close()
        self.silent.close()


@pytest.fixture
def nginx(tmp_path, authority):
    server = Nginx(tmp_path / "nginx", authority)
    yield server
    server.close()


def test_nginx_closes_connections_as_it_likes(new_hub, nginx, authority):
    """Three requests to a connection: each event arrives once, and connections are used again."""
    hub = start(new_hub, f"https://127.0.0.1:{nginx.port}/well", env={"SSL_CERT_FILE": str(authority.ca_file)},
                schedule=["0s"])
    for _ in range(20):
        hub.send(created())
    until(lambda: len(hub.deliveries("?channel=hooks&state=delivered")) == 20)
    lines = until(lambda: len(nginx.lines()) >= 20 and nginx.lines())
    assert len(lines) == 20 and len({line[3] for line in lines}) == 20
    assert {line[0] for line in lines} == {"200"}
    assert len({line[1] for line in lines}) < 20  # used again


@pytest.mark.parametrize("path,status", [("bad-gateway", "502"), ("late", "504")])
def test_a_gateway_whose_backend_is_gone(new_hub, nginx, authority, path, status):
    hub = start(new_hub, f"https://127.0.0.1:{nginx.port}/{path}", env={"SSL_CERT_FILE": str(authority.ca_file)},
                schedule=["24h"])
    hub.send(created())
    retrying = until(lambda: hub.deliveries("?channel=hooks&state=retrying"))[0]
    assert f"http_{status}" in retrying["detail"]

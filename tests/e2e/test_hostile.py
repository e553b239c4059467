# SPDX-License-Identifier: Apache-2.0
"""Clients that do not behave: memory stays bounded, errors are clear, others are served."""
import json
import os
import resource
import socket
import threading
import time

import pytest

from support import people, raw
from support.events import case
from support.paths import LONG, SANITIZED
from support.wait import until

AUTH = f"Authorization: Bearer {people.TOKENS['crm']['secret']}\r\n".encode()
POST = b"POST /v1/acme/sources/crm/triggers HTTP/1.1\r\nHost: hub\r\n" + AUTH + \
    b"Content-Type: application/cloudevents+json\r\n"

# Seconds after which somebody is held up by others. A connection of theirs lasts a minute, and no machine is so slow.
HELD_UP = 20


@pytest.fixture
def hub(shared_hub):
    yield shared_hub
    assert raw.quick(shared_hub) < HELD_UP, "an honest client is served after all of it"


# --- malformed HTTP ------------------------------------------------------------------------------------------------

# bytes and the status; 0: what is no HTTP at all is hung up on, or waited for until its minute is over
@pytest.mark.parametrize("data,wanted", [
    (b"nonsense\r\n\r\n", 0), (b"GET\r\n\r\n", 0),
    (b"GET /healthz\r\n\r\n", 400), (b"GET /healthz HTTP/9.9\r\n\r\n", 505),
    (b"GET  /healthz  HTTP/1.1\r\n\r\n", 0), (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(70)) + b"\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n", 431),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
    (b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 404), (b"GET /acme/n/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /acme/n/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404), (b"GET /acme/n/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /healthz#x HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200), (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"CONNECT hub:1 HTTP/1.1\r\nHost: x\r\n\r\n", 404), (b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    (b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (b"GET /v1/acme/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /assets/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    (b"GET /assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
], ids=lambda d: repr(d[:40]) if isinstance(d, bytes) else str(d))
def test_malformed_requests(hub, data, wanted):
    got = raw.exchange(hub, data)
    assert raw.status(got) == wanted, got[:200]
    assert b"root:" not in got


@pytest.mark.parametrize("count,wanted", [(90, 200), (100, 200), (256, 200), (257, 400), (500, 400)])
def test_a_query_of_many_parameters(hub, count, wanted):
    """It has an answer, and no parameter is passed over."""
    query = "&".join(["severity=info"] * (count - 1) + ["limit=0" if wanted == 400 else "limit=7"])
    answer = hub.get(f"/v1/acme/notifications?{query}", hub.person("ann"))
    assert answer.status_code == wanted, answer.text


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\x00\x01\x02\x03" * 100,
                                  b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"], ids=repr)
def test_what_never_becomes_a_request_gets_no_answer(hub, data):
    assert raw.exchange(hub, data) == b""


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"99999999999999999999999", b"0x10", b"5, 6", b"", b"12 34"])
def test_lengths_that_are_none(hub, length):
    got = raw.exchange(hub, POST + b"Content-Length: " + length + b"\r\n\r\n{}")
    assert raw.status(got) == (413 if len(length) > 20 else 400), got[:200]


@pytest.mark.parametrize("head", [
    b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: 5\r\nContent-Length: 5\r\n",
    b"Content-Length: 41\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding\t: chunked\r\n", b"Content-Length : 41\r\n", b"X\x80: y\r\n", b"X(y): z\r\n",
], ids=repr)
def test_what_smuggles_a_request_past_a_proxy_ends_the_connection(hub, head):
    got = raw.to_the_end(hub, POST + head + b"\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert raw.status(got) == 400 and got.count(b"HTTP/1.1 ") == 1, got[-300:]
    assert b"connection: close" in got.lower() and b"belfry_" not in got


@pytest.mark.parametrize("head", [b"Via : 1.1 proxy\r\n", b"X-Forwarded-For\t: 192.0.2.7\r\n"], ids=repr)
def test_a_misspelt_proxy_is_not_taken_for_a_local_request(hub, head):
    got = raw.to_the_end(hub, b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
    assert raw.status(got) == 400 and b"belfry_" not in got


@pytest.mark.parametrize("body", [b"zz\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabc", b"-1\r\n", b"5;" + b"x" * 9000 + b"\r\n"])
def test_broken_chunks(hub, body):
    with raw.connect(hub) as s:
        s.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(10)
        try:
            got = s.recv(65536)
        except OSError:
            got = b""
    assert raw.status(got) in (0, 400, 413), got[:200]


def test_pipelined_requests_are_answered_in_order(hub):
    with raw.connect(hub) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        got, statuses = b"", []
        s.settimeout(10)
        while got.count(b"HTTP/1.1 ") < 10:
            chunk = s.recv(65536)
            assert chunk, got
            got += chunk
        statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404"] * 5


def test_a_client_that_leaves_while_its_answer_is_made(hub):
    body = json.dumps([case("ann", event_id=f"left-{i}") for i in range(200)]).encode()
    head = POST.replace(b"cloudevents+json", b"cloudevents-batch+json")
    for _ in range(30):
        s = raw.connect(hub)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        s.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        s.close()
    until(lambda: hub.metrics()["belfry_http_connections"] < 5)


def test_a_100_continue_client(hub):
    body = json.dumps(case("ann")).encode()
    with raw.connect(hub) as s:
        s.sendall(POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        s.settimeout(10)
        assert b"100" in s.recv(1024).split(b"\r\n")[0]
        s.sendall(body)
        got = b""
        while not raw.answered(got):
            got += s.recv(4096)
        assert raw.status(got) == 202


def test_a_large_body_is_refused_before_it_is_sent(hub):
    with raw.connect(hub) as s:
        s.sendall(POST + b"Content-Length: 10485760\r\nExpect: 100-continue\r\n\r\n")
        s.settimeout(10)
        assert raw.status(s.recv(4096)) == 413


# --- slow and many ---------------------------------------------------------------------------------------------------

@pytest.mark.slow
def test_slow_loris(hub):
    """Clients that send a byte now and then hold no honest client up, and are gone after a minute (long mode waits)."""
    slow = [raw.connect(hub) for _ in range(200)]
    start = time.monotonic()
    for s in slow[:100]:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
    for s in slow[100:]:
        s.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
    waited = []
    for i in range(10):
        for s in slow:
            try:
                s.sendall(b" ")
            except OSError:
                pass
        waited.append(raw.quick(hub))
        hub.send(case("ann"))
    assert max(waited) < HELD_UP, waited
    if LONG:
        while any(raw.is_open(s) for s in slow):
            assert time.monotonic() - start < 90, "a byte now and then keeps no connection"
            for s in slow:
                try:
                    s.sendall(b" ")
                except OSError:
                    pass
            time.sleep(2)
    for s in slow:
        s.close()


def idle_connections(new_hub, count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 500:
        pytest.skip(f"only {hard} files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    hub = new_hub().start()
    hub.send(case("ann"))
    before = hub.rss_mb()
    idle = []
    for i in range(count):
        s = socket.socket()
        s.settimeout(10)
        s.bind((f"127.0.{i // 20000 + 1}.1", 0))
        s.connect(("127.0.0.1", hub.port))
        if i % 2:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        idle.append(s)
    until(lambda: hub.metrics()["belfry_http_connections"] >= count)
    grown = hub.rss_mb() - before
    if not SANITIZED:
        assert grown < 16 + count * 0.016, f"{grown:.0f} MB for {count} idle connections"
    waits = [raw.quick(hub) for _ in range(20)]
    assert max(waits) < HELD_UP, waits
    for i in range(20):
        hub.send(case("ann", name=f"n{i}"))
    assert hub.inbox("ann")["total"] == 21
    for s in idle:
        s.close()
    until(lambda: hub.metrics()["belfry_http_connections"] < 10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_two_thousand_idle_connections(new_hub):
    idle_connections(new_hub, 2000)


@pytest.mark.long
def test_ten_thousand_idle_connections(new_hub):
    idle_connections(new_hub, 10_000)


def test_more_connections_than_allowed(new_hub):
    from support.config import base
    config = base()
    config["hub"]["limits"]["connections"] = 50
    hub = new_hub(config).start()
    many = [raw.connect(hub) for _ in range(80)]
    for s in many[:70]:
        s.close()
    until(hub.ready)
    hub.send(case("ann"))
    for s in many:
        s.close()


@pytest.mark.slow
def test_many_large_bodies_at_once(hub):
    """Forty clients with 7 MiB each: some are told to come again, memory stays bounded."""
    before = hub.rss_mb()
    body = b'{"specversion":"1.0","id":"x","source":"/s","type":"record.created","data":{"a":"' + b"x" * (7 << 20) + b'"}}'
    statuses = []

    def work():
        try:
            statuses.append(hub.post("/v1/acme/sources/crm/triggers",
                                     {**people.token("crm"), "Content-Type": "application/cloudevents+json"},
                                     data=body).status_code)
        except Exception:
            statuses.append(0)

    peak = before
    threads = [threading.Thread(target=work) for _ in range(40)]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        peak = max(peak, hub.rss_mb())
        time.sleep(0.01)
    assert set(statuses) <= {0, 413, 503}, statuses
    if not SANITIZED:
        assert peak - before < 200, f"{peak - before:.0f} MB"


def test_back_pressure_comes_before_memory_grows(new_hub):
    """More triggers than may wait: 503 with Retry-After, nothing half taken, and it goes on."""
    from support.config import base
    config = base()
    config["hub"]["limits"]["pending_triggers"] = 200
    hub = new_hub(config).start()
    results = []

    def work(n):
        for i in range(10):
            answer = hub.post_trigger([case("ann", event_id=f"p{n}-{i}-{k}") for k in range(150)])
            results.append((answer.status_code, answer.headers.get("retry-after")))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    taken = sum(status == 202 for status, _ in results)
    assert {status for status, _ in results} <= {202, 503}
    assert all(after for status, after in results if status == 503)
    assert hub.inbox("ann")["total"] == taken * 150


def test_a_rate_for_tokens(new_hub):
    from support.config import base
    config = base()
    config["hub"]["limits"]["per_token_rate"] = 5
    hub = new_hub(config, clock=True).start()
    statuses = [hub.post_trigger(case("ann"), headers=people.token("crm")).status_code for _ in range(8)]
    assert statuses.count(202) == 5 and statuses[5:] == [429] * 3
    answer = hub.post_trigger(case("ann"), headers=people.token("crm"))
    assert 0 < int(answer.headers["retry-after"]) <= 60
    hub.clock.advance("60s")
    assert hub.post_trigger(case("ann"), headers=people.token("crm")).status_code == 202


def test_files_of_the_process_are_given_back(hub):
    def files():
        return len(os.listdir(f"/proc/{hub.process.pid}/fd"))

    for _ in range(3):
        [raw.exchange(hub, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(50)]
    before = files()
    [raw.exchange(hub, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(300)]
    until(lambda: files() <= before + 5)

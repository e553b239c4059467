# SPDX-License-Identifier: Apache-2.0
"""I8: nothing older than the latest 200 is lost. The export is the filtered list as a file, whole however long it is."""
import csv
import io
import json
import socket

import pytest

from support import people
from support.config import base
from support.events import case
from support.hub import Hub
from support.paths import PATIENCE
from support.raw import connect

ROWS = 10_000
COLUMNS = ["id", "created_at", "severity", "category", "source", "type", "title", "body", "subject", "actor", "reason",
           "unread", "seen_at", "read_at", "hidden_at", "validity", "valid_until", "handled_by", "replaced_by", "href"]
HOSTILE = ['=cmd|"/C calc"!A0', "+1+2", "-2+3", "@SUM(A1)", 'a "quoted", one', "plain", "ünïcödé ⚠", "a;b"]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """One hub in which ann has 10,000 rows and bob as many as there are hostile titles."""
    hub = Hub(tmp_path_factory.mktemp("export"), base())
    hub.start()
    for start in range(0, ROWS, 1000):
        hub.send([case("ann", "odd" if i % 4 else "bad", f"Row {i}") for i in range(start, start + 1000)])
    hub.send([case("bob", "odd", title) for title in HOSTILE])
    yield hub
    hub.close()


def exported(hub, who, query, roles=None):
    answer = hub.get(f"/v1/acme/notifications/export?{query}", hub.person(who, roles=roles))
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline="")))


def test_ten_thousand_rows_as_csv_each_once_newest_first(full):
    answer = exported(full, "ann", "format=csv")
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="notifications-acme-') and disposition.endswith('.csv"')
    assert answer.headers["cache-control"] == "no-store"
    lines = rows_of(answer)
    assert list(lines[0]) == COLUMNS
    assert [line["title"] for line in lines] == [f"Row {i}" for i in reversed(range(ROWS))]
    assert answer.content.count(b"\r\n") == ROWS + 1, "lines end with CRLF (RFC 4180)"


def test_the_same_rows_as_json_are_the_items_of_the_list(full):
    whole = exported(full, "ann", "format=json").json()
    assert set(whole) == {"items", "next"} and whole["next"] is None
    assert len(whole["items"]) == ROWS and len({item["id"] for item in whole["items"]}) == ROWS
    listed = full.inbox("ann", query="?limit=200")
    assert whole["items"][:200] == listed["items"]
    assert exported(full, "dora", "format=json").json() == {"items": [], "next": None}
    assert rows_of(exported(full, "dora", "")) == [], "CSV is what one gets without asking"


def test_the_filters_of_the_list_hold(full):
    errors = exported(full, "ann", "format=json&severity=error").json()["items"]
    assert len(errors) == ROWS // 4 and {item["severity"] for item in errors} == {"error"}
    found = rows_of(exported(full, "ann", "format=csv&q=row+999&severity=warning"))
    assert {line["title"] for line in found} == {f"Row {i}" for i in (999, 9990, 9991, 9993, 9994, 9995, 9997, 9998, 9999)}
    assert exported(full, "ann", "format=json&status=hidden").json()["items"] == []


def test_no_cell_is_a_formula_and_all_of_a_text_is_there(full):
    lines = rows_of(exported(full, "bob", "format=csv"))
    assert [line["title"] for line in lines] == [("'" if title[0] in "=+-@" else "") + title for title in reversed(HOSTILE)]
    raw = exported(full, "bob", "format=csv").text
    assert '"\'=cmd|""/C calc""!A0"' in raw
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for line in lines for cell in line.values())
    titles = [item["title"] for item in exported(full, "bob", "format=json").json()["items"]]
    assert titles == HOSTILE[::-1], "JSON needs no such mark"


@pytest.mark.parametrize("query", ["format=xml", "format=", "format=csv&severity=loud", "format=csv&before=nonsense"])
def test_what_cannot_be_asked_for_is_refused_with_a_status(full, query):
    answer = full.get(f"/v1/acme/notifications/export?{query}", full.person("ann"))
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"


def test_head_has_the_headers_and_nothing_else(full):
    answer = full.request("HEAD", "/v1/acme/notifications/export?format=csv", full.person("ann"))
    assert answer.status_code == 200 and answer.content == b""
    assert "filename=" in answer.headers["content-disposition"]


def test_only_what_a_person_may_see_is_in_it(full):
    full.send(case("mona", "secret", "A calculation for managers"))
    query = "format=json&category=CALC_BLOCKED"
    assert exported(full, "mona", query, roles=[]).json()["items"] == []
    assert len(exported(full, "mona", query, roles=["sales-manager"]).json()["items"]) == 1
    assert "for managers" not in exported(full, "mona", "format=csv", roles=[]).text
    assert exported(full, "dora", "format=json").json()["items"] == [], "what is another's is in no file of mine"
    assert full.get("/v1/acme/notifications/export?format=csv", people.token("crm")).status_code == 403
    assert full.get("/v1/acme/notifications/export?format=csv").status_code == 401
    assert full.get("/v1/globex/notifications/export?format=csv", full.person("ann")).status_code == 404


def ask(full, s, who="ann", **claims):
    token = full.person(who, **claims)["Authorization"]
    s.sendall(f"GET /v1/acme/notifications/export?format=json HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\n\r\n".encode())


def test_a_client_that_reads_slowly_gets_all_of_it(full):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", full.port))
        ask(full, s)
        first = s.recv(1)
        assert full.unread("bob") == len(HOSTILE), "others are served while it waits"
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        got = first + read_chunked(s)
    body = unchunk(got)
    assert len([i for i in json.loads(body)["items"] if i["title"].startswith("Row ")]) == ROWS


def slow_export(full, s, who, **claims):
    """Begins an export and takes nothing of it but its first byte."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(PATIENCE)
    s.connect(("127.0.0.1", full.port))
    ask(full, s, who, **claims)
    return s.recv(1)


def read_to_its_end(s):
    got = b""
    try:
        while data := s.recv(1 << 16):
            got += data
    except ConnectionResetError:
        pass
    return got


def test_who_loses_a_role_meanwhile_gets_no_more_and_knows_that_it_is_not_whole(full):
    """Roles of the directory, where ann's, the configuration's, cannot be changed."""
    users = people.token("users")
    def put(roles):
        assert full.request("PUT", "/v1/acme/users/lena", users, json={"roles": roles}).status_code in (200, 201)
    put(["sales-manager"])
    for start in range(0, ROWS, 1000):
        full.send([case("lena", "secret", f"Row {i} {'x' * 200}") for i in range(start, start + 1000)])
    with socket.socket() as s:
        got = slow_export(full, s, "lena")
        put([])
        assert full.titles("lena") == []
        got += read_to_its_end(s)
    assert b"Row 9999" in got and b"Row 0 " not in got
    assert not got.endswith(b"\r\n0\r\n\r\n") and b'"next":null' not in got
    with socket.socket() as s:
        claimed = slow_export(full, s, "lena", roles=["sales-manager"])
        put(["admin"])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert b"Row 0 " in claimed + read_chunked(s), "the JWT's own roles stand"


def read_chunked(s):
    got = b""
    while not got.endswith(b"\r\n0\r\n\r\n"):
        data = s.recv(1 << 16)
        assert data, "closed before the end"
        got += data
    return got


def unchunk(got):
    _, _, rest = got.partition(b"\r\n\r\n")
    out = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return out
        out, rest = out + rest[:int(size, 16)], rest[int(size, 16) + 2:]


def test_clients_that_leave_in_the_middle_leave_nothing_behind(full):
    for _ in range(20):
        with connect(full) as s:
            ask(full, s)
            s.recv(100)
    assert len(exported(full, "ann", "format=json&severity=error").json()["items"]) == ROWS // 4
    assert full.running()


def test_a_hub_that_stops_meanwhile_says_that_the_file_is_not_whole(tmp_path):
    hub = Hub(tmp_path, base())
    try:
        hub.start()
        for start in range(0, 4000, 1000):
            hub.send([case("ann", "odd", f"Row {i} {'x' * 200}") for i in range(start, start + 1000)])
        with socket.socket() as s:
            got = slow_export(hub, s, "ann")
            hub.stop()
            got += read_to_its_end(s)
        assert not got.endswith(b"\r\n0\r\n\r\n") and b'"next":null' not in got
    finally:
        hub.close()

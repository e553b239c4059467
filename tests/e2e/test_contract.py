# SPDX-License-Identifier: Apache-2.0
"""The person's side of the HTTP contract, as a client in another language would hold the hub to it: for each call its
answers with their exact members and types, and the headers that it lives by. What the calls mean is tested elsewhere."""
import csv
import io
import re
from datetime import datetime

import pytest

from support import people
from support.config import base
from support.events import case, cloud_event
from support.hub import Hub
from support.stream import Stream
from support.wait import until

V1 = "/v1/acme"
NOBODY = "00000000-0000-7000-8000-000000000000"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def configured():
    config = base()
    config["sources"]["deals"] = {"plugin": "approval"}
    config["sources"]["hr-sync"] = {"plugin": "sync", "background_after": "0s", "overview_valid_for": "1h"}
    return config


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("contract"), configured(), clock=True)
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


# --- what a value is --------------------------------------------------------------------------------------------------

def time(value):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value), value
    datetime.fromisoformat(value.replace("Z", "+00:00"))


def uuid(value):
    assert UUID.fullmatch(value), value


def number(value):
    assert type(value) is int and value >= 0, value


def text(value):
    assert type(value) is str, value


def boolean(value):
    assert type(value) is bool, value


def nothing(value):
    assert value is None, value


def of(*words):
    def check(value):
        assert value in words, value
    return check


def either(*checks):
    def check(value):
        for one in checks:
            try:
                return one(value)
            except (AssertionError, TypeError):
                pass
        raise AssertionError(value)
    return check


def many(check):
    def each(value):
        assert type(value) is list, value
        for one in value:
            check(one)
    return each


def counts(value):
    assert type(value) is dict, value
    for name, count in value.items():
        text(name), number(count)


def exactly(**members):
    """An object with these members and no others."""
    def check(value):
        assert type(value) is dict and sorted(value) == sorted(members), value
        for name, one in members.items():
            try:
                one(value[name])
            except AssertionError as fault:
                raise AssertionError(f"{name}: {fault}") from fault
    return check


CHANGED = exactly(rev=number, unread=number)
ITEM = exactly(
    id=uuid, type=text, source=text, category=text, severity=of("info", "success", "warning", "error", "critical"),
    title=text, body=either(text, nothing), href=text, subject=text, actor=either(text, nothing), reason=text,
    created_at=time, seen_at=either(time, nothing), read_at=either(time, nothing), hidden_at=either(time, nothing),
    unread=boolean, validity=of("valid", "expired", "superseded", "withdrawn"), valid_until=either(time, nothing),
    handled_by=either(text, nothing), replaced_by=either(text, nothing), actions=many(exactly(id=text, label=text)),
    rev=number)
LIST = exactly(rev=number, total=number, items=many(ITEM), next=either(text, nothing),
               facets=exactly(severity=counts, category=counts, source=counts))
BULK = exactly(rev=number, unread=number, changed=number, failed=many(exactly(id=text, code=text)),
               undo=either(text, nothing))
JOB = exactly(state=of("queued", "running", "done", "failed"), progress=number, added=number, invalidated=number)


def problem(answer, status, *more):
    """RFC 9457; members beside the standard ones are named."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"].split(";")[0] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and text(body["title"]) is None and text(body["type"]) is None
    assert set(body) - {"type", "title", "status", "detail", "instance", "errors"} == set(more), body
    many(exactly(pointer=text, detail=text))(body.get("errors", []))
    return body


def good(answer, status, shape):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    if shape is None:
        assert answer.content == b"" and "content-type" not in answer.headers
        return None
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    shape(answer.json())
    return answer.json()


# --- reading ----------------------------------------------------------------------------------------------------------

def test_the_list_of_every_kind_of_row(hub):
    """Plain, unseen, read, hidden, handled, expired, superseded with a successor, withdrawn: all have the same members."""
    who = "kinds"
    ask = lambda query="": hub.get(f"{V1}/notifications{query}", hub.person(who))  # noqa: E731
    for kind in ["calm", "fine", "odd", "bad", "worst"]:
        hub.send(case(who, kind))
    hub.send(approval("a-1", [who, "other"]), "deals")
    hub.send(approval("a-2", [who]), "deals")
    hub.send(cloud_event("approval.decided", {"approval": {"id": "a-1"}, "by": "other", "decision": "approved"}), "deals")
    hub.send(cloud_event("approval.recalled", {"approval": {"id": "a-2"}, "by": "carl"}), "deals")
    hub.send(cloud_event("sync.started", {"run": {"id": "o", "kind": "overview", "admin": who}}), "hr-sync")
    hub.send(cloud_event("sync.finished", {"run": {"id": "o"}, "outcome": "succeeded"}), "hr-sync")
    hub.clock.advance("2h")
    listed = good(ask("?limit=200"), 200, LIST)
    assert {i["validity"] for i in listed["items"]} >= {"valid", "expired", "withdrawn"}
    assert [i["handled_by"] for i in listed["items"] if i["subject"] == "approval/a-1"] == ["other"]
    for item in listed["items"]:
        assert item["href"] == f"/acme/n/{item['id']}"
        assert good(hub.get(f"{V1}/notifications/{item['id']}", hub.person(who)), 200, ITEM) == item
        if item["handled_by"] or item["validity"] != "valid":
            assert item["actions"] == [] and item["unread"] is False
    assert listed["total"] == len(listed["items"]) and listed["next"] is None
    part = good(ask("?limit=2"), 200, LIST)
    assert len(part["items"]) == 2 and part["total"] == listed["total"]
    rest = good(ask(f"?limit=200&before={part['next']}"), 200, LIST)
    assert part["items"] + rest["items"] == listed["items"]


def approval(id, approvers):
    return cloud_event("approval.submitted", {"approval": {
        "id": id, "title": f"Approval {id}", "url": "https://erp.example/a", "submitter": "carl",
        "steps": [{"name": "Only", "approvers": approvers, "needs": "any"}]}})


@pytest.mark.parametrize("query", [
    "severity=loud", "status=gone", "status=hidden&status=gone", "read=maybe", "limit=0", "limit=201", "limit=x",
    "before=nowhere", "severity="])
def test_bad_values_of_the_list(hub, query):
    problem(hub.get(f"{V1}/notifications?{query}", hub.person("ann")), 400)


@pytest.mark.parametrize("path", ["notifications", "notifications/count", "preferences"])
def test_an_entity_tag_saves_the_answer(hub, path):
    who = hub.person("tagged")
    first = hub.get(f"{V1}/{path}", who)
    assert re.fullmatch(r'(W/)?"[^"]+"', first.headers["etag"])
    assert "private" in first.headers["cache-control"] and "public" not in first.headers["cache-control"]
    for tag in [first.headers["etag"], f'"other", {first.headers["etag"]}', "*", "W/" + first.headers["etag"].removeprefix("W/")]:
        again = hub.get(f"{V1}/{path}", {**who, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b""), tag
        assert again.headers["etag"] == first.headers["etag"]
    assert hub.get(f"{V1}/{path}", {**who, "If-None-Match": '"other"'}).status_code == 200
    other = hub.get(f"{V1}/{path}", {**hub.person("other-tagged"), "If-None-Match": first.headers["etag"]})
    assert other.status_code == 200 or path == "preferences", "a tag is one person's; who chose nothing is like others"


def test_the_count(hub):
    who = hub.person("counter")
    ask = lambda query="", **headers: hub.get(f"{V1}/notifications/count{query}", {**who, **headers})  # noqa: E731
    hub.send(case("counter"))
    answer = ask()
    told = good(answer, 200, exactly(unread=number, unseen=number, rev=number))
    assert (told["unread"], told["unseen"]) == (1, 1)
    quiet = [ask(**{"If-None-Match": answer.headers["etag"]}), ask(f"?since_rev={told['rev']}")]
    assert [a.status_code for a in quiet] == [304, 204]
    for one in [answer, *quiet]:
        assert int(one.headers["poll-interval"]) > 0
    good(ask(f"?since_rev={told['rev'] - 1}"), 200, exactly(unread=number, unseen=number, rev=number))
    problem(ask("?since_rev=soon"), 400)


def test_the_export(hub):
    who = "exporter"
    hub.send(case(who, "bad", name="=1+1"))
    hub.send(case(who, "calm"))
    ask = lambda query: hub.get(f"{V1}/notifications/export?{query}", hub.person(who))  # noqa: E731
    table = ask("format=csv")
    assert table.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert table.headers["content-disposition"].startswith("attachment;")
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(rows) == 2 and not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    listed = ask("format=json")
    assert listed.headers["content-type"].split(";")[0] == "application/json"
    items = listed.json()["items"] if isinstance(listed.json(), dict) else listed.json()
    many(ITEM)(items)
    assert items == hub.items(who)
    assert len(list(csv.DictReader(io.StringIO(ask("format=csv&severity=error").text)))) == 1
    problem(ask("format=xml"), 400)
    problem(ask("format=csv&severity=loud"), 400)


# --- changing ---------------------------------------------------------------------------------------------------------

def test_marks(hub):
    who = hub.person("marker")
    hub.send(case("marker"))
    id = hub.items("marker")[0]["id"]
    before = hub.inbox("marker")["rev"]
    for word, unread in [("read", 0), ("unread", 1), ("hide", 0), ("unhide", 1)]:
        told = good(hub.post(f"{V1}/notifications/{id}/{word}", who), 200, CHANGED)
        assert told["rev"] > before and told["unread"] == unread, word
        assert good(hub.post(f"{V1}/notifications/{id}/{word}", who), 200, CHANGED) == told, "idempotent"
        before = told["rev"]
        for wrong in [NOBODY, "x"]:
            problem(hub.post(f"{V1}/notifications/{wrong}/{word}", who), 404)
        refused = hub.get(f"{V1}/notifications/{id}/{word}", who)
        problem(refused, 405)
        assert "POST" in refused.headers["allow"]


def test_bulk_and_undo(hub):
    who = hub.person("bulker")
    post = lambda path, body: hub.post(f"{V1}/notifications/{path}", who, json=body)  # noqa: E731
    for kind in ["bad", "bad", "calm"]:
        hub.send(case("bulker", kind))
    listed = hub.inbox("bulker")
    ids = [i["id"] for i in listed["items"]]
    part = good(post("bulk", {"action": "hide", "ids": [*ids[:2], NOBODY]}), 200, BULK)
    assert (part["changed"], [f["id"] for f in part["failed"]]) == (2, [NOBODY])
    undone = post("undo", {"op": part["undo"]})
    assert undone.status_code == 200 and undone.json()["unread"] == 3
    hub.send(case("bulker", "bad", name="Later"))
    matching = good(post("bulk", {"action": "read", "filter": {"severity": ["error"]}, "as_of_rev": listed["rev"] + 99}),
                    200, BULK)
    assert matching["failed"] == [] and matching["changed"] == 3
    hub.clock.advance("25h")
    who = hub.person("bulker")
    problem(post("undo", {"op": matching["undo"]}), 410)
    problem(post("undo", {"op": "op_none"}), 404)
    for body in [{}, {"action": "eat", "ids": ids}, {"action": "read"}, {"action": "read", "ids": "all"},
                 {"action": "read", "ids": [7]}, {"action": "read", "ids": ids, "filter": {}},
                 {"action": "read", "filter": {"severity": ["loud"]}, "as_of_rev": 1}]:
        answer = post("bulk", body)
        assert answer.status_code in (400, 422), body
        problem(answer, answer.status_code)


def test_seen(hub):
    hub.send(case("seer"))
    ids = [hub.items("seer")[0]["id"], NOBODY, "x"]
    good(hub.post(f"{V1}/notifications/seen", hub.person("seer"), json={"ids": ids}), 204, None)
    time(hub.items("seer")[0]["seen_at"])


def test_an_action_and_who_was_first(hub):
    hub.send(approval("a-9", ["first", "second"]), "deals")
    ids = {who: hub.items(who)[0]["id"] for who in ["first", "second"]}
    act = lambda who, action, **more: hub.post(  # noqa: E731
        f"{V1}/notifications/{ids[who]}/actions/{action}", hub.person(who), **more)
    assert [a["id"] for a in hub.items("first")[0]["actions"]] == ["approve", "reject"]
    problem(act("first", "dance"), 404)
    assert act("first", "approve", json={"comment": "Fine"}).status_code == 200
    late = problem(act("second", "reject", json={"comment": None}), 409, "handled_by", "handled_at")
    assert late["handled_by"] == "first"
    time(late["handled_at"])


def test_a_refresh_and_its_job(hub):
    who = hub.person("refresher")
    asked = hub.post(f"{V1}/notifications/refresh", who)
    job = good(asked, 202, exactly(job=text))["job"]
    assert asked.headers["location"] == f"{V1}/jobs/{job}"
    ask = lambda: good(hub.get(asked.headers["location"], who), 200, JOB)  # noqa: E731
    until(lambda: ask()["state"] == "done")
    assert ask() == {"state": "done", "progress": 100, "added": 0, "invalidated": 0}
    problem(hub.get(f"{V1}/jobs/{job}", hub.person("stranger")), 404)
    problem(hub.get(f"{V1}/jobs/{NOBODY}", who), 404)


# --- the stream -------------------------------------------------------------------------------------------------------

def test_the_stream_in_its_bytes(hub):
    answer = hub.get(f"{V1}/stream", {**hub.person("listener"), "Last-Event-ID": "12345"}, stream=True)
    assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == "text/event-stream"
    lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
    assert [next(lines) for _ in range(6)] == ["retry: 5000", "", "event: rev", "id: 0", 'data: {"rev":0,"unread":0}', ""]
    hub.clock.advance("25s")
    assert [next(lines), next(lines)] == [":hb", ""]
    answer.close()
    stream = Stream(hub, hub.person("listener", lives=30))
    assert stream.next()["event"] == "rev"
    hub.clock.advance("31s")
    assert stream.next()["event"] == "bye" and stream.next() is None


# --- preferences ------------------------------------------------------------------------------------------------------

def test_preferences_as_the_contract_writes_them(hub):
    """A client that knows the contract's members and no others."""
    mine = {"email": {"news": "off", "trouble": "digest"}, "default": "unseen",
            "digest": {"hour": 7, "weekdays": ["mon"]}, "timezone": "Asia/Tokyo", "pause_until": None,
            "quiet": {"from": "22:00", "to": "07:00"}}
    who = hub.person("chooser")
    first = hub.get(f"{V1}/preferences", who)
    assert set(first.json()) >= set(mine)
    put = lambda **headers: hub.request("PUT", f"{V1}/preferences", {**who, **headers}, json=mine)  # noqa: E731
    written = put(**{"If-Match": first.headers["etag"]})
    assert written.status_code == 200 and {k: written.json()[k] for k in mine} == mine
    problem(put(**{"If-Match": first.headers["etag"]}), 412)
    assert hub.get(f"{V1}/preferences", who).headers["etag"] == written.headers["etag"]
    wrong = hub.request("PUT", f"{V1}/preferences", who, json={**mine, "timezone": "Mars/Base", "quiet": {"from": "9"}})
    assert sorted(e["pointer"] for e in problem(wrong, 422)["errors"]) == ["/quiet/from", "/quiet/to", "/timezone"]


# --- who asks ---------------------------------------------------------------------------------------------------------

PERSONS = [("GET", "notifications"), ("GET", "notifications/count"), ("GET", f"notifications/{NOBODY}"),
           *[("POST", f"notifications/{NOBODY}/{word}") for word in ["read", "unread", "hide", "unhide"]],
           ("POST", "notifications/bulk"), ("POST", "notifications/undo"), ("POST", "notifications/seen"),
           ("POST", f"notifications/{NOBODY}/actions/approve"), ("POST", "notifications/refresh"),
           ("GET", f"jobs/{NOBODY}"), ("GET", "notifications/export?format=csv"), ("GET", "stream"),
           ("GET", "preferences"), ("PUT", "preferences")]


@pytest.mark.parametrize("method, path", PERSONS)
def test_each_call_is_a_persons_of_this_org(hub, method, path):
    ask = lambda org, headers: hub.request(method, f"/v1/{org}/{path}", headers, json=None if method == "GET" else {})  # noqa: E731
    nobody = ask("acme", {})
    problem(nobody, 401)
    assert nobody.headers["www-authenticate"].startswith("Bearer")
    problem(ask("acme", hub.person("ann", org="globex")), 404)
    problem(ask("globex", hub.person("ann")), 404)
    problem(ask("no-such-org", hub.person("ann")), 404)
    assert "inbox" in problem(ask("acme", people.token("admin")), 403)["detail"] or path == "preferences"
    session = hub.get(f"/acme/session?token={people.mint('ann', jti=path + method, now=hub.now())}")
    cookie = {"Cookie": session.headers["set-cookie"].partition(";")[0]}
    hub._session.cookies.clear()
    if method != "GET":
        problem(ask("acme", cookie), 403)
    mine = hub.request(method, f"{V1}/{path}", {**cookie, **SAME_ORIGIN}, json=None if method == "GET" else {}, stream=True)
    assert mine.status_code not in (401, 403)
    mine.close()
    wrong = hub.request("DELETE", f"{V1}/{path}", hub.person("ann"))
    problem(wrong, 405)
    assert method in wrong.headers["allow"]

# SPDX-License-Identifier: Apache-2.0
"""Count, seen, read, hide, bulk and undo: what a person does with an inbox."""
import itertools

import pytest

from support.events import case, created, record_of, updated

_people = itertools.count(1)


@pytest.fixture
def hub(shared_hub):
    return shared_hub


@pytest.fixture
def who():
    return f"marker-{next(_people)}"


def fill(hub, who, *names, kind="calm"):
    """Sends one for each name; ids by name."""
    hub.send([case(who, kind, name) for name in names])
    return {i["title"]: i["id"] for i in hub.inbox(who, query="?read=all&limit=200")["items"]}


def call(hub, who, path, body=None, headers=None):
    return hub.post(f"/v1/acme/notifications/{path}", {**hub.person(who), **(headers or {})}, json=body)


def bulk(hub, who, **body):
    answer = call(hub, who, "bulk", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def count(hub, who, query="", headers=None):
    return hub.get(f"/v1/acme/notifications/count{query}", {**hub.person(who), **(headers or {})})


# --- count ------------------------------------------------------------------------------------------------------

def test_count(hub, who):
    assert count(hub, who).json() == {"unread": 0, "unseen": 0, "rev": count(hub, who).json()["rev"]}
    ids = fill(hub, who, "a", "b", "c")
    assert (count(hub, who).json()["unread"], count(hub, who).json()["unseen"]) == (3, 3)
    hub.seen(who, ids["a"])
    assert (count(hub, who).json()["unread"], count(hub, who).json()["unseen"]) == (3, 2)
    hub.mark(who, ids["b"], "read")
    assert (count(hub, who).json()["unread"], count(hub, who).json()["unseen"]) == (2, 1)
    hub.mark(who, ids["c"], "hide")
    assert (count(hub, who).json()["unread"], count(hub, who).json()["unseen"]) == (1, 0)


def test_count_can_be_polled_cheaply(hub, who):
    fill(hub, who, "a")
    first = count(hub, who)
    assert first.status_code == 200
    assert int(first.headers["poll-interval"]) > 0
    assert "no-store" not in first.headers.get("cache-control", "")
    tag, rev = first.headers["etag"], first.json()["rev"]
    same = count(hub, who, headers={"If-None-Match": tag})
    assert same.status_code == 304 and not same.content and same.headers["etag"] == tag
    assert count(hub, who, headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
    assert count(hub, who, headers={"If-None-Match": '"something else"'}).status_code == 200
    assert count(hub, who, f"?since_rev={rev}").status_code == 204
    fill(hub, who, "b")
    assert count(hub, who, headers={"If-None-Match": tag}).json()["unread"] == 2
    assert count(hub, who, f"?since_rev={rev}").json()["rev"] > rev
    assert count(hub, who, "?since_rev=x").status_code == 400


def test_mark_all_as_read_clears_the_count(hub, who):
    fill(hub, who, *[f"n{i}" for i in range(20)])
    answer = bulk(hub, who, action="read", filter={})
    assert (answer["unread"], answer["changed"], answer["failed"]) == (0, 20, [])
    assert count(hub, who).json()["unread"] == 0


# --- one row -------------------------------------------------------------------------------------------------------

def test_read_and_unread(hub, who):
    id = fill(hub, who, "a")["a"]
    first = hub.mark(who, id, "read")
    assert set(first) == {"rev", "unread"} and first["unread"] == 0
    item = hub.items(who)[0]
    assert item["read_at"] and item["seen_at"] and not item["unread"]
    assert hub.mark(who, id, "read") == first, "again changes nothing, and is no new revision"
    back = hub.mark(who, id, "unread")
    assert back["unread"] == 1 and back["rev"] > first["rev"]
    assert hub.items(who)[0]["read_at"] is None


def test_hide_and_unhide(hub, who):
    id = fill(hub, who, "a")["a"]
    assert hub.mark(who, id, "hide")["unread"] == 0
    assert hub.titles(who) == []
    hidden = hub.inbox(who, query="?status=hidden&read=all")["items"][0]
    assert hidden["hidden_at"] and hidden["seen_at"] and not hidden["unread"]
    assert hub.mark(who, id, "unhide")["unread"] == 1
    assert hub.titles(who) == ["a"]


def test_marks_of_what_is_not_mine(hub, who):
    id = fill(hub, who, "a")["a"]
    for action in ["read", "unread", "hide", "unhide"]:
        assert hub.post(f"/v1/acme/notifications/{id}/{action}", hub.person("stranger")).status_code == 404
        assert call(hub, who, f"no-such-id/{action}").status_code == 404
    assert call(hub, who, f"{id}/explode").status_code in (404, 405)
    assert hub.unread(who) == 1


def test_seen(hub, who):
    ids = fill(hub, who, "a", "b")
    other = fill(hub, "somebody-else", "theirs")["theirs"]
    answer = call(hub, who, "seen", {"ids": [ids["a"], other, "nonsense"]})
    assert (answer.status_code, answer.content) == (204, b"")
    seen = {i["title"]: i["seen_at"] for i in hub.items(who)}
    assert seen["a"] and not seen["b"]
    assert hub.items("somebody-else")[0]["seen_at"] is None, "ids that are not mine are ignored"
    at = seen["a"]
    hub.seen(who, ids["a"])
    assert {i["title"]: i["seen_at"] for i in hub.items(who)}["a"] == at, "seen is when it was first seen"


@pytest.mark.parametrize("body", [None, {}, {"ids": "x"}, {"ids": [1]}, []])
def test_seen_with_a_bad_body(hub, who, body):
    assert call(hub, who, "seen", body).status_code in (400, 415, 422)


# --- bulk -----------------------------------------------------------------------------------------------------------

def test_bulk_by_ids(hub, who):
    ids = fill(hub, who, "a", "b", "c")
    other = fill(hub, "bulk-other", "theirs")["theirs"]
    answer = bulk(hub, who, action="hide", ids=[ids["a"], ids["b"], other, "nonsense"])
    assert set(answer) == {"rev", "unread", "changed", "failed", "undo"}
    assert (answer["changed"], answer["unread"]) == (2, 1)
    assert {f["id"] for f in answer["failed"]} == {other, "nonsense"}
    assert all(set(f) == {"id", "code"} for f in answer["failed"])
    assert hub.titles(who) == ["c"] and hub.titles("bulk-other") == ["theirs"]


def test_bulk_by_filter_touches_what_matches_and_nothing_newer(hub, who):
    fill(hub, who, "a", "b")
    fill(hub, who, "x", kind="bad")
    rev = hub.inbox(who)["rev"]
    fill(hub, who, "later", kind="bad")
    answer = bulk(hub, who, action="read", filter={"severity": ["error"]}, as_of_rev=rev)
    assert answer["changed"] == 1
    assert {i["title"] for i in hub.items(who) if i["unread"]} == {"a", "b", "later"}


def test_bulk_by_search_and_status(hub, who):
    ids = fill(hub, who, "red one", "red two", "blue")
    hub.mark(who, ids["red one"], "hide")
    assert bulk(hub, who, action="unhide", filter={"status": "hidden", "q": "red"})["changed"] == 1
    assert bulk(hub, who, action="hide", filter={"q": "red"})["changed"] == 2
    assert hub.titles(who) == ["blue"]


def test_bulk_over_more_than_one_transaction(hub, who):
    for start in range(0, 2500, 500):
        hub.send([case(who, name=f"n{i}") for i in range(start, start + 500)])
    answer = bulk(hub, who, action="hide", filter={})
    assert answer["changed"] == 2500 and answer["unread"] == 0
    assert hub.inbox(who)["total"] == 0, "answered after its last slice"
    undone = call(hub, who, "undo", {"op": answer["undo"]})
    assert undone.status_code == 200
    assert hub.inbox(who)["total"] == 2500


@pytest.mark.parametrize("body", [
    {}, {"action": "explode", "ids": []}, {"action": "read"}, {"action": "read", "ids": [], "filter": {}},
    {"action": "read", "ids": "all"}, {"action": "read", "filter": {"severity": ["terrible"]}},
    {"action": "read", "filter": {"nonsense": 1}}, {"action": "read", "filter": {}, "as_of_rev": "x"}, [],
])
def test_bulk_with_a_bad_body(hub, who, body):
    assert call(hub, who, "bulk", body).status_code in (400, 422)


def test_what_is_wrong_with_a_filter_is_pointed_at(hub, who):
    answer = call(hub, who, "bulk", {"action": "read", "filter": {"a/b~c": 1}}).json()
    assert answer["errors"][0]["pointer"] == "/filter/a~1b~0c", "RFC 6901"


# --- undo ------------------------------------------------------------------------------------------------------------

def test_undo_restores_what_was(hub, who):
    ids = fill(hub, who, "a", "b")
    hub.mark(who, ids["a"], "read")
    op = bulk(hub, who, action="read", filter={})["undo"]
    answer = call(hub, who, "undo", {"op": op})
    assert answer.status_code == 200
    assert {i["title"]: i["unread"] for i in hub.items(who)} == {"a": False, "b": True}


def test_undo_leaves_alone_what_changed_since(hub, who):
    ids = fill(hub, who, "a", "b")
    op = bulk(hub, who, action="hide", ids=list(ids.values()))["undo"]
    hub.mark(who, ids["a"], "unhide")
    hub.mark(who, ids["a"], "hide")
    assert call(hub, who, "undo", {"op": op}).status_code == 200
    assert hub.titles(who) == ["b"]


def test_undo_of_what_is_not_mine_or_no_operation(hub, who):
    ids = fill(hub, who, "a")
    op = bulk(hub, who, action="hide", ids=list(ids.values()))["undo"]
    assert hub.post("/v1/acme/notifications/undo", hub.person("stranger"), json={"op": op}).status_code == 404
    unknown = call(hub, who, "undo", {"op": "op_nonsense"})
    assert unknown.status_code == 404 and "undo" in unknown.json()["detail"]
    assert call(hub, who, "undo", {}).status_code in (400, 422)
    assert hub.titles(who) == []
    assert call(hub, who, "undo", {"op": op}).status_code == 200
    assert hub.titles(who) == ["a"]


def test_undo_ends_after_a_day(timed, who):
    ids = fill(timed, who, "a")
    op = bulk(timed, who, action="hide", ids=list(ids.values()))["undo"]
    timed.clock.advance("23h")
    assert call(timed, who, "undo", {"op": op}).status_code == 200
    op = bulk(timed, who, action="hide", ids=list(ids.values()))["undo"]
    timed.clock.advance("25h")
    assert call(timed, who, "undo", {"op": op}).status_code == 410
    assert timed.titles(who) == []


# --- unread is one thing everywhere --------------------------------------------------------------------------------------

def test_withdrawn_rows_stay_listed_and_are_not_unread(hub, who):
    event = created(owner=who, fields={"name": "Moving"})
    hub.send(event)
    hub.send(updated(record_of(event), owner="somebody-new"))
    item = hub.items(who)[0]
    assert (item["validity"], item["unread"]) == ("withdrawn", False)
    assert hub.unread(who) == 0
    assert hub.inbox(who, query="?read=unread")["items"] == []


def test_revisions_grow_with_every_visible_change(hub, who):
    revs = []

    def note():
        revs.append(count(hub, who).json()["rev"])

    note()
    ids = fill(hub, who, "a")
    note()
    hub.seen(who, ids["a"])
    note()
    for action in ["read", "unread", "hide", "unhide"]:
        hub.mark(who, ids["a"], action)
        note()
    assert revs == sorted(set(revs)), revs
    before = revs[-1]
    hub.send(case("nobody-here"))
    note()
    assert revs[-1] == before, "what happens to others is no revision of mine"

# SPDX-License-Identifier: Apache-2.0
"""GET /v1/{org}/notifications: filters, search, facets, cursor, order. One inbox for each test: people are free."""
import itertools
from urllib.parse import quote, urlencode

import pytest

from support.events import case, created

_people = itertools.count(1)


@pytest.fixture
def hub(shared_hub):
    return shared_hub


@pytest.fixture
def who():
    """Anybody who is well named has an inbox."""
    return f"person-{next(_people)}"


def listed(hub, who, roles=None, **query):
    return hub.inbox(who, roles=roles, query="?" + urlencode(query, doseq=True))


def titles(hub, who, roles=None, **query):
    return [item["title"] for item in listed(hub, who, roles, **query)["items"]]


def fill(hub, who, *cases, source="crm"):
    hub.send([case(who, kind, name) for kind, name in cases], source=source)


def test_an_item_has_exactly_the_documented_members(hub, who):
    event = created(owner=who, fields={"name": "Acme Ltd"}, url=None)
    event["data"]["record"]["url"] = "https://crm.example/leads/1"
    hub.send(event)
    answer = listed(hub, who)
    assert set(answer) == {"rev", "total", "items", "facets", "next"}
    item = answer["items"][0]
    assert set(item) == {
        "id", "type", "source", "category", "severity", "title", "body", "href", "subject", "actor", "reason",
        "created_at", "seen_at", "read_at", "hidden_at", "unread", "validity", "valid_until", "handled_by",
        "replaced_by", "actions", "rev"}
    assert item["type"] == "record.assigned" and item["source"] == "crm"
    assert (item["category"], item["severity"]) == ("workflow", "info")
    assert "Acme Ltd" in item["title"]
    assert item["subject"] == f"record/Lead/{event['data']['record']['id']}"
    assert item["actor"] == "carl"
    assert item["href"] == f"/acme/n/{item['id']}"
    assert item["unread"] is True and item["validity"] == "valid"
    assert item["actions"] == []
    assert all(item[name] is None for name in
               ("seen_at", "read_at", "hidden_at", "valid_until", "handled_by", "replaced_by"))
    one = hub.get(f"/v1/acme/notifications/{item['id']}", hub.person(who))
    assert one.status_code == 200 and one.json() == item


def test_newest_first(hub, who):
    for i in range(5):
        hub.send(case(who, name=f"no {i}"))
    assert titles(hub, who) == [f"no {i}" for i in reversed(range(5))]


def test_an_empty_inbox(hub, who):
    answer = listed(hub, who)
    assert (answer["total"], answer["items"], answer["next"]) == (0, [], None)
    assert answer["facets"] == {"severity": {}, "category": {}, "source": {}}


def test_filters(hub, who):
    fill(hub, who, ("calm", "a"), ("fine", "b"), ("odd", "c"), ("bad", "d"))
    fill(hub, who, ("worst", "e"), source="erp")
    assert titles(hub, who, severity="error") == ["d"]
    assert titles(hub, who, severity=["error", "critical"]) == ["e", "d"]
    assert titles(hub, who, category="news") == ["b", "a"]
    assert titles(hub, who, category=["news", "trouble"]) == ["e", "d", "c", "b", "a"]
    assert titles(hub, who, source="erp") == ["e"]
    assert titles(hub, who, source=["erp", "crm"], severity="critical") == ["e"]
    assert titles(hub, who, source="crm", category="trouble", severity="warning") == ["c"]
    assert titles(hub, who, source="erp", category="news") == []


def test_facets_count_under_the_other_filters(hub, who):
    fill(hub, who, ("calm", "a"), ("odd", "b"), ("odd", "c"), ("bad", "d"))
    fill(hub, who, ("odd", "e"), source="erp")
    everything = listed(hub, who)
    assert everything["total"] == 5
    assert everything["facets"] == {
        "severity": {"info": 1, "warning": 3, "error": 1}, "category": {"news": 1, "trouble": 4},
        "source": {"crm": 4, "erp": 1}}
    crm = listed(hub, who, source="crm", severity="warning")
    assert crm["total"] == 2
    assert crm["facets"]["severity"] == {"info": 1, "warning": 2, "error": 1}
    assert crm["facets"]["source"] == {"crm": 2, "erp": 1}
    assert crm["facets"]["category"] == {"trouble": 2}


def test_search(hub, who):
    fill(hub, who, ("calm", "The quick brown fox"), ("calm", "A lazy dog"), ("calm", "Straße und Ärger"),
         ("calm", "100% _sure_"))
    assert titles(hub, who, q="quick") == ["The quick brown fox"]
    assert titles(hub, who, q="QUICK") == ["The quick brown fox"]
    assert titles(hub, who, q="ärger") == ["Straße und Ärger"]
    assert titles(hub, who, q="100%") == ["100% _sure_"], "a percent sign is a percent sign"
    assert titles(hub, who, q="_sure_") == ["100% _sure_"]
    assert titles(hub, who, q="lazy_dog") == []
    assert titles(hub, who, q="fox", category="trouble") == []
    assert titles(hub, who, q="'; drop table") == []


def test_search_and_facets(hub, who):
    fill(hub, who, ("calm", "red one"), ("bad", "red two"), ("bad", "blue three"))
    answer = listed(hub, who, q="red")
    assert answer["total"] == 2 and answer["facets"]["severity"] == {"info": 1, "error": 1}


def test_read_and_status(hub, who):
    fill(hub, who, ("calm", "a"), ("calm", "b"), ("calm", "c"))
    ids = {i["title"]: i["id"] for i in listed(hub, who)["items"]}
    hub.mark(who, ids["a"], "read")
    hub.mark(who, ids["b"], "hide")
    assert titles(hub, who, read="unread") == ["c"]
    assert titles(hub, who, read="all") == ["c", "a"]
    assert titles(hub, who, read="all", status="active") == ["c", "a"]
    assert titles(hub, who, read="all", status="hidden") == ["b"]
    assert titles(hub, who) == ["c", "a"], "everything that is not hidden, where nothing is said"


def test_the_cursor_walks_through_everything_once(hub, who):
    fill(hub, who, *[("calm", f"n{i:03}") for i in range(25)])
    got, before, pages = [], None, 0
    while True:
        query = {"limit": 10, **({"before": before} if before else {})}
        page = listed(hub, who, **query)
        assert page["total"] == 25 and len(page["items"]) <= 10
        got += [i["title"] for i in page["items"]]
        before, pages = page["next"], pages + 1
        if before is None:
            break
        if pages == 1:  # what arrives in between changes nothing of what follows
            hub.send(case(who, name="in between"))
            hub.mark(who, listed(hub, who, limit=1)["items"][0]["id"], "hide")
    assert got == [f"n{i:03}" for i in reversed(range(25))]
    assert pages == 3


def test_the_cursor_with_a_filter(hub, who):
    fill(hub, who, *[("bad" if i % 2 else "calm", f"n{i:03}") for i in range(12)])
    first = listed(hub, who, severity="error", limit=4)
    second = listed(hub, who, severity="error", limit=4, before=first["next"])
    assert [i["title"] for i in first["items"] + second["items"]] == [f"n{i:03}" for i in (11, 9, 7, 5, 3, 1)]
    assert second["next"] is None


def test_limit(hub, who):
    fill(hub, who, *[("calm", f"{i}") for i in range(210)])
    assert len(listed(hub, who, limit=1)["items"]) == 1
    page = listed(hub, who, limit=200)
    assert len(page["items"]) == 200 and page["next"] and page["total"] == 210
    assert len(listed(hub, who)["items"]) == 200, "page_size of the channel"


@pytest.mark.parametrize("query", [
    "limit=0", "limit=201", "limit=many", "limit=-1", "severity=terrible", "status=gone", "read=maybe",
    "before=nonsense", "before=00000000-0000-0000-0000-000000000000x", "q=%ff",
    "severity=info&severity=oops", "read=all&read=unread", "status=active&status=hidden", "limit=1&limit=2", "q=a&q=b",
])
def test_bad_values_are_400(hub, who, query):
    answer = hub.get(f"/v1/acme/notifications?{query}", hub.person(who))
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_category_or_source_that_does_not_exist_is_an_empty_list(hub, who):
    fill(hub, who, ("calm", "a"))
    for query in ["category=unheard-of", "source=unheard-of"]:
        answer = hub.get(f"/v1/acme/notifications?{query}", hub.person(who))
        assert answer.status_code == 200, "an old link to what is no longer configured still opens"
        assert answer.json()["items"] == [] and answer.json()["total"] == 0


def test_the_list_has_an_entity_tag(hub, who):
    fill(hub, who, ("calm", "a"))
    first = hub.get("/v1/acme/notifications?read=all", hub.person(who))
    tag = first.headers["etag"]
    again = hub.get("/v1/acme/notifications?read=all", {**hub.person(who), "If-None-Match": tag})
    assert again.status_code == 304 and not again.content
    other = hub.get("/v1/acme/notifications?read=unread", {**hub.person(who), "If-None-Match": tag})
    assert other.status_code == 200, "another filter is another list"
    hub.send(case(who))
    fresh = hub.get("/v1/acme/notifications?read=all", {**hub.person(who), "If-None-Match": tag})
    assert fresh.status_code == 200 and fresh.headers["etag"] != tag
    assert "private" in fresh.headers["cache-control"] or "no-store" in fresh.headers["cache-control"]


@pytest.mark.parametrize("name", ["Jürgen Groß", "日本語", "a+b@c d", "x" * 128, "semi;colon", "100%", "<b>"])
def test_usernames_of_all_kinds(hub, name):
    hub.send(case(name, name="For you"))
    assert hub.titles(name) == ["For you"]


def test_hostile_text_is_delivered_clean(hub, who):
    fill(hub, who, ("calm", "line one\nline two\r\n\tand\x7fmore\u2028end"), ("calm", "\u202eevil\u2066"),
         ("calm", "<script>alert(1)</script>"), ("calm", "y" * 400))
    long, script, bidi, lines = titles(hub, who)
    assert lines == "line one line two and more end"
    assert bidi == "evil"
    assert script == "<script>alert(1)</script>", "text is text; pages escape it"
    assert len(long) == 300 and long.endswith("\u2026")


def test_a_copied_url_shows_the_same_rows(hub, who):
    fill(hub, who, ("bad", "Ünïcode & co"), ("calm", "other"))
    url = f"/v1/acme/notifications?q={quote('ünïcode & co')}&severity=error&read=all"
    assert [i["title"] for i in hub.get(url, hub.person(who)).json()["items"]] == ["Ünïcode & co"]

# SPDX-License-Identifier: Apache-2.0
"""Links that recipients follow, and the server-rendered inbox."""
import itertools

import pytest

from support.config import base, with_source
from support.events import case, cloud_event, created, record_of, updated

_people = itertools.count(1)
GO = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def hub(shared_hub):
    return shared_hub


@pytest.fixture
def who():
    return f"reader-{next(_people)}"


def one(hub, who, **more):
    hub.send(case(who, name="Look at this", **more))
    return hub.items(who)[0]


def follow(hub, who, item, headers=None, method="GET"):
    return hub.request(method, item["href"], {**hub.person(who), **(headers or {})})


def is_read(hub, who):
    return hub.items(who)[0]["read_at"] is not None


@pytest.mark.parametrize("headers", [{}, GO, {"Sec-Fetch-Dest": "document"}])
def test_a_link_marks_read_and_leads_to_the_thing(hub, who, headers):
    item = one(hub, who, url="https://crm.example/cases/7?tab=a&b=c")
    answer = follow(hub, who, item, headers)
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://crm.example/cases/7?tab=a&b=c"
    assert "no-store" in answer.headers["cache-control"]
    assert is_read(hub, who) and hub.unread(who) == 0


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Dest": "empty"}, {"Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch"},
    {"Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"},
])
def test_what_is_no_navigation_marks_nothing(hub, who, headers):
    item = one(hub, who)
    assert follow(hub, who, item, headers).status_code == 303
    assert not is_read(hub, who)


def test_head_marks_nothing(hub, who):
    item = one(hub, who)
    answer = follow(hub, who, item, GO, "HEAD")
    assert answer.status_code == 303 and not answer.content
    assert not is_read(hub, who)


def test_a_withdrawn_notification_opens_the_page_that_says_so(hub, who):
    event = created(owner=who, fields={"name": "Moved away"})
    hub.send(event)
    hub.send(updated(record_of(event), owner="another"))
    item = hub.items(who)[0]
    answer = follow(hub, who, item, GO)
    assert answer.status_code == 410
    assert "text/html" in answer.headers["content-type"]
    assert "no longer valid" in answer.text.lower()
    assert "crm.example" not in answer.text, "no link to what is no longer valid"


@pytest.fixture
def talk(new_hub):
    """Says things that replace what was said before about the same."""
    hub = new_hub(with_source(base(), "talk", plugin="echo_source", prefix="")).start()

    def say(to, text):
        hub.send(cloud_event("echo.said", {"to": to, "text": text}), "talk")
        return hub.items(to)[0]

    hub.say = say
    return hub


def test_a_replaced_notification_names_and_links_its_successor(talk, who):
    first, second = talk.say(who, "First <draft>"), talk.say(who, "Second & last")
    assert [i["id"] for i in talk.items(who)] == [second["id"]] and talk.unread(who) == 1
    for query in ["?read=all", "?read=unread", "?status=hidden", "?q=draft", "?category=echo"]:
        assert first["id"] not in talk.get(f"/v1/acme/notifications{query}", talk.person(who)).text, query
    gone = talk.get(f"/v1/acme/notifications/{first['id']}", talk.person(who)).json()
    assert (gone["validity"], gone["replaced_by"], gone["actions"]) == ("superseded", second["id"], [])
    answer = follow(talk, who, first, GO)
    assert answer.status_code == 410 and "First &lt;draft&gt;" in answer.text
    assert f'href="{second["href"]}">Second &amp; last</a>' in answer.text
    assert talk.unread(who) == 1, "what was read is the old one"
    assert follow(talk, who, second, GO).status_code == 200


def test_unknown_and_foreign_links(hub, who):
    item = one(hub, who)
    assert hub.get(item["href"], hub.person("stranger")).status_code == 404
    assert hub.get("/acme/n/nonsense", hub.person(who)).status_code == 404
    assert hub.get("/acme/n/00000000-0000-7000-8000-000000000000", hub.person(who)).status_code == 404
    assert hub.get(item["href"].replace("/acme/", "/globex/"), hub.person(who, org="globex")).status_code == 404
    assert hub.get(item["href"]).status_code == 401


def test_a_notification_without_a_link_still_opens(hub, who):
    first = record_of(created())
    hub.send(updated({"object": first["object"], "id": first["id"]}, owner=who, before={"owner": "carl"}))
    answer = follow(hub, who, hub.items(who)[0], GO)
    assert answer.status_code == 200 and first["id"] in answer.text, "it is shown itself"
    assert is_read(hub, who)


# --- the inbox as a page -----------------------------------------------------------------------------------------

def page(hub, who, query=""):
    answer = hub.get(f"/acme/notifications{query}", hub.person(who))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return answer


def test_the_page_lists_what_the_api_lists(hub, who):
    hub.send([case(who, "bad", "Broken <b>&</b> \"bold\""), case(who, "calm", "All well")])
    text = page(hub, who).text
    assert "All well" in text
    assert "Broken &lt;b&gt;&amp;&lt;/b&gt;" in text and "<b>&</b>" not in text
    filtered = page(hub, who, "?severity=error").text
    assert "Broken" in filtered and "All well" not in filtered
    assert "Broken" not in page(hub, who, "?q=well").text
    for item in hub.items(who):
        assert item["href"] in text


def test_the_page_carries_its_protection(hub, who):
    answer = page(hub, who)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe-inline" not in policy
    assert "frame-ancestors" in policy and "base-uri" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"]
    assert "private" in answer.headers["cache-control"] or "no-store" in answer.headers["cache-control"]
    assert "<!doctype html>" in answer.text.lower()
    assert '<html lang="en' in answer.text.lower()
    assert "<style>" not in answer.text and " style=" not in answer.text and " onclick=" not in answer.text


def test_the_page_of_bad_filters(hub, who):
    """What is no value is left out with a line that says so; a place that is none leads nowhere."""
    hub.send([case(who, "bad", "Broken"), case(who, "calm", "Well")])
    text = page(hub, who, "?severity=error&severity=terrible&limit=x").text
    assert "Broken" in text and "Well" not in text
    assert "left out: severity." in text
    text = page(hub, who, "?severity=error&colour=%22%3Cb%3E").text
    assert "left out: colour." in text and "Broken" in text and "Well" not in text
    assert "left out" not in page(hub, who, "?severity=error&done=read&n=1").text
    answer = hub.get("/acme/notifications?before=x", hub.person(who))
    assert answer.status_code == 400 and "text/html" in answer.headers["content-type"]


def test_assets_are_found_and_cached_for_long(hub, who):
    import re
    urls = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page(hub, who).text)
    assert urls
    for url in urls:
        asset = hub.get(url.replace("&amp;", "&"))
        assert asset.status_code == 200, url
        assert "max-age=31536000" in asset.headers["cache-control"]
        assert asset.headers["x-content-type-options"] == "nosniff"
    assert hub.get("/assets/nothing.css").status_code == 404


def test_favicon_is_no_404(hub, who):
    text = page(hub, who).text
    assert 'rel="icon"' in text or hub.get("/favicon.ico").status_code != 404


def test_a_form_has_room_for_every_row_of_a_page(hub, who):
    """All 200 rows ticked, each with its field for a comment: none is passed over."""
    hub.send([case(who, name=f"Row {i}") for i in range(200)])
    ids = [item["id"] for item in hub.inbox(who, query="?limit=200")["items"]]
    assert len(ids) == 200
    form = [("do", "hide-selected")] + [pair for id in ids for pair in (("ids", id), (f"comment:{id}", ""))]
    answer = hub.post("/acme/notifications/act", hub.person(who), data=form, allow_redirects=False)
    assert answer.status_code == 303 and "done=hide&n=200" in answer.headers["location"]
    assert hub.inbox(who)["total"] == 0


def test_a_page_has_room_for_every_filter_that_fits_into_an_address(hub, who):
    one(hub, who)
    names = [f"{i:03}" + "x" * 117 for i in range(48)]
    answer = hub.get("/acme/notifications?" + "&".join(f"category={name}" for name in names), hub.person(who))
    assert answer.status_code == 200 and '<section id="inbox"' in answer.text and '</section>' in answer.text
    assert all(f'value="{name}"' in answer.text for name in names), "each can be unpicked"

# SPDX-License-Identifier: Apache-2.0
"""What time does by itself: rows expire by a write, and a clock that jumps breaks nothing."""
import pytest

from support.config import base, with_source
from support.events import case, cloud_event, created
from support.wait import until

GO = {"Sec-Fetch-Dest": "document"}


@pytest.fixture
def hub(new_hub):
    return new_hub(with_source(base(), "board", plugin="notice_source"), clock=True).start()


def post(hub, to="ann", title="For an hour", for_ms=3_600_000, subject="notice/1"):
    hub.send(cloud_event("notice.posted", {"to": to, "title": title, "for_ms": for_ms, "subject": subject}), "board")
    return hub.items(to)[0]


def act(hub, what, **data):
    return hub.send(cloud_event(f"notice.{what}", {"subject": "notice/1", **data}), "board")


def count(hub, who="ann", etag=None):
    headers = hub.person(who)
    if etag:
        headers["If-None-Match"] = etag
    return hub.get("/v1/acme/notifications/count", headers)


# --- expiry ------------------------------------------------------------------------------------------------------------

def test_expiry_is_a_write(hub):
    """Nobody asks, and still the revision moves when the time comes: a 304 never lies."""
    item = post(hub)
    assert item["valid_until"] and item["validity"] == "valid" and item["unread"]
    before = count(hub)
    hub.clock.advance("59m")
    assert count(hub, etag=before.headers["etag"]).status_code == 304
    hub.clock.advance("2m")
    after = count(hub, etag=before.headers["etag"])
    assert after.status_code == 200
    assert after.json()["unread"] == 0 and after.json()["rev"] > before.json()["rev"]
    row = hub.items("ann")[0]
    assert (row["validity"], row["unread"]) == ("expired", False)
    assert row["read_at"] is None, "expired is not read"
    assert hub.inbox("ann", query="?read=unread")["total"] == 0


def test_an_expired_link_says_that_the_data_is_no_longer_valid(hub):
    """Y3: it still opens, and says so; the gate is the clock itself, not the sweep."""
    item = post(hub, for_ms=1000)
    assert hub.get(item["href"], {**hub.person("ann"), **GO}).status_code == 303
    hub.clock.advance("2s")
    answer = hub.get(item["href"], {**hub.person("ann"), **GO})
    assert answer.status_code == 410 and "no longer valid" in answer.text.lower()
    assert "For an hour" in answer.text, "the title as it was sent"
    assert "notices.example" not in answer.text


def test_validity_can_be_moved(hub):
    post(hub)
    hub.clock.advance("30m")
    act(hub, "extended", for_ms=3_600_000)
    hub.clock.advance("45m")
    assert hub.items("ann")[0]["validity"] == "valid"
    hub.clock.advance("16m")
    assert hub.items("ann")[0]["validity"] == "expired"


def test_many_rows_expire_at_once(hub):
    batch = [cloud_event("notice.posted", {"to": f"p{i % 50}", "title": f"{i}", "for_ms": 60_000, "subject": f"n/{i}"})
             for i in range(1000)]
    for start in range(0, 3):
        hub.send([{**e, "id": e["id"] + str(start)} for e in batch], "board")
    assert hub.unread("p7") == 60
    hub.clock.advance("61s")
    for who in ["p0", "p7", "p49"]:
        until(lambda: hub.unread(who) == 0)
        assert {i["validity"] for i in hub.items(who)} == {"expired"}


def test_expiry_while_the_hub_was_down(hub):
    post(hub)
    hub.stop()
    hub.clock.ms += 7_200_000
    hub.start()
    until(lambda: hub.items("ann")[0]["validity"] == "expired")
    assert hub.unread("ann") == 0


# --- handled, withdrawn, superseded ----------------------------------------------------------------------------------------

def test_handled_rows_stay_listed_and_open(hub):
    item = post(hub)
    act(hub, "done", by="bob")
    row = hub.items("ann")[0]
    assert (row["handled_by"], row["unread"], row["validity"], row["actions"]) == ("bob", False, "valid", [])
    assert hub.unread("ann") == 0
    assert hub.get(item["href"], {**hub.person("ann"), **GO}).status_code == 303


def test_withdrawn_and_superseded_rows_open_the_other_page(hub):
    first = post(hub)
    act(hub, "gone")
    assert hub.items("ann")[0]["validity"] == "withdrawn"
    assert hub.get(first["href"], {**hub.person("ann"), **GO}).status_code == 410
    second = post(hub, title="An overview")
    act(hub, "newer")
    row = hub.items("ann")[0]
    assert row["title"] == "An overview" and row["validity"] == "superseded", "without replaced_by it stays listed"
    assert hub.get(second["href"], {**hub.person("ann"), **GO}).status_code == 410
    assert hub.unread("ann") == 0


# --- clock jumps --------------------------------------------------------------------------------------------------------

def test_the_clock_jumps_back(hub):
    hub.send(case("ann", name="Before the jump"))
    rev = count(hub).json()["rev"]
    hub.clock.set(hub.clock.ms - 86_400_000)
    for i in range(3):
        hub.send(case("ann", name=f"After {i}"))
    assert hub.titles("ann") == ["After 2", "After 1", "After 0", "Before the jump"], "the order is that of commits"
    assert count(hub).json()["rev"] > rev
    hub.restart()
    hub.send(case("ann", name="After a restart"))
    assert hub.titles("ann")[0] == "After a restart"


def test_the_clock_jumps_back_and_nothing_is_told_twice(new_hub, receiver):
    from support.config import with_hooks
    receiver.answer("/local", 500, 200)
    hub = new_hub(with_hooks(base(), receiver.endpoint()), clock=True).start()
    hub.send(created())
    receiver.wait(1)
    until(lambda: hub.deliveries("?state=retrying"))
    hub.clock.set(hub.clock.ms - 3_600_000)
    hub.send(created(owner="bob"))
    receiver.wait(2)
    hub.clock.advance("62m")
    until(lambda: {d["state"] for d in hub.deliveries("?channel=hooks")} == {"delivered"})
    assert len(receiver.deliveries) == 3


def test_the_clock_jumps_far_ahead(hub):
    post(hub)
    hub.send(case("ann", name="Still here"))
    hub.clock.set(hub.clock.ms + 10 * 365 * 86_400_000)
    until(lambda: {i["title"]: i["validity"] for i in hub.items("ann")} ==
          {"For an hour": "expired", "Still here": "valid"})
    hub.send(case("ann", name="In ten years"))
    assert hub.titles("ann")[0] == "In ten years"
    hub.clock.set(hub.clock.ms - 10 * 365 * 86_400_000)
    hub.send(case("ann", name="And back"))
    assert hub.titles("ann")[0] == "And back"


# --- bad manners of a source ------------------------------------------------------------------------------------------------

def test_a_slow_source_is_quarantined(hub):
    for _ in range(3):
        act(hub, "slow")
    refused = hub.post_trigger(cloud_event("notice.slow", {}), "board")
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
    hub.send(case("ann", name="Others are served"))
    assert hub.titles("ann") == ["Others are served"]
    until(lambda: [i for i in hub.items("root") if i["type"] == "hub.source_quarantined"])
    hub.clock.advance("61s")
    post(hub, title="It is called again")


def test_a_trigger_that_kills_the_hub_is_refused_once(hub):
    import requests
    hub.send(case("ann", name="Before"))
    crash = cloud_event("notice.crash", {}, id="killer")
    with pytest.raises(requests.RequestException):
        hub.post_trigger(crash, "board")
    assert hub.wait() != 0
    hub.start()
    again = hub.post_trigger(crash, "board")
    assert again.status_code not in (202, 200), again.text
    assert hub.running() and hub.titles("ann") == ["Before"]
    assert "killer" in hub.log()

# SPDX-License-Identifier: Apache-2.0
"""`feed:` of a source: the hub pulls CloudEvents from an address, and goes on from where it was."""
import json
import sqlite3
import subprocess
import sys

import pytest
import requests

from support import people
from support.config import base
from support.events import case, cloud_event
from support.feed import Feed, body, status
from support.paths import SRC
from support.ports import free_ports
from support.wait import until


@pytest.fixture
def new_feed():
    feeds = []

    def make(*events, **options):
        feeds.append(Feed(*events, **options))
        return feeds[-1]

    yield make
    for feed in feeds:
        feed.close()


def config_of(feed, **option):
    config = base()
    config["sources"]["crm"]["feed"] = feed.option(**option)
    return config


def cases(count, start=0, to="ann"):
    return [case(to, name=f"Case {i}", event_id=f"case-{i}") for i in range(start, start + count)]


def view(hub, source="crm"):
    answer = hub.get("/v1/admin/feeds", people.token("operator"))
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.json()["items"] if one["source"] == source)


def settled(new_hub, config):
    """A hub with the virtual clock, whose feeds were asked for the first time."""
    hub = new_hub(config, clock=True).start()
    hub.clock.advance("0ms")
    return hub


# --- pulling ----------------------------------------------------------------------------------------------------------


def test_a_feed_is_pulled_soon_after_the_start_and_then_again_and_again(new_hub, new_feed):
    feed = new_feed(*cases(2))
    hub = settled(new_hub, config_of(feed, every="1m"))
    assert sorted(hub.titles("ann")) == ["Case 0", "Case 1"]
    feed.add(*cases(1, start=2))
    hub.clock.advance("59s")
    assert len(hub.titles("ann")) == 2
    hub.clock.advance("1s")
    assert hub.titles("ann")[0] == "Case 2"
    first, second = feed.questions
    assert (first.path, first.after, first.limit) == ("/events", "", 200)
    assert (second.after, second.limit) == ("2", 200)
    assert first.headers["accept"] == "application/cloudevents-batch+json"


def test_a_full_page_is_followed_by_the_next_at_once(new_hub, new_feed):
    feed = new_feed(*cases(450))
    hub = settled(new_hub, config_of(feed))
    assert hub.inbox("ann")["total"] == 450
    assert [q.after for q in feed.questions] == ["", "200", "400"]


def test_a_page_is_no_larger_than_what_the_hub_takes_in_one_batch(new_hub, new_feed):
    feed = new_feed(*cases(120))
    config = config_of(feed)
    config["hub"]["limits"]["batch_events"] = 50
    hub = settled(new_hub, config)
    assert hub.inbox("ann")["total"] == 120
    assert [(q.after, q.limit) for q in feed.questions] == [("", 50), ("50", 50), ("100", 50)]


def test_a_clock_that_goes_back_puts_off_a_feed_by_no_more_than_its_time(new_hub, new_feed):
    feed = new_feed()
    hub = settled(new_hub, config_of(feed, every="1m"))
    hub.clock.set(int(hub.clock.now() * 1000) - 600_000)
    hub.clock.advance("1m")
    assert feed.asked() > 1
    feed.add(*cases(1))
    hub.clock.advance("1m")
    assert hub.titles("ann") == ["Case 0"]


def test_a_long_backlog_delays_no_other_feed(new_hub, new_feed):
    long, short = new_feed(*cases(1000)), new_feed(*cases(1, start=5000, to="bob"))
    config = config_of(long)
    config["sources"]["erp"]["feed"] = short.option()
    hub = settled(new_hub, config)
    assert (hub.inbox("ann")["total"], hub.inbox("bob")["total"]) == (1000, 1)


def test_without_a_cursor_the_last_id_is_the_place(new_hub, new_feed):
    feed = new_feed(*cases(3), cursors=False)
    hub = settled(new_hub, config_of(feed))
    feed.add(*cases(1, start=3))
    hub.clock.advance("1m")
    assert [q.after for q in feed.questions] == ["", "case-2"]
    assert hub.inbox("ann")["total"] == 4


def test_without_a_cursor_a_refused_event_is_a_place_too(new_hub, new_feed):
    """However bad it is, as long as it has an id: else it would come again and again, and keep away what is behind it."""
    typeless = [{"specversion": "1.0", "id": f"bad-{i}", "source": "/tests"} for i in range(200)]
    large = case("ann", event_id="large")
    large["data"]["record"]["fields"]["ballast"] = "x" * 600_000
    feed = new_feed(*typeless, *cases(1), large, cursors=False)
    hub = settled(new_hub, config_of(feed))
    hub.clock.advance("1m")
    assert [q.after for q in feed.questions] == ["", "bad-199", "large"]
    assert hub.titles("ann") == ["Case 0"] and view(hub)["refused"] == 201
    items = hub.get("/v1/acme/events?refused=true", people.token("reader")).json()["items"]
    assert "524288" in items[0]["errors"][0]["detail"]


def test_events_that_are_nothing_hold_their_place_and_are_said_to_come_again(new_hub, new_feed):
    feed = new_feed("nothing", cursors=False)
    hub = settled(new_hub, config_of(feed))
    hub.clock.advance("1m")
    assert [q.after for q in feed.questions] == ["", ""]
    assert "refused and come again" in hub.log() and "refused=true" not in hub.log()
    feed.add(*cases(1))
    hub.clock.advance("1m")
    assert hub.titles("ann") == ["Case 0"] and view(hub)["cursor"] == "case-0"
    assert len(hub.get("/v1/acme/events?refused=true", people.token("reader")).json()["items"]) == 1


def test_the_query_of_an_address_stays_and_cursors_are_encoded(new_hub, new_feed):
    feed = new_feed()
    feed.answers = [body(cases(1), Belfry_Cursor="a b&limit=1")]
    hub = settled(new_hub, config_of(feed, path="/events?stream=cases#part"))
    hub.clock.advance("1m")
    assert feed.questions[0].raw_query == "stream=cases&after=&limit=200"
    assert feed.questions[1].raw_query == "stream=cases&after=a%20b%26limit%3D1&limit=200"


def test_an_unchanged_feed_answers_304(new_hub, new_feed):
    feed = new_feed(*cases(1))
    hub = settled(new_hub, config_of(feed))
    hub.clock.advance("1m")  # the place behind the page has a tag of its own
    hub.clock.advance("1m")
    assert "if-none-match" not in feed.questions[0].headers and feed.questions[2].headers["if-none-match"]
    feed.add(*cases(1, start=1))
    hub.clock.advance("1m")
    assert hub.inbox("ann")["total"] == 2
    numbers = hub.metrics()
    assert numbers['belfry_feed_requests_total{source="crm",result="unchanged"}'] == 1
    assert numbers['belfry_feed_requests_total{source="crm",result="page"}'] == 2
    assert numbers['belfry_feed_last_success_timestamp_seconds{source="crm"}'] == hub.clock.now()
    assert numbers['belfry_events_received_total{source="crm",result="accepted"}'] == 2


def test_the_tag_of_an_answer_is_sent_with_the_next_question_but_not_that_of_a_full_page(new_hub, new_feed):
    feed = new_feed()
    feed.answers = [body(cases(200), Belfry_Cursor="200", ETag='"v1"'), body(cases(1, 200), Belfry_Cursor="201", ETag='"v1"')]
    hub = settled(new_hub, config_of(feed))
    assert "if-none-match" not in feed.questions[1].headers
    feed.answers = [status(304)]
    hub.clock.advance("1m")
    assert feed.questions[2].headers["if-none-match"] == '"v1"' and feed.questions[2].after == "201"
    assert view(hub)["failures"] == 0


def test_an_empty_page_keeps_the_cursor(new_hub, new_feed):
    feed = new_feed()
    feed.answers = [body(cases(1), Belfry_Cursor="one"), body([], Belfry_Cursor="two"), body([])]
    hub = settled(new_hub, config_of(feed))
    for _ in range(2):
        hub.clock.advance("1m")
    assert [q.after for q in feed.questions] == ["", "one", "one"]


@pytest.mark.parametrize("cursors", [["same", "same"], ["a", "b", "a"]])
def test_a_feed_that_does_not_go_on_is_not_asked_without_end(new_hub, new_feed, cursors):
    feed = new_feed()
    pages = [body(cases(200), Belfry_Cursor=c) for c in cursors * 20]
    feed.answers = list(pages)
    hub = settled(new_hub, config_of(feed))
    assert 2 <= feed.asked() <= 6
    before = feed.asked()
    hub.clock.advance("59s")
    assert feed.asked() == before
    hub.clock.advance("1s")
    assert feed.asked() > before
    assert hub.inbox("ann")["total"] == 200


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_a_refused_event_is_kept_as_refused_and_blocks_nothing(new_hub, new_feed):
    bad = [cloud_event("record.created", {"record": {"object": "Case"}}, id="no-id-of-record"),
           {"specversion": "1.0", "id": "no-type", "source": "/tests"}, "not an event"]
    feed = new_feed(*cases(1), *bad, *cases(1, start=1))
    hub = settled(new_hub, config_of(feed))
    assert sorted(hub.titles("ann")) == ["Case 0", "Case 1"]
    answer = hub.get("/v1/acme/events?refused=true", people.token("reader"))
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [one["kind"] for one in items] == ["feed"] * 3 and {one["source"] for one in items} == {"crm"}
    assert [json.loads(one["body"]) for one in items] == list(reversed(bad))  # newest first
    text, typeless, incomplete = ({fault["pointer"] for fault in one["errors"]} for one in items)
    assert text == {""} and typeless == {"/type"} and "/data/record/id" in incomplete
    hub.clock.advance("1m")
    assert len(hub.get("/v1/acme/events?refused=true", people.token("reader")).json()["items"]) == 3
    assert view(hub)["refused"] == 3


def test_refused_items_are_for_those_who_may_see_events_of_their_own_org(new_hub, new_feed):
    feed = new_feed("nonsense")
    hub = settled(new_hub, config_of(feed))
    path = "/v1/acme/events?refused=true"
    assert hub.get(path, hub.person("ann")).status_code == 403
    assert hub.get(path, hub.person("root")).json()["items"]
    assert hub.get("/v1/globex/events?refused=true", hub.person("ann", org="globex")).json()["items"] == []
    assert hub.get(path.replace("true", "maybe"), hub.person("root")).status_code == 400
    assert hub.get("/v1/acme/events", hub.person("root")).json()["items"] == []


# --- bad days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer, fault", [
    (status(500), "answered 500"),
    (status(401), "answered 401"),
    (status(302, Location="http://127.0.0.1:1/elsewhere"), "answered 302"),
    (body([], content_type="application/json"), "not application/cloudevents-batch+json"),
    (body(b"[{"), "column"),
    (body({"events": []}), "must be an array"),
    (body([1] * 1001), "at most 1000"),
    (body(cases(1), Belfry_Cursor="x" * 2000), "Belfry-Cursor"),
    (status(304), "304"),
    (lambda question: (None, {}, b""), ""),
])
def test_a_feed_that_fails_is_asked_again_later_and_later(new_hub, new_feed, answer, fault):
    feed = new_feed(*cases(1))
    feed.answers = [answer] * 3
    hub = settled(new_hub, config_of(feed, every="1h"))
    one = view(hub)
    assert one["failures"] == 1 and one["state"] == "failing" and fault in one["fault"]
    for wait, count in (("4s", 1), ("1s", 2), ("9s", 2), ("1s", 3), ("19s", 3)):
        hub.clock.advance(wait)
        assert feed.asked() == count
    assert hub.metrics()['belfry_feed_consecutive_failures{source="crm"}'] == 3
    assert hub.get("/readyz").status_code == 200
    hub.clock.advance("1s")
    assert hub.titles("ann") == ["Case 0"] and view(hub)["failures"] == 0 and view(hub)["fault"] is None


def test_the_pause_between_failures_has_an_end(new_hub, new_feed):
    feed = new_feed(*cases(1))
    feed.answers = [status(500)] * 30
    hub = settled(new_hub, config_of(feed))
    for _ in range(20):
        hub.clock.advance("15m")
    assert feed.asked() >= 20


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed_also_by_refresh(new_hub, new_feed, code):
    feed = new_feed(*cases(1))
    feed.answers = [status(code, Retry_After="300")]
    hub = settled(new_hub, config_of(feed, every="10s"))
    hub.clock.advance("299s")
    assert feed.asked() == 1
    assert hub.post("/v1/acme/notifications/refresh", hub.person("ann")).status_code == 202
    hub.clock.advance("0ms")
    assert feed.asked() == 1
    hub.clock.advance("1s")
    assert feed.asked() == 2 and hub.titles("ann") == ["Case 0"]


def test_a_page_that_is_too_long_is_asked_for_in_smaller_ones(new_hub, new_feed):
    big = [case("ann", name=f"Case {i}", event_id=f"case-{i}") for i in range(100)]
    for event in big:
        event["data"]["record"]["fields"]["ballast"] = "x" * 100_000
    feed = new_feed(*big)
    hub = settled(new_hub, config_of(feed))
    assert hub.inbox("ann")["total"] == 100
    assert [q.limit for q in feed.questions][:2] == [200, 50]


def test_one_bad_feed_leaves_the_others_alone(new_hub, new_feed):
    bad, good = new_feed(), new_feed(*cases(1))
    bad.answers = [status(500)] * 100
    config = config_of(bad)
    config["sources"]["erp"]["feed"] = good.option()
    hub = settled(new_hub, config)
    assert hub.titles("ann") == ["Case 0"]
    hub.send(case("bob"))
    assert len(hub.titles("bob")) == 1


# --- who it is, and what nobody may see -------------------------------------------------------------------------------


def test_the_principal_is_the_feed_and_its_token_is_sent_and_never_shown(new_hub, new_feed):
    feed = new_feed(*cases(1))
    feed.answers = [None, status(500)]
    hub = new_hub(config_of(feed, token="${env:BELFRY_TEST_FEED}", path="/e?key=secret-of-the-query"), clock=True)
    hub.env["BELFRY_TEST_FEED"] = "canary-token"
    hub.start()
    hub.clock.advance("1m")
    assert feed.questions[-1].headers["authorization"] == "Bearer canary-token"
    event = hub.events()[0]
    assert hub.story(event["id"])["event"]["trigger"]["principal"] == "feed:crm"
    shown = hub.log() + json.dumps(view(hub)) + hub.get("/v1/admin/config", people.token("operator")).text
    assert "canary-token" not in shown and "secret-of-the-query" not in view(hub)["url"] + hub.log()


def test_an_event_that_was_posted_and_pulled_is_taken_once(new_hub, new_feed):
    event = case("ann", event_id="both-ways")
    feed = new_feed()
    hub = settled(new_hub, config_of(feed))
    hub.send(event)
    feed.add(event)
    hub.clock.advance("1m")
    assert hub.inbox("ann")["total"] == 1 and view(hub)["duplicate"] == 1


# --- reload and restart -----------------------------------------------------------------------------------------------


def test_the_place_survives_a_restart_and_a_rename(new_hub, new_feed):
    feed = new_feed(*cases(2))
    hub = settled(new_hub, config_of(feed))
    hub.restart()
    hub.clock.advance("1m")
    assert {q.after for q in feed.questions[1:]} == {"2"}
    config = base()
    config["sources"]["sales"] = {**config["sources"].pop("crm"), "was": "crm", "feed": feed.option()}
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if "trigger:crm" not in t["may"]]
    hub.write_config(config)
    hub.reload()
    feed.add(*cases(1, start=2))
    hub.clock.advance("1m")
    assert "" not in [q.after for q in feed.questions[1:]]
    assert hub.inbox("ann")["total"] == 3


def test_another_address_is_read_from_the_beginning(new_hub, new_feed):
    feed = new_feed(*cases(2))
    hub = settled(new_hub, config_of(feed))
    hub.write_config(config_of(feed, path="/moved"))
    hub.reload()
    hub.clock.advance("0ms")
    assert (feed.questions[-1].path, feed.questions[-1].after) == ("/moved", "")
    assert hub.inbox("ann")["total"] == 2 and view(hub)["duplicate"] == 2


def test_a_reload_puts_every_token_and_removal_in_force(new_hub, new_feed):
    feed = new_feed(*cases(1))
    hub = settled(new_hub, config_of(feed, every="1h"))
    hub.write_config(config_of(feed, every="1m"))
    hub.reload()
    hub.clock.advance("1m")
    assert feed.asked() == 2
    hub.write_config(config_of(feed, every="1m", token="another-token-of-some-length"))
    hub.reload()
    hub.clock.advance("0ms")
    assert feed.questions[-1].headers["authorization"].endswith("length") and feed.questions[-1].after == "1"
    asked = feed.asked()
    hub.write_config(base())
    hub.reload()
    hub.clock.advance("1h")
    assert feed.asked() == asked
    assert hub.get("/v1/admin/feeds", people.token("operator")).json()["items"] == []


def test_a_reload_while_the_feed_is_asked_takes_nothing_from_the_old_address(new_hub, new_feed):
    old, new = new_feed(*cases(1)), new_feed(*cases(1, start=9))
    old.gate.clear()
    hub = new_hub(config_of(old)).start()
    old.until_asked(1)
    hub.write_config(config_of(new))
    hub.reload()
    until(lambda: hub.titles("ann") == ["Case 9"])
    old.gate.set()
    assert hub.titles("ann") == ["Case 9"]


def test_the_page_and_its_place_are_one_commit(new_hub, new_feed):
    feed = new_feed(*cases(3))
    hub = settled(new_hub, config_of(feed))
    hub.stop()
    db = sqlite3.connect(hub.data_dir / "belfry.db")
    assert db.execute("SELECT cursor, (SELECT count(*) FROM event) FROM feed").fetchall() == [("3", 3)]


def test_the_example_of_the_documentation_serves_a_feed(new_hub, tmp_path):
    port, = free_ports(1)
    events = tmp_path / "events.jsonl"
    events.write_text("".join(json.dumps(event) + "\n" for event in cases(2)))
    serving = subprocess.Popen([sys.executable, SRC / "docs" / "examples" / "feed.py", str(port), str(events), "t0ken"],
                               stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: answers(port), "the example serves")
        config = base()
        config["sources"]["crm"]["feed"] = {"url": f"http://127.0.0.1:{port}/", "org": "acme", "token": "t0ken"}
        hub = settled(new_hub, config)
        assert hub.inbox("ann")["total"] == 2
        with open(events, "a") as more:
            more.write(json.dumps(cases(1, start=2)[0]) + "\n")
        for _ in range(3):
            hub.clock.advance("1m")
        assert hub.inbox("ann")["total"] == 3 and view(hub)["cursor"] == "3"
        assert hub.metrics()['belfry_feed_requests_total{source="crm",result="unchanged"}'] >= 1
    finally:
        serving.kill()
        serving.wait()


def answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/?limit=1", timeout=5).status_code == 401
    except requests.RequestException:
        return False


def test_a_hub_that_takes_no_triggers_asks_no_feed(new_hub, new_feed):
    feed = new_feed(*cases(1))
    config = config_of(feed)
    config["hub"]["limits"]["disk_floor_bytes"] = "1024GiB"
    hub = new_hub(config, clock=True).spawn()
    until(lambda: "a feed could not be pulled" in hub.log())
    assert feed.asked() == 0 and "disk_floor_bytes" in hub.log()


def test_a_token_that_is_no_header_is_not_shown(new_hub, new_feed):
    feed = new_feed()
    hub = settled(new_hub, config_of(feed, token="canary-token\nX-Other: 1"))
    assert feed.asked() == 0 and view(hub)["failures"] == 1
    assert "canary" not in hub.log().split("cannot")[-1] + view(hub)["fault"]

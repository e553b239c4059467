# SPDX-License-Identifier: Apache-2.0
"""An endpoint that fails: who is told, when, and what becomes of it. On a virtual clock, five days in a moment."""
import pytest

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case
from support.wait import stays, until


@pytest.fixture
def start(new_hub, receiver):
    def start(*endpoints, rules=()):
        config = with_hooks(base(), *(endpoints or [receiver.endpoint("yaml")]), source="crm")
        config["rules"] += list(rules)
        return new_hub(config, clock=True).start()
    return start


def told(hub, name="root"):
    """What is in somebody's inbox about endpoints, newest first."""
    return [i["type"].removeprefix("hub.endpoint_") for i in hub.items(name) if i["type"].startswith("hub.endpoint")]


def events(hub):
    return [e["type"] for e in hub.events() if e["type"].startswith("hub.endpoint")][::-1]


def fail_for_days(hub, receiver, path="/yaml"):
    receiver.answer(path, 500)
    hub.send(case("ann"))
    until(lambda: [d["state"] for d in hub.deliveries("?channel=hooks")] == ["retrying"])


def test_warned_at_each_share_and_disabled_after_five_days(start, receiver):
    hub = start()
    fail_for_days(hub, receiver)
    for _ in range(119):
        hub.clock.advance("1h")
    # the fourth attempt, then 50, 70 and 90 %
    assert events(hub) == 4 * ["hub.endpoint_failing"]
    assert told(hub) == ["failing"], "each in the place of the one before"
    item, = [i for i in hub.items("root") if i["type"] == "hub.endpoint_failing"]
    assert item["severity"] == "warning" and "500" in item["body"] and "UTC" in item["body"]
    hub.clock.advance("2h")
    until(lambda: events(hub)[-1] == "hub.endpoint_disabled")
    assert told(hub) == ["disabled"]
    item, = [i for i in hub.items("root") if i["type"] == "hub.endpoint_disabled"]
    assert item["severity"] == "error" and "/enable" in item["body"]
    hub.send(case("ann"))
    count = len(receiver.at("/yaml"))
    hub.clock.advance("1d")
    assert len(receiver.at("/yaml")) == count
    assert "held_disabled" in [d["state"] for d in hub.deliveries("?channel=hooks")]


def test_one_long_pause_is_warned_of_by_time(start, receiver):
    """A receiver that always asks for a day's pause is told of and disabled between two attempts."""
    receiver.answer("/yaml", (503, {"Retry-After": "86400"}))
    hub = start()
    hub.send(case("ann"))
    receiver.wait(1, "/yaml")
    until(lambda: [d["state"] for d in hub.deliveries("?channel=hooks")] == ["retrying"])
    for _ in range(59):
        hub.clock.advance("1h")
    before = len(receiver.at("/yaml"))
    assert events(hub) == []
    hub.clock.advance("90m")
    until(lambda: events(hub) == ["hub.endpoint_failing"])
    assert len(receiver.at("/yaml")) == before, "nothing was tried in between"


def test_recovered(start, receiver):
    hub = start()
    fail_for_days(hub, receiver)
    for _ in range(70):
        hub.clock.advance("1h")
    assert told(hub) == ["failing"]
    receiver.answer("/yaml", 200)
    for _ in range(20):
        hub.clock.advance("1h")
    until(lambda: told(hub) == ["recovered"])
    hub.send(case("ann"))
    stays(lambda: events(hub).count("hub.endpoint_recovered") == 1)


def test_the_person_who_made_it_is_told(start, receiver):
    hub = start()
    api = Endpoints(hub, hub.person("ann", roles=["admin"]))
    made = api.make(receiver.url("/hers"), description="Ann's shop")
    receiver.answer("/hers", 410)
    hub.send(case("bob"))
    until(lambda: told(hub, "ann") == ["disabled"])
    item, = [i for i in hub.items("ann") if i["type"] == "hub.endpoint_disabled"]
    assert "Ann's shop" in item["title"] and made["id"] in item["body"]
    assert told(hub, "bob") == []


def test_enabled_again_it_is_not_disabled_and_recovers(start, receiver):
    receiver.answer("/yaml", 410)
    hub = start()
    hub.send(case("ann", name="first"))
    until(lambda: told(hub) == ["disabled"])
    hub.send(case("ann", name="held"))
    receiver.answer("/yaml", 200)
    one, = [e for e in Endpoints(hub).list() if e["name"] == "yaml"]
    Endpoints(hub).do(one["id"], "enable")
    until(lambda: [d.title() for d in receiver.at("/yaml")][-1] == "held")
    until(lambda: events(hub)[-1] == "hub.endpoint_recovered")


def test_operations_hears_of_it_by_webhook_and_the_failing_one_does_not(start, receiver):
    hub = start(receiver.endpoint("yaml"), receiver.endpoint("ops"),
                rules=[{"name": "ops", "when": {"category": "hub"}, "deliver": ["hooks"]}])
    receiver.answer("/yaml", 410)
    hub.send(case("ann"))
    got = until(lambda: [d for d in receiver.at("/ops") if d.json()["type"] == "hub.endpoint_disabled"])
    about = got[0].json()["data"]["object"]["endpoint"]
    assert about["name"] == "yaml" and about["channel"] == "hooks"
    until(lambda: events(hub) == ["hub.endpoint_disabled"])
    assert not [d for d in hub.deliveries("?channel=hooks") if d["target"] == "yaml" and "disabled" in d["title"]]
    assert hub.get("/v1/acme/event-types?type=hub.endpoint_recovered", people.token("reader")).json()["items"]


def test_once_across_restarts(start, receiver):
    hub = start()
    fail_for_days(hub, receiver)
    for _ in range(65):
        hub.clock.advance("1h")
    count = len(events(hub))
    assert count == 2, "the fourth attempt, and half"
    hub.restart()
    for _ in range(5):
        hub.clock.advance("1h")
    assert len(events(hub)) == count

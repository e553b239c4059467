# SPDX-License-Identifier: Apache-2.0
"""What an endpoint has missed goes out again since a time; one delivery again; a test. Always under the same id."""
import pytest

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case
from support.wait import until


@pytest.fixture
def start(new_hub, receiver):
    def start(**options):
        one_by_one = receiver.endpoint("yaml", concurrency=1)
        return new_hub(with_hooks(base(), one_by_one, source="crm", **options), clock=True).start()
    return start


def titles(receiver, path):
    return [delivery.title() for delivery in receiver.at(path)]


def states(hub):
    return sorted(d["state"] for d in hub.deliveries("?channel=hooks"))

def yaml_id(hub):
    one, = [e for e in Endpoints(hub).list() if e["name"] == "yaml"]
    return one["id"]

def test_what_failed_goes_out_again(start, receiver):
    receiver.answer("/yaml", 400)
    hub = start(schedule=["0s"])
    for name in ("a", "b", "c"):
        hub.send(case("ann", name=name))
    until(lambda: states(hub) == 3 * ["failed"])
    ids = {d.title(): d.id for d in receiver.at("/yaml")}
    before = len(receiver.at("/yaml"))
    receiver.answer("/yaml", 200)
    answer = Endpoints(hub).do(yaml_id(hub), "recover", since="2020-01-01T00:00:00Z")
    assert answer["count"] == 3 and not answer["since"].startswith("2020"), "clamped to what is kept"
    until(lambda: states(hub) == 3 * ["delivered"])
    again = receiver.at("/yaml")[before:]
    assert [d.title() for d in again] == ["a", "b", "c"], "oldest first"
    assert {d.title(): d.id for d in again} == ids, "under the same id"
    assert Endpoints(hub).do(yaml_id(hub), "recover", since="2020-01-01T00:00:00Z")["count"] == 0

def test_an_endpoint_that_was_made_later_gets_what_was_before(start, receiver):
    hub = start()
    hub.send(case("ann", name="before"))
    receiver.wait(1, "/yaml")
    api = Endpoints(hub)
    made = api.make(receiver.url("/late"))
    hub.send(case("ann", name="after"))
    receiver.wait(1, "/late")
    assert api.do(made["id"], "recover", since="2020-01-01T00:00:00Z")["count"] == 1
    until(lambda: titles(receiver, "/late") == ["after", "before"])
    early, = [d for d in receiver.at("/yaml") if d.title() == "before"]
    late, = [d for d in receiver.at("/late") if d.title() == "before"]
    assert (early.id, early.body) == (late.id, late.body), "the same event, byte for byte"
    assert api.do(made["id"], "recover", since="2020-01-01T00:00:00Z")["count"] == 0

def test_its_filters_hold_for_what_was_before(start, receiver):
    hub = start()
    hub.send(case("ann", name="before"))
    receiver.wait(1, "/yaml")
    api = Endpoints(hub)
    made = api.make(receiver.url("/late"), types=["invoice.*"])
    assert api.do(made["id"], "recover", since="2020-01-01T00:00:00Z")["count"] == 0

def test_recovered_while_disabled_it_leaves_when_enabled(start, receiver):
    hub = start()
    hub.send(case("ann", name="before"))
    receiver.wait(1, "/yaml")
    api = Endpoints(hub)
    made = api.make(receiver.url("/late"), enabled=False)
    assert api.do(made["id"], "recover", since="2020-01-01T00:00:00Z")["count"] == 1
    until(lambda: states(hub) == ["delivered", "held_disabled"])
    assert not receiver.at("/late")
    api.do(made["id"], "enable")
    until(lambda: titles(receiver, "/late") == ["before"])

def test_one_attempt_is_sent_again(start, receiver):
    hub = start()
    hub.send(case("ann", name="once"))
    receiver.wait(1, "/yaml")
    until(lambda: states(hub) == ["delivered"])
    api = Endpoints(hub)
    attempt, = api.attempts(yaml_id(hub))
    api.do(yaml_id(hub), f"attempts/{attempt['id']}/resend")
    first, second = receiver.wait(2, "/yaml")
    assert first.id == second.id and first.body == second.body
    until(lambda: len(api.attempts(yaml_id(hub))) == 2)

def test_a_test_is_marked_and_tried_once(start, receiver):
    receiver.answer("/yaml", 500)
    hub = start()
    api = Endpoints(hub)
    answer = api.do(yaml_id(hub), "test")
    got, = receiver.wait(1, "/yaml")
    assert got.json()["data"]["test"] is True and got.id == answer["webhook_id"] and got.verifies()
    until(lambda: states(hub) == ["failed"])
    hub.clock.advance("10d")
    assert len(receiver.at("/yaml")) == 1
    event, = [e for e in hub.events() if e["id"] == answer["event"]]
    assert event["title"].startswith("Test of ")
    assert hub.story(answer["event"])["event"]["trigger"]["type"] == "endpoint.test"
    assert api.get(yaml_id(hub))["enabled"], "its health takes no notice"
    assert not [e for e in hub.events() if e["type"].startswith("hub.endpoint")]

def test_who_may_recover(start):
    hub = start()
    answer = hub.post(f"/v1/acme/endpoints/{yaml_id(hub)}/recover", people.token("reader"),
                      json={"since": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 403

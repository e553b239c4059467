# SPDX-License-Identifier: Apache-2.0
"""Tests of endpoints: a delivery that somebody asks for, to see what the receiver does with it. It goes to this endpoint
alone and at once, and nothing is concluded from it."""
import json

import pytest

from support.config import base, endpoint, with_hooks
from support.endpoints import Endpoints
from support.events import case, created
from support.wait import stays, until


@pytest.fixture
def start(new_hub, receiver):
    """A hub whose rule sends everything to the webhook channel, with one endpoint of YAML."""
    def start(clock=False):
        return new_hub(with_hooks(base(), receiver.endpoint("yaml"), source="crm"), clock).start()
    return start


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A hub for what is refused, and so changes nothing."""
    from support.hub import Hub
    hub = Hub(tmp_path_factory.mktemp("tests"), with_hooks(base(), endpoint("yaml", "http://127.0.0.1:1/"), source="crm"))
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


def test_a_test_goes_to_this_one_alone(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), types=["workflow.*"])["id"]
    sent = api.do(id, "test")
    got, = receiver.wait(1, "/made")
    body = got.json()
    assert got.id == sent["webhook_id"] == f"msg_{sent['event']}"
    assert body["type"].startswith("workflow.") and body["data"]["test"] is True
    named = api.do(id, "test", type="record.assigned", data={"record": {"id": "7"}})
    body = receiver.wait(2, "/made")[1].json()
    assert (body["type"], body["data"]["object"], body["data"]["id"]) == \
        ("record.assigned", {"record": {"id": "7"}}, named["event"])
    stays(lambda: receiver.at("/yaml") == [] and hub.items("ann") == [], seconds=0.2)
    tries = until(lambda: (lambda a: a if len(a) == 2 else None)(api.attempts(id)))
    assert {a["delivery"] for a in tries} == {sent["delivery"], named["delivery"]}


def test_a_test_goes_at_once_and_changes_nothing(start, receiver):
    """Whoever has just mended a receiver sees so, past the pause that it asked for, its rate, and that it is disabled."""
    hub = start(clock=True)
    api = Endpoints(hub)
    receiver.answer("/made", (429, {"Retry-After": "3600"}))
    id = api.make(receiver.url("/made"), types=["workflow.*"], rate=1, order="fifo")["id"]
    hub.send(case("ann", name="It waits"))
    receiver.wait(1, "/made")
    until(lambda: api.attempts(id))
    receiver.answer("/made", 204)
    hub.send(case("ann", name="It waits, too"))
    first = api.do(id, "test")
    assert receiver.wait(2, "/made")[1].id == first["webhook_id"]
    api.do(id, "disable")
    second = api.do(id, "test")
    assert receiver.wait(3, "/made")[2].id == second["webhook_id"]
    receiver.answer("/made", 410)
    api.do(id, "enable")
    third = api.do(id, "test")
    until(lambda: [a["delivery"] for a in api.attempts(id)].count(third["delivery"]))
    tests = {sent["delivery"] for sent in [first, second, third]}
    until(lambda: len([a for a in api.attempts(id) if a["delivery"] in tests]) == 3)
    assert [a["number"] for a in api.attempts(id) if a["delivery"] in tests] == [1, 1, 1]


def test_an_answer_to_a_test_disables_nobody(start, receiver):
    hub = start()
    api = Endpoints(hub)
    receiver.answer("/made", (410, {"webhook-delivery": "disable"}))
    id = api.make(receiver.url("/made"), types=["none"])["id"]
    api.do(id, "test", type="record.assigned")
    until(lambda: api.attempts(id))
    one = api.get(id)
    assert (one["enabled"], one["failing"], one["breaker"]) == (True, False, "closed")


def test_ten_tests_a_minute(start, receiver):
    hub = start(clock=True)
    api = Endpoints(hub)
    id, other = (api.make(receiver.url(path))["id"] for path in ["/made", "/other"])
    for _ in range(10):
        api.do(id, "test")
    api.call("POST", f"/{id}/test", {"type": "no.such"}, status=422)
    answer = api.call("POST", f"/{id}/test", status=429)
    assert answer.headers["retry-after"] == "60" and "60 s" in answer.json()["detail"]
    api.do(other, "test")
    hub.clock.advance("1m")
    api.do(id, "test")
    receiver.wait(11, "/made")


@pytest.mark.parametrize("body,pointer,part", [
    ({"type": "record.asigned"}, "/type", "did you mean `record.assigned`"), ({"type": "no.such"}, "/type", "event-types"),
    ({"type": 7}, "/type", ""), ({"type": "workflow.*"}, "/type", "one event type"), ({"type": "workflow."}, "/type", "one"),
    ({"type": "workflow.a\nb"}, "/type", "one"), ({"type": "workflow.a b"}, "/type", "one"), ({"type": ""}, "/type", "one"),
    ({"type": "workflow.ä"}, "/type", "one"), ({"type": "workflow." + "x" * 200}, "/type", "one"), ({"data": []}, "/data", "object"),
    ({"tipe": "x"}, "/tipe", "did you mean `type`"), ({"reason": 7}, "/reason", "")], ids=str)
def test_a_test_that_is_none(shared, body, pointer, part):
    api = Endpoints(shared)
    id = api.list()[0]["id"]
    fault, = api.call("POST", f"/{id}/test", body, status=422).json()["errors"]
    assert fault["pointer"] == pointer and part in fault["detail"]


@pytest.mark.parametrize("format", ["standard", "thin", "cloudevents-structured", "cloudevents-binary"])
def test_a_test_says_so_in_every_format(start, receiver, format):
    """Also when it is sent once more; what happened in earnest does not say it."""
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), format=format)["id"]
    api.call("POST", f"/{id}/test", {"type": "record.assigned"}, status=202)
    receiver.wait(1, "/made")
    attempt, = until(lambda: api.attempts(id))
    api.call("POST", f"/{id}/attempts/{attempt['id']}/resend", status=202)
    receiver.wait(2, "/made")
    hub.send(created())
    receiver.wait(3, "/made")
    bodies = [json.loads(d.body) for d in receiver.at("/made")]
    data = [b if format == "cloudevents-binary" else b["data"] for b in bodies]
    assert [d.get("test") for d in data] == [True, True, None]


def test_a_test_of_types_that_nobody_tells_of_has_to_be_named(start, receiver):
    api = Endpoints(start())
    id = api.make(receiver.url("/made"), types=["later.*"])["id"]
    assert list(api.faults("POST", f"/{id}/test")) == ["/type"]
    api.do(id, "test", type="record.assigned")
    receiver.wait(1, "/made")


@pytest.mark.parametrize("types,wanted", [
    (["workflow.big-deal"], "workflow.big-deal"), (["later.*", "workflow.deals.*"], "workflow.deals.example"),
    (["workflow.*"], "workflow.example"), (["hub.endpoint_failing"], "hub.endpoint_failing"),
    (["workflow.calm", "record.assigned"], "record.assigned"), (["*"], "record.assigned")], ids=str)
def test_a_test_is_of_a_type_that_the_endpoint_takes(start, receiver, types, wanted):
    """Also of one that sources only declare by its prefix; the first in the order of the sources."""
    api = Endpoints(start())
    api.do(api.make(receiver.url("/made"), types=types)["id"], "test")
    assert receiver.wait(1, "/made")[0].json()["type"] == wanted

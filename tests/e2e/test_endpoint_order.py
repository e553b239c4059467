# SPDX-License-Identifier: Apache-2.0
"""`order: fifo`: of one subject one at a time, in the order of the events; other subjects go beside it."""
import threading

import pytest

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case
from support.wait import stays, until


@pytest.fixture
def start(new_hub, receiver):
    """A hub with an endpoint that takes one of a subject at a time."""
    def start(clock=False, order="fifo", **options):
        config = with_hooks(base(), receiver.endpoint("yaml", order=order), source="crm", **options)
        return new_hub(config, clock).start()
    return start


def send(hub, subject, *names):
    for name in names:
        hub.send(case("ann", name=name, id=subject))


def titles(receiver, path="/yaml"):
    return [delivery.title() for delivery in receiver.at(path)]


def states(hub):
    return sorted(d["state"] for d in hub.deliveries("?channel=hooks"))


def test_one_of_a_subject_at_a_time(start, receiver):
    """The next goes only when the one before it was answered, while another subject goes beside it."""
    gate = threading.Event()
    receiver.answer("/yaml", lambda delivery: gate.wait(30) and 200 if delivery.title() == "a1" else 200)
    hub = start()
    for name in ("w1", "w2", "w3"):  # a new endpoint has one at a time until it has shown that it answers
        hub.send(case("ann", name=name))
    until(lambda: states(hub) == 3 * ["delivered"])
    send(hub, "a", "a1", "a2", "a3")
    send(hub, "b", "b1", "b2")
    until(lambda: {"a1", "b1", "b2"} <= set(titles(receiver)))
    stays(lambda: not {"a2", "a3"} & set(titles(receiver)))
    waiting = [d for d in hub.deliveries("?channel=hooks") if d["title"] in ("a2", "a3")]
    assert all("waits for its turn" in d["detail"] and d["due_at"] is None for d in waiting), waiting
    gate.set()
    receiver.wait(8)
    assert [t for t in titles(receiver) if t[0] == "a"] == ["a1", "a2", "a3"]
    until(lambda: states(hub) == 8 * ["delivered"])


def test_a_failing_one_holds_the_others_of_its_subject(start, receiver):
    receiver.answer("/yaml", lambda delivery: 500 if delivery.title() == "a1" else 200)
    hub = start(clock=True, schedule=["1h", "1h"])
    send(hub, "a", "a1", "a2")
    send(hub, "b", "b1")
    until(lambda: states(hub) == ["delivered", "retrying", "scheduled"])
    for attempt in (2, 3):
        assert sorted(titles(receiver)) == (attempt - 1) * ["a1"] + ["b1"]
        hub.clock.advance("67m")
    until(lambda: states(hub) == ["delivered", "delivered", "failed"])
    assert titles(receiver)[-1] == "a2" and titles(receiver).count("a1") == 3, "given up, then the next"


def test_a_cancelled_one_lets_the_next_go(start, receiver):
    receiver.answer("/yaml", lambda delivery: 500 if delivery.title() == "a1" else 200)
    hub = start(clock=True)
    send(hub, "a", "a1", "a2")
    until(lambda: states(hub) == ["retrying", "scheduled"])
    first, = hub.deliveries("?channel=hooks&state=retrying")
    second, = hub.deliveries("?channel=hooks&state=scheduled")
    answer = hub.post(f"/v1/acme/deliveries/{second['id']}/retry", people.token("admin"))
    assert answer.status_code == 409 and "earlier one of its subject" in answer.json()["detail"]
    assert hub.post(f"/v1/acme/deliveries/{first['id']}/cancel", people.token("admin")).status_code == 200
    until(lambda: states(hub) == ["cancelled", "delivered"])
    assert titles(receiver) == ["a1", "a2"]


def test_a_crash_in_the_middle(start, receiver):
    """kill -9 while the first is under way: it goes again under the same id, and then the others in their order."""
    gate = threading.Event()
    receiver.answer("/yaml", lambda delivery: gate.wait(30) and 200)
    hub = start()
    send(hub, "a", "a1", "a2", "a3")
    receiver.wait(1)
    hub.kill()
    gate.set()
    hub.start()
    until(lambda: states(hub) == 3 * ["delivered"])
    assert titles(receiver) == ["a1", "a1", "a2", "a3"]
    assert len({d.id for d in receiver.at("/yaml") if d.title() == "a1"}) == 1


def test_another_order_frees_what_waits(start, receiver):
    """Over the API: one that is changed to best-effort sends at once what waited behind another."""
    receiver.answer("/made", lambda delivery: 500 if delivery.title() == "a1" else 200)
    hub = start(clock=True)
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), order="fifo")
    send(hub, "a", "a1", "a2", "a3")
    until(lambda: titles(receiver, "/made") == ["a1"])
    hub.clock.advance("1s")
    assert titles(receiver, "/made") == ["a1"]
    api.patch(made["id"], order="best-effort")
    until(lambda: sorted(titles(receiver, "/made")) == ["a1", "a2", "a3"])


def test_best_effort_waits_for_nobody(start, receiver):
    receiver.answer("/yaml", lambda delivery: 500 if delivery.title() == "a1" else 200)
    hub = start(clock=True, order="best-effort")
    send(hub, "a", "a1", "a2", "a3")
    until(lambda: states(hub) == ["delivered", "delivered", "retrying"])

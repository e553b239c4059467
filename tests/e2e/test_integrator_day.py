# SPDX-License-Identifier: Apache-2.0
"""A day of an integrator, over the real API and from the outside."""
import re
from datetime import datetime, timezone

import pytest

from support import people
from support.config import base, with_hooks
from support.events import created
from support.wait import until

OWN, OTHER = people.token("own"), people.token("endpoints")
ENDPOINTS = "/v1/acme/endpoints"


class Integrator:
    """What somebody with a token that may `endpoints:own` does; each call has to be answered as said."""

    def __init__(self, hub, headers=OWN):
        self.hub, self.headers, self.id = hub, headers, None

    def call(self, method, path="", status=200, **body):
        answer = self.hub.request(method, ENDPOINTS + path, self.headers, json=body or None)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def make(self, **body):
        made = self.call("POST", status=201, **body)
        self.id = made["id"]
        return made

    def now(self):
        return self.call("GET", f"/{self.id}")

    def deed(self, name, status=202, **body):
        return self.call("POST", f"/{self.id}/{name}", status, **body)

    def attempts(self):
        return self.call("GET", f"/{self.id}/attempts")["items"]


@pytest.fixture
def hub(new_hub):
    return new_hub(with_hooks(base(), source="crm"), clock=True).start()


def titles(deliveries):
    return [d.title() for d in deliveries]


def lead(name):
    return created(owner="ann", created_by="carl", fields={"name": name})


def told(hub, type):
    return [i for i in hub.items("root", type=type, roles=["admin"]) if i["validity"] == "valid"]


def test_the_day_of_an_integrator(hub, receiver):
    """Day one until the endpoint is gone: what is missed comes again, and every id says what it was."""
    me = Integrator(hub)

    # --- what is there, and an endpoint for it
    kind, = hub.get("/v1/acme/event-types?type=record.assigned", OWN).json()["items"][:1]
    assert kind["example"]["type"] == "record.assigned" and kind["schema"]["properties"]["data"]
    made = me.make(url=receiver.url("/crm"), types=["record.*"], description="Leads for the shop",
                   headers={"Authorization": "Bearer of-the-shop", "X-Team": "north"}, metadata={"stage": "test"},
                   concurrency=1)
    first_secret = made["secret"]
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", first_secret)
    seen = me.now()
    assert "secret" not in seen and (seen["from"], seen["owner"], seen["enabled"]) == ("api", "token:shop", True)
    assert seen["headers"] == {"Authorization": "***", "X-Team": "north"}
    assert [e["id"] for e in me.call("GET")["items"]] == [me.id]

    # --- a test delivery, verified, with its attempt
    test = me.deed("test", type="record.assigned")
    arrived, = receiver.wait(1, "/crm")
    assert arrived.verifies(first_secret) and arrived.id == test["webhook_id"] == f"msg_{test['event']}"
    assert arrived.json()["type"] == "record.assigned" and arrived.json()["data"]["test"] is True
    assert arrived.headers["authorization"] == "Bearer of-the-shop"
    attempt = until(lambda: me.attempts())[0]
    assert attempt["result"] == "delivered" and attempt["code"] == 200
    assert "of-the-shop" not in str(attempt) and "north" in str(attempt) and first_secret not in str(attempt)
    assert hub.inbox("ann")["items"] == [], "nobody is told of a test"

    # --- the receiver is down: it is tried again, and warned of
    receiver.answer("/crm", 500)
    hub.send(lead("Northwind"))
    receiver.wait(2, "/crm")
    for wait, count in [("7s", 3), ("332s", 4), ("1990s", 5)]:
        until(lambda: len([a for a in me.attempts() if a["code"] == 500]) == count - 2)
        hub.clock.advance(wait)
        receiver.wait(count, "/crm")
    down = receiver.at("/crm")[1]
    assert {d.id for d in receiver.at("/crm")[1:]} == {down.id}, "one delivery, under one id"
    until(lambda: told(hub, "hub.endpoint_failing"), "the fourth failed attempt is told")

    # --- it says that it is gone: disabled, and what comes is held
    receiver.answer("/crm", 410)
    since = datetime.fromtimestamp(hub.now(), timezone.utc).isoformat()
    hub.send(lead("Gone"))
    until(lambda: me.now()["enabled"] is False, "410 disables")
    until(lambda: told(hub, "hub.endpoint_disabled"))
    before = len(receiver.at("/crm"))
    for name in ["One", "Two", "Three"]:
        hub.send(lead(name))
    hub.clock.advance("3h")
    assert len(receiver.at("/crm")) == before, "held, not sent"

    # --- it is back: what was held arrives, oldest first
    receiver.answer("/crm", 200)
    me.deed("enable", status=200)
    arrived = receiver.wait(before + 4, "/crm")[before:]
    assert titles(arrived) == ["Northwind", "One", "Two", "Three"]
    assert arrived[0].id == down.id and all(d.verifies(first_secret) for d in arrived)
    until(lambda: not told(hub, "hub.endpoint_failing") and not told(hub, "hub.endpoint_disabled"), "nothing is wrong any more")

    # --- but for the one that was answered 410: all that did not arrive since then comes again, once
    gone = receiver.at("/crm")[before - 1]
    assert me.deed("recover", since=since)["count"] == 1
    again = receiver.wait(before + 5, "/crm")[-1]
    assert again.id == gone.id and again.title() == "Gone"
    until(lambda: hub.deliveries("?channel=hooks&state=failed") == [])
    assert me.deed("recover", since=since)["count"] == 0

    # --- what arrived can be asked for once more
    attempt = until(lambda: [a for a in me.attempts() if a["result"] == "delivered"])[0]
    me.deed(f"attempts/{attempt['id']}/resend")
    assert receiver.wait(before + 6, "/crm")[-1].id == f"msg_{attempt['event']}"

    # --- a new secret, with the old one beside it
    rotated = me.deed("rotate", status=200, overlap=3600)["secret"]
    assert rotated != first_secret and "secret" not in me.now()
    hub.send(lead("While both sign"))
    both = receiver.wait(before + 7, "/crm")[-1]
    assert both.verifies(first_secret) and both.verifies(rotated)
    hub.clock.advance("3601s")
    hub.send(lead("The new one alone"))
    alone = receiver.wait(before + 8, "/crm")[-1]
    assert alone.verifies(rotated) and not alone.verifies(first_secret)

    # --- and it goes
    me.call("DELETE", f"/{me.id}", 204)
    me.call("GET", f"/{me.id}", 404)
    hub.send(lead("Nobody is there"))
    hub.clock.advance("1h")
    assert len(receiver.at("/crm")) == before + 8
    deeds = [row["what"] for row in hub.get("/v1/acme/audit?limit=50", people.token("admin")).json()["items"]
             if row["who"] == "token:shop"]
    assert {"endpoint.create", "endpoint.test", "endpoint.enable", "endpoint.resend", "endpoint.rotate",
            "endpoint.remove"} <= set(deeds)

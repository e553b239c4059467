# SPDX-License-Identifier: Apache-2.0
"""Endpoints that were made over the API outlive kill -9 and a restore; without hub.secret they rest, and say why."""
import random
import threading

import pytest
import requests

from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case
from support.paths import PATIENCE
from support.wait import until


@pytest.fixture
def hub(new_hub, receiver):
    return new_hub(with_hooks(base(), receiver.endpoint("yaml"), source="crm")).start()


class Deeds:
    """Makes, changes, rotates and removes endpoints, one after the other, until the hub is gone. `known` is what the
    last answered deed said of each; `open` is the one of which nobody knows."""

    def __init__(self, hub, receiver, seed):
        self.api, self.receiver, self.rng = Endpoints(hub), receiver, random.Random(seed)
        self.known, self.open, self.lock = {}, None, threading.Condition()
        self.done = 0
        self.thread = threading.Thread(target=self._work)

    def start(self):
        self.thread.start()
        return self

    def until_done(self, count):
        with self.lock:
            assert self.lock.wait_for(lambda: self.done >= count, PATIENCE), "the hub does nothing"

    def _work(self):
        try:
            while True:
                self._one()
        except requests.ConnectionError:
            pass

    def _one(self):
        what = self.rng.choice(["make", "change", "rotate", "remove"]) if self.known else "make"
        id = self.rng.choice(sorted(self.known)) if self.known and what != "make" else None
        self.open = id or what
        if what == "make":
            made = self.api.make(self.receiver.url("/made"), description="made", types=["no.such"])
            id, after = made["id"], {"description": "made", "secret": made["secret"]}
        elif what == "change":
            text = f"changed {self.rng.random()}"
            self.api.patch(id, description=text)
            after = {**self.known[id], "description": text}
        elif what == "rotate":
            after = {**self.known[id], "secret": self.api.do(id, "rotate", overlap=0)["secret"]}
        else:
            self.api.delete(id)
            after = None
        with self.lock:
            self.known[id] = after
            if after is None:
                del self.known[id]
            self.open = None
            self.done += 1
            self.lock.notify_all()


def test_every_answered_deed_is_there_after_a_kill(hub, receiver):
    for round_ in range(3):
        deeds = Deeds(hub, receiver, round_).start()
        deeds.until_done(8 + 5 * round_)
        hub.kill()
        deeds.thread.join()
        hub.start()
        api = Endpoints(hub)
        there = {e["id"]: e for e in api.list("?limit=200") if e["from"] == "api"}
        sure = {id: told for id, told in deeds.known.items() if id != deeds.open}
        unsure = set(there) - set(sure)
        assert set(sure) <= set(there) and len(unsure) <= 1
        for id, told in sure.items():
            assert there[id]["description"] == told["description"]
            api.patch(id, types=["*"])
        name = f"After kill {round_}"
        hub.send(case("ann", name=name))
        until(lambda: len([d for d in receiver.at("/made") if d.title() == name]) >= len(sure))
        got = [d for d in receiver.at("/made") if d.title() == name]
        for told in sure.values():
            assert [d.verifies(told["secret"]) for d in got].count(True) == 1
        for id in there:
            api.delete(id)


def test_without_the_secret_of_the_hub_they_rest_until_it_is_back(hub, receiver, tmp_path):
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), headers={"Authorization": "Bearer of the receiver"})
    copy = tmp_path / "saved.db"
    secret = tmp_path / "kept-elsewhere"
    assert hub.belfry("backup", str(copy)).returncode == 0
    for table in (copy.read_bytes(), (hub.data_dir / "belfry.db").read_bytes()):
        assert made["secret"].encode() not in table and b"of the receiver" not in table
    hub.stop()
    (hub.data_dir / "secret").rename(secret)
    assert hub.belfry("restore", str(copy)).returncode == 0
    hub.start()
    resting = api.get(made["id"])
    assert resting["enabled"] is False
    until(lambda: "cannot be opened" in (api.get(made["id"])["disabled_why"] or ""))
    assert hub.log().count("cannot be opened with this hub.secret") == 1
    hub.send(case("ann", name="While it rests"))
    until(lambda: api.get(made["id"])["held"] == 1)
    assert api.call("POST", f"/{made['id']}/enable").status_code == 409
    assert "another hub.secret" in api.call("POST", f"/{made['id']}/test", {}, status=409).json()["detail"]
    hub.stop()
    secret.replace(hub.data_dir / "secret")
    hub.start()
    got, = receiver.wait(1, "/made")
    assert got.title() == "While it rests" and got.verifies(made["secret"])
    assert got.headers["authorization"] == "Bearer of the receiver"
    assert api.get(made["id"])["enabled"] is True


def test_with_another_secret_of_the_hub_new_ones_mend_it(hub, receiver):
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), headers={"X-Team": "shop"})
    hub.stop()
    (hub.data_dir / "secret").unlink()
    hub.start()
    hub.send(case("ann", name="While it rests"))
    until(lambda: api.get(made["id"])["held"] == 1)
    fresh = api.do(made["id"], "rotate")["secret"]
    assert api.patch(made["id"], headers={"X-Team": "shop"})["headers"] == {"X-Team": "shop"}
    got, = receiver.wait(1, "/made")
    assert got.title() == "While it rests" and got.verifies(fresh) and not got.verifies(made["secret"])
    assert got.headers["x-team"] == "shop"


def test_they_are_there_from_the_first_request_on(new_hub, receiver):
    """However many there are to be declared at a start: a hub that answers does not say that one is not there."""
    many = [receiver.endpoint(f"e{i}") for i in range(1500)]
    hub = new_hub(with_hooks(base(), *many, source="crm")).start()
    api = Endpoints(hub)
    made = [api.make(receiver.url("/made"))["id"] for _ in range(3)]
    declared = api.list("?limit=1")[0]["id"]
    for end in (hub.stop, hub.kill):
        end()
        hub.start()
        for id in (*made, declared):
            assert api.get(id)["id"] == id

# SPDX-License-Identifier: Apache-2.0
"""An event that thousands of endpoints take is written in parts, and the hub is killed in the middle of them: what was
answered 202 reaches each of them under one webhook-id, and whoever is served in order gets the earlier event first."""
import collections
import sqlite3

import pytest

from support import people
from support.config import base, with_hooks
from support.events import case
from support.wait import until

MANY, FIFO_EVERY = 3000, 100
JOBS = 12  # of 250 rows, for the 2,970 that are not written at once
LONG = 300  # seconds, for thousands of webhooks on a machine that is busy


@pytest.fixture
def hub(new_hub, receiver):
    """Every hundredth endpoint takes one of a subject at a time."""
    crowd = [receiver.endpoint(f"e{n:04}", **({} if n % FIFO_EVERY else {"order": "fifo"})) for n in range(MANY)]
    return new_hub(with_hooks(base(), *crowd, source="crm", schedule=12 * ["0s"])).start()


def still_to_write(hub):
    """Of a hub that does not run: (jobs that are done, jobs that are not)."""
    db = sqlite3.connect(hub.data_dir / "belfry.db")
    try:
        return db.execute("SELECT sum(state = 2), sum(state < 2) FROM job WHERE kind = 8").fetchone()
    finally:
        db.close()


def arrived(receiver):
    """{path: [(title, webhook-id)...]}, as they came."""
    found = collections.defaultdict(list)
    for delivery in receiver.at(None):
        found[delivery.path].append((delivery.title(), delivery.id))
    return found


def deliveries(hub):
    """(title, target) of all of them; none may have ended otherwise than well."""
    found, before = [], ""
    while before is not None:
        answer = hub.get(f"/v1/acme/deliveries?channel=hooks&limit=200{before}", people.token("all")).json()
        assert {d["state"] for d in answer["items"]} <= {"delivered", "sending", "scheduled", "retrying"}
        found += [(d["title"], d["recipient"] or d["target"], d["state"]) for d in answer["items"]]
        before = f"&before={answer['next']}" if answer["next"] else None
    return found


def test_killed_in_the_middle(hub, receiver):
    sent, caught = [], False
    while len(sent) < 2 or not caught:
        assert len(sent) < 12, "the hub was never killed in the middle"
        sent.append(f"case {len(sent)}")
        hub.send(case("ann", name=sent[-1], id="one"))
        hub.kill()
        done, left = still_to_write(hub)
        caught |= done % JOBS > 0 and left > 0
        hub.start()
    until(lambda: len({(d.path, d.id) for d in receiver.at(None)}) == MANY * len(sent), "all of it arrives", timeout=LONG)
    found = arrived(receiver)
    ids = {pair for pairs in found.values() for pair in pairs}
    assert len(ids) == len(sent) == len({id for _, id in ids}), "one webhook-id for each event"
    for n in range(0, MANY, FIFO_EVERY):
        assert list(dict.fromkeys(title for title, _ in found[f"/e{n:04}"])) == sent
    until(lambda: {state for *_, state in deliveries(hub)} == {"delivered"}, timeout=LONG)
    assert len(deliveries(hub)) == MANY * len(sent), "no endpoint has an event twice"


def told_of(hub, name):
    """What the story of an event says of how far it is, until that is all. A person is not told how many endpoints there
    are."""
    hub.send(case("ann", name=name, id=name))
    event = hub.events()[0]["id"]
    told = []

    def over():
        told.append(hub.story(event)["being_written"])
        own = hub.post("/v1/acme/explain", hub.person("ann"), json={"event": event})
        assert own.status_code == 200 and own.json()["being_written"] is None, own.text
        return told[-1] is None

    until(over, timeout=LONG)
    return told[:-1]


def test_the_story_says_how_far_it_is(hub):
    """As often as it takes for somebody to look while an event is being written."""
    told = []
    for count in range(1, 13):
        told = told_of(hub, f"case-{count}")
        assert all(t["total"] == MANY and MANY // FIFO_EVERY <= t["done"] < MANY for t in told), told
        assert [t["done"] for t in told] == sorted(t["done"] for t in told)
        assert len(deliveries(hub)) == MANY * count
        if told:
            return
    raise AssertionError("it was never seen being written")


def test_how_that_reads(new_hub):
    """A part of an event that nobody is at work on yet: the ledger looks for parts when it makes some, or starts."""
    hub = new_hub().start()
    hub.send(case("ann", name="a", id="a"))
    event = hub.events()[0]["id"]
    assert hub.story(event)["being_written"] is None
    with sqlite3.connect(hub.data_dir / "belfry.db", timeout=30) as db:
        db.execute("INSERT INTO job(id, kind, org, ref, payload, state, done, total) SELECT id + 1, 8, org, id, "
                   "'{\"rows\":[]}', 0, 1070, 3500 FROM event")
    db.close()
    assert hub.story(event)["being_written"] == {"done": 1070, "total": 3500}
    told = hub.belfry("explain", "--event", event, "--org", "acme")
    assert "deliveries to endpoints are being written: 1070 of 3500 are there" in told.stdout, told
    page = hub.get(f"/acme/admin/events/{event}", {**hub.person("root"), "Accept": "text/html"})
    assert "2,430 more deliveries to endpoints are being written." in page.text
    own = hub.post("/v1/acme/explain", hub.person("ann"), json={"event": event})
    assert own.status_code == 200 and own.json()["being_written"] is None, own.text
    hub.restart()
    until(lambda: hub.story(event)["being_written"] is None, "the part is done")

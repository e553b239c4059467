# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random points under load: every 202 is there after the restart, nothing twice in any inbox, a webhook
repeated only with the same webhook-id. 20 kills in the short mode, 200 in the long one."""
import json
import random
import sqlite3
import threading

import pytest
import requests

from support import people
from support.config import base, with_hooks
from support.events import case
from support.feed import Feed
from support.hub import BATCH, STRUCTURED
from support.paths import PATIENCE
from support.wait import until

PEOPLE = [f"p{i}" for i in range(8)]


class Load:
    """Posts singles and batches until the hub is gone. `taken` holds what was answered 202, `sent` what may be there."""

    def __init__(self, hub, round_, threads=4):
        self.hub = hub
        self.sent, self.taken, self.lock = {}, {}, threading.Condition()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._work, args=(f"r{round_}-t{n}", n)) for n in range(threads)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def until_taken(self, count):
        """Waits until as many were answered 202."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.taken) >= count, PATIENCE), "the hub takes nothing"
        return self

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _work(self, prefix, n):
        session = requests.Session()
        session.trust_env = False
        rng = random.Random(prefix)
        i = 0
        while not self.stop.is_set():
            size = rng.choice([1, 1, 1, 5, 20])
            events = []
            for _ in range(size):
                who = rng.choice(PEOPLE)
                events.append(case(who, rng.choice(["calm", "bad"]), f"{prefix}-{i}", event_id=f"{prefix}-{i}"))
                i += 1
            with self.lock:
                self.sent.update((e["id"], e) for e in events)
            kind, body = (STRUCTURED, events[0]) if size == 1 else (BATCH, events)
            try:
                answer = session.post(f"{self.hub.url}/v1/acme/sources/crm/triggers", data=json.dumps(body), timeout=30,
                                      headers={**people.token("crm"), "Content-Type": kind})
            except requests.RequestException:
                return  # the kill; what was under way may be there or not, and nothing in between
            if answer.status_code == 202:
                with self.lock:
                    for item in answer.json()["accepted"]:
                        assert item["status"] == "accepted", item
                        self.taken[item["id"]] = self.sent[item["id"]]
                    self.lock.notify_all()
            else:
                assert answer.status_code == 503, answer.text


def everything_in(hub, who):
    titles, before = [], None
    while True:
        page = hub.inbox(who, query="?limit=200" + (f"&before={before}" if before else ""))
        titles += [i["title"] for i in page["items"]]
        before = page["next"]
        if not before:
            return titles


def check(hub, sent, taken):
    """What every reader sees after a restart."""
    rows = {}
    for who in PEOPLE:
        for title in everything_in(hub, who):
            assert title not in rows, f"{title} is there twice: {rows[title]} and {who}"
            rows[title] = who
    missing = [id for id in taken if id not in rows]
    assert missing == [], f"{len(missing)} of {len(taken)} that were answered 202 are lost: {missing[:5]}"
    strangers = [title for title in rows if title not in sent]
    assert strangers == []
    again = random.sample(sorted(taken), min(len(taken), 50))
    if again:
        answers = hub.send([taken[id] for id in again])
        assert {a["status"] for a in answers} == {"duplicate"}
    return rows


def check_webhooks(hub, receiver, rows):
    """Each event arrived at least once, and its repeats under the same id with the same bytes."""
    def arrived():
        return {d.title() for d in receiver.at("/local")} >= set(rows)

    until(arrived, "every event reaches the endpoint", timeout=60)
    ids = {}
    for d in receiver.at("/local"):
        assert d.verifies()
        assert ids.setdefault(d.title(), (d.id, d.body)) == (d.id, d.body), "repeated under another id"
    assert len({id for id, _ in ids.values()}) == len(ids), "one id for two events"
    until(lambda: not [d for d in hub.deliveries("?channel=hooks&state=scheduled")], timeout=60)


def leased(hub):
    """How many deliveries a stopped hub left in the hands of a plugin."""
    with sqlite3.connect(hub.data_dir / "belfry.db") as db:
        return db.execute("SELECT count(*) FROM delivery WHERE lease IS NOT NULL").fetchone()[0]


def rounds(new_hub, receiver, count, seed):
    rng = random.Random(seed)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm"))
    sent, taken, rows = {}, {}, {}
    for round_ in range(count):
        hub.start()
        load = Load(hub, round_).start().until_taken(rng.randint(1, 400))
        hub.kill()
        load.end()
        sent.update(load.sent)
        taken.update(load.taken)
        if round_ % 5 == 4 or round_ == count - 1:
            hub.start()
            rows = check(hub, sent, taken)
            hub.kill() if rng.random() < 0.5 else hub.stop()
    hub.start()
    rows = check(hub, sent, taken)
    check_webhooks(hub, receiver, rows)
    assert len(taken) > count, "the load was no load"
    hub.stop()


@pytest.mark.parametrize("seed", range(2))
def test_twenty_kills(new_hub, receiver, seed):
    rounds(new_hub, receiver, 10, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_two_hundred_kills(new_hub, receiver, seed):
    rounds(new_hub, receiver, 20, seed)


def test_a_kill_while_an_endpoint_has_the_webhook(new_hub, receiver):
    """The endpoint has taken it, the hub does not know: it comes again with the same id and no attempt is counted."""
    asked, release = threading.Event(), threading.Event()

    def hold(delivery):
        asked.set()
        release.wait(30)
        return None

    receiver.answer("/local", hold, 200)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm")).start()
    hub.send(case("ann", name="In flight"))
    assert asked.wait(30)
    hub.kill()
    release.set()
    hub.start()
    first, second = receiver.wait(2)
    assert first.id == second.id and first.body == second.body and second.verifies()
    until(lambda: hub.deliveries("?state=delivered&channel=hooks"))
    assert len(receiver.deliveries) == 2


def test_a_graceful_stop_under_load_loses_nothing(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm")).start()
    load = Load(hub, "stop").start().until_taken(300)
    hub.stop()
    load.end()
    assert leased(hub) == 0
    hub.start()
    rows = check(hub, load.sent, load.taken)
    check_webhooks(hub, receiver, rows)


def test_stops_while_deliveries_are_claimed(new_hub, receiver):
    """However a stop meets claims and webhooks on their way: no row stays leased, every event arrives under one id."""
    hub = new_hub(with_hooks(base(), receiver.endpoint(concurrency=64), source="crm"))
    sent, taken = {}, {}
    for round_ in range(10):
        hub.start()
        load = Load(hub, f"stop{round_}", threads=2).start().until_taken(20 * round_ + 1)
        hub.stop()
        load.end()
        sent.update(load.sent)
        taken.update(load.taken)
        assert leased(hub) == 0
    hub.start()
    rows = check(hub, sent, taken)
    check_webhooks(hub, receiver, rows)


def test_a_stop_does_not_wait_for_ever_for_an_endpoint(new_hub, receiver):
    """It waits ten seconds; then the webhook is given back, due at once and with no attempt counted."""
    asked, release = threading.Event(), threading.Event()

    def hold(delivery):
        asked.set()
        release.wait(60)
        return None

    receiver.answer("/local", hold, 200)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm", timeout="2m")).start()
    hub.send(case("ann", name="Held"))
    assert asked.wait(30)
    hub.stop()
    assert leased(hub) == 0
    release.set()
    hub.start()
    first, second = receiver.wait(2)
    assert first.id == second.id and first.body == second.body
    delivery, = until(lambda: hub.deliveries("?state=delivered&channel=hooks"))
    assert delivery["attempts"] == 1


def test_marks_survive_a_kill(new_hub):
    hub = new_hub().start()
    hub.send([case("ann", name=f"n{i}") for i in range(50)])
    items = hub.items("ann")
    for item in items[:10]:
        hub.mark("ann", item["id"], "read")
    answer = hub.post("/v1/acme/notifications/bulk", hub.person("ann"),
                      json={"action": "hide", "ids": [i["id"] for i in items[10:20]]}).json()
    rev = hub.get("/v1/acme/notifications/count", hub.person("ann")).json()
    hub.kill()
    hub.start()
    after = hub.get("/v1/acme/notifications/count", hub.person("ann")).json()
    assert after == rev and after["unread"] == 30
    assert hub.post("/v1/acme/notifications/undo", hub.person("ann"), json={"op": answer["undo"]}).status_code == 200
    assert hub.unread("ann") == 40


# --- feeds ------------------------------------------------------------------------------------------------------------


TRICKLE_MAX = 20  # parts of a feed a round: a machine that is slow in a round need not pull the more for it


class Trickle:
    """Adds events to a feed for as long as it is told to."""

    def __init__(self, feed, prefix, rng):
        self.feed, self.prefix, self.rng, self.count = feed, prefix, rng, 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self):
        while not self.stop.is_set() and self.count < TRICKLE_MAX:
            name = f"{self.prefix}-{self.count}"
            self.feed.add(*[case(self.rng.choice(PEOPLE), name=f"{name}-{i}", event_id=f"{name}-{i}")
                            for i in range(self.rng.choice([1, 30, 300]))])
            self.count += 1
            self.stop.wait(0.01)

    def end(self):
        self.stop.set()
        self.thread.join()


def feed_rounds(new_hub, count, seed):
    """Whenever the hub dies: every event of the feed is taken, and none twice."""
    rng = random.Random(seed)
    feed = Feed()
    try:
        config = base()
        config["sources"]["crm"]["feed"] = feed.option(every="1s")
        hub = new_hub(config)
        for round_ in range(count):
            asked = feed.asked()
            trickle = Trickle(feed, f"r{round_}", rng)
            hub.start()
            feed.until_asked(asked + rng.randint(1, 4))
            hub.kill()
            trickle.end()
        hub.start()
        want = sorted(e["data"]["record"]["fields"]["name"] for e in feed.events)
        until(lambda: view_of_feed(hub)["cursor"] == str(len(want)), "the feed is pulled to its end")
        assert sorted(title for who in PEOPLE for title in everything_in(hub, who)) == want
        assert len(want) > count
        hub.stop()
    finally:
        feed.close()


def view_of_feed(hub):
    return hub.get("/v1/admin/feeds", people.token("operator")).json()["items"][0]


@pytest.mark.parametrize("seed", range(2))
def test_a_feed_loses_nothing_and_doubles_nothing_whenever_the_hub_dies(new_hub, seed):
    feed_rounds(new_hub, 6, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_a_feed_through_a_hundred_and_twenty_kills(new_hub, seed):
    feed_rounds(new_hub, 20, seed)

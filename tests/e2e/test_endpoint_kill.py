# SPDX-License-Identifier: Apache-2.0
"""kill -9 while endpoints of both orders are disabled, enabled, changed and recovered under load: what was answered 202
reaches each of them, repeats carry the same webhook-id, and of a subject that is kept in order one is under way at a
time, the earlier first."""
import collections
import random
import threading

import pytest
import requests

from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case
from support.wait import until

SUBJECTS = ["a", "b", "c"]
LONG_AGO = "2020-01-01T00:00:00Z"


def recovers(api, id):
    """Whether it begins: there is one at a time."""
    answer = api.call("POST", f"/{id}/recover", {"since": LONG_AGO})
    assert answer.status_code in (200, 202, 409), answer.text
    return answer.status_code != 409


class Counting:
    """What comes to the receiver's path: answered 500 now and then; counts who is there at the same time."""

    def __init__(self, receiver, path, seed):
        self.rng, self.lock = random.Random(seed), threading.Lock()
        self.inside, self.together, self.taken = collections.Counter(), set(), []
        self.ids, self.strange = {}, []
        receiver.answer(path, self.answer)

    def answer(self, delivery):
        title = delivery.title()
        subject = title.split("-")[0]
        with self.lock:
            self.inside[subject] += 1
            if self.inside[subject] > 1:
                self.together.add(title)
            if self.ids.setdefault(title, (delivery.id, delivery.body)) != (delivery.id, delivery.body):
                self.strange.append(title)
            well = self.rng.random() > 0.15
            wait = self.rng.random() * 0.02
        threading.Event().wait(wait)  # the receiver takes its time
        with self.lock:
            self.inside[subject] -= 1
            if well:
                self.taken.append(title)
        return 200 if well else 500

    def first_times(self, subject):
        seen = dict.fromkeys(title for title in self.taken if title.startswith(subject))
        return [int(title.split("-")[1]) for title in seen]


class Life:
    """One life of the hub: events in the order of their numbers, deeds beside them, until it is killed."""

    def __init__(self, hub, rng, ids, numbers):
        self.hub, self.rng, self.ids, self.numbers = hub, rng, ids, numbers
        self.sent, self.taken, self.done = [], threading.Semaphore(0), []
        self.threads = [threading.Thread(target=self._until_killed, args=(what,)) for what in (self._send, self._deed)]
        self.over = False
        for thread in self.threads:
            thread.start()

    def _until_killed(self, what):
        while not self.over:
            try:
                what()
            except (requests.RequestException, AssertionError):
                if not self.over and self.hub.process.poll() is None:
                    raise
                return

    def _send(self):
        name = f"{self.rng.choice(SUBJECTS)}-{next(self.numbers)}"
        self.hub.send(case("ann", name=name, id=name.split("-")[0]))
        self.sent.append(name)
        self.taken.release()

    def _deed(self):
        api, id = Endpoints(self.hub), self.rng.choice(self.ids)
        deed = self.rng.choice(["disable", "enable", "enable", "recover"])
        if deed == "recover":
            recovers(api, id)
        else:
            api.do(id, deed)

    def kill_after(self, count):
        for _ in range(count):
            assert self.taken.acquire(timeout=60), "the hub takes nothing"
        self.over = True
        self.hub.kill()
        for thread in self.threads:
            thread.join()
        return self.sent


@pytest.mark.parametrize("seed", range(2))
def test_deeds_and_kills(new_hub, receiver, seed):
    rng, numbers = random.Random(seed), iter(range(10**9))
    config = with_hooks(base(), receiver.endpoint("loose"), receiver.endpoint("lane", order="fifo"), source="crm",
                        schedule=12 * ["0s"])
    hub = new_hub(config).start()
    ids = [e["id"] for e in Endpoints(hub).list()]
    loose, lane = (Counting(receiver, path, seed) for path in ("/loose", "/lane"))
    sent = []
    for _ in range(8):
        sent += Life(hub, rng, ids, numbers).kill_after(rng.randint(1, 60))
        receiver.drain()  # or what the hub of before had under way would count beside the next one's
        hub.start()
    for id in ids:
        Endpoints(hub).do(id, "enable")
        until(lambda id=id: recovers(Endpoints(hub), id), "the recovery of before the last kill ends")
    for count in (loose, lane):
        until(lambda count=count: set(sent) <= set(count.taken), "all of it arrives", timeout=60)
        assert count.strange == [], "a repeat under another id, or with other bytes"
    assert not lane.together, "two of a subject at the same time"
    for subject in SUBJECTS:
        assert lane.first_times(subject) == sorted(lane.first_times(subject))
    until(lambda: {d["state"] for d in hub.deliveries("?channel=hooks&limit=200")} == {"delivered"}, timeout=60)
    hub.stop()

# SPDX-License-Identifier: Apache-2.0
"""Dead letters by the hundred: tried again or discarded by a filter, whatever happens in between."""
import sqlite3
import threading
import time

import pytest
import requests

from support import people
from support.config import base, with_hooks
from support.events import created
from support.wait import until

ADMIN = people.token("admin")


@pytest.fixture
def dead(new_hub, receiver):
    """A hub with so many deliveries that failed for good, however often the breaker opens meanwhile."""
    def dead(count):
        receiver.answer("/local", 400)
        hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm", schedule=["0s"]), clock=True).start()
        hub.send([created() for _ in range(count)])

        def failed():
            hub.clock.advance("1m")
            return total(hub, "failed") == count
        until(failed)
        return hub
    return dead


def total(hub, state):
    return hub.get(f"/v1/acme/deliveries?state={state}&total=true&limit=1", ADMIN).json()["total"]


def redrive(hub, what, **body):
    return hub.post(f"/v1/acme/deliveries/{what}", ADMIN, json=body)


def audit(hub):
    return [(r["what"], r["detail"]) for r in hub.get("/v1/acme/audit", ADMIN).json()["items"]]


def test_what_failed_is_tried_again_under_its_id(dead, receiver):
    hub = dead(8)
    before = {d["id"]: d["event"] for d in hub.deliveries("?state=failed&limit=200")}
    ids = {d.id for d in receiver.deliveries}
    receiver.answer("/local", 200)
    seen = len(receiver.deliveries)
    answer = redrive(hub, "retry", filter={"channel": "hooks"}, expected=8, reason="it is back")
    assert answer.json() == {"matched": 8, "changed": 8}
    until(lambda: (hub.clock.advance("1m"), total(hub, "delivered") == 8)[1])  # the breaker lets them through in the end
    again = receiver.deliveries[seen:]
    assert len(again) == 8 and {d.id for d in again} == ids == {f"msg_{event}" for event in before.values()}
    assert {d["id"]: d["event"] for d in hub.deliveries("?state=delivered&limit=200")} == before
    assert redrive(hub, "retry", filter={"channel": "hooks"}).json() == {"matched": 0, "changed": 0}, "the same again"
    assert audit(hub) == [("deliveries.retry", {"filter": {"channel": "hooks"}, "matched": 8, "reason": "it is back"})]


def test_a_number_that_is_not_the_one_that_was_read_changes_nothing(dead):
    hub = dead(3)
    for expected in [0, 2, 4]:
        answer = redrive(hub, "discard", filter={}, expected=expected)
        assert answer.status_code == 409 and "3" in answer.json()["detail"]
    assert total(hub, "failed") == 3 and audit(hub) == []
    assert redrive(hub, "discard", filter={}, expected=3).json() == {"matched": 3, "changed": 3}


def test_only_what_had_failed_when_it_was_counted(dead):
    """Whoever confirms `all 3` means those 3; and who presses twice does it once, though they fail again meanwhile."""
    hub = dead(3)
    page = hub.get("/v1/acme/deliveries?state=failed&total=true&limit=1", ADMIN).json()
    assert (page["total"], page["total_more"]) == (3, False)
    shown = {"filter": {}, "expected": 3, "as_of": page["as_of"]}
    hub.clock.advance("1m")
    hub.send(created())
    until(lambda: (hub.clock.advance("1m"), total(hub, "failed") == 4)[1])
    assert redrive(hub, "retry", **shown).json() == {"matched": 3, "changed": 3}
    until(lambda: (hub.clock.advance("1m"), total(hub, "failed") == 4)[1])
    tried = sum(d["attempts"] for d in hub.deliveries("?state=failed"))
    again = redrive(hub, "retry", **shown)
    assert again.status_code == 409 and "nothing was changed" in again.json()["detail"]
    assert sum(d["attempts"] for d in hub.deliveries("?state=failed")) == tried
    assert redrive(hub, "discard", filter={}, as_of=page["as_of"]).json() == {"matched": 0, "changed": 0}
    assert [what for what, _ in audit(hub)] == ["deliveries.retry"]


def test_only_what_the_filter_says_and_only_of_the_org(dead):
    hub = dead(4)
    one, two, *_ = hub.deliveries("?state=failed")
    assert redrive(hub, "discard", filter={"event": one["event"]}).json()["changed"] == 1
    assert redrive(hub, "discard", ids=[one["id"], two["id"], "nonsense"]).json() == {"matched": 2, "changed": 1}
    ended = {d["id"]: d for d in hub.deliveries("?state=cancelled")}
    assert set(ended) == {one["id"], two["id"]}
    assert all(d["detail"] == "discarded by token:admin-app" and d["ended_at"] for d in ended.values())
    stranger = people.person("ann", "globex", roles=["admin"])
    left = [d["id"] for d in hub.deliveries("?state=failed")]
    for body in [{"filter": {}}, {"ids": left}]:
        assert hub.post("/v1/globex/deliveries/discard", stranger, json=body).json()["changed"] == 0
    assert total(hub, "failed") == 2
    assert redrive(hub, "discard", filter={"to": "2020-01-01T00:00:00Z"}).json()["matched"] == 0
    assert redrive(hub, "retry", filter={"state": "cancelled"}).json()["changed"] == 2, "a discard can be taken back"


@pytest.mark.parametrize("body,pointer", [
    ({}, ""), ({"ids": [], "filter": {}}, ""), ({"filter": []}, "/filter"), ({"ids": "x"}, "/ids"), ({"ids": [7]}, "/ids/0"),
    ({"ids": ["x"] * 1001}, "/ids"), ({"filter": {"state": "delivered"}}, "/filter/state"),
    ({"filter": {"chanel": "hooks"}}, "/filter"), ({"filter": {"channel": 7}}, "/filter/channel"),
    ({"filter": {"from": "monday"}}, "/filter/from"), ({"filter": {"event": "x"}}, "/filter/event"),
    ({"filter": {}, "expected": "3"}, "/expected"),
    ({"filter": {}, "as_of": "monday"}, "/as_of"), ({"filter": {}, "as_of": 7}, "/as_of"), ({"filter": {}, "reason": "x" * 301}, "/reason"),
])
def test_what_makes_no_sense_is_422(new_hub, body, pointer):
    hub = new_hub(base()).start()
    answer = redrive(hub, "discard", **body)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json().get("errors", [])] == [pointer] * bool(pointer)


def test_a_discard_of_thousands_outlives_a_kill(new_hub, receiver):
    """What was begun is done, once, whenever the process dies; the deed and its audit are one commit."""
    receiver.answer("/local", 410)  # it is disabled, and what comes for it is held
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm")).start()
    hub.send(created())
    until(lambda: total(hub, "failed") == 1)
    for _ in range(10):
        hub.send([created() for _ in range(500)])
    until(lambda: total(hub, "held_disabled") == 5000)
    db = sqlite3.connect(f"file:{hub.data_dir}/belfry.db?mode=ro", uri=True)
    count = lambda: db.execute("SELECT count(*) FROM delivery WHERE state = 24").fetchone()[0]  # noqa: E731
    deed = threading.Thread(target=lambda: suppress(hub), daemon=True)
    deed.start()
    end = time.monotonic() + 30
    while not count() and time.monotonic() < end:
        pass
    hub.kill()
    deed.join()
    killed_at = count()
    assert killed_at and killed_at % 1000 == 0, "whole slices"
    db.close()
    hub.start()
    until(lambda: total(hub, "cancelled") == 5000)
    assert total(hub, "held_disabled") == 0
    assert audit(hub) == [("deliveries.discard", {"filter": {"state": "held_disabled"}, "matched": 5000})]
    again = redrive(hub, "discard", filter={"state": "held_disabled"})
    assert again.json() == {"matched": 0, "changed": 0}
    print(f"killed after {killed_at} of 5000")


def suppress(hub):
    try:
        requests.post(hub.url + "/v1/acme/deliveries/discard", headers=ADMIN, json={"filter": {"state": "held_disabled"}},
                      timeout=60)
    except requests.RequestException:
        pass

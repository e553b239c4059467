# SPDX-License-Identifier: Apache-2.0
"""Signed webhooks: what is sent, the standard schedule with a virtual clock, Retry-After, 410, dead letters, retry."""
import itertools
import json
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest

from support import people
from support.config import OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET, base, endpoint, with_hooks
from support.events import case, created, record_of
from support.ports import refusing
from support.receiver import sign
from support.wait import stays, until

# Standard Webhooks 1.0, in seconds before the second and later attempts
SCHEDULE = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]


@pytest.fixture
def start(new_hub, receiver):
    """A hub that sends everything of crm to the endpoints; the receiver's own at /local when none is given."""
    def start(*endpoints, clock=False, **options):
        endpoints = endpoints or [receiver.endpoint()]
        return new_hub(with_hooks(base(), *endpoints, source="crm", **options), clock).start()
    return start


def delivery(hub, state=None):
    one, = [d for d in hub.deliveries("?channel=hooks") if state in (None, d["state"])]
    return one


def attempts(hub, event_id=None):
    event_id = event_id or hub.events("?source=crm")[0]["id"]
    story = hub.story(event_id)
    return [a for d in story["deliveries"] if d["channel"] == "hooks" for a in d["attempts"]]


def retry(hub, id, **options):
    return hub.post(f"/v1/acme/deliveries/{id}/retry", people.token("admin"), **options)


def test_the_vectors_of_the_survey():
    """So that what verifies below is right itself."""
    assert sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
                b'{"email":"test@example.com","username":"test_user"}') == \
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="


def test_an_event_is_posted_and_signed(start, receiver):
    hub = start()
    trigger = created(owner="ann", created_by="carl", fields={"name": "Ünïcode"}, id="42")
    hub.send(trigger)
    got, = receiver.wait(1)
    event = hub.events("?source=crm")[0]
    assert got.headers["content-type"] == "application/json"
    assert got.id == f"msg_{event['id']}"
    assert abs(got.timestamp - hub.now()) < 60
    assert got.verifies(WEBHOOK_SECRET) and not got.verifies(OTHER_WEBHOOK_SECRET)
    body = got.json()
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "record.assigned"
    datetime.fromisoformat(body["timestamp"].replace("Z", "+00:00"))
    data = body["data"]
    assert set(data) == {"id", "org", "source", "subject", "category", "severity", "title", "body", "link", "actor",
                         "object"}
    assert (data["id"], data["org"], data["source"]) == (event["id"], "acme", "crm")
    assert (data["subject"], data["category"], data["severity"]) == ("record/Lead/42", "workflow", "info")
    assert data["actor"] == "carl" and "Ünïcode" in data["title"]
    assert data["link"] == record_of(trigger)["url"]
    assert data["object"]["record"]["fields"] == {"name": "Ünïcode"}
    assert "ann" not in json.dumps({k: v for k, v in data.items() if k not in ("object", "title", "body")}), \
        "recipients are not in it"
    until(lambda: delivery(hub)["state"] == "delivered")
    assert [(a["number"], a["result"], a["code"]) for a in attempts(hub)] == [(1, "delivered", 200)]


def test_the_standard_schedule(start, receiver):
    """Ten attempts over three days, each recorded; the id stays, the timestamp is the attempt's, the bytes are stored."""
    receiver.answer("/local", 500)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    for number, seconds in enumerate(SCHEDULE, start=2):
        until(lambda: delivery(hub)["attempts"] == number - 1 and delivery(hub)["state"] == "retrying")
        hub.clock.advance(f"{seconds - 1}s")
        assert len(receiver.deliveries) == number - 1, f"never early: attempt {number}"
        hub.clock.advance(f"{max(1, seconds // 10) + 2}s")
        receiver.wait(number)
    until(lambda: delivery(hub)["state"] == "failed")
    hub.clock.advance("10d")
    assert len(receiver.deliveries) == 10
    assert len({d.id for d in receiver.deliveries}) == 1
    assert len({d.body for d in receiver.deliveries}) == 1
    stamps = [d.timestamp for d in receiver.deliveries]
    assert stamps == sorted(set(stamps)) and all(d.verifies() for d in receiver.deliveries)
    waits = [b - a for a, b in itertools.pairwise(stamps)]
    for wait, seconds in zip(waits, SCHEDULE):
        assert seconds - 1 <= wait <= seconds + max(1, seconds // 10) + 2, waits
    assert [(a["number"], a["result"], a["code"]) for a in attempts(hub)] == \
        [(n, "retry", 500) for n in range(1, 11)]


def test_a_success_ends_the_retries(start, receiver):
    receiver.answer("/local", 503, 302, 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("7s")
    receiver.wait(2)
    until(lambda: delivery(hub)["attempts"] == 2)
    hub.clock.advance("332s")
    receiver.wait(3)
    until(lambda: delivery(hub)["state"] == "delivered")
    assert [a["code"] for a in attempts(hub)] == [503, 302, 200], "a redirect is a failure and is not followed"
    hub.clock.advance("3d")
    assert len(receiver.deliveries) == 3


def test_a_schedule_of_ones_own(start, receiver):
    receiver.answer("/local", 500)
    hub = start(clock=True, schedule=["1m"])
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("67s")
    receiver.wait(2)
    until(lambda: delivery(hub)["state"] == "failed")


@pytest.mark.parametrize("status", [429, 503, 500])
def test_retry_after_in_seconds(start, receiver, status):
    receiver.answer("/local", (status, {"Retry-After": "600"}), 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("599s")
    assert len(receiver.deliveries) == 1, "the endpoint asked for ten minutes"
    hub.clock.advance("63s")
    receiver.wait(2)


def test_retry_after_as_a_date(start, receiver):
    hub = start(clock=True)
    when = datetime.fromtimestamp(hub.now() + 900, timezone.utc)
    receiver.answer("/local", (503, {"Retry-After": format_datetime(when, usegmt=True)}), 200)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("890s")
    assert len(receiver.deliveries) == 1
    hub.clock.advance("110s")
    receiver.wait(2)


@pytest.mark.parametrize("value", ["soon", "-5", "0", "1e99", "99999999999999999999", ""])
def test_retry_after_that_makes_no_sense(start, receiver, value):
    receiver.answer("/local", (503, {"Retry-After": value}), 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("27h")
    receiver.wait(2)


def test_gone_disables_and_holds(start, receiver):
    receiver.answer("/local", 410)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "failed")
    for _ in range(3):
        hub.send(created())
    hub.clock.advance("4d")
    assert len(receiver.deliveries) == 1, "nothing more is sent"
    assert [d["state"] for d in hub.deliveries("?channel=hooks")] == 3 * ["held_disabled"] + ["failed"]
    assert len(hub.deliveries("?state=held_disabled")) == 3
    told = until(lambda: [i for i in hub.items("root") if i["type"] == "hub.endpoint_disabled"])
    assert len(told) == 1, "admins are told once"
    assert "/enable" in told[0]["body"], "and what to do"
    assert "endpoint disabled" in hub.log() and "endpoint=local" in hub.log()
    held = hub.deliveries("?state=held_disabled")[0]["id"]
    answer = retry(hub, held)
    assert answer.status_code == 409 and "enable it first" in answer.json()["detail"], answer.text


def test_a_disabled_endpoint_comes_back_with_another_url(start, receiver):
    """What the message says works: what is held leaves, oldest first, without a new name."""
    receiver.answer("/local", 410, 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "failed")
    for i in range(3):
        hub.send(created(event_id=f"held-{i}"))
        hub.clock.advance("1s")
    hooks = hub.config["channels"]["hooks"]
    assert hub.reload().status_code == 200
    hub.clock.advance("1h")
    assert len(receiver.deliveries) == 1, "the same url stays disabled"
    hooks["endpoints"][0]["url"] += "?again=1"
    hub.write_config(hub.config)
    assert hub.reload().status_code == 200
    receiver.wait(4)
    until(lambda: len(hub.deliveries("?state=delivered&channel=hooks")) == 3)
    ids = [e["id"] for e in hub.events("?source=crm")][:3]
    assert sorted(d.id for d in receiver.deliveries[1:]) == sorted(f"msg_{id}" for id in ids)


def test_gone_outlives_a_restart(start, receiver):
    receiver.answer("/local", 410, 200)
    hub = start()
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "failed")
    hub.send(created())
    hub.restart()
    hub.send(created())
    until(lambda: len(hub.deliveries("?state=held_disabled")) == 2)
    assert len(receiver.deliveries) == 1


def test_the_header_that_disables(start, receiver):
    receiver.answer("/local", (500, {"webhook-delivery": "disable"}))
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "failed")
    hub.send(created())
    hub.clock.advance("1d")
    assert len(receiver.deliveries) == 1 and len(hub.deliveries("?state=held_disabled")) == 1


def test_the_header_that_gives_up_one_message(start, receiver):
    receiver.answer("/local", (500, {"webhook-delivery": "abort-message"}), 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "failed")
    hub.send(created())
    receiver.wait(2)
    until(lambda: hub.deliveries("?state=delivered&channel=hooks"))
    hub.clock.advance("1d")
    assert len(receiver.deliveries) == 2


def test_a_dead_letter_can_be_driven_again(start, receiver):
    receiver.answer("/local", 500, 500, 200)
    hub = start(clock=True, schedule=["5s"])
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.clock.advance("7s")
    dead = until(lambda: hub.deliveries("?state=failed&channel=hooks"))[0]
    assert dead["target"] == "local" and dead["detail"] and dead["ended_at"]
    answer = retry(hub, dead["id"])
    assert answer.status_code == 200, answer.text
    receiver.wait(3)
    until(lambda: delivery(hub)["state"] == "delivered")
    assert len({d.id for d in receiver.deliveries}) == 1, "the same webhook-id"
    assert [a["number"] for a in attempts(hub)] == [1, 2, 3]
    assert retry(hub, dead["id"]).status_code == 409 and "has arrived" in retry(hub, dead["id"]).json()["detail"]


def test_retry_of_what_is_not_there(start, receiver):
    hub = start()
    hub.send(created())
    receiver.wait(1)
    id = until(lambda: hub.deliveries("?state=delivered&channel=hooks"))[0]["id"]
    assert retry(hub, "nonsense").status_code == 404
    assert retry(hub, "00000000-0000-7000-8000-000000000000").status_code == 404
    answer = hub.post(f"/v1/globex/deliveries/{id}/retry", people.token("other"))
    assert answer.status_code == 404, "another org"
    assert hub.post(f"/v1/acme/deliveries/{id}/retry", people.token("reader")).status_code == 403


def test_cancel_ends_what_waits(start, receiver):
    receiver.answer("/local", 500)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    answer = hub.post(f"/v1/acme/deliveries/{delivery(hub)['id']}/cancel", people.token("admin"))
    assert answer.status_code == 200, answer.text
    assert delivery(hub)["state"] == "cancelled"
    hub.clock.advance("3d")
    assert len(receiver.deliveries) == 1


def test_a_dead_endpoint_delays_nobody_else(start, receiver):
    """One endpoint never answers. The other gets everything at once."""
    import threading
    release = threading.Event()
    receiver.answer("/dead", lambda d: release.wait(120) and None)
    hub = start(receiver.endpoint("dead"), receiver.endpoint("alive"), timeout="2m")
    try:
        hub.send([created(id=f"r{i}") for i in range(100)])
        receiver.wait(100, "/alive")
        assert len(receiver.at("/dead")) <= 8, "its own slots and no more"
        assert len({d.id for d in receiver.at("/alive")}) == 100
    finally:
        release.set()
        receiver.answer("/dead", 200)


def test_an_endpoint_that_refuses_connections(start, receiver):
    with refusing() as nobody:
        dead = endpoint("refused", f"http://127.0.0.1:{nobody.getsockname()[1]}/")
        hub = start(dead, receiver.endpoint("alive"))
        hub.send(created())
        receiver.wait(1, "/alive")
        refused = until(lambda: [d for d in hub.deliveries("?state=retrying") if d["target"] == "refused"])[0]
        assert "refused" in refused["detail"] or "connect" in refused["detail"], refused["detail"]


def test_types_and_when(start, receiver):
    hub = start(receiver.endpoint("all"), receiver.endpoint("rules", types=["workflow.*"]),
                receiver.endpoint("assigned", types=["record.assigned"]),
                receiver.endpoint("bad", when={"severity": {"gte": "error"}}))
    hub.send(created(fields={"name": "lead"}))
    hub.send(case("bob", "bad", "bad case"))
    hub.send(case("bob", "calm", "calm case"))
    receiver.wait(3, "/all")
    assert sorted(d.title() for d in receiver.wait(2, "/rules")) == ["bad case", "calm case"]
    assert len(receiver.wait(1, "/assigned")) == 1
    assert [d.title() for d in receiver.wait(1, "/bad")] == ["bad case"]
    stays(lambda: len(receiver.deliveries) == 7)


def test_secrets_are_each_endpoints_own(start, receiver):
    hub = start(receiver.endpoint("one"), receiver.endpoint("two", secret=OTHER_WEBHOOK_SECRET))
    hub.send(created())
    one, two = receiver.wait(1, "/one")[0], receiver.wait(1, "/two")[0]
    assert one.id == two.id and one.body == two.body
    assert one.verifies(WEBHOOK_SECRET) and two.verifies(OTHER_WEBHOOK_SECRET)
    assert WEBHOOK_SECRET not in hub.log() and WEBHOOK_SECRET.removeprefix("whsec_") not in hub.log()
    config = hub.get("/v1/admin/config", people.token("operator"))
    assert config.status_code == 200 and WEBHOOK_SECRET.removeprefix("whsec_") not in config.text


def test_credentials_in_headers_are_secrets_of_the_configuration(start, receiver):
    hub = start(receiver.endpoint("one", headers={"Authorization": "Bearer of-the-shop", "X-Team": "shop"}))
    config = hub.get("/v1/admin/config", people.token("operator"))
    assert "of-the-shop" not in config.text and '"X-Team":"shop"' in config.text
    assert "`Authorization` is a secret and stands in the file" in hub.log() and "of-the-shop" not in hub.log()
    hub.send(created())
    assert receiver.wait(1, "/one")[0].headers["authorization"] == "Bearer of-the-shop"


def test_a_webhook_under_way_survives_a_restart(start, receiver):
    receiver.answer("/local", 500, 200)
    hub = start(clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: delivery(hub)["state"] == "retrying")
    hub.restart()
    hub.clock.advance("10s")
    first, second = receiver.wait(2)
    assert first.id == second.id and first.body == second.body
    until(lambda: delivery(hub)["state"] == "delivered")


def test_a_stop_in_the_middle_of_deliveries(new_hub, receiver):
    """What was claimed and not sent yet is left to the next start."""
    hub = new_hub(with_hooks(base(), receiver.endpoint(concurrency=2)))
    for start in range(0, 400, 100):
        hub.start()
        hub.send([case("ann", name=f"n{i}") for i in range(start, start + 100)])
        hub.stop()
    hub.start()
    until(lambda: len({d.id for d in receiver.deliveries}) == 400)


def states(hub, channel):
    """Of each endpoint, what its deliveries have come to."""
    found = {}
    for d in hub.deliveries(f"?channel={channel}"):
        found.setdefault(d["target"], []).append(d["state"])
    return {target: sorted(states) for target, states in found.items()}


def test_a_renamed_channel_loses_nothing_and_sends_nothing_twice(new_hub, receiver):
    """There, back and there again, with deliveries that retry, are held, and are dead."""
    config = with_hooks(base(), receiver.endpoint("slow"), receiver.endpoint("gone"), receiver.endpoint("dead"),
                        source="crm", schedule=["1h"])
    receiver.answer("/slow", 500, 200)
    receiver.answer("/gone", 410)
    receiver.answer("/dead", 400, 400, 200)
    hub = new_hub(config, clock=True).start()

    def rename(old, new):
        config["channels"][new] = {**config["channels"].pop(old), "was": old}
        config["rules"][-1]["deliver"] = [new]
        hub.write_config(config)
        assert hub.reload().status_code == 200
        assert "channel_removed" not in str(states(hub, new))

    def ids(channel):
        return {d["id"]: d["event"] for d in hub.deliveries(f"?channel={channel}")}

    hub.send(created())
    until(lambda: states(hub, "hooks") == {"slow": ["retrying"], "gone": ["failed"], "dead": ["retrying"]})
    until(lambda: "hub.endpoint_disabled" in [e["type"] for e in hub.events()])
    before = ids("hooks")
    hub.send(created())
    until(lambda: states(hub, "hooks") == {"slow": ["delivered", "retrying"], "gone": ["failed", "held_disabled"],
                                           "dead": ["retrying", "retrying"]})
    rename("hooks", "relay")
    assert before.items() <= ids("relay").items() and ids("hooks") == {}
    hub.send(created())
    until(lambda: states(hub, "relay") == {"slow": ["delivered", "delivered", "retrying"],
                                           "gone": ["failed", "held_disabled", "held_disabled"],
                                           "dead": ["delivered", "retrying", "retrying"]})
    hub.clock.advance("67m")
    until(lambda: states(hub, "relay")["slow"] == ["delivered"] * 3)
    rename("relay", "hooks")
    rename("hooks", "relay")
    hub.clock.advance("3h")
    for path in ["/slow", "/dead"]:
        got = [d.id for d in receiver.at(path)]
        assert len(set(got)) == 3, "one id each"
    assert len(receiver.at("/slow")) == 4 and len(receiver.at("/dead")) == 5, "each once, and those that failed again"
    assert len(receiver.at("/gone")) == 1
    config["channels"]["relay"]["endpoints"][1]["url"] += "?again"
    hub.write_config(config)
    assert hub.reload().status_code == 200
    held = receiver.wait(2, "/gone?again")
    assert len({d.id for d in held}) == 2 and not {d.id for d in held} & {d.id for d in receiver.at("/gone")}

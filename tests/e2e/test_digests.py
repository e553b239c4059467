# SPDX-License-Identifier: Apache-2.0
"""Mail that gathers: digests, what quiet hours held, and what may have arrived. The fixture digest_delivery stands for
any channel that takes several items at once; what it answers is in the title of the newest."""
import json
import random
import threading
from collections import defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from support import people
from support.config import base
from support.events import case

BERLIN = ZoneInfo("Europe/Berlin")


def config(log=None, **categories):
    """News goes into digests, trouble by itself; both after five minutes, unless seen or handled."""
    made = base()
    made["channels"]["post"] = {"plugin": "digest_delivery"}
    if log:
        made["channels"]["post"]["log"] = str(log)
    made["rules"].append({"name": "post", "when": {}, "deliver": ["post"]})
    made["categories"]["news"]["email"] = "digest"
    for name, options in categories.items():
        made["categories"].setdefault(name, {}).update(options)
    return made


@pytest.fixture
def hub(new_hub):
    hub = new_hub(config(), clock=True).start()
    local(hub, "2026-01-12T18:00")
    return hub


def local(hub, text, zone=BERLIN):
    """Puts the clock on a local time."""
    hub.clock.set(int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000))


def utc(text, zone=BERLIN):
    at = datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(ZoneInfo("UTC"))
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def tell(hub, name, to="ann", kind="calm"):
    hub.send(case(to, kind, name))


def choose(hub, body, who="ann"):
    answer = hub.request("PUT", "/v1/acme/preferences", hub.person(who), json=body)
    assert answer.status_code == 200, answer.text


def batches(hub, who="ann"):
    """(kind, total, titles) of what was given to the plugin."""
    sent = hub.get("/v1/acme/digests", people.token("reader")).json()
    return [(b["kind"], b["total"], [i["title"] for i in b["items"]]) for b in sent if b["to"] == who]


def raw(hub):
    return hub.get("/v1/acme/digests", people.token("reader")).json()


def rows(hub, query=""):
    """state and due time of deliveries of the channel, by title."""
    return {d["title"]: (d["state"], d["due_at"]) for d in hub.deliveries(f"?channel=post{query}")}


def see(hub, title, who="ann"):
    item = next(i for i in hub.items(who) if i["title"] == title)
    assert hub.post(f"/v1/acme/notifications/{item['id']}/read", hub.person(who)).status_code == 200


def explained(hub, event, who="ann"):
    """What a dry run says of the channel."""
    story = hub.post("/v1/acme/explain", people.token("reader"), json={"source": "crm", "trigger": event}).json()["events"][0]
    told = next(r for r in story["recipients"] if r["recipient"] == who)
    return next(d for d in told["deliveries"] if d["channel"] == "post")


def test_one_digest_at_eight_with_what_nobody_saw(hub):
    for name in ("One", "Two", "Three"):
        tell(hub, name)
    tell(hub, "Trouble", kind="odd")
    hub.clock.advance("5m")
    assert batches(hub) == [("single", 1, ["Trouble"])], "what is not to be gathered goes by itself"
    window = utc("2026-01-13T08:00")
    assert rows(hub, "&state=digested") == {n: ("digested", window) for n in ("One", "Two", "Three")}
    see(hub, "Two")
    local(hub, "2026-01-13T07:59")
    assert len(batches(hub)) == 1
    local(hub, "2026-01-13T08:00")
    assert batches(hub)[1:] == [("digest", 2, ["Three", "One"])]
    assert {n: s for n, (s, _) in rows(hub).items()} == {
        "One": "delivered", "Two": "viewed", "Three": "delivered", "Trouble": "delivered"}
    item = raw(hub)[1]["items"][0]
    assert item["category_label"] == "News" and item["reason"] and item["waited_ms"] == 300000
    assert item["href"].endswith(next(i for i in hub.items("ann") if i["title"] == "Three")["href"])
    local(hub, "2026-01-14T08:00")
    assert len(batches(hub)) == 2, "nothing is sent when nothing is left"


def test_the_hour_is_that_of_the_persons_clock_also_when_it_changes(hub):
    local(hub, "2026-03-28T12:00")
    choose(hub, {"digest": {"hour": 2}})
    tell(hub, "Short night")
    hub.clock.advance("5m")
    assert rows(hub)["Short night"] == ("digested", "2026-03-29T01:00:00.000Z"), "the first instant behind the gap"
    hub.clock.set(int(datetime.fromisoformat("2026-03-29T01:00:00+00:00").timestamp() * 1000))
    assert batches(hub) == [("single", 1, ["Short night"])]
    local(hub, "2026-10-24T12:00")
    tell(hub, "Long night")
    tell(hub, "Longer night")
    hub.clock.advance("5m")
    hub.clock.set(int(datetime.fromisoformat("2026-10-25T00:00:00+00:00").timestamp() * 1000))
    assert batches(hub)[1:] == [("digest", 2, ["Longer night", "Long night"])]
    tell(hub, "Between")
    hub.clock.set(int(datetime.fromisoformat("2026-10-25T01:30:00+00:00").timestamp() * 1000))
    assert len(batches(hub)) == 2, "the hour is shown twice and counts once"
    assert rows(hub)["Between"] == ("digested", "2026-10-26T01:00:00.000Z")


def test_what_the_night_held_comes_as_one_mail(hub):
    choose(hub, {"default": "unseen", "quiet": {"from": "22:00", "to": "07:00"}})
    local(hub, "2026-01-12T23:00")
    for name, kind in (("News", "calm"), ("Trouble", "odd"), ("Seen", "odd"), ("Worst", "worst")):
        tell(hub, name, kind=kind)
    hub.clock.advance("5m")
    assert batches(hub) == [("single", 1, ["Worst"])], "what is critical is not held"
    morning = utc("2026-01-13T07:00")
    assert rows(hub, "&state=held_quiet_hours") == {n: ("held_quiet_hours", morning) for n in ("News", "Trouble", "Seen")}
    see(hub, "Seen")
    local(hub, "2026-01-13T07:00")
    assert batches(hub)[1:] == [("catch_up", 2, ["Trouble", "News"])], "of any category"
    assert rows(hub)["Seen"][0] == "viewed"


def test_a_dry_run_says_what_the_daemon_does(hub):
    choose(hub, {"quiet": {"from": "22:00", "to": "07:00"}})
    said = explained(hub, case("ann", "calm"))
    assert (said["outcome"], said["due_at"]) == ("digested", utc("2026-01-13T08:00"))
    assert said["reason"] == "category news is digest by default"
    tell(hub, "Same")
    hub.clock.advance("5m")
    assert rows(hub)["Same"] == ("digested", said["due_at"])
    choose(hub, {"quiet": {"from": "22:00", "to": "07:00"}, "digest": {"hour": 3}})
    said = explained(hub, case("ann", "calm"))
    assert (said["outcome"], said["due_at"]) == ("digested", utc("2026-01-13T07:00")), "not while the night holds it"
    local(hub, "2026-01-12T23:00")
    said = explained(hub, case("ann", "odd"))
    assert (said["outcome"], said["due_at"]) == ("held_quiet_hours", utc("2026-01-13T07:00"))
    said = explained(hub, case("mona", "odd"), "mona")
    assert (said["outcome"], said["reason"]) == ("no_address", "the directory has no mail address of theirs")
    tell(hub, "No address", "mona", "odd")
    hub.clock.advance("5m")
    assert rows(hub)["No address"][0] == "no_address"


def test_what_may_have_arrived_is_sent_once_more_with_the_same_key(hub):
    tell(hub, "unknown", kind="odd")
    tell(hub, "unknown2", kind="odd")
    hub.clock.advance("5m")
    assert rows(hub) == {n: ("unknown", utc("2026-01-12T18:20")) for n in ("unknown", "unknown2")}
    event = next(e for e in hub.events() if e["title"] == "unknown")
    story = next(d for r in hub.story(event["id"])["recipients"] for d in r["deliveries"] if d["channel"] == "post")
    assert story["outcome"] == "unknown" and [a["result"] for a in story["attempts"]] == ["unknown"]
    hub.clock.advance("15m")
    assert {n: s for n, (s, _) in rows(hub).items()} == {"unknown": "delivered", "unknown2": "unknown"}
    assert rows(hub)["unknown2"] == ("unknown", None), "it has ended"
    by_title = defaultdict(list)
    for batch in raw(hub):
        by_title[batch["items"][0]["title"]].append((batch["key"], batch["attempt"]))
    for tries in by_title.values():
        assert [n for _, n in tries] == [1, 2] and len({key for key, _ in tries}) == 1
    hub.clock.advance("12h")
    assert len(raw(hub)) == 4


def test_a_digest_that_fails_is_tried_again_as_it_was(hub):
    for name in ("One", "Two", "retry2"):
        tell(hub, name)
    hub.clock.advance("5m")
    local(hub, "2026-01-13T08:00")
    assert {s for s, _ in rows(hub).values()} == {"retrying"}
    tell(hub, "Later")
    see(hub, "One")
    hub.clock.advance("2m")
    hub.clock.advance("6m")
    assert batches(hub) == [("digest", 3, ["retry2", "Two", "One"]), ("digest", 2, ["retry2", "Two"]),
                            ("digest", 2, ["retry2", "Two"])]
    assert len({b["key"] for b in raw(hub)}) == 1
    assert {n: s for n, (s, _) in rows(hub).items()} == {
        "One": "viewed", "Two": "delivered", "retry2": "delivered", "Later": "digested"}
    two = next(d for d in hub.deliveries("?channel=post&state=delivered") if d["title"] == "Two")
    line = hub.get(f"/v1/acme/deliveries/{two['id']}", people.token("all")).json()["timeline"]
    assert [a["result"] for a in line] == ["retry", "retry", "delivered"], "each of them shows what was tried"
    one = next(d for d in hub.deliveries("?channel=post&state=viewed") if d["title"] == "One")
    line = hub.get(f"/v1/acme/deliveries/{one['id']}", people.token("all")).json()["timeline"]
    assert [a["result"] for a in line if "result" in a] == ["retry"], "it was in the first only"
    event = next(e for e in hub.events() if e["title"] == "One")
    story = next(d for r in hub.story(event["id"])["recipients"] for d in r["deliveries"] if d["channel"] == "post")
    assert [a["result"] for a in story["attempts"]] == ["retry"]


def test_a_waiting_mail_can_be_sent_or_ended_by_hand(hub):
    for name in ("Now", "Never again"):
        tell(hub, name)
    hub.clock.advance("5m")
    ids = {d["title"]: d["id"] for d in hub.deliveries("?channel=post")}
    for name, deed in (("Now", "retry"), ("Never again", "cancel")):
        answer = hub.post(f"/v1/acme/deliveries/{ids[name]}/{deed}", hub.person("root"))
        assert answer.status_code == 200, answer.text
    hub.clock.advance("1s")
    assert batches(hub) == [("single", 1, ["Now"])]
    assert {n: s for n, (s, _) in rows(hub).items()} == {"Now": "delivered", "Never again": "cancelled"}


def lines(log):
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_kill_at_any_moment_one_digest_a_window(new_hub, tmp_path):
    """Twelve days, killed at and around each window, on some of them while the plugin has it: each item reaches its person in exactly one digest; a digest is
    repeated only when nobody can know whether it arrived, and then under the same key."""
    log = tmp_path / "sent"
    hub = new_hub(config(log), clock=True).start()
    chance = random.Random(8)
    day = datetime(2031, 1, 12, 18, 0)  # ahead: a new process begins with the time of the machine
    told = defaultdict(set)
    for _ in range(12):
        local(hub, day.isoformat())
        answered = chance.choice(("", " hold"))
        for who in ("ann", "bob"):
            for n in range(chance.randint(1, 4)):
                name = f"{who} {day:%d} {n}{answered}"
                tell(hub, name, who)
                told[who].add(name)
        hub.clock.advance("5m")
        day += timedelta(days=1)
        window = day.replace(hour=8)
        local(hub, (window - timedelta(minutes=1)).isoformat())
        late = threading.Timer(0.1 if answered else chance.uniform(0, 0.03), hub.kill)
        late.start()
        try:
            local(hub, window.isoformat())
        except (OSError, AssertionError, ValueError, EOFError):
            pass  # the hub died while it worked on it
        late.join()
        hub.start()
        local(hub, (window + timedelta(minutes=1)).isoformat())
        local(hub, (window + timedelta(minutes=20)).isoformat())
    keys, seen = defaultdict(list), defaultdict(set)
    for line in lines(log):
        keys[line["key"]].append(line)
        for item in line["items"]:
            seen[line["to"], item["title"]].add(line["key"])
    assert {(who, name) for who in told for name in told[who]} == set(seen), "none is lost"
    assert all(len(k) == 1 for k in seen.values()), "none is in two digests"
    assert {len(tries) for tries in keys.values()} == {1, 2}, "some were repeated, once"
    windows = defaultdict(set)
    for key, tries in keys.items():
        assert len({tuple(i["title"] for i in t["items"]) for t in tries}) == 1, "the same things"
        windows[tries[0]["to"], tries[0]["items"][0]["title"].split()[1]].add(key)
    assert all(len(k) == 1 for k in windows.values()), "one for each person and window"
    left = [d for d in hub.deliveries("?channel=post&limit=200") if d["state"] != "delivered"]
    assert left == []

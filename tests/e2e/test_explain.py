# SPDX-License-Identifier: Apache-2.0
"""Why did she get this, and why did he not? The story of an event, and dry runs that write nothing."""
import json
from datetime import datetime

import pytest

from support import people
from support.config import base, with_hooks, with_source
from support.events import case, cloud_event, created, record_of, updated
from support.wait import until

ESCALATE = {"name": "escalate", "when": {"type": "record.assigned", "data.record.fields.rating": "hot"},
            "deliver": [{"via": "inbox", "to": ["role:sales-manager"], "after": "15m", "unless": ["seen"]}]}


@pytest.fixture
def hub(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("bad"), source="crm")
    config["rules"].append(ESCALATE)
    receiver.answer("/bad", 500)
    return new_hub(config, clock=True).start()


def hot(**more):
    return created(owner="bob", created_by="carl", fields={"rating": "hot", "name": "Hot one"}, **more)


def told(hub, receiver):
    """A hot lead with all its consequences so far: the story."""
    hub.send(hot(event_id="the-trigger"))
    receiver.wait(1, "/good")
    receiver.wait(1, "/bad")
    event = hub.events("?type=record.assigned")[0]["id"]
    until(lambda: {d["outcome"] for d in hub.story(event)["deliveries"]} >= {"delivered", "retrying"})
    return hub.story(event)


def test_the_whole_story(hub, receiver):
    story = told(hub, receiver)
    event = story["event"]
    assert (event["org"], event["source"], event["type"]) == ("acme", "crm", "record.assigned")
    assert event["actor"] == "carl" and "Hot one" in event["title"]
    assert event["data"]["record"]["fields"]["rating"] == "hot"
    assert event["trigger"]["id"] == "the-trigger" and event["trigger"]["type"] == "record.created"
    assert event["trigger"]["source"] == "/tests"
    assert {r["name"] for r in story["rules"] if r["matched"]} == {"inbox-first", "hooks", "escalate"}

    by_name = {r["recipient"]: r for r in story["recipients"]}
    bob = by_name["bob"]
    assert bob["reason"] and bob["notification"]["visible_at"] and bob["notification"]["seen_at"] is None
    assert bob["notification"]["id"] == hub.items("bob")[0]["id"]
    shown, = bob["deliveries"]
    assert (shown["channel"], shown["outcome"], shown["id"]) == ("inbox", "delivered", None)
    assert shown["ended_at"] == bob["notification"]["visible_at"] and shown["attempts"] == []
    ann = by_name["ann"]
    waits = [d for d in ann["deliveries"] if d["rule"] == "escalate"]
    assert len(waits) == 1 and waits[0]["outcome"] == "scheduled"
    assert waits[0]["due_at"] and waits[0]["unless"] == ["seen"]

    hooks = {d["target"]: d for d in story["deliveries"] if d["channel"] == "hooks"}
    assert hooks["good"]["outcome"] == "delivered" and hooks["good"]["attempts"][0]["code"] == 200
    assert hooks["bad"]["outcome"] == "retrying" and hooks["bad"]["attempts"][0]["code"] == 500
    assert story["dry_run"] is False and story["generation"] >= 1
    assert story["summary"] == {"delivered": 2, "waiting": 3, "not_sent": 0}
    hub.clock.advance("16m")
    ann = next(r for r in hub.story(event["id"])["recipients"] if r["recipient"] == "ann")
    assert [(d["channel"], d["outcome"]) for d in ann["deliveries"]] == [("inbox", "delivered")], "once, with its rule"
    assert ann["deliveries"][0]["rule"] == "escalate"


def test_why_she_was_not_told(hub, receiver):
    told(hub, receiver)
    hub.seen("bob", hub.items("bob")[0]["id"])
    hub.clock.advance("16m")
    story = hub.story(hub.events("?type=record.assigned")[0]["id"])
    ann = next(r for r in story["recipients"] if r["recipient"] == "ann")
    gone, = [d for d in ann["deliveries"] if d["rule"] == "escalate"]
    assert gone["outcome"] == "viewed" and gone["reason"]


def test_why_he_does_not_see_it(hub):
    for who in ["bob", "mona", "nobody-known", "of-the-api"]:
        hub.send(case(who, "secret"))
    put = hub.request("PUT", "/v1/acme/users/of-the-api", people.token("users"), json={"roles": ["sales-manager"]})
    assert put.status_code == 200
    may_see = {r["recipient"]: r["may_see"]
               for e in hub.events("?type=workflow.secret") for r in hub.story(e["id"])["recipients"]}
    assert may_see == {"bob": False, "mona": True, "nobody-known": False, "of-the-api": True}
    event = hub.events("?type=workflow.secret&limit=4")[3]["id"]
    answer = hub.get(f"/v1/acme/events/{event}", {**people.token("reader"), "Accept": "text/plain"})
    assert "may not see this category" in answer.text
    hub.send(case("bob", "calm"))
    event = hub.events("?type=workflow.calm")[0]["id"]
    assert [r["may_see"] for r in hub.story(event)["recipients"]] == [True]


def test_the_story_as_text(hub, receiver):
    story = told(hub, receiver)
    answer = hub.get(f"/v1/acme/events/{story['event']['id']}", {**people.token("reader"), "Accept": "text/plain"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    for word in ["record.assigned", "inbox-first", "escalate", "bob", "ann", "mona", "hooks", "500"]:
        assert word in answer.text, answer.text


def test_lists_of_events(hub):
    for i in range(5):
        hub.send(hot(id=f"e{i}"))
    hub.send(case("ann"), source="erp")
    assert len(hub.events()) == 6
    assert len(hub.events("?source=erp")) == 1
    assert [e["subject"] for e in hub.events("?subject=record/Lead/e3")] == ["record/Lead/e3"]
    assert len(hub.events("?type=workflow.calm")) == 1
    page = hub.get("/v1/acme/events?limit=4", people.token("reader")).json()
    rest = hub.get(f"/v1/acme/events?limit=4&before={page['next']}", people.token("reader")).json()
    assert len(page["items"]) == 4 and len(rest["items"]) == 2 and rest["next"] is None
    assert hub.get("/v1/acme/events?limit=6", people.token("reader")).json()["next"] is None, "nothing comes after it"
    assert hub.get("/v1/acme/events?limit=x", people.token("reader")).status_code == 400
    assert hub.get("/v1/acme/events?before=x", people.token("reader")).status_code == 400
    assert hub.get("/v1/acme/events/nonsense", people.token("reader")).status_code == 404
    event = hub.events()[0]["id"]
    assert hub.get(f"/v1/globex/events/{event}", people.token("other")).status_code == 404


def test_lists_of_deliveries_end(hub, receiver):
    told(hub, receiver)
    everything = hub.deliveries()
    path = "/v1/acme/deliveries?limit="
    assert len(everything) == 4, "two endpoints, two managers"
    assert hub.get(f"{path}4", people.token("reader")).json()["next"] is None
    page = hub.get(f"{path}3", people.token("reader")).json()
    rest = hub.get(f"{path}3&before={page['next']}", people.token("reader")).json()
    assert page["items"] + rest["items"] == everything and rest["next"] is None


def test_the_story_of_a_crowd(new_hub):
    """It is told by its first ones and says so; each of the others can still be asked about."""
    config = base()
    config["rules"] = [{"name": "crowd", "when": {"source": "crm"}, "deliver": [
        {"via": "inbox", "to": ["role:crowd"]}, {"via": "inbox", "to": ["role:crowd"], "after": "1h"}]}]
    hub = new_hub(config).start()
    people_ = [{"username": f"p{i:04}", "roles": ["crowd"]} for i in range(2100)]
    assert hub.request("PUT", "/v1/acme/users", people.token("users"), json={"items": people_}).status_code == 200
    hub.send(created())
    until(lambda: hub.unread("p2099") == 1, "the fan-out is over")
    event = hub.events()[0]["id"]
    story = hub.story(event)
    assert 2000 <= len(story["recipients"]) < 2100 and story["truncated"] is True
    told = {r["recipient"] for r in story["recipients"]}
    last = next(p["username"] for p in people_ if p["username"] not in told)
    answer = explain(hub, {"event": event}, hub.person(last))
    assert answer.status_code == 200, answer.text
    one, = answer.json()["recipients"]
    assert one["recipient"] == last and one["notification"]["id"] == hub.items(last)[0]["id"]
    assert ("inbox", "delivered") in {(d["channel"], d["outcome"]) for d in one["deliveries"]}
    assert answer.json()["truncated"] is False


# --- dry runs -----------------------------------------------------------------------------------------------------------

def explain(hub, body, headers=None, **options):
    return hub.post("/v1/acme/explain", headers or people.token("reader"), json=body, **options)


def test_a_dry_run_of_a_trigger_writes_nothing(hub, receiver):
    trigger = hot(event_id="only-asked")
    before = hub.metrics()
    answer = explain(hub, {"source": "crm", "trigger": trigger})
    assert answer.status_code == 200, answer.text
    story, = answer.json()["events"]
    assert story["dry_run"] is True
    assert {r["recipient"] for r in story["recipients"]} == {"bob", "ann", "mona"}
    rules = {r["name"]: r for r in story["rules"]}
    assert rules["escalate"]["matched"] and rules["escalate"]["line"] > 1
    steps = rules["escalate"]["conditions"]
    assert any(s["path"] == "data.record.fields.rating" and s["result"] for s in steps)
    assert hub.titles("bob") == [] and hub.events() == [] and receiver.deliveries == []
    after = hub.metrics()
    assert after["belfry_events_total"] == before["belfry_events_total"]
    assert hub.send(trigger)[0]["status"] == "accepted", "nor was the id remembered"


def test_who_asks_is_not_who_acts(hub):
    for headers in [people.token("reader"), hub.person("root")]:
        story, = explain(hub, {"source": "crm", "trigger": hot()}, headers).json()["events"]
        assert story["event"]["actor"] == "carl"
        mine = {"source": "crm", "trigger": created(owner="root", created_by="carl")}
        story, = explain(hub, mine, headers).json()["events"]
        assert [r["recipient"] for r in story["recipients"]] == ["root"]


def test_a_dry_run_tells_what_the_source_does_beside_events(new_hub):
    hub = new_hub(with_source(base(), "deals", plugin="approval", remind_after="2d"), clock=True).start()
    approval = {"id": "42", "title": "New printer", "url": "/42", "submitter": "carl",
                "steps": [{"name": "Finance", "approvers": ["ann", "bob"], "needs": "any"}]}
    submitted = cloud_event("approval.submitted", {"approval": approval})
    asked = explain(hub, {"source": "deals", "trigger": submitted}).json()
    assert [e["event"]["type"] for e in asked["events"]] == ["approval.requested"]
    timer, = asked["deeds"]
    due = datetime.fromisoformat(timer["at"].replace("Z", "+00:00")).timestamp()
    assert timer["what"] == "timer" and abs(due - hub.clock.now() - 2 * 86400) < 5
    hub.send(submitted, source="deals")
    decided = cloud_event("approval.decided", {"approval": {"id": "42"}, "by": "ann", "decision": "approved"})
    asked = explain(hub, {"source": "deals", "trigger": decided}).json()
    assert {"what": "handled", "key": "approval/42", "at": None} in asked["deeds"]
    text = explain(hub, {"source": "deals", "trigger": decided}, {**people.token("reader"), "Accept": "text/plain"}).text
    assert "beside that the source\n  handled      approval/42\n" in text


def test_a_dry_run_sees_the_present_state(hub):
    first = hot()
    hub.send(first)
    same_owner = explain(hub, {"source": "crm", "trigger": updated(record_of(first), owner="bob")}).json()
    assert same_owner["events"] == []
    moved = explain(hub, {"source": "crm", "trigger": updated(record_of(first), owner="mona")}).json()
    assert {r["recipient"] for e in moved["events"] for r in e["recipients"] if r["reason"] and
            any(d["rule"] == "inbox-first" for d in r["deliveries"])} >= {"mona"}
    assert hub.items("bob")[0]["validity"] == "valid"


def test_a_rule_that_does_not_match_says_why(hub):
    trigger = created(owner="bob", fields={"rating": "cold"})
    story, = explain(hub, {"source": "crm", "trigger": trigger}).json()["events"]
    rule = next(r for r in story["rules"] if r["name"] == "escalate")
    assert not rule["matched"]
    miss = [s for s in rule["conditions"] if s["path"] == "data.record.fields.rating"]
    assert miss and not miss[0]["result"] and "cold" in miss[0]["actual"]


@pytest.mark.parametrize("body,status", [
    ({}, 422), ({"source": "nothing", "trigger": {}}, 422), ({"source": "crm"}, 422),
    ({"source": "crm", "trigger": {"specversion": "1.0"}}, 422), ({"event": "nonsense"}, 404), ({"event": 5}, 422),
    ({"source": "crm", "trigger": created(), "who": ["bob"]}, 422),
    ({"source": "crm", "trigger": created(owner="a/b")}, 422),
])
def test_what_cannot_be_explained(hub, body, status):
    assert explain(hub, body).status_code == status


def test_people_ask_about_themselves(hub, receiver):
    event = told(hub, receiver)["event"]["id"]
    answer = explain(hub, {"event": event}, hub.person("bob"))
    assert answer.status_code == 200
    assert {r["recipient"] for r in answer.json()["recipients"]} == {"bob"}
    assert "mona" not in answer.text
    assert explain(hub, {"event": event, "who": "ann"}, hub.person("bob")).status_code == 403
    assert explain(hub, {"event": event}, hub.person("stranger")).status_code == 404
    for trigger in [hot(), created(owner="bob"), {}]:  # made up, so that the source would tell what it remembers
        answer = explain(hub, {"source": "crm", "trigger": trigger, "who": "bob"}, hub.person("bob"))
        assert answer.status_code == 403 and "role admin" in answer.json()["detail"]
    answer = explain(hub, {"event": event, "who": "ann"}, hub.person("root"))
    assert answer.status_code == 200 and {r["recipient"] for r in answer.json()["recipients"]} == {"ann"}


# --- why was he not told? ---------------------------------------------------------------------------------------------

WHY = [
    {"name": "inbox-first", "when": {}, "deliver": ["inbox"]},
    {"name": "again", "when": {"type": "record.assigned"}, "deliver": [{"via": "inbox", "after": "10m"}]},
    {"name": "to-all", "when": {"data.record.fields.rating": "hot"},
     "deliver": [{"via": "inbox", "to": ["carl", "mona"], "after": "15m", "unless": ["seen"]}]},
    {"name": "hooks", "when": {"type": "record.assigned"}, "schedule": "night", "deliver": ["hooks"]},
    {"name": "hooks-later", "when": {"data.record.fields.rating": "hot"},
     "deliver": [{"via": "hooks", "after": "1d"}, {"via": "hooks", "after": "2d"}]},
    {"name": "drop", "when": {"data.record.fields.rating": "nobody"}, "stop": True, "deliver": []},
    {"name": "behind", "when": {"data.record.fields.rating": ["nobody", "hot"]},
     "deliver": [{"via": "inbox", "to": ["ann"], "after": "1h"}]},
]


@pytest.fixture
def why(new_hub, receiver):
    """A hub at night. What it says of a trigger before it is sent and of the event after it: told(event)."""
    config = with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("other", types=["workflow.*"]))
    config["schedules"] = {"night": {"from": "22:00", "to": "07:00"}}
    config["rules"] = WHY
    hub = new_hub(config, clock=True).start()
    day = 86_400_000
    hub.clock.set((hub.clock.ms // day + 1) * day + 22 * 3_600_000)

    def told(trigger, **more):
        dry, = explain(hub, {"source": "crm", "trigger": trigger, **more}).json()["events"]
        hub.send(trigger)
        event = hub.events(f"?type=record.assigned&subject=record/Lead/{record_of(trigger)['id']}")[0]["id"]
        if any(d["channel"] == "hooks" for d in dry["deliveries"]):
            until(lambda: hub.deliveries("?state=held_quiet_hours"))
        return dry, explain(hub, {"event": event, **more}).json()

    hub.told = told
    return hub


def lines(story):
    """(who or what, channel, rule, outcome, reason) of all that was decided."""
    return {(who, d["channel"], d["rule"], d["outcome"], d["reason"]) for who, d in
            [(r["recipient"], d) for r in story["recipients"] for d in r["deliveries"]] +
            [(d["target"], d) for d in story["deliveries"]]}


def test_before_and_after_the_same_is_said(why):
    dry, stored = why.told(hot())
    second = "an earlier rule delivers on the same channel"
    assert lines(dry) == lines(stored) == {
        ("bob", "inbox", "inbox-first", "delivered", None),
        ("bob", "inbox", "again", "duplicate", second),
        ("mona", "inbox", "to-all", "scheduled", None),
        ("ann", "inbox", "behind", "scheduled", None),
        ("good", "hooks", "hooks", "held_quiet_hours", "schedule night"),
        ("good", "hooks", "hooks-later", "scheduled", None),
        (None, "hooks", "hooks-later", "duplicate", second)}
    for story in dry, stored:
        assert {(n["name"], n["reason"], n["rule"]) for n in story["left_out"]} == {
            ("carl", "did it", "to-all"), ("other", "target of hooks: not one of its types", None)}
        rules = {r["name"]: r for r in story["rules"]}
        assert rules["hooks"]["matched"] and rules["hooks"]["line"] > 1
        assert rules["drop"]["reason"] == "`when` does not hold"
        leaf, = rules["drop"]["conditions"]
        met = '"hot"' if story is dry else None  # what the stored one met is in its data, which is hidden
        assert (leaf["path"], leaf["actual"], leaf["result"]) == ("data.record.fields.rating", met, False)
        assert (rules["unmatched"]["matched"], rules["unmatched"]["reason"]) == (False, "a rule matched")
        assert story["summary"] == {"delivered": 1, "waiting": 4, "not_sent": 2}
    assert stored["dry_run"] is False


@pytest.mark.parametrize("who,reason", [("carl", "did it"), ("nobody-at-all", None)])
def test_who_is_no_recipient_has_an_answer_too(why, who, reason):
    dry, stored = why.told(hot(), who=who)
    for story in dry, stored:
        assert story["recipients"] == [] and len(story["rules"]) == len(WHY) + 1
        assert [n["reason"] for n in story["left_out"]] == ([reason] if reason else [])
    done = why.belfry("explain", "--event", stored["event"]["id"], "--org", "acme", "--who", who)
    assert done.returncode == 0 and f"{who} is not among them" in done.stdout


def test_a_rule_whose_endpoints_want_something_else(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint("other", types=["workflow.*"]))).start()
    trigger = hot()
    dry, = explain(hub, {"source": "crm", "trigger": trigger}).json()["events"]
    hub.send(trigger)
    for story in dry, hub.story(hub.events()[0]["id"]):
        assert (None, "hooks", "hooks", "no_recipient", "no target takes it") in lines(story)
        assert [(n["name"], n["reason"]) for n in story["left_out"]] == [("other", "target of hooks: not one of its types")]


def test_a_row_that_roles_hide(why):
    trigger = case("bob", "secret", "Commission")
    dry, = explain(why, {"source": "crm", "trigger": trigger}).json()["events"]
    why.send(trigger)
    stored = explain(why, {"event": why.events("?type=workflow.secret")[0]["id"], "who": "bob"}).json()
    for story in dry, stored:
        bob, = story["recipients"]
        assert bob["may_see"] is False
        assert bob["deliveries"][0]["reason"] == "hidden while they lack a role that category CALC_BLOCKED is for"


def test_a_rule_that_stops_the_list(why):
    dry, stored = why.told(created(owner="bob", created_by="carl", fields={"rating": "nobody"}), who="ann")
    for story in dry, stored:
        rules = {r["name"]: r for r in story["rules"]}
        assert rules["behind"]["reason"] == "rule drop stopped the search"
        assert (None, None, "drop", "dropped_by_rule", "rule drop delivers to nobody") in lines(story)


def test_a_rule_that_has_changed_since(why):
    trigger = hot()
    _, stored = why.told(trigger)
    why.config["rules"] = [{**r, "when": {"type": "other"}} if r["name"] == "hooks" else r for r in WHY
                           if r["name"] != "again"]
    why.config["rules"].append({"name": "fresh", "when": {}, "deliver": []})
    why.write_config()
    assert why.reload().status_code == 200
    rules = {r["name"]: r for r in explain(why, {"event": stored["event"]["id"]}).json()["rules"]}
    assert rules["hooks"]["matched"] and rules["hooks"]["reason"] == "it matched then; as it stands now it would not"
    assert not rules["fresh"]["matched"]
    assert rules["fresh"]["reason"] == "it did not match then; as it stands now it would"
    assert rules["again"]["matched"] and rules["again"]["reason"] == "it matched then; it is gone"


def test_a_disabled_endpoint_is_told_of(hub, receiver):
    receiver.answer("/bad", 410)
    hub.send(hot())
    until(lambda: hub.items("root", type="hub.endpoint_disabled"))
    story, = explain(hub, {"source": "crm", "trigger": hot()}).json()["events"]
    bad, = [d for d in story["deliveries"] if d["target"] == "bad"]
    assert (bad["outcome"], bad["reason"]) == ("held_disabled", "the target is disabled")


def test_quiet_hours_are_those_of_the_person(new_hub):
    """The dry run asks the directory for zones, as the claim does."""
    config = base()
    config["orgs"]["acme"]["users"]["zoe"] = {"timezone": "Pacific/Auckland"}
    config["schedules"] = {"night": {"from": "22:00", "to": "07:00"}}
    config["channels"]["echo"] = {"plugin": "echo_delivery"}
    config["rules"] = [{"name": "echo", "when": {}, "schedule": "night",
                        "deliver": [{"via": "echo", "to": ["zoe", "bob"]}]}]
    hub = new_hub(config, clock=True).start()
    day = 86_400_000
    hub.clock.set((hub.clock.ms // day + 1) * day + 22 * 3_600_000)  # late in Berlin, the middle of the day in Auckland
    story, = explain(hub, {"source": "crm", "trigger": hot()}).json()["events"]
    assert lines(story) == {("bob", "echo", "echo", "held_quiet_hours", "schedule night"),
                            ("zoe", "echo", "echo", "scheduled", None)}


def test_one_of_thousands_can_be_asked_for(new_hub):
    config = base()
    config["sources"]["crm"]["rules"] = [{"name": "crowd", "notify": {"to": ["role:crowd"]}}]
    config["rules"].append({"name": "again", "when": {}, "deliver": [{"via": "inbox", "after": "1h"}]})
    hub = new_hub(config, clock=True).start()
    for first in range(0, 2100, 700):
        items = [{"username": f"u{i:04}", "roles": ["crowd"]} for i in range(first, first + 700)]
        assert hub.request("PUT", "/v1/acme/users", people.token("users"), json={"items": items}).status_code == 200
    trigger = created("Thing", owner="x", created_by="x")
    ask = [{"source": "crm", "trigger": trigger}]
    hub.send(trigger)
    hub.clock.advance("1s")
    ask.append({"event": hub.events()[0]["id"]})
    for body in ask:
        doc = explain(hub, body).json()
        story = doc["events"][0] if "events" in doc else doc
        assert story["truncated"] is True
        doc = explain(hub, {**body, "who": "u2099"}).json()
        story = doc["events"][0] if "events" in doc else doc
        assert [r["recipient"] for r in story["recipients"]] == ["u2099"] and story["truncated"] is False
        assert {(d["rule"], d["outcome"]) for d in story["recipients"][0]["deliveries"]} == {
            ("inbox-first", "delivered"), ("again", "duplicate")}
    assert explain(hub, ask[1], hub.person("u2099")).status_code == 200


def test_one_s_own_story_shows_no_more_than_the_inbox(hub):
    """P4: a category for some roles leaks into nobody's story, and nobody sees more of an event than its text."""
    hub.send(case("bob", "secret", "Commission of everybody"))
    secret = hub.events("?type=workflow.secret")[0]["id"]
    answer = explain(hub, {"event": secret}, hub.person("bob"))
    assert answer.status_code == 404 and "Commission" not in answer.text
    answer = explain(hub, {"event": secret}, {**hub.person("bob"), "Accept": "text/plain"})
    assert answer.status_code == 404 and "Commission" not in answer.text
    story = explain(hub, {"event": secret}, hub.person("bob", roles=["sales-manager"])).json()
    assert story["event"]["title"] == "Commission of everybody"
    assert story["event"]["data"] is None and story["event"]["trigger"]["principal"] is None


def test_nobody_is_told_of_a_category_that_their_roles_hide(hub):
    hub.send(case("bob", "secret", "Commission of everybody"))
    event = hub.events("?type=workflow.secret")[0]["id"]
    answer = explain(hub, {"event": event}, hub.person("bob"))
    assert answer.status_code == 404 and "Commission" not in answer.text
    assert explain(hub, {"event": event}, hub.person("bob", roles=["sales-manager"])).status_code == 200
    assert explain(hub, {"event": event}, hub.person("root")).status_code == 200


def test_the_command(hub, receiver, tmp_path):
    story = told(hub, receiver)
    done = hub.belfry("explain", "--event", story["event"]["id"], "--org", "acme")
    assert done.returncode == 0, done.stderr
    assert "escalate" in done.stdout and "bob" in done.stdout
    done = hub.belfry("explain", "--event", story["event"]["id"], "--org", "acme", "--who", "ann")
    assert done.returncode == 0 and "ann" in done.stdout
    file = tmp_path / "trigger.json"
    file.write_text(json.dumps(hot()))
    done = hub.belfry("explain", str(file), "--source", "crm", "--org", "acme")
    assert done.returncode == 0, done.stderr
    assert "escalate" in done.stdout and "mona" in done.stdout
    done = hub.belfry("explain", str(file), "--source", "crm", "--org", "acme", "--format", "json")
    assert json.loads(done.stdout)["events"][0]["dry_run"] is True
    done = hub.belfry("explain", str(tmp_path / "none.json"), "--source", "crm", "--org", "acme")
    assert done.returncode in (1, 2, 4) and "none.json" in done.stderr
    done = hub.belfry("explain", "--event", "nonsense", "--org", "acme")
    assert done.returncode == 1
    done = hub.belfry("explain", "--event", story["event"]["id"])
    assert done.returncode == 0 and "org=acme" in done.stdout, "an id says whose it is"
    assert hub.belfry("explain", "--event", story["event"]["id"], "--org", "globex").returncode == 1
    for wrong in [[str(file), "--source", "crm"], [str(file), "--org", "acme"],
                  ["--event", story["event"]["id"], "--format", "yaml"]]:
        done = hub.belfry("explain", *wrong)
        assert done.returncode == 2 and "usage: belfry explain" in done.stderr


def test_the_command_without_an_org_where_any_is_admitted(new_hub):
    config = base()
    config["orgs"] = {"*": {}}
    hub = new_hub(config).start()
    hub.send(case("ann"), org="unnamed")
    event = hub.events(org="unnamed")[0]["id"]
    done = hub.belfry("explain", "--event", event)
    assert done.returncode != 0 and done.stdout == "" and "give --org" in done.stderr
    done = hub.belfry("explain", "--event", event, "--org", "unnamed")
    assert done.returncode == 0 and "org=unnamed" in done.stdout


def test_send_from_the_command_line(hub):
    done = hub.belfry("send", "crm", "record.created", "--org", "acme", "record.object=Lead", "record.id=L-7", "record.url=https://crm.example/7",
                                           "record.owner=bob", "record.created_by=carl", "record.fields.name=From the shell",
                      "record.fields.amount=5")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"][0]["status"] == "accepted"
    assert any("From the shell" in title for title in hub.titles("bob"))
    done = hub.belfry("send", "crm", "record.created", "--org", "acme", "record.object=Lead")
    assert done.returncode == 1 and "/data/record/id" in done.stderr
    done = hub.belfry("send", "nothing", "record.created", "--org", "acme")
    assert done.returncode == 1


def test_a_stored_story_says_who_does_not_see_it(new_hub):
    """Of whom the directory gives no role that the category asks for: in YAML, over the API, and nowhere at all."""
    hub = new_hub().start()
    for name, roles in [("dora", ["sales-manager"]), ("erik", ["other"])]:
        answer = hub.request("PUT", f"/v1/acme/users/{name}", people.token("users"), json={"roles": roles})
        assert answer.status_code == 200
    for name, sees in [("ann", True), ("bob", False), ("dora", True), ("erik", False), ("nobody", False)]:
        for kind in ["secret", "calm"]:
            hub.send(case(name, kind, "Told"))
            story = hub.story(hub.events()[0]["id"])
            assert [(r["recipient"], r["may_see"]) for r in story["recipients"]] == [(name, sees or kind == "calm")]

# SPDX-License-Identifier: Apache-2.0
"""Rules decide how: delayed deliveries, `unless`, `to`, `stop`, `unmatched`, and what is recorded of each decision."""
import pytest

from support.config import base, with_hooks
from support.events import case, created, deleted, record_of, updated
from support.wait import until

ESCALATE = {"name": "escalate-hot-leads", "when": {"type": "record.assigned", "data.record.fields.rating": "hot"},
            "deliver": [{"via": "inbox", "to": ["role:sales-manager"], "after": "15m", "unless": ["seen"]}]}


def with_rules(*rules):
    config = base()
    config["rules"] += rules
    return config


def hot(owner="bob", name="Hot one", **more):
    return created(owner=owner, created_by="carl", fields={"rating": "hot", "name": name}, **more)


def story_of(hub, who="bob"):
    """The story of the newest event that this person was told."""
    subject = hub.items(who)[0]["subject"]
    return hub.story(hub.events(f"?subject={subject}&type=record.assigned")[0]["id"])


def outcomes(story, channel="inbox"):
    return sorted((r["recipient"], d["outcome"]) for r in story["recipients"] for d in r["deliveries"]
                  if d["channel"] == channel)


# --- escalate-hot-leads: 15 minutes, unless seen -------------------------------------------------------------------

@pytest.fixture
def hub(new_hub):
    return new_hub(with_rules(ESCALATE), clock=True).start()


def managers(hub):
    return len(hub.titles("ann")), len(hub.titles("mona"))


def test_an_unseen_hot_lead_is_escalated_after_fifteen_minutes(hub):
    hub.send(hot())
    assert managers(hub) == (0, 0)
    hub.clock.advance("14m")
    assert managers(hub) == (0, 0)
    hub.clock.advance("59s")
    assert managers(hub) == (0, 0)
    hub.clock.advance("1s")
    assert managers(hub) == (1, 1)
    item = hub.items("ann")[0]
    assert "Hot one" in item["title"] and item["unread"]
    assert item["reason"], "why she got this"
    hub.clock.advance("1d")
    assert managers(hub) == (1, 1), "told once"


def test_a_seen_hot_lead_is_not_escalated(hub):
    hub.send(hot())
    hub.clock.advance("14m")
    hub.seen("bob", hub.items("bob")[0]["id"])
    hub.clock.advance("1h")
    assert managers(hub) == (0, 0)
    assert ("ann", "viewed") in outcomes(story_of(hub)) and ("mona", "viewed") in outcomes(story_of(hub))


@pytest.mark.parametrize("mark", ["read", "hide", "link"])
def test_read_and_hide_are_seen_too(hub, mark):
    hub.send(hot())
    item = hub.items("bob")[0]
    if mark == "link":
        assert hub.get(item["href"], hub.person("bob")).status_code == 303
    else:
        hub.mark("bob", item["id"], mark)
    hub.clock.advance("20m")
    assert managers(hub) == (0, 0)


def test_a_cold_lead_is_not_escalated(hub):
    hub.send(created(owner="bob", fields={"rating": "cold"}))
    hub.clock.advance("1h")
    assert managers(hub) == (0, 0)


def test_seen_at_the_last_millisecond_wins(hub):
    """A seen that is committed before the claim always wins, however close."""
    for i in range(10):
        hub.send(hot(name=f"Race {i}"))
        hub.clock.advance("899999ms")
        hub.seen("bob", hub.items("bob")[0]["id"])
        hub.clock.advance("1ms")
    assert managers(hub) == (0, 0)


def test_seen_after_the_claim_is_too_late(hub):
    hub.send(hot())
    hub.clock.advance("15m")
    hub.seen("bob", hub.items("bob")[0]["id"])
    assert managers(hub) == (1, 1)


def test_seen_and_the_timer_at_the_same_time(hub):
    """Raced from two threads: either the managers are told, or the story says viewed. Never both, never neither."""
    import threading
    for i in range(10):
        hub.send(hot(name=f"Both {i}"))
        id = hub.items("bob")[0]["id"]
        before = managers(hub)
        hub.clock.advance("899990ms")
        thread = threading.Thread(target=hub.seen, args=("bob", id))
        thread.start()
        hub.clock.advance("20ms")
        thread.join()
        told = managers(hub)[0] - before[0]
        result = dict(outcomes(story_of(hub)))
        assert result["ann"] == ("delivered" if told else "viewed"), (told, result)
        assert result["ann"] == result["mona"]


def test_what_was_withdrawn_is_not_escalated(hub):
    event = hot()
    hub.send(event)
    hub.send(updated(record_of(event), owner="carl", changed_by="carl"))
    hub.clock.advance("1h")
    assert managers(hub) == (0, 0)


def test_a_lead_that_is_deleted_is_not_escalated(hub):
    event = hot()
    hub.send(event)
    hub.clock.advance("14m")
    hub.send(deleted(record_of(event)))
    hub.clock.advance("1h")
    assert managers(hub) == (0, 0)
    assert hub.items("bob")[0]["validity"] == "withdrawn"


def test_a_lead_that_is_handed_over_has_its_quarter_of_an_hour_from_then(hub):
    """The hand-over says nothing of the rating: the source remembers what the hub's rules read."""
    event = hot()
    hub.send(event)
    hub.clock.advance("14m")
    hub.send(updated(record_of(event), owner="carl", changed_by="bob"))
    hub.clock.advance("899s")
    assert managers(hub) == (0, 0)
    hub.clock.advance("1s")
    assert managers(hub) == (1, 1)
    hub.clock.advance("1d")
    assert managers(hub) == (1, 1)


def test_the_new_owner_looks_the_old_one_looked_too(hub):
    event = hot()
    hub.send(event)
    hub.seen("bob", hub.items("bob")[0]["id"])
    hub.send(updated(record_of(event), owner="carl", changed_by="bob"))
    hub.clock.advance("899s")
    hub.seen("carl", hub.items("carl")[0]["id"])
    hub.clock.advance("1h")
    assert managers(hub) == (0, 0)


def test_a_manager_who_owns_the_lead_is_not_told_twice(hub):
    hub.send(hot(owner="ann"))
    assert managers(hub) == (1, 0)
    hub.clock.advance("15m")
    assert managers(hub) == (1, 1), "Mona is told; Ann has her row already"


def test_a_rule_that_comes_with_a_reload_reads_what_was_said_since(new_hub):
    config = base()
    hub = new_hub(config, clock=True).start()
    early = hot(name="Early")
    hub.send(early)
    config["rules"].append(ESCALATE)
    hub.write_config(config)
    assert hub.reload().status_code == 200
    late = hot(name="Late")
    hub.send(late)
    for event in [early, late]:
        hub.send(updated(record_of(event), owner="carl", changed_by="bob"))
    hub.clock.advance("15m")
    assert hub.titles("mona") == ["Late"]


def test_the_escalation_survives_a_restart(hub):
    hub.send(hot())
    hub.clock.advance("10m")
    hub.kill()
    hub.start()
    assert managers(hub) == (0, 0)
    hub.clock.advance("6m")
    assert until(lambda: managers(hub) == (1, 1))


def test_an_escalation_that_came_due_while_the_hub_was_down(hub):
    hub.send(hot())
    hub.kill()
    hub.clock.ms += 3_600_000
    hub.start()
    assert until(lambda: managers(hub) == (1, 1))


# --- candidates: two rules on one channel ------------------------------------------------------------------------------

def test_the_first_candidate_that_passes_is_sent_and_the_rest_are_duplicates(new_hub):
    soon = {"name": "soon", "when": {"type": "record.assigned"},
            "deliver": [{"via": "inbox", "to": ["mona"], "after": "10m", "unless": ["seen"]}]}
    late = {"name": "late", "when": {"type": "record.assigned"},
            "deliver": [{"via": "inbox", "to": ["mona"], "after": "20m", "unless": ["handled"]}]}
    hub = new_hub(with_rules(late, soon), clock=True).start()

    def outcomes_by_rule():
        story = hub.story(hub.events("?type=record.assigned")[0]["id"])
        mona, = [r for r in story["recipients"] if r["recipient"] == "mona"]
        return {d["rule"]: (d["outcome"], d["reason"]) for d in mona["deliveries"]}

    hub.send(created(owner="bob"))
    hub.clock.advance("21m")
    assert len(hub.titles("mona")) == 1
    assert outcomes_by_rule() == {"soon": ("delivered", None), "late": ("duplicate", "it is in the inbox already")}
    hub.send(created(owner="bob"))
    hub.seen("bob", hub.items("bob")[0]["id"])
    hub.clock.advance("11m")
    assert outcomes_by_rule()["soon"] == ("viewed", "unless: seen") and len(hub.titles("mona")) == 1
    hub.clock.advance("10m")
    assert outcomes_by_rule()["late"] == ("delivered", None), "one that is suppressed leaves later ones alive"
    assert len(hub.titles("mona")) == 2


def test_of_people_brought_in_the_audience_is_asked_and_one_yes_is_enough(new_hub):
    config = base()
    config["sources"]["crm"]["rules"] = [{"name": "team", "notify": {"to": ["bob", "carl-2", "mona"]}}]
    config["rules"].append({"name": "escalate", "when": {"type": "workflow.team"},
                            "deliver": [{"via": "inbox", "to": ["ann", "audience"], "after": "15m", "unless": ["read"]}]})
    hub = new_hub(config, clock=True).start()
    for seen, told in [("seen", 1), ("read", 0)]:
        hub.send(created("Deal", owner="x", created_by="x"))
        before = len(hub.titles("ann"))
        item = hub.items("carl-2")[0]["id"]
        if seen == "seen":
            hub.seen("carl-2", item)
        else:
            hub.mark("carl-2", item, "read")
        hub.seen("ann", *[i["id"] for i in hub.items("ann")])
        hub.clock.advance("16m")
        assert len(hub.titles("ann")) - before == told, seen


def test_outside_addresses_have_no_inbox(new_hub):
    config = base()
    config["rules"] = [{"name": "mail-only", "when": {}, "deliver": [{"via": "inbox", "to": ["email:x@example.org"]}]}]
    hub = new_hub(config).start()
    hub.send(created(owner="bob"))
    story = hub.story(hub.events()[0]["id"])
    decision, = story["deliveries"]
    assert (decision["outcome"], decision["reason"]) == ("no_recipient", "outside addresses have no inbox, only mail")
    assert hub.titles("bob") == [], "the rule says who is told"


# --- texts ---------------------------------------------------------------------------------------------------------

ENDLESS = "{{#fields.n}}{{#fields.n}}x{{/fields.n}}{{/fields.n}}"


@pytest.mark.parametrize("title,name,seen,note", [
    ("{{fields.name}}", "Fine", "Fine", None),
    (ENDLESS, "x", None, "the template of the title failed"),
    ("{{fields.name}}", " \u2028\u202e\t ", None, "the title had no text"),
    ("{{fields.none}}", "x", None, "the title had no text"),
    ("a\u2029\u0085\u009fb\u202ec{{fields.name}}", "\u0001\n\r\u007f<b>", "a bc <b>", None),
    ("{{fields.name}}", "\u00e4" * 300, "\u00e4" * 300, None),
    ("{{fields.name}}", "\u00e4" * 301, "\u00e4" * 299 + "\u2026", None),
])
def test_a_title_is_one_clean_line_and_never_nothing(new_hub, title, name, seen, note):
    config = base()
    config["sources"]["crm"]["rules"] = [{"name": "t", "notify": {"to": ["mona"], "title": title}}]
    hub = new_hub(config).start()
    hub.send(created("Thing", owner="carl", created_by="carl", id="7", fields={"name": name, "n": [1] * 400}))
    assert hub.items("mona")[0]["title"] == (seen or "workflow.t: record/Thing/7")
    assert hub.story(hub.events()[0]["id"])["event"]["note"] == note


# --- the rest of a rule ----------------------------------------------------------------------------------------------

def test_unmatched_is_never_dropped(new_hub):
    config = base()
    config["rules"] = [{"name": "nothing", "when": {"type": "no.such.type.here"}, "deliver": ["inbox"]}]
    hub = new_hub(config).start()
    hub.send(created(owner="bob"))
    assert len(hub.titles("bob")) == 1
    assert [r["name"] for r in story_of(hub)["rules"] if r["matched"]] == ["unmatched"]


def test_deliver_to_nobody_on_purpose_is_recorded(new_hub):
    config = base()
    config["rules"] = [{"name": "drop-leads", "when": {"type": "record.assigned"}, "deliver": []}]
    hub = new_hub(config).start()
    hub.send(created(owner="bob"))
    event, = hub.events("?type=record.assigned")
    text = hub.get(f"/v1/acme/events/{event['id']}", {"Authorization": "Bearer token-of-everything-else"}).text
    assert "dropped_by_rule" in text and "drop-leads" in text


def test_every_matching_rule_fires_once_for_each_recipient(new_hub):
    hub = new_hub(with_rules({"name": "again", "when": {}, "deliver": ["inbox"]},
                             {"name": "and-again", "when": {}, "deliver": [{"via": "inbox", "to": ["bob", "carl-2"]}]})
                  ).start()
    hub.send(created(owner="bob"))
    assert len(hub.titles("bob")) == 1, "one event for one recipient is one row"
    assert len(hub.titles("carl-2")) == 1


def test_stop_ends_the_list(new_hub):
    config = base()
    config["rules"] = [
        {"name": "only-mona", "when": {"data.record.fields.rating": "hot"}, "stop": True,
         "deliver": [{"via": "inbox", "to": ["mona"]}]},
        {"name": "all", "when": {}, "deliver": [{"via": "inbox", "to": ["ann"]}]}]
    hub = new_hub(config).start()
    hub.send(hot())
    hub.send(created(owner="bob", created_by="carl", fields={"rating": "cold"}))
    assert len(hub.titles("mona")) == 1 and len(hub.titles("ann")) == 1


def test_the_actor_is_left_out_of_to_as_well(new_hub):
    config = base()
    config["rules"] = [{"name": "all", "when": {}, "deliver": [{"via": "inbox", "to": ["carl", "mona"]}]}]
    hub = new_hub(config).start()
    hub.send(created(owner="bob", created_by="carl"))
    assert hub.titles("carl") == [] and len(hub.titles("mona")) == 1


def test_rules_for_one_org(new_hub):
    config = base()
    config["rules"].append({"name": "globex-only", "orgs": ["globex"], "when": {},
                            "deliver": [{"via": "inbox", "to": ["watcher"]}]})
    hub = new_hub(config).start()
    hub.send(created(owner="bob"))
    hub.send(created(owner="bob"), org="globex")
    assert hub.titles("watcher") == [] and len(hub.titles("watcher", org="globex")) == 1


def test_quiet_hours_hold_a_delivery_until_they_end(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint())
    config["schedules"] = {"night": {"from": "22:00", "to": "07:00"}}
    config["rules"][-1]["schedule"] = "night"
    hub = new_hub(config, clock=True).start()
    day = 86_400_000
    hub.clock.set((hub.clock.ms // day + 1) * day + 22 * 3_600_000)  # 22:00 UTC is night in Berlin, all the year
    hub.send(created(owner="bob", created_by="carl"))
    assert len(hub.titles("bob")) == 1, "the inbox disturbs nobody"
    until(lambda: hub.deliveries("?state=held_quiet_hours"))
    hub.clock.advance("5h")
    assert receiver.deliveries == []
    hub.send(case("bob", "worst", "Fire"))
    assert receiver.wait(1)[0].title() == "Fire", "critical passes"
    hub.clock.advance("5h")
    receiver.wait(2)

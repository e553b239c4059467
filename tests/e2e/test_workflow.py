# SPDX-License-Identifier: Apache-2.0
"""C1 and C2 of the mission, through the running hub.

C1: new record: its owner is told unless they made it; change of owner.
C2: a workflow rule's Notification action tells the recipients configured in the rule.
"""
import pytest

from support.config import base
from support.events import created, deleted, record_of, updated
from support.wait import until

RULES = [
    {"name": "big-deal", "on": "both", "fire": "on_entering",
     "when": {"object": "Opportunity", "fields.amount": {"gte": 100000}},
     "notify": {"to": ["owner", "role:sales-manager"], "title": "Big deal: {{fields.name}}", "severity": "success"}},
    {"name": "any-update", "on": "update", "fire": "every_time", "when": {"object": "Ticket"},
     "notify": {"to": ["field:watcher", "created_by"], "title": "Ticket {{id}} changed",
                "body": "Now {{fields.state}}"}},
    {"name": "new-only", "on": "create", "when": {"object": "Contract"},
     "notify": {"to": ["carl", "user:bob"], "title": "Contract {{fields.name}}", "category": "trouble",
                "severity": "critical"}},
    {"name": "left-alone", "on": "both", "fire": "on_entering", "after": "3d",
     "when": {"object": "Opportunity", "fields.stage": "stuck"},
     "notify": {"to": ["owner"], "title": "Stuck for three days: {{fields.name}}"}},
]


@pytest.fixture
def hub(new_hub):
    config = base()
    config["sources"]["crm"]["rules"] = RULES
    return new_hub(config, clock=True).start()


# --- C1 --------------------------------------------------------------------------------------------------------------

def test_c1_the_owner_of_a_new_record_is_told(hub):
    hub.send(created(owner="ann", created_by="carl", fields={"name": "Acme Ltd"}))
    item = hub.items("ann")[0]
    assert item["type"] == "record.assigned" and "Acme Ltd" in item["title"]
    assert item["actor"] == "carl" and item["unread"]
    assert hub.titles("carl") == [] and hub.titles("bob") == []


def test_c1_unless_they_made_it(hub):
    hub.send(created(owner="ann", created_by="ann", fields={"name": "Mine"}))
    assert hub.titles("ann") == []


def test_c1_a_new_owner_is_told_and_the_old_ones_row_is_withdrawn(hub):
    event = created(owner="ann", created_by="carl", fields={"name": "Deal"})
    hub.send(event)
    hub.send(updated(record_of(event), changed_by="carl", owner="bob"))
    assert hub.items("bob")[0]["unread"]
    old = hub.items("ann")[0]
    assert old["validity"] == "withdrawn" and not old["unread"]
    assert hub.unread("ann") == 0 and hub.unread("bob") == 1


def test_c1_unless_the_changer_is_the_new_owner(hub):
    event = created(owner="ann", created_by="carl", fields={"name": "Taken"})
    hub.send(event)
    hub.send(updated(record_of(event), changed_by="bob", owner="bob"))
    assert hub.titles("bob") == []
    assert hub.items("ann")[0]["validity"] == "withdrawn"


def test_c1_an_update_without_a_new_owner_tells_nobody(hub):
    event = created(owner="ann", created_by="carl", fields={"name": "Quiet"})
    hub.send(event)
    hub.send(updated(record_of(event), fields={"name": "Quiet again"}))
    hub.send(updated(record_of(event), owner="ann"))
    assert len(hub.titles("ann")) == 1


def test_c1_a_deleted_record_withdraws_its_rows(hub):
    event = created(owner="ann", fields={"name": "Gone"})
    hub.send(event)
    hub.send(deleted(record_of(event)))
    assert hub.items("ann")[0]["validity"] == "withdrawn"
    assert hub.send(deleted(record_of(created())))[0]["events"] == 0, "an unknown one does nothing"


def test_c1_created_again_is_an_update(hub):
    event = created(owner="ann", created_by="carl", id="same", fields={"name": "Again"})
    hub.send(event)
    hub.send(created(owner="ann", created_by="bob", id="same", fields={"name": "Again"}))
    assert len(hub.titles("ann")) == 1
    hub.send(created(owner="bob", created_by="carl", id="same"))
    assert len(hub.titles("bob")) == 1


def test_c1_the_first_sight_of_an_updated_record(hub):
    first = record_of(created())
    hub.send(updated(first, owner="ann", fields={"name": "Seen first now"}))
    assert hub.titles("ann") == [], "no record.assigned unless before.owner differs"
    second = record_of(created())
    hub.send(updated(second, owner="ann", before={"owner": "bob"}, fields={"name": "Was of bob"}))
    assert len(hub.titles("ann")) == 1


def test_c1_the_title_falls_back_to_object_and_id(hub):
    event = created(owner="ann", id="4711")
    hub.send(event)
    title = hub.titles("ann")[0]
    assert "Lead" in title and "4711" in title


# --- C2 --------------------------------------------------------------------------------------------------------------

def deal(amount, owner="bob", name="Huge", **more):
    return created("Opportunity", owner=owner, created_by=owner, fields={"name": name, "amount": amount}, **more)


def big(hub, who):
    return [i["title"] for i in hub.items(who, type="workflow.big-deal")]


def test_c2_the_rules_recipients_are_told(hub):
    hub.send(created("Opportunity", owner="bob", created_by="carl", fields={"name": "Huge", "amount": 250000}))
    assert big(hub, "bob") == big(hub, "ann") == big(hub, "mona") == ["Big deal: Huge"]
    item = hub.items("ann", type="workflow.big-deal")[0]
    assert (item["severity"], item["category"]) == ("success", "workflow")
    assert big(hub, "carl") == []


def test_c2_minus_the_actor(hub):
    hub.send(deal(250000, owner="ann"))
    assert big(hub, "ann") == [] and big(hub, "mona") == ["Big deal: Huge"]


def test_c2_criteria(hub):
    hub.send(deal(99999))
    hub.send(created("Lead", owner="bob", created_by="carl", fields={"amount": 10**9}))
    hub.send(deal("250000", id="text"))
    assert big(hub, "ann") == [], "a string is not greater than a number"
    hub.send(deal(100000))
    assert len(big(hub, "ann")) == 1


def test_c2_on_entering_fires_when_the_record_starts_to_meet_the_criteria(hub):
    event = deal(5000)
    hub.send(event)
    record = record_of(event)

    def set_amount(amount):
        hub.send(updated(record, changed_by="carl", fields={"amount": amount}))
        return len(big(hub, "mona"))

    assert set_amount(150000) == 1, "entered"
    assert set_amount(160000) == 1, "still in"
    assert set_amount(10) == 1, "left"
    assert set_amount(150000) == 2, "entered again"
    hub.send(updated(record, changed_by="carl", fields={"name": "Renamed"}))
    assert len(big(hub, "mona")) == 2, "a patch leaves the amount as it was"
    hub.send(updated(record, changed_by="carl", fields={"amount": None}))
    assert set_amount(200000) == 3, "null removed it"


def test_c2_every_time_and_a_field_as_recipient(hub):
    event = created("Ticket", owner="ann", created_by="ann", fields={"watcher": "mona", "state": "open"})
    hub.send(event)
    assert hub.items("mona") == [], "on update only"
    for state in ["open", "closed"]:
        hub.send(updated(record_of(event), changed_by="bob", fields={"state": state}))
    rows = hub.items("mona")
    assert len(rows) == 2 and rows[0]["body"] == "Now closed"
    assert len(hub.items("ann", type="workflow.any-update")) == 2, "created_by"


def test_c2_on_create_and_named_people(hub):
    event = created("Contract", owner="ann", created_by="ann", fields={"name": "C-1"})
    hub.send(event)
    hub.send(updated(record_of(event), changed_by="ann", fields={"name": "C-2"}))
    for who in ["carl", "bob"]:
        item, = hub.items(who)
        assert (item["title"], item["category"], item["severity"]) == ("Contract C-1", "trouble", "critical")


def test_names_that_are_none(hub):
    """A name in another normalization would be another person: refused where it is said, nobody where a field has it."""
    refused = hub.post_trigger(created(owner="rene\u0301", created_by="e\u0301va"))
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/data/record/owner", "/data/record/created_by"]
    event = created("Ticket", owner="ann", created_by="ann", fields={"watcher": "rene\u0301", "state": "open"})
    hub.send(event)
    assert hub.send(updated(record_of(event), changed_by="bob", fields={"state": "closed"}))[0]["events"] == 1
    assert len(hub.items("ann", type="workflow.any-update")) == 1
    hub.send(updated(record_of(event), changed_by="bob", fields={"watcher": "ren\u00e9"}))
    assert len(hub.items("ren\u00e9")) == 1


def stuck(hub, who="bob"):
    return [i["title"] for i in hub.items(who, type="workflow.left-alone")]


def test_c2_after_is_a_durable_timer(hub):
    event = created("Opportunity", owner="bob", created_by="carl", fields={"name": "Slow", "stage": "stuck"})
    hub.send(event)
    hub.clock.advance("71h")
    assert stuck(hub) == []
    hub.restart()
    hub.clock.advance("2h")
    assert until(lambda: stuck(hub)) == ["Stuck for three days: Slow"]


def test_c2_after_is_cancelled_when_the_record_stops_meeting_them(hub):
    event = created("Opportunity", owner="bob", created_by="carl", fields={"name": "Saved", "stage": "stuck"})
    hub.send(event)
    hub.clock.advance("2d")
    hub.send(updated(record_of(event), changed_by="carl", fields={"stage": "moving"}))
    hub.clock.advance("5d")
    assert stuck(hub) == []
    hub.send(updated(record_of(event), changed_by="carl", fields={"stage": "stuck"}))
    hub.clock.advance("2d")
    assert stuck(hub) == []
    hub.clock.advance("25h")
    assert stuck(hub) == ["Stuck for three days: Saved"]


def test_an_importer_is_no_person_and_a_token_may_name_anybody(hub):
    hub.send(created(owner="ann", created_by="etl-job-7", fields={"name": "Imported"}))
    assert hub.items("ann")[0]["actor"] == "etl-job-7"

# SPDX-License-Identifier: Apache-2.0
"""C3 of the mission, through the running hub.

C3: approval submitted: the current step's approvers; approved / rejected: the submitter; nobody else.
"""
import datetime
import itertools
import json
import subprocess
import threading
from functools import partial

import pytest
import requests

from support import people
from support.config import base, with_hooks
from support.events import cloud_event
from support.paths import BIN, PATIENCE
from support.stream import Stream
from support.wait import until

_number = itertools.count(1)


def submitted(*steps, submitter="carl", id=None, **more):
    """steps: (approvers, needs)"""
    approval = {"id": id or f"A-{next(_number)}", "title": "New printer", "url": "https://erp.example/a",
                "submitter": submitter,
                "steps": [{"name": f"Step {i + 1}", "approvers": approvers, "needs": needs}
                          for i, (approvers, needs) in enumerate(steps)], **more}
    return cloud_event("approval.submitted", {"approval": approval})


def id_of(event):
    return event["data"]["approval"]["id"]


def decided(id, by, decision="approved", **more):
    return cloud_event("approval.decided", {"approval": {"id": id}, "by": by, "decision": decision, **more})


def reassigned(id, from_, to, by="root"):
    return cloud_event("approval.reassigned", {"approval": {"id": id}, "from": from_, "to": to, "by": by})


def recalled(id, by="carl"):
    return cloud_event("approval.recalled", {"approval": {"id": id}, "by": by})


def configured(**options):
    config = base()
    config["sources"]["deals"] = {"plugin": "approval", **options}
    return config


@pytest.fixture
def hub(new_hub):
    return new_hub(configured(), clock=True).start()


def send(hub, event):
    return hub.send(event, source="deals")


def submit(hub, *steps, **more):
    event = submitted(*steps, **more)
    send(hub, event)
    return id_of(event)


def refused(hub, event, status=409):
    response = hub.post_trigger(event, source="deals")
    assert response.status_code == status, f"{response.status_code} {response.text}"
    return response.json()


def open_rows(hub, who, id):
    """Rows that ask for a decision still."""
    return [i for i in hub.items(who) if i["subject"] == f"approval/{id}" and i["actions"]]


def types(hub, who):
    return [i["type"] for i in hub.items(who)]


def act(hub, who, item, action="approve", **body):
    return hub.post(f"/v1/acme/notifications/{item['id']}/actions/{action}", hub.person(who), json=body)


# --- who is told -----------------------------------------------------------------------------------------------------

def test_c3_the_current_steps_approvers_are_asked_and_nobody_else(hub):
    id = submit(hub, (["bob", "role:sales-manager"], "any"), (["root"], "any"))
    for who in ["bob", "ann", "mona"]:
        item, = open_rows(hub, who, id)
        assert (item["type"], item["title"], item["severity"]) == ("approval.requested", "Approve: New printer", "warning")
        assert [a["id"] for a in item["actions"]] == ["approve", "reject"] and item["unread"]
    assert hub.items("root") == hub.items("carl") == []
    send(hub, decided(id, "mona"))
    assert len(open_rows(hub, "root", id)) == 1 and open_rows(hub, "bob", id) == []


def test_c3_approved_tells_the_submitter(hub):
    id = submit(hub, (["ann"], "any"), (["bob", "mona"], "all"))
    for who in ["ann", "bob"]:
        send(hub, decided(id, who))
        assert hub.items("carl") == []
    send(hub, decided(id, "mona", comment="Fine with me"))
    item, = hub.items("carl")
    assert (item["type"], item["severity"], item["title"]) == ("approval.approved", "success", "Approved: New printer")
    assert item["body"] == "By mona: Fine with me"
    assert types(hub, "ann") == types(hub, "bob") == ["approval.requested"] and hub.items("root") == []


def test_c3_rejected_tells_the_submitter_and_says_why(hub):
    id = submit(hub, (["ann", "bob"], "all"), (["mona"], "any"))
    send(hub, decided(id, "ann"))
    send(hub, decided(id, "bob", "rejected", comment="Too dear"))
    item, = hub.items("carl")
    assert (item["type"], item["severity"]) == ("approval.rejected", "warning")
    assert item["body"] == "By bob, in Step 1, step 1 of 2: Too dear"
    assert hub.items("mona") == [] and open_rows(hub, "ann", id) == []


def test_the_event_carries_the_approval_as_it_was_submitted(new_hub, receiver):
    hub = new_hub(with_hooks(configured(), receiver.endpoint())).start()
    id = submit(hub, (["ann"], "any"), amount=99.99, lines=[{"what": "printer"}])
    send(hub, decided(id, "ann"))
    bodies = {body["type"]: body["data"]["object"] for body in (d.json() for d in receiver.wait(2))}
    assert bodies["approval.requested"]["approval"] == bodies["approval.approved"]["approval"]
    data = bodies["approval.approved"]
    assert data["approval"]["amount"] == 99.99 and data["approval"]["lines"] == [{"what": "printer"}]
    assert data["step"] == {"index": 1, "of": 1, "name": "Step 1"}
    assert data["by"] == "ann" and [a["by"] for a in data["approvals"]] == ["ann"]


# --- the first to act closes the step ---------------------------------------------------------------------------------

def test_who_acts_first_closes_the_step_for_the_others(hub):
    id = submit(hub, (["ann", "bob"], "any"))
    assert hub.unread("bob") == 1
    assert act(hub, "ann", open_rows(hub, "ann", id)[0], comment="Fine").status_code == 200
    for who in ["ann", "bob"]:
        row, = hub.items(who)
        assert row["handled_by"] == "ann" and not row["unread"] and row["actions"] == []
        assert hub.unread(who) == 0
    assert hub.items("carl")[0]["body"] == "By ann: Fine"


def test_the_other_approver_sees_it_live(hub):
    id = submit(hub, (["ann", "bob"], "any"))
    stream = Stream(hub, hub.person("bob"))
    try:
        assert '"unread":1' in stream.next()["data"]
        send(hub, decided(id, "ann"))
        hint = stream.next()
        assert hint["event"] == "rev" and '"unread":0' in hint["data"]
    finally:
        stream.close()


def test_pending_mail_of_the_others_is_cancelled(new_hub):
    config = configured()
    config["channels"]["mail"] = {"plugin": "echo_delivery"}
    config["rules"].append({"name": "mail", "when": {"category": "approval"},
                            "deliver": [{"via": "mail", "after": "5m", "unless": ["read"]}]})
    hub = new_hub(config, clock=True).start()
    first, second = submit(hub, (["ann", "bob"], "any")), submit(hub, (["bob"], "any"))
    send(hub, decided(first, "ann"))
    events = {event["subject"]: event["id"] for event in hub.events("?type=approval.requested")}
    waiting = [d["event"] for d in hub.deliveries("?channel=mail&state=scheduled")]
    assert events[f"approval/{second}"] in waiting
    assert events[f"approval/{first}"] not in waiting, "what was asked of them is not pending any more"
    hub.clock.advance("6m")
    ended = {(d["recipient"], d["event"]): d["state"] for d in hub.deliveries("?channel=mail&limit=200")}
    assert ended[("bob", events[f"approval/{first}"])] == ended[("ann", events[f"approval/{first}"])] == "handled"
    assert ended[("bob", events[f"approval/{second}"])] == "delivered"


# --- two at once ------------------------------------------------------------------------------------------------------

def at_once(calls):
    """Runs all of them from connections of their own at the same moment; what they return."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(i):
        barrier.wait()
        answers[i] = calls[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def one_winner(hub, answers, won, who):
    """Exactly one was taken, and the others hear who and when."""
    winners = [who[i] for i, answer in enumerate(answers) if answer.status_code == won]
    assert len(winners) == 1, [(a.status_code, a.text) for a in answers]
    for answer in answers:
        if answer.status_code != won:
            problem = answer.json()
            assert answer.status_code == 409, answer.text
            assert problem["handled_by"] == winners[0] and problem["handled_at"].endswith("Z")
    return winners[0]


class Caller:
    """The same hub over a connection of its own."""

    def __init__(self, hub):
        self.hub, self.session = hub, requests.Session()
        self.session.trust_env = False

    def post(self, path, headers, body):
        return self.session.post(self.hub.url + path, data=json.dumps(body), timeout=PATIENCE,
                                 headers={"Content-Type": "application/json", **headers})

    def decide(self, event):
        headers = {**people.token("all"), "Content-Type": "application/cloudevents+json"}
        return self.post("/v1/acme/sources/deals/triggers", headers, event)

    def act(self, who, item):
        return self.post(f"/v1/acme/notifications/{item['id']}/actions/approve", self.hub.person(who), {})


def test_many_decisions_at_once_have_one_winner_over_the_api(hub):
    who = [f"p{i}" for i in range(16)]
    for round in range(5):
        id = submit(hub, (who, "any"))
        calls = [partial(Caller(hub).decide, decided(id, name, ["approved", "rejected"][i % 2]))
                 for i, name in enumerate(who)]
        winner = one_winner(hub, at_once(calls), 202, who)
        assert hub.items("carl")[0]["body"].startswith(f"By {winner}")
        assert len(hub.items("carl")) == round + 1


def test_many_decisions_at_once_have_one_winner_in_the_inbox(hub):
    who = [f"p{i}" for i in range(16)]
    for round in range(5):
        id = submit(hub, (who, "any"), (["ann"], "any"))
        calls = [partial(Caller(hub).act, name, open_rows(hub, name, id)[0]) for name in who]
        winner = one_winner(hub, at_once(calls), 200, who)
        assert {hub.items(name)[0]["handled_by"] for name in who} == {winner}
        assert len(open_rows(hub, "ann", id)) == 1


def test_a_late_click_hears_who_was_first(hub):
    id = submit(hub, (["ann", "bob"], "any"))
    row, = open_rows(hub, "bob", id)
    send(hub, decided(id, "ann"))
    answer = act(hub, "bob", row)
    assert answer.status_code == 409 and answer.json()["handled_by"] == "ann" and answer.json()["handled_at"]


def test_a_second_click_of_the_same_person_is_one_decision(hub):
    id = submit(hub, (["ann", "bob"], "all"))
    row, = open_rows(hub, "ann", id)
    assert [act(hub, "ann", row).status_code for _ in range(2)] == [200, 200]
    assert hub.items("carl") == []
    send(hub, decided(id, "bob"))
    assert len(hub.items("carl")) == 1


# --- conflicts ---------------------------------------------------------------------------------------------------------

def test_conflicts_say_who_and_when_and_leave_no_trace(hub):
    id = submit(hub, (["ann", "bob"], "any"))
    assert "handled_by" not in refused(hub, decided(id, "mona"))
    assert "no approval X" in refused(hub, decided("X", "ann"))["detail"]
    send(hub, decided(id, "bob"))
    for event in [decided(id, "ann"), decided(id, "bob", "rejected"), recalled(id), reassigned(id, "ann", "mona"),
                  submitted((["ann", "bob"], "any"), id=id)]:
        problem = refused(hub, event)
        assert problem["handled_by"] == "bob" and problem["handled_at"], problem
    assert send(hub, decided(id, "bob"))[0]["events"] == 0
    assert len(hub.items("carl")) == 1


def test_faults_are_named_all_at_once(hub):
    problem = refused(hub, cloud_event("approval.submitted", {"approval": {"id": "1", "url": "ftp://x", "steps": [
        {"name": "N", "approvers": [], "needs": 0}]}}), 422)
    assert [e["pointer"] for e in problem["errors"]] == [
        "/data/approval/title", "/data/approval/url", "/data/approval/submitter", "/data/approval/steps/0/approvers",
        "/data/approval/steps/0/needs"]


def test_recalled_leaves_every_list_and_may_be_submitted_anew(hub):
    id = submit(hub, (["ann", "bob"], "all"))
    send(hub, recalled(id))
    for who in ["ann", "bob"]:
        row, = hub.items(who)
        assert row["validity"] == "withdrawn" and not row["unread"] and row["actions"] == []
    assert refused(hub, decided(id, "ann"))["handled_by"] == "carl"
    assert hub.items("carl") == []
    submit(hub, (["ann"], "any"), id=id)
    assert len(open_rows(hub, "ann", id)) == 1


def test_a_button_of_an_earlier_round_decides_nothing_in_a_later_one(hub):
    id = submit(hub, (["ann", "bob"], "any"))
    old, = open_rows(hub, "ann", id)
    assert act(hub, "ann", old, "reject").status_code == 200
    handled_at = hub.clock.ms
    hub.clock.advance("1h")
    submit(hub, (["ann", "bob"], "any"), id=id)
    late = act(hub, "ann", old, "approve")
    assert late.status_code == 409 and late.json()["handled_by"] == "ann"
    at = datetime.datetime.fromisoformat(late.json()["handled_at"].replace("Z", "+00:00"))
    assert abs(at.timestamp() * 1000 - handled_at) < 1000, "it was she herself, in the round that is over"
    hub.clock.advance("40d")  # the first click is not remembered any more
    assert act(hub, "ann", old, "reject").status_code == 409
    new, = open_rows(hub, "ann", id)
    assert [i["type"] for i in hub.items("carl")] == ["approval.rejected"]
    assert act(hub, "ann", new, "approve").status_code == 200
    assert types(hub, "carl") == ["approval.approved", "approval.rejected"]


def test_a_vote_of_a_round_that_was_recalled_is_none_in_the_next(hub):
    id = submit(hub, (["ann", "bob"], "all"))
    old, = open_rows(hub, "ann", id)
    assert act(hub, "ann", old).status_code == 200
    send(hub, recalled(id))
    submit(hub, (["ann", "bob"], "any"), id=id)
    assert act(hub, "ann", old, "reject").status_code == 409
    assert act(hub, "ann", old).status_code == 200, "the same click: it was taken, and is not taken again"
    assert hub.items("carl") == [] and len(open_rows(hub, "bob", id)) == 1


def test_a_seat_is_reassigned(hub):
    id = submit(hub, (["ann", "bob"], "all"))
    send(hub, reassigned(id, "ann", "mona"))
    row, = open_rows(hub, "mona", id)
    assert row["reason"] == "reassigned by root" and "Reassigned from ann by root" in row["body"]
    old, = hub.items("ann")
    assert old["validity"] == "withdrawn"
    assert refused(hub, reassigned(id, "ann", "carl"))
    for who in ["mona", "bob"]:
        send(hub, decided(id, who))
    assert types(hub, "carl") == ["approval.approved"]


# --- time --------------------------------------------------------------------------------------------------------------

def test_reminders_and_escalation_outlive_a_restart(new_hub):
    hub = new_hub(configured(remind_after="2d", escalate={"after": "3d", "to": ["root"]}), clock=True).start()
    id = submit(hub, (["ann", "bob"], "all"))
    send(hub, decided(id, "ann"))
    hub.restart()
    hub.clock.advance("49h")
    row, = until(lambda: open_rows(hub, "bob", id))
    assert row["type"] == "approval.reminder" and row["title"] == "Still to approve: New printer"
    assert types(hub, "bob") == ["approval.reminder"], "the reminder takes the place of the request"
    assert types(hub, "ann") == ["approval.requested"]
    hub.clock.advance("1d")
    escalated, = hub.items("root")
    assert escalated["type"] == "approval.escalated" and "waits for bob" in escalated["body"]
    send(hub, decided(id, "bob"))
    assert hub.items("root")[0]["handled_by"] == "bob"
    hub.clock.advance("30d")
    assert types(hub, "bob") == ["approval.reminder"] and len(hub.items("root")) == 1


def test_after_days_without_the_hub_there_is_one_reminder(new_hub):
    hub = new_hub(configured(remind_after="1d"), clock=True).start()
    id = submit(hub, (["ann"], "any"))
    hub.stop()
    hub.clock.ms += 5 * 86_400_000 + 3_600_000  # the next process goes on from there
    hub.start()
    until(lambda: "approval.reminder" in types(hub, "ann"))
    assert len(hub.events("?type=approval.reminder")) == 1
    hub.clock.advance("25h")
    assert len(hub.events("?type=approval.reminder")) == 2 and len(open_rows(hub, "ann", id)) == 1


def day(hub, days):
    return (datetime.datetime.fromtimestamp(hub.now(), datetime.timezone.utc) + datetime.timedelta(days=days)).date()


def test_a_substitute_decides_while_the_period_lasts(new_hub):
    hub = new_hub(configured(), clock=True).start()
    config = configured(substitutes=[{"for": "ann", "by": "mona", "from": day(hub, 2).isoformat(),
                                      "until": day(hub, 3).isoformat()}])
    hub.write_config(config)
    assert hub.reload().status_code == 200
    first, second = submit(hub, (["ann"], "any")), submit(hub, (["ann"], "any"))
    assert hub.items("mona") == [] and refused(hub, decided(first, "mona"))
    hub.clock.advance("60h")
    row, = open_rows(hub, "mona", first)
    assert row["reason"] == "substitute for ann"
    assert act(hub, "mona", row).status_code == 200
    assert hub.items("carl")[0]["body"] == "By mona for ann"
    assert hub.items("ann")[0]["unread"] != hub.items("ann")[1]["unread"], "one of hers is handled by mona"
    hub.clock.advance("3d")
    assert open_rows(hub, "mona", second) == [] and refused(hub, decided(second, "mona"))
    assert len(open_rows(hub, "ann", second)) == 1


@pytest.mark.parametrize("wrong, says", [
    ({"for": "ann", "by": "mona", "from": "2026-01-09", "until": "2026-01-08"}, "`until` lies before `from`"),
    ({"for": "ann", "by": "user:ann"}, "`by` is the same as `for`"),
    ({"for": "ann", "by": "role:sales-manager"}, "`by` must be one person: NAME or user:NAME"),
])
def test_check_names_the_line_of_a_substitute_that_makes_no_sense(new_hub, wrong, says):
    hub = new_hub(configured(substitutes=[{"for": "bob", "by": "ann"}, wrong]))
    hub.write_config()
    key = says.split("`")[1]
    found = subprocess.run([BIN, "check", "--format", "json", str(hub.config_path)], capture_output=True, text=True,
                           env=hub.environment())
    problem, = [d for d in map(json.loads, found.stdout.splitlines()) if d.get("severity") == "error"]
    assert found.returncode == 1 and problem["message"] == says
    assert problem["path"] == f"/sources/deals/substitutes/1/{key}"
    assert f"{key}: " in hub.config_path.read_text().splitlines()[problem["line"] - 1]


def test_a_step_that_nobody_can_decide_is_heard_of(hub):
    assert "nobody has the role legal" in refused(hub, submitted((["role:legal"], "any")), 422)["detail"]
    id = submit(hub, (["ann"], "any"), (["role:legal"], "any"))
    send(hub, decided(id, "ann"))
    row, = hub.items("root")
    assert row["type"] == "approval.escalated" and "nobody has: legal" in row["body"]
    send(hub, reassigned(id, "role:legal", "bob"))
    send(hub, decided(id, "bob"))
    assert types(hub, "carl") == ["approval.approved"]

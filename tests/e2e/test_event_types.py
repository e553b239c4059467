# SPDX-License-Identifier: Apache-2.0
"""The catalogue of events: JSON Schema and example of each type, and that what endpoints get is like them."""
import copy
import datetime
import subprocess

import jsonschema
import pytest

from support import people
from support.config import base, with_hooks
from support.endpoints import Endpoints
from support.events import case, cloud_event, created, updated
from support.paths import BIN, PATIENCE
from support.wait import until

READER = people.token("reader")
RULE = {"name": "deal", "on": "both", "when": {"object": "Deal"}, "notify": {"to": ["owner"], "title": "A deal"}}


def config():
    sections = base()
    sections["sources"]["crm"]["rules"] = [*sections["sources"]["crm"]["rules"], RULE]
    sections["sources"]["deals"] = {"plugin": "approval", "remind_after": "1h", "escalate": {"after": "2h", "to": ["root"]}}
    sections["sources"]["jobs"] = {"plugin": "sync", "stalled_after": "2h"}
    sections["sources"]["billing"] = {"plugin": "invoice", "orgs": ["acme"], "chasers": ["-3d"]}
    return sections


def types(hub, query="", org="acme", headers=READER):
    answer = hub.get(f"/v1/{org}/event-types{query}", headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def fits(item, body):
    validator = jsonschema.Draft202012Validator(item["schema"], format_checker=jsonschema.FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    hub = Hub(tmp_path_factory.mktemp("types"), config())
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


def test_every_type_has_a_schema_and_an_example_that_fits(hub):
    items = types(hub)
    assert len(items) > 25 and {"crm", "erp", "deals", "jobs", "billing", "hub"} == {i["source"] for i in items}
    for item in items:
        jsonschema.Draft202012Validator.check_schema(item["schema"])
        assert item["schema"]["$schema"].endswith("2020-12/schema") and item["doc"] == item["schema"]["description"]
        example = item["example"]
        assert fits(item, example) == [], item["type"]
        assert (example["data"]["source"], example["data"]["org"]) == (item["source"], "acme")
        assert (example["data"]["category"], example["data"]["severity"]) == (item["category"], item["severity"])
        assert example["type"].startswith(item["type"].rstrip("*")) and "*" not in example["type"]
        assert example["data"]["title"] not in ("", example["type"]) and "{{" not in example["data"]["title"]


def test_the_example_is_what_the_contract_says_of_the_type(hub):
    one, = types(hub, "?type=approval.requested")
    assert one["example"]["data"]["subject"] == "approval/42"
    assert one["example"]["data"]["title"] == "Approve: New printer"
    assert one["example"]["data"]["link"] == "https://erp.example.org/42"
    lead = next(i for i in types(hub, "?type=record.assigned") if i["source"] == "crm")
    assert lead["example"]["data"]["subject"] == "record/Lead/00Q-7"


def test_the_schema_has_what_the_table_names(hub):
    for item in types(hub):
        for field in item["fields"]:
            at = item["schema"]["properties"]["data"]["properties"]["object"]
            for name in field["path"].split("."):
                at = at["additionalProperties"] if name == "*" else at["properties"][name]
            assert at["description"] == field["doc"]
            assert name == "*" or at["type"] == [field["type"], "null"], field


def wrong(body, *path, value):
    body = copy.deepcopy(body)
    at = body
    for name in path[:-1]:
        at = at[name]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return body


@pytest.mark.parametrize("path,value", [
    (["type"], "invoice.unpaid"), (["timestamp"], "yesterday"), (["timestamp"], None), (["data", "id"], None),
    (["data", "severity"], "odd"), (["data", "source"], "crm"), (["data", "subject"], 7), (["data", "test"], False),
    (["data", "object"], []), (["data", "object", "invoice"], "inv-7"),
    (["data", "object", "invoice", "amount_minor"], "123450"), (["data", "object", "invoice", "payer", "email"], 7),
], ids=lambda p: ".".join(p) if isinstance(p, list) else str(p))
def test_what_is_not_like_it_does_not_fit(hub, path, value):
    item, = types(hub, "?type=invoice.paid")
    assert fits(item, item["example"]) == []
    assert fits(item, wrong(item["example"], *path, value=value)) != []


def test_a_prefix_stands_for_what_begins_with_it(hub):
    item = next(i for i in types(hub) if (i["source"], i["type"]) == ("crm", "workflow.*"))
    assert item["example"]["type"] == "workflow.example"
    assert fits(item, wrong(item["example"], "type", value="workflow.big-deal")) == []
    assert fits(item, wrong(item["example"], "type", value="workflowXbig")) != []


def test_the_filter(hub):
    names = lambda query: {i["type"] for i in types(hub, query)}  # noqa: E731
    assert names("?type=invoice.paid") == {"invoice.paid"}
    assert names("?type=workflow.big-deal") == {"workflow.*"}
    assert {"invoice.paid", "invoice.disputed"} < names("?type=invoice.*") < names("?type=*") == names("")
    assert all(name.startswith("invoice.") for name in names("?type=invoice.*"))
    assert names("?type=no.such") == set()


def test_each_org_has_its_own_sources(hub):
    assert {i["source"] for i in types(hub, org="globex", headers=people.token("all"))} == \
        {"crm", "erp", "deals", "jobs", "hub"}
    assert hub.get("/v1/globex/event-types", READER).status_code == 404


def test_what_goes_to_no_endpoint_is_marked(hub):
    marks = {i["type"]: i["webhooks"] for i in types(hub)}
    assert marks["sync.blocked"] is False, "CALC_BLOCKED is for sales-manager"
    assert [name for name, mark in marks.items() if not mark] == ["sync.blocked"]


def checked(hub, sections):
    hub.write_config(sections)
    result = subprocess.run([BIN, "check", str(hub.config_path)], capture_output=True, text=True,
                            env=hub.environment(), timeout=PATIENCE)
    assert result.returncode in (0, 1), result.stderr
    return result.stdout + result.stderr


def test_what_rules_may_name_of_the_hub_is_in_it(new_hub):
    """`check` knows the same types as the catalogue: a rule about one that is not there is warned of."""
    sections = config()
    hub = new_hub(sections).start()
    of_hub = [i["type"] for i in types(hub, "?type=hub.*")]
    assert "hub.endpoint_disabled" in of_hub
    sections["rules"].append({"name": "hub", "when": {"type": of_hub}, "deliver": ["inbox"]})
    assert "H308" not in checked(hub, sections)
    sections["rules"][-1]["when"] = {"type": [*of_hub, "hub.endpoint_happy"]}
    said = checked(hub, sections)
    assert "H308" in said and "hub.endpoint_happy" in said


# --- what is really sent ------------------------------------------------------------------------------------------

def send_all(hub):
    """Something of every type that a trigger or the clock brings about."""
    lead = created(owner="ann", fields={"name": "Northwind", "rating": "hot", "amount": 12.5, "tags": ["a"], "none": None})
    hub.send(lead)
    hub.send(updated(lead["data"]["record"], owner="bob", changed_by="root"))
    hub.send(case("ann"))
    hub.send(created("Deal", owner="ann", fields={}))
    approval = lambda id, type, **more: hub.send(  # noqa: E731
        cloud_event(type, {"approval": {"id": id}, **more}), "deals")
    for id in ["1", "2", "3"]:
        hub.send(cloud_event("approval.submitted", {"approval": {
            "id": id, "title": "Printer", "url": "https://erp.example/1", "submitter": "carl", "odd": {"x": [1, None]},
            "steps": [{"name": "One", "approvers": ["ann", "bob"], "needs": "any"}]}}), "deals")
    approval("1", "approval.reassigned", **{"from": "ann", "to": "mona", "by": "root"})
    approval("1", "approval.decided", by="bob", decision="approved", comment="Fine")
    approval("2", "approval.decided", by="bob", decision="rejected")
    run = lambda type, id, **more: hub.send(cloud_event(type, {"run": {"id": id, **more.pop("run", {})}, **more}), "jobs")  # noqa: E731
    for id, kind in [("a", "sync"), ("b", "overview"), ("c", "import"), ("d", "sync")]:
        run("sync.started", id, run={"kind": kind, "admin": "root"})
    hub.send(cloud_event("work.blocked", {"item": {"id": "9", "title": "May", "url": "https://x.example/9"},
                                          "reason": "A gap", "category": "news", "run": "a"}), "jobs")
    hub.clock.advance("5m")
    run("sync.finished", "a", outcome="succeeded", counts={"made": 3, "share": 0.5}, url="/log", log="done")
    run("sync.finished", "b", outcome="partial")
    run("sync.finished", "c", outcome="failed", log="no")
    today = hub.now()
    invoice = lambda type, id, **more: hub.send(  # noqa: E731
        cloud_event(type, {"invoice": {"id": id}, **more}), "billing")
    for id in ["i1", "i2", "i3"]:
        hub.send(cloud_event("invoice.issued", {"invoice": {
            "id": id, "number": id, "owner": "ann", "payer": {"name": "N", "email": "n@northwind.example"},
            "amount_minor": 1000, "currency": "EUR", "due_on": day(today + 10 * 86400), "url": "https://b.example/1"}}), "billing")
    invoice("payment.claimed", "i1", by="n")
    invoice("claim.confirmed", "i1", by="ann")
    invoice("invoice.disputed", "i2", by="n", reason="No")
    invoice("dispute.resolved", "i2", by="ann")
    invoice("payment.received", "i2", amount_minor=1500)
    invoice("payment.received", "i3", amount_minor=400)
    hub.send(cloud_event("booking.disputed", {"booking": {"id": "b", "url": "https://b.example/b", "owner": "ann"},
                                              "by": "n"}), "billing")
    hub.send(cloud_event("shift.cancelled", {
        "shift": {"id": "s", "url": "https://b.example/s", "owner": "ann", "starts_at": stamp(today + 7200)}, "by": "n",
        "cancelled_at": stamp(today), "terms": {"window_hours": 24, "percent": 50, "rate_minor": 18000,
                                                "currency": "EUR"}}), "billing")
    hub.clock.advance("3h")
    hub.clock.advance("8d")


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def day(seconds):
    return stamp(seconds)[:10]


def test_what_endpoints_get_fits_the_schema_of_its_type(new_hub, receiver):
    hub = new_hub(with_hooks(config(), receiver.endpoint()), clock=True).start()
    send_all(hub)
    until(lambda: not hub.deliveries("?channel=hooks&state=scheduled") and not hub.deliveries("?channel=hooks&state=sending"))
    items = types(hub)
    seen = set()
    for body in (delivery.json() for delivery in receiver.at("/local")):
        item = next(i for i in items if i["source"] == body["data"]["source"] and
                    (i["type"] == body["type"] or
                     i["type"].endswith("*") and body["type"].startswith(i["type"][:-1])))
        assert fits(item, body) == [], body
        assert set(item["example"]["data"]) - {"actor"} <= set(body["data"])
        seen.add((item["source"], item["type"]))
    declared = {(i["source"], i["type"]) for i in items if i["source"] not in ("hub", "erp")}
    assert declared - seen == set(), "each type was sent"


def test_a_test_of_each_type_fits_its_schema(new_hub, receiver):
    """So a receiver that validates what comes takes it, and can see that it is one."""
    hub = new_hub(with_hooks(config(), source="crm", endpoints=[])).start()
    api = Endpoints(hub)
    items = {item["type"]: item for item in types(hub, headers=people.token("endpoints"))}
    names = {name.replace("*", "big-deal"): name for name in items}
    for name in names:
        api.do(api.make(receiver.url())["id"], "test", type=name)
    bodies = [delivery.json() for delivery in receiver.wait(len(names))]
    assert {body["type"] for body in bodies} == set(names)
    for body in bodies:
        item = items[names[body["type"]]]
        assert fits(item, body) == [] and body["data"]["test"] is True and body["data"]["source"] == "hub", body
        assert body["data"]["object"] == item["example"]["data"]["object"]

# SPDX-License-Identifier: Apache-2.0
"""What the console reads: the audit, bodies hidden until revealed, endpoints, plugins, categories, types, numbers."""
import json

import pytest

from support import people
from support.config import WEBHOOK_SECRET, base, endpoint, with_hooks
from support.events import case, created
from support.wait import until

ADMIN, READER = people.token("admin"), people.token("reader")
OPERATOR = "token:" + people.TOKENS["operator"]["name"]
NOBODY = "00000000-0000-7000-8000-000000000000"


def get(hub, path, org="acme", headers=READER):
    answer = hub.get(f"/v1/{org}/{path}", headers)
    assert answer.status_code == 200, f"{path} {answer.status_code} {answer.text}"
    return answer.json()


def audit(hub, query="", org="acme"):
    return get(hub, "audit" + query, org, people.token("all"))["items"]


# --- the audit ----------------------------------------------------------------------------------------------------

def test_each_deed_by_hand_is_in_the_audit(new_hub, receiver):
    receiver.answer("/local", 400)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm", schedule=["0s"])).start()
    hub.send(created())
    failed = until(lambda: hub.deliveries("?state=failed"))[0]
    event = hub.events()[0]["id"]
    root = hub.person("root")
    assert hub.post(f"/v1/acme/deliveries/{failed['id']}/retry", ADMIN, json={"reason": "asked by\nBob"}).ok
    until(lambda: len(receiver.at("/local")) == 3 and hub.deliveries("?state=failed"))
    assert hub.post("/v1/acme/deliveries/discard", root, json={"ids": [failed["id"]]}).json()["changed"] == 1
    assert hub.request("PUT", "/v1/acme/users/dora", root, json={"email": "dora@secret.example"}).ok
    assert hub.request("PUT", "/v1/acme/users", ADMIN, json={"items": [{"username": "eve"}]}).ok
    assert hub.request("DELETE", "/v1/acme/users/dora", root).status_code == 204
    assert hub.post(f"/v1/acme/events/{event}/reveal", root, json={"reason": "a complaint"}).ok
    assert hub.post("/v1/admin/login-link", people.token("operator"), json={"org": "acme", "user": "ann"}).ok
    assert hub.reload().ok
    rows = audit(hub)
    assert [(r["who"], r["what"]) for r in reversed(rows)] == [
        ("token:admin-app", "delivery.retry"), ("person:root", "deliveries.discard"), ("person:root", "user.put"),
        ("token:admin-app", "users.put"), ("person:root", "user.delete"), ("person:root", "event.reveal"),
        (OPERATOR, "login-link")]
    detail = {r["what"]: r["detail"] for r in rows}
    assert detail["delivery.retry"] == {"delivery": failed["id"], "channel": "hooks", "was": "failed",
                                        "reason": "asked by Bob"}
    assert detail["event.reveal"] == {"event": event, "reason": "a complaint"}
    assert detail["user.put"] == {"username": "dora"} and detail["users.put"] == {"count": 1, "removed": 0}
    told = json.dumps(rows)
    assert "secret.example" not in told and "ticket" not in told and WEBHOOK_SECRET not in told
    assert audit(hub, org="globex") == []
    everything = hub.get("/v1/admin/audit", people.token("operator")).json()["items"]
    assert (everything[0]["org"], everything[0]["who"], everything[0]["what"], everything[0]["detail"]) == \
        (None, OPERATOR, "reload", {"generation": 2})
    assert [r["org"] for r in everything[1:]] == ["acme"] * 7


def test_a_deed_that_was_refused_is_not_there(new_hub):
    hub = new_hub(base()).start()
    assert hub.post(f"/v1/acme/deliveries/{NOBODY}/retry", ADMIN).status_code == 404
    assert hub.request("DELETE", "/v1/acme/users/nobody", ADMIN).status_code == 404
    assert hub.request("PUT", "/v1/acme/users/dora", ADMIN, json={"email": "no"}).status_code == 422
    assert hub.post(f"/v1/acme/events/{NOBODY}/reveal", ADMIN).status_code == 404
    assert hub.post(f"/v1/acme/events/{NOBODY}/reveal", READER).status_code == 403
    assert hub.post("/v1/acme/deliveries/discard", ADMIN, json={"filter": {}}).json() == {"matched": 0, "changed": 0}
    assert audit(hub) == []


def test_the_audit_by_who_what_and_when(new_hub):
    hub = new_hub(base(), clock=True).start()
    put = lambda name, headers: hub.request("PUT", f"/v1/acme/users/{name}", headers, json={})  # noqa: E731
    for i in range(5):
        assert put(f"u{i}", ADMIN).ok
    hub.clock.advance("1h")
    assert put("late", hub.person("root")).ok
    names = lambda query: [r["detail"]["username"] for r in audit(hub, query)]  # noqa: E731
    assert names("") == ["late", "u4", "u3", "u2", "u1", "u0"]
    assert names("?who=person:root") == ["late"] and names("?what=user.delete") == []
    at = audit(hub)[0]["at"]
    assert names(f"?from={at}") == ["late"] and names(f"?to={at}")[0] == "u4"
    for year in (2248, 2249, 2300, 9999):  # "for ever", beyond what an id can say
        assert names(f"?to={year}-12-31T23:59:59Z")[0] == "late" and names(f"?from={year}-12-31T23:59:59Z") == []
    page = get(hub, "audit?limit=2")
    assert [r["detail"]["username"] for r in page["items"]] == ["late", "u4"]
    page = get(hub, f"audit?limit=10&before={page['next']}")
    assert [r["detail"]["username"] for r in page["items"]] == ["u3", "u2", "u1", "u0"] and page["next"] is None


def test_deed_and_audit_survive_together(new_hub):
    hub = new_hub(base()).start()
    assert hub.request("PUT", "/v1/acme/users/dora", ADMIN, json={"name": "Dora"}).ok
    hub.kill()
    hub.start()
    assert get(hub, "users/dora")["name"] == "Dora"
    assert [r["what"] for r in audit(hub)] == ["user.put"]


# --- bodies -------------------------------------------------------------------------------------------------------

def test_bodies_are_hidden_until_they_are_revealed(new_hub):
    config = base()
    config["rules"].append({"name": "big", "when": {"data.record.fields.note": {"contains": "Initech"}}, "deliver": ["inbox"]})
    config["sources"]["crm"]["rules"][0]["notify"]["body"] = "{{fields.note}}"
    hub = new_hub(config).start()
    trigger = case("ann", "calm", "A title")
    trigger["data"]["record"]["fields"]["note"] = "We buy Initech"
    hub.send(trigger)
    event = hub.events()[0]["id"]
    path = f"/v1/acme/events/{event}"
    assert "Initech" not in hub.get("/v1/acme/events", READER).text, "the list has no bodies"
    hidden = hub.get(path + "?bodies=hidden", READER)
    assert hidden.text.count("Initech") == 1, "what the rule of the configuration says, not what it met"
    assert hidden.json()["event"]["body"] is None and hidden.json()["event"]["data"] is None
    assert hidden.json()["event"]["title"] == "A title"
    text = hub.get(path + "?bodies=hidden", {**READER, "Accept": "text/plain"}).text
    assert "A title" in text and "We buy" not in text
    for body in [{"event": event}, {"event": event, "who": "ann"}]:
        assert "We buy" not in hub.post("/v1/acme/explain", ADMIN, json=body).text, "it writes nothing, so it shows nothing"
    assert audit(hub) == []
    whole = hub.get(path, READER)
    assert whole.json()["event"]["body"] == "We buy Initech" and whole.text.count("Initech") > 2
    assert set(hidden.json()["event"]) == set(whole.json()["event"])
    hub.get(path, {**ADMIN, "Accept": "text/plain"})
    revealed = hub.post(path + "/reveal", ADMIN)
    assert revealed.json()["body"] == "We buy Initech"
    assert revealed.json()["data"]["record"]["fields"]["note"] == "We buy Initech"
    assert [(r["who"], r["what"], r["detail"]) for r in audit(hub)] == [
        (who, "event.reveal", {"event": event}) for who in ("token:admin-app", "token:admin-app", "token:reader")], \
        "whoever was shown what it says, by whatever way"
    stranger = hub.person("ann", "globex", roles=["admin"])
    for other in [hub.post(f"/v1/globex/events/{event}/reveal", stranger), hub.get(f"/v1/globex/events/{event}", stranger)]:
        assert other.status_code == 404 and "Initech" not in other.text
    assert len(audit(hub)) == 3 and audit(hub, org="globex") == []
    own = hub.post("/v1/acme/explain", hub.person("ann"), json={"event": event})
    assert own.json()["event"]["body"] == "We buy Initech" and len(audit(hub)) == 3, "hers, as her inbox shows it"


# --- endpoints ----------------------------------------------------------------------------------------------------

def test_endpoints_and_how_they_do(new_hub, receiver):
    receiver.answer("/good", 200)
    receiver.answer("/gone", 410)
    url = receiver.url("/good") + "?key=s3cret"
    hub = new_hub(with_hooks(base(), endpoint("good", url, types=["record.*"], when={"severity": "info"}),
                             endpoint("gone", receiver.url("/gone")), source="crm"), clock=True).start()
    hub.send(created())
    receiver.wait(2)
    until(lambda: hub.deliveries("?state=delivered&channel=hooks"))
    gone, good = until(lambda: (lambda items: items if items[0]["disabled_at"] else None)(
        sorted(get(hub, "endpoints")["items"], key=lambda e: e["name"])))
    assert (good["name"], good["types"], good["when"], good["enabled"]) == ("good", ["record.*"], {"severity": "info"}, True)
    assert good["last_success_at"] and good["breaker"] == "closed" and good["concurrency"] == 8
    assert good["format"] == "standard" and good["rate"] is None and good["from"] == "yaml"
    assert not gone["enabled"] and "410" in gone["disabled_why"]
    answer = hub.get("/v1/acme/endpoints", READER).text
    for secret in ["s3cret", "whsec", WEBHOOK_SECRET]:
        assert secret not in answer
    hub.send(created())
    until(lambda: get(hub, f"endpoints/{gone['id']}")["held"] == 1)
    assert get(hub, "overview")["endpoints_down"][0]["name"] == "gone"
    one, two = get(hub, f"endpoints/{gone['id']}/attempts"), get(hub, f"endpoints/{good['id']}/attempts")
    assert [a["code"] for a in one["items"]] == [410] and one["next"] is None
    assert {a["result"] for a in two["items"]} == {"delivered"}
    assert hub.get(f"/v1/globex/endpoints/{gone['id']}", people.token("other")).status_code in (403, 404)
    assert get(hub, "endpoints", "globex", people.token("all"))["items"][0]["id"] not in (good["id"], gone["id"])
    first = get(hub, "endpoints?limit=1")
    second = get(hub, f"endpoints?limit=1&before={first['next']}")
    assert {first["items"][0]["id"], second["items"][0]["id"]} == {good["id"], gone["id"]} and second["next"] is None


def test_attempts_of_one_delivery(new_hub, receiver):
    receiver.answer("/local", 500, 200)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm"), clock=True).start()
    hub.send(case("ann", name="What it says"))
    until(lambda: hub.deliveries("?state=retrying"))
    hub.clock.advance("10s")
    delivery = until(lambda: hub.deliveries("?state=delivered&channel=hooks"))[0]
    answer = hub.get(f"/v1/acme/deliveries/{delivery['id']}", READER)
    one = answer.json()
    assert [(a["number"], a["result"], a["code"]) for a in one["timeline"]] == [(1, "retry", 500), (2, "delivered", 200)]
    assert all(a["record"]["request"]["url"].startswith("http://127.0.0.1") for a in one["timeline"])
    assert {k: one[k] for k in delivery} == delivery
    assert one["title"] == "What it says" and answer.text.count("What it says") == 1, "the event's title, and no more"
    assert hub.get(f"/v1/globex/deliveries/{delivery['id']}", people.token("all")).status_code == 404


def test_deliveries_by_each_filter(new_hub, receiver):
    receiver.answer("/local", 400)
    config = with_hooks(base(), receiver.endpoint(), endpoint("fine", receiver.url("/fine")), source="crm",
                        schedule=["0s"])
    hub = new_hub(config, clock=True).start()
    hub.send(created())
    until(lambda: hub.deliveries("?state=failed") and hub.deliveries("?state=delivered&target=fine"))
    hub.clock.advance("1h")
    hub.send(created())
    until(lambda: len(hub.deliveries("?state=failed")) == 2)
    until(lambda: len(hub.deliveries("?state=delivered")) == 2)
    new, old = hub.deliveries("?state=failed")
    ids = lambda query: [d["id"] for d in hub.deliveries(query)]  # noqa: E731
    assert ids(f"?event={old['event']}&target=local") == [old["id"]]
    assert ids(f"?event={old['event']}&state=failed") == [old["id"]]
    assert ids("?reason=400&channel=hooks&rule=hooks") == [new["id"], old["id"]]
    assert ids("?reason=nothing") == ids("?rule=none") == ids("?recipient=ann") == ids("?channel=none") == []
    middle = hub.events()[0]["time"]
    assert ids(f"?state=failed&from={middle}") == [new["id"]] and ids(f"?state=failed&to={middle}") == [old["id"]]
    page = get(hub, "deliveries?state=failed&limit=1&total=true")
    assert (page["total"], len(page["items"])) == (2, 1)
    assert get(hub, f"deliveries?state=failed&limit=1&total=true&before={page['next']}")["total"] == 2


# --- what there is ------------------------------------------------------------------------------------------------

def test_plugins_that_serve_the_org(new_hub):
    config = base()
    config["sources"]["erp"]["orgs"] = ["globex"]
    hub = new_hub(config).start()
    names = lambda org: {i["name"]: (i["role"], i["plugin"], i["state"])  # noqa: E731
                         for i in get(hub, "plugins", org, people.token("all"))["items"]}
    assert names("acme") == {"crm": ("source", "workflow", "ok"), "inbox": ("delivery", "in-app", "ok")}
    assert names("globex")["erp"] == ("source", "workflow", "ok")


def test_an_instance_that_was_left_out_says_why(new_hub):
    config = base()
    config["channels"]["mail"] = {"plugin": "email", "smtp": "smtp://127.0.0.1:25", "from": "notify@acme.example",
                                  "dkim": [{"selector": "s1", "key": "pass-w0rd"}]}
    hub = new_hub(config).start()
    mail = next(i for i in get(hub, "plugins")["items"] if i["name"] == "mail")
    assert mail["state"] == "stopped" and "s1" in mail["last_error"]
    assert "pass-w0rd" not in json.dumps(mail)


def test_who_sees_a_category_is_what_its_gate_says(new_hub):
    hub = new_hub(base()).start()
    for name, roles in [("aaron", ["sales-manager"]), ("bert", []), ("zoe", ["x", "sales-manager"])]:
        assert hub.request("PUT", f"/v1/acme/users/{name}", ADMIN, json={"roles": roles}).ok
    seen, before = [], ""
    while before is not None:
        page = get(hub, f"categories/CALC_BLOCKED/audience?limit=3&before={before}")
        assert len(page["items"]) <= 3
        seen += page["items"]
        before = page["next"]
    assert [p["username"] for p in seen] == ["aaron", "ann", "bert", "bob", "carl", "mona", "root", "zoe"]
    assert {p["username"] for p in seen if p["sees"]} == {"aaron", "ann", "mona", "zoe"}
    assert {p["through"] for p in seen if p["sees"]} == {"sales-manager"}
    for person in seen:
        hub.send(case(person["username"], "secret", f"For {person['username']}"))
        assert bool(hub.items(person["username"])) == person["sees"], "the inbox agrees"
    assert all(p["sees"] and p["through"] is None for p in get(hub, "categories/news/audience")["items"])
    blocked = next(c for c in get(hub, "categories")["items"] if c["id"] == "CALC_BLOCKED")
    assert (blocked["label"], blocked["visible_to"], blocked["webhooks"]) == \
        ("Calculation blocked", ["sales-manager"], False)


def test_the_catalogue_has_what_a_source_declares(new_hub):
    config = base()
    config["sources"]["deals"] = {"plugin": "approval", "orgs": ["acme"]}
    hub = new_hub(config).start()
    types = {t["type"]: t for t in get(hub, "event-types")["items"]}
    requested = types["approval.requested"]
    assert (requested["source"], requested["category"], requested["severity"]) == ("deals", "approval", "warning")
    assert [a["id"] for a in requested["actions"]] == ["approve", "reject"]
    assert requested["fields"] and requested["example"] and requested["doc"]
    assert "approval.requested" in types["approval.reminder"]["replaces"]
    assert {t["source"] for t in get(hub, "event-types", "globex", people.token("all"))["items"]} == {"crm", "erp", "hub"}


def test_the_overview_counts_what_happens(new_hub, receiver):
    receiver.answer("/local", 200, 410)
    hub = new_hub(with_hooks(base(), receiver.endpoint(), source="crm"), clock=True).start()
    before = get(hub, "overview")
    assert before["dead_letters"] == {"count": 0, "more": False} and before["minutes"]["p50_ms"] is None
    for state in ["delivered", "failed", "held_disabled"]:
        hub.send(case("ann"))
        until(lambda: hub.deliveries(f"?channel=hooks&state={state}"))
    now = get(hub, "overview")
    hooks = next(q for q in now["queues"] if q["channel"] == "hooks")
    assert (hooks["open"], hooks["states"], hooks["more"]) == (1, {"held_disabled": 1}, False)
    assert now["dead_letters"] == {"count": 1, "more": False}
    assert (sum(now["minutes"]["delivered"]), sum(now["minutes"]["failed"])) == (5, 1), \
        "three rows in the inbox, one about the endpoint, one hook"
    assert now["minutes"]["p50_ms"] is not None and now["minutes"]["p95_ms"] >= now["minutes"]["p50_ms"]
    assert now["reload"] == {**now["reload"], "generation": 1, "ok": True, "restart_required": False}
    assert sum(get(hub, "overview", "globex", people.token("all"))["minutes"]["delivered"]) == 0
    hub.clock.advance("59m")
    assert len(get(hub, "overview")["minutes"]["delivered"]) == 60
    hub.clock.advance("2m")
    assert sum(get(hub, "overview")["minutes"]["delivered"]) == 0, "an hour is remembered"


def test_the_overview_names_an_endpoint_that_fails_before_its_breaker_opens(new_hub, receiver):
    receiver.answer("/local", 500, 200)
    config = with_hooks(base(), receiver.endpoint(), endpoint("fine", receiver.url("/fine")), source="crm")
    hub = new_hub(config, clock=True).start()
    assert get(hub, "overview")["endpoints_failing"] == []
    hub.send(case("ann"))
    failing, = until(lambda: get(hub, "overview")["endpoints_failing"])
    assert (failing["name"], failing["channel"]) == ("local", "hooks") and failing["since"]
    assert get(hub, f"endpoints/{failing['endpoint']}")["breaker"] == "closed"
    assert get(hub, "overview")["endpoints_down"] == []
    assert get(hub, "overview", "globex", people.token("all"))["endpoints_failing"] == []
    hub.clock.advance("10s")
    until(lambda: hub.deliveries("?state=delivered&channel=hooks&target=local"))
    until(lambda: get(hub, "overview")["endpoints_failing"] == [])


def test_an_org_is_not_told_where_on_the_machine_the_files_lie(new_hub):
    hub = new_hub(base()).start()
    hub.send(case("ann"))
    event = hub.events()[0]["id"]
    text = hub.get(f"/v1/acme/events/{event}", READER).text
    assert '"file":"belfry.yaml"' in text and str(hub.config_path.parent) not in text
    assert str(hub.config_path.parent) not in hub.get(f"/acme/admin/events/{event}", hub.person("root")).text
    refused = hub.request("PUT", "/v1/acme/users/ann", ADMIN, json={})
    assert refused.status_code == 409 and "belfry.yaml:" in refused.text and str(hub.config_path.parent) not in refused.text


@pytest.mark.parametrize("path", ["audit", "overview", "endpoints", "plugins", "categories", "event-types", "deliveries"])
def test_a_person_without_the_role_is_told_nothing(new_hub, path):
    hub = new_hub(base()).start()
    assert hub.get(f"/v1/acme/{path}", hub.person("ann")).status_code == 403
    assert hub.get(f"/v1/acme/{path}", hub.person("root")).status_code == 200

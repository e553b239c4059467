# SPDX-License-Identifier: Apache-2.0
"""Y1, Y2, Y3 and P6 of the mission, and P4 for blocked work, through the running hub.

Y1: over a minute: background, the initiating admin is told; under: nobody.
Y2: an overview expires on a new overview, another admin's overview, or 7 days; a completed sync never.
Y3: an expired link still opens, and says the data is no longer valid.
P6: background work, errors that need action, with a log of the job.
P4: some categories only for managers (CALC_BLOCKED).
"""
import datetime
import itertools

import pytest

from support import people
from support.config import base
from support.events import cloud_event
from support.wait import until

READER = people.token("reader")
number = itertools.count(1)


def config(**options):
    out = base()
    out["sources"]["hr-sync"] = {"plugin": "sync", "failures_to": ["role:ops"], **options}
    out["orgs"]["acme"]["users"].update({"ada": {"roles": ["admin"]}, "ben": {"roles": ["admin"]},
                                         "olga": {"roles": ["ops"]}})
    return out


@pytest.fixture
def hub(new_hub):
    return new_hub(config(), clock=True).start()


def send(hub, type, data, time=None, org="acme"):
    more = {"time": datetime.datetime.fromtimestamp(time, datetime.timezone.utc).isoformat()} if time else {}
    return hub.send(cloud_event(type, data, **more), "hr-sync", org)


def start(hub, kind="sync", admin="ada", id=None, **more):
    id = id or f"run-{next(number)}"
    send(hub, "sync.started", {"run": {"id": id, "kind": kind, "admin": admin}}, **more)
    return id


def finish(hub, id, outcome="succeeded", **data):
    time = data.pop("time", None)
    return send(hub, "sync.finished", {"run": {"id": id}, "outcome": outcome, **data}, time)


def long_run(hub, kind="sync", admin="ada", outcome="succeeded", **data):
    id = start(hub, kind, admin)
    hub.clock.advance("2m")
    finish(hub, id, outcome, **data)
    return id


def run(hub, id, headers=READER):
    answer = hub.get(f"/v1/acme/sources/hr-sync/runs/{id}", headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def runs(hub, query="", headers=READER, org="acme"):
    answer = hub.get(f"/v1/{org}/sources/hr-sync/runs{query}", headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def types(hub, who):
    return [item["type"] for item in hub.items(who)]


def validity(hub, who):
    return [(item["subject"], item["validity"], item["unread"]) for item in hub.items(who)]


# --- Y1 ------------------------------------------------------------------------------------------------------------

def test_y1_over_a_minute_it_goes_to_the_background_and_its_admin_is_told(hub):
    id = start(hub)
    hub.clock.advance("59s")
    assert run(hub, id)["background"] is False
    hub.clock.advance("1s")
    assert (run(hub, id)["background"], run(hub, id)["state"]) == (True, "running")
    assert types(hub, "ada") == [], "not while it runs"
    backgrounded, = hub.events("?type=sync.backgrounded")
    assert hub.story(backgrounded["id"])["recipients"] == []
    finish(hub, id, counts={"created": 12})
    item, = hub.items("ada")
    assert (item["type"], item["category"], item["severity"], item["title"]) == (
        "sync.completed", "sync", "success", "Sync completed")
    assert types(hub, "ben") == types(hub, "olga") == types(hub, "root") == []


@pytest.mark.parametrize("outcome", ["succeeded", "partial", "failed"])
def test_y1_under_a_minute_nobody_is_told(hub, outcome):
    id = start(hub)
    hub.clock.advance("59s")
    finish(hub, id, outcome)
    hub.clock.advance("1h")
    assert types(hub, "ada") == types(hub, "olga") == []
    assert hub.events("?source=hr-sync") == []
    assert run(hub, id)["outcome"] == outcome, "but it is in the log"


def test_y1_also_when_the_hub_was_down_meanwhile(hub):
    id = start(hub)
    hub.stop()
    hub.start()
    hub.clock.advance("60s")
    assert until(lambda: run(hub, id)["background"])
    finish(hub, id)
    assert types(hub, "ada") == ["sync.completed"]


def test_y1_the_length_is_what_the_triggers_say(hub):
    now = int(hub.now())
    id = start(hub, time=now - 90)
    assert run(hub, id)["background"], "at once, for the minute is over"
    finish(hub, id, time=now)
    assert run(hub, id)["duration_ms"] == 90_000
    assert types(hub, "ada") == ["sync.completed"]
    id = start(hub, time=now)
    hub.clock.advance("5m")
    finish(hub, id, time=now + 30)
    assert run(hub, id)["duration_ms"] == 30_000
    assert types(hub, "ada") == ["sync.completed"], "a short run whose end came late tells nobody"


def test_y1_who_is_told_of_failures(hub):
    long_run(hub, outcome="failed")
    assert types(hub, "ada") == types(hub, "olga") == ["sync.failed"]
    long_run(hub, outcome="partial")
    assert types(hub, "ada")[0] == types(hub, "olga")[0] == "sync.completed"
    assert hub.items("ada")[0]["severity"] == "warning"
    long_run(hub, kind="overview", outcome="partial")
    assert types(hub, "olga")[0] == "sync.overview_ready"


def test_a_run_that_never_finishes_is_told_once(new_hub):
    hub = new_hub(config(stalled_after="2h"), clock=True).start()
    id = start(hub)
    hub.clock.advance("2h")
    assert until(lambda: types(hub, "ada")) == ["sync.stalled"] == types(hub, "olga")
    assert run(hub, id)["state"] == "stalled"
    hub.clock.advance("3d")
    assert types(hub, "ada") == ["sync.stalled"]
    finish(hub, id)
    assert [(i["type"], i["validity"]) for i in hub.items("ada")] == [
        ("sync.completed", "valid"), ("sync.stalled", "withdrawn")]


# --- Y2 ------------------------------------------------------------------------------------------------------------

def test_y2_an_overview_expires_when_a_new_one_is_started(hub):
    first = long_run(hub, "overview")
    assert validity(hub, "ada") == [(f"run/{first}", "valid", True)]
    start(hub, "overview")
    assert validity(hub, "ada") == [(f"run/{first}", "superseded", False)], "it stays in the list"
    assert hub.unread("ada") == 0


def test_y2_an_overview_expires_when_another_admin_runs_one(hub):
    first = long_run(hub, "overview")
    start(hub, "overview", "ben")
    assert validity(hub, "ada") == [(f"run/{first}", "superseded", False)]


def test_y2_an_overview_expires_after_seven_days_without_a_sync(hub):
    first = long_run(hub, "overview")
    hub.clock.advance("6d")
    long_run(hub, "sync", "ben", outcome="failed")
    hub.clock.advance("6d")
    assert validity(hub, "ada") == [(f"run/{first}", "valid", True)], "the sync moved it on"
    hub.clock.advance("1d")
    assert until(lambda: hub.items("ada")[0]["validity"] == "expired")
    assert hub.unread("ada") == 0


def test_y2_a_completed_sync_never_expires(hub):
    id = long_run(hub, "sync")
    long_run(hub, "overview", "ben")
    long_run(hub, "sync", "ben")
    hub.clock.advance("400d")
    assert validity(hub, "ada") == [(f"run/{id}", "valid", True)]


def test_y2_an_overview_that_was_superseded_while_it_ran_is_told_as_no_longer_valid(hub):
    first = start(hub, "overview")
    hub.clock.advance("2m")
    second = start(hub, "overview", "ben")
    finish(hub, first)
    assert validity(hub, "ada") == [(f"run/{first}", "superseded", False)]
    hub.clock.advance("2m")
    finish(hub, second)
    assert validity(hub, "ben") == [(f"run/{second}", "valid", True)]


def test_y2_an_overview_whose_end_is_told_after_its_time_has_expired_from_the_start(new_hub):
    hub = new_hub(config(overview_valid_for="5m"), clock=True).start()
    finish(hub, "late", run={"id": "late", "kind": "overview", "admin": "ada"}, time=int(hub.now()) - 600)
    assert until(lambda: validity(hub, "ada") == [("run/late", "expired", False)])
    assert hub.unread("ada") == 0 and hub.get(hub.items("ada")[0]["href"], hub.person("ada")).status_code == 410


# --- Y3 ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["superseded", "expired"])
def test_y3_an_expired_link_still_opens_and_says_that_the_data_is_no_longer_valid(hub, how):
    long_run(hub, "overview", url="https://app.example/overview/1")
    href = hub.items("ada")[0]["href"]
    opened = hub.get(href, hub.person("ada"))
    assert (opened.status_code, opened.headers["location"]) == (303, "https://app.example/overview/1")
    if how == "superseded":
        start(hub, "overview", "ben")
    else:
        hub.clock.advance("7d")
    opened = hub.get(href, hub.person("ada"))
    assert opened.status_code == 410
    assert "no longer valid" in opened.text and "app.example" not in opened.text
    assert ("It was valid until" in opened.text) == (how == "expired"), "of what was replaced the time is still to come"


@pytest.mark.parametrize("how", ["valid", "superseded", "expired"])
def test_y3_what_is_no_longer_valid_is_not_sent(new_hub, how):
    """A delivery to the person, as mail is, that waits for ten minutes."""
    own = config(overview_valid_for="5m")
    own["channels"]["echo"] = {"plugin": "echo_delivery"}
    own["rules"].append({"name": "later", "when": {"type": "sync.overview_ready"},
                         "deliver": [{"via": "echo", "after": "4m" if how == "valid" else "10m"}]})
    hub = new_hub(own, clock=True).start()
    long_run(hub, "overview")
    waiting, = hub.deliveries("?channel=echo")
    assert waiting["state"] == "scheduled"
    if how == "superseded":
        start(hub, "overview", "ben")
    hub.clock.advance("4m")
    hub.clock.advance("6m")
    until(lambda: hub.deliveries("?channel=echo")[0]["ended_at"])
    assert hub.deliveries("?channel=echo")[0]["state"] == {"valid": "delivered"}.get(how, how)
    sent = hub.get("/v1/acme/echo", hub.person("ada")).json()["delivered"]
    assert sent == (1 if how == "valid" else 0)


# --- P6: the log of the job ----------------------------------------------------------------------------------------

def test_p6_a_completed_sync_links_to_its_log_which_is_kept(hub):
    id = long_run(hub, counts={"created": 12, "updated": 480}, log=["Accounts: 12 new", "Contacts: <b>480</b> changed"])
    opened = hub.get(hub.items("ada")[0]["href"], hub.person("ada"))
    assert (opened.status_code, opened.headers["location"]) == (303, f"/acme/runs/hr-sync/{id}")
    hub.clock.advance("800d")
    hub.restart()
    page = hub.get(f"/acme/runs/hr-sync/{id}", hub.person("ada"))
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "Accounts: 12 new" in page.text and "&lt;b&gt;480&lt;/b&gt; changed" in page.text and "<td>480</td>" in page.text
    assert run(hub, id)["log"] == "Accounts: 12 new\nContacts: <b>480</b> changed\n"


def test_p6_runs_are_found_by_kind_outcome_admin_and_time(hub):
    now = int(hub.now())
    iso = lambda at: datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: E731
    for at, kind, admin, outcome in [(-4000, "sync", "ada", "succeeded"), (-3000, "import", "ben", "failed"),
                                     (-2000, "sync", "ben", "partial"), (-1000, "recalculation", "ada", "succeeded")]:
        id = start(hub, kind, admin, id=f"{kind}-{admin}", time=now + at)
        finish(hub, id, outcome, time=now + at + 500)
    found = lambda query: [r["id"] for r in runs(hub, query)["items"]]  # noqa: E731
    assert found("") == ["recalculation-ada", "sync-ben", "import-ben", "sync-ada"]
    assert found("?kind=sync") == ["sync-ben", "sync-ada"]
    assert found("?outcome=failed") == ["import-ben"]
    assert found("?admin=ada&kind=sync") == ["sync-ada"]
    assert found(f"?from={iso(now - 3000)}&to={iso(now - 1500)}") == ["sync-ben", "import-ben"]
    page = runs(hub, "?limit=3")
    rest = runs(hub, f"?limit=3&before={page['next']}")
    assert [r["id"] for r in rest["items"]] == ["sync-ada"] and rest["next"] is None
    for bad in ["kind=a%20b", "outcome=good", "from=x", "to=2026-13-01", "limit=0", "before=x", "admin=a/b"]:
        assert hub.get(f"/v1/acme/sources/hr-sync/runs?{bad}", READER).status_code == 400, bad


def test_p6_people_see_their_own_runs_and_admins_all(hub):
    mine = start(hub, admin="carl")
    other = start(hub, admin="ben")
    carl, ada = hub.person("carl"), hub.person("ada")
    assert [r["id"] for r in runs(hub, headers=carl)["items"]] == [mine]
    assert {r["id"] for r in runs(hub, headers=ada)["items"]} == {mine, other}
    for path in ["/v1/acme/sources/hr-sync/runs", "/acme/runs/hr-sync"]:
        assert hub.get(f"{path}/{mine}", carl).status_code == 200
        assert hub.get(f"{path}/{other}", carl).status_code == 404
        assert hub.get(f"{path}/no-such-run", ada).status_code == 404
    assert runs(hub, headers=people.token("other"), org="globex")["items"] == []
    assert hub.get("/v1/globex/sources/hr-sync/runs", ada).status_code == 404
    assert hub.get("/v1/acme/sources/crm/runs", READER).status_code == 404
    assert hub.get("/v1/acme/sources/hr-sync/runs", people.token("crm")).status_code == 403


def test_p6_a_source_that_does_not_serve_an_org_is_not_there(new_hub):
    hub = new_hub(config(orgs=["globex"])).start()
    assert hub.get("/v1/acme/sources/hr-sync/runs", READER).status_code == 404
    assert hub.get("/acme/runs/hr-sync", hub.person("ada")).status_code == 404
    assert "hr-sync" not in hub.get("/acme/runs", hub.person("ada")).text
    assert "/globex/runs/hr-sync" in hub.get("/globex/runs", hub.person("ann", "globex")).text


def test_p6_out_of_order_and_repeated_triggers_end_in_the_right_state(hub):
    now = int(hub.now())
    finish(hub, "r", time=now - 10, counts={"new": 1})
    assert run(hub, "r")["duration_ms"] is None and types(hub, "ada") == []
    send(hub, "sync.progress", {"run": {"id": "r"}, "done": 1, "total": 2})
    start(hub, id="r", time=now - 100)
    start(hub, id="r", time=now - 100)
    finish(hub, "r")
    assert types(hub, "ada") == ["sync.completed"]
    seen = run(hub, "r")
    assert (seen["state"], seen["duration_ms"], seen["progress"], seen["counts"]) == ("finished", 90_000, None, {"new": 1})
    refused = hub.post_trigger(cloud_event("sync.finished", {"run": {"id": "r"}, "outcome": "failed"}), "hr-sync")
    assert refused.status_code == 409
    assert refused.json()["handled_at"] == seen["finished_at"]


def test_p6_every_fault_of_a_trigger_is_named(hub):
    event = cloud_event("sync.started", {"run": {"id": "", "kind": "No", "admin": 7}})
    refused = hub.post_trigger(event, "hr-sync")
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/data/run/id", "/data/run/kind", "/data/run/admin"]


# --- P4: blocked work ----------------------------------------------------------------------------------------------

def blocked(id="calc-9", **more):
    item = {"id": id, "title": "Commission for May", "url": f"https://app.example/calc/{id}"}
    return {"item": item, "reason": "The rate table has a gap", **more}


def test_p6_errors_that_need_action_are_told_until_they_are_gone(hub):
    send(hub, "work.blocked", blocked())
    item, = hub.items("mona")
    assert (item["type"], item["category"], item["severity"]) == ("sync.blocked", "CALC_BLOCKED", "error")
    assert (item["title"], item["body"]) == ("Blocked: Commission for May", "The rate table has a gap")
    send(hub, "work.blocked", blocked(reason="Two gaps now"))
    item, = hub.items("mona")
    assert item["body"] == "Two gaps now"
    send(hub, "work.unblocked", {"item": {"id": "calc-9"}})
    assert hub.items("mona")[0]["validity"] == "withdrawn" and hub.unread("mona") == 0
    assert send(hub, "work.unblocked", {"item": {"id": "calc-9"}})[0]["events"] == 0
    refused = hub.post_trigger(cloud_event("work.blocked", blocked(category="NOPE")), "hr-sync")
    assert refused.status_code == 422


def test_p4_blocked_work_is_for_managers_in_lists_counts_facets_and_search(new_hub):
    hub = new_hub(config(blocked_to=["role:sales-manager", "bob"]), clock=True).start()
    send(hub, "work.blocked", blocked())
    send(hub, "work.blocked", blocked("calc-10", category="news"))
    for who, roles, sees in [("mona", None, True), ("bob", None, False), ("bob", ["sales-manager"], True),
                             ("mona", ["clerk"], False)]:
        inbox = hub.inbox(who, roles=roles)
        rows = [item["category"] for item in inbox["items"]]
        assert rows == (["news", "CALC_BLOCKED"] if sees else ["news"]), (who, roles)
        assert inbox["total"] == len(rows) == hub.unread(who, roles=roles)
        assert ("CALC_BLOCKED" in inbox["facets"]["category"]) == sees
        found = hub.inbox(who, roles=roles, query="?read=all&q=rate+table")
        assert found["total"] == len(rows)
        only = hub.inbox(who, roles=roles, query="?read=all&category=CALC_BLOCKED")
        assert only["total"] == len(only["items"]) == (1 if sees else 0)
    row = next(i for i in hub.items("mona") if i["category"] == "CALC_BLOCKED")
    assert hub.get(f"/v1/acme/notifications/{row['id']}", hub.person("mona", roles=["clerk"])).status_code == 404
    assert hub.get(row["href"], hub.person("mona", roles=["clerk"])).status_code == 404

# SPDX-License-Identifier: Apache-2.0
"""`verify` and `hook` of a source: webhooks of providers that know nothing of CloudEvents or tokens.

Inbound, generic: signatures of Standard Webhooks, GitHub, Stripe, Shopify and Slack, and a mapping in YAML from the
posted JSON to a trigger.
"""
import json
import sqlite3
import threading
import urllib.parse

import pytest

from support import people, raw, signing
from support.config import WEBHOOK_SECRET, base, with_source
from support.events import case
from support.signing import SECRET, body_of
from support.wait import until

OTHER = "fedcba9876543210fedcba9876543210"

# An issue of GitHub becomes a record of the CRM.
ISSUES = {"triggers": [
    {"when": {"headers.x-github-event": "issues", "body.sender.login": {"ne": "robot"}},
     "type": "{{body.action}}", "types": {"opened": "record.created", "edited": "record.updated"},
     "subject": "issue/{{body.issue.id}}", "time": "{{body.issue.updated_at}}",
     "data": {"record": {"object": "Case", "id": "{{body.issue.id}}", "url": "{{body.issue.html_url}}",
                         "owner": "github", "created_by": "github",
                         "fields": {"for": {"value_of": "body.issue.assignee.login", "table": {"octocat": "ann"},
                                            "default": "bob"},
                                    "kind": "calm", "name": "{{body.issue.title}}",
                                    "labels": {"value_of": "body.issue.labels"}}}}}]}

# A list of cases, one trigger each.
LIST = {"each": "body.cases", "triggers": [
    {"type": "record.created", "when": {"item.skip": {"ne": True}},
     "data": {"record": {"object": "Case", "id": "{{item.id}}", "url": "https://x.example/1", "owner": "x", "created_by": "x",
                         "fields": {"for": {"value_of": "item.to"}, "kind": "calm", "name": "{{item.name}}"}}}}]}


def with_hook(hook, config=None, source="crm", **verify):
    config = config or base()
    config["sources"][source]["verify"] = {"secret": "${env:BELFRY_TEST_INBOUND}", **verify}
    if hook:
        config["sources"][source]["hook"] = hook
    return config


@pytest.fixture
def hooked(new_hub):
    """Starts a hub whose source crm has this hook."""
    def make(hook=ISSUES, scheme="github", clock=False, config=None, **verify):
        hub = new_hub(with_hook(hook, config, scheme=scheme, **verify), clock=clock)
        hub.env["BELFRY_TEST_INBOUND"] = SECRET
        hub.env["BELFRY_TEST_NEW"] = OTHER
        return hub.start()
    return make


def post(hub, body, headers, source="crm", org="acme", content_type="application/json"):
    return hub.post(f"/v1/{org}/sources/{source}/hook", {"Content-Type": content_type, **headers}, data=body)


def issue(title="It is broken", action="opened", id=7, by="hubot", **more):
    return {"action": action, "sender": {"login": by}, "issue": {
        "id": id, "title": title, "html_url": f"https://git.example/{id}", "assignee": {"login": "octocat"},
        "updated_at": "2026-11-20T10:00:00Z", "labels": [{"name": "bug"}], **more}}


def github(hub, body, delivery="d-1", event="issues", secret=SECRET, **more):
    body = body_of(body)
    return post(hub, body, signing.github(body, secret, event, delivery), **more)


def refused(hub):
    return hub.get("/v1/acme/events?refused=true", people.token("reader")).json()["items"]


def calls(hub, outcome, source="crm"):
    return hub.metrics()[f'belfry_hook_requests_total{{source="{source}",outcome="{outcome}"}}']


# --- from what GitHub posts to somebody's inbox ------------------------------------------------------------------------

def test_an_issue_becomes_a_row_of_the_inbox(hooked):
    hub = hooked()
    answer = github(hub, issue())
    assert (answer.status_code, answer.content) == (200, b"")
    assert hub.titles("ann") == ["It is broken"] and hub.titles("bob") == []
    event = next(e for e in hub.events() if e["type"] == "workflow.calm")
    story = hub.story(event["id"])
    assert story["event"]["trigger"]["principal"] == "hook:crm"
    assert story["event"]["data"]["record"]["fields"]["labels"] == [{"name": "bug"}]
    assert calls(hub, "accepted") == 1 and calls(hub, "unverified") == 0


def test_it_is_known_when_it_comes_again(hooked):
    hub = hooked()
    for _ in range(3):
        assert github(hub, issue()).status_code == 200
    assert github(hub, issue("Another"), delivery="d-2").status_code == 200
    assert sorted(hub.titles("ann")) == ["Another", "It is broken"]
    assert (calls(hub, "accepted"), calls(hub, "duplicate")) == (2, 2)


def test_what_has_no_id_is_known_by_its_body(hooked):
    hub = hooked()
    for _ in range(2):
        assert github(hub, issue(), delivery=None).status_code == 200
    assert hub.titles("ann") == ["It is broken"] and calls(hub, "duplicate") == 1


def test_what_nobody_mapped_is_answered_and_leaves_no_trace(hooked):
    hub = hooked()
    assert github(hub, {"zen": "Design for failure.", "hook_id": 1}, event="ping").status_code == 200
    assert github(hub, issue(action="labeled"), delivery="d-2").status_code == 200
    assert github(hub, issue(by="robot"), delivery="d-3").status_code == 200
    assert calls(hub, "ignored") == 3
    assert hub.events() == [] and refused(hub) == []


def test_a_form_holds_the_json_where_the_hook_says_so(hooked):
    hub = hooked({**ISSUES, "form": "payload"})
    form = urllib.parse.urlencode({"payload": json.dumps(issue("In a form + 100 %"))}).encode()
    assert github(hub, form, content_type="application/x-www-form-urlencoded").status_code == 200
    assert github(hub, issue("As JSON"), delivery="d-2").status_code == 200
    assert sorted(hub.titles("ann")) == ["As JSON", "In a form + 100 %"]
    other = urllib.parse.urlencode({"other": "{}"}).encode()
    assert github(hub, other, "d-3", content_type="application/x-www-form-urlencoded").status_code == 200
    assert "no field `payload`" in refused(hub)[0]["errors"][0]["detail"]


def test_a_list_becomes_a_trigger_for_each_of_its_items(hooked):
    hub = hooked(LIST)
    body = {"cases": [{"id": 1, "to": "ann", "name": "One"}, {"id": 2, "to": "ann", "name": "Two", "skip": True},
                      {"id": 3, "to": "bob", "name": "Three"}]}
    for _ in range(2):
        assert github(hub, body).status_code == 200
    assert (hub.titles("ann"), hub.titles("bob")) == (["One"], ["Three"])


def test_one_item_that_is_refused_takes_no_other_with_it(hooked):
    hub = hooked(LIST)
    body = {"cases": [{"id": 1, "to": "ann", "name": "One"}, {"id": "", "to": "ann", "name": "No id"},
                      {"id": 3, "to": "ann", "name": "Three"}]}
    for _ in range(2):
        assert github(hub, body).status_code == 200, "repeating it would change nothing"
    assert sorted(hub.titles("ann")) == ["One", "Three"]
    kept = refused(hub)[0]
    assert kept["kind"] == "hook" and kept["errors"][0]["pointer"] == "/data/record/id"
    assert json.loads(kept["body"])["data"]["record"]["fields"]["name"] == "No id"


@pytest.mark.parametrize("body, why", [
    (b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b'{"a": 1, "a": 2}', "not JSON"), (b"", "not JSON"),
])
def test_a_body_that_nobody_can_read_is_kept(hooked, body, why):
    hub = hooked()
    assert github(hub, body).status_code == 200
    kept = refused(hub)
    assert len(kept) == 1 and kept[0]["kind"] == "hook" and kept[0]["body_bytes"] == len(body)
    assert why in kept[0]["errors"][0]["detail"]
    assert calls(hub, "refused") == 1


def test_a_time_that_is_none_is_refused_and_says_where(hooked):
    hub = hooked()
    assert github(hub, issue(updated_at="yesterday")).status_code == 200
    assert refused(hub)[0]["errors"][0]["pointer"] == "/time"
    assert hub.titles("ann") == []


# --- who calls ---------------------------------------------------------------------------------------------------------

def test_whoever_does_not_sign_is_401_and_nothing_happens(hooked):
    hub = hooked()
    body = body_of(issue())
    good = signing.github(body)
    for headers in [{}, signing.github(body, OTHER), signing.github(body + b" "), {"X-Hub-Signature-256": "sha256="},
                    {"X-Hub-Signature-256": good["X-Hub-Signature-256"][:-1]}, people.token("all"), hub.person("ann")]:
        answer = post(hub, body, headers)
        assert (answer.status_code, answer.content) == (401, b""), headers
    assert post(hub, b"", good).status_code == 401
    assert calls(hub, "unverified") == 8
    assert hub.events() == [] and refused(hub) == []
    log = hub.log()
    assert "not verified" in log and "It is broken" not in log
    assert good["X-Hub-Signature-256"][7:] not in log and SECRET not in log


def test_two_signatures_are_none(hooked):
    hub = hooked()
    body = body_of(issue())
    line = f"X-Hub-Signature-256: {signing.github(body)['X-Hub-Signature-256']}"
    assert raw.status(raw_post(hub, body, line)) == 200
    assert raw.status(raw_post(hub, body, line, line)) == 401


def raw_post(hub, body, *lines):
    head = "\r\n".join(["POST /v1/acme/sources/crm/hook HTTP/1.1", "Host: hub.test", f"Content-Length: {len(body)}",
                        "Content-Type: application/json", *lines])
    return raw.exchange(hub, head.encode() + b"\r\n\r\n" + body)


@pytest.mark.parametrize("secret, want", [(SECRET, 200), (OTHER, 401)])
def test_the_answer_has_no_body_and_no_cookie(hooked, secret, want):
    hub = hooked()
    body = body_of(issue())
    signed = f"X-Hub-Signature-256: {signing.github(body, secret)['X-Hub-Signature-256']}"
    got = raw_post(hub, body, signed, "Cookie: belfry_session=x; other=y", "Origin: http://hub.test")
    head, _, rest = got.partition(b"\r\n\r\n")
    assert raw.status(got) == want and rest == b""
    assert b"set-cookie" not in head.lower() and b"\r\ncontent-type:" not in head.lower()


def test_a_secret_is_changed_without_a_gap(hooked):
    hub = hooked()
    assert github(hub, issue("Old"), "d-1").status_code == 200
    assert github(hub, issue("New"), "d-2", secret=OTHER).status_code == 401
    hub.config["sources"]["crm"]["verify"]["secret"] = ["${env:BELFRY_TEST_NEW}", "${env:BELFRY_TEST_INBOUND}"]
    hub.write_config()
    assert hub.reload().status_code == 200
    assert github(hub, issue("New"), "d-2", secret=OTHER).status_code == 200
    assert github(hub, issue("Still old"), "d-3").status_code == 200
    hub.config["sources"]["crm"]["verify"]["secret"] = "${env:BELFRY_TEST_NEW}"
    hub.write_config()
    assert hub.reload().status_code == 200
    assert github(hub, issue("Too old"), "d-4").status_code == 401
    assert sorted(hub.titles("ann")) == ["New", "Old", "Still old"]


def test_a_secret_is_shown_to_nobody(hooked):
    hub = hooked(secret=["${env:BELFRY_TEST_NEW}", SECRET])
    github(hub, issue())
    github(hub, issue(), secret="another secret")
    shown = hub.get("/v1/admin/config", people.token("operator"))
    assert shown.status_code == 200 and "x-hub" not in shown.text and "github" in shown.text
    for text in [shown.text, hub.log(), hub.get("/openapi.json").text, hub.get("/metrics").text]:
        assert SECRET not in text and OTHER not in text


def test_a_source_without_verify_has_no_hook(hooked):
    hub = hooked()
    body = body_of(issue())
    for source, org, want in [("erp", "acme", 404), ("none", "acme", 404), ("crm", "nowhere", 404)]:
        assert post(hub, body, signing.github(body), source, org).status_code == want
    assert hub.get("/v1/acme/sources/crm/hook").status_code == 405


def test_a_source_serves_its_orgs(hooked):
    config = base()
    config["sources"]["crm"]["orgs"] = ["globex"]
    hub = hooked(config=config)
    assert github(hub, issue(), org="acme").status_code == 404
    assert github(hub, issue(), org="globex").status_code == 200
    assert hub.titles("ann", org="globex") == ["It is broken"] and hub.titles("ann") == []


def test_a_hook_that_is_taken_away_is_gone_with_the_reload(hooked):
    hub = hooked()
    assert github(hub, issue()).status_code == 200
    del hub.config["sources"]["crm"]["verify"], hub.config["sources"]["crm"]["hook"]
    hub.write_config()
    assert hub.reload().status_code == 200
    assert github(hub, issue(), "d-2").status_code == 404
    assert hub.titles("ann") == ["It is broken"]


# --- the other schemes -------------------------------------------------------------------------------------------------

EVENT = {"triggers": [{"type": "record.created", "time": "{{body.created}}", "data": {
    "record": {"object": "Case", "id": "{{body.id}}", "url": "https://x.example/1", "owner": "x", "created_by": "x",
               "fields": {"for": "ann", "kind": "calm", "name": "{{body.name}}"}}}}]}


def test_stripe(hooked):
    hub = hooked(EVENT, "stripe", clock=True)
    body, now = body_of({"id": "evt_1", "created": 1700000000, "name": "Paid"}), int(hub.now())
    assert post(hub, body, signing.stripe(body, now)).status_code == 200
    assert post(hub, body, signing.stripe(body, now + 1, OTHER, SECRET)).status_code == 200
    assert post(hub, body, signing.stripe(body, now, OTHER)).status_code == 401
    assert post(hub, body, signing.stripe(body, now - 301)).status_code == 401
    assert post(hub, body, signing.stripe(body, now + 301)).status_code == 401
    assert hub.titles("ann") == ["Paid"] and calls(hub, "duplicate") == 1


def test_an_old_call_is_a_copy(hooked):
    hub = hooked(EVENT, "stripe", clock=True, tolerance="1m")
    body = body_of({"id": "evt_1", "name": "Paid"})
    headers = signing.stripe(body, int(hub.now()))
    hub.clock.advance("60s")
    assert post(hub, body, headers).status_code == 200
    hub.clock.advance("1s")
    assert post(hub, body, headers).status_code == 401


def test_slack_and_the_one_answer_with_a_text(hooked):
    hub = hooked(EVENT, "slack", clock=True)
    now = int(hub.now())
    asks = body_of({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7"})
    answer = post(hub, asks, signing.slack(asks, now))
    assert (answer.status_code, answer.text) == (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7")
    assert answer.headers["content-type"].startswith("text/plain")
    stranger = post(hub, asks, signing.slack(asks, now, OTHER))
    assert (stranger.status_code, stranger.content) == (401, b"")
    body = body_of({"type": "event_callback", "event_id": "Ev1", "id": "1", "name": "Said", "challenge": "not asked"})
    for _ in range(2):
        answer = post(hub, body, signing.slack(body, now))
        assert (answer.status_code, answer.content) == (200, b"")
    assert hub.titles("ann") == ["Said"] and hub.events()[0]["type"] != "url_verification"


def test_a_challenge_is_slacks_alone(hooked):
    hub = hooked()
    answer = github(hub, {"type": "url_verification", "challenge": "abc"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_shopify(hooked):
    hub = hooked(EVENT, "shopify")
    body = body_of({"id": 1, "name": "Ordered"})
    assert post(hub, body, signing.shopify(body)).status_code == 200
    assert post(hub, body, signing.shopify(body)).status_code == 200
    assert post(hub, body, signing.shopify(body, OTHER, "w-2")).status_code == 401
    assert hub.titles("ann") == ["Ordered"] and calls(hub, "duplicate") == 1


def test_standard_webhooks(hooked):
    hub = hooked(EVENT, "standard-webhooks", clock=True, secret="${env:BELFRY_TEST_HOOK}")
    body, now = body_of({"id": 1, "name": "Told"}), int(hub.now())
    assert post(hub, body, signing.standard(body, now, WEBHOOK_SECRET)).status_code == 200
    assert post(hub, body, signing.standard(body, now + 5, WEBHOOK_SECRET)).status_code == 200
    assert post(hub, body, signing.standard(body, now - 301, WEBHOOK_SECRET)).status_code == 401
    assert post(hub, body, {**signing.standard(body, now, WEBHOOK_SECRET), "webhook-id": "msg_2"}).status_code == 401
    assert hub.titles("ann") == ["Told"] and calls(hub, "duplicate") == 1


def test_without_a_mapping_what_is_posted_are_cloudevents(hooked):
    """Signed instead of sent with a token: what the webhooks of one hub say may be triggers of another."""
    hub = hooked(None)
    one = case("ann", name="One", event_id="one")
    assert github(hub, one, content_type="application/cloudevents+json").status_code == 200
    batch = [case("ann", name="Two", event_id="two"), {"id": "bad"}, one]
    assert github(hub, batch, content_type="application/cloudevents-batch+json; charset=utf-8").status_code == 200
    assert sorted(hub.titles("ann")) == ["One", "Two"]
    assert [r["errors"][0]["pointer"] for r in refused(hub)] != []
    body = body_of(one["data"])
    unsigned = {f"ce-{k}": v for k, v in {**one, "id": "three"}.items() if k != "data"}
    assert post(hub, body, {**signing.github(body), **unsigned}).status_code == 200
    assert sorted(hub.titles("ann")) == ["One", "Two"], "attributes in headers are not signed"
    assert "has no `hook`" in refused(hub)[0]["errors"][0]["detail"]


def test_a_sender_that_asks_first_may_deliver(hooked):
    """Abuse protection of the CloudEvents webhook specification: consent by OPTIONS, and nothing opens by it."""
    hub = hooked()
    asks = {"WebHook-Request-Origin": "sender.example", "WebHook-Request-Rate": "120"}
    for path in ["hook", "triggers"]:
        answer = hub.request("OPTIONS", f"/v1/acme/sources/crm/{path}", asks)
        assert answer.status_code == 204 and "POST" in answer.headers["allow"]
        assert answer.headers["webhook-allowed-origin"] == "sender.example"
        assert answer.headers["webhook-allowed-rate"] == "*"
        plain = hub.request("OPTIONS", f"/v1/acme/sources/crm/{path}")
        assert plain.status_code == 204 and "webhook-allowed-origin" not in plain.headers
        assert hub.post(f"/v1/acme/sources/crm/{path}", asks, data=b"{}").status_code == 401
    assert "webhook-allowed-origin" not in hub.request("OPTIONS", "/v1/acme/notifications", asks).headers
    for name in ["x" * 7000, "sender.example x", "s\xe9nder.example"]:
        answer = hub.request("OPTIONS", "/v1/acme/sources/crm/hook", {"WebHook-Request-Origin": name.encode("latin-1")})
        assert answer.status_code == 204, "what is no name gets an answer, and no consent"
        assert not any(header.lower().startswith("webhook-allowed") for header in answer.headers)
    hub.config["hub"]["limits"]["per_token_rate"] = 60
    hub.write_config()
    assert hub.reload().status_code == 200
    answer = hub.request("OPTIONS", "/v1/acme/sources/crm/triggers", asks)
    assert answer.headers["webhook-allowed-rate"] == "60"


# --- limits and bad days -----------------------------------------------------------------------------------------------

def test_a_body_over_512_kib_is_413_and_one_below_is_read_on_a_worker(hooked):
    hub = hooked()
    large = issue("Large", ballast="x" * 300_000)
    assert github(hub, large).status_code == 200
    assert github(hub, issue("Forged", ballast="x" * 300_000), "d-2", secret=OTHER).status_code == 401
    assert github(hub, issue("Too large", ballast="x" * 600_000), "d-3").status_code == 413
    assert hub.titles("ann") == ["Large"]


def test_a_source_that_takes_nothing_now_is_503_and_the_call_comes_again(new_hub):
    config = with_source(base(), "board", plugin="notice_source")
    hook = {"triggers": [{"type": "notice.{{body.what}}", "subject": "notice/1", "id": "{{body.id}}",
                          "data": {"to": "ann", "title": "{{body.id}}", "for_ms": 0}}]}
    hub = new_hub(with_hook(hook, config, "board", scheme="github"), clock=True)
    hub.env["BELFRY_TEST_INBOUND"] = SECRET
    hub.start()
    for i in range(3):
        github(hub, {"what": "slow", "id": f"slow-{i}"}, source="board")
    answer = github(hub, {"what": "posted", "id": "news"}, source="board")
    assert (answer.status_code, answer.content) == (503, b"") and int(answer.headers["retry-after"]) > 0
    assert refused(hub) == [] and calls(hub, "unavailable", "board") == 1
    hub.clock.advance("61s")
    assert github(hub, {"what": "posted", "id": "news"}, source="board").status_code == 200
    assert hub.titles("ann") == ["news"]


def test_a_commit_that_takes_too_long_is_503_and_counts_once(hooked):
    """The provider would have hung up; what was committed meanwhile is known when it comes again."""
    hub = hooked()
    other = sqlite3.connect(hub.data_dir / "belfry.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(github(hub, issue())))
    caller.start()
    until(lambda: answers, "the call is answered though nothing can be written")
    caller.join()
    other.execute("ROLLBACK")
    other.close()
    assert (answers[0].status_code, answers[0].content) == (503, b"") and answers[0].headers["retry-after"]
    until(lambda: hub.titles("ann") == ["It is broken"], "it went on by itself")
    assert github(hub, issue()).status_code == 200
    assert hub.titles("ann") == ["It is broken"] and calls(hub, "duplicate") == 1


def test_after_a_kill_it_was_answered_and_is_there_or_comes_again(hooked):
    hub = hooked()
    assert github(hub, issue()).status_code == 200
    hub.kill()
    hub.start()
    assert hub.titles("ann") == ["It is broken"]
    assert github(hub, issue()).status_code == 200
    assert hub.titles("ann") == ["It is broken"]


# --- what a mapping would make of a call -------------------------------------------------------------------------------

def explain(hub, hook, who=None, headers=None, source="crm"):
    return hub.post("/v1/acme/explain", headers or people.token("admin"),
                    json={"source": source, "hook": hook, **({"who": who} if who else {})})


def test_explain_shows_what_the_mapping_makes_and_who_would_be_told(hooked):
    hub = hooked()
    answer = explain(hub, {"headers": {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "d-9"}, "body": issue()})
    assert answer.status_code == 200, answer.text
    made = answer.json()["triggers"]
    assert [(t["type"], t["id"], t["subject"], t["time"]) for t in made] == [
        ("record.created", "d-9", "issue/7", "2026-11-20T10:00:00Z")]
    assert made[0]["data"]["record"]["fields"]["for"] == "ann"
    told = answer.json()["events"][0]
    assert told["event"]["type"] == "workflow.calm" and told["recipients"][0]["recipient"] == "ann"
    assert hub.events() == [] and hub.titles("ann") == [], "nothing was written"


def test_explain_of_a_list_and_of_nothing(hooked):
    hub = hooked(LIST)
    cases = {"cases": [{"id": i, "to": to, "name": to} for i, to in enumerate(["ann", "bob"])]}
    answer = explain(hub, {"body": json.dumps(cases)})
    assert [e["recipients"][0]["recipient"] for e in answer.json()["events"]] == ["ann", "bob"]
    nothing = explain(hub, {"body": {"cases": []}}).json()
    assert nothing["triggers"] == [] and nothing["events"] == []
    for hook, pointer in [({"body": {}}, None), ({"headers": {"a": 1}, "body": cases}, "/hook/headers"),
                          ({"headers": [], "body": cases}, "/hook/headers")]:
        wrong = explain(hub, hook)
        assert wrong.status_code == 422
        assert pointer is None or wrong.json()["errors"][0]["pointer"] == pointer
    assert explain(hub, {"body": cases}, source="erp").status_code == 422, "it has no hook"
    assert explain(hub, "text").status_code == 422
    assert explain(hub, {"body": cases}, headers=hub.person("ann")).status_code == 403


def test_the_command_takes_a_call_as_http_writes_it(hooked, tmp_path):
    hub = hooked()
    call = tmp_path / "call.http"
    call.write_text("POST /v1/acme/sources/crm/hook HTTP/1.1\r\nX-GitHub-Event: issues\r\n"
                    "X-GitHub-Delivery: d-7\r\n\r\n" + json.dumps(issue()))
    shown = hub.belfry("explain", str(call), "--source", "crm", "--org", "acme", "--hook")
    assert shown.returncode == 0, shown.stderr
    assert '"type":"record.created"' in shown.stdout and '"id":"d-7"' in shown.stdout and "ann" in shown.stdout
    call.write_text(json.dumps(issue()))
    ignored = hub.belfry("explain", str(call), "--source", "crm", "--org", "acme", "--hook")
    assert ignored.returncode == 0 and "no mapping of the hook is for this call" in ignored.stdout

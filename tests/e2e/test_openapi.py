# SPDX-License-Identifier: Apache-2.0
"""/openapi.json is what the hub does: its routes and no others, and answers that fit its schemas."""
import json
import re

import jsonschema
import pytest

from support import people
from support.config import base, endpoint, with_hooks
from support.events import case, cloud_event, created
from support.hub import BATCH, STRUCTURED
from support.paths import SRC
from support.wait import until

METHODS = {"get", "put", "post", "delete", "patch"}
TOKENS = {name: people.token(name) for name in people.TOKENS}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    config = with_hooks(base(), endpoint("nobody", "http://127.0.0.1:1/"))
    config["sources"]["hr-sync"] = {"plugin": "sync"}
    config["sources"]["billing"] = {"plugin": "invoice"}
    config["channels"]["mail"] = {"plugin": "email", "smtp": "smtp://127.0.0.1:1", "from": "notify@acme.example"}
    hub = Hub(tmp_path_factory.mktemp("openapi"), config, clock=True)  # which stands: nothing is tried again by itself
    try:
        hub.start()
        hub.send(case("ann", name="Documented"))
        hub.send(cloud_event("sync.progress", {"run": {"id": "8"}, "done": 1, "total": 2, "note": "x"}), "hr-sync")
        hub.send(cloud_event("sync.finished", {"run": {"id": "7", "kind": "import", "admin": "ann"}, "counts": {"a": 1},
                                               "outcome": "succeeded", "url": "/x", "log": "y"}), "hr-sync")
        hub.item = next(item["id"] for item in hub.items("ann") if item["source"] == "crm")
        hub.event = hub.events()[0]["id"]
        hub.delivery = until(lambda: hub.deliveries("?state=retrying"))[0]["id"]
        hub.endpoint = hub.get("/v1/acme/endpoints", TOKENS["reader"]).json()["items"][0]["id"]
        hub.made, hub.spare = (hub.post("/v1/acme/endpoints", TOKENS["endpoints"], json={"url": "https://shop.example/"})
                               .json()["id"] for _ in range(2))
        hub.document = hub.get("/openapi.json").json()
        yield hub
    finally:
        hub.show_log()
        hub.close()


def operations(hub):
    return {(method.upper(), path): operation for path, methods in hub.document["paths"].items()
            for method, operation in methods.items()}


# --- the document -------------------------------------------------------------------------------------------------

def test_it_needs_no_credential_and_is_json(hub):
    answer = hub.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["openapi"] == "3.1.0"
    assert hub.request("HEAD", "/openapi.json").status_code == 200


def test_every_route_is_documented(hub):
    """The paths come from the router, the summaries from the table: one without was forgotten there."""
    for (method, path), operation in operations(hub).items():
        assert operation.get("summary"), f"{method} {path} is not in core/hub/openapi_table.c"
        assert [code for code in operation["responses"] if code < "400"], f"{method} {path}"
        assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
        assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")


def test_everything_documented_is_a_route(hub):
    table = (SRC / "core/hub/openapi_table.c").read_text()
    found = re.findall(r'\{"([A-Z]+)", (V1 )?"([^"]+)"', table)
    documented = {(method, ("/v1/{org}/" if v1 else "") + path) for method, v1, path in found}
    assert len(documented) == len(found) > 30
    assert documented == set(operations(hub))


def test_references_lead_somewhere_and_nothing_lies_around(hub):
    used = set(re.findall(r'"#/components/(\w+/\w+)"', json.dumps(hub.document)))
    there = {f"{kind}/{name}" for kind in ["schemas", "responses"] for name in hub.document["components"][kind]}
    assert used == there
    for name, schema in hub.document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("required") is not None or "enum" in schema, name
    schemes = {name for operation in operations(hub).values() for need in operation["security"] for name in need}
    assert schemes == set(hub.document["components"]["securitySchemes"])


def test_the_routes_of_what_is_not_configured_are_not_there(new_hub):
    config = base()
    config["channels"] = {"hooks": {"plugin": "webhook"}}
    config["rules"] = []
    config["unmatched"] = {"deliver": ["hooks"]}
    other = new_hub(config).start()
    assert "/v1/{org}/notifications" not in other.get("/openapi.json").json()["paths"]
    config["channels"]["inbox"] = {"plugin": "in-app"}
    other.write_config()
    assert other.reload().status_code == 200
    assert "/v1/{org}/notifications" in other.get("/openapi.json").json()["paths"]


# --- what is answered ---------------------------------------------------------------------------------------------

def strict(schema):
    """The same, but with nothing that it does not name."""
    if isinstance(schema, dict):
        closed = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema:
            closed["additionalProperties"] = False
        return closed
    return [strict(one) for one in schema] if isinstance(schema, list) else schema


OPEN = ["Problem", "CloudEvent"]  # others may add members to these


def fits(hub, value, schema):
    all_ = hub.document["components"]["schemas"].items()
    schemas = {name: one if name in OPEN else strict(one) for name, one in all_}
    validator = jsonschema.Draft202012Validator({**schema, "components": {"schemas": schemas}},
                                                format_checker=jsonschema.FormatChecker())
    for error in validator.iter_errors(value):
        raise AssertionError(f"{error.json_path}: {error.message}\nin {json.dumps(value)[:2000]}")


def check(hub, method, pattern, answer, body=None):
    """The status, the media type and the body of an answer are as the document says; so is the body that was taken."""
    operation = operations(hub)[method, pattern]
    where = f"{method} {pattern} {answer.status_code} {answer.text[:300]}"
    documented = operation["responses"].get(str(answer.status_code))
    assert documented, where
    if "$ref" in documented:
        documented = hub.document["components"]["responses"]["Problem"]
    media = answer.headers.get("content-type", "").split(";")[0]
    assert (media in documented.get("content", {})) if answer.content else not documented.get("content"), where
    if media.endswith("json"):
        fits(hub, answer.json(), documented["content"][media]["schema"])
    if body is not None and answer.status_code < 300:
        fits(hub, body, operation["requestBody"]["content"]["application/json"]["schema"])


NOBODY = "00000000-0000-7000-8000-000000000000"
V1 = "/v1/{org}/"
ANN = "ann"  # a person signs in; the rest are tokens

# who, method, pattern, what stands for its parameters and after it, the body, the status
CALLS = [
    (ANN, "GET", V1 + "notifications", {}, "?severity=info&severity=error&read=all&limit=10", None, 200),
    (ANN, "GET", V1 + "notifications", {}, "?read=maybe", None, 400),
    (ANN, "GET", V1 + "notifications/count", {}, "", None, 200),
    (ANN, "GET", V1 + "notifications/{id}", {}, "", None, 200),
    (ANN, "GET", V1 + "notifications/{id}", {"id": NOBODY}, "", None, 404),
    (ANN, "POST", V1 + "notifications/{id}/read", {}, "", None, 200),
    (ANN, "POST", V1 + "notifications/{id}/unread", {}, "", None, 200),
    (ANN, "POST", V1 + "notifications/{id}/hide", {}, "", None, 200),
    (ANN, "POST", V1 + "notifications/{id}/unhide", {}, "", None, 200),
    (ANN, "POST", V1 + "notifications/bulk", {}, "", {"action": "read", "ids": [NOBODY]}, 200),
    (ANN, "POST", V1 + "notifications/bulk", {}, "",
     {"action": "read", "filter": {"read": "unread"}, "as_of_rev": 9}, 200),
    (ANN, "POST", V1 + "notifications/bulk", {}, "", {"action": "eat"}, 400),
    (ANN, "POST", V1 + "notifications/undo", {}, "", {"op": "x"}, 404),
    (ANN, "POST", V1 + "notifications/seen", {}, "", {"ids": [NOBODY]}, 204),
    (ANN, "POST", V1 + "notifications/{id}/actions/{action}", {"action": "approve"}, "", {}, 404),
    (ANN, "GET", "/{org}/notifications", {}, "", None, 200),
    (ANN, "GET", "/{org}/n/{id}", {}, "", None, 303),
    (ANN, "GET", "/{org}/n/{id}", {"id": NOBODY}, "", None, 404),
    ("reader", "GET", V1 + "sources/{source}/runs", {}, "?kind=sync&limit=1", None, 200),
    ("reader", "GET", V1 + "sources/{source}/runs", {}, "?outcome=good", None, 400),
    ("reader", "GET", V1 + "sources/{source}/runs/{id}", {"id": "7"}, "", None, 200),
    ("reader", "GET", V1 + "sources/{source}/runs/{id}", {"id": "8"}, "", None, 200),
    (ANN, "GET", V1 + "sources/{source}/runs/{id}", {"id": "8"}, "", None, 404),
    (ANN, "GET", "/{org}/runs", {}, "", None, 200),
    (ANN, "GET", "/{org}/runs/{source}", {}, "", None, 200),
    (ANN, "GET", "/{org}/runs/{source}/{id}", {"id": "7"}, "", None, 200),
    (ANN, "GET", "/{org}/runs/{source}/{id}", {"id": "8"}, "", None, 404),
    (ANN, "POST", V1 + "explain", {}, "", {"event": "{event}"}, 200),
    (ANN, "GET", V1 + "events", {}, "", None, 403),
    ("reader", "GET", V1 + "events", {}, "?limit=1&source=crm", None, 200),
    ("reader", "GET", V1 + "events", {}, "?limit=0", None, 400),
    ("reader", "GET", V1 + "events/{id}", {"id": "{event}"}, "", None, 200),
    ("reader", "GET", V1 + "events/{id}", {"id": NOBODY}, "", None, 404),
    ("reader", "POST", V1 + "explain", {}, "", {"event": "{event}"}, 200),
    ("admin", "POST", V1 + "templates/preview", {}, "", {"type": "record.assigned", "locale": "de"}, 200),
    ("admin", "POST", V1 + "templates/preview", {}, "", {"event": "{event}", "kind": "digest"}, 200),
    ("admin", "POST", V1 + "templates/preview", {}, "", {"type": "no.such", "template": {"text": "x"}}, 422),
    ("reader", "POST", V1 + "explain", {}, "", {"source": "crm", "trigger": case("ann")}, 200),
    ("reader", "POST", V1 + "explain", {}, "", {"source": "nothing", "trigger": {}}, 422),
    ("reader", "GET", V1 + "deliveries", {}, "?state=retrying", None, 200),
    ("reader", "GET", V1 + "deliveries", {}, "", None, 200),
    ("admin", "POST", V1 + "deliveries/{id}/retry", {"id": NOBODY}, "", None, 404),
    ("admin", "POST", V1 + "deliveries/{id}/retry", {"id": "{delivery}"}, "", None, 200),
    ("admin", "POST", V1 + "deliveries/{id}/cancel", {"id": NOBODY}, "", None, 404),
    ("reader", "GET", V1 + "events/{id}", {"id": "{event}"}, "?bodies=hidden", None, 200),
    ("reader", "GET", V1 + "events/{id}", {"id": "{event}"}, "?bodies=some", None, 400),
    ("admin", "POST", V1 + "events/{id}/reveal", {"id": "{event}"}, "", {"reason": "asked"}, 200),
    ("admin", "POST", V1 + "events/{id}/reveal", {"id": "{event}"}, "", {"reason": 7}, 422),
    ("admin", "POST", V1 + "events/{id}/reveal", {"id": NOBODY}, "", None, 404),
    ("reader", "GET", V1 + "deliveries", {}, "?event={event}&total=true&from=2020-01-01T00:00:00Z", None, 200),
    ("reader", "GET", V1 + "deliveries", {}, "?from=yesterday", None, 400),
    ("reader", "GET", V1 + "deliveries/{id}", {"id": "{delivery}"}, "", None, 200),
    ("reader", "GET", V1 + "deliveries/{id}", {"id": NOBODY}, "", None, 404),
    ("reader", "GET", V1 + "audit", {}, "?what=event.reveal&limit=5", None, 200),
    ("reader", "GET", V1 + "audit", {}, "?to=later", None, 400),
    ("reader", "GET", V1 + "suppressions", {}, "?reason=bounced&address=a@b.example&limit=5", None, 200),
    ("reader", "GET", V1 + "suppressions", {}, "?reason=odd", None, 400),
    ("admin", "DELETE", V1 + "suppressions", {}, "?address=who@acme.example", None, 404),
    ("admin", "DELETE", V1 + "suppressions", {}, "", None, 400),
    ("admin", "DELETE", V1 + "suppressions/{address}", {"address": "who@acme.example"}, "?category=news", None, 404),
    ("admin", "POST", V1 + "channels/{channel}/test", {"channel": "mail"}, "", {}, 502),
    ("admin", "POST", V1 + "channels/{channel}/test", {"channel": "mail"}, "", {"to": "stranger@evil.example"}, 422),
    ("reader", "GET", V1 + "overview", {}, "", None, 200),
    ("reader", "GET", V1 + "endpoints", {}, "", None, 200),
    ("reader", "GET", V1 + "endpoints/{id}", {"id": "{endpoint}"}, "", None, 200),
    ("reader", "GET", V1 + "endpoints/{id}", {"id": NOBODY}, "", None, 404),
    ("reader", "GET", V1 + "endpoints/{id}/attempts", {"id": "{endpoint}"}, "?limit=1", None, 200),
    ("reader", "GET", V1 + "endpoints", {}, "?enabled=true&owner=token:x", None, 200),
    ("reader", "GET", V1 + "endpoints", {}, "?enabled=odd", None, 400),
    ("endpoints", "POST", V1 + "endpoints", {}, "", {"url": "https://shop.example/hook"}, 201),
    ("endpoints", "POST", V1 + "endpoints", {}, "",
     {"url": "https://shop.example/2", "description": "x", "types": ["invoice.*"], "when": {"severity": "error"},
      "headers": {"X-A": "1"}, "format": "thin", "signatures": ["v1", "v1a"], "rate": 5, "concurrency": 2,
      "order": "fifo", "metadata": {"a": "b"}, "enabled": False, "secret": None}, 201),
    ("endpoints", "POST", V1 + "endpoints", {}, "", {"url": "ftp://x"}, 422),
    ("endpoints", "PATCH", V1 + "endpoints/{id}", {"id": "{made}"}, "", {"rate": None, "metadata": {"a": None}}, 200),
    ("endpoints", "PATCH", V1 + "endpoints/{id}", {"id": "{made}"}, "", {"rate": 0}, 422),
    ("endpoints", "PATCH", V1 + "endpoints/{id}", {"id": "{endpoint}"}, "", {"rate": 5}, 409),
    ("endpoints", "DELETE", V1 + "endpoints/{id}", {"id": "{endpoint}"}, "", None, 409),
    ("endpoints", "DELETE", V1 + "endpoints/{id}", {"id": NOBODY}, "", None, 404),
    ("endpoints", "POST", V1 + "endpoints/{id}/rotate", {"id": "{made}"}, "", {"overlap": 60, "reason": "x"}, 200),
    ("endpoints", "POST", V1 + "endpoints/{id}/rotate", {"id": "{made}"}, "", {"overlap": -1}, 422),
    ("endpoints", "POST", V1 + "endpoints/{id}/enable", {"id": "{made}"}, "", None, 200),
    ("endpoints", "POST", V1 + "endpoints/{id}/disable", {"id": "{spare}"}, "", {"reason": "x"}, 200),
    ("endpoints", "POST", V1 + "endpoints/{id}/test", {"id": "{made}"}, "", {"type": "record.assigned"}, 202),
    ("endpoints", "POST", V1 + "endpoints/{id}/test", {"id": "{made}"}, "", {"type": "no.such"}, 422),
    ("endpoints", "POST", V1 + "endpoints/{id}/recover", {"id": "{made}"}, "",
     {"since": "2026-01-01T00:00:00Z", "until": None}, 202),
    ("endpoints", "POST", V1 + "endpoints/{id}/recover", {"id": "{made}"}, "", {"since": "x"}, 422),
    ("endpoints", "GET", V1 + "endpoints/{id}/attempts", {"id": "{endpoint}"}, "?failed=true", None, 200),
    ("endpoints", "POST", V1 + "endpoints/{id}/attempts/{attempt}/resend", {"id": "{endpoint}", "attempt": NOBODY}, "",
     None, 404),
    ("reader", "GET", V1 + "plugins", {}, "", None, 200),
    ("reader", "GET", V1 + "categories", {}, "", None, 200),
    ("reader", "GET", V1 + "categories/{id}/audience", {"id": "CALC_BLOCKED"}, "?limit=2", None, 200),
    ("reader", "GET", V1 + "categories/{id}/audience", {"id": "none"}, "", None, 404),
    ("reader", "GET", V1 + "event-types", {}, "", None, 200),
    ("operator", "GET", "/v1/admin/audit", {}, "", None, 200),
    ("operator", "GET", "/v1/admin/feeds", {}, "", None, 200),
    ("admin", "POST", V1 + "deliveries/retry", {}, "", {"ids": ["{delivery}", NOBODY], "reason": "again"}, 200),
    ("admin", "POST", V1 + "deliveries/retry", {}, "", {"filter": {"state": "sending"}}, 422),
    ("admin", "POST", V1 + "deliveries/discard", {}, "", {"filter": {"event": "{event}"}, "expected": 7}, 409),
    ("admin", "POST", V1 + "deliveries/discard", {}, "",
     {"filter": {"state": "failed", "to": "2020-01-01T00:00:00Z"}, "expected": 0}, 200),
    ("users", "PUT", V1 + "users/{username}", {"username": "dora"}, "",
     {"name": "Dora", "email": None, "roles": ["a"]}, 200),
    ("users", "GET", V1 + "users/{username}", {"username": "dora"}, "", None, 200),
    ("users", "GET", V1 + "users/{username}", {"username": "ann"}, "", None, 200),
    ("users", "PUT", V1 + "users/{username}", {"username": "ann"}, "", {}, 409),
    ("users", "PUT", V1 + "users/{username}", {"username": "dora"}, "", {"email": "no"}, 422),
    ("users", "PUT", V1 + "users", {}, "?replace=false", {"items": [{"username": "dora"}]}, 200),
    ("users", "DELETE", V1 + "users/{username}", {"username": "dora"}, "", None, 204),
    ("users", "DELETE", V1 + "users/{username}", {"username": "dora"}, "", None, 404),
    ("operator", "GET", "/v1/admin/config", {}, "", None, 200),
    ("operator", "GET", "/v1/admin/plugins", {}, "", None, 200),
    ("operator", "POST", "/v1/admin/reload", {}, "", None, 200),
    ("operator", "POST", "/v1/admin/login-link", {}, "", {"org": "acme", "user": "ann"}, 200),
    ("operator", "POST", "/v1/admin/login-link", {}, "", {"org": "nowhere", "user": "ann"}, 422),
    ("operator", "POST", "/v1/admin/bounces", {}, "?recipient=x@y.example", {"no": "mail"}, 415),
    (None, "GET", "/{org}/u/{token}", {"token": "v1.x"}, "", None, 404),
    (None, "POST", "/{org}/u/{token}", {"token": "v1.x"}, "", {"List-Unsubscribe": "One-Click"}, 404),
    ("reader", "GET", "/v1/admin/config", {}, "", None, 403),
    (None, "GET", "/v1/admin/config", {}, "", None, 401),
    (None, "GET", "/{org}/session", {}, "?token=x", None, 401),
    (None, "GET", "/{org}/session", {}, "", None, 400),
    (None, "POST", "/{org}/session/end", {}, "", None, 403),
    (None, "GET", "/healthz", {}, "", None, 200),
    (None, "GET", "/readyz", {}, "", None, 200),
    (None, "GET", "/metrics", {}, "", None, 200),
    (None, "GET", "/openapi.json", {}, "", None, 200),
    (None, "GET", "/assets/{name}", {"name": "nothing"}, "", None, 404),
    (None, "GET", "/assets/{owner}/{name}", {"owner": "no", "name": "thing"}, "", None, 404),
    (None, "GET", "/{org}/notifications", {}, "", None, 401),
    (None, "GET", "/{org}/notifications", {"org": "nowhere"}, "", None, 401),
    (ANN, "GET", "/{org}/notifications", {"org": "nowhere"}, "", None, 404),
    ("reader", "GET", "/{org}/notifications", {}, "", None, 403),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda c: f"{c[1]} {c[2]} {c[0]} {c[6]} {c[4]}")
def test_answers_are_as_documented(hub, call):
    who, method, pattern, more, query, body, status = call
    fill = {"org": "acme", "source": "hr-sync", "id": hub.item, "event": hub.event, "delivery": hub.delivery,
            "endpoint": hub.endpoint, "made": hub.made, "spare": hub.spare}
    put = lambda text: re.sub(r"{(\w+)}", lambda m: fill[m[1]], text)  # noqa: E731
    path = re.sub(r"{(\w+)}", lambda m: put(more.get(m[1]) or fill[m[1]]), pattern) + put(query)
    body = json.loads(json.dumps(body).replace("{event}", hub.event).replace("{delivery}", hub.delivery))
    headers = hub.person(ANN) if who == ANN else TOKENS.get(who)
    if more.get("username") == "dora" and method != "PUT":  # each call stands for itself, whichever worker has it
        assert hub.request("PUT", path, headers, json={"name": "Dora"}).ok
        if status == 404:
            assert hub.request("DELETE", path, headers).ok
    answer = hub.request(method, path, headers, json=body)
    assert answer.status_code == status, answer.text
    check(hub, method, pattern, answer, body)


BAD = cloud_event("record.created", {"record": {}})


@pytest.mark.parametrize("kind,body,query,status", [
    (STRUCTURED, created(), "", 202), (BATCH, [created(), created()], "?partial=false", 202),
    (BATCH, [created(), BAD, 7], "?partial=true", 202), (STRUCTURED, {}, "", 400), (STRUCTURED, BAD, "", 422),
    ("text/plain", {}, "", 415), (BATCH, [created()] * 1001, "", 413), (BATCH, [], "?partial=x", 400),
], ids=["one", "batch", "partial", "none", "bad data", "text", "too many", "bad query"])
def test_triggers_are_as_documented(hub, kind, body, query, status):
    pattern = V1 + "sources/{source}/triggers"
    headers = {**TOKENS["crm"], "Content-Type": kind}
    answer = hub.post("/v1/acme/sources/crm/triggers" + query, headers, data=json.dumps(body))
    assert answer.status_code == status, answer.text
    check(hub, "POST", pattern, answer)
    if status == 202 and "true" not in query:
        fits(hub, body, operations(hub)["POST", pattern]["requestBody"]["content"][kind]["schema"])


def test_what_comes_back_by_mail_is_as_documented(hub):
    headers = {**TOKENS["operator"], "Content-Type": "message/rfc822"}
    answer = hub.post("/v1/admin/bounces", headers, data=b"Subject: hello\n\nworld\n")
    assert answer.status_code == 200
    check(hub, "POST", "/v1/admin/bounces", answer)


def test_probes_from_elsewhere(hub):
    for path in ["/healthz", "/readyz", "/metrics"]:
        check(hub, "GET", path, answer := hub.get(path, {"Via": "1.1 proxy"}))
        assert answer.status_code == 401


def test_assets_and_the_stream(hub):
    page = hub.get("/acme/notifications", hub.person(ANN)).text
    for path in re.findall(r'"(/assets/[^"]+)"', page):
        assert hub.get(path).status_code == 200
    check(hub, "GET", "/favicon.ico", hub.get("/favicon.ico"))
    answer = hub.get("/v1/acme/stream", hub.person(ANN), stream=True)
    documented = operations(hub)["GET", V1 + "stream"]["responses"]["200"]["content"]
    assert answer.headers["content-type"].split(";")[0] in documented
    answer.close()


# --- bodies that are none -----------------------------------------------------------------------------------------

HOSTILE = {
    "nothing": b"", "half": b'{"items":[', "a list": b"[]", "a number": b"7", "text after it": b'{} {}',
    "no UTF-8": b'{"a":"\xff"}',
    "overlong": b'{"a":"\xc0\xaf"}', "half a pair": b'{"a":"\\ud800"}', "a key twice": b'{"a":1,"a":1}',
    "NUL": b'{"a\\u0000":1}',
    "deep": b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deep lists": b"[" * 50_000 + b"]" * 50_000,
    "deep in a field": b'{"items":' + b"[" * 5_000 + b"]" * 5_000 + b',"ids":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "10 MB": b'{"a":"' + b"x" * (10 << 20) + b'"}',
}
MAY = {"trigger": "crm", "users": "users", "read": "reader", "admin": "admin", "operator": "operator"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_every_route_that_takes_json_refuses_what_is_none(hub, kind):
    asked = 0
    for (method, pattern), operation in operations(hub).items():
        media = [m for m in operation.get("requestBody", {}).get("content", {}) if m.endswith("json")]
        may_be_empty = ("/actions/{action}", "/reveal", "}/retry", "}/cancel", "}/test", "}/enable", "}/disable", "}/rotate",
                        "/resend", "/portal-links")
        optional = pattern.endswith(may_be_empty) and kind == "nothing"
        if not media or optional:
            continue
        who, needs = next(iter(operation["security"][0].items()))
        headers = hub.person("root") if who == "person" else TOKENS[MAY[needs[0]]]
        fill = {"org": "acme", "source": "crm", "id": hub.item, "action": "approve", "username": "somebody",
                "channel": "mail", "attempt": NOBODY}
        path = re.sub(r"{(\w+)}", lambda m: fill[m[1]], pattern)
        answer = hub.request(method, path, {**headers, "Content-Type": media[0]}, data=HOSTILE[kind])
        fine = (413,) if kind == "10 MB" else (400, 413)
        assert answer.status_code in fine, f"{method} {pattern} {answer.status_code} {answer.text}"
        check(hub, method, pattern, answer)
        asked += 1
    assert asked >= 8
    assert hub.ready()

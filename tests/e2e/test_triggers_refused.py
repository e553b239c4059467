# SPDX-License-Identifier: Apache-2.0
"""What is refused: with the right status, a problem that names the field, and without a trace."""
import json

import pytest

from support import people
from support.events import case, cloud_event, created
from support.hub import BATCH, STRUCTURED

CRM = "/v1/acme/sources/crm/triggers"


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def post(hub, body, content_type=STRUCTURED, path=CRM, headers=None):
    return hub.post(path, {**(headers or people.token("crm")), "Content-Type": content_type}, data=body)


def problem(answer, status):
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    document = answer.json()
    assert document["status"] == status and document["title"]
    return document


def pointers(answer, status=422):
    return [error["pointer"] for error in problem(answer, status)["errors"]]


# --- 400: what is no CloudEvent ---------------------------------------------------------------------------------

WHOLE = {"specversion": "1.0", "id": "1", "source": "/tests", "type": "record.created", "data": {}}


@pytest.mark.parametrize("body", [
    b"", b"{", b"nonsense", b"[]", b'"text"', b"null", b'{"specversion":"1.0"}{}', b'{"a":1,}',
    b'{"specversion":"1.0","id":"\xff\xfe","source":"/s","type":"t"}',
    b'{"specversion":"1.0","id":"\xc0\xaf","source":"/s","type":"t"}',
    b'{"specversion":"1.0","id":"\\ud800","source":"/s","type":"t"}',
    b'{"specversion":"1.0","id":"a","id":"b","source":"/s","type":"t"}',
], ids=repr)
def test_malformed_json(hub, body):
    problem(post(hub, body), 400)


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
def test_a_missing_attribute_is_named(hub, name):
    event = {key: value for key, value in WHOLE.items() if key != name}
    assert f"/{name}" in pointers(post(hub, json.dumps(event)), 400)


@pytest.mark.parametrize("name,value", [
    ("specversion", "0.3"), ("specversion", 1), ("id", ""), ("id", 7), ("type", ""), ("source", ""),
    ("time", "yesterday"), ("time", 12), ("data_base64", "not base64!"),
])
def test_a_bad_attribute_is_named(hub, name, value):
    event = {**WHOLE, name: value}
    if name == "data_base64":
        del event["data"]
    assert f"/{name}" in pointers(post(hub, json.dumps(event)), 400)


def test_a_fault_in_a_batch_names_the_index(hub):
    batch = [created(), {**created(), "specversion": "2.0"}]
    assert "/1/specversion" in pointers(post(hub, json.dumps(batch), BATCH), 400)
    problem(post(hub, b'{"no":"array"}', BATCH), 400)


def test_binary_mode_needs_its_headers(hub):
    headers = {**people.token("crm"), "ce-id": "1", "ce-source": "/s", "ce-specversion": "1.0"}
    assert "/type" in pointers(post(hub, b"{}", "application/json", headers=headers), 400)
    headers = {**people.token("crm"), "ce-id": "%C0%A0", "ce-source": "/s", "ce-specversion": "1.0", "ce-type": "t"}
    assert "/id" in pointers(post(hub, b"{}", "application/json", headers=headers), 400)


def test_deep_nesting_is_refused(hub):
    deep = b'{"specversion":"1.0","id":"deep","source":"/s","type":"record.created","data":' + \
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}"
    problem(post(hub, deep), 400)
    problem(post(hub, b"[" * 50_000 + b"]" * 50_000, BATCH), 400)
    nested = "[" * 60 + "]" * 60
    event = json.dumps(created()).replace('"fields": {}', '"fields": {"deep": %s}' % nested)
    assert post(hub, event).status_code == 202, "what a depth of 64 can hold is taken"


# --- 401, 403, 404, 405 ---------------------------------------------------------------------------------------------

def test_credentials(hub):
    body = json.dumps(created())
    answer = hub.post(CRM, {"Content-Type": STRUCTURED}, data=body)
    problem(answer, 401)
    assert "bearer" in answer.headers.get("www-authenticate", "").lower()
    problem(post(hub, body, headers=people.bearer("token-of-nobody-at-all")), 401)
    problem(post(hub, body, headers=people.bearer("")), 401)
    problem(post(hub, body, headers={"Authorization": "Basic dXNlcjpwYXNz"}), 401)
    problem(post(hub, body, headers=people.token("reader")), 403)
    problem(post(hub, body, path="/v1/acme/sources/erp/triggers"), 403)


@pytest.mark.parametrize("path", [
    "/v1/acme/sources/nothing/triggers", "/v1/nowhere/sources/crm/triggers", "/v1/globex/sources/crm/triggers",
    "/v1/acme/sources//triggers", "/v1/acme/sources/crm", "/v1/acme/sources/crm/triggers/", "/v2/acme/sources/crm/triggers",
    "/v1/%2e%2e/sources/crm/triggers", "/v1/acme%00/sources/crm/triggers", "/v1/ACME/sources/crm/triggers",
])
def test_unknown_places(hub, path):
    token = people.token("all") if "nothing" in path or "nowhere" in path else people.token("crm")
    assert post(hub, json.dumps(created()), path=path, headers=token).status_code in (404, 400)


def test_wrong_method(hub):
    for method in ["GET", "PUT", "DELETE", "PATCH"]:
        answer = hub.request(method, CRM, people.token("crm"))
        problem(answer, 405)
        assert answer.headers["allow"] == "POST, OPTIONS"
    answer = hub.request("HEAD", CRM, people.token("crm"))
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "POST, OPTIONS", b"")


# --- 413, 415 ---------------------------------------------------------------------------------------------------------

def big(kib):
    return case("ann", name="x" * (kib * 1024))


def test_the_largest_event(hub):
    assert post(hub, json.dumps(big(500))).status_code == 202
    document = problem(post(hub, json.dumps(big(520))), 413)
    assert "524288" in document["detail"]


def test_a_large_event_in_a_batch_is_named(hub):
    answer = post(hub, json.dumps([created(), created(), big(520)]), BATCH)
    assert pointers(answer, 413) == ["/2"]
    answer = post(hub, json.dumps([big(520), {}]), BATCH)
    assert pointers(answer, 413)[0] == "/0"


def test_a_large_request(hub):
    problem(post(hub, b"x" * (10 << 20)), 413)
    assert hub.get("/healthz").status_code == 200


def test_a_large_request_in_chunks(hub):
    def chunks():
        for _ in range(160):
            yield b"x" * 65536

    try:
        answer = post(hub, chunks())
        assert answer.status_code == 413
    except OSError:  # requests: the hub may answer and hang up before all is sent
        pass
    assert hub.get("/healthz").status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/cloudevents+xml",
                                          "application/cloudevents-batch+xml", "multipart/form-data"])
def test_unknown_media_types(hub, content_type):
    problem(post(hub, json.dumps(created()), content_type), 415)


def test_no_media_type(hub):
    """Binary mode, then: the headers are missed, not the type."""
    answer = hub.post(CRM, people.token("crm"), data=json.dumps(created()).encode())
    assert pointers(answer, 400) == ["/specversion", "/id", "/source", "/type"]


def test_data_that_is_no_json(hub):
    assert pointers(post(hub, json.dumps({**created(), "datacontenttype": "text/csv"})), 415) == ["/datacontenttype"]
    batch = [created(), {**created(), "datacontenttype": "text/csv"}]
    assert pointers(post(hub, json.dumps(batch), BATCH), 415) == ["/1/datacontenttype"]


# --- 422: what the source cannot use ------------------------------------------------------------------------------------

@pytest.mark.parametrize("data,pointer", [
    (None, "/data"),
    ({}, "/data/record"),
    ({"record": {}}, "/data/record/object"),
    ({"record": {"object": "Lead"}}, "/data/record/id"),
    ({"record": {"object": 7, "id": "1", "owner": "ann", "created_by": "bob"}}, "/data/record/object"),
    ({"record": {"object": "Lead", "id": "1", "owner": ["ann"], "created_by": "bob"}}, "/data/record/owner"),
    ({"record": {"object": "Lead", "id": "1", "owner": "a/b", "created_by": "bob"}}, "/data/record/owner"),
    ({"record": {"object": "Lead", "id": "1", "owner": "ann", "created_by": "bob", "fields": []}}, "/data/record/fields"),
    ({"record": {"object": "Lead", "id": "1", "owner": "ann", "created_by": "bob", "url": "javascript:alert(1)"}},
     "/data/record/url"),
])
def test_data_is_named_by_pointer(hub, data, pointer):
    assert pointer in pointers(hub.post_trigger(cloud_event("record.created", data)))


def test_the_pointer_is_the_same_in_all_modes(hub):
    record = {"object": 7, "id": "1", "url": "https://a.example", "owner": "ann", "created_by": "bob", "fields": {}}
    event = cloud_event("record.created", {"record": record})
    assert pointers(hub.post_trigger(event)) == ["/data/record/object"]
    assert pointers(hub.post_trigger([created(), event])) == ["/1/data/record/object"]
    headers = {**people.token("crm"), **{f"ce-{name}": value for name, value in event.items() if name != "data"}}
    answer = post(hub, json.dumps(event["data"]), "application/json", headers=headers)
    assert pointers(answer) == ["/data/record/object"]


@pytest.mark.parametrize("data", ['{"record":{"object":"A","object":"A"}}',
                                  '{"record":{"fields":{"a":1,"b":[{"c":1,"c":2}]}}}',
                                  '{"record":{},"r\\u0065cord":{}}'])
def test_duplicate_keys_are_refused_at_any_depth_in_all_modes(hub, data):
    head = '{"specversion":"1.0","id":"dup","source":"/s","type":"record.created","data":'
    assert "duplicate" in problem(post(hub, head + data + "}"), 400)["detail"]
    assert "duplicate" in problem(post(hub, "[" + head + data + "}]", BATCH), 400)["detail"]
    headers = {**people.token("crm"), "ce-id": "dup", "ce-source": "/s", "ce-type": "record.created",
               "ce-specversion": "1.0"}
    answer = post(hub, data, "application/json", headers=headers)
    assert pointers(answer, 400) == ["/data"] and "duplicate" in answer.text


def test_a_type_that_the_source_does_not_know(hub):
    assert pointers(hub.post_trigger(cloud_event("record.painted", {}))) == ["/type"]


def test_nothing_of_what_was_refused_is_kept(hub):
    before = hub.metrics()
    event = cloud_event("record.created", {"record": {"object": "Lead", "id": "x"}}, id="refused-first")
    assert hub.post_trigger(event).status_code == 422
    assert hub.post_trigger({**created(), "id": "refused-first"}).json()["accepted"][0]["status"] == "accepted"
    after = hub.metrics()
    assert after["belfry_events_total"] == before["belfry_events_total"] + 1

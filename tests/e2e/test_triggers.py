# SPDX-License-Identifier: Apache-2.0
"""Triggers come in by CloudEvents in all modes, and are answered as http-api says, to the letter."""
import json

import pytest

from support import people
from support.config import base, endpoint, with_hooks
from support.events import case, cloud_event, created
from support.hub import BATCH, STRUCTURED

CRM = "/v1/acme/sources/crm/triggers"


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def binary(event, **more):
    headers = {f"ce-{name}": value for name, value in event.items() if name != "data"}
    headers["Content-Type"] = "application/json"
    return {**people.token("crm"), **headers, **more}, json.dumps(event["data"]).encode()


def test_structured(hub):
    event = created(event_id="structured-1")
    answer = hub.post_trigger(event, headers=people.token("crm"))
    assert answer.status_code == 202
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == {"accepted": [{"id": "structured-1", "status": "accepted", "events": 1}]}


def test_binary(hub):
    event = created(owner="bob", fields={"name": "Binary Lead"}, event_id="binary-1")
    headers, body = binary(event, **{"ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80"})
    answer = hub.post(CRM, headers, data=body)
    assert (answer.status_code, answer.json()) == (
        202, {"accepted": [{"id": "binary-1", "status": "accepted", "events": 1}]})
    assert any("Binary Lead" in title for title in hub.titles("bob"))


def test_batch(hub):
    batch = [created(event_id=f"batch-{i}", owner="ann") for i in range(3)]
    assert hub.post_trigger(batch, headers=people.token("crm")).json() == {
        "accepted": [{"id": f"batch-{i}", "status": "accepted", "events": 1} for i in range(3)]}


def test_empty_batch(hub):
    answer = hub.post_trigger([])
    assert (answer.status_code, answer.json()) == (202, {"accepted": []})


def test_a_trigger_that_concerns_nobody_makes_no_event(hub):
    answer = hub.post_trigger(created(owner="ann", created_by="ann", event_id="nobody-1"))
    assert answer.json() == {"accepted": [{"id": "nobody-1", "status": "accepted", "events": 0}]}


@pytest.mark.parametrize("content_type", [
    "application/cloudevents+json", "application/cloudevents+json;charset=utf-8",
    "application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON"])
def test_content_types_that_senders_write(hub, content_type):
    headers = {**people.token("crm"), "Content-Type": content_type}
    assert hub.post(CRM, headers, data=json.dumps(created())).status_code == 202


def test_the_same_trigger_again_is_a_duplicate(hub):
    event = case("mona", name="Told once", event_id="twice")
    assert hub.send(event)[0]["status"] == "accepted"
    again = hub.post_trigger(event)
    assert again.status_code == 202
    assert again.json()["accepted"][0]["id"] == "twice"
    assert again.json()["accepted"][0]["status"] == "duplicate"
    assert hub.titles("mona").count("Told once") == 1


def test_identity_is_org_source_ce_source_and_id(hub):
    event = case("ann", event_id="who-am-i")
    assert hub.send(event)[0]["status"] == "accepted"
    assert hub.send({**event, "source": "/another"})[0]["status"] == "accepted"
    assert hub.send(event, source="erp")[0]["status"] == "accepted"
    assert hub.send(event, org="globex")[0]["status"] == "accepted"
    for again in [hub.send(event), hub.send({**event, "source": "/another"}), hub.send(event, source="erp"),
                  hub.send(event, org="globex")]:
        assert again[0]["status"] == "duplicate"


def test_the_same_id_twice_in_a_batch_counts_once(hub):
    event = case("mona", name="Twice in a batch", event_id="twins")
    assert [i["status"] for i in hub.send([event, event])] == ["accepted", "duplicate"]
    assert hub.titles("mona").count("Twice in a batch") == 1


def test_a_batch_is_all_or_nothing(hub):
    good, bad = case("mona", name="Half a batch", event_id="half-1"), cloud_event("record.created", {"record": {}})
    answer = hub.post_trigger([good, bad])
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers and all(pointer.startswith("/1/data/record/") for pointer in pointers), pointers
    assert "Half a batch" not in hub.titles("mona")
    assert hub.send(good)[0]["status"] == "accepted", "a refused batch leaves no trace, so the id is free"


def test_a_partial_batch_answers_each(hub):
    good = case("mona", name="The good half", event_id="good-half")
    bad = cloud_event("record.created", {"record": {"object": "Lead"}}, id="bad-half")
    headers = {**people.token("crm"), "Content-Type": BATCH}
    answer = hub.post(CRM + "?partial=true", headers, data=json.dumps([good, bad, good]))
    assert answer.status_code == 202
    first, second, third = answer.json()["accepted"]
    assert (first["id"], first["status"]) == ("good-half", "accepted")
    assert third["status"] == "duplicate"
    assert second["id"] == "bad-half" and second["status"] == "refused" and second["problem"]["status"] == 422
    assert all(e["pointer"].startswith("/1/data/record/") for e in second["problem"]["errors"])
    assert "The good half" in hub.titles("mona")


def test_a_malformed_item_of_a_partial_batch_says_what_it_would_have_said_alone(hub):
    good = case("mona", event_id="beside-malformed")
    bad = [({"specversion": "1.0", "id": "no-type", "source": "/s"}, 400, "/type"), (7, 400, ""),
           ({**created(), "datacontenttype": "text/xml"}, 415, "/datacontenttype"),
           (case("mona", name="x" * 530_000), 413, "")]
    headers = {**people.token("crm"), "Content-Type": BATCH}
    body = json.dumps([good, *[item for item, _, _ in bad]])
    answer = hub.post(CRM + "?partial=true", headers, data=body)
    assert answer.status_code == 202, answer.text
    first, *others = answer.json()["accepted"]
    assert first["status"] == "accepted"
    for i, ((_, status, pointer), item) in enumerate(zip(bad, others, strict=True), 1):
        assert (item["status"], item["problem"]["status"]) == ("refused", status)
        assert [e["pointer"] for e in item["problem"]["errors"]] == [f"/{i}{pointer}"]


def test_partial_is_true_or_false(hub):
    headers = {**people.token("crm"), "Content-Type": BATCH}
    bad = json.dumps([{"specversion": "1.0"}])
    assert hub.post(CRM + "?partial=false", headers, data=bad).status_code == 400
    for value in ["1", "yes", "", "%ff"]:
        answer = hub.post(CRM + f"?partial={value}", headers, data=bad)
        assert answer.status_code == 400 and "partial" in answer.json()["detail"], answer.text


def test_optional_fields_may_be_absent_or_null(hub):
    event = created(fields={"name": "With nulls", "rating": None})
    event["data"]["record"]["extra"] = {"kept": [1, 2, {"deep": None}]}
    assert hub.send(event)[0]["status"] == "accepted"


def test_the_bytes_of_the_data_are_kept_as_sent(new_hub, receiver):
    """Spaces, escapes, the spelling of numbers, the order of members: what leaves is what came, in all modes."""
    hub = new_hub(with_hooks(base(), endpoint("local", receiver.url()))).start()
    record = '{ "record" : {"object":"Lead","id":"%d","owner":"ann","url":"https://a.example/%d","created_by":"bob",' \
        '"fields":{"z":  1.0e2 ,"a":0.10,"\\u0062":"\\u00e4\\/\\ud83d\\ude00","d":-0, "e":9007199254740993}}\t}'
    data = [record % (i, i) for i in range(4)]

    def wrap(i):
        return '{"specversion":"1.0","data": %s ,"id":"kept-%d","source":"/s","type":"record.created"}' % (data[i], i)

    crm = people.token("crm")
    head = {"ce-specversion": "1.0", "ce-id": "kept-0", "ce-source": "/s", "ce-type": "record.created"}
    answers = [hub.post(CRM, {**crm, **head, "Content-Type": "application/json"}, data=data[0]),
               hub.post(CRM, {**crm, "Content-Type": STRUCTURED}, data=wrap(1)),
               hub.post(CRM, {**crm, "Content-Type": BATCH}, data=f" [ {wrap(2)} ,\n{wrap(3)}] ")]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    sent = [delivery.body.decode() for delivery in receiver.wait(4)]
    for text in data:
        assert sum(f'"object":{text}' in body for body in sent) == 1, text


def test_a_thousand_in_a_batch_and_no_more(hub):
    def lead(i):
        return created(owner="carl", created_by="carl", id=f"k{i}")

    batch = [lead(i) for i in range(1000)]
    assert len(hub.send(batch)) == 1000
    answer = hub.post_trigger(batch + [lead(1000)])
    assert answer.status_code == 413, answer.text


def test_what_was_answered_can_be_read_at_once(hub):
    for i in range(20):
        hub.send(case("bob", name=f"Read your writes {i}"))
        assert f"Read your writes {i}" in hub.titles("bob"), "every request after an answered write sees it"


def test_a_person_cannot_post_triggers(hub):
    headers = {**hub.person("ann"), "Content-Type": STRUCTURED}
    answer = hub.post(CRM, headers, data=json.dumps(created()))
    assert answer.status_code == 403
    assert "trigger:crm" in answer.json()["detail"]

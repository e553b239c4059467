# SPDX-License-Identifier: Apache-2.0
"""What an endpoint may ask for: formats, headers, several secrets, consent first, rest when it has too much to do."""
import json
import urllib.parse

import pytest

from support import people
from support.config import OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET, base, with_hooks
from support.endpoints import Endpoints
from support.events import created
from support.wait import stays, until

SEED = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="


@pytest.fixture
def start(new_hub, receiver):
    """A hub that sends everything of crm to the endpoints; public_url is another name than it listens on."""
    def start(*endpoints, clock=False, **options):
        config = with_hooks(base(), *endpoints, source="crm", **options)
        config["hub"]["public_url"] = "https://belfry.example.org:8443"
        return new_hub(config, clock).start()
    return start


def attempts(hub, endpoint=None):
    """Of the one endpoint, newest first, as the API tells them."""
    reader = people.token("reader")
    endpoint = endpoint or hub.get("/v1/acme/endpoints", reader).json()["items"][0]["id"]
    return hub.get(f"/v1/acme/endpoints/{endpoint}/attempts", reader).json()["items"]


def only(hub):
    one, = hub.deliveries("?channel=hooks")
    return one


# --- formats


@pytest.mark.parametrize("format", ["standard", "thin", "cloudevents-structured", "cloudevents-binary"])
def test_the_same_bytes_on_each_attempt(start, receiver, format):
    receiver.answer("/local", 500, 200)
    hub = start(receiver.endpoint(format=format), clock=True)
    hub.send(created(fields={"name": "Ünï \"code\"", "amount": 1.5}, id="42"))
    receiver.wait(1)
    until(lambda: only(hub)["state"] == "retrying")
    hub.clock.advance("10s")
    first, second = receiver.wait(2)
    assert first.body == second.body and first.id == second.id and first.timestamp < second.timestamp
    assert first.verifies() and second.verifies()
    assert first.headers["content-type"] == second.headers["content-type"]
    until(lambda: only(hub)["state"] == "delivered")
    shown = [a["record"]["request"] for a in attempts(hub)]
    assert [r["body"].encode() for r in shown] == [first.body] * 2, "the log of attempts shows what went out"
    assert not any("body_of" in r or r.get("truncated") for r in shown)
    said = [{name: value for name, value in d.headers.items() if name.startswith("ce-")} for d in (first, second)]
    assert said[0] == said[1] and bool(said[0]) == (format == "cloudevents-binary")


def test_cloudevents(start, receiver):
    """Both modes tell the same event, and its data is that of the standard body."""
    hub = start(receiver.endpoint("standard"), receiver.endpoint("structured", format="cloudevents-structured"),
                receiver.endpoint("binary", format="cloudevents-binary"))
    hub.send(created(fields={"name": "Ünï"}, id="42"))
    standard, = receiver.wait(1, "/standard")
    structured, = receiver.wait(1, "/structured")
    binary, = receiver.wait(1, "/binary")
    assert structured.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert binary.headers["content-type"] == "application/json"
    event = structured.json()
    data = standard.json()["data"]
    assert event.pop("data") == data == binary.json()
    assert event.pop("datacontenttype") == "application/json"
    assert {name.removeprefix("ce-"): urllib.parse.unquote(value) for name, value in binary.headers.items()
            if name.startswith("ce-")} == event
    assert event == {"specversion": "1.0", "id": data["id"], "source": "/v1/acme/sources/crm",
                     "type": "record.assigned", "subject": "record/Lead/42", "time": standard.json()["timestamp"],
                     "org": "acme", "category": "workflow", "severity": "info"}
    assert binary.body in standard.body, "as it is stored"


def test_thin_says_where_to_ask(start, receiver):
    hub = start(receiver.endpoint(format="thin"))
    hub.send(created(fields={"name": "secret name"}))
    got, = receiver.wait(1)
    body = got.json()
    assert set(body) == {"type", "timestamp", "data"} and b"secret name" not in got.body
    url = urllib.parse.urlsplit(body["data"]["url"])
    assert (url.scheme, url.netloc) == ("https", "belfry.example.org:8443")
    event = hub.get(url.path, people.token("reader"))
    assert event.status_code == 200 and "secret name" in event.text
    assert event.json()["event"]["id"] == body["data"]["id"]
    assert hub.get(url.path).status_code == 401


@pytest.mark.parametrize("format", ["standard", "cloudevents-structured", "cloudevents-binary"])
def test_the_log_shows_20_kB_of_a_long_body(start, receiver, format):
    hub = start(receiver.endpoint(format=format))
    hub.send(created(fields={"name": "long", "text": "ä" * 30000}))
    got, = receiver.wait(1)
    until(lambda: only(hub)["state"] == "delivered")
    request = attempts(hub)[0]["record"]["request"]
    assert request["truncated"] is True and 19990 <= len(request["body"].encode()) <= 20000
    assert got.body.startswith(request["body"].encode()) and len(got.body) > 60000


# --- headers and secrets


def test_headers_go_out_and_stay_secret(start, receiver):
    receiver.answer("/local", (200, {"X-Auth-Hint": "do-not-tell"}))
    hub = start(receiver.endpoint(headers={"Authorization": "Bearer let-me-in", "X-Team": "crm"}))
    hub.send(created())
    got, = receiver.wait(1)
    assert got.headers["authorization"] == "Bearer let-me-in" and got.headers["x-team"] == "crm"
    assert "webhook-request-origin" not in got.headers
    until(lambda: only(hub)["state"] == "delivered")
    record = attempts(hub)[0]["record"]
    assert record["request"]["method"] == "POST"
    assert record["request"]["headers"]["Authorization"] == "***"
    assert record["request"]["headers"]["X-Team"] == "crm"
    assert record["request"]["headers"]["webhook-signature"] == "***"
    assert record["response"]["headers"]["x-auth-hint"] == "***"
    assert "let-me-in" not in hub.log() + json.dumps(attempts(hub)) + json.dumps(hub.deliveries())


def test_several_secrets_sign(start, receiver):
    """Each receiver of a rotation verifies with the one that it has; v1a comes last."""
    one = receiver.endpoint(signatures=["v1", "v1a"])
    one["secret"] = [one["secret"], "${env:BELFRY_TEST_OTHER_HOOK}", SEED]
    hub = start(one)
    hub.send(created())
    got, = receiver.wait(1)
    assert got.verifies(WEBHOOK_SECRET) and got.verifies(OTHER_WEBHOOK_SECRET)
    kinds = [signature.split(",")[0] for signature in got.headers["webhook-signature"].split(" ")]
    assert kinds == ["v1", "v1", "v1a"]
    for secret in (WEBHOOK_SECRET, OTHER_WEBHOOK_SECRET, SEED):
        assert secret.split("_")[1] not in hub.log()


def test_v1a_without_a_key_is_refused_at_the_start_and_at_a_reload(start, receiver):
    hub = start(receiver.endpoint())
    hooks = hub.config["channels"]["hooks"]
    hooks["endpoints"][0]["signatures"] = ["v1a"]
    hub.write_config(hub.config)
    answer = hub.reload()
    assert answer.status_code == 422 and "whsk_$(openssl rand -base64 32)" in answer.text
    hub.send(created())
    assert receiver.wait(1)[0].verifies(), "the last good configuration goes on"


# --- consent


def test_consent_first(start, receiver):
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "belfry.example.org", "WebHook-Allowed-Rate": "*"}))
    hub = start(receiver.endpoint(handshake=True, rate=600))
    for i in range(3):
        hub.send(created(event_id=f"e{i}"))
    got = receiver.wait(3)
    asked, = receiver.asked
    assert asked.headers["webhook-request-origin"] == "belfry.example.org"
    assert asked.headers["webhook-request-rate"] == "600"
    assert {d.headers["webhook-request-origin"] for d in got} == {"belfry.example.org"}
    assert all(d.verifies() for d in got)
    hub.restart()
    hub.send(created())
    receiver.wait(4)
    assert len(receiver.asked) == 2, "asked again at the start"


def test_nothing_goes_out_without_consent(start, receiver):
    """Nothing is lost, no attempt is used up, and it leaves when the receiver agrees."""
    hub = start(receiver.endpoint(handshake=True), clock=True)
    hub.send(created())
    until(lambda: only(hub)["state"] == "retrying")
    assert "gave no consent" in only(hub)["detail"] and "405" in only(hub)["detail"]
    assert attempts(hub) == [], "nothing was attempted"
    hub.send(created())
    hub.clock.advance("4m")
    assert len(receiver.asked) == 1 and receiver.deliveries == []
    assert [d["attempts"] for d in hub.deliveries("?channel=hooks")] == [0, 0]
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "*"}))
    hub.clock.advance("2m")
    receiver.wait(2)
    until(lambda: {d["state"] for d in hub.deliveries("?channel=hooks")} == {"delivered"})
    assert len(receiver.asked) == 2


def test_consent_that_a_test_obtains_is_for_all(start, receiver):
    """And one that is refused to a test is said in its attempt; what waits goes on waiting."""
    hub = start(receiver.endpoint(handshake=True), clock=True)
    hub.send(created())
    until(lambda: only(hub)["state"] == "retrying")
    hub.send(created(event_id="waits"))
    hub.clock.advance("15s")
    api = Endpoints(hub)
    id = api.list()[0]["id"]
    refused = api.do(id, "test")["delivery"]
    attempt, = until(lambda: api.attempts(id))
    assert attempt["delivery"] == refused and "gave no consent" in attempt["detail"]
    assert len(receiver.asked) == 2 and receiver.deliveries == []
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "*"}))
    hub.clock.advance("15s")
    sent = api.do(id, "test")
    first, second = receiver.wait(2)
    assert first.id == sent["webhook_id"] and "test" not in second.json()["data"]
    assert len(receiver.asked) == 3


def test_who_mended_the_receiver_does_not_wait(start, receiver):
    """Enabling the endpoint asks at once."""
    hub = start(receiver.endpoint(handshake=True), clock=True)
    hub.send(created())
    until(lambda: only(hub)["state"] == "retrying")
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "*"}))
    hub.clock.advance("15s")
    assert len(receiver.asked) == 1 and receiver.deliveries == []
    api = Endpoints(hub)
    api.do(api.list()[0]["id"], "enable")
    hub.send(created())
    receiver.wait(1)
    assert len(receiver.asked) == 2


def test_the_rate_that_a_receiver_allows(start, receiver):
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "2"}))
    hub = start(receiver.endpoint(handshake=True), clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: only(hub)["state"] == "delivered")
    hub.clock.advance("30s")
    hub.send([created(event_id=f"e{i}") for i in range(4)])
    for count in (2, 3, 4, 5):
        receiver.wait(count)
        hub.clock.advance("25s")
        assert len(receiver.deliveries) == count, "two a minute"
        hub.clock.advance("6s")


def test_the_delivery_that_asked_counts_among_those_that_are_allowed(start, receiver):
    receiver.consent("/local", (200, {"WebHook-Allowed-Origin": "*", "WebHook-Allowed-Rate": "1"}))
    hub = start(receiver.endpoint(handshake=True, rate=240), clock=True)
    hub.send([created(event_id=f"e{i}") for i in range(2)])
    receiver.wait(1)
    until(lambda: len(hub.deliveries("?channel=hooks&state=delivered")) == 1)
    hub.clock.advance("50s")
    assert len(receiver.deliveries) == 1, "one a minute"
    hub.clock.advance("11s")
    receiver.wait(2)


# --- too much to do


@pytest.mark.parametrize("answer, rest", [((429, {"Retry-After": "600"}), 600), ((503, {"Retry-After": "600"}), 600),
                                          ((502, {}), 5), ((504, {}), 5), ((429, {}), 5)])
def test_an_endpoint_rests(start, receiver, answer, rest):
    """What it was sent counts as an attempt; nothing else goes to it before the time is over."""
    receiver.answer("/local", answer, 200)
    hub = start(receiver.endpoint(), clock=True)
    hub.send(created())
    receiver.wait(1)
    until(lambda: only(hub)["state"] == "retrying")
    assert only(hub)["attempts"] == 1 and attempts(hub)[0]["result"] == "throttled"
    hub.send(created())
    hub.clock.advance(f"{rest - 2}s")
    assert len(receiver.deliveries) == 1
    hub.clock.advance(f"{rest // 10 + 5}s")
    receiver.wait(3)


def test_one_that_always_has_too_much_to_do_is_given_up(start, receiver):
    receiver.answer("/local", 429)
    hub = start(receiver.endpoint(), clock=True, schedule=["1m"])
    hub.send(created())
    receiver.wait(1)
    until(lambda: only(hub)["state"] == "retrying")
    hub.clock.advance("70s")
    until(lambda: only(hub)["state"] == "failed")
    stays(lambda: len(receiver.deliveries) == 2)

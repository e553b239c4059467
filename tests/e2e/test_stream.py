# SPDX-License-Identifier: Apache-2.0
"""GET /v1/{org}/stream: hints, and their end with the session, the role or the hub."""
import json

import pytest

from support import people
from support.config import base
from support.events import case, cloud_event
from support.stream import Stream
from support.wait import until

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def said(stream):
    """The data of the next event, which is a hint."""
    event = stream.next()
    assert event and event["event"] == "rev", event
    data = json.loads(event["data"])
    assert set(data) == {"rev", "unread"} and event["id"] == str(data["rev"])
    return data


def assert_ends(stream):
    assert stream.next()["event"] == "bye"
    assert stream.next() is None
    stream.close()


def test_hints_come_when_the_inbox_changes(hub):
    stream = Stream(hub, hub.person("streamer"))
    now = said(stream)
    hub.send(case("streamer", name="A hint"))
    then = said(stream)
    assert then["rev"] > now["rev"] and then["unread"] == 1
    hub.mark("streamer", hub.items("streamer")[0]["id"], "read")
    assert said(stream)["unread"] == 0
    stream.close()
    until(lambda: hub.metrics()["belfry_http_connections"] < 20)


def test_hints_tell_nothing_of_restricted_categories(hub):
    stream = Stream(hub, hub.person("gated"))
    said(stream)
    hub.send(case("gated", "secret", "Not for you"))
    hub.send(case("gated", "calm", "For you"))
    seen = []
    while not seen or seen[-1] < 1:
        seen.append(said(stream)["unread"])
    assert max(seen) == 1
    stream.close()


# --- the end ----------------------------------------------------------------------------------------------------

def test_without_a_farewell_when_the_hub_stops(new_hub):
    """It will be back, and so should its clients."""
    hub = new_hub().start()
    stream = Stream(hub, hub.person("ann"))
    said(stream)
    hub.stop()
    assert stream.next() is None
    stream.close()


def test_with_the_jwt(timed):
    stream = Stream(timed, timed.person("ann", lives=60))
    said(stream)
    timed.clock.advance("61s")
    assert_ends(stream)


def sign_in(hub, who, cookie=None):
    headers = {"Cookie": cookie} if cookie else {}
    answer = hub.get(f"/acme/session?token={people.once(who)}", headers)
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def test_when_the_browser_signs_out_and_no_other_does(hub):
    cookie, other = sign_in(hub, "two-tabs"), sign_in(hub, "two-tabs")
    stream, beside = Stream(hub, {"Cookie": cookie}), Stream(hub, {"Cookie": other})
    said(stream), said(beside)
    assert hub.post("/acme/session/end", {"Cookie": cookie, **SAME_ORIGIN}).status_code == 303
    assert_ends(stream)
    hub.send(case("two-tabs"))
    assert said(beside)["unread"] == 1
    beside.close()


def test_when_the_browser_takes_up_another_session(hub):
    cookie = sign_in(hub, "renewer")
    stream = Stream(hub, {"Cookie": cookie})
    said(stream)
    sign_in(hub, "renewer", cookie)
    assert_ends(stream)


def put(hub, who, roles):
    answer = hub.request("PUT", f"/v1/acme/users/{who}", people.token("users"), json={"roles": roles})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("how", ["PUT", "DELETE"])
def test_with_a_role_of_the_directory(hub, how):
    who = f"once-manager-{how.lower()}"
    put(hub, who, ["sales-manager"])
    hub.send(case(who, "secret", "For managers"))
    stream = Stream(hub, hub.person(who))
    claimed = Stream(hub, hub.person(who, roles=["sales-manager"]))
    assert said(stream)["unread"] == 1 and said(claimed)["unread"] == 1
    counted = hub.get("/v1/acme/notifications/count", hub.person(who))
    if how == "PUT":
        put(hub, who, ["something-else"])
    else:
        assert hub.request("DELETE", f"/v1/acme/users/{who}", people.token("users")).status_code == 204
    after = hub.get("/v1/acme/notifications/count",
                    {**hub.person(who), "If-None-Match": counted.headers["etag"]})
    assert (after.status_code, after.json()["unread"]) == (200, 0), "the role is gone with the answer"
    kept = ["For managers"] if how == "PUT" else []
    assert hub.titles(who) == [] and hub.titles(who, roles=["sales-manager"]) == kept
    assert_ends(stream)
    hub.send(case(who, "secret"))
    until(lambda: said(claimed)["unread"] == len(kept) + 1, "the JWT's own roles stand")
    claimed.close()


def test_when_a_role_is_given(hub):
    """What it counted before was less than there is now."""
    put(hub, "promoted", [])
    hub.send(case("promoted", "secret", "For managers"))
    stream = Stream(hub, hub.person("promoted"))
    assert said(stream)["unread"] == 0
    put(hub, "promoted", ["sales-manager"])
    assert_ends(stream)
    again = Stream(hub, hub.person("promoted"))
    assert said(again)["unread"] == 1
    again.close()


def test_not_when_the_directory_says_the_same_again(hub):
    put(hub, "steady", ["sales-manager", "other"])
    stream = Stream(hub, hub.person("steady"))
    said(stream)
    put(hub, "steady", ["other", "sales-manager"])
    hub.send(case("steady", "secret"))
    assert said(stream)["unread"] == 1
    stream.close()


def test_with_a_role_of_the_configuration(new_hub):
    config = base()
    hub = new_hub(config).start()
    stream, beside = Stream(hub, hub.person("mona")), Stream(hub, hub.person("bob"))
    said(stream), said(beside)
    config["orgs"]["acme"]["users"]["mona"]["roles"] = []
    hub.write_config(config)
    assert hub.reload().status_code == 200
    assert_ends(stream)
    assert said(beside)["unread"] == 0, "who keeps the roles is told to ask again"
    beside.close()


def test_with_what_the_roles_may_see(new_hub):
    """No revision tells that a category was closed: who comes back asks for everything."""
    config = base()
    hub = new_hub(config).start()
    stream, manager = Stream(hub, hub.person("bob")), Stream(hub, hub.person("mona"))
    said(stream), said(manager)
    config["categories"]["trouble"]["visible_to"] = ["sales-manager"]
    hub.write_config(config)
    assert hub.reload().status_code == 200
    assert_ends(stream)
    assert said(manager)["unread"] == 0, "to whom nothing was closed is told to ask again"
    manager.close()


def test_with_the_move_from_the_directory_into_the_configuration(new_hub):
    """YAML wins over the API, also where it names no roles."""
    config = base()
    hub = new_hub(config).start()
    assert hub.request("PUT", "/v1/acme/users/dora", people.token("users"),
                       json={"roles": ["sales-manager"]}).status_code == 200
    stream, own = Stream(hub, hub.person("dora")), Stream(hub, hub.person("dora", roles=["sales-manager"]))
    said(stream), said(own)
    config["orgs"]["acme"]["users"]["dora"] = {}
    hub.write_config(config)
    assert hub.reload().status_code == 200
    assert_ends(stream)
    assert said(own)["unread"] == 0, "roles that a JWT names stay"
    own.close()


def test_with_the_org(new_hub):
    """An org that is removed from the configuration: its streams end, those of others do not, and it is 404 again."""
    config = base()
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["org"] == "*"]
    hub = new_hub(config).start()
    hub.send(case("ann"))
    streams = [Stream(hub, hub.person("ann")), Stream(hub, {"Cookie": sign_in(hub, "bob")})]
    beside = Stream(hub, hub.person("ann", org="globex"), org="globex")
    assert [said(stream)["unread"] for stream in [*streams, beside]] == [1, 0, 0]
    users = config["orgs"].pop("acme")
    hub.write_config(config)
    assert hub.reload().status_code == 200
    for stream in streams:
        assert_ends(stream)
    assert said(beside)["unread"] == 0
    assert hub.get("/v1/acme/stream", hub.person("ann")).status_code == 404
    config["orgs"]["acme"] = users
    hub.write_config(config)
    assert hub.reload().status_code == 200
    again = Stream(hub, hub.person("ann"))
    assert said(again)["unread"] == 1, "its rows were kept"
    again.close(), beside.close()


def test_a_category_that_is_restricted_no_longer_counts(new_hub):
    """For who listens at the time: they are told at once, or told to come back."""
    config = base()
    hub = new_hub(config).start()
    hub.send(case("bob", "bad"))
    stream = Stream(hub, hub.person("bob"))
    assert said(stream)["unread"] == 1
    config["categories"]["trouble"]["visible_to"] = ["sales-manager"]
    hub.write_config(config)
    assert hub.reload().status_code == 200
    event = stream.next()
    assert event["event"] == "bye" or json.loads(event["data"])["unread"] == 0
    stream.close()
    again = Stream(hub, hub.person("bob"))
    assert said(again)["unread"] == 0
    again.close()


def test_the_33rd_of_a_person_is_refused_and_takes_nothing_from_anybody(hub):
    streams = [Stream(hub, hub.person("many")) for _ in range(32)]
    refused = hub.get("/v1/acme/stream", hub.person("many"))
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert hub.get("/v1/acme/notifications/count", hub.person("many")).status_code == 200, "there is the polling"
    other = Stream(hub, hub.person("one"))
    hub.send(case("many"))
    for stream in streams:
        while said(stream)["unread"] == 0:
            pass
    streams.pop().close()

    def again():
        answer = hub.get("/v1/acme/stream", hub.person("many"), stream=True)
        answer.close()
        return answer.status_code == 200

    until(again, "who left makes room")
    for stream in [*streams, other]:
        stream.close()


# --- how often --------------------------------------------------------------------------------------------------

def test_a_burst_is_one_hint_at_once_and_one_within_a_second(hub):
    """A hundred changes, each in a commit of its own."""
    stream = Stream(hub, hub.person("busy"))
    said(stream)
    for _ in range(100):
        hub.send(case("busy"))
    seen = []
    while not seen or seen[-1] < 100:
        seen.append(said(stream)["unread"])
    assert len(seen) <= 20, "no hint for each change"
    assert seen[0] < 100 and seen == sorted(seen)
    stream.close()


def test_seven_tabs_hear_of_every_change(hub):
    tabs = [Stream(hub, hub.person("seven")) for _ in range(7)]
    for tab in tabs:
        said(tab)
    hub.send(case("seven"))
    assert {said(tab)["unread"] for tab in tabs} == {1}
    hub.mark("seven", hub.items("seven")[0]["id"], "read")
    assert {said(tab)["unread"] for tab in tabs} == {0}
    for tab in tabs:
        tab.close()


def test_after_a_restart_a_stream_says_what_is_now(new_hub):
    hub = new_hub().start()
    hub.send(case("ann", name="Before"))
    stream = Stream(hub, hub.person("ann"))
    before = said(stream)
    hub.restart()
    stream.close()
    hub.send(case("ann", name="While nobody listened"))
    again = Stream(hub, {**hub.person("ann"), "Last-Event-ID": str(before["rev"])})
    now = said(again)
    assert now["rev"] > before["rev"] and now["unread"] == 2
    again.close()


def test_the_end_of_validity_is_a_hint_and_another_tag(new_hub):
    config = base()
    config["sources"]["hr-sync"] = {"plugin": "sync", "background_after": "0s", "overview_valid_for": "1h"}
    hub = new_hub(config, clock=True).start()
    hub.send(cloud_event("sync.started", {"run": {"id": "o", "kind": "overview", "admin": "ann"}}), "hr-sync")
    hub.send(cloud_event("sync.finished", {"run": {"id": "o"}, "outcome": "succeeded"}), "hr-sync")
    stream = Stream(hub, hub.person("ann", lives=7200))
    assert said(stream)["unread"] == 1
    path, headers = "/v1/acme/notifications/count", hub.person("ann", lives=7200)
    tag = {"If-None-Match": hub.get(path, headers).headers["etag"]}
    hub.clock.advance("59m")
    assert hub.get(path, {**headers, **tag}).status_code == 304
    hub.clock.advance("2m")
    after = hub.get(path, {**headers, **tag})
    assert (after.status_code, after.json()["unread"]) == (200, 0)
    assert said(stream)["unread"] == 0
    stream.close()


def test_what_proxies_and_browsers_have_to_know_is_in_the_head(hub):
    answer = hub.get("/v1/acme/stream", hub.person("header"), stream=True)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "no-store"
    assert next(answer.iter_lines()) == b"retry: 5000"
    answer.close()

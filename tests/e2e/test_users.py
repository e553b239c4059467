# SPDX-License-Identifier: Apache-2.0
"""/v1/{org}/users: who is in the directory, and how somebody leaves it with all that they were told."""
import pytest

from support import people
from support.config import base, with_source
from support.events import case, cloud_event

USERS = "/v1/acme/users"
NOBODY = {"name": None, "email": None, "roles": [], "locale": None, "timezone": None, "from": "api"}


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def call(hub, method, path="", body=None):
    return hub.request(method, USERS + path, people.token("users"), json=body)


def test_somebody_is_put_and_found(hub):
    assert call(hub, "GET", "/dora").status_code == 404
    dora = {"name": "Dora Ek", "email": "dora@acme.example", "roles": ["b", "a"], "locale": "sv", "timezone": "Europe/Oslo"}
    assert call(hub, "PUT", "/dora", dora).status_code == 200
    assert call(hub, "GET", "/dora").json() == {**dora, "roles": ["a", "b"], "username": "dora", "from": "api"}
    assert call(hub, "PUT", "/dora", {"name": "Dora"}).status_code == 200
    assert call(hub, "GET", "/dora").json() == {**NOBODY, "username": "dora", "name": "Dora"}


def test_many_are_put_or_none(hub):
    some = [{"username": f"many-{i}", "roles": ["crowd"]} for i in range(3)]
    assert call(hub, "PUT", "", {"items": some}).json() == {"changed": 3}
    assert call(hub, "GET", "/many-2").json()["roles"] == ["crowd"]
    answer = call(hub, "PUT", "", {"items": [{"username": "many-8"}, {"username": "a/b"}]})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/items/1/username"
    assert call(hub, "GET", "/many-8").status_code == 404


@pytest.mark.parametrize("method,path,body", [
    ("PUT", "/ann", {"name": "Another"}), ("DELETE", "/ann", None), ("PUT", "", {"items": [{"username": "ann"}]})])
def test_people_of_yaml_are_changed_there(hub, method, path, body):
    answer = call(hub, method, path, body)
    assert answer.status_code == 409 and "`ann` is defined in belfry.yaml:" in answer.json()["detail"]
    assert call(hub, "GET", "/ann").json()["name"] == "Ann Lee"


# --- leaving --------------------------------------------------------------------------------------------------------

def test_who_is_deleted_takes_along_what_they_were_told(new_hub):
    config = with_source(base(), "talk", plugin="echo_source")
    config["rules"].append({"name": "later", "when": {"type": "workflow.odd"},
                            "deliver": [{"via": "inbox", "to": ["role:crowd"], "after": "1h"}]})
    hub = new_hub(config, clock=True).start()
    call(hub, "PUT", "/gone", {"roles": ["crowd"]})
    hub.send([case("gone"), case("stays"), case("stays", "odd")])  # the last is to come to `gone` in an hour
    for text in ["replaced", "newest"]:
        hub.send(cloud_event("echo.said", {"to": "gone", "text": text}), "talk")
    undo = hub.post("/v1/acme/notifications/bulk", hub.person("gone"), json={"action": "hide", "filter": {}}).json()["undo"]
    counted = hub.get("/v1/acme/notifications/count", hub.person("gone"))
    stories = [e["id"] for e in hub.events()]
    assert sum(len(hub.story(id)["recipients"]) for id in stories) == 6

    assert call(hub, "DELETE", "/gone").status_code == 204
    after = hub.get("/v1/acme/notifications/count", {**hub.person("gone"), "If-None-Match": counted.headers["etag"]})
    assert after.status_code == 200 and after.json()["rev"] > counted.json()["rev"], "tags of before are worth nothing"
    for query in ["", "?status=hidden"]:
        assert hub.inbox("gone", query=query)["total"] == 0
    assert hub.post("/v1/acme/notifications/undo", hub.person("gone"), json={"op": undo}).status_code == 404
    told = [r for id in stories for r in hub.story(id)["recipients"]]
    assert {r["recipient"] for r in told} == {"stays"} and len(told) == 2
    assert not any(d["recipient"] == "gone" for d in hub.deliveries())
    hub.clock.advance("2h")
    assert hub.inbox("gone")["total"] == 0, "nor does anything come after"
    assert hub.unread("stays") == 2
    assert call(hub, "DELETE", "/gone").status_code == 404
    hub.send(case("gone", name="A new beginning"))
    assert hub.titles("gone") == ["A new beginning"]


def test_who_is_in_no_directory_can_be_deleted_too(hub):
    hub.send(case("passer-by"))
    assert call(hub, "DELETE", "/passer-by").status_code == 204
    assert hub.titles("passer-by") == []
    assert call(hub, "DELETE", "/passer-by").status_code == 404
    assert call(hub, "DELETE", "/never-heard-of").status_code == 404


def test_a_long_inbox_goes_in_slices(new_hub):
    hub = new_hub().start()
    for start in range(0, 2500, 500):
        hub.send([case("loaded" if i % 2 else "other", name=f"n{i}") for i in range(start, start + 500)])
    assert call(hub, "DELETE", "/loaded").status_code == 204
    assert hub.inbox("loaded")["total"] == 0 and hub.inbox("other")["total"] == 1250

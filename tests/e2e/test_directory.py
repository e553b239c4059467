# SPDX-License-Identifier: Apache-2.0
"""The directory over the API: who may do what is asked of it again with every request."""
import pytest

from support import people
from support.config import base
from support.events import case, created

DIRECTORY = people.token("users")
USERS = "/v1/acme/users"


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def put(hub, who, **person):
    answer = hub.request("PUT", f"{USERS}/{who}", DIRECTORY, json=person)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    return answer.json()


def look(hub, name):
    return hub.get(f"{USERS}/{name}", DIRECTORY)


def delete(hub, name):
    return hub.request("DELETE", f"{USERS}/{name}", DIRECTORY)


def test_what_was_put_is_read(hub):
    put(hub, "dora", name="Dora Ek", email="dora@acme.example", roles=["b", "a"], locale="sv",
        timezone="Europe/Stockholm")
    assert look(hub, "dora").json() == {
        "username": "dora", "name": "Dora Ek", "email": "dora@acme.example", "roles": ["a", "b"], "locale": "sv",
        "timezone": "Europe/Stockholm", "from": "api"}
    put(hub, "dora", name="Dora")
    assert look(hub, "dora").json()["roles"] == [] and look(hub, "dora").json()["email"] is None
    assert delete(hub, "dora").status_code == 204
    assert look(hub, "dora").status_code == delete(hub, "dora").status_code == 404


def test_a_role_that_was_taken_away_is_gone_with_the_answer(hub):
    """A JWT without roles has those of the directory, and they were asked for before."""
    events = "/v1/acme/events"
    assert hub.get(events, hub.person("erin")).status_code == 403
    put(hub, "erin", roles=["admin"])
    assert hub.get(events, hub.person("erin")).status_code == 200
    put(hub, "erin", roles=[])
    assert hub.get(events, hub.person("erin")).status_code == 403
    hub.request("PUT", USERS, DIRECTORY, json={"items": [{"username": "erin", "roles": ["admin"]}]})
    assert hub.get(events, hub.person("erin")).status_code == 200
    assert delete(hub, "erin").status_code == 204
    assert hub.get(events, hub.person("erin")).status_code == 403


def test_a_gated_row_goes_with_the_role(hub):
    put(hub, "fay", roles=["sales-manager"])
    hub.send(case("fay", "secret", "Not for everybody"))
    assert hub.titles("fay") == ["Not for everybody"]
    put(hub, "fay", roles=[])
    assert hub.titles("fay") == []


def test_a_list_is_added_or_replaces_everybody(hub):
    items = [{"username": f"u{i}"} for i in range(3)]
    put(hub, "gone", name="Gone")
    assert hub.request("PUT", USERS, DIRECTORY, json={"items": items}).json() == {"changed": 3}
    assert look(hub, "gone").status_code == 200
    answer = hub.request("PUT", USERS + "?replace=true", DIRECTORY, json={"items": items[1:]})
    assert answer.status_code == 200
    assert [look(hub, name).status_code for name in ["gone", "u0", "u1", "u2", "ann"]] == [404, 404, 200, 200, 200]
    answer = hub.request("PUT", USERS + "?replace=maybe", DIRECTORY, json={"items": []})
    assert answer.status_code == 400 and "replace" in answer.json()["detail"]
    assert look(hub, "u1").status_code == 200


def test_replacing_one_orgs_people_leaves_the_others(hub):
    theirs = people.token("other")
    assert hub.request("PUT", "/v1/globex/users/hugo", theirs, json={}).status_code == 200
    assert hub.request("PUT", USERS + "?replace=true", DIRECTORY, json={"items": []}).status_code == 200
    assert hub.get("/v1/globex/users/hugo", theirs).status_code == 200


@pytest.mark.parametrize("person,pointer", [
    ({"name": 7}, "/name"), ({"email": "nobody"}, "/email"), ({"roles": "admin"}, "/roles"),
    ({"roles": ["a", 1]}, "/roles/1"), ({"roles": [""]}, "/roles/0"), ({"locale": []}, "/locale"),
])
def test_a_fault_is_named(hub, person, pointer):
    answer = hub.request("PUT", f"{USERS}/ivan", DIRECTORY, json=person)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    answer = hub.request("PUT", USERS, DIRECTORY, json={"items": [{"username": "ok"}, {"username": "ivan", **person}]})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/1" + pointer]
    assert look(hub, "ivan").status_code == look(hub, "ok").status_code == 404


@pytest.mark.parametrize("items", [None, {}, "x"])
def test_items_must_be_a_list(hub, items):
    answer = hub.request("PUT", USERS, DIRECTORY, json={"items": items})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/items"


@pytest.mark.parametrize("item", [None, "ann", 7, [], {}, {"username": "a/b"}, {"username": ""}, {"username": 7}])
def test_an_item_needs_a_username(hub, item):
    answer = hub.request("PUT", USERS, DIRECTORY, json={"items": [item]})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"].startswith("/items/0")


def test_people_of_the_configuration_are_read_only(hub):
    assert look(hub, "ann").json()["from"] == "yaml"
    for answer in [hub.request("PUT", f"{USERS}/ann", DIRECTORY, json={}), delete(hub, "ann"),
                   hub.request("PUT", USERS, DIRECTORY, json={"items": [{"username": "ann"}]})]:
        assert answer.status_code == 409
        line = int(answer.json()["detail"].rsplit(":", 1)[1].split()[0])
        assert "ann:" in hub.config_path.read_text().splitlines()[line - 1]


def test_names_that_need_encoding(hub):
    name = "zoë %? +&"
    path = f"{USERS}/zo%C3%AB%20%25%3F%20+%26"
    assert hub.request("PUT", path, DIRECTORY, json={"name": "Zoë"}).status_code == 200
    assert hub.get(path, DIRECTORY).json()["username"] == name
    assert hub.request("DELETE", path, DIRECTORY).status_code == 204


def test_a_deleted_person_is_no_recipient_of_a_role(new_hub):
    config = base()
    config["rules"] = [{"name": "fans", "when": {"type": "record.assigned"},
                        "deliver": [{"via": "inbox", "to": ["role:fan"]}]}]
    hub = new_hub(config).start()
    put(hub, "kim", roles=["fan"])
    hub.send(created(owner="bob"))
    assert len(hub.titles("kim")) == 1
    assert delete(hub, "kim").status_code == 204
    put(hub, "lea", roles=["fan"])
    hub.send(created(owner="bob"))
    assert len(hub.titles("lea")) == 1
    assert hub.titles("kim") == [], "erased, and not told again"

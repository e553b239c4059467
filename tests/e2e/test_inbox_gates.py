# SPDX-License-Identifier: Apache-2.0
"""P4 and C4: a category for some roles leaks nowhere, and everybody sees what is addressed to them in their own org."""
import pytest

from support.config import base, with_hooks
from support.events import case, created
from support.wait import stays, until

MANAGER = ["sales-manager"]


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def test_a_restricted_category_is_nowhere_without_the_role(hub):
    hub.send(case("bob", "secret", "Commission of everybody"))
    hub.send(case("bob", "calm", "Lunch"))
    secret = hub.items("bob", roles=MANAGER)[1]
    assert secret["category"] == "CALC_BLOCKED"
    assert hub.titles("bob", roles=MANAGER) == ["Lunch", "Commission of everybody"]
    assert hub.unread("bob", roles=MANAGER) == 2

    plain = hub.inbox("bob")
    assert [i["title"] for i in plain["items"]] == ["Lunch"]
    assert plain["total"] == 1
    assert "CALC_BLOCKED" not in plain["facets"]["category"]
    assert "error" not in plain["facets"]["severity"]
    assert hub.unread("bob") == 1
    assert hub.inbox("bob", query="?q=Commission&read=all")["total"] == 0
    assert hub.inbox("bob", query="?category=CALC_BLOCKED&read=all")["total"] == 0
    me = hub.person("bob")
    id = secret["id"]
    assert hub.get(f"/v1/acme/notifications/{id}", me).status_code == 404
    for action in ["read", "unread", "hide", "unhide"]:
        assert hub.post(f"/v1/acme/notifications/{id}/{action}", me).status_code == 404
    assert hub.get(f"/acme/n/{id}", me).status_code == 404
    assert hub.post("/v1/acme/notifications/seen", me, json={"ids": [id]}).status_code == 204
    answer = hub.post("/v1/acme/notifications/bulk", me, json={"action": "hide", "ids": [id]}).json()
    assert answer["changed"] == 0 and answer["failed"][0]["id"] == id
    answer = hub.post("/v1/acme/notifications/bulk", me, json={"action": "read", "filter": {}}).json()
    assert answer["changed"] == 1
    page = hub.get("/acme/notifications", me)
    assert page.status_code == 200 and "Commission" not in page.text

    untouched = hub.items("bob", roles=MANAGER)[1]
    assert untouched["unread"] and untouched["seen_at"] is None and untouched["rev"] == secret["rev"]


def test_the_role_decides_when_it_is_asked_for(hub):
    """The directory's role counts where the JWT names none; a JWT without it wins over the directory."""
    hub.send(case("mona", "secret", "For managers"))
    assert hub.titles("mona") == ["For managers"]
    assert hub.titles("mona", roles=[]) == []
    assert hub.titles("mona", roles=["sales-manager", "other"]) == ["For managers"]


def test_entity_tags_differ_by_role(hub):
    hub.send(case("carl-2", "secret", "Hidden"))
    manager = hub.get("/v1/acme/notifications/count", hub.person("carl-2", roles=MANAGER))
    plain = hub.get("/v1/acme/notifications/count",
                    {**hub.person("carl-2"), "If-None-Match": manager.headers["etag"]})
    assert plain.status_code == 200 and plain.json()["unread"] == 0
    assert manager.json()["unread"] == 1


def test_a_restricted_category_goes_to_webhooks_only_where_it_is_allowed(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint())
    hub = new_hub(config).start()
    hub.send(case("ann", "secret", "Not for webhooks"))
    hub.send(case("ann", "calm", "For webhooks"))
    assert [d.title() for d in receiver.wait(1)] == ["For webhooks"]
    stays(lambda: len(receiver.deliveries) == 1)
    config["categories"]["CALC_BLOCKED"]["webhooks"] = True
    hub.write_config(config)
    assert hub.reload().status_code == 200
    hub.send(case("ann", "secret", "Now allowed"))
    assert receiver.wait(2)[1].title() == "Now allowed"


def test_a_category_can_be_restricted_by_a_reload(new_hub):
    config = base()
    hub = new_hub(config).start()
    hub.send(case("bob", "bad", "Trouble for all"))
    etag = hub.get("/v1/acme/notifications/count", hub.person("bob")).headers["etag"]
    config["categories"]["trouble"]["visible_to"] = ["sales-manager"]
    hub.write_config(config)
    assert hub.reload().status_code == 200
    answer = hub.get("/v1/acme/notifications/count", {**hub.person("bob"), "If-None-Match": etag})
    assert answer.status_code == 200 and answer.json()["unread"] == 0
    assert hub.titles("bob") == [] and hub.titles("bob", roles=MANAGER) == ["Trouble for all"]


def test_the_same_name_in_another_org_is_another_person(hub):
    hub.send(created(owner="ann", fields={"name": "Of globex"}), org="globex")
    theirs = hub.items("ann", org="globex")[0]
    assert "Of globex" in theirs["title"]
    assert not any("Of globex" in title for title in hub.titles("ann"))
    for path in [f"/v1/acme/notifications/{theirs['id']}", f"/acme/n/{theirs['id']}",
                 f"/v1/globex/notifications/{theirs['id']}", f"/globex/n/{theirs['id']}", "/v1/globex/notifications",
                 "/v1/globex/notifications/count", "/globex/notifications"]:
        assert hub.get(path, hub.person("ann")).status_code == 404, path
    mine = hub.person("ann")
    answer = hub.post("/v1/acme/notifications/bulk", mine, json={"action": "hide", "ids": [theirs["id"]]}).json()
    assert answer["changed"] == 0
    assert hub.items("ann", org="globex")[0]["rev"] == theirs["rev"]


def test_the_row_waits_for_whoever_signs_in_under_the_name(hub):
    hub.send(case("newcomer", name="Welcome"))
    assert hub.titles("newcomer") == ["Welcome"]
    assert hub.titles("Newcomer") == [], "usernames are case-sensitive"


def test_a_role_is_expanded_from_the_directory(new_hub):
    config = base()
    config["rules"] = [{"name": "managers", "when": {"type": "record.assigned"},
                        "deliver": [{"via": "inbox", "to": ["role:sales-manager"]}]}]
    hub = new_hub(config).start()
    hub.send(created(owner="bob", fields={"name": "Lead"}))
    assert len(hub.titles("ann")) == 1 and len(hub.titles("mona")) == 1
    assert hub.titles("dora", roles=MANAGER) == [], "a role in a JWT makes nobody a recipient"
    answer = hub.request("PUT", "/v1/acme/users/dora",
                         {"Authorization": "Bearer token-of-the-directory"}, json={"roles": ["sales-manager"]})
    assert answer.status_code in (200, 201, 204), answer.text
    hub.send(created(owner="bob", fields={"name": "Lead"}))
    assert until(lambda: hub.titles("dora"))
    assert len(hub.titles("ann")) == 2

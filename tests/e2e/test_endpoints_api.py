# SPDX-License-Identifier: Apache-2.0
"""Webhook endpoints as a resource: made, changed and removed over the API, beside those of YAML, which are read-only."""
import base64
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from support import people
from support.config import OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET, base, endpoint, with_hooks
from support.endpoints import Endpoints
from support.events import case, created
from support.paths import PATIENCE
from support.wait import stays, until

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def start(new_hub, receiver):
    """A hub whose rule sends everything to the webhook channel, with one endpoint of YAML."""
    def start(clock=False, limits=None, tokens=(), **options):
        config = with_hooks(base(), receiver.endpoint("yaml"), source="crm", **options)
        config["hub"]["limits"] = {**config["hub"]["limits"], **(limits or {})}
        config["auth"]["tokens"] = [*config["auth"]["tokens"], *tokens]
        return new_hub(config, clock).start()
    return start


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A hub for what is refused, and so changes nothing."""
    from support.hub import Hub
    config = with_hooks(base(), endpoint("yaml", "http://127.0.0.1:1/"), source="crm")
    hub = Hub(tmp_path_factory.mktemp("endpoints"), config)
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


def titles(receiver, path):
    return [delivery.title() for delivery in receiver.at(path)]


# --- made ---------------------------------------------------------------------------------------------------------

def test_one_is_made_and_gets_the_next_event(start, receiver):
    hub = start()
    answer = Endpoints(hub).call("POST", "", {"url": receiver.url("/made")}, status=201)
    made = answer.json()
    assert answer.headers["location"] == f"/v1/acme/endpoints/{made['id']}"
    assert answer.headers["etag"] == '"1"' and made["version"] == 1
    assert made["secret"].startswith("whsec_") and len(base64.b64decode(made["secret"][6:])) == 32
    hub.send(case("ann", name="The first one"))
    got, = receiver.wait(1, "/made")
    assert got.title() == "The first one" and got.verifies(made["secret"]) and not got.verifies(WEBHOOK_SECRET)


def test_what_is_not_said_has_its_default(start, receiver):
    made = Endpoints(start()).make(receiver.url("/made"))
    assert {key: made[key] for key in ["from", "channel", "name", "owner", "description", "types", "when", "headers",
                                       "format", "signatures", "handshake", "rate", "concurrency", "order",
                                       "metadata", "enabled", "disabled_at"]} == {
        "from": "api", "channel": "hooks", "name": made["id"], "owner": "token:hooks-app", "description": None,
        "types": ["*"], "when": None, "headers": {}, "format": "standard", "signatures": ["v1"], "handshake": False,
        "rate": None, "concurrency": 8, "order": "best-effort", "metadata": {}, "enabled": True, "disabled_at": None}
    assert "public_key" not in made or made["public_key"] is None


ALL = {"description": "Orders\nfor the shop", "types": ["record.assigned", "invoice.*", "workflow.calm"],
       "when": {"severity": {"gte": "warning"}, "data.record.fields.rating": None}, "headers": {"X-Team": "shop"},
       "format": "thin", "signatures": ["v1", "v1a"], "rate": 60, "concurrency": 3, "order": "fifo",
       "metadata": {"customer": "42", "wo": "köln"}, "enabled": False}


def test_everything_that_is_said_is_kept(start, receiver):
    hub = start()
    made = Endpoints(hub).make(receiver.url("/made?who=shop"), **ALL)
    assert re.fullmatch(r"whsec_\S+", made["secret"]), "what its receiver verifies with, and no private key"
    assert re.fullmatch(r"whpk_\S+", made["public_key"]) and len(base64.b64decode(made["public_key"][5:])) == 32
    hub.restart()
    kept = Endpoints(hub).get(made["id"])
    assert {key: kept[key] for key in ALL} == ALL and kept["url"] == receiver.url("/made?who=shop")
    assert kept == {key: value for key, value in made.items() if key != "secret"}


def test_the_secret_is_told_to_who_makes_and_who_rotates_and_to_nobody_else(start, receiver):
    hub = start()
    api = Endpoints(hub)
    one = api.make(receiver.url("/made"), headers={"Authorization": "Bearer of-the-shop", "X-Team": "shop"})
    two = api.do(one["id"], "rotate")
    assert one["secret"] != two["secret"] and two["secret"].startswith("whsec_")
    hub.send(case("ann"))
    receiver.wait(1, "/made")
    admin = people.token("admin")
    until(lambda: api.attempts(one["id"]))
    api.do(one["id"], "disable"), api.do(one["id"], "enable")
    said = [hub.get(f"/v1/acme/{path}", admin).text for path in
            ["endpoints", f"endpoints/{one['id']}", f"endpoints/{one['id']}/attempts", "audit?limit=200",
             "deliveries?channel=hooks", "events", "overview"]]
    said += [hub.get("/v1/admin/config", people.token("operator")).text, hub.get("/metrics").text, hub.log(),
             hub.get("/acme/admin/endpoints", admin).text, hub.get(f"/acme/admin/endpoints/{one['id']}", admin).text,
             api.call("PATCH", f"/{one['id']}", {"description": "x"}).text]
    stored = b"".join(path.read_bytes() for path in hub.data_dir.glob("belfry.db*"))
    for secret in [one["secret"], two["secret"], "of-the-shop"]:
        assert not [text for text in said if secret in text]
        assert secret.encode() not in stored, "sealed where it lies"
        assert secret.removeprefix("whsec_").encode() not in stored


def test_a_secret_can_be_brought_along(start, receiver):
    hub = start()
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), secret=OTHER_WEBHOOK_SECRET)
    assert made["secret"] == OTHER_WEBHOOK_SECRET
    hub.send(case("ann"))
    assert receiver.wait(1, "/made")[0].verifies(OTHER_WEBHOOK_SECRET)
    assert list(api.faults("POST", url=receiver.url("/x"), secret="whsec_short")) == ["/secret"]
    assert list(api.faults("POST", url=receiver.url("/x"), secret=7)) == ["/secret"]


@pytest.mark.parametrize("size", [24, 32, 42, 43, 48, 63, 64])
def test_a_secret_of_any_length_that_the_standard_allows(shared, size):
    api = Endpoints(shared)
    one, two = ("whsec_" + base64.b64encode(bytes([n] * size)).decode() for n in (size, 7))
    made = api.make(URL, secret=one, signatures=["v1", "v1a"])
    assert made["secret"] == one and made["public_key"]
    assert api.do(made["id"], "rotate", secret=two)["secret"] == two
    api.delete(made["id"])
    assert list(api.faults("POST", url=URL, secret="whsec_" + base64.b64encode(bytes(65)).decode())) == ["/secret"]


# --- what is refused ----------------------------------------------------------------------------------------------

URL = "https://shop.example/hook"
FAULTS = [
    ({"url": None}, "/url", "required"), ({"url": 7}, "/url", "text"), ({"url": ""}, "/url", ""),
    ({"url": "ftp://shop.example/"}, "/url", ""), ({"url": "/hook"}, "/url", ""), ({"url": "https://"}, "/url", ""),
    ({"url": "https://u:p@shop.example/"}, "/url", ""), ({"url": "https://shop.example/#x"}, "/url", ""),
    ({"url": "https://shop.example/" + "x" * 2048}, "/url", "2048"), ({"url": "http://10.0.0.7/"}, "/url", "allow_cidrs"),
    ({"url": "http://[fd00::1]:80/"}, "/url", "allow_cidrs"), ({"url": "http://[::ffff:10.0.0.1]/"}, "/url", "allow_cidrs"),
    ({"url": "http://169.254.169.254/latest"}, "/url", "allow_cidrs"), ({"url": "http://0xa000001"}, "/url", "allow_cidrs"),
    ({"url": "https://192.168.0.1?x"}, "/url", "allow_cidrs"),
    ({"url": "https://shop.example\\@evil.example/"}, "/url", "backslash"), ({"url": "http://a,b.example/"}, "/url", "host"),
    ({"url": "http://[zz]/"}, "/url", "host"), ({"url": "http://shop.example/a b"}, "/url", ""), ({"url": "http://shop.example/\r\nX: y"}, "/url", ""),
    ({"description": 7}, "/description", "text"), ({"description": "ä" * 501}, "/description", "500"),
    ({"types": []}, "/types", "1 to 100"), ({"types": "invoice.paid"}, "/types", "list"),
    ({"types": ["x"] * 101}, "/types", "100"), ({"types": ["ok", "in voice"]}, "/types/1", "`invoice.*`"),
    ({"types": ["a*"]}, "/types/0", ""), ({"types": ["*.paid"]}, "/types/0", ""), ({"types": [7]}, "/types/0", ""),
    ({"types": [""]}, "/types/0", ""), ({"types": ["a..b"]}, "/types/0", ""),
    ({"when": {"serverity": "error"}}, "/when/serverity", "did you mean `severity`"),
    ({"when": {"data.x": {"greater": 5}}}, "/when/data.x/greater", ""), ({"when": []}, "/when", ""),
    ({"when": "severity"}, "/when", ""), ({"when": {"severity": "bad"}}, "/when/severity", ""),
    ({"metadata": []}, "/metadata", "object"), ({"metadata": {"a": 7}}, "/metadata/a", "text"),
    ({"metadata": {"a/b": "x" * 501}}, "/metadata/a~1b", "500"), ({"metadata": {"": "x"}}, "/metadata/", "name"),
    ({"metadata": {str(i): "x" for i in range(51)}}, "/metadata", "50"),
    ({"rate": 0}, "/rate", "1 to 1000000"), ({"rate": 1_000_001}, "/rate", ""), ({"rate": "9"}, "/rate", ""),
    ({"rate": 1.5}, "/rate", ""), ({"concurrency": 0}, "/concurrency", ""), ({"concurrency": 65}, "/concurrency", ""),
    ({"order": "lifo"}, "/order", "fifo"), ({"enabled": "yes"}, "/enabled", "true or false"),
    ({"format": "xml"}, "/format", ""), ({"signatures": []}, "/signatures", ""), ({"handshake": 1}, "/handshake", ""),
    ({"headers": {"Host": "x"}}, "/headers/Host", ""), ({"headers": {"webhook-id": "x"}}, "/headers/webhook-id", ""),
    ({"headers": {"X-A": "a\r\nX-B: b"}}, "/headers/X-A", ""), ({"headers": {"X A": "b"}}, "/headers/X A", ""),
    ({"headers": {"X-A": 7}}, "/headers/X-A", ""), ({"headers": []}, "/headers", ""),
    ({"ratte": 5}, "/ratte", "did you mean `rate`"), ({"hedders": {}}, "/hedders", "did you mean `headers`"),
    ({"id": NOBODY}, "/id", "cannot be set"), ({"owner": "token:admin-app"}, "/owner", "cannot be set"),
    ({"version": 7}, "/version", "cannot be set"), ({"nothing": 1}, "/nothing", "no such member"),
]


@pytest.mark.parametrize("body,pointer,part", FAULTS, ids=lambda p: str(p)[:60])
def test_each_fault_is_named_by_its_pointer(shared, body, pointer, part):
    api = Endpoints(shared)
    before = len(api.list())
    faults = api.faults("POST", **{"url": URL, **body})
    assert list(faults) == [pointer] and part in faults[pointer], faults
    assert len(api.list()) == before


def test_all_faults_are_named_at_once(shared):
    faults = Endpoints(shared).faults("POST", description=7, types=[], rate=0, order="x", ratte=1, format="xml",
                                      when={"tipe": "x"}, headers={"Host": "x", "X-A": "\n"}, metadata={"a": 1})
    assert set(faults) == {"/url", "/description", "/types", "/rate", "/order", "/ratte", "/format", "/when/tipe",
                           "/headers/Host", "/headers/X-A", "/metadata/a"}


def test_a_body_that_is_none(shared):
    for body in [b"", b"[]", b"{", b'{"url":"a","url":"b"}']:
        answer = shared.post("/v1/acme/endpoints", people.token("endpoints"), data=body)
        assert answer.status_code == 400, answer.text
    big = shared.post("/v1/acme/endpoints", people.token("endpoints"), data=b'{"description":"' + b"x" * 70_000 + b'"}')
    assert big.status_code == 413


def test_an_org_whose_channels_take_none(new_hub):
    hub = new_hub(base()).start()
    answer = Endpoints(hub).call("POST", "", {"url": URL}, status=409)
    assert "no channel of this org takes endpoints" in answer.json()["detail"]


def test_as_many_as_the_limit_allows(start, receiver):
    hub = start(limits={"endpoints_per_org": 2})
    api = Endpoints(hub)
    one = api.make(receiver.url("/one"))
    answer = api.call("POST", "", {"url": receiver.url("/two")}, status=409)
    assert "hub.limits.endpoints_per_org is 2" in answer.json()["detail"]
    api.delete(one["id"])
    api.make(receiver.url("/two"))


def test_as_many_as_the_limit_allows_however_many_are_made_at_once(start, receiver):
    hub = start(limits={"endpoints_per_org": 6})
    names = [f"/{n}" for n in range(24)]
    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(lambda name: requests.post(
            f"{hub.url}/v1/acme/endpoints", json={"url": receiver.url(name)}, headers=people.token("endpoints"),
            timeout=PATIENCE).status_code, names))
    assert sorted(answers) == [201] * 5 + [409] * 19, "five beside the one of YAML"
    assert len(Endpoints(hub).list()) == 6


# --- changed ------------------------------------------------------------------------------------------------------

def test_a_change_is_a_merge_patch(start, receiver):
    api = Endpoints(start())
    id = api.make(receiver.url("/made"), **{**ALL, "headers": {"X-A": "1", "X-Token": "s3cret"}})["id"]
    assert api.get(id)["headers"] == {"X-A": "1", "X-Token": "***"}
    changed = api.patch(id, description=None, rate=None, when={"type": "x.y"}, metadata={"customer": None, "new": "1"},
                        headers={"X-A": None, "X-B": "2"}, format=None, order=None, concurrency=None)
    assert {key: changed[key] for key in ["description", "rate", "when", "metadata", "headers", "format", "order",
                                          "concurrency", "types", "signatures"]} == {
        "description": None, "rate": None, "when": {"type": "x.y"}, "metadata": {"wo": "köln", "new": "1"},
        "headers": {"X-B": "2", "X-Token": "***"}, "format": "standard", "order": "best-effort", "concurrency": 8,
        "types": ALL["types"], "signatures": ["v1", "v1a"]}
    assert changed["version"] == 2 and api.get(id) == changed
    assert api.patch(id, types=None, when=None, metadata=None, headers=None, enabled=None)["types"] == ["*"]
    bare = api.get(id)
    assert (bare["when"], bare["metadata"], bare["headers"], bare["enabled"]) == (None, {}, {}, True)


def test_what_is_masked_and_comes_back_is_what_was_there(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), headers={"X-Token": "s3cret"})["id"]
    shown = api.get(id)["headers"]
    api.patch(id, headers={**shown, "X-Other": "2"})
    hub.send(case("ann"))
    got, = receiver.wait(1, "/made")
    assert (got.headers["x-token"], got.headers["x-other"]) == ("s3cret", "2")


def test_a_change_counts_for_the_next_event(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), types=["workflow.bad"])["id"]
    hub.send([case("ann", "calm", "One"), case("ann", "bad", "Two")])
    api.patch(id, types=["workflow.*"], when={"severity": "info"})
    hub.send([case("ann", "calm", "Three"), case("ann", "bad", "Four")])
    receiver.wait(2, "/made")
    api.patch(id, url=receiver.url("/moved"), when=None)
    hub.send(case("ann", "bad", "Five"))
    assert [d.title() for d in receiver.wait(1, "/moved")] == ["Five"]
    assert sorted(titles(receiver, "/made")) == ["Three", "Two"]


def test_a_refused_change_changes_nothing(start, receiver):
    api = Endpoints(start())
    made = api.make(receiver.url("/made"), **ALL)
    path = f"/{made['id']}"
    assert set(api.faults("PATCH", path, rate=-1, description="new", url="ftp://x")) == {"/rate", "/url"}
    assert list(api.faults("PATCH", path, url=None)) == ["/url"]
    assert "rotate" in api.faults("PATCH", path, secret=WEBHOOK_SECRET)["/secret"]
    assert list(api.faults("PATCH", path, headers={"Host": "x"})) == ["/headers/Host"]
    assert api.get(made["id"]) == {key: value for key, value in made.items() if key != "secret"}


def test_of_two_changes_of_one_version_the_second_is_refused(start, receiver):
    api = Endpoints(start())
    id = api.make(receiver.url("/made"))["id"]
    tag = api.call("GET", f"/{id}").headers["etag"]
    answer = api.call("PATCH", f"/{id}", {"description": "mine"}, tag, 200)
    assert answer.headers["etag"] == '"2"'
    for stale in [tag, '"7"', 'W/"2"', "nonsense"]:
        assert api.call("PATCH", f"/{id}", {"description": "theirs"}, stale).status_code == 412
        assert api.call("DELETE", f"/{id}", tag=stale).status_code == 412
    assert api.get(id)["description"] == "mine"
    for rate, right in [(5, '"1", "2"'), (6, "*")]:
        api.call("PATCH", f"/{id}", {"rate": rate}, right, 200)
    api.delete(id, tag='"4"')
    assert api.call("GET", f"/{id}").status_code == 404


def test_with_the_same_tag_one_of_many_wins(start, receiver):
    hub = start()
    id = Endpoints(hub).make(receiver.url("/made"))["id"]
    answers = [None] * 8

    def race(n):
        answers[n] = requests.patch(f"{hub.url}/v1/acme/endpoints/{id}", json={"description": str(n)},
                                    headers={**people.token("endpoints"), "If-Match": '"1"'}, timeout=30).status_code

    threads = [threading.Thread(target=race, args=(n,)) for n in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert sorted(answers) == [200] + [412] * 7
    now = Endpoints(hub).get(id)
    assert now["version"] == 2 and now["description"] == str(answers.index(200))


@pytest.mark.parametrize("tag", [{}, {"If-Match": "*"}], ids=str)
def test_without_a_tag_no_change_undoes_another(start, receiver, tag):
    """And none is refused for a version that it did not name; one that is wrong holds up nobody behind it."""
    hub = start()
    id = Endpoints(hub).make(receiver.url("/made"))["id"]

    def change(n):
        body = {"rate": 0} if n % 10 == 3 else {"metadata": {f"k{n}": "x"}}
        return requests.patch(f"{hub.url}/v1/acme/endpoints/{id}", json=body, headers={**people.token("endpoints"), **tag},
                              timeout=PATIENCE).status_code

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(change, range(40)))
    assert answers == [422 if n % 10 == 3 else 200 for n in range(40)]
    kept = Endpoints(hub).get(id)
    assert set(kept["metadata"]) == {f"k{n}" for n in range(40) if n % 10 != 3} and kept["version"] == 37


def test_a_change_of_nothing_is_none(start, receiver):
    hub = start()
    api = Endpoints(hub)
    said = {"description": "mine", "types": ["invoice.*"], "headers": {"X-Token": "s3cret", "X-Team": "red"}, "rate": 5,
            "metadata": {"a": "1"}, "when": {"severity": "error"}, "order": "fifo", "format": "thin"}
    made = api.make(receiver.url("/made"), **said)
    id, path = made["id"], f"/{made['id']}"
    same = [{}, {"rate": 5}, {"metadata": {}}, {"metadata": {"none": None}}, {"headers": {"X-Token": "***"}},
            {"enabled": True}, {"concurrency": None}, {**said, "url": made["url"]}]
    for tag in [None, '"1"']:
        for body in same:
            answer = api.call("PATCH", path, body, tag, 200)
            assert (answer.headers["etag"], answer.json()["version"]) == ('"1"', 1), body
    plain = api.make(receiver.url("/plain"))["id"]
    for body in [{}, {"types": ["*"], "concurrency": 8, "format": "standard", "signatures": ["v1"], "when": {}}]:
        assert api.patch(plain, **body)["version"] == 1, body
    assert api.call("PATCH", path, {}, '"2"').status_code == 412
    for version, body in enumerate([{"rate": 6}, {"headers": {"X-Token": "other"}}, {"enabled": False}], 2):
        assert api.patch(id, **body)["version"] == version, body
    assert api.patch(id, enabled=False)["version"] == 4
    rows = hub.get("/v1/acme/audit?limit=200", people.token("admin")).json()["items"]
    assert [row["what"] for row in rows].count("endpoint.change") == 3


# --- removed, disabled, enabled -----------------------------------------------------------------------------------

def test_what_is_removed_gets_nothing_more(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"))["id"]
    api.delete(id)
    hub.send(case("ann"))
    receiver.wait(1, "/yaml")
    stays(lambda: receiver.at("/made") == [], seconds=0.2)
    for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/attempts"), ("POST", "/test"),
                         ("POST", "/enable"), ("POST", "/rotate")]:
        assert api.call(method, f"/{id}{path}", {} if method == "PATCH" else None).status_code == 404
    assert [e["name"] for e in api.list()] == ["yaml"]


@pytest.mark.parametrize("how", ["a deed", "a change"])
def test_while_it_is_disabled_what_comes_is_held(start, receiver, how):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"))["id"]
    off = api.do(id, "disable", reason="the shop moves") if how == "a deed" else api.patch(id, enabled=False)
    assert off["enabled"] is False and off["disabled_at"] and api.get(id)["enabled"] is False
    assert api.patch(id, description="still off")["enabled"] is False, "another change leaves it as it is"
    for name in ["One", "Two"]:
        hub.send(case("ann", name=name))
    until(lambda: api.get(id)["held"] == 2)
    on = api.do(id, "enable") if how == "a deed" else api.patch(id, enabled=True)
    assert on["enabled"] is True and on["disabled_at"] is None
    receiver.wait(2, "/made")
    assert sorted(titles(receiver, "/made")) == ["One", "Two"]


# --- another secret -----------------------------------------------------------------------------------------------

def test_a_rotation_has_an_overlap(start, receiver):
    hub = start(clock=True)
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"))
    rotated = api.do(made["id"], "rotate", overlap=3600)
    hub.send(case("ann"))
    both = receiver.wait(1, "/made")[0]
    assert both.verifies(made["secret"]) and both.verifies(rotated["secret"])
    new, old = both.headers["webhook-signature"].split(" ")
    hub.clock.advance("61m")
    hub.send(case("ann"))
    one = receiver.wait(2, "/made")[1]
    assert one.verifies(rotated["secret"]) and not one.verifies(made["secret"])
    assert len(one.headers["webhook-signature"].split(" ")) == 1
    at_once = api.do(made["id"], "rotate", overlap=0, secret=OTHER_WEBHOOK_SECRET)
    assert at_once["secret"] == OTHER_WEBHOOK_SECRET
    hub.send(case("ann"))
    last = receiver.wait(3, "/made")[2]
    assert last.verifies(OTHER_WEBHOOK_SECRET) and not last.verifies(rotated["secret"])


def test_a_secret_of_before_signs_once(start, receiver):
    """Back to it, or the same again: a receiver is not sent two equal signatures."""
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), secret=WEBHOOK_SECRET, signatures=["v1", "v1a"])["id"]
    for secret in [WEBHOOK_SECRET, OTHER_WEBHOOK_SECRET, WEBHOOK_SECRET]:
        api.do(id, "rotate", secret=secret)
    hub.send(case("ann"))
    got, = receiver.wait(1, "/made")
    assert got.verifies(WEBHOOK_SECRET) and got.verifies(OTHER_WEBHOOK_SECRET)
    signatures = got.headers["webhook-signature"].split(" ")
    assert [s[:3] for s in signatures].count("v1,") == 2 and len(signatures) == len(set(signatures))
    hub.config["channels"]["hooks"]["endpoints"] = [receiver.endpoint("twice", secret=[WEBHOOK_SECRET, WEBHOOK_SECRET])]
    hub.write_config()
    assert hub.reload().status_code == 200
    hub.send(case("ann"))
    assert len(receiver.wait(1, "/twice")[0].headers["webhook-signature"].split(" ")) == 1


@pytest.mark.parametrize("body,pointer", [
    ({"overlap": -1}, "/overlap"), ({"overlap": 604_801}, "/overlap"), ({"overlap": "1h"}, "/overlap"),
    ({"secret": "short"}, "/secret"), ({"overlapp": 5}, "/overlapp")], ids=str)
def test_a_rotation_that_is_none(start, receiver, body, pointer):
    api = Endpoints(start())
    id = api.make(receiver.url("/made"))["id"]
    answer = api.call("POST", f"/{id}/rotate", body, status=422)
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


# --- whose they are -----------------------------------------------------------------------------------------------

def test_own_sees_and_changes_what_it_made_and_nothing_else(start, receiver):
    hub = start()
    app, shop = Endpoints(hub, "endpoints"), Endpoints(hub, "own")
    theirs, mine = app.make(receiver.url("/theirs")), shop.make(receiver.url("/mine"))
    assert mine["owner"] == "token:shop"
    hub.send(case("ann"))
    receiver.wait(1, "/theirs"), receiver.wait(1, "/mine")
    attempt = until(lambda: app.attempts(theirs["id"]))[0]["id"]
    assert [e["id"] for e in shop.list()] == [mine["id"]]
    assert {e["name"] for e in app.list()} == {"yaml", mine["id"], theirs["id"]}
    yaml = next(e["id"] for e in app.list() if e["from"] == "yaml")
    for other in [theirs["id"], yaml, NOBODY]:
        for method, path, body in [
                ("GET", "", None), ("PATCH", "", {"description": "x"}), ("DELETE", "", None), ("GET", "/attempts", None),
                ("POST", "/test", None), ("POST", "/enable", None), ("POST", "/disable", None), ("POST", "/rotate", None),
                ("POST", "/recover", {"since": "2026-01-01T00:00:00Z"}), ("POST", f"/attempts/{attempt}/resend", None)]:
            answer = shop.call(method, f"/{other}{path}", body)
            assert answer.status_code == 404, f"{method} {path} {answer.text}"
            assert answer.json()["detail"] == "there is no such endpoint"
    crossed = shop.call("POST", f"/{mine['id']}/attempts/{attempt}/resend", status=404)
    assert crossed.json()["detail"] == "there is no such attempt"
    assert shop.call("GET", "?owner=token:hooks-app").json()["items"] == []
    assert shop.patch(mine["id"], description="ours")["description"] == "ours"
    assert len(receiver.at("/theirs")) == 1
    assert app.get(theirs["id"])["version"] == 1


def test_who_may_read_sees_no_credentials_in_the_url(start, receiver):
    hub = start()
    made = Endpoints(hub).make(receiver.url("/made?token=t0p"))
    reader = Endpoints(hub, "reader")
    assert Endpoints(hub).get(made["id"])["url"].endswith("/made?token=t0p")
    assert "t0p" not in reader.call("GET", f"/{made['id']}").text + reader.call("GET").text
    assert reader.call("PATCH", f"/{made['id']}", {"rate": 1}).status_code == 403


def test_a_name_that_begins_like_another_is_another(start, receiver):
    shops = [{"name": name, "org": "acme", "secret": f"secret-of-the-{name}", "may": ["endpoints:own"]}
             for name in ["shops", "shop-2"]]
    hub = start(tokens=shops)
    shop = Endpoints(hub, "own")
    for token in shops:
        other = Endpoints(hub, {"Authorization": f"Bearer {token['secret']}"})
        made = other.make(receiver.url("/made"))
        assert made["owner"] == f"token:{token['name']}"
        assert shop.call("GET", f"/{made['id']}").status_code == 404 and shop.list() == []


def test_people_who_are_admins_may_and_own_what_they_make(start, receiver):
    hub = start()
    root = Endpoints(hub, hub.person("root"))
    made = root.make(receiver.url("/made"))
    assert made["owner"] == "person:root"
    assert Endpoints(hub, hub.person("ann")).call("GET").status_code == 403
    Endpoints(hub, "admin").delete(made["id"])


def test_of_another_org_there_are_none(start, receiver):
    hub = start()
    id = Endpoints(hub).make(receiver.url("/made"))["id"]
    other = Endpoints(hub, "other", "globex")
    assert other.call("GET", f"/{id}").status_code == 404
    assert [e["name"] for e in other.list()] == ["yaml"], "YAML's are for all orgs"
    assert Endpoints(hub, "other", "acme").call("GET").status_code == 404
    own = other.make(receiver.url("/globex"))
    assert Endpoints(hub).call("DELETE", f"/{own['id']}").status_code == 404
    hub.send(case("ann"))
    receiver.wait(1, "/made")
    stays(lambda: receiver.at("/globex") == [], seconds=0.2)


# --- beside YAML --------------------------------------------------------------------------------------------------

def line_of(hub, name):
    return next(n for n, line in enumerate(hub.config_path.read_text().split("\n"), 1) if f"name: {name}" in line)


def test_yaml_is_read_only_and_says_where_it_stands(start, receiver):
    hub = start()
    api = Endpoints(hub)
    one, = api.list()
    assert (one["from"], one["owner"], one["version"]) == ("yaml", None, None)
    assert "etag" not in api.call("GET", f"/{one['id']}").headers, "no version is counted of what a file says"
    for method, path, body in [("PATCH", "", {"rate": 5}), ("DELETE", "", None), ("POST", "/rotate", None)]:
        answer = api.call(method, f"/{one['id']}{path}", body, status=409)
        assert f"`yaml` is defined in belfry.yaml:{line_of(hub, 'yaml')} " in answer.json()["detail"]
    assert api.do(one["id"], "disable")["enabled"] is False
    hub.send(case("ann", name="Held"))
    until(lambda: api.get(one["id"])["held"] == 1)
    assert api.do(one["id"], "enable")["enabled"] is True
    assert receiver.wait(1, "/yaml")[0].title() == "Held"
    assert api.do(one["id"], "test")["webhook_id"]
    receiver.wait(2, "/yaml")


def test_a_reload_leaves_those_of_the_api_alone(start, receiver):
    hub = start()
    api = Endpoints(hub)
    made = api.make(receiver.url("/made"), **{**ALL, "types": ["*"], "when": None, "enabled": True, "format": "standard"})
    hooks = hub.config["channels"]["hooks"]
    hooks["endpoints"] = [receiver.endpoint("other")]
    hooks["timeout"] = "20s"
    hub.write_config()
    assert hub.reload().status_code == 200
    until(lambda: {e["name"] for e in api.list()} == {"other", made["id"]})
    assert api.get(made["id"]) == {k: v for k, v in made.items() if k != "secret"}
    hub.send(case("ann"))
    assert receiver.wait(1, "/made")[0].verifies(made["secret"].split(" ")[0])
    receiver.wait(1, "/other")
    assert receiver.at("/yaml") == []
    hub.restart()
    hub.send(case("ann"))
    assert receiver.wait(2, "/made")[1].verifies(made["secret"].split(" ")[0])


# --- lists --------------------------------------------------------------------------------------------------------

def test_the_list_has_pages_and_filters(start, receiver):
    hub = start()
    api, shop = Endpoints(hub), Endpoints(hub, "own")
    made = [(shop if n % 2 else api).make(receiver.url(f"/{n}"), enabled=n != 3)["id"] for n in range(5)]
    seen, before = [], ""
    while before is not None:
        page = api.call("GET", f"?limit=2{before and '&before=' + before}").json()
        assert len(page["items"]) <= 2
        seen += [e["id"] for e in page["items"]]
        before = page["next"]
    assert seen[:5] == made[::-1] and len(seen) == 6, "newest first; the one of YAML is the oldest"
    assert [e["id"] for e in api.list("?owner=token:shop")] == [made[3], made[1]]
    assert [e["id"] for e in api.list("?enabled=false")] == [made[3]]
    assert made[3] not in [e["id"] for e in api.list("?enabled=true")]
    for query in ["?enabled=perhaps", "?limit=0", "?before=x"]:
        assert api.call("GET", query).status_code == 400


# --- deeds --------------------------------------------------------------------------------------------------------

def test_one_delivery_goes_out_again_under_its_id(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"))["id"]
    hub.send(case("ann"))
    first, = receiver.wait(1, "/made")
    attempt = until(lambda: api.attempts(id))[0]
    assert api.do(id, f"attempts/{attempt['id']}/resend") == {"delivery": attempt["delivery"]}
    again = receiver.wait(2, "/made")[1]
    assert (again.id, again.body) == (first.id, first.body)
    assert api.call("POST", f"/{id}/attempts/{NOBODY}/resend").status_code == 404
    assert api.call("POST", f"/{id}/attempts/x/resend").status_code == 404


def test_what_was_missed_comes_after_all(start, receiver):
    hub = start(schedule=["5s"], clock=True)
    api = Endpoints(hub)
    receiver.answer("/made", 500, 500, 200)
    id = api.make(receiver.url("/made"))["id"]
    hub.send(case("ann", name="Lost"))
    until(lambda: len(api.attempts(id)) == 1)
    hub.clock.advance("10s")
    until(lambda: hub.deliveries("?channel=hooks&state=failed"))
    since = "2026-01-01T00:00:00Z"
    recovered = api.do(id, "recover", since=since)
    assert recovered["count"] == 1 and recovered["since"]
    assert receiver.wait(3, "/made")[2].title() == "Lost"
    assert len({d.id for d in receiver.at("/made")}) == 1
    until(lambda: not hub.deliveries("?channel=hooks&state=failed"))
    assert api.do(id, "recover", since=since)["count"] == 0


@pytest.mark.parametrize("body,pointer", [
    ({}, "/since"), ({"since": "yesterday"}, "/since"), ({"since": 7}, "/since"), ({"since": "2999-01-01T00:00:00Z"}, "/since"),
    ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "/until"),
    ({"since": "2026-01-02T00:00:00Z", "untl": "x"}, "/untl")], ids=str)
def test_a_recovery_that_is_none(shared, body, pointer):
    api = Endpoints(shared)
    id = api.list()[0]["id"]
    assert list(api.faults("POST", f"/{id}/recover", **body)) == [pointer]


@pytest.mark.parametrize("since", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_since_the_beginning_of_time_is_since_what_is_kept(shared, since):
    api = Endpoints(shared)
    answer = api.do(api.list()[0]["id"], "recover", since=since)
    assert answer["count"] == 0 and answer["since"] > "2020"


def test_attempts_can_be_those_that_did_not_arrive(start, receiver):
    hub = start(clock=True)
    api = Endpoints(hub)
    receiver.answer("/made", 500, 200)
    id = api.make(receiver.url("/made"))["id"]
    hub.send(case("ann"))
    until(lambda: len(api.attempts(id)) == 1)
    hub.clock.advance("10s")
    receiver.wait(2, "/made")
    until(lambda: len(api.attempts(id)) == 2)
    assert [a["code"] for a in api.attempts(id, "?failed=true")] == [500]
    assert api.call("GET", f"/{id}/attempts?failed=x").status_code == 400


@pytest.mark.parametrize("format", ["standard", "thin", "cloudevents-structured", "cloudevents-binary"])
def test_an_attempt_says_what_was_sent_and_what_came_back(start, receiver, format):
    hub = start()
    api = Endpoints(hub)
    receiver.answer("/made", (418, {"X-Said": "tea"}, b"no coffee"))
    id = api.make(receiver.url("/made"), format=format, headers={"X-Token": "t0p", "X-Team": "shop"})["id"]
    hub.send(case("ann", name="Größe \U0001f514 " * 3))
    sent, = receiver.wait(1, "/made")
    attempt, = until(lambda: api.attempts(id))
    record = attempt["record"]
    assert record["request"]["body"] == sent.body.decode()
    assert not {"body_of", "truncated"} & set(record["request"])
    headers = {name.lower(): value for name, value in record["request"]["headers"].items()}
    assert (headers["x-team"], headers["x-token"], headers["webhook-id"]) == ("shop", "***", sent.id)
    assert (record["response"]["status"], record["response"]["body"]) == (418, "no coffee")


def test_of_a_long_body_the_beginning_is_shown(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"))["id"]
    hub.send(created(owner="ann", fields={"name": "x" + "\U0001f514" * 10_000}))
    sent, = receiver.wait(1, "/made")
    request = until(lambda: api.attempts(id))[0]["record"]["request"]
    assert request["truncated"] is True and sent.body.decode().startswith(request["body"])
    assert 19_990 < len(request["body"].encode()) <= 20_000


def test_who_looks_at_what_was_sent_and_is_no_integrator_is_in_the_audit(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"))["id"]
    hub.send(case("ann", name="What it says"))
    until(lambda: api.attempts(id))
    looked = lambda: [(row["who"], row["detail"]) for row in hub.get(  # noqa: E731
        "/v1/acme/audit?what=endpoint.reveal", people.token("admin")).json()["items"]]
    for who in [people.token("reader"), people.token("admin"), hub.person("root")]:
        text = Endpoints(hub, who).call("GET", f"/{id}/attempts?bodies=hidden", status=200).text
        assert "What it says" not in text
    assert "What it says" not in hub.get(f"/acme/admin/endpoints/{id}", hub.person("root")).text
    delivery = api.attempts(id)[0]["delivery"]
    timeline = hub.get(f"/v1/acme/deliveries/{delivery}", people.token("reader")).json()["timeline"]
    assert timeline[0]["record"]["request"]["url"] and "body" not in timeline[0]["record"]["request"]
    assert looked() == [], "nobody has"
    for who in [people.token("reader"), people.token("admin"), hub.person("root")]:
        assert "What it says" in Endpoints(hub, who).call("GET", f"/{id}/attempts", status=200).text
    assert looked() == [(who, {"endpoint": id}) for who in ["person:root", "token:admin-app", "token:reader"]]
    assert api.call("GET", f"/{id}/attempts?bodies=some").status_code == 400


def test_an_integrator_who_may_also_read_and_looks_at_what_others_got_is_in_the_audit(start, receiver):
    both = {"name": "both", "org": "acme", "secret": "secret-of-the-token-both", "may": ["endpoints:own", "read"]}
    hub = start(tokens=[both])
    api, other = Endpoints(hub), Endpoints(hub, people.bearer(both["secret"]))
    theirs, mine = api.make(receiver.url("/theirs"))["id"], other.make(receiver.url("/mine"))["id"]
    hub.send(case("ann", name="What it says"))
    for id in [theirs, mine]:
        until(lambda: api.attempts(id))
        assert "What it says" in other.call("GET", f"/{id}/attempts", status=200).text
    assert other.call("PATCH", f"/{theirs}", {"rate": 5}).status_code == 403
    rows = hub.get("/v1/acme/audit?what=endpoint.reveal", people.token("admin")).json()["items"]
    assert [(row["who"], row["detail"]["endpoint"]) for row in rows] == [("token:both", theirs)]


# --- the audit ----------------------------------------------------------------------------------------------------

def test_each_deed_is_in_the_audit(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), headers={"X-Token": "s3cret"})["id"]
    api.patch(id, description="x")
    api.do(id, "disable", reason="a move")
    api.do(id, "enable")
    api.do(id, "rotate", secret=OTHER_WEBHOOK_SECRET)
    api.do(id, "test")
    receiver.wait(1, "/made")
    attempt = until(lambda: api.attempts(id))[0]["id"]
    api.do(id, f"attempts/{attempt}/resend")
    api.do(id, "recover", since="2026-01-01T00:00:00Z")
    api.delete(id)
    rows = hub.get("/v1/acme/audit?limit=200", people.token("admin")).json()["items"]
    mine = [row for row in rows if row["what"].startswith("endpoint.")][::-1]
    assert [row["what"] for row in mine] == [
        "endpoint.create", "endpoint.change", "endpoint.disable", "endpoint.enable", "endpoint.rotate", "endpoint.test",
        "endpoint.resend", "endpoint.recover", "endpoint.remove"]
    assert {row["who"] for row in mine} == {"token:hooks-app"}
    assert mine[2]["detail"]["reason"] == "a move"
    assert not [row for row in mine if "s3cret" in str(row) or OTHER_WEBHOOK_SECRET in str(row)]


def test_what_of_it_was_changed_is_in_the_audit_and_not_to_what(start, receiver):
    hub = start()
    api = Endpoints(hub)
    id = api.make(receiver.url("/made"), headers={"X-Token": "s3cret"}, format="thin")["id"]
    for change in [{"headers": {"X-Token": "s3cret-too"}}, {"format": None, "handshake": True, "rate": 5},
                   {"signatures": ["v1", "v1a"], "headers": None}, {"enabled": False, "description": "x"}]:
        api.patch(id, **change)
    rows = hub.get("/v1/acme/audit?what=endpoint.change", people.token("admin")).json()["items"][::-1]
    assert [set(row["detail"]["changed"]) for row in rows] == [
        {"headers"}, {"format", "handshake", "rate"}, {"signatures", "headers"}, {"enabled", "description"}]
    assert "s3cret" not in str(rows)


def test_an_answer_that_repeats_the_request_shows_no_credential(start, receiver):
    api = Endpoints(start())
    path = "/echo?code=of-the-query"
    receiver.answer(path, lambda got: (200, {"X-Got": got.headers["authorization"]}, json.dumps(got.headers).encode()))
    made = api.make(receiver.url(path), headers={"Authorization": "Bearer of-the-shop"})
    api.do(made["id"], "test")
    got, = receiver.wait(1, path)
    attempt, = until(lambda: api.attempts(made["id"]))
    said = json.dumps(attempt)
    response = attempt["record"]["response"]
    assert response["headers"]["x-got"] == "***" and got.id in response["body"]
    for secret in ["of-the-shop", got.headers["webhook-signature"].split(",")[1]]:
        assert secret not in said


# --- credentials that are sent along ------------------------------------------------------------------------------

def test_a_credential_is_not_sent_to_another_server(start, receiver):
    """Who may change an endpoint and is shown no header of it does not read one by pointing it elsewhere."""
    api = Endpoints(start())
    headers = {"Authorization": "Bearer of-the-shop", "X-Team": "shop"}
    made = api.make(receiver.url("/made"), headers=headers)
    mine = receiver.url("/mine").replace("127.0.0.1", "127.0.0.2")
    for more in [{}, {"headers": {"X-Team": "other"}}, {"headers": {"Authorization": "***"}},
                 {"headers": {"Authorization": None, "authorization": "***"}}]:
        pointer, = api.faults("PATCH", f"/{made['id']}", url=mine, **more)
        assert pointer.lower() == "/headers/authorization"
    assert api.get(made["id"])["url"] == receiver.url("/made")
    assert api.patch(made["id"], url=receiver.url("/other"))["headers"]["Authorization"] == "***", "the same server"
    moved = api.patch(made["id"], url=mine, headers={"Authorization": "Bearer of-the-other"})
    assert moved["headers"] == {"Authorization": "***", "X-Team": "shop"}
    back = api.patch(made["id"], url=receiver.url("/made"), headers={"Authorization": None})
    assert back["headers"] == {"X-Team": "shop"}

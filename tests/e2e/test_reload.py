# SPDX-License-Identifier: Apache-2.0
"""Reload is a transaction: a bad file changes nothing and says why, a good one after it works."""
import copy
import json
import signal
import threading

import pytest

from support import people
from support.config import base, with_hooks
from support.events import case, created, record_of, updated
from support.wait import until


def generation(hub):
    return hub.metrics()["belfry_config_generation"]


def rejected(hub):
    answer = hub.reload()
    assert answer.status_code == 422, answer.text
    return answer.json()["diagnostics"]


def accepted(hub):
    answer = hub.reload()
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_unchanged_file(hub):
    answer = accepted(hub)
    assert set(answer) == {"generation", "changed", "restart_required"}
    assert answer["restart_required"] == []


def test_new_people_tokens_sources_and_rules(new_hub):
    config = base()
    hub = new_hub(config).start()
    assert hub.post_trigger(case("ann"), source="shop").status_code == 404
    config["sources"]["shop"] = {"plugin": "workflow", "rules": config["sources"]["crm"]["rules"]}
    config["auth"]["tokens"].append({"name": "new-shop", "org": "acme", "secret": "token-of-the-new-shop", "may": ["trigger:shop"]})
    config["rules"][0]["deliver"] = ["inbox", {"via": "inbox", "to": ["mona"]}]
    hub.write_config(config)
    answer = accepted(hub)
    assert answer["changed"] and answer["generation"] >= 1
    new = people.bearer("token-of-the-new-shop")
    assert hub.post_trigger(case("ann", name="From the shop"), source="shop", headers=new).status_code == 202
    assert hub.titles("ann") == hub.titles("mona") == ["From the shop"]


def test_the_admins_hear_of_options_that_a_plugin_refuses(new_hub):
    config = with_echo(base())
    hub = new_hub(config).start()
    config["channels"]["echo"]["secret"] = "not this one"
    hub.write_config(config)
    rejected(hub)
    assert until(lambda: hub.items("root", type="hub.config_rejected"))


def test_a_removed_token_and_source(new_hub):
    config = base()
    hub = new_hub(config).start()
    hub.send(case("ann", name="Kept"))
    config["auth"]["tokens"] = [t for t in config["auth"]["tokens"] if t["name"] != "crm-app"]
    del config["sources"]["erp"]
    hub.write_config(config)
    accepted(hub)
    assert hub.post_trigger(case("ann"), headers=people.token("crm")).status_code == 401
    assert hub.post_trigger(case("ann"), source="erp").status_code == 404
    assert hub.titles("ann") == ["Kept"]


def test_a_renamed_source_keeps_what_it_knows(new_hub):
    """There, back and there again: what it remembers of records, its timers, and which triggers it has seen."""
    config = base()
    config["sources"]["one"] = {"plugin": "workflow", "rules": [
        {"name": "big", "on": "both", "fire": "on_entering", "when": {"fields.amount": {"gt": 10}},
         "notify": {"to": ["mona"], "title": "Big {{fields.amount}}"}},
        {"name": "late", "on": "both", "fire": "on_entering", "when": {"fields.amount": {"gt": 10}}, "after": "1d",
         "notify": {"to": ["bob"], "title": "Still big"}}]}
    hub = new_hub(config, clock=True).start()
    first = created(fields={"amount": 20})
    assert hub.post_trigger(first, source="one").status_code == 202
    for old, new in [("one", "two"), ("two", "one"), ("one", "two")]:
        config["sources"][new] = {**config["sources"].pop(old), "was": old}
        hub.write_config(config)
        accepted(hub)
        assert hub.post_trigger(first, source=new).json()["accepted"][0]["status"] == "duplicate"
        assert hub.post_trigger(updated(record_of(first), fields={"amount": 30}), source=new).status_code == 202
        assert hub.titles("mona") == ["Big 20"]
        assert hub.titles("bob") == []
    hub.clock.advance("25h")
    assert hub.titles("bob") == ["Still big"]


def test_bad_bad_good(new_hub):
    config = base()
    hub = new_hub(config).start()
    before = generation(hub)
    described = hub.get("/v1/admin/config", people.token("operator")).json()
    bad = copy.deepcopy(config)
    bad["rules"][0]["deliver"] = ["inbux"]
    hub.write_config(bad)
    fault = next(d for d in rejected(hub) if d["severity"] == "error")
    assert "inbux" in fault["message"] and fault["line"] > 1 and fault["file"].endswith("belfry.yaml")
    hub.send(case("ann", name="After the first"))
    hub.config_path.write_text("version: 1\nhub: {listen: [\n")
    rejected(hub)
    hub.config_path.unlink()
    rejected(hub)
    assert generation(hub) == before
    assert hub.get("/v1/admin/config", people.token("operator")).json() == described
    hub.send(case("ann", name="After three"))
    assert hub.metrics()["belfry_config_last_reload_successful"] == 0
    config["categories"]["news"]["label"] = "What is new"
    hub.write_config(config)
    assert accepted(hub)["generation"] > before
    assert hub.metrics()["belfry_config_last_reload_successful"] == 1
    hub.send(case("ann", name="After the good one"))
    assert hub.titles("ann") == ["After the good one", "After three", "After the first"]


def test_admins_are_told_of_a_rejected_reload(hub):
    hub.config_path.write_text("version: 2\n")
    rejected(hub)
    item = until(lambda: hub.items("root", type="hub.config_rejected"))[0]
    assert item["category"] == "hub"


@pytest.mark.parametrize("change", [
    lambda c: c["sources"].update(broken={"plugin": "create_fails"}),
    lambda c: c["sources"].update(broken={"plugin": "bad_magic"}),
    lambda c: c["auth"]["tokens"][0].update(secret="${env:BELFRY_NO_SUCH_VARIABLE}"),
    lambda c: c["channels"].pop("inbox"),
    lambda c: c.pop("unmatched"),
    lambda c: c["sources"]["crm"].update(rules=[{"name": "x", "on": "both", "when": {"fields.a": {"gtt": 1}},
                                                 "notify": {"to": ["owner"], "title": "{{"}}]),
], ids=["create fails", "no plugin", "no secret", "no channel", "no unmatched", "bad rule"])
def test_what_is_rejected_leaves_the_hub_as_it_was(new_hub, change):
    config = base()
    hub = new_hub(config).start()
    before = generation(hub)
    bad = copy.deepcopy(config)
    change(bad)
    hub.write_config(bad)
    assert rejected(hub)
    hub.send(case("ann", name="Untouched"))
    assert hub.titles("ann") == ["Untouched"] and generation(hub) == before
    hub.write_config(config)
    accepted(hub)


def test_an_instance_that_refuses_its_options_is_named(new_hub):
    hub = new_hub(base()).start()
    hub.config["sources"]["broken"] = {"plugin": "create_fails"}
    hub.write_config()
    problem, = rejected(hub)
    assert problem == {"severity": "error", "code": "H507", "path": "/sources/broken/server",
                       "message": "the fixture refuses every server"}
    told = hub.belfry("reload")
    assert told.returncode == 1
    assert "/sources/broken/server: error[H507]: the fixture refuses every server" in told.stderr
    assert 'path=/sources/broken/server' in hub.log()


def test_sighup(new_hub):
    config = base()
    hub = new_hub(config).start()
    before = generation(hub)
    config["orgs"]["acme"]["users"]["newbie"] = {"roles": ["sales-manager"]}
    hub.write_config(config)
    hub.signal(signal.SIGHUP)
    until(lambda: generation(hub) > before)
    hub.config_path.write_text("nonsense")
    hub.signal(signal.SIGHUP)
    until(lambda: hub.metrics()["belfry_config_last_reload_successful"] == 0)
    assert "nonsense" in hub.log() or "error" in hub.log()
    hub.send(case("ann"))


def test_the_command(new_hub):
    config = base()
    hub = new_hub(config).start()
    done = hub.belfry("reload")
    assert done.returncode == 0, done.stderr
    assert "generation" in json.loads(done.stdout)
    hub.config_path.write_text(hub.config_path.read_text().replace("- inbox", "- inbux"))
    done = hub.belfry("reload")
    assert done.returncode == 1 and "inbux" in done.stderr
    hub.stop()
    hub.write_config(config)
    done = hub.belfry("reload")
    assert done.returncode == 4 and "running" in done.stderr


def test_what_waits_for_a_restart(new_hub, tmp_path):
    config = base()
    hub = new_hub(config).start()
    config["hub"]["data_dir"] = str(tmp_path / "elsewhere")
    hub.write_config(config)
    answer = accepted(hub)
    assert any("data_dir" in json.dumps(name) for name in answer["restart_required"]), answer
    hub.send(case("ann"))
    assert not (tmp_path / "elsewhere").exists()


def test_what_waits_for_a_restart_is_told_until_it_is_restarted_or_taken_back(new_hub):
    config = base()
    hub = new_hub(config).start()

    def waits(**settings):
        config["hub"].update(settings)
        hub.write_config(config)
        told = accepted(hub)["restart_required"]
        assert hub.metrics()["belfry_restart_required"] == (1 if told else 0)
        return told

    assert waits(listen="127.0.0.1:1") == ["hub.listen"]
    assert waits(timezone="UTC") == ["hub.listen"]
    assert waits(tls={"cert": "/nowhere/cert.pem", "key": "/nowhere/key.pem"}) == ["hub.listen", "hub.tls"]
    assert "`/nowhere/cert.pem` cannot be read" in hub.log(), "a warning: the next start needs it"
    del config["hub"]["tls"]
    assert waits(listen="127.0.0.1:0", limits={"connections": 100}) == ["hub.limits.connections"]
    assert waits(limits=base()["hub"]["limits"]) == []


def test_a_new_endpoint_and_a_removed_channel(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint("one"))
    hub = new_hub(config).start()
    hub.send(created())
    receiver.wait(1, "/one")
    config["channels"]["hooks"]["endpoints"].append(receiver.endpoint("two"))
    hub.write_config(config)
    accepted(hub)
    hub.send(created())
    receiver.wait(1, "/two")
    receiver.wait(2, "/one")
    del config["channels"]["hooks"]
    config["rules"] = config["rules"][:1]
    hub.write_config(config)
    accepted(hub)
    hub.send(created(owner="bob"))
    assert len(hub.titles("bob")) >= 1
    assert len(receiver.deliveries) == 3


def test_a_new_org_has_the_endpoints_at_once(new_hub, receiver):
    """The channel is as it was, so nothing of it is made anew; the very next trigger of the org is delivered."""
    config = with_hooks(base(), receiver.endpoint("one"), receiver.endpoint("acme", orgs=["acme"]), source="crm")
    hub = new_hub(config).start()
    config["orgs"]["initech"] = {"users": {"bill": {}}}
    hub.write_config(config)
    accepted(hub)
    hub.send(created(owner="bill"), org="initech")
    assert receiver.wait(1, "/one")[0].json()["data"]["org"] == "initech"
    hub.send(created())
    receiver.wait(1, "/acme")
    receiver.wait(2, "/one")
    assert len(receiver.at("/acme")) == 1


def test_two_channels_become_one_while_a_webhook_is_under_way(new_hub, receiver):
    """What the receiver refuses after the reload is sent again by the channel that is left."""
    config = with_hooks(base(), receiver.endpoint("one"), schedule=["0s"], orgs=["acme"])
    config["orgs"]["globex"] = copy.deepcopy(config["orgs"]["acme"])
    config["channels"]["relay"] = {**config["channels"]["hooks"], "endpoints": [], "orgs": ["globex"]}
    config["rules"][-1]["orgs"] = ["acme"]
    hub = new_hub(config).start()
    reloaded = threading.Event()

    def answer(delivery):
        reloaded.wait(20)
        return 200 if len(receiver.at("/one")) > 1 else 500

    receiver.answer("/one", answer)
    hub.send(created())
    receiver.wait(1, "/one")
    config["channels"]["relay"] = {**config["channels"].pop("hooks"), "was": "hooks", "orgs": ["acme", "globex"]}
    config["rules"][-1]["deliver"] = ["relay"]
    hub.write_config(config)
    assert hub.reload().status_code == 200
    reloaded.set()
    first, second = receiver.wait(2, "/one")
    assert first.id == second.id and first.body == second.body
    until(lambda: [d["state"] for d in hub.deliveries("?channel=relay")] == ["delivered"])


def test_reloads_under_load_lose_no_webhook(new_hub, receiver):
    """Each reload replaces the instance while it is sending."""
    config = with_hooks(base(), receiver.endpoint("one"), receiver.endpoint("two"), source="crm")
    hub = new_hub(config).start()
    sent, done = [], threading.Event()

    def work(n):
        i = 0
        while not done.is_set():
            sent.extend(hub.send(case("ann", event_id=f"load-{n}-{i}")))
            i += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for i in range(15):
        config["channels"]["hooks"]["timeout"] = f"{20 + i}s"
        if i % 3 == 2:
            config["channels"]["hooks"]["endpoints"][1] = receiver.endpoint("two", types=["workflow.*", f"no.{i}"])
        hub.write_config(config)
        accepted(hub)
    done.set()
    for thread in threads:
        thread.join()
    for path in ("/one", "/two"):
        until(lambda: len({d.id for d in receiver.at(path)}) == len(sent), timeout=60)
    assert hub.running()


def echoed(hub):
    return hub.get("/v1/acme/echo", people.token("reader")).json()["delivered"]


def with_echo(config, **options):
    config["channels"]["echo"] = {"plugin": "echo_delivery", **options}
    config["rules"].append({"name": "echo", "when": {"severity": "info"}, "deliver": ["echo"]})
    return config


def test_a_channel_that_can_reload_is_not_replaced(new_hub):
    config = with_echo(base())
    hub = new_hub(config).start()
    hub.send(case("ann"))
    until(lambda: echoed(hub) == 1)
    config["channels"]["echo"]["outcome"] = "rejected"
    hub.write_config(config)
    assert accepted(hub)["changed"] == {"channels": "+0~1-0"}
    hub.send(case("ann"))
    until(lambda: hub.deliveries("?state=failed&channel=echo"))
    assert echoed(hub) == 1
    assert "instance=echo" not in hub.log()


@pytest.mark.parametrize("fault", ["a channel refuses to reload", "a channel cannot start"])
def test_a_late_fault_leaves_endpoints_and_channels_as_they_were(new_hub, receiver, fault):
    config = with_echo(with_hooks(base(), receiver.endpoint("one"), source="crm"))
    hub = new_hub(config).start()
    bad = copy.deepcopy(config)
    bad["channels"]["hooks"]["endpoints"] = [receiver.endpoint("two")]
    if fault == "a channel refuses to reload":
        bad["channels"]["echo"]["secret"] = "not this one"
        wanted = "the fixture refuses this secret"
    else:
        bad["channels"]["again"] = {"plugin": "echo_delivery"}  # the same routes
        wanted = "/v1/{org}/echo"
    for _ in range(2):
        hub.write_config(bad)
        assert wanted in json.dumps(rejected(hub))
        hub.send(case("ann"))
    receiver.wait(2, "/one")
    until(lambda: echoed(hub) == 2)
    assert {d.path for d in receiver.deliveries} == {"/one"}
    del bad["channels"]["echo"]
    bad["channels"].pop("again", None)
    bad["rules"] = [rule for rule in bad["rules"] if rule["name"] != "echo"]
    hub.write_config(bad)
    accepted(hub)
    hub.send(case("ann"))
    receiver.wait(1, "/two")
    assert len(receiver.deliveries) == 3


def test_a_removed_channel_ends_what_is_pending_after_an_hour(new_hub, receiver):
    receiver.answer("/one", 500)
    config = with_hooks(base(), receiver.endpoint("one"))
    hub = new_hub(config, clock=True).start()
    hub.send(created())
    receiver.wait(1)
    until(lambda: hub.deliveries("?state=retrying"))
    del config["channels"]["hooks"]
    config["rules"] = config["rules"][:1]
    hub.write_config(config)
    accepted(hub)
    hub.clock.advance("59m")
    assert hub.deliveries("?state=channel_removed") == []
    hub.clock.advance("2h")
    assert until(lambda: hub.deliveries("?state=channel_removed"))
    assert len(receiver.deliveries) == 1


def test_reloads_under_load_lose_and_double_nothing(new_hub, receiver):
    """Sources are replaced, a channel takes new options, and everything arrives once: in the inbox and at the endpoint."""
    config = with_hooks(base(), receiver.endpoint("one"))
    hub = new_hub(config).start()
    sent, faults, done = [], [], threading.Event()

    def work(n):
        i = 0
        while not done.is_set():
            answer = hub.post_trigger(case("ann", event_id=f"load-{n}-{i}"))
            (sent if answer.status_code == 202 else faults).append((n, i, answer.status_code))
            i += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for i in range(15):
        config["categories"]["news"]["label"] = f"News {i}"
        config["sources"]["crm"]["rules"][0]["notify"]["body"] = f"generation {i}"
        config["channels"]["hooks"]["timeout"] = f"{10 + i}s"
        hub.write_config(config)
        assert set(accepted(hub)["changed"]) == {"categories", "sources", "channels"}
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert hub.inbox("ann")["total"] == len(sent)
    receiver.wait(len(sent), "/one")
    hub.stop()
    ids = [d.headers["webhook-id"] for d in receiver.deliveries]
    assert len(ids) == len(set(ids)) == len(sent)

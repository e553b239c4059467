# SPDX-License-Identifier: Apache-2.0
"""/healthz, /readyz, /metrics, and logs."""
import json
import re
import shutil
import sqlite3
import subprocess

import pytest

from support import people, raw
from support.config import ENVIRONMENT, base, with_hooks
from support.events import case, created, updated
from support.wait import until


@pytest.fixture
def hub(shared_hub):
    return shared_hub


PROXIED = [{"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}, {"Via": "1.1 proxy"},
           {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Host": "x"}]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_local_request_needs_no_credential_and_a_proxied_one_does(new_hub, path):
    config = base()
    config["auth"]["metrics_token"] = "token-of-the-monitoring"
    hub = new_hub(config).start()
    assert hub.get(path).status_code == 200
    for headers in PROXIED:
        assert hub.get(path, headers).status_code == 401, headers
        assert hub.get(path, {**headers, **people.bearer("token-of-the-monitoring")}).status_code == 200
        assert hub.get(path, {**headers, **people.bearer("token-of-another-kind!")}).status_code == 401


def test_ready_tells_its_parts(hub):
    text = hub.get("/readyz?verbose=1").text
    for part in ["configuration", "ledger", "database", "disk"]:
        assert f"ok {part}" in text


def test_metrics_are_clean(hub):
    hub.send(created())
    hub.get("/v1/acme/notifications", hub.person("ann"))
    answer = hub.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "metrics"], input=answer.text, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr + done.stdout


def test_dead_tasks_are_counted(new_hub):
    hub = new_hub(base()).start()
    assert hub.metrics()['belfry_tasks_dead{source="crm"}'] == 0
    hub.send(created())
    hub.stop()
    with sqlite3.connect(hub.data_dir / "belfry.db") as db:
        db.execute("INSERT INTO task(id, inst, org, key, due, attempts, dead) SELECT 1, n.id, o.id, 'fetch', 0, 12, 1"
                   " FROM name n, name o WHERE n.text = 'crm' AND o.text = 'acme'")
    db.close()
    hub.start()
    assert hub.metrics()['belfry_tasks_dead{source="crm"}'] == 1
    assert hub.metrics()['belfry_tasks_dead{source="erp"}'] == 0


def test_metrics_count(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint())).start()
    event = created()
    hub.send(event)
    hub.send(event)
    assert hub.post_trigger({"specversion": "1.0"}).status_code == 400
    receiver.wait(1)
    until(lambda: hub.deliveries("?state=delivered&channel=hooks"))
    numbers = hub.metrics()

    def value(name, **labels):
        return next(v for k, v in numbers.items() if re.split(r"[{ ]", k)[0] == name and
                    all(f'{label}="{text}"' in k for label, text in labels.items()))

    assert value("belfry_events_received_total", source="crm", result="accepted") == 1
    assert value("belfry_events_received_total", source="crm", result="duplicate") == 1
    assert value("belfry_events_received_total", source="crm", result="refused") == 1
    assert value("belfry_events_total") == 1 and value("belfry_notifications_total") == 1
    assert value("belfry_deliveries_total", channel="hooks", outcome="delivered") == 1
    assert value("belfry_db_wal_bytes") > 0
    assert value("belfry_build_info") == 1
    assert any(name.startswith("belfry_plugin_call_duration_seconds") for name in numbers)
    assert any(name.startswith("belfry_delivery_oldest_pending_timestamp_seconds") for name in numbers)


def test_every_outcome_is_counted_under_its_name(new_hub, receiver):
    """What the hub decides by itself as well as what came of attempts; the same names as in stories and lists."""
    config = with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("gone"))
    config["schedules"] = {"night": {"from": "22:00", "to": "07:00"}}
    config["categories"]["CALC_BLOCKED"]["visible_to"] = ["sales-manager"]
    config["rules"] = [
        {"name": "dropped", "when": {"category": "news"}, "stop": True, "deliver": []},
        {"name": "inbox", "when": {}, "deliver": ["inbox", {"via": "inbox", "after": "1h"}]},
        {"name": "later", "when": {"type": "record.assigned"},
         "deliver": [{"via": "inbox", "to": ["ann", "bob"], "after": "15m", "unless": ["seen"]}]},
        {"name": "hooks", "when": [{"data.record.object": "Hook"}, {"category": "CALC_BLOCKED"}], "deliver": ["hooks"]},
        {"name": "night", "when": {"data.record.object": "Night"}, "schedule": "night", "deliver": ["hooks"]},
    ]
    hub = new_hub(config, clock=True).start()
    receiver.answer("/gone", 410)

    def counted(outcome, channel="inbox"):
        return hub.metrics().get('belfry_deliveries_total{channel="%s",outcome="%s"}' % (channel, outcome), 0)

    hub.send(case("bob", "calm"))
    assert counted("dropped_by_rule", "") == 1
    hub.send(created(owner="bob", created_by="carl", id="seen"))
    assert counted("delivered") == 1 and counted("duplicate") == 2, "the second for Bob, twice"
    hub.seen("bob", hub.items("bob")[0]["id"])
    hub.send(created(owner="bob", created_by="carl", id="moved"))
    hub.send(updated({"object": "Lead", "id": "moved"}, owner="mona"))
    assert counted("withdrawn") == 1, "Ann's"
    hub.clock.advance("16m")
    assert counted("viewed") == 1 and counted("delivered") == 1 + 1 + 1 + 2
    hub.send(case("", "odd"))
    assert counted("no_recipient", "") == 1
    hub.send(case("ann", "secret", "For managers"))
    assert counted("suppressed_role", "hooks") == 1
    hub.send(created("Hook", owner="bob"))
    until(lambda: counted("delivered", "hooks") == 1 and counted("failed", "hooks") == 1)
    until(lambda: hub.items("root", type="hub.endpoint_disabled"))
    hub.send(created("Hook", owner="bob"))
    assert counted("held_disabled", "hooks") == 1
    day = 86_400_000
    hub.clock.set((hub.clock.ms // day + 1) * day + 22 * 3_600_000)
    hub.send(created("Night", owner="bob"))
    until(lambda: counted("held_quiet_hours", "hooks") == 1)
    waiting, = [d for d in hub.deliveries("?channel=hooks") if d["state"] == "held_quiet_hours"]
    assert hub.post(f"/v1/acme/deliveries/{waiting['id']}/cancel", people.token("admin")).status_code == 200
    assert counted("cancelled", "hooks") == 1
    for event in hub.events():
        story = hub.story(event["id"])
        for d in story["deliveries"] + [d for r in story["recipients"] for d in r["deliveries"]]:
            assert d["reason"] or d["outcome"] in ("scheduled", "delivered"), d


def test_metrics_are_there_from_zero_and_go_with_what_they_count(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint())
    hub = new_hub(config).start()

    def have(*labels):
        return {name: value for name, value in hub.metrics().items() if all(label in name for label in labels)}

    for result in ["accepted", "duplicate", "refused", "unavailable"]:
        assert have("belfry_events_received_total", '"erp"', f'"{result}"') == {
            f'belfry_events_received_total{{source="erp",result="{result}"}}': 0}
    for outcome in ["delivered", "retrying", "failed"]:
        assert list(have("belfry_deliveries_total", '"hooks"', f'"{outcome}"').values()) == [0]
    assert have("_up{") == {f'belfry_{kind}_up{{{kind}="{name}"}}': 1 for kind, name in
                            [("source", "crm"), ("source", "erp"), ("channel", "inbox"), ("channel", "hooks")]}
    assert have("belfry_build_info", 'version="') and have("belfry_plugin_info", 'plugin="webhook"', 'version="')
    assert list(have("belfry_source_last_event").values()) == [0, 0]

    hub.send(created())
    until(lambda: list(have("belfry_delivery_attempts_total", '"delivered"').values()) == [1])
    assert list(have("belfry_channel_last_success", '"hooks"').values())[0] > 1e9
    assert list(have("belfry_source_last_event", '"crm"').values())[0] > 1e9

    hooks, rule = config["channels"].pop("hooks"), config["rules"].pop()
    erp = config["sources"].pop("erp")
    hub.write_config(config)
    assert hub.reload().status_code == 200
    assert have('channel="hooks"') == {} and have('source="erp"') == {}, "a stale number would look like a live one"
    config["channels"]["hooks"], config["sources"]["erp"] = hooks, erp
    config["rules"].append(rule)
    hub.write_config(config)
    assert hub.reload().status_code == 200
    hub.send(created(), source="erp")
    until(lambda: list(have("belfry_delivery_attempts_total", '"hooks"', '"delivered"').values()) == [1])
    assert list(have("belfry_events_received_total", '"erp"', '"accepted"').values()) == [1]


# --- logs ---------------------------------------------------------------------------------------------------------------

PAIR = re.compile(r'[a-z_]+=("([^"\\]|\\.)*"|[^ "=]*)( |$)')


def test_logs_are_logfmt(new_hub):
    hub = new_hub().start()
    hub.send(case("ann", name='quotes " and = signs\nand lines'))
    hub.reload()
    hub.stop()
    for line in hub.log().splitlines():
        rest = line
        while rest:
            pair = PAIR.match(rest)
            assert pair, f"{line!r} at {rest!r}"
            rest = rest[pair.end():]
        assert re.search(r"\blevel=(debug|info|warn|error)\b", line), line


def test_logs_are_json(new_hub):
    hub = new_hub().start("--log-format", "json")
    hub.send(case("ann"))
    hub.reload()
    hub.stop()
    for line in hub.log().splitlines():
        entry = json.loads(line)
        assert entry["level"] in ("debug", "info", "warn", "error"), entry
        assert entry["msg"]


def test_the_level_of_logs(new_hub):
    hub = new_hub()
    hub.spawn("--log-level", "error")
    until(lambda: (hub.data_dir / "control.sock").exists())
    hub.stop()
    assert "level=info" not in hub.log()
    bad = new_hub()
    bad.spawn("--log-level", "loud")
    assert bad.wait() == 2


def test_what_is_wrong_at_the_start_is_in_the_log_too(new_hub):
    """Who reads JSON from a program reads it from the first line on."""
    config = base(rules=[{"name": f"r{i}", "when": {f"nonsense{i}": 1}, "deliver": [f"nobody{i}"]} for i in range(15)])
    hub = new_hub(config)
    hub.spawn("--log-format", "json")
    assert hub.wait() == 78
    entries = [json.loads(line) for line in hub.log().splitlines()]
    errors = [e for e in entries if e["component"] == "config" and e["level"] == "error"]
    assert [e for e in errors if "nobody14" in e["msg"]] and len(errors) == 30, "not one is folded away"
    assert all(e["code"].startswith("H") and e["file"] == str(hub.config_path) and e["line"] > 1 for e in errors)

    taken = new_hub().start()
    config = base()
    config["hub"]["listen"] = f"127.0.0.1:{taken.port}"
    second = new_hub(config)
    second.spawn("--log-format", "json")
    assert second.wait() == 1
    errors = [e for e in map(json.loads, second.log().splitlines()) if e["level"] == "error"]
    assert [e["msg"] for e in errors] == ["cannot start"] and str(taken.port) in errors[0]["err"]


def lines_of(hub, message):
    """Lines of the log with this message, as dictionaries."""
    lines = []
    for line in hub.log().splitlines():
        entry = json.loads(line)
        if entry["msg"] == message:
            lines.append(entry)
    return lines


def test_each_attempt_is_a_line(new_hub, receiver):
    receiver.answer("/bad", 500, 400)
    hub = new_hub(with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("bad"))).start(
        "--log-format", "json", "--log-level", "debug")
    hub.send(created())
    event = hub.events()[0]["id"]
    good, = until(lambda: lines_of(hub, "delivered"))
    bad, = until(lambda: lines_of(hub, "delivery failed, it is tried again"))
    for line, target, code in [(good, "good", 200), (bad, "bad", 500)]:
        assert (line["event"], line["org"], line["channel"]) == (event, "acme", "hooks")
        assert (line["target"], line["code"], line["attempt"]) == (target, code, 1)
        assert any(d["id"] == line["delivery"] for d in hub.deliveries())
    assert (good["level"], bad["level"]) == ("debug", "warn")
    assert bad["next"] > bad["ts"] and "next" not in good


def test_nothing_secret_is_in_the_log(new_hub, receiver):
    receiver.answer("/bad", 500)
    config = with_hooks(base(), receiver.endpoint("good"), receiver.endpoint("bad"))
    config["auth"]["metrics_token"] = "token-of-the-monitoring"
    hub = new_hub(config).start("--log-level", "debug")
    secrets = {*ENVIRONMENT.values(), "token-of-the-monitoring", "nobody's business", "ann@acme.example"}

    for name in people.TOKENS:
        for path in ["/v1/acme/events", "/v1/acme/notifications", "/v1/admin/config"]:
            hub.get(path, people.token(name))
    for jwt in [people.mint("ann"), people.mint("ann", lives=-1000), people.mint("ann", secret=people.OTHER_SECRET)]:
        secrets.add(jwt)
        hub.get("/v1/acme/notifications", people.bearer(jwt))
        hub.get(f"/acme/session?token={jwt}&next=/acme/notifications")
        hub.post("/acme/session", data={"token": jwt})
        for line in [f"GET /acme/session?token={jwt} HTTP/9.9", f"GET /acme/session?token={jwt}",
                     f"GET /acme/\0session?token={jwt} HTTP/1.1", f"{jwt} / HTTP/1.1"]:
            raw.exchange(hub, f"{line}\r\nHost: x\r\nAuthorization: {jwt}\r\nCookie belfry={jwt}\r\n\r\n".encode())
    link = hub.belfry("login-link", "--org", "acme", "--user", "ann").stdout.strip()
    secrets.add(link.partition("token=")[2].partition("&")[0])
    cookie = hub.get(link.replace("http://hub.test", "")).headers["set-cookie"].partition(";")[0]
    secrets.add(cookie.partition("=")[2])
    hub.get("/acme/notifications", {"Cookie": cookie})
    hub.get("/metrics", {"Via": "x", **people.bearer("token-of-the-monitoring")})
    hub.send(case("ann", name="This is nobody's business"))
    hub.post_trigger({"specversion": "1.0", "data": "nobody's business"})
    hub.request("PUT", "/v1/acme/users/dora", people.token("users"), json={"email": "ann@acme.example"})
    until(lambda: "it is tried again" in hub.log() and "msg=delivered" in hub.log())
    hub.config["channels"]["hooks"]["endpoints"][0]["url"] = "http://user:password-of-the-url@127.0.0.1:1/"
    hub.config["rules"].append({"name": "broken", "when": {"nonsense": 1}, "deliver": []})
    secrets.add("password-of-the-url")
    hub.write_config()
    assert hub.reload().status_code == 422
    hub.stop()
    log = hub.log()
    assert "component=config" in log and len(log.splitlines()) > 10
    for secret in secrets:
        assert secret not in log, secret

# SPDX-License-Identifier: Apache-2.0
"""/healthz, /readyz, /metrics, logs, and hints over SSE."""
import json
import re
import shutil
import subprocess

import pytest

from support import people, raw
from support.config import base, with_hooks
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


# --- hints --------------------------------------------------------------------------------------------------------------

class Stream:
    """Reads server-sent events."""

    def __init__(self, hub, who, headers=None):
        self.answer = hub.get("/v1/acme/stream", {**hub.person(who), **(headers or {})}, stream=True)
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.headers["content-type"].startswith("text/event-stream")
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self):
        event = {}
        for line in self.lines:
            if not line:
                if "event" in event:
                    return event
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                event[name] = value.strip()
        return None

    def close(self):
        self.answer.close()


def test_hints_come_when_the_inbox_changes(hub):
    stream = Stream(hub, "streamer")
    first = stream.next()
    assert first["event"] == "rev"
    now = json.loads(first["data"])
    assert set(now) == {"rev", "unread"} and first["id"] == str(now["rev"])
    hub.send(case("streamer", name="A hint"))
    then = json.loads(stream.next()["data"])
    assert then["rev"] > now["rev"] and then["unread"] == 1
    hub.mark("streamer", hub.items("streamer")[0]["id"], "read")
    assert json.loads(stream.next()["data"])["unread"] == 0
    stream.close()
    until(lambda: hub.metrics()["belfry_http_connections"] < 20)


def test_hints_tell_nothing_of_restricted_categories(hub):
    stream = Stream(hub, "gated")
    stream.next()
    hub.send(case("gated", "secret", "Not for you"))
    hub.send(case("gated", "calm", "For you"))
    seen = []
    while not seen or seen[-1]["unread"] < 1:
        seen.append(json.loads(stream.next()["data"]))
    assert [s["unread"] for s in seen if s["unread"] > 1] == []
    stream.close()


def test_streams_say_bye_when_the_hub_stops(new_hub):
    hub = new_hub().start()
    stream = Stream(hub, "ann")
    stream.next()
    hub.stop()
    last = stream.next()
    assert last is None or last["event"] == "bye"
    assert raw.status(b"") == 0

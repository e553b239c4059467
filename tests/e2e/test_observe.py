# SPDX-License-Identifier: Apache-2.0
"""/healthz, /readyz, /metrics, and logs."""
import json
import re
import shutil
import subprocess

import pytest

from support import people
from support.config import base, with_hooks
from support.events import case, created
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

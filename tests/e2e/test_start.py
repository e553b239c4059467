# SPDX-License-Identifier: Apache-2.0
"""What keeps a hub from starting says so in one clear message and the right exit code, and leaves everything as it was."""
import os
import signal
import socket
import stat
import subprocess

import pytest

from support.config import base, dump, with_hooks
from support.events import case
from support.paths import BIN, PATIENCE
from support.wait import until


def refuses(hub, code, *words):
    """The hub does not start; its message has the words."""
    hub.spawn()
    got = hub.wait()
    assert got == code, f"exit {got}\n{hub.log()}"
    for word in words:
        assert word in hub.log(), hub.log()
    return hub.log()


def test_start_and_stop(new_hub):
    hub = new_hub().start()
    assert hub.get("/healthz").text == "ok\n"
    assert hub.get("/readyz").text == "ok\n"
    secret = hub.data_dir / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and len(secret.read_bytes()) == 32
    assert stat.S_IMODE(hub.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((hub.data_dir / "control.sock").stat().st_mode) == 0o600
    hub.stop()
    assert 'msg="ready"' in hub.log() or "msg=ready" in hub.log()
    assert not (hub.data_dir / "control.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_stop(new_hub, number):
    hub = new_hub().start()
    hub.signal(number)
    assert hub.wait() == 0


def test_more_stop_signals_are_harmless(new_hub):
    """Until the very end: also after the handlers are gone."""
    hub = new_hub().start()
    while hub.process.poll() is None:
        hub.signal(signal.SIGTERM)
    assert hub.process.returncode == 0


@pytest.mark.parametrize("after", ["the process", "the database"])
def test_a_stop_during_the_start_ends_at_once(new_hub, after, receiver):
    """Whatever the start has come to: exit 0, no instance that is waited for."""
    hub = new_hub(with_hooks(base(), receiver.endpoint()))
    for _ in range(10):
        hub.spawn()
        if after == "the database":
            until(lambda: (hub.data_dir / "lock").exists())
        hub.signal(signal.SIGTERM)
        assert hub.wait() in (0, -signal.SIGTERM), hub.log()
        assert "did not end" not in hub.log() and "left open" not in hub.log()


def test_state_survives_a_restart(new_hub):
    hub = new_hub().start()
    hub.send(case("ann", name="Before"))
    id = hub.items("ann")[0]["id"]
    hub.mark("ann", id, "read")
    for end in [hub.stop, hub.kill]:
        end()
        hub.start()
        item, = hub.items("ann")
        assert (item["id"], item["title"], item["unread"]) == (id, "Before", False)
    hub.send(case("ann", name="After"))
    assert hub.titles("ann") == ["After", "Before"]


def test_a_second_process_on_the_same_directory(new_hub):
    first = new_hub().start()
    second = new_hub()
    second.data_dir = first.data_dir
    log = refuses(second, 1, str(first.data_dir))
    assert "another" in log or "in use" in log or "lock" in log
    assert first.get("/readyz").status_code == 200, "the first is not disturbed"
    first.send(case("ann"))
    assert first.belfry("reload").returncode == 0, "nor is its control socket"


def test_the_lock_ends_with_the_process(new_hub):
    hub = new_hub().start()
    hub.kill()
    hub.start()


def test_the_port_is_taken(new_hub):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    config = base()
    config["hub"]["listen"] = address
    refuses(new_hub(config), 1, address, "in use", "hub.listen")
    taken.close()


def test_an_address_that_is_none(new_hub):
    config = base()
    config["hub"]["listen"] = "nowhere.invalid:80"
    hub = new_hub(config)
    hub.spawn()
    assert hub.wait() in (1, 78)
    assert "nowhere.invalid:80" in hub.log() and "listen" in hub.log()


def test_several_addresses(new_hub):
    config = base()
    config["hub"]["listen"] = ["127.0.0.1:0", "127.0.0.2:0"]
    hub = new_hub(config).start()
    addresses = [line for line in hub.log().splitlines() if "listening" in line]
    assert len(addresses) == 2


# --- configuration ------------------------------------------------------------------------------------------------------

def test_a_broken_configuration(new_hub):
    config = base()
    config["rulez"] = config.pop("rules")
    log = refuses(new_hub(config), 78, "error[", "rulez", "did you mean", "rules")
    assert "belfry.yaml:" in log


def test_every_error_is_told_at_once(new_hub):
    config = base()
    config["sources"]["crm"]["plugin"] = "workfow"
    config["channels"]["inbox"]["page_sise"] = 3
    config["rules"][0]["deliver"] = ["inbux"]
    refuses(new_hub(config), 78, "workfow", "page_sise", "inbux")


def test_no_configuration_at_all(new_hub):
    hub = new_hub()
    hub.write_config = lambda: None
    log = refuses(hub, 78)
    assert "belfry.yaml" in log


def test_a_secret_that_is_not_set(new_hub):
    config = base()
    config["auth"]["tokens"][0]["secret"] = "${env:BELFRY_NO_SUCH_VARIABLE}"
    refuses(new_hub(config), 78, "BELFRY_NO_SUCH_VARIABLE")


@pytest.mark.parametrize("how", ["missing", "unreadable", "directory"])
def test_a_secret_file_that_cannot_be_read(new_hub, tmp_path, how):
    path = tmp_path / "the-secret"
    if how == "unreadable":
        if os.geteuid() == 0:
            pytest.skip("root reads everything")
        path.write_text("x" * 40)
        path.chmod(0)
    elif how == "directory":
        path.mkdir()
    config = base()
    config["auth"]["tokens"][0]["secret"] = "${file:%s}" % path
    refuses(new_hub(config), 78, str(path))


def test_a_secret_in_a_file(new_hub, tmp_path):
    (tmp_path / "token").write_text("a-token-from-a-file-of-its-own\n")
    config = base()
    config["auth"]["tokens"][0]["secret"] = "${file:%s}" % (tmp_path / "token")
    hub = new_hub(config).start()
    answer = hub.post_trigger(case("ann"), headers={"Authorization": "Bearer a-token-from-a-file-of-its-own"})
    assert answer.status_code == 202, "the newline at the end is no part of it"


def test_a_short_jwt_secret(new_hub):
    config = base()
    config["auth"]["jwt"]["hs256"] = ["short"]
    refuses(new_hub(config), 78, "hs256", "32")


def test_the_hubs_own_secret_is_too_short(new_hub):
    hub = new_hub()
    hub.data_dir.mkdir(parents=True)
    (hub.data_dir / "secret").write_bytes(b"short")
    refuses(hub, 1, str(hub.data_dir / "secret"))
    assert (hub.data_dir / "secret").read_bytes() == b"short"


def test_a_data_dir_that_cannot_be_made(new_hub, tmp_path):
    (tmp_path / "file").write_text("")
    hub = new_hub()
    hub.data_dir = tmp_path / "file" / "data"
    hub.spawn()
    assert hub.wait() in (1, 78)
    assert str(hub.data_dir) in hub.log() or str(tmp_path / "file") in hub.log()


def test_a_newer_schema_is_refused(new_hub):
    import sqlite3
    hub = new_hub().start()
    hub.send(case("ann"))
    hub.stop()
    database, = [p for p in hub.data_dir.iterdir() if p.suffix in (".db", ".sqlite")]
    with sqlite3.connect(database) as db:
        version, = db.execute("PRAGMA user_version").fetchone()
        assert version > 0
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = database.read_bytes()
    log = refuses(hub, 78, "9999")
    assert "newer" in log
    assert database.read_bytes() == before, "nothing was touched"
    with sqlite3.connect(database) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    hub.start()
    assert len(hub.titles("ann")) == 1


# --- plugins -------------------------------------------------------------------------------------------------------------

def test_a_plugin_that_fails_in_create_is_left_out(new_hub):
    config = base()
    config["sources"]["broken"] = {"plugin": "create_fails"}
    hub = new_hub(config).start()
    assert 'instance=broken plugin=create_fails err="/server: the fixture refuses every server"' in hub.log()
    assert "broken" in hub.log()
    hub.send(case("ann", name="Still running"))
    assert hub.titles("ann") == ["Still running"]
    answer = hub.post_trigger(case("ann"), source="broken")
    assert answer.status_code in (404, 503), answer.text


@pytest.mark.parametrize("plugin", ["no_such_plugin", "bad_magic", "wrong_major", "no_symbol", "unknown_role",
                                    "missing_extension", "tiny_struct"])
def test_plugins_that_cannot_be_loaded(new_hub, plugin):
    """At start that is an error of the configuration that names the line."""
    config = base()
    config["sources"]["broken"] = {"plugin": plugin}
    log = refuses(new_hub(config), 78, plugin)
    assert "belfry.yaml:" in log


def test_a_process_that_was_told_to_reload_while_it_starts(new_hub):
    hub = new_hub()
    hub.spawn()
    until(lambda: "listening" in hub.log())
    hub.signal(signal.SIGHUP)
    hub.url = until(hub._address)
    assert until(hub.ready)


def test_the_exit_codes_of_check(tmp_path):
    good, bad, odd = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "odd.yaml"
    good.write_text(dump(base(auth=None)))
    bad.write_text(dump(base(auth=None, unmatched=None)))
    odd.write_text(dump(base(auth={"metrics_token": "a-token-in-the-file"})))

    def check(*args):
        done = subprocess.run([BIN, "check", *map(str, args)], capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    assert check(good)[0] == 0
    tls = base(auth=None)
    tls["hub"]["tls"] = {"cert": "none.pem", "key": "none.key"}
    half = tmp_path / "tls.yaml"
    half.write_text(dump(tls))
    code, text = check(half)
    assert code == 1 and f"{half}:" in text and "error[H705]: `none.pem` cannot be read" in text and "none.key" in text
    code, text = check(bad, good, bad)
    assert code == 1 and "error[H410]" in text
    assert check()[0] == check("--format", "xml", good)[0] == 2
    assert check(odd)[0] == 0 and check("--deny", "warnings", odd)[0] == 3
    code, text = check(tmp_path / "none.yaml")
    assert code == 4 and "cannot be read: No such file or directory" in text
    assert check(tmp_path)[0] == check(good, tmp_path)[0] == 4
    assert check(bad, tmp_path / "none.yaml")[0] == 1

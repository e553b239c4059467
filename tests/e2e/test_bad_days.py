# SPDX-License-Identifier: Apache-2.0
"""Disk full, read-only database, corrupt page: a clear message, the right exit or 503, nothing lost, recovery by itself."""
import itertools
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from support.config import base, with_hooks
from support.events import case
from support.wait import until

UNLIMITED = resource.RLIM_INFINITY


class SmallDisk:
    """A tmpfs of 8 MiB: what root may have."""

    def __init__(self, path):
        self.path = Path(path)
        self.ballast = self.path / "ballast"

    def mount(self):
        self.path.mkdir()
        return subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "belfry-test", str(self.path)],
                              capture_output=True).returncode == 0

    def fill(self, hub):
        with open(self.ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass

    def free(self, hub):
        self.ballast.unlink()

    def read_only(self, on):
        subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'}", str(self.path)], check=True)

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


class LimitedFiles:
    """Without root: no file of the process may grow any more."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(exist_ok=True)

    def fill(self, hub):
        size = max(f.stat().st_size for f in hub.data_dir.iterdir() if f.is_file())
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))

    def free(self, hub):
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))

    def close(self):
        pass


@pytest.fixture
def disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk")
    if os.geteuid() != 0 or not disk.mount():
        disk = LimitedFiles(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def hub(new_hub, disk, receiver):
    config = with_hooks(base(), receiver.endpoint(), source="crm")
    config["hub"]["limits"] = {"disk_floor_bytes": "0"}
    config["hub"]["data_dir"] = str(disk.path / "data")
    hub = new_hub(config)
    hub.data_dir = disk.path / "data"
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # inherited: EFBIG instead of a signal
    hub.start()
    signal.signal(signal.SIGXFSZ, before)
    yield hub
    if hub.running():  # before the disk goes
        hub.stop()


def use_up_the_log(hub, send):
    """The log's file is longer than the log: what fits into it is still written, until not even a name or a mark
    does. Answers what tries one more mark."""
    item, numbers, marks = hub.items("ann")[0]["id"], itertools.count(), ["read", "unread"]

    def put():
        return hub.request("PUT", f"/v1/acme/users/n{next(numbers)}", hub.person("root"), json={"name": "N"})

    def mark():
        answer = hub.post(f"/v1/acme/notifications/{item}/{marks[0]}", hub.person("ann"))
        if answer.status_code == 200:  # once more would change nothing, and be written nowhere
            marks.reverse()
        return answer
    until(lambda: {deed().status_code for _ in range(3) for deed in (send, put, mark)} == {503})
    return mark


def test_a_full_disk_is_503_and_loses_nothing(hub, disk):
    accepted = []

    def send():
        id = f"n{len(accepted)}"
        answer = hub.post_trigger(case("ann", name=id + "x" * 3000, event_id=id))
        if answer.status_code == 202:
            accepted.append(id)
        return answer

    for _ in range(20):
        assert send().status_code == 202
    disk.fill(hub)
    refused, = until(lambda: [a for a in (send() for _ in range(50)) if a.status_code != 202][:1])
    assert refused.status_code == 503, refused.text
    assert int(refused.headers["retry-after"]) > 0
    assert "disk" in refused.json()["detail"], refused.json()
    assert "disk is full" in hub.log() or "disk" in hub.log()
    mark = use_up_the_log(hub, send)
    ready = hub.get("/readyz")
    assert ready.status_code == 503 and "disk" in ready.text
    assert hub.get("/healthz").status_code == 200, "a restart would not help"
    assert hub.inbox("ann")["total"] == len(accepted), "reading goes on"
    assert hub.request("PUT", "/v1/acme/users/new", hub.person("root"), json={"name": "N" * 200}).status_code == 503
    marked = mark()
    assert marked.status_code == 503 and int(marked.headers["retry-after"]) > 0, marked.text
    disk.free(hub)
    until(lambda: hub.get("/readyz").status_code == 200, "recovers without hand work")
    until(lambda: send().status_code == 202)
    assert hub.inbox("ann")["total"] == len(accepted)
    hub.restart()
    assert hub.inbox("ann")["total"] == len(accepted)


def fill_while_the_endpoint_has_a_webhook(hub, disk, receiver):
    """The endpoint takes it, and the hub cannot write that it did."""
    asked, release = threading.Event(), threading.Event()

    def hold(delivery):
        asked.set()
        release.wait(30)
        return 200

    receiver.answer("/local", hold, 200)
    hub.send(case("ann", name="On its way"))
    assert asked.wait(30)
    disk.fill(hub)
    use_up_the_log(hub, lambda: hub.post_trigger(case("ann", name="z")))
    release.set()
    first, = receiver.wait(1)
    return first


def test_a_webhook_that_arrived_while_the_disk_was_full(hub, disk, receiver):
    first = fill_while_the_endpoint_has_a_webhook(hub, disk, receiver)
    until(lambda: hub.post_trigger(case("ann", name="z")).status_code == 503)
    disk.free(hub)
    until(lambda: first.id in {"msg_" + d["event"] for d in hub.deliveries("?channel=hooks&state=delivered")})
    until(lambda: hub.post_trigger(case("ann", name="And on")).status_code == 202)
    until(lambda: "And on" in {d.title() for d in receiver.at("/local")})
    assert len([d for d in receiver.at("/local") if d.id == first.id]) == 1, "it is not sent again"


def test_a_stop_while_the_disk_is_full(hub, disk, receiver):
    first = fill_while_the_endpoint_has_a_webhook(hub, disk, receiver)
    hub.signal(signal.SIGTERM)
    assert hub.wait() == 0, hub.log()
    disk.free(hub)
    hub.start()
    until(lambda: len([d for d in receiver.at("/local") if d.id == first.id]) == 2, "again, under the same id")
    until(lambda: hub.deliveries("?channel=hooks&state=delivered"))


def test_a_kill_while_the_disk_is_full(hub, disk):
    for i in range(20):
        hub.send(case("ann", name="y" * 3000))
    disk.fill(hub)
    until(lambda: hub.post_trigger(case("ann", name="z" * 3000)).status_code == 503)
    kept = hub.inbox("ann")["total"]
    hub.kill()
    if isinstance(disk, SmallDisk):
        hub.spawn()
        until(lambda: not hub.running() or "listening" in hub.log())
        if not hub.running():
            assert hub.process.returncode == 1 and "disk is full" in hub.log(), hub.log()
        else:
            hub.kill()
        disk.free(hub)
    hub.start()
    assert hub.inbox("ann")["total"] == kept
    hub.send(case("ann"))


def test_the_disk_floor(new_hub, tmp_path):
    config = base()
    config["hub"]["limits"] = {"disk_floor_bytes": "1024GiB"}
    if shutil.disk_usage(tmp_path).free > 1 << 40:
        pytest.skip("more space is free than a floor can ask for")
    hub = new_hub(config)
    hub.spawn()
    hub.url = until(hub._address)
    until(lambda: "disk" in hub.get("/readyz").text)
    assert "FAIL disk" in hub.get("/readyz").text
    answer = hub.post_trigger(case("ann"))
    assert answer.status_code == 503 and "retry-after" in answer.headers


def test_a_read_only_disk(hub, disk):
    if not isinstance(disk, SmallDisk):
        pytest.skip("needs to mount a file system")
    hub.send(case("ann", name="Before"))
    hub.stop()
    disk.read_only(True)
    hub.spawn()
    code = hub.wait()
    log = hub.log()
    disk.read_only(False)
    assert code == 1, log
    assert str(disk.path) in log and ("read-only" in log.lower() or "readonly" in log.lower()), log
    hub.start()
    assert hub.titles("ann") == ["Before"]


# --- corruption -----------------------------------------------------------------------------------------------------------

def database(hub):
    path, = [p for p in hub.data_dir.iterdir() if p.suffix in (".db", ".sqlite")]
    return path


def pages_of(path, table):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        try:
            rows = db.execute("SELECT pageno FROM dbstat WHERE name = ?", (table,)).fetchall()
        except sqlite3.OperationalError:
            rows = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        size, = db.execute("PRAGMA page_size").fetchone()
    db.close()
    return [n for n, in rows], size


def damage(path, page, size):
    with open(path, "r+b") as f:
        f.seek((page - 1) * size)
        f.write(b"\xde\xad\xbe\xef" * (size // 4))


def tables(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        names = [n for n, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")]
    db.close()
    return names


def test_a_file_that_is_no_database(new_hub):
    hub = new_hub().start()
    hub.send(case("ann"))
    hub.stop()
    path = database(hub)
    path.write_bytes(b"garbage " * 4096)
    hub.spawn()
    assert hub.wait() == 1
    assert str(path) in hub.log() and ("not a database" in hub.log() or "corrupt" in hub.log()), hub.log()


def test_a_corrupt_page_is_no_crash_loop(new_hub):
    """Whatever table it hits: the hub either does not start and says why, or runs and answers each request with an
    error; it never crashes, and the rest goes on working."""
    hub = new_hub().start()
    hub.send([case("ann", name=f"n{i}") for i in range(300)])
    hub.stop()
    path = database(hub)
    whole = path.read_bytes()
    for table in tables(path):
        pages, size = pages_of(path, table)
        damage(path, pages[-1], size)
        hub.spawn()
        until(lambda: not hub.running() or 'msg=ready' in hub.log() or 'msg="ready"' in hub.log())
        if hub.running():
            hub.url = hub._address()
            asked = [hub.get("/v1/acme/notifications", hub.person("ann")).status_code,
                     hub.get("/v1/acme/notifications/count", hub.person("ann")).status_code,
                     hub.post_trigger(case("ann", name="after")).status_code,
                     hub.get("/healthz").status_code]
            assert hub.running(), f"{table}: crashed\n{hub.log()[-3000:]}"
            assert all(status in (200, 202, 500, 503) for status in asked), (table, asked)
            if any(status >= 500 for status in asked[:3]):
                assert "malformed" in hub.log() or "corrupt" in hub.log(), (table, hub.log()[-3000:])
            hub.signal(signal.SIGTERM)
            assert hub.wait() in (0, 1), table
        else:
            assert hub.process.returncode == 1, (table, hub.log())
            assert "malformed" in hub.log() or "corrupt" in hub.log(), (table, hub.log())
        for file in hub.data_dir.iterdir():
            if file.name.startswith(path.name + "-"):
                file.unlink()
        path.write_bytes(whole)
    hub.start()
    assert hub.inbox("ann")["total"] == 300

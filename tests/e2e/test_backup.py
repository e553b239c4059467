# SPDX-License-Identifier: Apache-2.0
"""belfry backup while the hub runs and works, belfry restore when it is stopped."""
import sqlite3
import threading

from support.events import case


def test_backup_and_restore(new_hub, tmp_path):
    hub = new_hub().start()
    hub.send(case("ann", name="In the backup"))
    to = tmp_path / "saved.db"
    done = hub.belfry("backup", str(to))
    assert done.returncode == 0, done.stderr
    assert to.stat().st_mode & 0o077 == 0, "nobody else may read it"
    hub.send(case("ann", name="After the backup"))
    done = hub.belfry("restore", str(to))
    assert done.returncode == 1 and done.stderr, "not while the hub runs"
    assert len(hub.titles("ann")) == 2
    hub.stop()
    done = hub.belfry("restore", str(to))
    assert done.returncode == 0, done.stderr
    hub.start()
    assert hub.titles("ann") == ["In the backup"]
    hub.send(case("ann", name="And on"))
    assert hub.titles("ann") == ["And on", "In the backup"]


def test_a_backup_goes_elsewhere_as_well(new_hub, tmp_path):
    first = new_hub().start()
    first.send(case("ann", name="Moved"))
    to = tmp_path / "saved.db"
    assert first.belfry("backup", str(to)).returncode == 0
    second = new_hub()
    second.write_config()
    done = second.belfry("restore", str(to))
    assert done.returncode == 0, done.stderr
    second.start()
    assert second.titles("ann") == ["Moved"]


def test_the_secret_is_left_out_unless_asked_for(new_hub, tmp_path):
    first = new_hub().start()
    secret = (first.data_dir / "secret").read_bytes()
    without, with_it = tmp_path / "without.db", tmp_path / "with.db"
    assert first.belfry("backup", str(without)).returncode == 0
    assert secret not in without.read_bytes() and not (tmp_path / "without.db.secret").exists()
    done = first.belfry("backup", str(with_it), "--with-secret")
    beside = tmp_path / "with.db.secret"
    assert done.returncode == 0 and str(beside) in done.stdout, done
    assert beside.read_bytes() == secret and beside.stat().st_mode & 0o077 == 0
    second = new_hub()
    second.write_config()
    assert second.belfry("restore", str(with_it)).returncode == 0
    second.start()
    assert (second.data_dir / "secret").read_bytes() == secret


def test_a_backup_does_not_take_the_place_of_the_database(new_hub):
    hub = new_hub().start()
    hub.send(case("ann", name="Before"))
    done = hub.belfry("backup", str(hub.data_dir / "belfry.db"))
    assert done.returncode == 1 and "itself" in done.stderr, done
    hub.send(case("ann", name="After"))
    hub.restart()
    assert hub.titles("ann") == ["After", "Before"]


def test_a_backup_under_load_is_whole(new_hub, tmp_path):
    hub = new_hub().start()
    done = threading.Event()
    sent = []

    def work(n):
        i = 0
        while not done.is_set():
            hub.send([case("ann", name=f"{n}-{i}-{k}") for k in range(20)])
            sent.append(20)
            i += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for i in range(5):
        to = tmp_path / f"saved-{i}.db"
        result = hub.belfry("backup", str(to))
        assert result.returncode == 0, result.stderr
        with sqlite3.connect(f"file:{to}?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
    done.set()
    for thread in threads:
        thread.join()
    hub.stop()
    assert hub.belfry("restore", str(to)).returncode == 0
    hub.start()
    total = hub.inbox("ann")["total"]
    assert 0 <= total <= sum(sent) and total % 20 == 0, "whole transactions"


def test_faults_of_backup_and_restore(new_hub, tmp_path):
    hub = new_hub().start()
    hub.send(case("ann"))
    done = hub.belfry("backup", str(tmp_path / "no" / "such" / "dir" / "x.db"))
    assert done.returncode == 1 and "no/such/dir" in done.stderr
    hub.stop()
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"this is no database" * 1000)
    for bad in [garbage, tmp_path / "missing.db"]:
        done = hub.belfry("restore", str(bad))
        assert done.returncode == 1 and bad.name in done.stderr, done.stderr
    hub.start()
    assert len(hub.titles("ann")) == 1, "a refused restore changes nothing"

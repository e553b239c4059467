# SPDX-License-Identifier: Apache-2.0
"""`belfry plugin list` and `inspect`: what is on the path, what is wrong with it, and what mends it."""
import json
import os
import shutil
import subprocess

import pytest

from support.paths import BIN, FIXTURES, PATIENCE, PLUGINS


@pytest.fixture
def belfry(tmp_path):
    def run(*args):
        return subprocess.run([BIN, "plugin", *map(str, args)], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, "BELFRY_PLUGIN_PATH": str(tmp_path)})
    return run


def put(tmp_path, *names, folder=FIXTURES):
    for name in names:
        shutil.copy(f"{folder}/{name}.so", tmp_path)


def test_list_says_what_is_there_and_what_is_wrong(belfry, tmp_path):
    put(tmp_path, "echo_source", "echo_delivery", "bad_magic")
    for name in ("echo_source", "echo_delivery"):
        assert belfry("inspect", "--sidecar", tmp_path / f"{name}.so").returncode == 0
    shutil.copy(f"{FIXTURES}/notice_source.so", tmp_path / "echo_delivery.so")  # another build
    done = belfry("list")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.splitlines()[0] == \
        f"bad_magic    has no description beside it (`belfry plugin inspect --sidecar {tmp_path}/bad_magic.so` makes it)"
    assert lines[1][:3] == ["echo_delivery", "1.0.0", "delivery"]
    assert done.stdout.splitlines()[2].strip() == \
        f"(the description is of another build; `belfry plugin inspect --sidecar {tmp_path}/echo_delivery.so` makes it anew)"
    assert lines[3][:3] == ["echo_source", "1.0.0", "source"]


def test_inspect_by_name_and_by_file(belfry, tmp_path):
    put(tmp_path, "workflow", folder=PLUGINS)
    for what in ("workflow", tmp_path / "workflow.so"):
        done = belfry("inspect", what)
        assert done.returncode == 0, done.stderr
        about = json.loads(done.stdout)
        assert about["id"] == "workflow" and about["roles"][0]["id"] == "belfry.source/1"
        assert "rules" in [option["name"] for option in about["options"]]
        assert "record.assigned" in [event["type"] for event in about["events"]]
    assert not (tmp_path / "workflow.json").exists()
    assert belfry("inspect", "--sidecar", "workflow").returncode == 0
    assert json.loads((tmp_path / "workflow.json").read_text()) == about


def test_what_cannot_be_inspected(belfry, tmp_path):
    put(tmp_path, "wrong_major", "crash_in_constructor", "other_id")
    for name, text in [("wrong_major", "was built for plugin ABI 2.0, this hub offers 1.0"),
                       ("crash_in_constructor", "crashed while it was loaded"),
                       ("other_id", "expected somebody_else.so")]:
        done = belfry("inspect", "--sidecar", name)
        assert done.returncode == 1 and text in done.stderr, done.stderr
        assert done.stdout == "" and not (tmp_path / f"{name}.json").exists()
    done = belfry("inspect", "nobody")
    assert done.returncode != 0 and "there is no plugin `nobody`" in done.stderr
    assert belfry("inspect").returncode == belfry("lst").returncode == 2

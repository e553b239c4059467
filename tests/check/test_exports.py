# SPDX-License-Identifier: Apache-2.0
"""A plugin exports one symbol, and the program none that a plugin could come to rely on."""
import os
import subprocess

import pytest

import sources
from tree import BUILD

PLUGINS = sources.plugin_names()
PROGRAM = os.path.join(BUILD, "belfry")


def exported(path):
    out = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[-1] for line in out.splitlines())


@pytest.mark.parametrize("name", PLUGINS)
def test_plugin_exports_its_entry_and_nothing_else(name):
    assert exported(os.path.join(BUILD, "plugins/.libs", f"{name}.so")) == ["belfry_entry"]


@pytest.mark.parametrize("name", PLUGINS)
def test_plugin_has_a_sidecar(name):
    assert os.path.getsize(os.path.join(BUILD, "plugins/.libs", f"{name}.json")) > 0


@pytest.mark.skipif(not os.path.exists(PROGRAM), reason="no program yet")
def test_program_offers_no_symbols_to_plugins():
    assert [s for s in exported(PROGRAM) if not s.startswith(("_", "std", "environ"))] == []

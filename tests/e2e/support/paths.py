# SPDX-License-Identifier: Apache-2.0
"""Where the program under test is. `./dev test` says so in the environment; by hand it is build/."""
import os
from pathlib import Path

SRC = Path(os.environ.get("BELFRY_SRCDIR") or Path(__file__).resolve().parents[3])
BUILD = Path(os.environ.get("BELFRY_BUILDDIR") or SRC / "build")
BIN = os.environ.get("BELFRY_BIN") or str(BUILD / "belfry")
PLUGINS = os.environ.get("BELFRY_PLUGIN_PATH") or str(BUILD / "plugins" / ".libs")
FIXTURES = str(BUILD / "tests" / "plugins" / ".libs")
SANITIZED = os.environ.get("BELFRY_SANITIZED") == "1"
LONG = bool(os.environ.get("BELFRY_LONG"))

# How long a condition may take to come true. Sanitizers and a loaded machine are slow; nothing waits this long when all
# is well.
PATIENCE = float(os.environ.get("BELFRY_PATIENCE") or (60 if SANITIZED else 30))

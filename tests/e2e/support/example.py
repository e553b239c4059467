# SPDX-License-Identifier: Apache-2.0
"""Plugins of docs/examples, built as their readers build them."""
import subprocess

from .paths import BIN, PATIENCE, SRC


def build(name, directory):
    """NAME.so with its sidecar in the directory; the directory."""
    out = directory / f"{name}.so"
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden",
                    f"-I{SRC}/core/include", "-o", str(out), f"{SRC}/docs/examples/{name}.c"], check=True, timeout=120)
    subprocess.run([BIN, "plugin", "inspect", "--sidecar", str(out)], check=True, timeout=PATIENCE)
    return directory

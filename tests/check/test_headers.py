# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; the public ones as strict C11 and as C++17, without a warning."""
import os
import subprocess

import pytest

from sources import ROOT
from tree import code

PUBLIC = code("core/include")
CFLAGS = subprocess.run(
    ["pkg-config", "--cflags", "libuv", "sqlite3", "yaml-0.1", "libmicrohttpd", "libcurl", "jansson", "openssl", "jose",
     "libpcre2-8", "cmocka"], capture_output=True, text=True, check=False).stdout.split()


def compile_alone(language, flags, path):
    name = path.removeprefix("core/include/") if path in PUBLIC else path
    done = subprocess.run(
        ["g++" if language == "c++" else "gcc", "-x", language, *flags, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
         "-"], input=f"#include <{name}>\n", cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("path", PUBLIC)
def test_public_header_as_c11(path):
    assert compile_alone("c", ["-std=c11", "-Wpedantic", "-Wstrict-prototypes", "-Icore/include"], path) == ""


@pytest.mark.parametrize("path", PUBLIC)
def test_public_header_as_cxx17(path):
    assert compile_alone("c++", ["-std=c++17", "-Wpedantic", "-Icore/include"], path) == ""


@pytest.mark.parametrize("path", [p for p in code("core", "tests/unit", "tests/host") if p.endswith(".h")])
def test_header_alone(path):
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-Icore", "-Icore/include", "-Itests", "-I.", *CFLAGS]
    assert compile_alone("c", flags, path) == ""


def test_a_broken_header_is_noticed(tmp_path):
    bad = tmp_path / "bad.h"
    bad.write_text("struct later f(struct never *x, uint32_t y);\n")
    assert "uint32_t" in compile_alone("c", ["-std=c11"], os.fspath(bad))

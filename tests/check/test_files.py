# SPDX-License-Identifier: Apache-2.0
"""Rules for whole files: size, licence, no promises."""
import re

import pytest

from sources import text, walk
from tree import code

OURS = code("core", "plugins", "tests") + walk("tests", ".py", ".sh", ".mjs", ".js")
CORPUS = re.compile(r"^tests/(fuzz/corpus|data)/")
RELEASED = "tests/abi/layout_v1.h"  # one line a member of the ABI, and lines are only ever added


def lines(path):
    return text(path).count("\n")


def test_no_file_passes_800_lines():
    assert {p: lines(p) for p in OURS if lines(p) > 800 and not CORPUS.match(p) and p != RELEASED} == {}


def test_every_file_names_its_licence():
    missing = [p for p in OURS if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text(p).split("\n", 3)[:3])]
    assert [p for p in missing if text(p).strip() and not CORPUS.match(p)] == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
def test_no_file_promises(word):
    assert [p for p in OURS if re.search(rf"\b{word}\b", text(p))] == []


def test_lines_end_clean():
    """No tabs in C, no trailing blanks, a newline at the end, at most 120 columns save for rows of text."""
    wrong = []
    for path in code("core", "plugins", "tests"):
        body = text(path)
        if body and not body.endswith("\n"):
            wrong.append((path, "no newline at the end"))
        for number, line in enumerate(body.split("\n"), 1):
            too_long = len(line) > 120 and not line.lstrip(" {").startswith('"')
            if "\t" in line or line != line.rstrip() or too_long:
                wrong.append((path, number))
    assert wrong == []

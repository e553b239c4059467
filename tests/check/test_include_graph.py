# SPDX-License-Identifier: Apache-2.0
"""The rooms of core/ stand on each other in one order, and plugins stand on the public headers alone."""
import posixpath

import pytest

from sources import ROOMS, ROOT, walk
from tree import code, includes, room_of, room_of_include

ORDER = {room: i for i, room in enumerate(["include"] + ROOMS)}


def upward(path, names):
    """The includes of a file that reach a room above its own."""
    own = ORDER[room_of(path)]
    return [name for name in names if room_of_include(name) is not None and ORDER[room_of_include(name)] > own]


def graph():
    """{file: the files of ours that it includes}"""
    files = set(code("core", "plugins", "tests/unit", "tests/host", "tests/plugins", "tests/fuzz", "tests/bench"))
    edges = {}
    for path in files:
        here = posixpath.dirname(path)
        edges[path] = set()
        for _, name in includes(path):
            for base in (here, "core", "core/include", "tests"):
                target = posixpath.normpath(posixpath.join(base, name))
                if target in files:
                    edges[path].add(target)
                    break
    return edges


def cycle(edges):
    """One cycle as a list of nodes, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for target in sorted(edges.get(node, ())):
            found = visit(target)
            if found:
                return found
        path.pop()
        done.add(node)
        return None

    for node in sorted(edges):
        found = visit(node)
        if found:
            return found
    return None


def test_core_has_no_folder_that_is_not_a_room():
    assert {room_of(p) for p in code("core")} <= set(ORDER)


@pytest.mark.parametrize("room", ["include"] + ROOMS)
def test_room_includes_nothing_from_above(room):
    wrong = {p: upward(p, [name for _, name in includes(p)]) for p in code(f"core/{room}")}
    assert {p: names for p, names in wrong.items() if names} == {}


def test_files_do_not_include_each_other_in_a_circle():
    assert cycle(graph()) is None


def test_core_is_included_by_room_and_name():
    """`"base/str.h"`: never relative, never a bare name, so that the rule above sees every edge."""
    wrong = [(p, name) for p in code("core") for kind, name in includes(p)
             if kind == '"' and room_of_include(name) is None and not name.endswith(".inc")]
    assert wrong == []


def test_texts_are_compiled_in_by_their_owner():
    """`"plugins/in-app/pages/inbox.mustache.inc"`: a page, a catalogue, an asset of the same room or plugin."""
    wrong = [(p, name) for p in code("core", "plugins") for _, name in includes(p)
             if name.endswith(".inc") and not name.startswith(posixpath.dirname(p) + "/")]
    assert wrong == []


def test_plugins_include_public_headers_and_libraries_only():
    wrong = []
    for path in code("plugins"):
        here = {posixpath.basename(p) for p in walk(posixpath.dirname(path), ".h")}
        for kind, name in includes(path):
            if kind == '"' and name not in here and not name.endswith(".inc"):
                wrong.append((path, name))
            if kind == "<" and room_of_include(name) not in (None, "include"):
                wrong.append((path, name))
    assert wrong == []


def test_public_headers_include_only_each_other_and_c():
    allowed = {"stddef.h", "stdint.h", "stdarg.h", "string.h"}
    wrong = [(p, name) for p in code("core/include") for _, name in includes(p)
             if name not in allowed and not name.startswith("belfry/")]
    assert wrong == []


def test_only_the_store_knows_sqlite():
    wrong = [p for p in code("core", "plugins") if room_of(p) != "store"
             and any(name.startswith("sqlite3") for _, name in includes(p))]
    assert wrong == []


def test_the_check_itself_finds_what_it_looks_for():
    assert upward("core/base/str.c", ["base/str.h", "store/store.h", "belfry/plugin.h"]) == ["store/store.h"]
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}}) is None
    assert room_of("core/base/str.c") == "base" and room_of("plugins/x/x.c") is None
    assert ROOT

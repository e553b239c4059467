# SPDX-License-Identifier: Apache-2.0
"""What the checks know of the tree."""
import os
import re

from sources import ROOMS, ROOT, text, walk

BUILD = os.environ.get("BELFRY_BUILDDIR", os.path.join(ROOT, "build"))
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)


def includes(path):
    """[(kind, name)] of a file, kind being '<' or '\"'."""
    return INCLUDE.findall(text(path))


def code(*folders):
    return [p for folder in folders for p in walk(folder, ".c", ".h")]


def room_of(path):
    """base for core/base/x.c, include for core/include/..., None elsewhere."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "core" else None


def room_of_include(name):
    """The room that an #include names, None when it is not one of ours."""
    if name.startswith("belfry/"):
        return "include"
    head = name.split("/")[0]
    return head if "/" in name and head in ROOMS else None

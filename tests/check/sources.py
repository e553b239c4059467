#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes core/sources.am, plugins/sources.am and tests/sources.am from the tree.

Automake wants every source named and knows no wildcards. A room or plugin without a .c file yet is left out, so that a
half-finished tree builds. `./dev sources` runs this; test_sources.py fails when the files and the tree differ.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# From the ground up: a file includes its own room or any listed before it.
ROOMS = ["base", "yaml", "event", "template", "match", "plugin", "config", "store", "route", "ledger", "client",
         "dispatch", "http", "site", "console", "portal", "host", "hub", "cli"]

# What a plugin links follows from what it includes; it never names its libraries.
LIBRARIES = [("jansson.h", "$(JANSSON_LIBS)"), ("openssl/", "$(OPENSSL_LIBS)"), ("unicode/", "$(ICU_LIBS)"),
             ("pcre2.h", "$(PCRE2_LIBS)"), ("curl/", "$(CURL_LIBS)"), ("gmime/", "$(GMIME_LIBS)"), ("math.h", "-lm")]

SKIP = {"node_modules", "__pycache__", ".pytest_cache"}
HEADER = ("# SPDX-License-Identifier: Apache-2.0\n"
          "# Written from the tree by `./dev sources`; edits are lost.\n")


def walk(folder, *suffixes):
    """Sorted paths below folder, relative to the root, whose names end in one of the suffixes (any when none)."""
    found = []
    for where, dirs, files in os.walk(os.path.join(ROOT, folder)):
        dirs[:] = [d for d in dirs if d not in SKIP]
        for name in files:
            if not name.startswith(".") and (not suffixes or name.endswith(suffixes)):
                found.append(os.path.relpath(os.path.join(where, name), ROOT))
    return sorted(found)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def canonical(name):
    """Automake's spelling of a target in a variable name."""
    return re.sub(r"[^A-Za-z0-9_@]", "_", name)


def assign(variable, values, op="="):
    if not values:
        return f"{variable} {op}\n"
    return f"{variable} {op} \\\n\t" + " \\\n\t".join(values) + "\n"


def data(folder, compiled):
    """What else is to be in the tarball: files, and whole folders when nothing in them is compiled."""
    out = []
    for name in sorted(os.listdir(os.path.join(ROOT, folder))):
        path = f"{folder}/{name}"
        if name in SKIP or name.startswith("."):
            continue
        if not os.path.isdir(os.path.join(ROOT, path)):
            if path not in compiled and not name.endswith((".am", ".pc.in")):
                out.append(path)
        elif any(p in compiled for p in walk(path)) or os.path.exists(os.path.join(ROOT, path, "package.json")):
            out += data(path, compiled)
        elif walk(path):
            out.append(path)
    return out


def has_main(path):
    return re.search(r"^int main\(", text(path), re.M) is not None


def convenience(target, sources, cppflags=None):
    """A library that is linked whole into others and never installed."""
    out = f"\nnoinst_LTLIBRARIES += {target}\n" + assign(canonical(target) + "_SOURCES", sources)
    if cppflags:
        out += f"{canonical(target)}_CPPFLAGS = {cppflags}\n"
    return out


def modules(path, found=None):
    """A script and what it imports, directly or not."""
    found = [] if found is None else found
    if path not in found:
        found.append(path)
        for name in re.findall(r"^(?:import|export)\b[^;]*?'(\.{1,2}/[^']+)';", text(path), re.M):
            modules(os.path.normpath(os.path.join(os.path.dirname(path), name)), found)
    return found


def embedded(sources, prefix):
    """What is compiled in as text: each .inc is made from the file of its name, before the object that includes it.
    $(LO) is what automake does not read: it would leave out its own rule for an object that stands here by name."""
    out = ""
    for path in sources:
        names = re.findall(r'^#include "([^"]+\.inc)"', text(path), re.M) if path.endswith(".c") else []
        if names:
            out += "EMBEDDED += " + " ".join(names) + "\n"
            for name in names:
                imported = modules(name[:-4])[1:] if name.endswith(".js.inc") else []
                if imported:
                    out += f"{name}: " + " ".join(sorted(imported)) + "\n"
            out += f"{os.path.dirname(path)}/{prefix}{os.path.basename(path)[:-2]}.$(LO): " + " ".join(names) + "\n"
    return out


def core():
    out = HEADER + "\n" + assign("pkginclude_HEADERS", walk("core/include/belfry", ".h"), "+=")
    libs = []
    for room in ROOMS:
        sources = [p for p in walk(f"core/{room}", ".c", ".h", ".def") if p != "core/cli/main.c"]
        if not any(p.endswith(".c") for p in sources):
            if sources:
                out += "\n" + assign("noinst_HEADERS", sources, "+=")
            continue
        target = f"core/lib{room}.la"
        libs.insert(0, target)
        out += convenience(target, sources) + embedded(sources, "")
    out += "\n# from the top room down, as the linker needs them\n" + assign("ROOM_LIBS", libs)
    if os.path.exists(os.path.join(ROOT, "core/cli/main.c")):
        out += "\nbin_PROGRAMS += belfry\nbelfry_SOURCES = core/cli/main.c\nbelfry_LDADD = $(ROOM_LIBS) $(HUB_LIBS)\n"
    return out + "\n" + assign("EXTRA_DIST", data("core", set(walk("core", ".c", ".h", ".def"))), "+=")


def plugin_names():
    base = os.path.join(ROOT, "plugins")
    return sorted(d for d in os.listdir(base) if walk(f"plugins/{d}", ".c"))


def plugin_libraries(sources):
    included = re.findall(r"^\s*#\s*include\s*<([^>]+)>", "".join(text(p) for p in sources), re.M)
    return [libs for prefix, libs in LIBRARIES if any(i.startswith(prefix) for i in included)]


def plugins():
    out = HEADER
    for name in plugin_names():
        sources = walk(f"plugins/{name}", ".c", ".h")
        objects, module = f"plugins/{name}/lib{name}.la", f"plugins/{name}.la"
        out += convenience(objects, sources, "$(CPPFLAGS_PLUGIN)")
        out += embedded(sources, canonical(f"lib{name}.la") + "-")
        out += f"plugin_LTLIBRARIES += {module}\n{canonical(module)}_SOURCES =\n"
        out += f"{canonical(module)}_LDFLAGS = $(LDFLAGS_PLUGIN)\n"
        out += f"{canonical(module)}_LIBADD = " + " ".join([objects] + plugin_libraries(sources)) + "\n"
        if os.path.exists(os.path.join(ROOT, "core/cli/main.c")):
            out += f"plugin_DATA += plugins/.libs/{name}.json\n"
    return out + "\n" + assign("EXTRA_DIST", data("plugins", set(walk("plugins", ".c", ".h"))), "+=")


def programs(folder, variable, ldadd, ldflags=None):
    """Every .c with a main() is a program; the others of the folder are shared by its programs."""
    sources = walk(folder, ".c")
    headers = walk(folder, ".h")
    mains = [p for p in sources if has_main(p)]
    shared = [p for p in sources if p not in mains]
    out = ""
    if headers:
        out += "\n" + assign("noinst_HEADERS", headers, "+=")
    library = ""
    if shared:
        library = f"{folder}/libshared.la "
        out += convenience(library.strip(), shared, "$(CPPFLAGS_TEST)")
    for path in mains:
        target = path[:-2]
        out += f"\n{variable} += {target}\n{canonical(target)}_SOURCES = {path}\n"
        out += f"{canonical(target)}_CPPFLAGS = $(CPPFLAGS_TEST)\n"
        out += f"{canonical(target)}_LDADD = {library}{objects_under_test(path)}{ldadd}\n"
        if ldflags:
            out += f"{canonical(target)}_LDFLAGS = {ldflags}\n"
    return out


def objects_under_test(path):
    """test_webhook.c, test_webhook_sign.c and what includes its headers are linked with the objects of plugins/webhook."""
    stem = os.path.basename(path)[:-2]
    for name in sorted(plugin_names(), key=len, reverse=True):
        prefix = "test_" + canonical(name)
        if stem == prefix or stem.startswith(prefix + "_") or f'#include "../../plugins/{name}/' in text(path):
            out = f"plugins/{name}/lib{name}.la " + "".join(
                libs + " " for libs in plugin_libraries(walk(f"plugins/{name}", ".c", ".h")))
            return out
    return ""


def host():
    """The fake host: objects for our own unit tests, and whole with the rooms it stands on for plugin authors."""
    sources = walk("tests/host", ".c", ".h")
    if not any(p.endswith(".c") for p in sources):
        return "", ""
    below = ROOMS[:ROOMS.index("config") + 1]
    rooms = [f"core/lib{room}.la" for room in reversed(below) if walk(f"core/{room}", ".c")]
    out = convenience("tests/host/libhost.la", sources, "$(CPPFLAGS_TEST)")
    out += "\nlib_LTLIBRARIES += libbelfry-test.la\nlibbelfry_test_la_SOURCES =\n"
    out += "libbelfry_test_la_LDFLAGS = $(AM_LDFLAGS) -static\n"
    out += assign("libbelfry_test_la_LIBADD", ["tests/host/libhost.la"] + rooms)
    out += "pkgconfig_DATA += belfry-test.pc\n"
    return out, "tests/host/libhost.la "


def fixtures():
    out = ""
    for path in walk("tests/plugins", ".c"):
        target = path[:-2] + ".la"
        out += f"\ncheck_LTLIBRARIES += {target}\n{canonical(target)}_SOURCES = {path}\n"
        out += f"{canonical(target)}_CPPFLAGS = $(CPPFLAGS_PLUGIN)\n"
        out += f"{canonical(target)}_LDFLAGS = $(LDFLAGS_FIXTURE)\n"
    headers = walk("tests/plugins", ".h")
    return out + ("\n" + assign("noinst_HEADERS", headers, "+=") if headers else "")


def fuzz():
    out = ""
    targets = [p for p in walk("tests/fuzz", ".c") if os.path.basename(p).startswith("fuzz_")]
    shared = [p for p in walk("tests/fuzz", ".c", ".h") if p not in targets and p != "tests/fuzz/replay.c"]
    for path in targets:
        target = path[:-2]
        out += f"\nFUZZ_TARGETS += {target}\n{canonical(target)}_SOURCES = " + " ".join([path] + shared)
        out += f"\n{canonical(target)}_CPPFLAGS = $(CPPFLAGS_TEST)\n{canonical(target)}_LDFLAGS = $(LDFLAGS_FUZZ)\n"
        out += f"{canonical(target)}_LDADD = $(FUZZ_MAIN) {objects_under_test(path)}$(ROOM_LIBS) $(HUB_LIBS)\n"
    return out


def tests():
    fake_host, fake_objects = host()
    out = HEADER + fake_host
    out += programs("tests/unit", "UNIT_TESTS", fake_objects + "$(TEST_LIBS)")
    out += fixtures()
    out += fuzz()
    out += programs("tests/bench", "BENCHES", "$(ROOM_LIBS) $(HUB_LIBS)")
    out += programs("tests/programs", "TEST_HELPERS", "$(JANSSON_LIBS)")
    compiled = {p for folder in ("unit", "host", "plugins", "fuzz", "bench", "programs") for p in walk(f"tests/{folder}", ".c", ".h")}
    return out + "\n" + assign("EXTRA_DIST", data("tests", compiled), "+=")


FILES = {"core/sources.am": core, "plugins/sources.am": plugins, "tests/sources.am": tests}


def main():
    for path, make in FILES.items():
        new = make()
        full = os.path.join(ROOT, path)
        old = text(path) if os.path.exists(full) else None
        if new != old:
            with open(full, "w", encoding="utf-8") as f:
                f.write(new)
            print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

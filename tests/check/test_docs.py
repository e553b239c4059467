# SPDX-License-Identifier: Apache-2.0
"""What README.md and docs/ say is true of this tree: configurations check clean, examples are the files they show, links
resolve, and metrics, routes, commands and codes exist."""
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from sources import ROOT, text, walk

PAGES = ["README.md"] + walk("docs", ".md")
BUILD = os.environ.get("BELFRY_BUILDDIR", os.path.join(ROOT, "build"))
BIN = os.environ.get("BELFRY_BIN", os.path.join(ROOT, "build/belfry"))
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")

# What a part of a configuration is put into. Its own top-level keys replace these.
WHOLE = {
    "version": 1,
    "hub": {"listen": "127.0.0.1:0", "data_dir": "/var/lib/belfry"},
    "orgs": {"acme": {"users": {"ann": {"roles": ["sales-manager", "admin"]}, "mona": {}}}},
    "sources": {"crm": {"plugin": "workflow", "rules": [
        {"name": "hot-lead", "notify": {"to": "owner", "category": "leads"}},
        {"name": "big-deal", "notify": {"to": "owner", "category": "CALC_BLOCKED"}}]}},
    "channels": {"inbox": {"plugin": "in-app"}, "hooks": {"plugin": "webhook"}},
    "categories": {"leads": {}, "CALC_BLOCKED": {}},
    "rules": [],
    "unmatched": {"deliver": ["inbox"]},
}


def blocks(language):
    """[(page, number of the block in it, words after the language, body)]"""
    found = []
    for page in PAGES:
        for number, fence in enumerate(FENCE.finditer(text(page)), 1):
            words = fence[1].split()
            if words[:1] == [language]:
                found.append((page, number, words[1:], fence[2]))
    return found


def each(language):
    """For parametrize: the page and the block's number are its name."""
    return [pytest.param(body, id=f"{page}-{number}") for page, number, _, body in blocks(language)]


def prose(page):
    return FENCE.sub("", text(page))


def belfry(*args):
    return subprocess.run([BIN, *args], capture_output=True, text=True, timeout=30)


def slug(heading):
    """The anchor that a heading gets: GitHub's rule."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page):
    return {slug(h) for h in re.findall(r"^#+ (.*)$", prose(page), re.M)}


# --- configurations ----------------------------------------------------------------------------------------------------


def check(path):
    """Errors and warnings of `belfry check`; notes (of secrets that a check does not need) are none."""
    result = belfry("check", "--format", "json", "--deny", "warnings", str(path))
    said = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    faults = [d for d in said if d.get("severity") in ("error", "warning")]
    assert result.returncode == 0 or faults, result.stdout + result.stderr
    return [f"{d.get('code')} {d.get('message')}" for d in faults]


@pytest.mark.parametrize("body", each("yaml"))
def test_every_yaml_block_checks_clean(body, tmp_path):
    path = tmp_path / "belfry.yaml"
    keys = re.findall(r"^([a-z]\w*):", body, re.M)
    rest = {key: value for key, value in WHOLE.items() if key not in keys}
    path.write_text((yaml.safe_dump(rest, sort_keys=False) if keys[0] != "version" else "") + body)
    assert check(path) == []


def test_a_broken_block_would_be_found(tmp_path):
    path = tmp_path / "belfry.yaml"
    path.write_text(yaml.safe_dump({**WHOLE, "rules": [{"name": "x", "deliver": ["inbx"]}]}))
    assert check(path) == ["H301 there is no channel `inbx`"]


@pytest.mark.parametrize("body", each("json"))
def test_every_json_block_is_json(body):
    json.loads(body)


# --- examples ----------------------------------------------------------------------------------------------------------


def test_blocks_that_name_a_file_are_that_file():
    wrong = []
    for page in PAGES:
        for fence in FENCE.finditer(text(page)):
            name = next((w[5:] for w in fence[1].split() if w.startswith("file=")), None)
            if name and text(name) != fence[2]:
                wrong.append((page, name))
    assert wrong == []


def test_the_plugin_of_the_examples_compiles_and_is_accepted(tmp_path):
    out = tmp_path / "builds.so"
    compiled = subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden",
         f"-I{ROOT}/core/include", "-o", str(out), f"{ROOT}/docs/examples/builds.c"],
        capture_output=True, text=True, timeout=120)
    assert compiled.returncode == 0, compiled.stderr
    made = belfry("plugin", "inspect", "--sidecar", str(out))
    assert made.returncode == 0, made.stderr
    config = {**WHOLE, "hub": {**WHOLE["hub"], "plugin_path": str(tmp_path)}, "sources": {"ci": {"plugin": "builds"}}}
    (tmp_path / "belfry.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    assert check(tmp_path / "belfry.yaml") == []


@pytest.mark.skipif(not os.path.exists(f"{BUILD}/.libs/libbelfry-test.a"), reason="libbelfry-test is not built")
@pytest.mark.parametrize("name", ["tickets", "visits", "parcels", "chat", "uptime", "slack"])
def test_the_examples_of_plugins_pass_their_tests(name, tmp_path):
    libraries = re.search(r"^Libs: .*-lbelfry-test (.*)$", open(f"{BUILD}/belfry-test.pc", encoding="utf-8").read(), re.M)[1]
    compiled = subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/core/include", "-o", str(tmp_path / "test"),
         f"{ROOT}/docs/examples/test_{name}.c", f"{ROOT}/docs/examples/{name}.c", f"{BUILD}/.libs/libbelfry-test.a",
         *libraries.split()], capture_output=True, text=True, timeout=120)
    assert compiled.returncode == 0, compiled.stderr
    ran = subprocess.run([str(tmp_path / "test")], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", ["receiver.py", "receiver-lib.py", "feed.py", "mailbox.py"])
def test_the_python_examples_compile(name):
    compile(text(f"docs/examples/{name}"), name, "exec")


def test_the_lines_that_verify_without_a_library_are_those_of_the_receiver():
    shown, = [body for page, _, words, body in blocks("python") if page == "docs/webhooks.md" and not words]
    assert shown in text("docs/examples/receiver.py")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("name", ["receiver.mjs", "send.mjs"])
def test_the_node_examples_parse(name):
    result = subprocess.run(["node", "--check", f"{ROOT}/docs/examples/{name}"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_file_is_accepted(tmp_path):
    unit = tmp_path / "belfry.service"
    unit.write_text(text("docs/examples/belfry.service").replace("/usr/local/bin/belfry", sys.executable))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True,
                            timeout=60)
    assert [line for line in (result.stdout + result.stderr).splitlines() if "belfry.service" in line] == []


# --- references --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page):
    dead = []
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(os.path.join(ROOT, file)):
            dead.append(target)
        elif anchor and anchor not in anchors(file):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    """`core/ledger/`, `tests/run.sh`, `config/full.yaml`: whatever looks like a path of this tree, or like a program that
    is made of a file of it."""
    named = [w.rstrip("/") for w in CODE.findall(prose(page))
             if re.fullmatch(r"(core|plugins|tests|config|docs)/[\w./*-]+", w) and "*" not in w]
    assert [w for w in named if not any(os.path.exists(os.path.join(ROOT, w + end)) for end in ("", ".c"))] == []


def metrics_of_the_code():
    """Names of metrics are literals, and nothing else in core/ is called like them but the symbol of plugins. Plugins
    name theirs without a prefix, behind the host or the place of the id."""
    names = set()
    for path in walk("plugins", ".c"):
        names |= {"belfry_" + name for name in
                  re.findall(r"(?:->(?:counter|gauge)\(\w+->host, |\{&\w+->counters\.\w+, )\"([a-z_]+)\"", text(path))}
    for path in walk("core", ".c"):
        names |= set(re.findall(r"\"((?:belfry|process)_[a-z_]+[a-z])\"", text(path)))
    return names - {"belfry_entry"}


def test_metrics_are_those_of_the_code():
    page = text("docs/operator.md")
    told = set(re.findall(r"\b((?:belfry|process)_[a-z_]+[a-z])\b", page))
    have = metrics_of_the_code()
    assert len(have) > 15
    assert told - have == set(), "the page names metrics that do not exist"
    assert have - told == set(), "the page leaves metrics out"


def routes_of_the_code():
    """{(method, pattern)}: rows of the hub's tables and of plugins'."""
    rows = set()
    for path in walk("core", ".c") + walk("plugins", ".c"):
        rows |= set(re.findall(r"[{(]\s*\"(GET|POST|PUT|PATCH|DELETE)\",\s*\"(/[^\"]*)\"", text(path)))
    return rows


def test_routes_exist():
    have = {(method, re.sub(r"\{\w+\}", "{}", pattern)) for method, pattern in routes_of_the_code()}
    assert len(have) > 20
    told = set()
    for page in PAGES:
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)", prose(page)):
            told.add((page, method, re.sub(r"\{[\w|]+\}", "{}", path)))
    assert len(told) > 15
    assert [t for t in sorted(told) if t[1:] not in have] == []


def test_commands_exist():
    have = set(re.findall(r"^  belfry (\S+)", belfry("help").stdout, re.M))
    assert "run" in have
    told = set()
    for page in PAGES:
        told |= {(page, word) for word in re.findall(r"(?:^|`|sudo -u belfry |&& )belfry ([a-z][\w-]*)", text(page), re.M)}
    assert [t for t in sorted(told) if t[1] not in have] == []


def test_the_options_of_listen_are_told():
    part = text("docs/webhooks.md").split("## `belfry listen`")[1]
    told = set(re.findall(r"--[a-z-]+", " ".join(line for line in part.splitlines() if line.startswith("| `--"))))
    assert told == set(re.findall(r"--[a-z-]+", belfry("help", "listen").stdout))


def test_codes_exist():
    for page in PAGES:
        for code in set(re.findall(r"\bH[0-7][0-9]{2}\b", text(page))):
            assert belfry("help", code).returncode == 0, f"{page}: {code}"


def test_every_package_has_its_reason():
    listed = " ".join(re.findall(r'^PACKAGES_\w+="([^"]*)"', text("dev"), re.M)).split()
    listed += re.findall(r"install_packages ([a-z][\w.-]*)", text("dev"))
    assert "libuv1-dev" in listed and "chromium" in listed
    page = text("docs/dependencies.md")
    assert [name for name in listed if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)] == []
    packages = json.loads(text("tests/node/package.json"))["devDependencies"]
    assert [name for name in packages if f"| {name} |" not in page] == []


# --- sources -----------------------------------------------------------------------------------------------------------

# What others build upon: an event's category, severity, what it replaces, and its actions with their triggers.
EVENTS = {
    "workflow": {
        "record.assigned": ("workflow", "info", ["record.assigned"], {}),
        "workflow.*": ("workflow", "info", [], {})},
    "approval": {
        "approval.requested": ("approval", "warning", [], {"approve": "approval.decided", "reject": "approval.decided"}),
        "approval.reminder": ("approval", "warning", ["approval.requested", "approval.reminder"],
                              {"approve": "approval.decided", "reject": "approval.decided"}),
        "approval.escalated": ("approval", "warning", [], {}),
        "approval.approved": ("approval", "success", [], {}),
        "approval.rejected": ("approval", "warning", [], {})},
    "sync": {
        "sync.backgrounded": ("sync", "info", [], {}),
        "sync.overview_ready": ("sync", "info", [], {}),
        "sync.completed": ("sync", "success", [], {}),
        "sync.failed": ("sync", "error", [], {}),
        "sync.stalled": ("sync", "warning", [], {}),
        "sync.blocked": ("CALC_BLOCKED", "error", ["sync.blocked"], {})},
    "invoice": {
        "invoice.payment_claimed": ("invoice", "warning", ["invoice.payment_claimed"],
                                    {"confirm": "claim.confirmed", "reject": "claim.rejected"}),
        "invoice.disputed": ("invoice", "error", [], {}),
        "invoice.paid": ("invoice", "success", [], {}),
        "invoice.overpaid": ("invoice", "warning", [], {}),
        "invoice.reminder": ("invoice", "info", [], {}),
        "booking.disputed": ("invoice", "error", [], {}),
        "shift.cancelled": ("invoice", "warning", [], {})},
}
SEVERITIES = ["info", "success", "warning", "error", "critical"]


def sidecar(name):
    with open(f"{BUILD}/plugins/.libs/{name}.json", encoding="utf-8") as f:
        return json.load(f)


def table(page, first):
    """Rows of the page's table whose first column is headed `first`, as {column: text}."""
    rows = re.search(rf"^(\| {first} \|.*)\n\|[-|]+\|\n((?:\|.*\n)+)", text(page), re.M)
    heads = [cell.strip() for cell in rows[1].strip("|").split("|")]
    return [dict(zip(heads, [cell.strip() for cell in row.strip("|").split("|")])) for row in rows[2].splitlines()]


@pytest.mark.parametrize("plugin", EVENTS)
def test_events_are_what_was_promised(plugin):
    found = {e["type"]: (e["category"], SEVERITIES[e.get("severity", 0)], e.get("replaces", []),
                         {a["id"]: a["trigger"] for a in e.get("actions", [])}) for e in sidecar(plugin)["events"]}
    assert found == EVENTS[plugin]


@pytest.mark.parametrize("plugin", EVENTS)
def test_the_page_of_a_source_has_its_events(plugin):
    events = {e["type"]: e for e in sidecar(plugin)["events"]}
    rows = {row["event"].strip("`").replace(".NAME", ".*"): row for row in table(f"docs/sources/{plugin}.md", "event")}
    assert sorted(rows) == sorted(events)
    for name, row in rows.items():
        if "severity" in row:
            assert row["severity"] == SEVERITIES[events[name].get("severity", 0)], name
            assert row["actions"] == ", ".join(a["label"] for a in events[name].get("actions", [])), name


@pytest.mark.parametrize("page,options", [
    ("invoice", lambda: sidecar("invoice")["options"]),
    ("xero", lambda: next(o for o in sidecar("invoice")["options"] if o["name"] == "xero")["children"])])
def test_the_page_of_a_source_has_its_options(page, options):
    rows = table(f"docs/sources/{page}.md", "option")
    said = {name: row["default"].strip('`"') for row in rows for name in CODE.findall(row["option"])}
    assert sorted(said) == sorted(o["name"] for o in options())
    for option in options():
        if option.get("default"):
            assert said[option["name"]] == option["default"], option["name"]

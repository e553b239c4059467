#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the hub reaches, each rate beside a limit that is taken in the same run on the same machine.

`./dev bench` runs it; docs/performance.md says what is measured and why. The rates of a shared machine move by a third
from one minute to the next, so every ratio is the median over rounds in which hub and limit follow each other at once.
"""
import argparse
import base64
import hashlib
import hmac
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import closed
import endpoints
import mail
import streams

ROOT = os.environ.get("BELFRY_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BELFRY_BUILDDIR", os.path.join(ROOT, "build"))
BELFRY = os.environ.get("BELFRY_BIN", os.path.join(BUILD, "belfry"))
TOKEN = "bench-token-0123456789abcdef"
SECRET = "bench-secret-0123456789abcdef0123456789"
TRIGGERS = "/v1/acme/sources/crm/triggers"
PEOPLE = 1000
CONNECTIONS = 64

TRIGGER = {
    "specversion": "1.0", "id": "bench-##########", "source": "https://crm.example.org/acme", "type": "record.created",
    "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json",
    "data": {"record": {"object": "Opportunity", "id": "bench-##########", "owner": "u%%%%", "created_by": "importer",
                        "url": "https://crm.example.org/o/##########",
                        "fields": {"name": "Deal ##########", "amount": 125000, "stage": "prospecting", "region": "EMEA"}}}}

NUMBER = "##########"
# Of each source: what opens an object and what goes on with it, as (type, data, minutes ago). The second one tells
# somebody, as workflow's does.
SOURCES = {
    "workflow": [
        ("record.created", TRIGGER["data"], 0),
        ("record.updated", {"record": {"object": "Opportunity", "id": "bench-" + NUMBER, "owner": "v%%%%",
                                       "fields": {"stage": "won"}}, "changed_by": "importer"}, 0)],
    "approval": [
        ("approval.submitted", {"approval": {
            "id": "bench-" + NUMBER, "title": "Discount " + NUMBER, "url": "https://deals.example.org/d/" + NUMBER,
            "submitter": "u%%%%", "steps": [{"name": "Sales", "approvers": ["v%%%%", "w%%%%"], "needs": "any"}]}}, 0),
        ("approval.decided", {"approval": {"id": "bench-" + NUMBER}, "by": "v%%%%", "decision": "approved"}, 0)],
    "sync": [
        ("sync.started", {"run": {"id": "bench-" + NUMBER, "kind": "sync", "admin": "u%%%%"}}, 10),
        ("sync.finished", {"run": {"id": "bench-" + NUMBER}, "outcome": "succeeded",
                           "url": "https://hr.example.org/r/" + NUMBER, "counts": {"added": 3, "changed": 17}}, 0)],
    "invoice": [
        ("invoice.issued", {"invoice": {
            "id": "bench-" + NUMBER, "number": NUMBER, "owner": "u%%%%", "payer": {"name": "Globex", "email": "pay@globex.example"},
            "amount_minor": 118000, "currency": "EUR", "due_on": "2099-01-31", "url": "https://books.example.org/i/" + NUMBER}}, 0),
        ("payment.claimed", {"invoice": {"id": "bench-" + NUMBER}, "by": "globex"}, 0)],
}

CONFIG = """version: 1
hub: {{listen: "127.0.0.1:{port}", data_dir: "{data}"}}
auth:
  jwt: {{hs256: ["{secret}"]}}
  tokens: [{{name: crm-app, org: acme, secret: "{token}", may: ["trigger:*", read]}}]
orgs:
  acme: {{}}
sources:
  crm: {{plugin: {plugin}}}
channels:
  inbox: {{plugin: in-app}}
{hooks}
rules:
  - {{name: inbox-first, when: {{}}, deliver: [inbox{more}]}}
unmatched: {{deliver: [inbox]}}
"""

HOOKS = """  hooks:
    plugin: webhook
    allow_cidrs: [127.0.0.0/8]
    endpoints:
      - {{name: sink, url: "http://127.0.0.1:{sink}/hook", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
         concurrency: {concurrency}}}
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def tool(name):
    return os.path.join(BUILD, "tests", "bench", name)


def run_tool(name, *args, timeout=900):
    done = subprocess.run([tool(name), *map(str, args)], stdout=subprocess.PIPE, timeout=timeout, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: {name} {' '.join(map(str, args))}: status {done.returncode}: {done.stdout}")
    return json.loads(done.stdout)


def jwt(username):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"sub": username, "org": "acme", "roles": [], "exp": int(time.time()) + 36000}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(json.dumps(claims).encode())
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def get(port, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024


class Process:
    """A child that is ended with the block it belongs to."""

    def __init__(self, args, log=None):
        self.process = subprocess.Popen(args, stdout=log or subprocess.DEVNULL, stderr=subprocess.STDOUT if log else None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, sig=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Hub(Process):
    def __init__(self, folder, name="hub", sink=None, concurrency=64, plugin="workflow", text=CONFIG, **more):
        self.port = free_port()
        self.data = os.path.join(folder, name)
        config = os.path.join(folder, name + ".yaml")
        if text is CONFIG:
            more = {"more": ", hooks" if sink else "",
                    "hooks": HOOKS.format(sink=sink, concurrency=concurrency) if sink else ""}
        with open(config, "w", encoding="utf-8") as f:
            f.write(text.format(port=self.port, data=self.data, secret=SECRET, token=TOKEN, plugin=plugin, sink=sink, **more))
        with open(os.path.join(folder, name + ".log"), "a", encoding="utf-8") as log:
            begin = time.monotonic()
            super().__init__([BELFRY, "run", "-c", config], log)
        while True:
            if self.process.poll() is not None or time.monotonic() - begin > 60:
                raise SystemExit(f"bench: the hub did not start, see {folder}/{name}.log")
            try:
                if get(self.port, "/readyz")[0].status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.002)
        self.start_ms = (time.monotonic() - begin) * 1000

    @property
    def database(self):
        return os.path.join(self.data, "belfry.db")

    def resident_mb(self):
        return resident_mb(self.process.pid)


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix="belfry-bench-", dir=args.dir)
        self.next = 0
        self.rows = []
        self.body = os.path.join(self.folder, "trigger.json")
        with open(self.body, "w", encoding="utf-8") as f:
            json.dump(TRIGGER, f, separators=(",", ":"))

    # --- pieces --------------------------------------------------------------------------------------------------------

    def post(self, hub, count, batch=1, rate=0, times=None):
        """Posts so many triggers; answers what `load` says."""
        first, self.next = self.next, self.next + count
        kind = "application/cloudevents-batch+json" if batch > 1 else "application/cloudevents+json"
        extra = ["--rate", rate] if rate else []
        extra += ["--times", times] if times else []
        return run_tool("load", "--port", hub.port, "--count", count // batch, "--batch", batch, "--first", first,
                        "--connections", CONNECTIONS if batch == 1 else 8, "--people", PEOPLE, "--body", self.body,
                        "--header", f"Authorization: Bearer {TOKEN}", "--header", f"Content-Type: {kind}", *extra,
                        "POST", TRIGGERS)

    def post_source(self, hub, plugin, step, count, first=0):
        """Batches of 100 of one kind of trigger, about so many objects from the first on; triggers a second."""
        type, data, minutes = SOURCES[plugin][step]
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - minutes * 60))
        body = os.path.join(self.folder, "source.json")
        with open(body, "w", encoding="utf-8") as f:
            json.dump({"specversion": "1.0", "id": f"{type}-{NUMBER}", "source": "/bench", "type": type, "time": at,
                       "data": data}, f, separators=(",", ":"))
        return run_tool("load", "--port", hub.port, "--count", count // 100, "--batch", 100, "--first", first,
                        "--connections", 8, "--people", PEOPLE, "--body", body, "--header", f"Authorization: Bearer {TOKEN}", "--header",
                        "Content-Type: application/cloudevents-batch+json", "POST", TRIGGERS)["rate"]

    def bare_sql(self, hub, count, per_commit):
        folder = tempfile.mkdtemp(dir=self.folder)
        result = run_tool("bare_sql", hub.database, folder, count, per_commit)
        shutil.rmtree(folder)
        return result["rate"]

    def read(self, port, path, count, headers=(), expect=200, connections=CONNECTIONS):
        extra = [word for header in headers for word in ("--header", header)]
        return run_tool("load", "--port", port, "--count", count, "--connections", connections, "--expect", expect, *extra,
                        "GET", path)

    def row(self, name, value, unit, limit=None, at_least=None, at_most=None, note=""):
        """One line of the table. With a limit the goal is about the ratio, else about the value."""
        ratio = value / limit if limit else None
        judged = ratio if limit else value
        ok = None
        if at_least is not None:
            ok = judged >= at_least
        if at_most is not None:
            ok = judged <= at_most
        self.rows.append({"name": name, "value": round(value, 3), "unit": unit, "limit": limit and round(limit, 3),
                          "ratio": ratio and round(ratio, 3), "at_least": at_least, "at_most": at_most, "ok": ok,
                          "note": note})
        say(f"  {name}: {value:,.2f} {unit}" + (f", {ratio:.2f} of {limit:,.2f}" if limit else ""))

    def median_row(self, name, pairs, unit, **more):
        """The row of the round whose ratio is the median one; answers that ratio."""
        value, limit = sorted(pairs, key=lambda p: p[0] / p[1])[(len(pairs) - 1) // 2]
        spread = [round(v / l, 2) for v, l in pairs]
        self.row(name, value, unit, limit=limit, note=f"rounds {spread}" if len(pairs) > 1 else "", **more)
        return value / limit

    # --- parts ---------------------------------------------------------------------------------------------------------

    def part_triggers(self):
        """Limit A: a bare loop that writes the same rows."""
        count, some = self.args.triggers, max(self.args.triggers // 20, 1000)
        single, batch, serial = [], [], []
        for n in range(self.args.rounds):
            say(f"triggers, round {n + 1} of {self.args.rounds}")
            with Hub(self.folder, f"single{n}") as hub:
                rate = self.post(hub, count)["rate"]
                hub.end()
                bare = self.bare_sql(hub, count, 256)
                one = self.bare_sql(hub, some, 1)
            single.append((rate, bare))
            serial.append((rate, one))
            with Hub(self.folder, f"batch{n}") as hub:
                rate = self.post(hub, count, batch=100)["rate"]
                hub.end()
                batch.append((rate, self.bare_sql(hub, count, 256)))
            say(f"  single {single[-1]}, batch {batch[-1]}, one at a time {one:.0f}")
            shutil.rmtree(hub.data)
            shutil.rmtree(os.path.join(self.folder, f"single{n}"))
        self.median_row("single triggers, 64 connections : rows written 256 a commit", single, "1/s", at_least=0.35)
        self.median_row("single triggers, 64 connections : rows written one a commit", serial, "1/s", at_least=4)
        self.median_row("triggers in batches of 100 : rows written 256 a commit", batch, "1/s", at_least=0.6)

    def sink_wait(self, port, count, timeout):
        until = time.monotonic() + timeout
        while True:
            state = json.loads(get(port, "/")[1])
            if state["distinct"] >= count:
                return state
            if time.monotonic() > until:
                raise SystemExit(f"bench: {state['distinct']} of {count} webhooks came")
            time.sleep(0.05)

    def part_webhooks(self):
        """Limit B: a bare libcurl loop against the same sink."""
        count, rates = self.args.webhooks, []
        sample = os.path.join(self.folder, "webhook.json")
        with open(sample, "w", encoding="utf-8") as f:
            f.write("x" * 650)
        for n in range(self.args.rounds):
            say(f"webhooks, round {n + 1} of {self.args.rounds}")
            port = free_port()
            with Process([tool("sink"), str(port), str(self.next + count)]):
                time.sleep(0.2)
                bare = [run_tool("bare_post", port, count, 64, sample)["rate"]]
                before = json.loads(get(port, "/")[1])["posts"]
                with Hub(self.folder, f"hooks{n}", sink=port) as hub:
                    begin = time.monotonic_ns()
                    accepted = self.post(hub, count)["rate"]
                    state = self.sink_wait(port, count, 300)
                    rate = count / ((state["last_ns"] - begin) / 1e9)
                    if state["posts"] - before != state["distinct"]:
                        say(f"  {state['posts'] - before - state['distinct']} webhooks came twice")
                bare.append(run_tool("bare_post", port, count, 64, sample)["rate"])
            rates.append((rate, statistics.mean(bare)))
            say(f"  accepted {accepted:.0f}, acknowledged {rate:.0f}, bare before {bare[0]:.0f}, after {bare[1]:.0f}")
            shutil.rmtree(hub.data)
        self.median_row("accepted to acknowledged, sustained : bare libcurl", rates, "1/s", at_least=0.25)

    def part_latency(self):
        """1,000 triggers a second, each on its way to the sink."""
        count, rate = self.args.latency, 1000
        warm = 2000
        times = os.path.join(self.folder, "times")
        first, port = self.next + warm, free_port()
        say("latency at 1,000 triggers/s")
        with Process([tool("sink"), str(port), str(first + count), times]):
            time.sleep(0.2)
            with Hub(self.folder, "latency", sink=port) as hub:
                self.post(hub, warm, rate=rate, times=times)
                answers = self.post(hub, count, rate=rate, times=times)
                self.sink_wait(port, warm + count, 60)
        with open(times, "rb") as f:
            f.seek(first * 24)
            rows = list(struct.iter_unpack("<QQQ", f.read(count * 24)))
        from_due = sorted((arrived - sent) / 1e6 for sent, _, arrived in rows)
        from_accept = sorted((arrived - accepted) / 1e6 for _, accepted, arrived in rows)
        self.row("POST to 202 at 1,000/s, median", answers["p50_ms"], "ms")
        self.row("POST to 202 at 1,000/s, 99th percentile", answers["p99_ms"], "ms")
        for label, values in (("202", from_accept), ("POST", from_due)):
            goals = ((5, 25) if label == "202" else (None, None))
            self.row(f"{label} to webhook's arrival at 1,000/s, median", statistics.median(values), "ms", at_most=goals[0])
            self.row(f"{label} to webhook's arrival at 1,000/s, 99th percentile", values[len(values) * 99 // 100], "ms",
                     at_most=goals[1])
        shutil.rmtree(hub.data)

    def count_rate(self, hub):
        """Counts with an entity tag against a bare server's constant answer; and the list's time."""
        auth = f"Authorization: Bearer {jwt('u0007')}"
        answer, body = get(hub.port, "/v1/acme/notifications/count", dict([auth.split(": ", 1)]))
        tag = answer.getheader("ETag")
        if answer.status != 200 or not tag:
            raise SystemExit(f"bench: count answers {answer.status} {body!r}")
        pairs = []
        for _ in range(self.args.rounds):
            hot = self.read(hub.port, "/v1/acme/notifications/count", self.args.counts, (auth, f"If-None-Match: {tag}"), 304)
            port = free_port()
            with Process([tool("bare_http"), str(port)]):
                time.sleep(0.2)
                bare = self.read(port, "/v1/acme/notifications/count", self.args.counts, (auth, f"If-None-Match: {tag}"))
            pairs.append((hot["rate"], bare["rate"]))
        return pairs

    def list_ms(self, hub):
        auth = f"Authorization: Bearer {jwt('u0008')}"
        path = "/v1/acme/notifications?limit=200"
        answer, body = get(hub.port, path, dict([auth.split(": ", 1)]))
        if answer.status != 200:
            raise SystemExit(f"bench: list answers {answer.status} {body!r}")
        mine = self.read(hub.port, path, self.args.lists, (auth,), connections=1)
        port = free_port()
        with Process([tool("bare_http"), str(port), str(len(body))]):
            time.sleep(0.2)
            bare = self.read(port, path, self.args.lists, (auth,), connections=1)
        return mine["p50_ms"], bare["p50_ms"], len(json.loads(body)["items"])

    def part_growth(self):
        """One hub from nothing to a million rows: rates on the way, then memory and the time of a start."""
        count, levels = self.args.probe, [n for n in (10_000, 100_000, 1_000_000) if n <= self.args.rows]
        seen = {}
        with Hub(self.folder, "reference") as reference:
            self.post(reference, count)  # rows for the bare loop, which begins with an empty table each time
        with Hub(self.folder, "growth") as hub:
            for level in levels:
                have = seen.get("rows", 0)
                say(f"growth: to {level:,} rows")
                if level - have > 0:
                    self.post(hub, level - have, batch=100)
                single, batch = [], []
                for _ in range(3):
                    single.append(self.post(hub, count)["rate"])
                    bare = self.bare_sql(reference, count, 256)
                    batch.append(self.post(hub, count, batch=100)["rate"])
                    single[-1], batch[-1] = (single[-1], bare), (batch[-1], bare)
                pairs = self.count_rate(hub)
                lists = self.list_ms(hub)
                seen["rows"] = level + 6 * count
                seen[level] = [self.median_row(f"{name}, {level:,} rows : {limit}", rates, "1/s") for name, limit, rates in
                               (("single triggers", "bare loop, new table", single),
                                ("batches of 100", "bare loop, new table", batch),
                                ("count with ETag", "bare server", pairs))]
                self.row(f"list of {lists[2]}, {level:,} rows", lists[0], "ms")
            for at, name in enumerate(("single triggers", "batches of 100", "count with ETag")):
                worst = min(seen[level][at] for level in levels[1:] or levels)
                self.row(f"{name}: worst of the larger tables : {levels[0]:,} rows", worst, "of the limit",
                         limit=seen[levels[0]][at], at_least=2 / 3)
            self.median_row("count with ETag (304) : constant answer of a bare server", pairs, "1/s", at_least=0.6)
            self.row(f"list of {lists[2]} of {seen['rows']:,} rows, inside the hub", max(lists[0] - lists[1], 0), "ms",
                     at_most=3, note=f"request {lists[0]} ms, bare server {lists[1]} ms")
            self.row(f"resident after {self.total():,} triggers", hub.resident_mb(), "MB", at_most=80)
        for _ in range(2):
            with Hub(self.folder, "growth") as hub:
                started = hub.start_ms
        self.row(f"start with {seen['rows']:,} rows", started, "ms", at_most=300)
        shutil.rmtree(hub.data)

    def part_streams(self):
        """Every tab hears of a change within a second."""
        say(f"{self.args.streams:,} open streams")
        with Hub(self.folder, "streams") as hub:
            streams.run(self, hub, tool("streams"), jwt, TOKEN, TRIGGERS, self.args.streams)
        shutil.rmtree(hub.data)

    def part_closed(self):
        """Approvals that are over cost nothing but their bytes."""
        say(f"{self.args.rows:,} closed approvals")
        closed.run(self, Hub, lambda hub, *more: self.post_source(hub, "approval", *more), self.args.rows)

    def part_mail(self):
        """Limit C: bare libcurl to the same smtp-sink, with as many connections."""
        mail.run(self, sys.modules[__name__])

    def part_endpoints(self):
        """Many endpoints, some of them sick."""
        say("many endpoints")
        endpoints.run(self, sys.modules[__name__])

    def state_bytes(self, hub, count):
        """Keys and values that the source keeps, for each object."""
        db = sqlite3.connect(f"file:{hub.database}?mode=ro", uri=True)
        size, = db.execute("SELECT total(length(key) + length(value)) FROM state").fetchone()
        db.close()
        return size / count

    def part_sources(self):
        """Each source beside workflow in the same round: the same client, batches of the same size."""
        count, rates, sizes = self.args.sources, {}, {}
        for n in range(self.args.rounds):
            say(f"sources, round {n + 1} of {self.args.rounds}")
            for plugin in SOURCES:
                with Hub(self.folder, f"{plugin}{n}", plugin=plugin) as hub:
                    for step, (type, _, _) in enumerate(SOURCES[plugin]):
                        rates.setdefault((plugin, step), []).append(self.post_source(hub, plugin, step, count))
                        sizes[plugin, step] = self.state_bytes(hub, count)
                shutil.rmtree(hub.data)
                say(f"  {plugin}: {rates[plugin, 0][-1]:.0f}, then {rates[plugin, 1][-1]:.0f}")
        for plugin, steps in SOURCES.items():
            for step, (type, _, _) in enumerate(steps):
                if plugin != "workflow":
                    self.median_row(f"{type} : {SOURCES['workflow'][step][0]}",
                                    list(zip(rates[plugin, step], rates["workflow", step])), "1/s", at_least=1 / 3)
                self.row(f"state of {plugin} after {type}", sizes[plugin, step], "bytes an object")

    def total(self):
        return self.next - self.before

    def run(self, parts):
        for name in parts:
            self.before = self.next
            getattr(self, "part_" + name)()
        shutil.rmtree(self.folder)

    def table(self):
        def goal(row):
            if row["at_least"] is not None:
                return f">= {row['at_least']:.2f}"
            return f"<= {row['at_most']}" if row["at_most"] is not None else ""
        lines = [("", "figure", "limit", "ratio", "goal", "")]
        for row in self.rows:
            lines.append((row["name"], f"{row['value']:,.{0 if row['value'] > 100 else 2}f} {row['unit']}",
                          f"{row['limit']:,.{0 if row['limit'] > 100 else 2}f}" if row["limit"] else "", f"{row['ratio']:.2f}" if row["ratio"] else "",
                          goal(row), {True: "met", False: "MISSED", None: ""}[row["ok"]]))
        widths = [max(len(line[i]) for line in lines) for i in range(6)]
        return "\n".join("  ".join(text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(line, widths)))
                         .rstrip() for line in lines)


PARTS = ["triggers", "sources", "closed", "webhooks", "latency", "endpoints", "streams", "mail", "growth"]


def options():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(PARTS)} (all when absent)")
    parser.add_argument("--quick", action="store_true", help="small sizes: that it runs, not what it reaches")
    parser.add_argument("--dir", default=os.path.join(ROOT, "var"), help="where databases are made (var)")
    parser.add_argument("--json", metavar="FILE", default="-", help="where the figures go as JSON; after the table when absent")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--triggers", type=int, default=100_000, help="a round")
    parser.add_argument("--sources", type=int, default=40_000, help="triggers of each kind a round")
    parser.add_argument("--webhooks", type=int, default=50_000, help="a round")
    parser.add_argument("--latency", type=int, default=20_000)
    parser.add_argument("--endpoints", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--endpoint-parts", nargs="+", default=["rates", "neighbours", "crowd", "pending"])
    parser.add_argument("--neighbours", type=int, default=40_000, help="triggers for healthy and sick endpoints, a round")
    parser.add_argument("--neighbour-rate", type=int, default=800, help="a second")
    parser.add_argument("--idle", type=int, default=20, help="seconds in which nothing is due")
    parser.add_argument("--paced", type=int, default=100, help="triggers for 100 endpoints each, 20 a second")
    parser.add_argument("--mails", type=int, default=20_000, help="a round")
    parser.add_argument("--mail-connections", type=int, nargs="+", default=[1, 4], help="to the mail server")
    parser.add_argument("--mail-paced", type=int, default=2_000, help="mails, 200 a second, beside a long queue")
    parser.add_argument("--crowd", type=int, default=100_000, help="people whom one event is mailed to")
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--probe", type=int, default=20_000, help="triggers to measure a rate while the table grows")
    parser.add_argument("--counts", type=int, default=200_000)
    parser.add_argument("--lists", type=int, default=500)
    args = parser.parse_args()
    args.parts = args.parts or PARTS
    if set(args.parts) - set(PARTS):
        parser.error(f"parts are {' '.join(PARTS)}")
    if args.quick:
        args.rounds, args.triggers, args.webhooks, args.latency = 1, 5_000, 5_000, 3_000
        args.sources, args.streams = 2_000, 700
        args.endpoints, args.neighbours, args.idle, args.paced = [1, 100, 1_000], 4_000, 2, 20
        args.mails, args.mail_paced, args.crowd = 1_000, 200, 2_000
        args.rows, args.probe, args.counts, args.lists = 10_000, 2_000, 20_000, 100
    return args


def main():
    args = options()
    os.makedirs(args.dir, exist_ok=True)
    bench = Bench(args)
    begin = time.monotonic()
    bench.run(args.parts)
    result = {"machine": {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
              "seconds": round(time.monotonic() - begin, 1), "rows": bench.rows}
    print(bench.table())
    if args.json == "-":
        print(json.dumps(result))
    elif args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(result, f, indent=1)
    return 0 if args.quick or all(row["ok"] is not False for row in bench.rows) else 1


if __name__ == "__main__":
    sys.exit(main())

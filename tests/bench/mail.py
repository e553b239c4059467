# SPDX-License-Identifier: Apache-2.0
"""Mail: how fast it leaves beside a bare libcurl, what a long queue costs, and what memory one event to very many takes.

The server is Postfix's smtp-sink. What is sent is held first (`after`) and the hub is stopped; a rate counts from the
start of a hub that finds all of it due until the sink has taken the last one, so it is the rate of claiming, writing and
sending, without the triggers.
"""
import glob
import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import tempfile
import time

PEOPLE = 1000
HELD_S = 15  # from a trigger to its mail
CONFIG = """version: 1
hub: {{listen: "127.0.0.1:{port}", data_dir: "{data}", public_url: "https://hub.acme.example"}}
auth:
  tokens: [{{name: crm-app, org: acme, secret: "{token}", may: ["trigger:*", users, read]}}]
orgs:
  acme: {{}}
sources:
  crm: {{plugin: workflow, rules: [{{name: crowd, on: create, when: {{object: Crowd}}, notify: {{to: ["role:crowd"], title: "To all"}}}}]}}
channels:
  inbox: {{plugin: in-app}}
  mail:
    plugin: email
    from: Acme <notify@acme.example>
    bounce_domain: bounce.acme.example
    servers: [{{url: "smtp://127.0.0.1:{sink}", connections: {connections}}}]
    {dkim}
rules:
  - {{name: mail, when: {{type: record.assigned}}, deliver: [inbox, {{via: mail, after: {after}, unless: []}}]}}
  - {{name: crowd, when: {{type: workflow.crowd}}, deliver: [inbox, {{via: mail, after: {after}, unless: []}}]}}
unmatched: {{deliver: [inbox]}}
"""


class Sink:
    """smtp-sink that ends by itself after so many mails: the end of a rate."""

    def __init__(self, tools, count=None, port=None, dump=None):
        self.port = port or tools.free_port()
        args = ["smtp-sink", *(["-u", "nobody"] if os.getuid() == 0 else [])]
        args += ["-M", str(count)] if count else []
        args += ["-D", dump] if dump else []
        self.child = tools.Process([*args, f"127.0.0.1:{self.port}", "1024"])
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("bench: smtp-sink does not listen (the package postfix has it)") from None
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.end()

    def wait(self, seconds):
        self.child.process.wait(seconds)
        return time.monotonic()


class Mail:
    """tools: bench.py's module."""

    def __init__(self, bench, tools):
        self.bench, self.tools = bench, tools

    # --- pieces -----------------------------------------------------------------------------------------------------

    def hub(self, name, sink, connections, after, dkim=""):
        return self.tools.Hub(self.bench.folder, name, sink=sink, text=CONFIG, connections=connections, after=after,
                              dkim=dkim)

    def call(self, hub, method, path, body, expect, kind="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
        connection.request(method, path, json.dumps(body),
                           {"Authorization": f"Bearer {self.tools.TOKEN}", "Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != expect:
            raise SystemExit(f"bench: {method} {path}: {answer.status} {said!r}")

    def people(self, hub, count, roles=()):
        """u0000 and so on, with addresses, a thousand a request."""
        for first in range(0, count, 1000):
            some = range(first, min(first + 1000, count))
            items = [{"username": f"u{n:04}", "email": f"u{n:04}@people.example", "roles": list(roles)} for n in some]
            self.call(hub, "PUT", "/v1/acme/users", {"items": items}, 200)

    def held(self, name, count, connections, sink, dkim=""):
        """A stopped hub that finds so many mails due when it starts again."""
        with self.hub(name, sink, connections, f"{HELD_S}s", dkim) as hub:
            self.people(hub, PEOPLE)
            begin = time.monotonic()
            self.bench.post(hub, count, batch=100)
            if time.monotonic() - begin > HELD_S - 1:
                raise SystemExit(f"bench: {count} triggers took longer than their mails are held")
            hub.end()
        time.sleep(HELD_S)
        return hub

    def sample(self):
        """The bytes of one mail as the hub writes it."""
        folder = tempfile.mkdtemp(prefix="belfry-bench-")  # smtp-sink is not root, and cannot look into the bench's own
        os.chmod(folder, 0o777)
        with Sink(self.tools, 1, dump=folder + "/mail") as sink:
            hub = self.held("sample", 100, 1, sink.port)
            with self.hub("sample", sink.port, 1, f"{HELD_S}s"):
                sink.wait(60)
        shutil.rmtree(hub.data)
        with open(glob.glob(folder + "/mail*")[0], "rb") as f:
            text = f.read()
        shutil.rmtree(folder)
        return len(text[text.index(b"\nFrom:") + 1:].replace(b"\n", b"\r\n"))

    def bare(self, count, connections, size):
        with Sink(self.tools) as sink:
            return self.tools.run_tool("bare_smtp", sink.port, count, connections, size)["rate"]

    def rate(self, name, count, connections, dkim=""):
        port = self.tools.free_port()
        hub = self.held(name, count, connections, port, dkim)
        with Sink(self.tools, count, port) as sink:
            begin = time.monotonic()
            with self.hub(name, port, connections, f"{HELD_S}s", dkim):
                rate = count / (sink.wait(600) - begin)
        shutil.rmtree(hub.data)
        return rate

    # --- parts ------------------------------------------------------------------------------------------------------

    def rates(self):
        size, count = self.sample(), self.bench.args.mails
        self.tools.say(f"a mail has {size} bytes")
        for connections in self.bench.args.mail_connections:
            pairs = []
            for n in range(self.bench.args.rounds):
                before = self.bare(count, connections, size)
                rate = self.rate(f"mail{connections}-{n}", count, connections)
                pairs.append((rate, statistics.mean([before, self.bare(count, connections, size)])))
                self.tools.say(f"  {connections} connections: {pairs[-1][0]:.0f} of {pairs[-1][1]:.0f}")
            goal = 0.6 if connections == self.bench.args.mail_connections[0] else None
            self.bench.median_row(f"mails to smtp-sink, {connections} connections : bare libcurl", pairs, "1/s",
                                  at_least=goal)

    def queue(self):
        """What one mail costs while so many others wait for another day."""
        cpu = {}
        for name, count in (("short", 1000), ("long", self.bench.args.rows)):
            with Sink(self.tools) as sink, self.hub(name, sink.port, 1, "365d") as hub:
                self.people(hub, PEOPLE)
                self.bench.post(hub, 1000, batch=100)
            fill(hub.database, count - 1000)
        for n in range(self.bench.args.rounds):
            for name in ("short", "long"):
                with Sink(self.tools) as sink, self.hub(name, sink.port, 1, "0s") as hub:
                    begin = cpu_seconds(hub.process.pid)
                    self.bench.post(hub, self.bench.args.mail_paced, rate=200)
                    wait_delivered(self.tools, hub, self.bench.args.mail_paced)
                    cpu.setdefault(name, []).append((cpu_seconds(hub.process.pid) - begin) / self.bench.args.mail_paced)
            self.tools.say(f"  round {n + 1}: {cpu['short'][-1] * 1e6:.0f} and {cpu['long'][-1] * 1e6:.0f} us a mail")
        short, long = statistics.median(cpu["short"]), statistics.median(cpu["long"])
        self.bench.row(f"processor time of one mail beside {self.bench.args.rows:,} held : beside 1,000", long * 1e6, "us",
                       limit=short * 1e6, at_most=1.25)
        for name in ("short", "long"):
            shutil.rmtree(os.path.join(self.bench.folder, name))

    def crowd(self):
        """One event to very many people."""
        count = self.bench.args.crowd
        with Sink(self.tools, count) as sink, self.hub("crowd", sink.port, 4, "0s") as hub:
            self.people(hub, count, ["crowd"])
            begin = time.monotonic()
            record = {"object": "Crowd", "id": "1", "owner": "nobody", "created_by": "nobody",
                      "url": "https://crm.example/1", "fields": {}}
            self.call(hub, "POST", self.tools.TRIGGERS,
                      {"specversion": "1.0", "id": "crowd", "source": "/bench", "type": "record.created",
                       "data": {"record": record}}, 202, "application/cloudevents+json")
            end = sink.wait(1800)
            self.bench.row(f"one event to {count:,} people by mail, peak memory", peak_mb(hub.process.pid), "MB",
                           at_most=120)
            self.bench.row(f"one event to {count:,} people by mail", count / (end - begin), "1/s")
        shutil.rmtree(hub.data)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


def wait_delivered(tools, hub, count):
    """Until the hub itself counts them as delivered."""
    until = time.monotonic() + 120
    while True:
        _, text = tools.get(hub.port, "/metrics")
        done = sum(float(line.rsplit(b" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(b"belfry_deliveries_total{") and b'channel="mail"' in line and b'"delivered"' in line)
        if done >= count:
            return
        if time.monotonic() > until:
            raise SystemExit(f"bench: {done:.0f} of {count} mails were delivered")
        time.sleep(0.05)


def fill(database, count):
    """Copies of the mails that wait, under ids from before the first one: each with a day of its own, and every second
    one held by somebody's quiet hours."""
    db = sqlite3.connect(database)
    columns = [row[1] for row in db.execute("PRAGMA table_info(delivery)")]
    first, have = db.execute("SELECT min(id), count(*) FROM delivery WHERE open = 1").fetchone()
    taken = {"id": f"{first} - 1 - n.i", "due": "d.due + n.i * 1000", "state": "n.i & 1"}
    db.execute("CREATE TEMP TABLE waiting AS SELECT row_number() OVER (ORDER BY id) - 1 AS place, * FROM delivery WHERE open = 1")
    with db:
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
                   f"INSERT INTO delivery({', '.join(columns)}) SELECT {', '.join(taken.get(c, 'd.' + c) for c in columns)} "
                   f"FROM n JOIN waiting d ON d.place = n.i % {have}" if count > 0 else "SELECT 1")
    waits, = db.execute("SELECT count(*) FROM delivery WHERE open = 1").fetchone()
    if waits != have + max(count, 0):
        raise SystemExit(f"bench: {waits} mails wait, not {have + count}")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def run(bench, tools):
    mail = Mail(bench, tools)
    mail.rates()
    mail.queue()
    mail.crowd()

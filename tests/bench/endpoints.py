# SPDX-License-Identifier: Apache-2.0
"""Many endpoints: how fast one hub serves 1, 100 and 10,000 of them, what the healthy ones notice of sick neighbours,
what others wait for while an event is written for 10,000, and what a million deliveries that wait for another day cost.

Each endpoint is a loopback address of its own, so each has connections of its own, as receivers of different people do.
"""
import http.client
import ipaddress
import json
import os
import shutil
import sqlite3
import statistics
import struct
import threading
import time

NEIGHBOURS = 1000
SICK = 300  # of them: a third hangs, a third answers 500, a third resets
SECRET = "${env:HOOK}"  # short: 10,000 of them have to fit into the megabyte that a file may have
os.environ["HOOK"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

CONFIG = """version: 1
hub: {{listen: "127.0.0.1:{port}", data_dir: "{data}"}}
auth:
  jwt: {{hs256: ["{secret}"]}}
  tokens: [{{name: crm-app, org: acme, secret: "{token}", may: ["trigger:*", read]}}]
orgs:
  acme: {{}}
sources:
  crm: {{plugin: workflow}}
channels:
  inbox: {{plugin: in-app}}
  hooks:
    plugin: webhook
    allow_cidrs: [127.0.0.0/8]
    schedule: {schedule}
    endpoints:
{endpoints}
rules:
  - {{name: hooks, when: {when}, deliver: [inbox, {hooks}]}}
unmatched: {{deliver: [inbox]}}
"""
STANDARD = "[5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h]"


def address(number):
    return str(ipaddress.ip_address("127.0.0.1") + number)


def endpoints(port, numbers, one_person_each=False, concurrency=None):
    """Lines of YAML. one_person_each: number 7 gets what u0007 is told, else everybody gets everything."""
    lines = []
    for n in numbers:
        when = f', when: {{data.record.owner: "u{n:04}"}}' if one_person_each else ""
        more = f", concurrency: {concurrency}" if concurrency else ""
        lines.append(f'    - {{name: e{n}, url: "http://{address(n)}:{port}/", secret: "{SECRET}"{more}{when}}}')
    return "\n".join(lines)


def person_of(number, people):
    """As load.c scatters them."""
    return ((number * 0x9e3779b97f4a7c15 & (1 << 64) - 1) >> 33) % people


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


class Endpoints:
    """tools: bench.py's module."""

    def __init__(self, bench, tools):
        self.bench, self.tools = bench, tools

    # --- pieces -----------------------------------------------------------------------------------------------------

    def hub(self, name, lines, schedule=STANDARD, **more):
        return self.tools.Hub(self.bench.folder, name, text=CONFIG, **{
            "endpoints": lines, "schedule": schedule, "when": "{}", "hooks": "hooks", **more})

    def sink(self, port, *more):
        sink = self.tools.Process([self.tools.tool("sink"), str(port), str(self.bench.next + 1_000_000), *map(str, more)])
        until = time.monotonic() + 30
        while True:
            try:
                self.tools.get(port, "/")
                return sink
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("bench: the sink does not listen") from None
                time.sleep(0.05)

    def wait(self, port, count, timeout=600):
        return self.bench.sink_wait(port, count, timeout)

    # --- rates ------------------------------------------------------------------------------------------------------

    def rate(self, name, count, total, bare):
        """One round: webhooks a second, from the first trigger to the last arrival, and the limit around it."""
        events, port = max(total // count, 3), self.tools.free_port()
        sink = self.tools.Process([self.tools.tool("sink"), str(port), str(self.bench.next + events), "", str(count)])
        with sink:
            time.sleep(0.5)
            limit = [bare()]
            with self.hub(name, endpoints(port, range(count), concurrency=64 if count == 1 else None)) as hub:
                begin = time.monotonic_ns()
                self.bench.post(hub, events)
                state = self.wait(port, events * count)
                rate = events * count / ((state["last_ns"] - begin) / 1e9)
                peak, start = peak_mb(hub.process.pid), hub.start_ms
            limit.append(bare())
        shutil.rmtree(hub.data)
        return rate, statistics.mean(limit), peak, start

    def rates(self):
        total, sample = self.bench.args.webhooks, os.path.join(self.bench.folder, "webhook.json")
        with open(sample, "w", encoding="utf-8") as f:
            f.write("x" * 650)
        bare_port = self.tools.free_port()
        with self.sink(bare_port):
            def bare():
                return self.tools.run_tool("bare_post", bare_port, self.bench.args.webhooks, 64, sample)["rate"]
            for count in self.bench.args.endpoints:
                pairs, peaks, starts = [], [], []
                for n in range(self.bench.args.rounds):
                    rate, limit, peak, start = self.rate(f"many{count}-{n}", count, total, bare)
                    pairs.append((rate, limit))
                    peaks.append(peak)
                    starts.append(start)
                    self.tools.say(f"  {count} endpoints: {rate:.0f} of {limit:.0f}, peak {peak:.0f} MB, start {start:.0f} ms")
                self.bench.median_row(f"webhooks to {count:,} endpoints : bare libcurl", pairs, "1/s",
                                      at_least=0.3 if count == 100 else None)
                self.bench.row(f"peak memory with {count:,} endpoints", max(peaks), "MB")
                self.bench.row(f"start with {count:,} endpoints", min(starts), "ms")

    # --- neighbours -------------------------------------------------------------------------------------------------

    def latencies(self, name, numbers, sick):
        """ms from the 202 to the arrival, of what the healthy ones get while all get something; and the peak memory."""
        count, port = self.bench.args.neighbours, self.tools.free_port()
        times, first = os.path.join(self.bench.folder, name + ".times"), self.bench.next
        with self.sink(port, times, NEIGHBOURS, sick):
            with self.hub(name, endpoints(port, numbers, one_person_each=True)) as hub:
                self.bench.post(hub, count, rate=self.bench.args.neighbour_rate, times=times)
                well = [n for n in range(first, first + count) if person_of(n, NEIGHBOURS) >= SICK]
                self.wait(port, len(well))
                peak = peak_mb(hub.process.pid)
        with open(times, "rb") as f:
            data = f.read()
        rows = [struct.unpack_from("<QQQ", data, n * 24) for n in well]
        shutil.rmtree(hub.data)
        os.unlink(times)
        return sorted((arrived - accepted) / 1e6 for _, accepted, arrived in rows), peak

    def neighbours(self):
        pairs, medians, peaks = [], [], []
        for n in range(self.bench.args.rounds):
            alone, peak_alone = self.latencies(f"alone{n}", range(SICK, NEIGHBOURS), 0)
            beside, peak = self.latencies(f"beside{n}", range(NEIGHBOURS), SICK)
            p99 = [values[len(values) * 99 // 100] for values in (beside, alone)]
            pairs.append(p99)
            medians.append([statistics.median(beside), statistics.median(alone)])
            peaks.append(peak)
            self.tools.say(f"  99th percentile {p99[0]:.2f} ms beside {SICK} sick ones, {p99[1]:.2f} alone; memory {peak:.0f} "
                           f"and {peak_alone:.0f} MB")
        self.bench.median_row(f"202 to arrival at {NEIGHBOURS - SICK} healthy endpoints, median, beside {SICK} sick : alone",
                              medians, "ms")
        self.bench.median_row(f"the same, 99th percentile", pairs, "ms", at_most=1.5)
        self.bench.row(f"peak memory beside {SICK} sick endpoints", max(peaks), "MB", at_most=200)

    # --- a crowd ----------------------------------------------------------------------------------------------------

    def answers(self, hub, owner, count):
        """ms to the 202 of each of so many triggers, one after the other on one connection."""
        connection, took = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60), []
        headers = {"Authorization": f"Bearer {self.tools.TOKEN}", "Content-Type": "application/cloudevents+json"}
        for _ in range(count):
            text = json.dumps(self.tools.TRIGGER).replace(self.tools.NUMBER, f"{self.bench.next:010}").replace("u%%%%", owner)
            self.bench.next += 1
            begin = time.monotonic()
            connection.request("POST", self.tools.TRIGGERS, body=text, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202, answer.status
            took.append((time.monotonic() - begin) * 1e3)
        connection.close()
        return took

    def crowd(self):
        """Triggers for people, one after the other, while events for all endpoints are written that go out in an hour."""
        count, beside, alone = max(self.bench.args.endpoints), [], []
        lines = endpoints(9, range(count))
        with self.hub("crowd", lines, when='{data.record.owner: "all"}', hooks="{via: hooks, after: 1h}") as hub:
            self.answers(hub, "all", 1)  # makes what is made once
            for n in range(5 * self.bench.args.rounds):
                alone.append(max(self.answers(hub, "u0001", 300)))
                event = threading.Thread(target=self.answers, args=(hub, "all", 1))
                event.start()
                beside.append(max(self.answers(hub, "u0001", 300)))
                event.join()
        self.tools.say(f"  longest answers beside: {[round(v, 1) for v in sorted(beside)]}")
        self.bench.row(f"longest 202 beside an event for {count:,} endpoints : alone, median of {len(beside)}",
                       statistics.median(beside), "ms", limit=statistics.median(alone))
        shutil.rmtree(hub.data)

    # --- pending ----------------------------------------------------------------------------------------------------

    def pending(self):
        """Processor time of a second in which nothing is due, and of one webhook, beside a million that wait."""
        counts, port = {"short": 1000, "long": self.bench.args.rows}, self.tools.free_port()
        idle, each = {}, {}
        with self.sink(port, "", 100):
            lines = endpoints(port, range(100))
            for name, count in counts.items():
                with self.hub(name, lines) as hub:
                    self.bench.post(hub, 10)
                    self.wait_delivered(hub, 1000)
                fill(hub.database, count)
            for n in range(self.bench.args.rounds):
                for name in counts:
                    with self.hub(name, lines) as hub:
                        time.sleep(3)  # what a start does once
                        begin = cpu_seconds(hub.process.pid)
                        time.sleep(self.bench.args.idle)
                        idle.setdefault(name, []).append((cpu_seconds(hub.process.pid) - begin) / self.bench.args.idle)
                        begin, sent = cpu_seconds(hub.process.pid), self.bench.args.paced
                        self.bench.post(hub, sent, rate=20)
                        self.wait_delivered(hub, sent * 100)
                        each.setdefault(name, []).append((cpu_seconds(hub.process.pid) - begin) / sent / 100)
                self.tools.say(f"  round {n + 1}: idle {idle['short'][-1] * 1e3:.2f} and {idle['long'][-1] * 1e3:.2f} ms a second, "
                               f"{each['short'][-1] * 1e6:.0f} and {each['long'][-1] * 1e6:.0f} us a webhook")
        rows = self.bench.args.rows
        middle = {name: statistics.median(values) for name, values in each.items()}
        self.bench.row(f"processor time of an idle second with {rows:,} webhooks pending", statistics.median(idle["long"]) * 1e3,
                       "ms", at_most=5, note=f"with 1,000: {statistics.median(idle['short']) * 1e3:.2f} ms")
        self.bench.row(f"processor time of one webhook beside {rows:,} pending : beside 1,000", middle["long"] * 1e6, "us",
                       limit=middle["short"] * 1e6, at_most=1.25)
        for name in counts:
            shutil.rmtree(os.path.join(self.bench.folder, name))

    def wait_delivered(self, hub, count):
        until = time.monotonic() + 120
        while True:
            _, text = self.tools.get(hub.port, "/metrics")
            done = sum(float(line.rsplit(b" ", 1)[1]) for line in text.splitlines()
                       if line.startswith(b"belfry_deliveries_total{") and b'channel="hooks"' in line and b'"delivered"' in line)
            if done >= count:
                return
            if time.monotonic() > until:
                raise SystemExit(f"bench: {done:.0f} of {count} webhooks were delivered")
            time.sleep(0.05)


def fill(database, count):
    """Copies of what was delivered, under ids from before the first one, as retries that are due another day."""
    db = sqlite3.connect(database)
    columns = [row[1] for row in db.execute("PRAGMA table_info(delivery)")]
    first, have = db.execute("SELECT min(id), count(*) FROM delivery WHERE target IS NOT NULL").fetchone()
    retrying, = db.execute("SELECT 5").fetchone()
    taken = {"id": f"{first} - 1 - n.i", "due": "d.due + 86400000 + n.i * 1000", "state": str(retrying), "open": "1",
             "attempts": "1", "lease": "NULL", "ended": "NULL"}
    db.execute("CREATE TEMP TABLE sent AS SELECT row_number() OVER (ORDER BY id) - 1 AS place, * FROM delivery "
               "WHERE target IS NOT NULL")
    with db:
        db.execute(f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count}) "
                   f"INSERT INTO delivery({', '.join(columns)}) SELECT {', '.join(taken.get(c, 'd.' + c) for c in columns)} "
                   f"FROM n JOIN sent d ON d.place = n.i % {have}")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def run(bench, tools):
    many = Endpoints(bench, tools)
    for part in bench.args.endpoint_parts:
        getattr(many, part)()

# SPDX-License-Identifier: Apache-2.0
"""What approvals that are over cost: two hubs side by side, one of which has closed a million of them.

The closed ones are copies of one that this very hub has closed, under other ids, written into its table while it is
stopped; so they are what the source leaves, whatever that is.
"""
import shutil
import sqlite3
import statistics

BATCH = 100


def key_of(number):
    return f"approval/closed-{number:07d}".encode()


def fill(database, count):
    """Answers bytes of a value, and of a row with all that SQLite needs for it."""
    db = sqlite3.connect(database)
    inst, org, value = db.execute("SELECT inst, org, value FROM state WHERE CAST(key AS TEXT) LIKE 'approval/%' LIMIT 1").fetchone()
    if b'"closed"' not in bytes(value):
        raise SystemExit(f"bench: the approval is not closed: {value!r}")
    pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    before, = db.execute(pages).fetchone()
    with db:
        db.executemany("INSERT INTO state(inst, org, key, value) VALUES(?, ?, ?, ?)",
                       ((inst, org, key_of(n), value) for n in range(count)))
    after, = db.execute(pages).fetchone()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return len(value), (after - before) / count


class Closed:
    def __init__(self, bench, hub, post):
        self.bench, self.hub, self.post = bench, hub, post
        self.starts = {"without": [], "with": []}
        self.rates = {0: [], 1: []}

    def open(self, name):
        hub = self.hub(self.bench.folder, name, plugin="approval")
        self.starts[name].append(hub.start_ms)
        return hub

    def prepare(self, count):
        for name in self.starts:
            with self.open(name) as hub:
                for step in (0, 1):
                    self.post(hub, step, BATCH, 0)
                database = hub.database
        return fill(database, count)

    def round(self, number, count):
        rates = {}
        for name in self.starts:
            with self.open(name) as hub:
                for step in (0, 1):
                    rates[name, step] = self.post(hub, step, count, BATCH + number * count)
        for step in (0, 1):
            self.rates[step].append((rates["with", step], rates["without", step]))

    def start_again(self, times):
        for _ in range(times):
            for name in self.starts:
                self.open(name).end()


def run(bench, hub, post, count):
    """hub: makes one that runs; post(hub, step, count, first): triggers a second of approvals that are submitted (0) and
    decided (1)."""
    closed = Closed(bench, hub, post)
    value, row = closed.prepare(count)
    closed.starts = {name: [] for name in closed.starts}
    for number in range(bench.args.rounds):
        closed.round(number, bench.args.sources)
    closed.start_again(5)
    bench.row("closed approval, value in the state", value, "bytes", at_most=100)
    bench.row("closed approval, row in the database", row, "bytes")
    begun = {name: statistics.median(times) for name, times in closed.starts.items()}
    bench.row(f"start with {count:,} closed approvals : without", begun["with"], "ms", limit=begun["without"], at_most=1.5)
    for step, type in enumerate(("approval.submitted", "approval.decided")):
        bench.median_row(f"{type} beside {count:,} closed approvals : without", closed.rates[step], "1/s", at_least=2 / 3)
    for name in closed.starts:
        shutil.rmtree(f"{bench.folder}/{name}")

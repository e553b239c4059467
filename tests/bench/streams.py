# SPDX-License-Identifier: Apache-2.0
"""10,000 open streams of server-sent events on one hub: what one costs in memory, and how long after the answer to a
trigger the last stream of everybody concerned has its hint. Seven streams a person, as with seven tabs."""
import http.client
import json
import os
import statistics
import subprocess
import time

PER_PERSON = 7
CROWD = 1000  # people that one request concerns


class Streams:
    def __init__(self, program, port, tokens):
        self.process = subprocess.Popen([program, str(port), tokens, str(PER_PERSON)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.opened = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("bench: the streams broke")
        return json.loads(line)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def trigger(number, person):
    return {"specversion": "1.0", "id": f"stream-{number}", "source": "/bench", "type": "record.created",
            "data": {"record": {"object": "Lead", "id": f"s-{number}", "owner": f"u{person:04d}", "created_by": "importer",
                                "url": f"https://crm.example.org/s/{number}", "fields": {"name": f"Lead {number}"}}}}


class Measured:
    def __init__(self, streams, connection, headers, path):
        self.streams, self.connection, self.headers, self.path = streams, connection, headers, path
        self.number = 0

    def post(self, people):
        """ms from the answer, which says committed, to the last hint of all streams of these people."""
        body = []
        for person in people:
            self.number += 1
            body.append(trigger(self.number, person))
        text = json.dumps(body)
        self.streams.say("mark")
        self.connection.request("POST", self.path, text, self.headers)
        answer = self.connection.getresponse()
        answer.read()
        committed = time.monotonic_ns()
        if answer.status != 202:
            raise SystemExit(f"bench: a trigger was answered with {answer.status}")
        heard = self.streams.say(f"wait {len(body) * PER_PERSON}")
        if heard["hints"] < len(body) * PER_PERSON:
            raise SystemExit(f"bench: {heard['hints']} of {len(body) * PER_PERSON} hints came")
        return max(heard["last_ns"] - committed, 0) / 1e6


def run(bench, hub, program, jwt, token, path, count):
    people = max(-(-count // PER_PERSON), 1)
    tokens = os.path.join(bench.folder, "tokens")
    with open(tokens, "w", encoding="ascii") as file:
        for person in range(people):
            file.write(jwt(f"u{person:04d}") + "\n")
    before = hub.resident_mb()
    streams = Streams(program, hub.port, tokens)
    opened = streams.opened["open"]
    bench.row(f"open streams, {PER_PERSON} of each of {people:,} people", opened, "streams", at_least=count,
              note=f"opened in {streams.opened['seconds']} s")
    bench.row("memory of an open stream", (hub.resident_mb() - before) * 1024 / opened, "KB", at_most=24)
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    measured = Measured(streams, connection, {"Authorization": f"Bearer {token}",
                                              "Content-Type": "application/cloudevents-batch+json"}, path)
    one = [measured.post([n % people]) for n in range(50)]
    bench.row("answer to the last of a person's streams, median", statistics.median(one), "ms", at_most=1000,
              note=f"largest {max(one):.1f} ms")
    crowd = range(min(CROWD, people))
    all_of_them = [measured.post(crowd) for _ in range(3)]
    bench.row(f"answer to the last stream of {len(crowd):,} people at once, largest of 3", max(all_of_them), "ms", at_most=1000,
              note=f"smallest {min(all_of_them):.0f} ms; a stream that has just been told waits 0.8 s")
    bench.row("resident with all streams open", hub.resident_mb(), "MB", at_most=350)
    streams.close()

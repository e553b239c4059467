# SPDX-License-Identifier: Apache-2.0
"""A system that serves its events as a feed, by the contract: GET ?after=CURSOR&limit=N, batches, Belfry-Cursor, ETag.

It keeps an ordered list of events; the cursor is how many of them were read. `answers` may hold scripted answers that
go first: functions of the question that give (status, headers, body), or None for the regular one. With `gate` set
closed, questions wait until it is opened: what a test wants to see while a feed is being asked."""
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .paths import PATIENCE

BATCH = "application/cloudevents-batch+json"


class Question:
    def __init__(self, path, headers):
        parts = urlsplit(path)
        self.path, self.raw_query = parts.path, parts.query
        self.query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.after, self.limit = self.query.get("after"), int(self.query.get("limit", 0))


class Feed:
    def __init__(self, *events, cursors=True, etags=True):
        self.events = list(events)
        self.cursors, self.etags = cursors, etags
        self.answers, self.questions = [], []
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()
        feed = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = feed._answer(Question(self.path, self.headers))
                if status is None:  # hang up without an answer
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if body and status != 304:
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the hub hung up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path="/events"):
        return f"http://127.0.0.1:{self.port}{path}"

    def option(self, path="/events", every="1m", org="acme", **more):
        """How a configuration names it."""
        return {"url": self.url(path), "every": every, "org": org, **more}

    def add(self, *events):
        with self.changed:
            self.events.extend(events)

    def asked(self):
        with self.changed:
            return len(self.questions)

    def until_asked(self, count):
        """Waits until there were as many questions."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.questions) >= count, PATIENCE), f"{len(self.questions)} asked"

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    # --- answers ------------------------------------------------------------------------------------------------

    def _answer(self, question):
        with self.changed:
            self.questions.append(question)
            scripted = self.answers.pop(0) if self.answers else None
            self.changed.notify_all()
        self.gate.wait(PATIENCE)
        answer = scripted(question) if scripted else None
        return answer or self.page(question)

    def page(self, question):
        with self.changed:
            at = self._place(question.after)
            page = self.events[at:at + question.limit]
        body = json.dumps(page).encode()
        headers = {"Content-Type": BATCH}
        if self.cursors:
            headers["Belfry-Cursor"] = str(at + len(page))
        if self.etags:
            headers["ETag"] = f'"{hashlib.sha256(question.raw_query.encode() + body).hexdigest()[:16]}"'
            if question.headers.get("if-none-match") == headers["ETag"]:
                return 304, headers, b""
        return 200, headers, body

    def _place(self, after):
        if not after:
            return 0
        if self.cursors:
            return int(after)
        return next(i for i, e in enumerate(self.events) if e.get("id") == after) + 1


def status(code, **headers):
    """A scripted answer without a batch."""
    return lambda question: (code, {name.replace("_", "-"): value for name, value in headers.items()}, b"{}")


def body(data, content_type=BATCH, **headers):
    """A scripted 200."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return lambda question: (200, {"Content-Type": content_type,
                                   **{name.replace("_", "-"): value for name, value in headers.items()}}, raw)

# SPDX-License-Identifier: Apache-2.0
"""An endpoint that gets webhooks: answers as scripted, keeps what came, and verifies Standard Webhooks by itself."""
import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .config import WEBHOOK_SECRET, endpoint
from .paths import PATIENCE


def sign(secret, id, timestamp, body):
    """Standard Webhooks 1.0: HMAC-SHA256 over id.timestamp.body with the decoded secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


class Delivery:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.at = time.monotonic()
        self.id = self.headers.get("webhook-id")
        self.timestamp = int(self.headers.get("webhook-timestamp", 0))

    def json(self):
        return json.loads(self.body)

    def title(self):
        return self.json()["data"]["title"]

    def verifies(self, secret=WEBHOOK_SECRET):
        want = sign(secret, self.id, self.timestamp, self.body)
        return any(hmac.compare_digest(want, one) for one in self.headers.get("webhook-signature", "").split(" "))


class Receiver:
    """answer(path, ANSWER...): each an int status, (status, headers), (status, headers, body), or a function of the
    delivery that gives one of these; the last one repeats. 200 where nothing is said.

    consent(path, ANSWER...): the same for OPTIONS, the handshake of CloudEvents; 405 where nothing is said."""

    def __init__(self):
        self.deliveries = []
        self.scripts = {}
        self.asked = []  # what came with OPTIONS
        self.consents = {}
        self.changed = threading.Condition()
        self.begun, self.open = set(), 0  # connections: from which ports they came, how many are not over
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                delivery = Delivery(self.path, self.headers, body)
                self.say(*receiver._take(delivery, receiver.deliveries, receiver.scripts, 200))

            def do_OPTIONS(self):
                asked = Delivery(self.path, self.headers, b"")
                self.say(*receiver._take(asked, receiver.asked, receiver.consents, 405))

            def say(self, status, headers, said):
                if status is None:  # hang up without an answer
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def process_request(self, request, client_address):
                with receiver.changed:
                    receiver.begun.add(client_address[1])
                    receiver.open += 1
                super().process_request(request, client_address)

            def shutdown_request(self, request):
                super().shutdown_request(request)
                with receiver.changed:
                    receiver.open -= 1
                    receiver.changed.notify_all()

            def handle_error(self, request, client_address):
                pass  # the hub hung up

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def endpoint(self, name="local", path=None, **more):
        """How a configuration names it."""
        return endpoint(name, self.url(path or f"/{name}"), **more)

    def answer(self, path, *answers):
        self.scripts[path] = list(answers)

    def consent(self, path, *answers):
        self.consents[path] = list(answers)

    def _take(self, delivery, arrived, scripts, default):
        with self.changed:
            arrived.append(delivery)
            script = scripts.get(delivery.path, [default])
            answer = script.pop(0) if len(script) > 1 else script[0]
            self.changed.notify_all()
        if callable(answer):
            answer = answer(delivery)
        return (*answer, b"")[:3] if isinstance(answer, tuple) else (answer, {}, b"")

    def at(self, path):
        with self.changed:
            return [d for d in self.deliveries if path in (None, d.path)]

    def wait(self, count=1, path=None, timeout=PATIENCE):
        """At least so many; all of them."""
        with self.changed:
            got = self.changed.wait_for(
                lambda: len([d for d in self.deliveries if path in (None, d.path)]) >= count, timeout)
        all_ = self.at(path)
        assert got, f"{len(all_)} deliveries at {path or 'all paths'} within {timeout} s, not {count}"
        return all_

    def drain(self):
        """Waits until all is over that a hub had under way which is gone now: what it wrote to a connection arrives
        after its end, when this process comes to it. Connections are taken in their order, so ours is the last."""
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            mine = last.getsockname()[1]
            with self.changed:
                self.begun.discard(mine)
            last.connect(("127.0.0.1", self.port))
        with self.changed:
            got = self.changed.wait_for(lambda: mine in self.begun and not self.open, PATIENCE)
        assert got, f"{self.open} connections are still there"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

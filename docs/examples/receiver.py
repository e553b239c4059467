#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Receives webhooks, checks their signatures (Standard Webhooks 1.0) and prints a line for each. Python alone, no
packages; `./dev up` runs it. In your own service use the library: docs/examples/receiver.mjs shows it.

    receiver.py PORT whsec_SECRET
"""
import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300
PORT = int(sys.argv[1])
KEY = base64.b64decode(sys.argv[2].removeprefix("whsec_"))


def say(line):
    """In one write, whoever else is writing."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def verified(headers, body):
    """True when one of the signatures is ours and the timestamp is of now: an old one is a replay."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    digest = hmac.new(KEY, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(wanted, one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        good = verified(self.headers, body)
        if good:
            event = json.loads(body)
            say(f"webhook: {event['type']}: {event['data']['title']}")
        else:
            say("webhook: refused, the signature is not right")
        self.send_response(204 if good else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


try:
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
except KeyboardInterrupt:
    pass

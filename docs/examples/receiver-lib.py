#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Receives webhooks and verifies them with the official library: pip install standardwebhooks"""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["HOOK_SECRET"])  # whsec_..., as the endpoint was made with
known = set()  # your database, in earnest


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))  # the bytes as they came
        try:
            event = webhook.verify(body, dict(self.headers))  # raises: not ours, or older than five minutes
        except (WebhookVerificationError, ValueError) as error:  # ValueError: a header that cannot be read at all
            return self.answer(401, str(error).encode())
        if self.headers["webhook-id"] not in known:
            print(event["type"], event["data"]["title"], flush=True)
        known.add(self.headers["webhook-id"])  # the same id comes again when an answer was lost
        self.answer(204, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8421"))), Receiver).serve_forever()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serves a file of CloudEvents, one JSON object a line, oldest first, as a feed. Append a line and it is pulled.

    feed.py PORT EVENTS.jsonl [TOKEN]
"""
import hashlib
import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

port, path, token = int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None


class Feed(BaseHTTPRequestHandler):
    def do_GET(self):
        if token and not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {token}"):
            return self.answer(401, b"")
        query = parse_qs(urlsplit(self.path).query)
        after = int(query.get("after", ["0"])[0])  # the cursor: how many lines were read
        with open(path) as lines:
            page = [json.loads(line) for line in lines][after:after + int(query["limit"][0])]
        body = json.dumps(page).encode()
        etag = '"%s"' % hashlib.sha256(b"%d %s" % (after, body)).hexdigest()[:32]
        same = self.headers.get("If-None-Match") == etag
        self.answer(304 if same else 200, b"" if same else body, ETag=etag, **{"Belfry-Cursor": after + len(page)})

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/cloudevents-batch+json", **headers}.items():
            self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", port), Feed).serve_forever()

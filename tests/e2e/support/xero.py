# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Xero that follows its published rules: a token endpoint, invoices, and webhooks that it signs, repeats
and gives up. It is stricter than Xero where that finds mistakes: every call has to be as documented."""
import base64
import calendar
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from .paths import PATIENCE

SIGNING_KEY = "test-webhook-key"
CLIENT_ID, CLIENT_SECRET = "my app", "s/e+c:ret"
TENANT = "7a1c5e2e-0000-4000-8000-00000000000a"
ANSWER_WITHIN = 5  # seconds, for a webhook


def options(xero, **more):
    """`xero` of an invoice source."""
    return {"signing_key": SIGNING_KEY, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "token_url": xero.url + "/connect/token", "api_url": xero.url + "/api.xro/2.0", **more}


def signature(body, key=SIGNING_KEY):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 1000) % 1000:03d}"


class Call:
    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query, self.body = method, path, query, body
        self.headers = {name.lower(): value for name, value in headers.items()}


class Xero:
    """`clock` gives the seconds of now. `down`: None, an HTTP status, "hang up" or "hang"."""

    def __init__(self, clock):
        self.clock = clock
        self.invoices = {}  # id -> (tenant, updated, invoice)
        self.tenants = {TENANT}
        self.calls = []
        self.tokens = {}  # text -> when it expires
        self.token_life = 1800
        self.granted = "accounting.invoices.read"  # the scope of the connection; until April 2026 there was another
        self.page_size = 100
        self.down = None
        self.retry_after = None
        self.sequence = 0
        self.queue = []  # events that were not delivered yet
        self.released = threading.Event()
        self.lock = threading.Lock()
        xero = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                url = urllib.parse.urlsplit(self.path)
                call = Call(self.command, url.path, urllib.parse.parse_qs(url.query), self.headers, body)
                status, answer, headers = xero._take(call)
                if status is None:
                    self.close_connection = True
                    return
                text = json.dumps(answer).encode() if answer is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = _serve

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    # --- what is asked of it -------------------------------------------------------------------------------------

    def _take(self, call):
        with self.lock:
            self.calls.append(call)
            down = self.down
        if down == "hang":
            self.released.wait(PATIENCE)
            return None, None, {}
        if down == "hang up":
            return None, None, {}
        if down:
            return down, {}, {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        with self.lock:
            if call.path == "/connect/token" and call.method == "POST":
                return self._token(call)
            if call.path.startswith("/api.xro/2.0/Invoices") and call.method == "GET":
                return self._api(call)
        return 404, {}, {}

    def _token(self, call):
        quote = urllib.parse.quote_plus
        want = base64.b64encode(f"{quote(CLIENT_ID)}:{quote(CLIENT_SECRET)}".replace("+", "%20").encode()).decode()
        form = urllib.parse.parse_qs(call.body.decode(), strict_parsing=True)
        if call.headers.get("content-type") != "application/x-www-form-urlencoded":
            return 400, {"error": "invalid_request"}, {}
        if call.headers.get("authorization") != "Basic " + want:
            return 401, {"error": "invalid_client"}, {"WWW-Authenticate": "Basic"}
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {"error": "unsupported_grant_type"}, {}
        if form.get("scope", [self.granted]) != [self.granted]:
            return 400, {"error": "invalid_scope"}, {}
        token = f"secret-token-{len(self.tokens) + 1}"
        self.tokens[token] = self.clock() + self.token_life
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.token_life}, {}

    def _api(self, call):
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0) <= self.clock():
            return 401, {"Title": "Unauthorized", "Detail": "TokenExpired"}, {}
        tenant = call.headers.get("xero-tenant-id")
        if tenant not in self.tenants:
            return 403, {"Title": "Forbidden", "Detail": "AuthenticationUnsuccessful"}, {}
        if call.headers.get("accept") != "application/json":
            return 406, {}, {}
        id = call.path.removeprefix("/api.xro/2.0/Invoices").strip("/")
        if id:
            of, _, invoice = self.invoices.get(id, (None, 0, None))
            return (200, {"Invoices": [invoice]}, {}) if of == tenant else (404, {}, {})
        return self._page(call, tenant)

    def _page(self, call, tenant):
        since = call.headers.get("if-modified-since", "")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", since) or call.query.get("order") != ["InvoiceID"]:
            return 400, {}, {}
        if call.query.get("where") != ['Type=="ACCREC"']:
            return 400, {}, {}
        since = calendar.timegm(time.strptime(since, "%Y-%m-%dT%H:%M:%S"))
        page = int(call.query["page"][0])
        found = [invoice for _, (of, updated, invoice) in sorted(self.invoices.items())
                 if of == tenant and updated > since and invoice["Type"] == "ACCREC"]
        return 200, {"Invoices": found[(page - 1) * self.page_size:page * self.page_size]}, {}

    def counted(self, path, method=None):
        """Calls so far whose path begins so."""
        with self.lock:
            return [c for c in self.calls if c.path.startswith(path) and method in (None, c.method)]

    def token_calls(self):
        return self.counted("/connect/token")

    def fetches(self):
        return self.counted("/api.xro/2.0/Invoices/")

    def pages(self):
        return [c for c in self.counted("/api.xro/2.0/Invoices") if c.path == "/api.xro/2.0/Invoices"]

    def revoke(self):
        """Tokens that were given out are good for nothing."""
        with self.lock:
            self.tokens = dict.fromkeys(self.tokens, 0)

    # --- what happens there --------------------------------------------------------------------------------------

    def change(self, number, paid, total="100.00", currency="EUR", type="ACCREC", status=None, tenant=TENANT, id=None,
               credited="0.00"):
        """An invoice is made or changed, and an event of it waits to be delivered."""
        id = id or "9b9b0000-0000-4000-8000-" + hashlib.sha256(f"{tenant} {number}".encode()).hexdigest()[:12]
        settled = float(paid) + float(credited) >= float(total)
        known = id in self.invoices
        invoice = {"InvoiceID": id, "InvoiceNumber": number, "Type": type, "CurrencyCode": currency,
                   "Status": status or ("PAID" if settled else "AUTHORISED"), "Total": float(total),
                   "AmountPaid": float(paid), "AmountCredited": float(credited), "LineItems": []}
        with self.lock:
            self.sequence += 1
            now = self.clock() + self.sequence / 1000  # no two changes at once, also on a clock that stands still
            invoice["UpdatedDateUTC"] = f"/Date({int(now * 1000)}+0000)/"
            self.invoices[id] = (tenant, now, invoice)
            self.queue.append((self.sequence, {
                "resourceUrl": f"{self.url}/stolen/{id}", "resourceId": id, "eventDateUtc": utc(now),
                "eventType": "UPDATE" if known else "CREATE", "eventCategory": "INVOICE", "tenantId": tenant,
                "tenantType": "ORGANISATION"}))
        return id

    def forget(self):
        """Events that wait are never delivered: the webhook was off."""
        with self.lock:
            self.queue = []

    # --- webhooks ------------------------------------------------------------------------------------------------

    def post(self, target, body, key=SIGNING_KEY):
        """The answer, judged as Xero does: within 5 s, without body and cookies. Its status."""
        headers = {"x-xero-signature": signature(body, key), "Content-Type": "application/json; charset=utf-8"}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(target, data=body, headers=headers, timeout=ANSWER_WITHIN, allow_redirects=False)
        assert answer.content == b"" and "set-cookie" not in answer.headers, (answer.headers, answer.content)
        return answer.status_code

    def body_of_queue(self):
        numbers = [number for number, _ in self.queue]
        return json.dumps({"events": [event for _, event in self.queue], "firstEventSequence": min(numbers),
                           "lastEventSequence": max(numbers), "entropy": uuid.uuid4().hex}).encode()

    def deliver(self, target):
        """One delivery of all that waits; what is not answered with 200 waits for the next. The body, once it is taken."""
        body = self.body_of_queue()
        if self.post(target, body) != 200:
            return None
        self.forget()
        return body

    def intent_to_receive(self, target):
        """The series that Xero begins a webhook with. Whether it would be enabled."""
        good = True
        for key in [SIGNING_KEY, "wrong", SIGNING_KEY, SIGNING_KEY + " ", "", SIGNING_KEY]:
            body = json.dumps({"events": [], "lastEventSequence": 0, "firstEventSequence": 0,
                               "entropy": uuid.uuid4().hex}).encode()
            good &= self.post(target, body, key) == (200 if key == SIGNING_KEY else 401)
        return good

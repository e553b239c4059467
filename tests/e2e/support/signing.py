# SPDX-License-Identifier: Apache-2.0
"""Signs bodies as providers of webhooks do."""
import base64
import hashlib
import hmac
import json

SECRET = "0123456789abcdef0123456789abcdef"


def _sum(key, content):
    return hmac.new(key, content, hashlib.sha256)


def github(body, secret=SECRET, event="issues", delivery="d-1"):
    headers = {"X-Hub-Signature-256": "sha256=" + _sum(secret.encode(), body).hexdigest(), "X-GitHub-Event": event}
    return {**headers, "X-GitHub-Delivery": delivery} if delivery else headers


def stripe(body, at, *secrets):
    return {"Stripe-Signature": ",".join([f"t={at}"] + [
        "v1=" + _sum(s.encode(), f"{at}.".encode() + body).hexdigest() for s in secrets or [SECRET]])}


def slack(body, at, secret=SECRET):
    return {"X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": "v0=" + _sum(secret.encode(), f"v0:{at}:".encode() + body).hexdigest()}


def shopify(body, secret=SECRET, id="w-1"):
    return {"X-Shopify-Hmac-SHA256": base64.b64encode(_sum(secret.encode(), body).digest()).decode(),
            "X-Shopify-Topic": "orders/create", "X-Shopify-Webhook-Id": id}


def standard(body, at, secret, id="msg_1"):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    sum = base64.b64encode(_sum(key, f"{id}.{at}.".encode() + body).digest()).decode()
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{sum}"}


def body_of(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()

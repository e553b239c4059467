# SPDX-License-Identifier: Apache-2.0
"""Short ways to /v1/{org}/endpoints."""
from . import people


class Endpoints:
    """The API as somebody sees it: who is a name of people.TOKENS, or headers."""

    def __init__(self, hub, who="endpoints", org="acme"):
        self.hub = hub
        self.headers = people.token(who) if isinstance(who, str) else who
        self.base = f"/v1/{org}/endpoints"

    def call(self, method, path="", body=None, tag=None, status=None):
        headers = {**self.headers, **({"If-Match": tag} if tag else {})}
        answer = self.hub.request(method, self.base + path, headers, **({"json": body} if body is not None else {}))
        assert status is None or answer.status_code == status, f"{method} {path} {answer.status_code} {answer.text}"
        return answer

    def make(self, url, **more):
        return self.call("POST", "", {"url": url, **more}, status=201).json()

    def get(self, id):
        return self.call("GET", f"/{id}", status=200).json()

    def list(self, query=""):
        return self.call("GET", query, status=200).json()["items"]

    def patch(self, id, tag=None, **body):
        return self.call("PATCH", f"/{id}", body, tag, 200).json()

    def delete(self, id, tag=None):
        return self.call("DELETE", f"/{id}", tag=tag, status=204)

    def do(self, id, deed, **body):
        answer = self.call("POST", f"/{id}/{deed}", body or None)
        assert answer.status_code in (200, 202), f"{deed} {answer.status_code} {answer.text}"
        return answer.json()

    def attempts(self, id, query=""):
        return self.call("GET", f"/{id}/attempts{query}", status=200).json()["items"]

    def faults(self, method, path="", status=422, **body):
        """{pointer: detail} of a refusal."""
        return {fault["pointer"]: fault["detail"] for fault in self.call(method, path, body, status=status).json()["errors"]}

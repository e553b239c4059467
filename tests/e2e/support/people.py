# SPDX-License-Identifier: Apache-2.0
"""Who calls: tokens of applications, and people with JWTs that the host application signs."""
import time
import uuid

import jwt

JWT_SECRET = "the host application signs people in with this"
OTHER_SECRET = "somebody else signs with another secret, as long"

TOKENS = {
    "crm": {"name": "crm-app", "org": "acme", "secret": "token-of-the-crm-app", "may": ["trigger:crm"]},
    "reader": {"name": "reader", "org": "acme", "secret": "token-of-the-reader", "may": ["read"]},
    "users": {"name": "directory", "org": "acme", "secret": "token-of-the-directory", "may": ["users"]},
    "endpoints": {"name": "hooks-app", "org": "acme", "secret": "token-of-the-hooks-app", "may": ["endpoints"]},
    "own": {"name": "shop", "org": "acme", "secret": "token-of-the-shop", "may": ["endpoints:own"]},
    "admin": {"name": "admin-app", "org": "acme", "secret": "token-of-the-admin-app", "may": ["admin"]},
    "other": {"name": "globex-app", "org": "globex", "secret": "token-of-the-globex-app",
              "may": ["trigger:*", "users", "endpoints", "read", "admin"]},
    "all": {"name": "everything", "org": "*", "secret": "token-of-everything-else", "may": ["trigger:*", "read"]},
    "operator": {"name": "ops", "org": "*", "secret": "token-of-the-operator", "may": ["operator"]},
}

# Secrets do not stand in configurations, so that these have no warnings: they come from the environment of the hub.
ENVIRONMENT = {"BELFRY_TEST_JWT": JWT_SECRET}
ENVIRONMENT.update((f"BELFRY_TEST_TOKEN_{name.upper()}", entry["secret"]) for name, entry in TOKENS.items())


def configured_tokens():
    """auth.tokens"""
    return [{**entry, "secret": "${env:BELFRY_TEST_TOKEN_%s}" % name.upper()} for name, entry in TOKENS.items()]


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def token(name):
    return bearer(TOKENS[name]["secret"])


def claims(sub, org="acme", roles=None, now=None, lives=3600, **more):
    now = time.time() if now is None else now
    body = {"sub": sub, "org": org, "exp": int(now + lives), **more}
    if roles is not None:
        body["roles"] = roles
    return {key: value for key, value in body.items() if value is not None}


def mint(sub, org="acme", roles=None, secret=JWT_SECRET, algorithm="HS256", headers=None, **more):
    return jwt.encode(claims(sub, org, roles, **more), secret, algorithm=algorithm, headers=headers)


def person(sub, org="acme", roles=None, **more):
    return bearer(mint(sub, org, roles, **more))


def once(sub, org="acme", **more):
    """A JWT that opens one session."""
    return mint(sub, org, jti=uuid.uuid4().hex, **more)

# SPDX-License-Identifier: Apache-2.0
"""Configurations that tests start from, as dictionaries."""
import copy

import yaml

from . import people
from .paths import FIXTURES, PLUGINS

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_WEBHOOK_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ENVIRONMENT = {**people.ENVIRONMENT, "BELFRY_TEST_HOOK": WEBHOOK_SECRET, "BELFRY_TEST_OTHER_HOOK": OTHER_WEBHOOK_SECRET}

# Fires for records that say themselves who is told and how: {object: Case, fields: {for, kind, name}}
CASE_RULES = [
    {"name": kind, "on": "both", "when": {"object": "Case", "fields.kind": kind},
     "notify": {"to": ["field:for"], "title": "{{fields.name}}", "severity": severity, "category": category}}
    for kind, severity, category in [
        ("calm", "info", "news"),
        ("fine", "success", "news"),
        ("odd", "warning", "trouble"),
        ("bad", "error", "trouble"),
        ("worst", "critical", "trouble"),
        ("secret", "error", "CALC_BLOCKED"),
    ]
]

BASE = {
    "version": 1,
    "hub": {"listen": "127.0.0.1:0", "timezone": "Europe/Berlin", "plugin_path": f"{PLUGINS}:{FIXTURES}",
            "limits": {"disk_floor_bytes": "1MiB"}},
    "auth": {"jwt": {"hs256": ["${env:BELFRY_TEST_JWT}"]}, "tokens": people.configured_tokens()},
    "orgs": {
        "acme": {"users": {
            "ann": {"name": "Ann Lee", "email": "ann@acme.example", "roles": ["sales-manager"]},
            "bob": {"name": "Bob Meyer", "email": "bob@acme.example"},
            "carl": {"name": "Carl Okafor"},
            "mona": {"roles": ["sales-manager"]},
            "root": {"roles": ["admin"]},
        }},
        "globex": {"users": {"ann": {"name": "The other Ann", "roles": ["sales-manager", "admin"]}}},
    },
    "categories": {
        "news": {"label": "News"},
        "trouble": {"label": "Trouble"},
        "CALC_BLOCKED": {"label": "Calculation blocked", "visible_to": ["sales-manager"]},
    },
    "sources": {
        "crm": {"plugin": "workflow", "rules": CASE_RULES},
        "erp": {"plugin": "workflow", "rules": CASE_RULES},
    },
    "channels": {"inbox": {"plugin": "in-app"}},
    "rules": [{"name": "inbox-first", "when": {}, "deliver": ["inbox"]}],
    "unmatched": {"deliver": ["inbox"]},
}


def base(**sections):
    """The base with sections replaced; None removes one."""
    config = copy.deepcopy(BASE)
    for name, value in sections.items():
        if value is None:
            config.pop(name, None)
        else:
            config[name] = copy.deepcopy(value)
    return config


def with_source(config, name, **options):
    config["sources"][name] = options
    return config


def with_hooks(config, *endpoints, source=None, **options):
    """A webhook channel for the endpoints, and a rule that sends everything (of one source) there."""
    hooks = {"plugin": "webhook", "allow_cidrs": ["127.0.0.0/8"], "endpoints": list(endpoints), **options}
    config["channels"]["hooks"] = {key: value for key, value in hooks.items() if value is not None}
    when = {"source": source} if source else {}
    config["rules"].append({"name": "hooks", "when": when, "deliver": ["hooks"]})
    return config


def with_mail(config, server, when=None, deliver=None, **options):
    """A channel `mail` to a server (an URL, or one of support.smtp), and a rule that mails everything (that fits
    `when`) at once. deliver: more of that rule's line, {after: 5m, unless: [seen]}."""
    url = server if isinstance(server, str) else server.url()
    mail = {"plugin": "email", "smtp": url, "from": "Acme <notify@acme.example>", **options}
    if "servers" in options:
        del mail["smtp"]
    config["channels"]["mail"] = mail
    line = {"via": "mail", "after": "0s", **(deliver or {})}
    config["rules"].append({"name": "mail", "when": when or {}, "deliver": [line]})
    return config


def endpoint(name, url, secret=WEBHOOK_SECRET, **more):
    for variable, value in ENVIRONMENT.items():
        secret = "${env:%s}" % variable if value == secret else secret
    return {"name": name, "url": url, "secret": secret, **more}


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def dump(config):
    return yaml.dump(config, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)

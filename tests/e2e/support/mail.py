# SPDX-License-Identifier: Apache-2.0
"""Mails of the email plugin without a hub: tests/programs/mail_writer, and the keys it signs with."""
import base64
import email
import email.policy
import json
import subprocess

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from .paths import BUILD

WHOLE = {
    "from": '"Acme Hub" <notify@hub.example>',
    "to": "jane@example.org",
    "to_name": "Jane Döe",
    "subject": "[Deploy] billing-eu failed on prod",
    "message_id": "d.01jd8x2v5c@hub.example",
    "thread": "t.9f3c1a77@hub.example",
    "list_name": "Acme Hub: Deploy",
    "list_id": "deploy.hub.example",
    "unsubscribe": "https://hub.example/acme/u/v1.TOKEN",
    "unsubscribe_mail": "unsub+TOKEN@bounce.hub.example",
    "feedback_id": "deploy:single:t1:acmehub",
    "language": "en",
    "text": "Größe 4711  \n\n.\nFrom here on = there\n",
    "html": '<!doctype html>\n<html lang="en"><p>Größe</p></html>\n',
    "date_ms": 1763668740000,
}


class Writer:
    """mail(subject=..., ...) is WHOLE with changes."""

    def __init__(self):
        self.process = subprocess.Popen([BUILD / "tests" / "programs" / "mail_writer"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, **changes):
        self.process.stdin.write(json.dumps({**WHOLE, **changes}).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def mail(self, **changes):
        answer = self.ask(**changes)
        assert "fault" not in answer, answer
        return answer["message"].encode("ascii")

    def signed(self, keys, domain="hub.example", **changes):
        answer = self.ask(sign={"domain": domain, "now_s": 1763668740, "keys": keys}, **changes)
        assert "fault" not in answer, answer
        return (answer["signature"] + answer["message"]).encode("ascii")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0
        self.process.stdout.close()


def parse(message):
    return email.message_from_bytes(message, policy=email.policy.SMTP)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def record(key):
    """The TXT record, made by somebody else's library."""
    public = key.public_key()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()

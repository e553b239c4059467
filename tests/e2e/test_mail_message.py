# SPDX-License-Identifier: Apache-2.0
"""What a mail is to those who read it: Python's parser finds nothing to mend, text comes back as it was, and two
verifiers that are not ours accept both signatures and miss nothing that was changed."""
import email.header
import random
import re
import unicodedata

import dkim
import pytest

from support import opendkim
from support.mail import Writer, ed25519_key, parse, pem, record, rsa_key

FIELDS = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version", "Auto-Submitted",
          "X-Auto-Response-Suppress", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
          "Content-Language", "Content-Type"]
SIGNED = ["From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "MIME-Version", "Content-Type",
          "Auto-Submitted", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"]


@pytest.fixture(scope="module")
def writer():
    writer = Writer()
    yield writer
    writer.close()


def said(part):
    """The text of a part; on its way every line ended with CRLF."""
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


# --- the message ---------------------------------------------------------------------------------------------------

def sound(message):
    """The parsed mail, in which nothing was wrong."""
    assert re.fullmatch(rb"(?:[\x20-\x7e\t]{0,998}\r\n)*", message)
    mail = parse(message)
    assert [name for name in mail.keys() if name not in FIELDS + ["Content-Transfer-Encoding"]] == []
    assert len(set(mail.keys())) == len(mail.keys())
    for part in mail.walk():
        assert part.defects == []
        for value in part.values():
            assert value.defects == (), (value, value.defects)
    return mail


def test_a_parser_finds_every_field_and_no_defect(writer):
    mail = sound(writer.mail())
    assert mail.keys() == FIELDS
    assert mail["From"].addresses[0].display_name == "Acme Hub"
    assert mail["From"].addresses[0].addr_spec == "notify@hub.example"
    assert mail["To"].addresses[0].display_name == "Jane Döe"
    assert mail["Subject"] == "[Deploy] billing-eu failed on prod"
    assert mail["Date"].datetime.isoformat() == "2025-11-20T19:59:00+00:00"
    assert mail["Message-ID"] == "<d.01jd8x2v5c@hub.example>"
    assert mail["In-Reply-To"] == mail["References"] == "<t.9f3c1a77@hub.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == '"Acme Hub: Deploy" <deploy.hub.example>'
    assert mail["List-Unsubscribe"] == \
        "<https://hub.example/acme/u/v1.TOKEN>, <mailto:unsub+TOKEN@bounce.hub.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Feedback-ID"] == "deploy:single:t1:acmehub"
    assert mail["Content-Language"] == "en"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for part in (text, html):
        assert part.get_content_charset() == "utf-8"
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
    assert said(text) == "Größe 4711  \n\n.\nFrom here on = there\n"
    assert said(html) == '<!doctype html>\n<html lang="en"><p>Größe</p></html>\n'


def test_a_required_category_cannot_be_stopped(writer):
    mail = sound(writer.mail(unsubscribe="", feedback_id="", thread=""))
    assert mail.keys() == [name for name in FIELDS
                           if name not in ("List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "In-Reply-To",
                                           "References")]


def test_text_alone_is_a_mail(writer):
    mail = sound(writer.mail(html=""))
    assert mail.get_content_type() == "text/plain"
    assert said(mail) == "Größe 4711  \n\n.\nFrom here on = there\n"


@pytest.mark.parametrize("address, spec", [
    ("Ann@BÜCHER.example", "Ann@xn--bcher-kva.example"),
    ("a+b/c=d@localhost", "a+b/c=d@localhost"),
])
def test_the_domain_is_ascii(writer, address, spec):
    assert sound(writer.mail(to=address))["To"].addresses[0].addr_spec == spec


# --- whatever a title says -----------------------------------------------------------------------------------------

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PIECES = ["word", "Grüße", "日本語", "👨‍👩‍👧", "=?utf-8?q?=0D=0A?=", "=?", "?=", '"', "\\", "<", ">", "@", ",", ";", ":", "(", ")",
          "_", "=", "Bcc: eve@evil.example", "x" * 90, "é" * 60, "\u202e", "\u200f", " ", "  ", "\u00a0", "\u00ad", "א",
          "a\u0301", "%0D%0A", "\U0010fffd"]


def texts(seed, count):
    chance = random.Random(seed)
    for _ in range(count):
        text = "".join(chance.choice(PIECES + [" "] * 6) if chance.random() < 0.8 else chr(chance.randrange(0x20, 0x3000))
                       for _ in range(chance.randrange(1, 14)))
        yield "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Zl", "Zp", "Cs"))[:300] or "x"


def without_bidi(text):
    return "".join(c for c in text if c not in BIDI)


def decoded(value):
    """What a mail program shows of a value."""
    return "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part
                   for part, charset in email.header.decode_header(value))


def raw_field(message, name):
    value = re.search(rb"\r\n" + name + rb":((?: [^\r\n]*\r\n)+)", b"\r\n" + message).group(1).decode()
    return value.replace("\r\n ", " ").removesuffix("\r\n").removeprefix(" ")


def test_any_subject_comes_back_as_it_was(writer):
    for subject in texts(1, 400):
        message = writer.mail(subject=subject)
        sound(message)
        assert decoded(raw_field(message, b"Subject")) == without_bidi(subject)


def test_any_name_comes_back_as_it_was(writer):
    for name in texts(2, 400):
        message = writer.mail(to_name=name, list_name=name)
        to = sound(message)["To"]
        assert [address.addr_spec for address in to.addresses] == ["jane@example.org"]
        if raw_field(message, b"To").startswith('"'):
            assert to.addresses[0].display_name == without_bidi(name)
        else:  # Python's newer parser puts a space between encoded words of a phrase; the older one does as it should
            assert decoded(raw_field(message, b"To")) == without_bidi(name) + " <jane@example.org>"


def test_any_body_comes_back_as_it_was(writer):
    for body in texts(3, 200):
        body = body.replace("word", "\n.\n").replace("_", "\nFrom ").replace("=", " \n--")
        text, html = sound(writer.mail(text=body, html=body)).iter_parts()
        assert (said(text), said(html)) == (body, body)


@pytest.mark.parametrize("value", ["a\r\nBcc: eve@evil.example", "a\nb", "a\rb", "a\0b", "a\tb", "a\x7fb", "a\u2028b",
                                   "a\u2029b", "a\u0085b", "a\x1bb"])
@pytest.mark.parametrize("field", ["subject", "to_name", "list_name", "message_id", "thread", "list_id", "unsubscribe",
                                   "unsubscribe_mail", "feedback_id", "language", "to", "from"])
def test_what_breaks_a_header_is_refused(writer, field, value):
    answer = writer.ask(**{field: value})
    if field == "unsubscribe_mail":  # percent signs make it harmless
        assert raw_field(answer["message"].encode(), b"List-Unsubscribe").count("<") == 2
        sound(answer["message"].encode())
    else:
        assert list(answer) == ["fault"]


# --- signatures ----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def keys():
    return {"r202511": rsa_key(), "e202511": ed25519_key()}


@pytest.fixture(scope="module")
def signed(writer, keys):
    return writer.signed([{"selector": selector, "pem": pem(key)} for selector, key in keys.items()])


def records(keys):
    return {f"{selector}._domainkey.hub.example": record(key) for selector, key in keys.items()}


def verified(message, keys):
    """{selector: whether dkimpy accepts its signature}"""
    known = records(keys)
    verdict = {}
    for at in range(len(keys)):
        reader = dkim.DKIM(message)
        try:
            good = reader.verify(idx=at, dnsfunc=lambda name, timeout=5: known[name.decode().rstrip(".")])
        except dkim.DKIMException:
            good = False
        verdict[reader.signature_fields[b"s"].decode()] = good
    return verdict


GOOD = {"r202511": True, "e202511": True}
BAD = {"r202511": False, "e202511": False}


def test_two_verifiers_accept_both_signatures(signed, keys, tmp_path):
    assert verified(signed, keys) == GOOD
    assert opendkim.verify(signed, records(keys), tmp_path) == GOOD
    sound(signed[signed.index(b"From:"):])


def test_the_signature_says_what_it_covers(signed):
    for tags in re.findall(rb"DKIM-Signature: (.*?)\r\n(?! )", signed, re.S):
        tag = dict(re.findall(r"(\w+)=([^;]*)", re.sub(r"\s+", "", tags.decode())))
        assert (tag["v"], tag["c"], tag["d"], tag["t"]) == ("1", "relaxed/relaxed", "hub.example", "1763668740")
        assert "l" not in tag
        names = tag["h"].split(":")
        assert set(names) == {name.lower() for name in SIGNED}
        assert all(names.count(name.lower()) == 2 for name in SIGNED)


def test_any_change_to_what_is_signed_is_seen(signed, keys, tmp_path):
    for name in SIGNED:
        at = signed.index(b"\r\n" + name.encode() + b": ") + len(name) + 5  # the second character
        changed = signed[:at] + (b"X" if signed[at:at + 1] != b"X" else b"Y") + signed[at + 1:]
        assert verified(changed, keys) == BAD, name
        assert opendkim.verify(changed, records(keys), tmp_path) == BAD, name
    for old, new in [(b"Gr=C3=B6=C3=9Fe 4711", b"Gr=C3=B6=C3=9Fe 4712"), (b"</html>", b"</html><!-- -->")]:
        assert old in signed
        assert verified(signed.replace(old, new), keys) == BAD
        assert opendkim.verify(signed.replace(old, new), records(keys), tmp_path) == BAD
    assert verified(signed + b"more\r\n", keys) == BAD


def test_no_second_field_can_be_added(signed, keys, tmp_path):
    for name in SIGNED:
        field = f"{name}: forged\r\n".encode()
        behind = signed.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n", 1)
        for changed in (field + signed, behind):
            assert verified(changed, keys) == BAD, name
    forged = b"From: Eve <eve@evil.example>\r\n"
    assert opendkim.verify(forged + signed, records(keys), tmp_path) == BAD


def test_nor_one_that_is_not_there(writer, keys):
    message = writer.signed([{"selector": selector, "pem": pem(key)} for selector, key in keys.items()],
                            unsubscribe="", thread="")
    assert verified(message, keys) == GOOD
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "References", "In-Reply-To"):
        assert verified(f"{name}: <https://evil.example/>\r\n".encode() + message, keys) == BAD, name


def test_what_relays_do_is_forgiven(signed, keys, tmp_path):
    relayed = b"Received: from a by b;\r\n Thu, 20 Nov 2025 19:59:01 +0000\r\n" + signed
    relayed = relayed.replace(b"Subject: [Deploy] billing", b"SUBJECT:  [Deploy]\r\n\t billing").replace(
        b"Content-Language: en\r\n", b"") + b"\r\n\r\n"
    assert verified(relayed, keys) == GOOD
    assert opendkim.verify(relayed, records(keys), tmp_path) == GOOD


def test_another_key_is_not_ours(signed, keys):
    assert verified(signed, {"r202511": rsa_key(), "e202511": ed25519_key()}) == BAD


def test_any_mail_is_signed_well(writer, keys, tmp_path):
    use = [{"selector": selector, "pem": pem(key)} for selector, key in keys.items()]
    for text in texts(4, 40):
        message = writer.signed(use, subject=text, to_name=text, text=text + "\n\n \n", html=text)
        assert verified(message, keys) == GOOD, text
        assert opendkim.verify(message, records(keys), tmp_path) == GOOD, text


@pytest.mark.parametrize("bits, fault", [(1024, "has fewer than 2048 bits"), (3072, None), (4096, None)])
def test_keys_of_other_lengths(writer, bits, fault):
    key = rsa_key(bits)
    answer = writer.ask(sign={"domain": "hub.example", "now_s": 1, "keys": [{"selector": "s", "pem": pem(key)}]})
    assert answer.get("fault") == fault
    if not fault:
        assert verified((answer["signature"] + answer["message"]).encode(), {"s": key}) == {"s": True}


def test_keys_are_changed_by_a_second_selector(writer):
    """While both records are published every mail is good, whichever key it was signed with; then the old one goes."""
    old, new = {"r202510": rsa_key()}, {"r202511": rsa_key()}
    before, during, after = [writer.signed([{"selector": name, "pem": pem(key)} for name, key in use.items()])
                             for use in (old, {**old, **new}, new)]
    assert verified(before, old) == {"r202510": True}
    assert verified(during, {**old, **new}) == {"r202510": True, "r202511": True}
    assert verified(during, {"r202510": rsa_key(), **new}) == {"r202510": False, "r202511": True}
    assert verified(after, new) == {"r202511": True}

"""Which files an entry of the directory may rest on, and what they are kept as (P4)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.directory_changes import (
    MAIL_HEAD_BYTES,
    AttachmentKind,
    attachment_kind,
    attachment_name,
)

MAIL = b"From: a@b.it\r\nDate: Wed, 25 Nov 2026 08:05:00 +0100\r\nSubject: Orari\r\n\r\nCiao"
DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("data", "sort"),
    [
        (MAIL, AttachmentKind.EML),
        (MAIL.replace(b"\r\n", b"\n"), AttachmentKind.EML),
        (b"Received: from x\n by y\n\tfor z\nfrom: a@b.it\nTO: c@d.it\n\n", AttachmentKind.EML),
        (b"%PDF-1.7\n%\xe2\xe3", AttachmentKind.PDF),
        (b"", None),
        (b"Subject: x\nDate: y\n\nFrom: not in the header", None),
        (b"From: a@b.it\n\nDate: y\nSubject: x", None),
        (b"From: a@b.it\nDate: y\n\nSubject: x", None),
        (b"<html>From: a@b.it\nDate: y\nSubject: x", None),
        (b" From: a@b.it\nDate: y\nSubject: x", None),
        (b"From: a@b.it\nDate: y\nSubject: x\0\n", None),
        (b"MZ\x90\0%PDF-", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),  # what Outlook saves as .msg
        (b"PK\x03\x04", None),
    ],
)
def test_a_file_is_what_it_begins_with(data: bytes, sort: AttachmentKind | None) -> None:
    """An e-mail by the fields that every one has, a PDF by its mark; all else is not taken."""
    assert attachment_kind(data) is sort


def test_an_emails_fields_are_not_looked_for_without_end() -> None:
    """The fields of a certified one stand within some kilobytes."""
    long = b"X-Signature: " + b"a" * MAIL_HEAD_BYTES + b"\r\n"
    assert attachment_kind(long + MAIL) is None
    assert attachment_kind(b"X-Signature: " + b"a" * 9000 + b"\r\n" + MAIL) is AttachmentKind.EML


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("Orari di novembre.eml", "Orari-di-novembre-01234567.eml"),
        ("C:\\Users\\anna\\perché.EML", "perche-01234567.eml"),
        ("../../etc/passwd", "passwd-01234567.eml"),
        (".eml", "eml-01234567.eml"),
        ("", "e-mail-01234567.eml"),
        ("\u202e\r\n", "e-mail-01234567.eml"),
        ("x" * 300, "x" * 60 + "-01234567.eml"),
    ],
)
def test_a_name_is_plain_and_its_own(given_name: str, kept: str) -> None:
    """Letters, digits, hyphens; the ending is what it is, not what it was called."""
    assert attachment_name(given_name, DIGEST, AttachmentKind.EML) == kept


@given(st.text(max_size=400), st.binary(max_size=200))
def test_whatever_is_given_is_named_and_judged(name: str, data: bytes) -> None:
    """No folder, no end of a header, nothing hidden, not too long."""
    assert re.fullmatch(
        r"[A-Za-z0-9-]{1,70}\.pdf", attachment_name(name, DIGEST, AttachmentKind.PDF)
    )
    assert attachment_kind(data) in {None, *AttachmentKind}

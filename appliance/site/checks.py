"""What is wrong in the card's file beside what the configuration's own checks find."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from appliance.daemon.mistakes import Mistakes
from appliance.policy.text import Words
from appliance.site import keys, network, secret_entries
from appliance.site.encryption import USB_STICK
from appliance.site.written import NO_PATRON, Phone, Written

LEAST_SECRET: Final = 8
_SECRET: Final = re.compile(r"[!#-\[\]-~]+")
"""What phones' pages and SIP digests take alike: no space, quote or backslash."""
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}")
NOTHING_SAID: Final = (
    Words(
        "Nessun orario [hours]: l'ufficio è sempre chiuso, chi chiama lascia un messaggio.",
        "No hours [hours]: the office is always closed, callers leave a message.",
    ),
    Words(
        "Nessun telefono [[phones]]: risponde solo la segreteria.",
        "No phone [[phones]]: voicemail alone answers.",
    ),
    Words(
        "Indirizzo fisso senza gateway: l'apparecchio non esce dalla rete dell'ufficio, quindi "
        "niente ora esatta né posta da fuori.",
        "A fixed address without a gateway: the box does not get out of the office's network, so "
        "there is no time and no mail from outside.",
    ),
    Words(
        "Nessun santo patrono (patron): quel giorno vale l'orario di sempre.",
        "No patron saint's day (patron): the usual hours hold on that day.",
    ),
)


def check(written: Written, mistakes: Mistakes, passwords: Collection[str]) -> None:
    """Note every mistake; `passwords` are the tables for which one is kept from before."""
    network.check(written.network, mistakes)
    keys.check(written.ssh.keys, mistakes)
    _check_names("lines", [line.name for line in written.lines], mistakes)
    _check_names("phones", [phone.name for phone in written.phones], mistakes)
    for number, phone in enumerate(written.phones, 1):
        _check_secret(f"phones.{number}.secret", phone, mistakes)
    secret_entries.check(written, mistakes, passwords)
    if written.encryption.key not in {"", USB_STICK}:
        mistakes.note(
            "encryption.key",
            f"{written.encryption.key!r} non è un luogo per la chiave: scrivere {USB_STICK!r}, o "
            "niente per non cifrare",
            f"{written.encryption.key!r} is no place for the key: write {USB_STICK!r}, or nothing "
            "for no encryption",
        )


def notes(written: Written) -> tuple[Words, ...]:
    """Say what was not written, and what therefore holds."""
    lacks = (
        not any(written.hours.week.days),
        not written.phones,
        network.is_fixed(written.network) and not written.network.gateway,
        written.site.patron == NO_PATRON,
    )
    return tuple(said for said, is_so in zip(NOTHING_SAID, lacks, strict=True) if is_so)


def _check_names(table: str, names: list[str], mistakes: Mistakes) -> None:
    """A name goes into file names, SIP addresses and the words of commands."""
    for number, name in enumerate(names, 1):
        place = f"{table}.{number}.name"
        if name and not _NAME.fullmatch(name):
            mistakes.note(
                place,
                f"{name!r} non è un nome breve: lettere senza accento, cifre e trattini (ciò che "
                "si mostra va in label)",
                f"{name!r} is no short name: letters without accents, figures and hyphens (what "
                "is shown goes into label)",
            )
        if name and table == "lines" and names.count(name) > 1:  # of phones `check` says it
            mistakes.note(place, f"{name!r} compare due volte", f"{name!r} stands twice")


def _check_secret(place: str, phone: Phone, mistakes: Mistakes) -> None:
    is_good = len(phone.secret) >= LEAST_SECRET and _SECRET.fullmatch(phone.secret)
    if phone.secret and not is_good:
        mistakes.note(
            place,
            f"servono almeno {LEAST_SECRET} segni: lettere senza accento, cifre, punteggiatura; "
            "oppure niente, e la password la fa l'apparecchio",
            f"takes {LEAST_SECRET} signs at least: letters without accents, figures, punctuation; "
            "or nothing, and the box makes the password",
        )

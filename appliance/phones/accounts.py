"""A phone's account: a secret nobody chose, and what to type into the phone."""

from __future__ import annotations

from collections.abc import Callable

ALPHABET = "023456789abcdefghjkmnpqrstuvwxyz"
"""32 signs without 1, i, l and o: they are read off a screen and typed on a telephone."""
LENGTH = 20
"""20 signs of 5 bits are 100 bits (reliability.md 3 asks for 96 at least)."""

WORDS = {
    "it": {
        "title": 'Da inserire nel telefono "{label}":',
        "server": "Server SIP (registrar)",
        "port": "Porta",
        "transport": "Trasporto",
        "user": "Nome utente",
        "authentication": "Utente di autenticazione",
        "secret": "Password",
        "codecs": "Codec",
        "dtmf": "Toni DTMF",
        "extension": "Interno",
        "note": "La password non viene mostrata di nuovo. Se va persa, se ne crea un'altra.",
    },
    "en": {
        "title": 'To be typed into the phone "{label}":',
        "server": "SIP server (registrar)",
        "port": "Port",
        "transport": "Transport",
        "user": "User name",
        "authentication": "Authentication user",
        "secret": "Password",
        "codecs": "Codecs",
        "dtmf": "DTMF",
        "extension": "Extension",
        "note": "The password is not shown again. If it is lost, make a new one.",
    },
}


def make_secret(random: Callable[[int], bytes]) -> str:
    """Return a new secret of 100 random bits; `random(n)` gives n random bytes."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random(LENGTH))


def what_to_type(
    name: str,
    label: str,
    secret: str,
    address: str,
    port: int,
    language: str = "it",
    *,
    extension: str = "",
) -> str:
    """Return the lines that a technician copies into the phone's web page (it, en)."""
    words = WORDS.get(language, WORDS["en"])
    rows = rows_to_type(name, secret, address, port, extension=extension)
    width = max(len(words[key]) for key in rows)
    lines = [f"  {words[key]:<{width}}  {value}" for key, value in rows.items()]
    return "\n".join([words["title"].format(label=label or name), *lines, words["note"]]) + "\n"


def rows_to_type(
    name: str, secret: str, address: str, port: int, *, extension: str = ""
) -> dict[str, str]:
    """Return what is typed into a phone, by the key of its words."""
    rows = {
        "server": address,
        "port": str(port),
        "transport": "UDP",
        "user": name,
        "authentication": name,
        "secret": secret,
        "codecs": "PCMA (G.711a), PCMU (G.711u)",
        "dtmf": "RFC 2833 / RFC 4733",
    }
    return {"extension": extension, **rows} if extension else rows

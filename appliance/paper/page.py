"""A document as one HTML page that loads nothing; its only jinja2 import, everything escaped."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict
from importlib import resources
from typing import Any, Final

import jinja2

from appliance.paper import engine
from appliance.paper.document import Document, from_json, to_json
from appliance.policy.text import Words

TEMPLATE: Final = "document.html"
LABELS: Final = {
    "subject": Words("Oggetto", "Subject"),
    "page": Words("Pagina", "Page"),
    "of": Words("di", "of"),
}
NO_GLYPH: Final = Words(
    "Dove si legge {} manca un carattere che questo dispositivo non sa stampare ({}). "
    "Il testo intero è nell'e-mail della richiesta.",
    "Where {} stands, a character is missing that this device cannot print ({}). "
    "The e-mail of the request has the whole text.",
)


def page(document: Document) -> str:
    """Lay a document out; a letter that no font has is marked, and a note says which."""
    clean = _without_controls(document)
    missing = engine.without_glyph(to_json(clean).decode())
    note = ""
    if missing:
        names = ", ".join(f"U+{ord(each):04X}" for each in missing)
        note = _said(NO_GLYPH, clean.language).format(engine.MISSING, names)
        table = str.maketrans(dict.fromkeys(missing, engine.MISSING))
        clean = from_json(to_json(clean).decode().translate(table).encode())
    environment = jinja2.Environment(
        loader=jinja2.BaseLoader(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = (resources.files("appliance.paper") / TEMPLATE).read_text(encoding="utf-8")
    labels = {name: _said(words, clean.language) for name, words in LABELS.items()}
    return environment.from_string(source).render(document=clean, label=labels, note=note)


def _said(words: Words, language: str) -> str:
    return words.it if language == "it" else words.en


def _without_controls(document: Document) -> Document:
    """Leave out what is no letter: control characters, halves of surrogates."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            plain = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\t", " "))
            return "".join(c for c in plain if c == "\n" or unicodedata.category(c) not in _NONE)
        if isinstance(value, dict):
            return {name: cleaned(each) for name, each in value.items()}
        return [cleaned(each) for each in value] if isinstance(value, list | tuple) else value

    return from_json(json.dumps(cleaned(asdict(document))).encode())


_NONE: Final = frozenset({"Cc", "Cs", "Cn"})

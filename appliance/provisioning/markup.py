"""XML as phones read it: one element a line, everything escaped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr


def clean(text: str) -> str:
    """Return text on one line without control characters, which XML 1.0 cannot carry."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def element(name: str, value: object, /, **attributes: object) -> str:
    """Return `<name attribute="...">value</name>`."""
    given = "".join(f" {key}={quoteattr(clean(str(one)))}" for key, one in attributes.items())
    return f"<{name}{given}>{escape(clean(str(value)))}</{name}>"


def document(*lines: str) -> str:
    """Return an XML document of these lines."""
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines]) + "\n"

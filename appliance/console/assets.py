"""Static files as they are served: references among them carry hashes, texts come compressed.

A module that is asked for under two addresses runs twice, and a font without a hash is asked for at
every page: so `import` and `url()` name the file's hash, as the pages' own links do.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

STATIC: Final = resources.files("appliance.console") / "static"
_REFERENCES: Final = {
    ".js": re.compile(r'(?P<before>(?:\bfrom|\bimport) ")(?P<name>\.[^"?]+)(?P<after>")'),
    ".css": re.compile(r'(?P<before>\burl\("?)(?P<name>[\w./-]+)(?P<after>"?\))'),
}
"""How a kind of file names another one, relative to itself."""
_TEXTS: Final = (".css", ".js", ".svg")
_LEAST_PACKED: Final = 1000
"""Bytes below which compression is not worth its header."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `packed` is it under gzip, empty for what does not shrink."""

    data: bytes
    packed: bytes
    digest: str


def names() -> frozenset[str]:
    """Return the files that exist, each by its path below the folder."""
    return frozenset(_below(STATIC, ""))


@lru_cache(maxsize=256)
def asset(name: str) -> Asset:
    """Return a file that exists."""
    data = STATIC.joinpath(*name.split("/")).read_bytes()
    ending = _ending(name)
    if references := _REFERENCES.get(ending):
        data = references.sub(lambda m: _hashed(name, m), data.decode()).encode()
    packed = gzip.compress(data, mtime=0) if _is_packed(ending, data) else b""
    return Asset(data, packed, hashlib.sha256(data).hexdigest()[:12])


def url_of(name: str) -> str:
    """Return the address of a file; it changes with the file, so browsers may keep it."""
    return f"/static/{name}?v={asset(name).digest}"


def _hashed(name: str, reference: re.Match[str]) -> str:
    """Add the hash of the file that is named, where there is such a file."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), reference["name"]))
    if target not in _known():
        return reference[0]
    return f"{reference['before']}{url_of(target)}{reference['after']}"


_known = lru_cache(maxsize=1)(names)


def _is_packed(ending: str, data: bytes) -> bool:
    return ending in _TEXTS and len(data) >= _LEAST_PACKED


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1]


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}"

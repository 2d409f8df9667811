"""Whom a need is passed on to: a SIP phone, a PBX extension, or a number over a second line."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from itertools import combinations

from appliance.policy.numbering import EMERGENCY
from appliance.policy.refused import Refused
from appliance.policy.secret import SecretNumber
from appliance.policy.words import Words


class Reach(enum.StrEnum):
    """How a target is reached from the box."""

    PHONE = "phone"  # a SIP phone by the name of its account
    PBX = "pbx"  # an extension behind the line, by hook flash
    OUTSIDE = "outside"  # over a second analog line, so that the caller never learns it


SHAPES = {
    Reach.PHONE: re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}"),
    Reach.PBX: re.compile(r"[0-9*#]{1,8}"),
    Reach.OUTSIDE: re.compile(r"\+?[0-9]{3,15}"),
}
EXAMPLES = {Reach.PHONE: "ana1", Reach.PBX: "204", Reach.OUTSIDE: "051598204"}
REACHES = {
    Reach.PHONE: Words("telefono della rete", "phone"),
    Reach.PBX: Words("interno del centralino telefonico", "pbx"),
    Reach.OUTSIDE: Words("numero esterno", "outside"),
}
NAMED = (
    "l'etichetta contiene il numero: la vedono tutti, scrivere piuttosto di che cosa si tratta",
    "the label names the number: everybody sees a label, so write what stands there instead",
)
_MOBILE = re.compile(r"(?:\+39|0039)?3\d{8,9}")
"""An Italian mobile number: 3 and eight or nine digits, no leading 0 (v253.md 3)."""
_BETWEEN = re.compile(r"[ ./()-]")
"""What people write between digits."""


@dataclass(frozen=True, slots=True)
class Target:
    """One number of a need; `label` is what operators see instead of the number (P7)."""

    reach: Reach
    number: SecretNumber
    label: str = ""
    service_mobile: bool = False


def target(reach: Reach, text: str, label: str = "", *, service_mobile: bool = False) -> Target:
    """Make a target of what somebody entered; raises Refused with the remedy.

    The sentence never repeats the number: it may be read by anybody.
    """
    digits = text if reach is Reach.PHONE else _BETWEEN.sub("", text)
    if not SHAPES[reach].fullmatch(digits):
        raise Refused(
            f"non è un {REACHES[reach].it}: si scrive come «{EXAMPLES[reach]}»",
            f"this is no {reach} number: write it like {EXAMPLES[reach]!r}",
        )
    if digits in EMERGENCY:
        raise Refused(
            "un numero di emergenza non può essere di un ufficio: si compone direttamente",
            "an emergency number cannot be an office's: dial it instead",
        )
    mobile = reach is Reach.OUTSIDE and _is_mobile(digits)
    if mobile and not service_mobile:
        raise Refused(
            "è un numero di cellulare: si può inserire solo un cellulare di servizio, indicandolo "
            "come tale; uno privato mai",
            "this is a mobile number: only a mobile of the service may be entered, marked as one "
            "(service_mobile = true); a private one never",
        )
    if _names(label, digits):
        raise Refused(*NAMED)
    if service_mobile and not mobile:
        raise Refused(
            "non è un cellulare: togliere «cellulare di servizio»",
            "service_mobile is for mobile numbers: leave it out here",
        )
    return Target(reach, SecretNumber(digits), label, service_mobile)


def relabelled(found: Target, label: str) -> Target:
    """Give a target another label; raises Refused where that names the number."""
    plain = _BETWEEN.sub("", label)
    runs = (run for run in re.findall(r"[0-9*#+]+", plain))
    parts = (run[a:b] for run in runs for a, b in combinations(range(len(run) + 1), 2))
    if any(SecretNumber(part) == found.number for part in parts):
        raise Refused(*NAMED)
    return replace(found, label=label)


def to_be_told(text: str) -> Target:
    """Make a target of a number that may be told outside; raises Refused for none.

    A mobile is taken for the service's: the register's faults find one that is not.
    """
    digits = _BETWEEN.sub("", text)
    return target(Reach.OUTSIDE, digits, service_mobile=_is_mobile(digits))


def _names(label: str, digits: str) -> bool:
    """Tell whether a label gives a number away, however it is spaced."""
    return digits.isdigit() and digits in _BETWEEN.sub("", label)


def _is_mobile(digits: str) -> bool:
    return _MOBILE.fullmatch(digits) is not None

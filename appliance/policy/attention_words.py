"""What the head must look after in the register: what is so, and what to do (E11, E13)."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.policy.register.attention import Attention
from appliance.policy.register.register import Authorisation
from appliance.policy.words import Words


def in_words(attention: Attention) -> tuple[Words, ...]:
    """Say each thing in one sentence, the gravest first; no number stands in any (P7)."""
    return tuple(_sentences(attention))


def _sentences(attention: Attention) -> Iterator[Words]:
    for unit in attention.undeclared:
        yield Words(
            f"{unit.name} ({unit.code}): nessuna comunicazione valida, non si può trasferire; "
            "chiederne una all'ufficio.",
            f"{unit.name} ({unit.code}): no valid declaration, nothing can be transferred; ask the "
            "office for one.",
        )
    for lapsed in attention.lapsed:
        it, en = _of(lapsed)
        yield Words(
            f"{it} è scaduta il {lapsed.last:%d.%m.%Y}: il numero non si dice più; rinnovarla o "
            "revocarla.",
            f"{en} ran out on {lapsed.last}: the number is not told any more; renew or revoke it.",
        )
    for declaration in attention.expiring:
        yield Words(
            f"{declaration.unit}: la comunicazione scade il {declaration.last:%d.%m.%Y}; chiederne "
            "una nuova.",
            f"{declaration.unit}: the declaration runs out on {declaration.last}; ask for a new "
            "one.",
        )
    for lapsing in attention.lapsing:
        it, en = _of(lapsing)
        yield Words(
            f"{it} scade il {lapsing.last:%d.%m.%Y}: rinnovarla se deve valere ancora.",
            f"{en} runs out on {lapsing.last}: renew it if it shall go on.",
        )


def _of(authorisation: Authorisation) -> tuple[str, str]:
    """Name an authorisation by its unit and its entry."""
    unit, number = authorisation.unit, authorisation.entry.number
    return f"{unit}: l'autorizzazione {number}", f"{unit}: authorisation {number}"

"""What the head must look after in the register: what is so, and what to do (E11, E13)."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.policy.local_time import day_phrase
from appliance.policy.register.attention import Attention
from appliance.policy.register.declarations import Declaration
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
        on = _on(lapsed)
        yield Words(
            f"{it} è scaduta {on.it}: il numero non si dice più; rinnovarla o revocarla.",
            f"{en} ran out {on.en}: the number is not told any more; renew or revoke it.",
        )
    for declaration in attention.expiring:
        on = _on(declaration)
        yield Words(
            f"{declaration.unit}: la comunicazione scade {on.it}; chiederne una nuova.",
            f"{declaration.unit}: the declaration runs out {on.en}; ask for a new one.",
        )
    for lapsing in attention.lapsing:
        it, en = _of(lapsing)
        on = _on(lapsing)
        yield Words(
            f"{it} scade {on.it}: rinnovarla se deve valere ancora.",
            f"{en} runs out {on.en}: renew it if it shall go on.",
        )


def _on(entry: Authorisation | Declaration) -> Words:
    """Say on which day it runs out, or ran out."""
    assert entry.last is not None
    return Words(day_phrase("il", entry.last, "it"), day_phrase("on", entry.last, "en"))


def _of(authorisation: Authorisation) -> tuple[str, str]:
    """Name an authorisation by its unit and its entry."""
    unit, number = authorisation.unit, authorisation.entry.number
    return f"{unit}: l'autorizzazione {number}", f"{unit}: authorisation {number}"

"""A dialect derived from a bundle, and in one sentence what the box can do with such a modem."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.modem.bundle import first_told
from appliance.modem.dialects import (
    ACTIONS,
    CONEXANT,
    TERMINATORS,
    Dialect,
    choose_vsm,
    identify,
)
from appliance.modem.events import Stream
from appliance.modem.interview import CALLER_ID, RESETS, SEIZES
from appliance.modem.scripts import NO_FORMAT, NO_VOICE
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from appliance.modem.bundle import Bundle, StreamRun
    from appliance.modem.dialects import VoltageProbe

LEAST_RATE = 7600
"""Fewest samples a second each way of a duplex stream (probe.TOLERANCE)."""
_VSD_OFF = ("0,0", "128,0")
# What a line waits for in front of a caller (scripts.prepare), and is slow on some modems.
_QUICK = ("AT+FCLASS=8", "AT+VSM=?", "AT+VSD=0,0", "AT+VSD=128,0", "AT+VIT=0")

DUPLEX = _("It serves a line: it joins the caller and the operator.")
HALF_DUPLEX = _(
    "It serves a line in half duplex: messages, announcements, keys; nobody can be joined to a "
    "phone over it."
)
DUPLEX_UNKNOWN = _(
    "It serves a line; whether it carries both directions at once is not known: half duplex until "
    "`centralino line probe` proves it."
)
VOICE_UNKNOWN = _("Whether it has a voice is not known: nobody has asked it.")
FORMATS_UNKNOWN = _("It has a voice; the sound formats that it offers are not known.")
NO_SEIZE = _("It cannot serve a line: it refuses every command that takes the line off hook.")
MUTE = _("It cannot serve a line: neither playing nor recording starts.")


def dialect_of(bundle: Bundle) -> Dialect:
    """Return the dialect that a bundle teaches; what it does not know is its make's."""
    maker = first_told(bundle, ("AT+GMI", "AT+FMI?"))
    product = first_told(bundle, ("ATI3", "AT+FMM?", "AT+GMM", "AT+GMR", "ATI2", "ATI0"))
    names = (maker[1], product[1])
    base = identify(names)
    told = " ".join(filter(None, names)).upper()
    return replace(
        base,
        name=bundle.name,
        identity=re.escape(told) if told else base.identity,
        asks=(maker[0] or base.asks[0], product[0] or base.asks[1]),
        duplex=base.duplex if (proven := is_duplex(bundle)) is None else proven,
        vsd_off=_vsd_off(bundle, base),
        set_up=_not_refused(bundle, base.set_up),
        extras=_not_refused(bundle, base.extras),
        ends={kind: _ends(bundle.stream(ACTIONS[kind][2:]), base, kind) for kind in Stream},
        proven_ends=frozenset(
            kind for kind in Stream if (run := bundle.stream(ACTIONS[kind][2:])) and run.ended_by
        ),
        ignored=_ignored(bundle, base),
        probe=_probe(bundle, base),
        reset=_accepted(bundle, RESETS, base.reset),
        caller_id=_accepted(bundle, CALLER_ID, base.caller_id),
        seize=_accepted(bundle, SEIZES, base.seize),
        quick_ms=max((base.quick_ms, *(2 * ms for ms in _times(bundle)))),
    )


def is_duplex(bundle: Bundle) -> bool | None:
    """Return whether sound has flowed both ways at once; None where nobody has tried."""
    run = bundle.stream("+VTR")
    if run is None:
        return None
    rates = (run.heard_rate, run.sent_rate)
    enough = all(rate is None or rate >= LEAST_RATE for rate in rates)
    # Without a trial of its end nothing is known of that.
    return run.begun == "CONNECT" and (bool(run.ended_by) or not run.tried) and enough


def verdict(bundle: Bundle) -> Words:
    """Return in one sentence what such a modem is good for."""
    if bundle.accepts("AT+FCLASS=8") is False:
        return NO_VOICE
    if not bundle.lines("AT+VSM=?"):
        return FORMATS_UNKNOWN if bundle.accepts("AT+FCLASS=8") else VOICE_UNKNOWN
    if choose_vsm(bundle.lines("AT+VSM=?"), replace(dialect_of(bundle), fallback=None)) is None:
        return NO_FORMAT
    if all(bundle.accepts(text) is False for text in SEIZES):
        return NO_SEIZE
    one_way = [run for name in ("+VTX", "+VRX") if (run := bundle.stream(name))]
    if one_way and all(run.begun != "CONNECT" for run in one_way):
        return MUTE
    proven = is_duplex(bundle)
    if proven is None:
        return DUPLEX_UNKNOWN if not dialect_of(bundle).duplex else DUPLEX
    return DUPLEX if proven else HALF_DUPLEX


def is_refused(bundle: Bundle) -> bool:
    """Return whether it is known that no line can be brought up on such a modem."""
    return verdict(bundle) in {NO_VOICE, NO_FORMAT, NO_SEIZE, MUTE}


def _accepted(bundle: Bundle, commands: tuple[str, ...], otherwise: str) -> str:
    """Return the usual command unless it is refused, else the first that is answered OK."""
    if bundle.accepts(otherwise) is not False:
        return otherwise
    return next((text for text in commands if bundle.accepts(text)), otherwise)


def _not_refused(bundle: Bundle, commands: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in commands if bundle.accepts(text) is not False)


def _vsd_off(bundle: Bundle, base: Dialect) -> str:
    if bundle.accepts(f"AT+VSD={base.vsd_off}") is not False:
        return base.vsd_off
    found = (off for off in _VSD_OFF if bundle.accepts(f"AT+VSD={off}"))
    return next(found, base.vsd_off)


def _ends(run: StreamRun | None, base: Dialect, kind: Stream) -> tuple[bytes, ...]:
    """Put the terminator that worked first, those that did not last."""
    usual = base.ends[kind]
    if run is None or not run.ended_by:
        return usual
    works = TERMINATORS[run.ended_by]
    failed = [TERMINATORS[name] for name in run.tried if name != run.ended_by]
    others = [end for end in usual if end not in {works, *failed}]
    return (works, *others, *(end for end in usual if end in failed))


def _ignored(bundle: Bundle, base: Dialect) -> Mapping[Stream, frozenset[str]]:
    """Ignore a dial tone reported in a conversation, where there is none."""
    if not any(call.codes.get("d") for call in bundle.calls):
        return base.ignored
    return {kind: base.ignored.get(kind, frozenset()) | {"d"} for kind in Stream}


def _probe(bundle: Bundle, base: Dialect) -> VoltageProbe | None:
    known = CONEXANT.probe
    if known is None or (accepted := bundle.accepts(known.command)) is None:
        return base.probe
    volts = any(re.match(known.answer, line) for line in bundle.lines(known.command))
    return known if accepted and volts else None


def _times(bundle: Bundle) -> list[int]:
    return [each.ms for each in bundle.exchanges if each.sent in _QUICK and each.ms is not None]

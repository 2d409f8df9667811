"""The other branches as configured: checked, and made what policy works on."""

from __future__ import annotations

from appliance.daemon.mistakes import Mistakes
from appliance.daemon.settings import Settings
from appliance.policy.office import Branches, Cause


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Name what cannot be said of other branches."""
    written = settings.branches
    if (written.names or written.takes) and settings.sip.registrar is None:
        mistakes.note(
            "branches",
            "le altre sedi si raggiungono attraverso un proxy SIP: scrivere anche [sip.registrar]",
            "other branches are reached over a SIP proxy: write [sip.registrar], too",
        )
    for name in written.names:
        if name in {phone.name for phone in settings.phones}:
            mistakes.note(
                "branches.names",
                f"{name!r} è già il nome di un telefono: alla sede serve un altro account",
                f"{name!r} is a phone's name already: the branch needs another account",
            )
    if settings.sip.registrar and settings.sip.registrar.user in written.names:
        mistakes.note(
            "branches.names",
            f"{settings.sip.registrar.user!r} è questo apparecchio: nominare solo le altre sedi",
            f"{settings.sip.registrar.user!r} is this box itself: name the other branches only",
        )
    for office in written.offices:
        if not all(office.partition(".")):
            mistakes.note(
                "branches.offices",
                f"{office!r} non è una destinazione: scrivere ufficio.necessità, come "
                "«savena.pubblico»",
                f"{office!r} is no destination: write unit.need, as in 'savena.public'",
            )
    for cause in written.when:
        mistakes.choice("branches.when", cause, tuple(Cause))


def pairs(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the other branches' offices as unit and need, in the written order."""
    return tuple(office.partition(".")[::2] for office in settings.branches.offices)


def rules(settings: Settings, mistakes: Mistakes) -> Branches:
    """Make the rules by which callers are handed over; nobody is, without offices."""
    written = settings.branches
    when = frozenset(Cause(cause) for cause in written.when if cause in set(Cause))
    return mistakes.attempt(
        "branches",
        lambda: Branches(written.names, pairs(settings), when, round(written.ring * 1000)),
        Branches(),
    )

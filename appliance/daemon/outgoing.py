"""How the office calls out, from the settings as written to what policy works on (E17)."""

from __future__ import annotations

from appliance.daemon.mistakes import Mistakes
from appliance.daemon.rehearsal import numbers_of
from appliance.daemon.settings import Settings
from appliance.policy.dialling import CIVIL, Identity, Outgoing
from appliance.policy.hours import WEEKDAYS, Week, week
from appliance.policy.numbering import NumberClass

FREE = tuple(
    kind.value for kind in NumberClass if kind not in {NumberClass.EMERGENCY, NumberClass.NONE}
)
MOST_DAYS, MOST_CALLS, MOST_MINUTES = 365, 200, 1440


def outgoing(settings: Settings, mistakes: Mistakes) -> Outgoing:
    """Make the rules of calling out and find all mistakes in them."""
    written = settings.outgoing
    _check(settings, mistakes)
    identity = written.identity if written.identity in tuple(Identity) else Identity.PRESENTED
    return Outgoing(
        plan=numbers_of(settings),
        prefix=written.prefix,
        identity=Identity(identity),
        withhold=written.withhold,
        local=written.local,
        week=mistakes.attempt("outgoing.band", lambda: _week(written.band, written.days), CIVIL),
        known_days=written.known_days,
        free={
            phone.name: frozenset(NumberClass(kind) for kind in phone.dials if kind in FREE)
            for phone in settings.phones
            if phone.dials
        },
        calls_per_hour=written.calls_per_hour,
        minutes_per_day=written.minutes_per_day,
    )


def _week(band: str, days: tuple[str, ...]) -> Week:
    return week(**dict.fromkeys(days, band))


def _check(settings: Settings, mistakes: Mistakes) -> None:
    written = settings.outgoing
    for day in written.days:
        mistakes.choice("outgoing.days", day, WEEKDAYS)
    mistakes.choice("outgoing.identity", written.identity, tuple(Identity))
    for number, phone in enumerate(settings.phones, 1):
        for kind in phone.dials:
            mistakes.choice(f"phones.{number}.dials", kind, FREE)
    for place, value, most in (
        ("known_days", written.known_days, MOST_DAYS),
        ("calls_per_hour", written.calls_per_hour, MOST_CALLS),
        ("minutes_per_day", written.minutes_per_day, MOST_MINUTES),
    ):
        if not 0 <= value <= most:
            mistakes.note(
                f"outgoing.{place}",
                f"{value} è fuori dai limiti: scrivere da 0 a {most}",
                f"{value} is out of bounds: write 0 to {most}",
            )
    for place, code in (("prefix", written.prefix), ("withhold", written.withhold)):
        if not set(code) <= set("0123456789*#"):
            mistakes.note(
                f"outgoing.{place}",
                f"{code!r} non si può comporre: scrivere cifre, * o #",
                f"{code!r} cannot be dialled: write digits, * or #",
            )
    for code in written.local:
        if not code.isdigit():
            mistakes.note(
                "outgoing.local",
                f'{code!r} non è un prefisso: scrivere cifre, ad esempio local = ["051"]',
                f'{code!r} is no area code: write digits, e.g. local = ["051"]',
            )

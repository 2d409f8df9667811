"""The limits of calls and of positions as configured: checked, and made what policy works on."""

from __future__ import annotations

from appliance.daemon.mistakes import Mistakes
from appliance.daemon.settings import Settings
from appliance.policy.clock import WithoutTime
from appliance.policy.office import PositionRules, Waiting

LEAST_LONGEST_S, MOST_LONGEST_S = 600, 86_400
"""No conversation of citizens is cut within ten minutes; none lasts a day."""
LEAST_TRANSFER_S, MOST_TRANSFER_S = 10, 180
"""A clerk needs a few rings to come; a caller is not left to music for longer."""

MOST_HOLDOVER_DAYS = 60
"""By then it may be four minutes off (policy.clock_trust)."""


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Name what cannot be a limit of calls."""
    longest = settings.calls.longest
    if not LEAST_LONGEST_S <= longest <= MOST_LONGEST_S:
        mistakes.note(
            "calls.longest",
            f"{longest:g} s non è un limite per una conversazione: scrivere da {LEAST_LONGEST_S} "
            f"a {MOST_LONGEST_S} secondi",
            f"{longest:g} s is no limit for a conversation: write {LEAST_LONGEST_S} to "
            f"{MOST_LONGEST_S} seconds",
        )
    rings = settings.calls.transfer
    if not LEAST_TRANSFER_S <= rings <= MOST_TRANSFER_S:
        mistakes.note(
            "calls.transfer",
            f"{rings:g} s non bastano, o sono troppi, perché un ufficio risponda: scrivere da "
            f"{LEAST_TRANSFER_S} a {MOST_TRANSFER_S} secondi",
            f"{rings:g} s is no time for an office to answer: write {LEAST_TRANSFER_S} to "
            f"{MOST_TRANSFER_S} seconds",
        )
    check_clock(settings, mistakes)
    kept, most = settings.calls.lines_kept, max(len(settings.lines) - 1, 1)
    if not 0 <= kept <= most:
        mistakes.note(
            "calls.lines_kept",
            f"{kept} linee non possono restare libere per rispondere: scrivere da 0 a {most}, meno "
            "delle linee che ci sono",
            f"{kept} lines cannot stay free to answer: write 0 to {most}, fewer than there are "
            "lines",
        )


def check_clock(settings: Settings, mistakes: Mistakes) -> None:
    """Name what cannot be said of the time."""
    mistakes.choice("clock.without_time", settings.clock.without_time, tuple(WithoutTime))
    days = settings.clock.holdover_days
    if not 1 <= days <= MOST_HOLDOVER_DAYS:
        mistakes.note(
            "clock.holdover_days",
            f"un orologio non può andare da solo {days} giorni: scrivere da 1 a "
            f"{MOST_HOLDOVER_DAYS}; sbaglia fino a quattro secondi al giorno",
            f"{days} days are no time for a clock by itself: write 1 to {MOST_HOLDOVER_DAYS}; "
            "it is off by up to four seconds a day",
        )


def without_time(settings: Settings) -> WithoutTime:
    """Return what holds while the time cannot be trusted."""
    written = settings.clock.without_time
    return WithoutTime(written) if written in tuple(WithoutTime) else WithoutTime.IF_STAFFED


def position_rules(settings: Settings, mistakes: Mistakes) -> PositionRules:
    """Make the rules by which positions are away."""
    written = settings.positions
    return mistakes.attempt(
        "positions",
        lambda: PositionRules(written.away_after_missed, written.remind_after * 60_000),
        PositionRules(),
    )


def waiting_rules(settings: Settings, mistakes: Mistakes) -> Waiting:
    """Make the rules by which callers wait."""
    written = settings.waiting
    return mistakes.attempt(
        "waiting",
        lambda: Waiting(
            written.queue_max,
            written.max_wait * 1000,
            round(written.announce_every * 1000),
            bool(written.announce_place),
            bool(written.before_counter),
        ),
        Waiting(),
    )

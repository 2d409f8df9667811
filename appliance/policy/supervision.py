"""What is restarted when: one table for all that can die or hang, after Erlang's supervisors.

More than `most` restarts within `within_s` are more than a restart can mend: it is then the turn of
`then`; where nothing is named the box goes on without, and says so (reliability.md 1, 5).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.policy.words import Words

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Part(enum.StrEnum):
    """What can die or hang, from the smallest to all of it."""

    CALL = "call"
    LINE = "line"
    KEEPER = "keeper"
    NURSERY = "nursery"
    CARRIER = "carrier"
    SIP = "sip"
    RECORDS = "records"
    VOICEMAIL = "voicemail"
    MAIL = "mail"
    MQTT = "mqtt"
    PANEL = "panel"
    METRICS = "metrics"
    DESK = "desk"
    CONSOLE_LINK = "console_link"
    CONSOLE_READER = "console_reader"
    UNIT = "unit"
    BOX = "box"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row, seconds throughout.

    `silent_s` without a sign of life make a part hung (0: noticed by its end alone). `pauses_s` lie
    before the first, second, ... restart within `within_s`, the last one before all others.
    `waits_for_calls`: what `then` names is restarted only once no call is up.
    """

    what: Words
    remedy: Words
    silent_s: float
    pauses_s: tuple[float, ...]
    most: int
    within_s: float
    then: Part | None
    waits_for_calls: bool = False


_LEAVES: Final = Words("nessuno da solo", "none by itself")

TABLE: Final[Mapping[Part, Rule]] = {
    Part.CALL: Rule(
        Words("Chiamata", "Call"),
        Words(
            "finisce o passa a un altro telefono; la linea si riaggancia",
            "it ends or goes to another phone; its line is hung up",
        ),
        silent_s=30.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.LINE,
    ),
    Part.LINE: Rule(
        Words("Linea e modem", "Line and modem"),
        Words(
            "un gradino della scala: comandi, DTR, porta, reset USB, porta USB spenta",
            "one step of the ladder: commands, DTR, port, USB reset, USB port switched off",
        ),
        silent_s=5.0,
        pauses_s=(0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
        most=5,
        within_s=600.0,
        then=None,
    ),
    Part.KEEPER: Rule(
        Words("Custode della porta", "Port keeper"),
        Words("abbandonato, ne nasce un altro", "abandoned, another one is born"),
        silent_s=10.0,
        pauses_s=(0.0,),
        most=0,
        within_s=0.0,
        then=Part.LINE,
    ),
    Part.NURSERY: Rule(
        Words("Vivaio dei custodi", "Nursery of the keepers"),
        _LEAVES,
        silent_s=0.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.CARRIER,
        waits_for_calls=True,
    ),
    Part.CARRIER: Rule(
        Words("Processo delle linee", "Lines' process"),
        Words(
            "riavviato; le linee sono prima riagganciate",
            "started again; the lines are put on hook first",
        ),
        silent_s=6.0,
        pauses_s=(0.0, 0.2, 0.5, 1.0, 2.0, 5.0),
        most=5,
        within_s=60.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.SIP: Rule(
        Words("Telefoni (SIP)", "Phones (SIP)"),
        _LEAVES,
        silent_s=5.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.UNIT,
    ),
    Part.RECORDS: Rule(
        Words("Archivi", "Records"),
        _LEAVES,
        silent_s=120.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.VOICEMAIL: Rule(
        Words("Segreteria", "Voicemail"),
        _LEAVES,
        silent_s=300.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.MAIL: Rule(
        Words("Posta in uscita", "Outgoing mail"),
        _LEAVES,
        silent_s=900.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.MQTT: Rule(
        Words("Collegamento al broker MQTT", "Link to the MQTT broker"),
        _LEAVES,
        silent_s=900.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.PANEL: Rule(
        Words("LED e pulsante", "LEDs and button"),
        _LEAVES,
        silent_s=60.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.METRICS: Rule(
        Words("Misure per Prometheus", "Figures for Prometheus"),
        _LEAVES,
        silent_s=60.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.DESK,
        waits_for_calls=True,
    ),
    Part.DESK: Rule(
        Words("Centralino", "Switchboard"),
        Words(
            "esce in ordine a linee libere e viene riavviato",
            "leaves in good order when the lines are idle, and is started again",
        ),
        silent_s=0.0,
        pauses_s=(),
        most=1,
        within_s=1800.0,
        then=None,
        waits_for_calls=True,
    ),
    Part.CONSOLE_LINK: Rule(
        Words("Collegamento della console", "The console's link"),
        Words("la console si ricollega", "the console connects again"),
        silent_s=25.0,
        pauses_s=(0.2, 0.4, 0.8, 1.6, 3.2, 5.0),
        most=0,
        within_s=0.0,
        then=None,
    ),
    Part.CONSOLE_READER: Rule(
        Words("Letture della console", "The console's reading"),
        _LEAVES,
        silent_s=120.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=Part.UNIT,
    ),
    Part.UNIT: Rule(
        Words("Servizio di systemd", "systemd's service"),
        Words("riavviato da systemd", "started again by systemd"),
        silent_s=10.0,
        pauses_s=(),
        most=30,
        within_s=900.0,
        then=Part.BOX,
    ),
    Part.BOX: Rule(
        Words("Apparecchio", "Box"),
        Words("riavviato", "rebooted"),
        silent_s=0.0,
        pauses_s=(),
        most=0,
        within_s=0.0,
        then=None,
    ),
}
"""Every part, what is done when it dies or hangs, and the limit of that."""


KEPT: Final = 64
"""Restarts remembered of a part: more than any limit counts."""


@dataclass(frozen=True, slots=True)
class Past:
    """When a part was restarted, the newest last (monotonic s); a value, kept by whoever acts."""

    times: tuple[float, ...] = ()

    def recent(self, part: Part, now: float) -> tuple[float, ...]:
        """Return what still counts; a time to come is another boot's and counts for nothing."""
        return tuple(at for at in self.times if now - TABLE[part].within_s < at <= now)

    def again(self, now: float) -> Past:
        """Return the past with one restart more."""
        return Past((*self.times[1 - KEPT :], now))

    def pause_s(self, part: Part, now: float) -> float:
        """Say how long the next restart is waited for."""
        pauses = TABLE[part].pauses_s
        return pauses[min(len(self.recent(part, now)), len(pauses) - 1)]

    def is_too_much(self, part: Part, now: float) -> bool:
        """Tell whether restarts of this part mend nothing any more."""
        return len(self.recent(part, now)) > TABLE[part].most

    def may_again(self, part: Part, now: float) -> bool:
        """Tell whether one more restart is within the limit."""
        return len(self.recent(part, now)) < TABLE[part].most


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the desk does about itself: tell its watchdog that it lives, or leave because of a part.

    `waiting` parts will have it restarted, `borne` ones had, lately, and it was of no use.
    """

    feeds: bool
    leave: Part | None = None
    waiting: tuple[Part, ...] = ()
    borne: tuple[Part, ...] = ()


def late(beats: Mapping[Part, float], now: float) -> tuple[Part, ...]:
    """Return the parts whose last sign of life (monotonic s) is too long ago."""
    return tuple(part for part, at in beats.items() if now - at > TABLE[part].silent_s)


def judge(
    late: Collection[Part], failed: Collection[Part], left: Past, now: float, *, idle: bool
) -> Verdict:
    """Say what follows for the desk from parts that are `late` or have `failed` for good.

    `left` is when it left of its own accord. A part on which calls depend starves the watchdog at
    once. For the others no caller is cut off: both the feed and the service end once all is
    `idle`, and at most as often as the row of the desk says.
    """
    vital = tuple(part for part in late if not TABLE[part].waits_for_calls)
    others = tuple(dict.fromkeys((*failed, *(part for part in late if part not in vital))))
    if not others:
        return Verdict(not vital)
    if not left.may_again(Part.DESK, now):
        return Verdict(not vital, borne=others)
    if not idle:
        return Verdict(not vital, waiting=others)
    return Verdict(False, others[0], waiting=others)

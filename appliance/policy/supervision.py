"""Supervision: one table of what is restarted when it dies or hangs, after Erlang's supervisors.

After more than `most` restarts within `within_s` another one would not help: `then` is restarted
instead. Without `then` the appliance runs on without the component and reports it
(reliability.md 1, 5).
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.text import Words, _, in_context


class Component(enum.StrEnum):
    """A part of the system that can die or hang, from the smallest to the whole appliance."""

    CALL = "call"
    LINE = "line"
    PORT_SERVER = "keeper"
    FORK_SERVER = "nursery"
    MEDIA_GATEWAY = "carrier"
    SIP = "sip"
    RECORDS = "records"
    VOICEMAIL = "voicemail"
    MAIL = "mail"
    MQTT = "mqtt"
    PANEL = "panel"
    METRICS = "metrics"
    CALL_CONTROL = "desk"
    CONSOLE_LINK = "console_link"
    CONSOLE_READER = "console_reader"
    UNIT = "unit"
    APPLIANCE = "box"


@dataclass(frozen=True, slots=True)
class RestartRule:
    """One row, seconds throughout.

    A component without a sign of life for `silent_s` is hung (0: only its end is noticed).
    `pauses_s` precede the first, second, ... restart within `within_s`, the last one all others.
    `waits_for_calls`: the component `then` is restarted only once no call is up.
    """

    what: Words
    remedy: Words
    silent_s: float
    pauses_s: tuple[float, ...] = ()
    most: int = 0
    within_s: float = 0.0
    then: Component | None = None
    waits_for_calls: bool = False


_NO_REMEDY: Final = _("none by itself")
RESTART_RULES: Final[Mapping[Component, RestartRule]] = {
    Component.CALL: RestartRule(
        _("Call"),
        _("it ends or goes to another phone; its line is hung up"),
        silent_s=30.0,
        then=Component.LINE,
    ),
    # no `then`: a modem that cannot be brought back must not take the other lines' process with it
    Component.LINE: RestartRule(
        _("Line and modem"),
        _("one step of the ladder: commands, DTR, port, USB reset, USB port switched off"),
        silent_s=5.0,
        pauses_s=(0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
        most=5,
        within_s=600.0,
    ),
    # an ioctl on a wedged USB modem can block for ever: a port server is allowed to hang
    Component.PORT_SERVER: RestartRule(
        _("Port server"),
        _("abandoned, another one is started"),
        # an abandoned port server costs the other lines nothing (design/processes.md)
        silent_s=10.0,
        pauses_s=(0.0,),
        then=Component.LINE,
    ),
    Component.FORK_SERVER: RestartRule(
        _("Starter of the port servers"),
        # a fork while real time is in force would stop the sound for milliseconds, so no second
        # fork server is started (design/processes.md)
        _NO_REMEDY,
        silent_s=0.0,
        then=Component.MEDIA_GATEWAY,
        waits_for_calls=True,
    ),
    Component.MEDIA_GATEWAY: RestartRule(
        _("Lines' process"),
        _("started again; the lines are put on hook first"),
        # call control pings every 2 s (design/call.md, The link)
        silent_s=6.0,
        pauses_s=(0.0, 0.2, 0.5, 1.0, 2.0, 5.0),
        most=5,
        within_s=60.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.SIP: RestartRule(
        _("Phones (SIP)"),
        _NO_REMEDY,
        silent_s=5.0,
        # calls depend on the phones: it starves the watchdog at once, no call is waited for
        then=Component.UNIT,
    ),
    # A card may stall for a while, a phone may not wait: limits are longer than SIP's. Calls are
    # routed from memory, so for this and the following threads nobody is cut off.
    Component.RECORDS: RestartRule(
        in_context("supervision", "Records"),
        _NO_REMEDY,
        silent_s=120.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.VOICEMAIL: RestartRule(
        _("Voicemail"),
        _NO_REMEDY,
        silent_s=300.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.MAIL: RestartRule(
        _("Outgoing mail"),
        _NO_REMEDY,
        # mail may wait 30 s for the server at every step (design/processes.md)
        silent_s=900.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.MQTT: RestartRule(
        _("Link to the MQTT broker"),
        _NO_REMEDY,
        silent_s=900.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.PANEL: RestartRule(
        _("LEDs and button"),
        _NO_REMEDY,
        silent_s=60.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.METRICS: RestartRule(
        _("Figures for Prometheus"),
        _NO_REMEDY,
        silent_s=60.0,
        then=Component.CALL_CONTROL,
        waits_for_calls=True,
    ),
    Component.CALL_CONTROL: RestartRule(
        _("Switchboard"),
        _("leaves in good order when the lines are idle, and is started again"),
        silent_s=0.0,
        # the next run that finds the same fault stays, and tries once more after half an hour
        most=1,
        within_s=1800.0,
        waits_for_calls=True,
    ),
    Component.CONSOLE_LINK: RestartRule(
        _("The console's link"),
        _("the console connects again"),
        silent_s=25.0,
        pauses_s=(0.2, 0.4, 0.8, 1.6, 3.2, 5.0),
    ),
    Component.CONSOLE_READER: RestartRule(
        _("The console's reading"),
        _NO_REMEDY,
        silent_s=120.0,
        # the console does not feed its watchdog while a reading thread hangs (design/failures.md)
        then=Component.UNIT,
    ),
    Component.UNIT: RestartRule(
        _("systemd's service"),
        _("started again by systemd"),
        # call control's watchdog (docs/reliability.md, Under systemd)
        silent_s=10.0,
        # StartLimitBurst and StartLimitIntervalSec of the image's units (reliability.md 5)
        most=30,
        within_s=900.0,
        then=Component.APPLIANCE,
    ),
    # StartLimitAction=reboot in the image; elsewhere the package's units reboot nothing
    Component.APPLIANCE: RestartRule(
        _("Box"),
        _("rebooted"),
        silent_s=0.0,
    ),
}
"""Every component, its remedy when it dies or hangs, and the limit of restarts."""
# more restarts than any limit counts; a component that dies for months costs no memory
MOST_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class RestartHistory:
    """Times of a component's restarts, the newest last (monotonic s)."""

    times: tuple[float, ...] = ()

    def recent(self, part: Component, now: float) -> tuple[float, ...]:
        """Return the restarts within the component's limit of time."""
        # a future time is from another boot, since monotonic time begins anew
        return tuple(at for at in self.times if now - RESTART_RULES[part].within_s < at <= now)

    def again(self, now: float) -> RestartHistory:
        """Add one restart."""
        return RestartHistory((*self.times[1 - MOST_REMEMBERED :], now))

    def pause_s(self, part: Component, now: float) -> float:
        """Return the pause before the next restart."""
        pauses = RESTART_RULES[part].pauses_s
        return pauses[min(len(self.recent(part, now)), len(pauses) - 1)]

    def is_too_much(self, part: Component, now: float) -> bool:
        """Tell whether more restarts were tried than the limit allows."""
        return len(self.recent(part, now)) > RESTART_RULES[part].most

    def may_again(self, part: Component, now: float) -> bool:
        """Tell whether one more restart is within the limit."""
        return len(self.recent(part, now)) < RESTART_RULES[part].most


@dataclass(frozen=True, slots=True)
class SupervisionVerdict:
    """Decision of call control about itself: feed its watchdog, or exit because of a component.

    For `waiting` components it will exit; for `borne` ones it did lately, without success.
    """

    feeds: bool
    leave: Component | None = None
    waiting: tuple[Component, ...] = ()
    borne: tuple[Component, ...] = ()


def silent_components(beats: Mapping[Component, float], now: float) -> tuple[Component, ...]:
    """Return the components whose last sign of life (monotonic s) is too long ago."""
    return tuple(part for part, at in beats.items() if now - at > RESTART_RULES[part].silent_s)


def supervise_self(
    late: Collection[Component],
    failed: Collection[Component],
    left: RestartHistory,
    now: float,
    *,
    idle: bool,
) -> SupervisionVerdict:
    """Decide what call control does about components that are `late` or have `failed` for good.

    `left` are the times at which it exited of its own accord.
    """
    # calls depend on these, so they starve the watchdog at once
    vital = tuple(part for part in late if not RESTART_RULES[part].waits_for_calls)
    # for these no caller is cut off: the exit waits until no call is up
    others = tuple(dict.fromkeys((*failed, *(part for part in late if part not in vital))))
    if not others:
        return SupervisionVerdict(not vital)
    # restarting more often than the table allows has proved useless
    if not left.may_again(Component.CALL_CONTROL, now):
        return SupervisionVerdict(not vital, borne=others)
    if not idle:
        return SupervisionVerdict(not vital, waiting=others)
    return SupervisionVerdict(False, others[0], waiting=others)


@dataclass(frozen=True, slots=True)
class MediaHealth:
    """Figures of the last period: lateness of the 20 ms tick (ms), lead inside the modems (ms).

    `underruns` and `overruns` are the modems' own reports (DLE u, DLE o) in the period.
    """

    ticks: int
    late_p50: float
    late_p99: float
    late_max: float
    lead_min: float
    underruns: int = 0
    overruns: int = 0
    jitter_lost: int = 0
    jitter_dropped: int = 0
    stuck_writes: int = 0

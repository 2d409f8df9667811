"""Positions that forgot to set themselves away: missed calls, coming back, the reminder (E3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from appliance.calls import marks, notices, orders
from appliance.calls.desk import Desk
from appliance.calls.marks import become
from appliance.calls.orders import Order
from appliance.policy.clock import Now
from appliance.policy.hours import moment_words
from appliance.policy.office import AUTOMATIC, MISSED_AFTER_MS, Mark, ServiceState, StaffKey
from appliance.policy.opening import opening
from appliance.policy.requests import HEAD, Mail
from appliance.policy.routing import GroupState, group_open
from appliance.policy.text import Words

REMIND = "remind"
"""`what` of the deadline of a reminder; `call` is the phone of a position that is away, or a
manual state (marks.STATE)."""
LEFT_ALONE = (
    Words(
        "Centralino non presidiato dalle {at}",
        "The switchboard has been unattended since {at}",
    ),
    Words(
        "Da {at} nessuna postazione del centralino è presente.\n"
        "Assenti: {names} ((*) automatico: chiamate senza risposta).\n"
        "Le chiamate vanno allo Sportello Cittadini, altrimenti alla segreteria. Chi era assente "
        "in automatico rientra sollevando il telefono, chi lo ha chiesto con il suo codice.\n",
        "Since {at} no position of the switchboard has been attended.\n"
        "Away: {names} ((*) automatic: missed its calls).\n"
        "Calls go to the citizens' counter, else to voicemail. A position that went away by itself "
        "is back when its handset is lifted, one that asked for it by its key code.\n",
    ),
)
"""Subject and text of what the head is told when the last position has gone (E3)."""
AGAIN_S = 600.0
"""A reminder that cannot ring now (closed, engaged) is tried again so much later."""


def missed(desk: Desk, phones: Collection[str], rang_since: float, now: Now) -> Iterator[Order]:
    """Count a call that rang at these phones and that nobody lifted for; two in a row are enough.

    `rang_since` is when they began to ring, monotonic. Without a time it may be the middle of the
    night: then nobody is away for not lifting.
    """
    if not now.by_hours or (now.monotonic - rang_since) * 1000 < MISSED_AFTER_MS:
        return
    service = desk.service
    for phone in [phone for phone in phones if phone in desk.office.phones]:
        desk.missed[phone] = desk.missed.get(phone, 0) + 1
        if desk.office.positions.goes_away(desk.missed[phone]):
            desk.missed.pop(phone)
            service = service.go_away(phone, Mark(AUTOMATIC, now.wall))
    yield from become(desk, service)


def present(desk: Desk, phone: str) -> Iterator[Order]:
    """Somebody lifted there: nothing is missed any more, and "away (automatic)" is over."""
    desk.missed.pop(phone, None)
    mark = desk.service.away_mark(phone)
    if mark is not None and mark.by == AUTOMATIC:
        yield from become(desk, desk.service.come_back(phone))


def heed(desk: Desk, before: ServiceState, now: Now) -> Iterator[Order]:
    """Follow a change of the manual states: reminders to come, and the head told of the last one.

    `before` is what held until now.
    """
    marks.plan_reminders(desk, now)
    _plan_reminders(desk, now)
    gone = [phone for phone, _ in desk.service.away if before.away_mark(phone) is None]
    switchboard = desk.office.switchboard
    if set(gone) & set(switchboard.phones) and _left_alone(desk, now):
        yield orders.QueueMail(_unattended_mail(desk, now))


def _left_alone(desk: Desk, now: Now) -> bool:
    """True when the switchboard is open and its last position has gone."""
    answer = opening(desk.office.switchboard.schedule, desk.service, now)
    by_hand = desk.service.expired(now.wall).unattended is not None
    alone = desk.group_state(desk.office.switchboard) is GroupState.UNATTENDED
    return answer.open and not by_hand and alone


def _unattended_mail(desk: Desk, now: Now) -> Mail:
    """Tell the head that nobody is left at the switchboard, and what ends that."""
    at, here = desk.office.local(now.wall), desk.office.switchboard.phones
    away = [(phone, mark.by == AUTOMATIC) for phone, mark in desk.service.away if phone in here]
    subject, body = (one.it if desk.office.languages[0] == "it" else one.en for one in LEFT_ALONE)
    names = ", ".join(f"{phone} (*)" if automatic else phone for phone, automatic in away)
    return Mail(
        f"unattended-{now.wall:%Y%m%dT%H%M%S}",
        HEAD,
        subject.format(at=f"{at:%H:%M}"),
        body.format(at=moment_words(at, desk.office.languages[0]), names=names),
    )


def _plan_reminders(desk: Desk, now: Now) -> None:
    after = desk.office.positions.remind_after_ms / 1000
    away = dict(desk.service.away)
    phones = (name for name in desk.reminders if not name.startswith(marks.STATE))
    for phone in [phone for phone in phones if phone not in away]:
        del desk.reminders[phone]
    for phone, mark in away.items():
        if after and phone in desk.office.phones and phone not in desk.reminders:
            waited = (now.wall - mark.since).total_seconds()
            desk.reminders[phone] = now.monotonic + max(0.0, after - waited)


def remind(desk: Desk, phone: str, now: Now) -> Iterator[Order]:
    """Ring a phone whose position has been away for long, while its group is served by people.

    Or remind of a manual state.
    """
    if phone.startswith(marks.STATE):
        yield from marks.remind(desk, phone, now)
        return
    mark = desk.service.away_mark(phone)
    if mark is None or phone not in desk.reminders:
        return
    groups = [group for group in desk.groups if phone in group.phones]
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    told: tuple[Order, ...] = ()
    if served and any(group_open(group, now) for group in groups):
        minutes = int((now.wall - mark.since).total_seconds()) // 60
        told = tuple(notices.tell(desk, phone, _reminder(desk, minutes), notices.BACK, now))
    desk.reminders[phone] = None if told else now.monotonic + AGAIN_S
    yield from told


def _reminder(desk: Desk, minutes: int) -> str:
    codes = (c.digits for c in desk.office.key_codes if c.what is StaffKey.AWAY and not c.on)
    code = next(codes, "")
    return f"Assente da {minutes} min{f', {code} per rientrare' if code else ''}"


def all_back(desk: Desk, now: Now) -> Iterator[Order]:
    """Sign on every desk: "all absent" has ended by itself (E4), and people are expected back."""
    served = opening(desk.office.switchboard.schedule, desk.service, now).open
    for phone in desk.office.phones if served else ():
        yield from notices.tell(desk, phone, "Tutti assenti: finito", notices.ALL_BACK, now)

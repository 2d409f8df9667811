"""What the closed greeting offers beside its reason: emergencies (E11), the menu of sheets (P1)."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.calls import orders
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.orders import Order
from appliance.policy import opening, routing
from appliance.policy.clock import Now
from appliance.policy.directory import Purpose, SecretNumber
from appliance.policy.office import Code, Duty, duties, silenced
from appliance.policy.requests import HEAD, Mail
from appliance.policy.routing import Decision
from appliance.policy.sheets import NOTHING_ADDED, Added
from appliance.policy.text import Words

BY_DAY = frozenset((*routing.GREETINGS.values(), opening.GREETINGS[Code.ABSENT]))
"""Greetings of an office that is open, or will be in a moment: people may yet answer."""


NOT_TOLD = (
    Words("Numero di turno non detto: {}", "Duty number not told: {}"),
    Words(
        "Il saluto a ufficio chiuso non dice più il numero di turno di {}: nella rubrica uffici "
        "non c'è un'autorizzazione scritta valida. Inserirne una nuova, oppure togliere l'unità da "
        "voicemail.duty.\n",
        "The closed greeting no longer tells the duty number of {}: the register of offices holds "
        "no written authorisation for it. Enter a new one, or take the unit out of "
        "voicemail.duty.\n",
    ),
)
"""What the head is told of a number that is left out: subject and text."""


def added(desk: Desk, decision: Decision, now: Now) -> Added:
    """Return what the greeting of a decision adds: something after hours, nothing by day."""
    if decision.greeting in BY_DAY:
        return NOTHING_ADDED
    night = desk.office.after_hours
    named = duties(desk.register, night.duty, now.wall, desk.office.zone)
    on_duty = [duty for duty in named if duty.number]
    emergency = ("emergency_112",) if night.emergency else ()
    numbers = (key for duty in on_duty for key in _number_of(duty))
    return Added(desk.menu, tuple(duty.unit for duty in on_duty), (*emergency, *numbers))


def told_at_last(desk: Desk, call: Call, now: Now) -> tuple[str, ...]:
    """Return whom to call in need, for a caller who stays and has not heard it yet; note that.

    What is authorised at this moment counts, not at that of the greeting (P7).
    """
    if not call.untold or call.decision is None:
        return ()
    found = added(desk, call.decision, now)
    call.tell(found.told)
    return found.emergencies


def warnings(desk: Desk, decision: Decision, now: Now) -> Iterator[Order]:
    """Tell the head, once a day, of a number on duty that the greeting had to leave out (E11)."""
    if decision.greeting in BY_DAY:
        return
    duty = desk.office.after_hours.duty
    is_italian, today = desk.office.languages[0] == "it", desk.office.today(now.wall)
    for left_out in silenced(desk.register, duty, now.wall, desk.office.zone):
        subject, body = (words.it if is_italian else words.en for words in NOT_TOLD)
        name = left_out.name
        mail = Mail(f"duty-{left_out.unit}-{today}", HEAD, subject.format(name), body.format(name))
        yield orders.QueueMail(mail)


def _number_of(duty: Duty) -> Iterator[str]:
    assert duty.number is not None, "only numbers that may be told are asked for"
    yield "duty_number"
    yield from (f"digit_{digit}" for digit in dialled(duty.number))


def dialled(number: SecretNumber) -> str:
    """Return a number as somebody in Italy dials it: no +39, another country's + as 00."""
    return number.reveal(Purpose.TELL).removeprefix("+39").replace("+", "00")

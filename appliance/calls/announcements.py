"""Announcements: names of the recorded prompts of greetings and other sentences.

Greetings by day and after hours, the words around a message, and why an office takes no calls now.
Only names of recordings ("it/greeting_closed"): the media gateway has the sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from appliance.calls import orders
from appliance.calls.events import Caller, MessageFetched, Presentation
from appliance.calls.model import Call, SwitchboardState
from appliance.calls.orders import Order
from appliance.errors import ConfigurationError
from appliance.policy import opening, routing
from appliance.policy.clock import Now
from appliance.policy.directory import (
    Directory,
    DutyNumber,
    duties_without_number,
    duty_numbers,
    needs_with_keys,
)
from appliance.policy.hours import Band
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.numbering import Purpose, SecretNumber
from appliance.policy.office import GreetingLength, Office
from appliance.policy.opening import ReasonCode
from appliance.policy.routing import Decision
from appliance.policy.sheets import NOTHING_OFFERED, GreetingOffer, Menu, title_prompts
from appliance.policy.transfers import TransferLater
from appliance.text import _

# ---- After hours: the closed greeting offers emergency numbers (E11) and sheets (P1) -------------

# Greetings of an office that is open, or will be in a moment: people may yet answer, so nothing is
# offered in their place.
BY_DAY = frozenset(
    (*routing.NOT_TAKEN_GREETINGS.values(), opening.CLOSED_GREETINGS[ReasonCode.ABSENT])
)


# Subject and text of the supervisor's mail about a duty number that is left out (E11).
NOT_TOLD = (
    _("Duty number not told: {office}"),
    _(
        "The closed greeting no longer tells the duty number of {office}: the register "
        "of offices holds no written authorisation for it. Enter a new one, or "
        "take the unit out of voicemail.duty.\n"
    ),
)


def added(board: SwitchboardState, decision: Decision, now: Now) -> GreetingOffer:
    """Return what a decision's greeting offers: after hours numbers and sheets, by day nothing."""
    # E11: by day nobody is told whom to call at night.
    if decision.greeting in BY_DAY:
        return NOTHING_OFFERED
    night = board.office.after_hours
    named = duty_numbers(board.directory, night.duty, now.wall, board.office.zone)
    on_duty = [duty for duty in named if duty.number]
    emergency = ("emergency_112",) if night.emergency else ()
    numbers = (key for duty in on_duty for key in _number_of(duty))
    return GreetingOffer(board.menu, tuple(duty.unit for duty in on_duty), (*emergency, *numbers))


def told_at_last(board: SwitchboardState, call: Call, now: Now) -> tuple[str, ...]:
    """Return the emergency prompts for a caller who has not heard them yet, and note them."""
    if not call.untold or call.decision is None:
        return ()
    # Anew, not as in the greeting: what counts is the authorisation at this moment (P7).
    found = added(board, call.decision, now)
    call.note_emergencies_told(found.told)
    return found.emergencies


def warnings(board: SwitchboardState, decision: Decision, now: Now) -> Iterator[Order]:
    """Mail the supervisor, once a day, about a duty number that the greeting leaves out (E11)."""
    if decision.greeting in BY_DAY:
        return
    duty = board.office.after_hours.duty
    language, today = board.office.languages[0], board.office.today(now.wall)
    for left_out in duties_without_number(board.directory, duty, now.wall, board.office.zone):
        subject, body = (words.filled(office=left_out.name).text(language) for words in NOT_TOLD)
        # The day in the mail's name makes it one a day: the outbox keeps a name once.
        mail = Mail(f"duty-{left_out.unit}-{today}", TO_HEAD, subject, body)
        yield orders.QueueMail(mail)


def _number_of(duty: DutyNumber) -> Iterator[str]:
    assert duty.number is not None, "only numbers that may be told are asked for"
    yield "duty_number"
    yield from (f"digit_{digit}" for digit in dialled(duty.number))


def dialled(number: SecretNumber) -> str:
    """Return a number as it is dialled in Italy: without +39, another country's + as 00."""
    return number.reveal(Purpose.TELL).removeprefix("+39").replace("+", "00")


# ---- Greetings and sentences ---------------------------------------------------------------------
# A greeting names the office, why nobody answers, when people do again, and how to leave a message;
# the tone follows within 20 s. The other language (E5), emergencies and sheets are heard by a key,
# which the greeting names. An office may choose the long form, which says everything at once.

Keys = tuple[str, ...]

# Tone after which the caller speaks; the same in every language.
TONE = "tone_record"

RING_BACK = "tone/ringback"
"""One period of the country's ring-back tone, for a phone that waits for another one to answer."""
HOLD_SIGN = "tone/hold"
"""A soft sign and a long silence, for the phone of an operator whose caller is on hold."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS = frozenset(
    {
        "comune", "info", "urp", "sportello", "protocollo", "pec", "it", "gov", "provincia",
        "unione", "ufficio", "segreteria", "centralino",
    }
)  # fmt: skip
"""Words of public addresses that are recorded whole (prompts/: word_...)."""
SIGNS = {"@": "sign_at", ".": "sign_dot", "-": "sign_dash", "_": "sign_underscore"}


def greeting(
    office: Office,
    decision: Decision,
    now: Now,
    added: GreetingOffer = NOTHING_OFFERED,
    language: str = "",
) -> Keys:
    """Return the prompts of voicemail's greeting for a decision, at `now`.

    `language`: the one that the caller has chosen by a key, "" for the first greeting.
    """
    if office.voicemail.greeting is GreetingLength.LONG:
        return _long(office, decision, now, added)
    spoken_in = language or office.languages[0]
    # A third language is offered again to a caller who has come to the second.
    first = _language_keys(office, language) if language else welcome(office)
    keys = _short(office, decision, now, added, spoken_in)
    return (*first, *(f"{spoken_in}/{key}" for key in keys))


def without_invitation(prompts: Keys) -> Keys:
    """Return a greeting that asks for no message."""
    return tuple(each for each in prompts if each.rpartition("/")[2] != "leave_message")


def welcome(office: Office) -> Keys:
    """Return the prompts that name the office, and the key of its other languages in each."""
    return (*for_staff(office, "welcome"), *_language_keys(office, office.languages[0]))


def _language_keys(office: Office, language: str) -> Keys:
    """Return the prompts that name LANGUAGE_KEY, in each language that it leads to from one on."""
    if office.voicemail.greeting is GreetingLength.LONG:
        return ()
    behind = office.languages[office.languages.index(language) + 1 :]
    return tuple(f"{other}/language_key" for other in behind)


def other_language(office: Office, language: str) -> str:
    """Return the language that LANGUAGE_KEY leads to, "" where there is only one."""
    # One key for all of them: each time it leads to the next one, behind the last to the first.
    if len(office.languages) == 1:
        return ""
    at = office.languages.index(language or office.languages[0])
    return office.languages[(at + 1) % len(office.languages)]


def tells_at_once(office: Office, added: GreetingOffer) -> bool:
    """True where the greeting itself names the emergency numbers: 112 alone, or the long form."""
    if office.voicemail.greeting is GreetingLength.LONG:
        return True
    return not (added.told or office.email or added.menu)


def more(office: Office, added: GreetingOffer, language: str) -> Keys:
    """Return the prompts behind MORE_KEY: emergencies, the address, the sheets; () for none."""
    keys = (*added.emergencies, *_address(office), *title_prompts(added.menu, language))
    # The long greeting has said all of it already.
    if not keys or office.voicemail.greeting is GreetingLength.LONG:
        return ()
    return tuple(f"{language}/{key}" for key in (*keys, "leave_message"))


def in_languages(office: Office, *keys: str, language: str = "") -> Keys:
    """Return prompts in the caller's language; with "" in every language of the office in turn."""
    spoken_in = (language,) if language else office.languages
    return tuple(f"{each}/{key}" for each in spoken_in for key in keys)


def for_staff(office: Office, key: str) -> Keys:
    """Return a prompt in the office's first language, for a phone of the office."""
    return (f"{office.languages[0]}/{key}",)


def tone(office: Office) -> Keys:
    """Return the tone after which a message is recorded."""
    return for_staff(office, TONE)


def with_menu(office: Office, before: Keys, menu: Menu, after: Keys) -> Keys:
    """Return prompts in every language of the office, with that language's sheets between them."""
    return tuple(
        f"{language}/{key}"
        for language in office.languages
        for key in (*before, *title_prompts(menu, language), *after)
    )


def menu_again(menu: Menu, language: str) -> Keys:
    """Return the prompts of one language's sheets, and of voicemail after them."""
    return tuple(f"{language}/{key}" for key in (*title_prompts(menu, language), "leave_message"))


def _short(
    office: Office, decision: Decision, now: Now, added: GreetingOffer, language: str
) -> Iterator[str]:
    """Yield the short greeting: why, when people answer again, how to leave a message."""
    yield from _reason(office, decision, now)
    yield "leave_message"
    if tells_at_once(office, added):
        yield from added.emergencies
    elif key := _key_for(office, added, language):
        yield key
    if office.voicemail.privacy:
        yield office.voicemail.privacy


def _key_for(office: Office, added: GreetingOffer, language: str) -> str:
    """Return the prompt that names MORE_KEY, "" where it leads to nothing."""
    # By language: an Italian caller is offered no key that would say nothing in Italian.
    has_more = bool(office.email or tuple(title_prompts(added.menu, language)))
    if added.emergencies:
        return "key_both" if has_more else "key_emergency"
    return "key_information" if has_more else ""


def _long(office: Office, decision: Decision, now: Now, added: GreetingOffer) -> Keys:
    """Return the long greeting: everything in every language, the address once."""
    # "leave_message" comes early in it: a caller need not hear the rest to reach the tone.
    notice = (office.voicemail.privacy,) if office.voicemail.privacy else ()
    keys = list(welcome(office))
    for language in office.languages:
        is_first = language == office.languages[0]
        said = (
            *_reason(office, decision, now),
            "leave_message",
            *added.emergencies,
            *title_prompts(added.menu, language),
            *(_address(office) if is_first else ()),
            *notice,
        )
        keys += [f"{language}/{key}" for key in said]
    return tuple(keys)


def _reason(office: Office, decision: Decision, now: Now) -> Iterator[str]:
    yield decision.greeting
    if decision.reopens_at:
        yield from reopening(office, decision, decision.reopens_at, now)


def _address(office: Office) -> Keys:
    """Return the spelt public address, where the office has one."""
    return ("write_to", *office.email) if office.email else ()


def reopening(office: Office, decision: Decision, at: datetime, now: Now) -> Keys:
    """Return when people answer again: today, tomorrow, a weekday, beyond six days the date."""
    # Up to the next five minutes, so that nobody calls too early.
    at, today = rounded_up(office.local(at)), office.today(now.wall)
    hour = (f"hour_{at.hour}", *((f"minute_{at.minute}",) if at.minute else ()))
    # E4: absent people come back today, they do not reopen; another day they do.
    if decision.greeting == "greeting_absent" and at.date() == today:
        return ("back_at", *hour)
    return (*_day(at, (at.date() - today).days), *hour)


def message_words(
    office: Office, fetched: MessageFetched, now: Now, first: Keys, after: Keys
) -> Keys:
    """Return when a message came and from whom, then the message itself.

    `first`: keys before it, `after`: keys behind it (what may be pressed). The time is rounded down
    to five minutes, "or so".
    """
    told = (*_received(office, fetched, now), *_from(fetched.caller))
    before, behind = staff_words(office, (*first, *told)), staff_words(office, after)
    return (*before, message_sound(fetched.message), *behind)


def message_sound(message: str) -> str:
    """Return the name of a message's sound that LoadMessage gave to the media gateway."""
    return f"message/{message}"


def _received(office: Office, fetched: MessageFetched, now: Now) -> Keys:
    # Better no time than a wrong one.
    if fetched.received_at is None:
        return ()
    at, today = office.local(fetched.received_at), office.today(now.wall)
    minute = at.minute - at.minute % 5
    hour = (f"hour_{at.hour}", *((f"minute_{minute}",) if minute else ()), "message_about")
    return (*_day_of_message(at, (today - at.date()).days), *hour)


def _day_of_message(at: datetime, days_ago: int) -> Keys:
    if not 0 <= days_ago <= 6:
        return ("message_on", f"day_{at.day}", f"month_{at.month}")
    near = {0: "today", 1: "yesterday"}
    return (f"message_{near.get(days_ago, WEEKDAYS[at.weekday()])}",)


def _from(caller: Caller) -> Keys:
    if caller.number:
        return ("message_from", *(f"digit_{digit}" for digit in caller.number))
    withheld = caller.presentation is Presentation.WITHHELD
    return ("message_withheld" if withheld else "message_unknown",)


def rounded_up(at: datetime) -> datetime:
    """Return the next whole five minutes, or the moment itself if it is one."""
    whole = at.replace(second=0, microsecond=0)
    missing = -whole.minute % 5 if whole == at else 5 - whole.minute % 5
    return whole + timedelta(minutes=missing)


def _day(at: datetime, days_ahead: int) -> Keys:
    if days_ahead > 6:
        return ("reopen_on", f"day_{at.day}", f"month_{at.month}")
    near = {0: "today", 1: "tomorrow"}
    return (f"reopen_{near.get(days_ahead, WEEKDAYS[at.weekday()])}",)


def spell_email(address: str) -> Keys:
    """Return an e-mail address as prompt keys: whole words where recorded, else by letter.

    Raises ConfigurationError for a character that has no prompt.
    """
    keys: list[str] = []
    for part in _parts(address.lower()):
        keys += [f"word_{part}"] if part in WORDS else [_sign(c, address) for c in part]
    return tuple(keys)


def _parts(address: str) -> list[str]:
    """Split at the signs, which stay as parts."""
    spaced = "".join(f" {c} " if c in SIGNS else c for c in address)
    return spaced.split()


def _sign(character: str, address: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if character.isascii() and character.isalpha():
        return f"letter_{character}"
    if character.isascii() and character.isdigit():
        return f"digit_{character}"
    raise ConfigurationError(
        f"e-mail {address!r}: {character!r} cannot be spoken; use a-z 0-9 @.-_"
    )


def staff_words(office: Office, keys: Keys) -> Keys:
    """Return several prompts in the office's first language, one after the other."""
    return tuple(word for key in keys for word in for_staff(office, key))


# ---- An office that takes no calls now (E23) -----------------------------------------------------

# Languages in which a start is spoken as the number of its hour alone: "dalle ore nove".
BARE = frozenset({"it"})


def not_now_words(board: SwitchboardState, later: TransferLater, now: Now) -> Keys:
    """Return office, closing, time windows and resumption; what is not known is left out."""
    office = board.office
    bands = later.begun(office.local(now.wall))
    return (
        *(_office_name(board, later) or _office_code(office, board.directory, later, now)),
        *_closed(later),
        *takes_calls(bands, office.languages[0]),
        *resumption(office, later.resumes_at, now),
    )


def _closed(later: TransferLater) -> Keys:
    """Return that the office is closed today, whatever its time windows."""
    if later.closing is None:
        return ()
    return ("greeting_holiday" if later.closing.is_holiday else "greeting_closed",)


def _office_name(board: SwitchboardState, later: TransferLater) -> Keys:
    """Return the office's spoken name, where it is recorded in the office's first language."""
    language, _, key = board.unit_names.get(later.unit.code, "").partition("/")
    return (key,) if language == board.office.languages[0] else ()


def _office_code(office: Office, directory: Directory, later: TransferLater, now: Now) -> Keys:
    """Return the digits of the office's code, for an office without a spoken name."""
    # The operator has keyed that code, and so knows it.
    codes = needs_with_keys(directory, office.today(now.wall))
    asked = (later.unit.code, later.need)
    code = next((c.need.code_keys for c in codes if (c.unit, c.need.code) == asked), "")
    return tuple(f"digit_{digit}" for digit in code)


def takes_calls(bands: tuple[Band, ...], language: str) -> Keys:
    """Return time windows one after the other, rounded to five minutes inside each."""
    said: list[str] = []
    for number, band in enumerate(bands):
        said.append("bands_and" if number else "bands_from")
        said += (*_start(band.start, language), "bands_to", *_end(band.end))
    return tuple(said)


def _start(at: time, language: str) -> Keys:
    """Return a start, rounded up to five minutes."""
    # Up: nobody is sent to an office that is not there yet.
    fives = -(-(at.hour * 60 + at.minute) // 5)
    number = fives // 12 % 24
    hour = _bare(number) if language in BARE else f"hour_{number}"
    return (hour, *_minute(fives % 12 * 5))


def _bare(hour: int) -> str:
    """Return the recording of a number alone."""
    # A day of the month is spoken as its number, but for the first ("primo").
    return f"day_{hour}" if hour > 1 else f"digit_{hour}"


def _end(at: time) -> Keys:
    """Return an end, rounded down to five minutes; 24:00 is zero hours."""
    return (f"hour_{at.hour}", *_minute(at.minute - at.minute % 5))


def _minute(minute: int) -> Keys:
    return (f"minute_{minute}",) if minute else ()


def resumption(office: Office, at: datetime | None, now: Now) -> Keys:
    """Return when an office takes calls again: today, tomorrow, or the date; () for None."""
    if at is None:
        return ()
    local = rounded_up(office.local(at))
    near = {0: ("resumes_today",), 1: ("resumes_tomorrow",)}
    date = ("resumes_on", f"day_{local.day}", f"month_{local.month}")
    ahead = (local.date() - office.today(now.wall)).days
    return (*near.get(ahead, date), f"hour_{local.hour}", *_minute(local.minute))

"""What the control socket may ask of the phone: one small function a word, in one table."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import TYPE_CHECKING, Any

from appliance.dsp.wav import Sound
from appliance.errors import OfficeError, PeerError
from appliance.testphone.laws import law_called
from appliance.testphone.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.testphone.phone import Phone

    Arguments = dict[str, Any]
    Command = Callable[[Phone, Arguments, float], Arguments]


def obey(phone: Phone, request: Arguments, now: float) -> Arguments:
    """Do what a request asks; the reply bears its id, and `error` with a sentence if it cannot."""
    reply: Arguments = {"id": request.get("id")}
    try:
        command = COMMANDS.get(str(request.get("do")))
        if command is None:
            raise OfficeError(f"no command {request.get('do')!r}: one of {', '.join(COMMANDS)}")
        return reply | command(phone, request, now)
    except (OfficeError, PeerError, ValueError) as error:
        return reply | {"error": str(error)}
    except (KeyError, TypeError, binascii.Error) as error:
        return reply | {"error": f"{request.get('do')} cannot be read: {error!r}"}


def _answer_mode(phone: Phone, given: Arguments, now: float) -> Arguments:
    phone.answer_mode(str(given["mode"]), int(given.get("after_ms", 0)), now)
    return {}


def _answer(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.answer(now)
    return {}


def _hang_up(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().hang_up(now)
    return {}


def _hold(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().hold(now)
    return {}


def _resume(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.current().resume(now)
    return {}


def _dial(phone: Phone, given: Arguments, now: float) -> Arguments:
    return {"call": phone.dial(str(given["called"]), now)}


def _say(phone: Phone, given: Arguments, _now: float) -> Arguments:
    data = base64.b64decode(given["data"], validate=True)
    phone.speech.say(Sound(data, law_called(given["law"])), bool(given.get("repeat")))
    return {}


def _echo(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.echo()
    return {}


def _be_silent(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    phone.speech.be_silent()
    return {}


def _press(phone: Phone, given: Arguments, _now: float) -> Arguments:
    phone.current()
    if _stream(phone).agreed.events is None:
        raise OfficeError("the other end takes no keys (no telephone-event in its description)")
    phone.speech.press(str(given["keys"]))
    return {}


def _received(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    heard = _stream(phone).recorder.heard()
    fields = dataclasses.asdict(heard)
    return fields | {"data": base64.b64encode(heard.data).decode()}


def _stats(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    figures = _stream(phone).figures.summary()
    more = {"echo_dropped": phone.speech.echo_dropped, "sip_nonsense": phone.wire.nonsense}
    return {"stats": figures | more}


def _state(phone: Phone, _given: Arguments, _now: float) -> Arguments:
    return {
        "is_on": phone.is_on,
        "is_registered": phone.registration.is_registered,
        "mode": phone.mode,
        "call": str(phone.call.state) if phone.call else "none",
    }


def _stop(phone: Phone, _given: Arguments, now: float) -> Arguments:
    phone.stop(now)
    return {}


def _stream(phone: Phone) -> Stream:
    if phone.call is None or phone.call.stream is None:
        raise OfficeError("no call was answered yet")
    return phone.call.stream


COMMANDS: dict[str, Command] = {
    "answer_mode": _answer_mode,
    "answer": _answer,
    "hang_up": _hang_up,
    "hold": _hold,
    "resume": _resume,
    "dial": _dial,
    "say": _say,
    "echo": _echo,
    "be_silent": _be_silent,
    "press": _press,
    "received": _received,
    "stats": _stats,
    "state": _state,
    "stop": _stop,
}

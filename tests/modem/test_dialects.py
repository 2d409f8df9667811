"""Kinds of modem as data (v253.md 1.2, 1.5, 8)."""

from __future__ import annotations

import pytest

from appliance.dsp.wav import Law
from appliance.modem.dialects import (
    ACTIONS,
    CONEXANT,
    DIALECTS,
    GENERIC,
    USR5637,
    Dialect,
    VoiceFormat,
    choose_vsm,
    identify,
)
from appliance.modem.events import Stream
from tests.modem.fake_modem import CX_FORMATS, USR_FORMATS


@pytest.mark.parametrize(
    ("reply", "dialect", "expected"),
    [
        (CX_FORMATS, CONEXANT, VoiceFormat(131, Law.ULAW, "AT+VSM=131,8000")),
        (CX_FORMATS[:4], CONEXANT, VoiceFormat(1, Law.LINEAR8, "AT+VSM=1,8000")),
        (CX_FORMATS[5:], CONEXANT, VoiceFormat(132, Law.ALAW, "AT+VSM=132,8000")),
        (USR_FORMATS, USR5637, VoiceFormat(128, Law.LINEAR8, "AT+VSM=128,8000")),
        (USR_FORMATS[1:], USR5637, VoiceFormat(131, Law.ULAW, "AT+VSM=131,8000")),
        (USR_FORMATS, GENERIC, VoiceFormat(131, Law.ULAW, "AT+VSM=131,8000")),
        ((), CONEXANT, VoiceFormat(1, Law.LINEAR8, "AT+VSM=1,8000")),
        ((), USR5637, VoiceFormat(128, Law.LINEAR8, "AT+VSM=128,8000")),
        ((), GENERIC, None),
        (('+VSM: 5,"ULAW",8,0,8000,0,0',), GENERIC, VoiceFormat(5, Law.ULAW, "AT+VSM=5,8000")),
        (('7,"G.711 A-LAW"',), GENERIC, VoiceFormat(7, Law.ALAW, "AT+VSM=7,8000")),
        (('9,"UNSIGNED PCM",8000,0,0',), GENERIC, VoiceFormat(9, Law.LINEAR8, "AT+VSM=9,8000")),
        (('9,"MU-LAW",8,0,(4000-11025)',), GENERIC, VoiceFormat(9, Law.ULAW, "AT+VSM=9,8000")),
        (('9,"MU-LAW",8,0,(9000-11025)',), GENERIC, None),
        (('9,"MU-LAW",8,0,7200,0,0',), GENERIC, None),
        (('9,"UNSIGNED PCM",16,0,8000,0,0', "noise"), GENERIC, None),
        (('128,"16-BIT LINEAR",(8000)', '0,"SIGNED PCM",8,0,8000'), GENERIC, None),
    ],
)
def test_formats_are_chosen_by_their_text(
    reply: tuple[str, ...], dialect: Dialect, expected: VoiceFormat | None
) -> None:
    """The same number means different formats; the rate must allow 8000."""
    assert choose_vsm(reply, dialect) == expected


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("+GMI: CONEXANT", "CX93001-EIS_V0.2013-V92"), "conexant"),
        (("CX93010",), "conexant"),
        (("U.S. Robotics 56K FAX USB V1.2.23",), "usr5637"),
        (("USRobotics",), "usr5637"),
        (("Silicon Labs",), "generic"),
        ((), "generic"),
    ],
)
def test_a_modem_is_identified_by_its_own_words(lines: tuple[str, ...], name: str) -> None:
    """+GMI and ATI3 tell the make; an unknown one speaks plain V.253."""
    assert identify(lines).name == name


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda d: d.name)
def test_every_dialect_is_whole(dialect: Dialect) -> None:
    """Each stream has an action and an end, each end is shielded, no dialect selects XON/XOFF."""
    assert set(dialect.ends) == set(ACTIONS) == set(Stream)
    assert all(end[:1] == b"\x10" for ends in dialect.ends.values() for end in ends)
    assert not any("+IFC" in text or "&K4" in text for text in (*dialect.set_up, *dialect.extras))

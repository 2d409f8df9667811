"""B9: keys of a caller who came over from another branch stand in the sound alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.calls import orders
from appliance.calls.events import DigitPressed, DigitSource, PromptEnded
from appliance.dsp import g711
from appliance.dsp.dtmf import dtmf
from appliance.dsp.wav import Law
from tests.helpers import sound
from tests.media.office import memory
from tests.media.test_switch_dictation import Dictating

WORD = sound.babble(2.0, seed=3)


@pytest.fixture
def pair() -> Iterator[Dictating]:
    """Two legs, the first one the caller's, and call control."""
    made = Dictating()
    made.switch.prompts = memory({"it/word": WORD, "it/hold": WORD})
    yield made
    made.phone.close()
    made.other.close()
    made.control.close()


def pressed(pair: Dictating, keys: str) -> list[str]:
    """Have the caller press keys; returns which of them were told meanwhile."""
    before = len(pair.told)
    pair.phone.say(g711.encode(dtmf(keys), Law.ULAW))
    pair.world.run(200 * (len(keys) + 2))
    told = [fact for fact in pair.told[before:] if isinstance(fact, DigitPressed)]
    assert {(fact.source, fact.leg) for fact in told} <= {(DigitSource.SOUND, "leg1")}
    return [fact.digit for fact in told]


def test_keys_are_heard_while_the_caller_is_spoken_to_or_held(pair: Dictating) -> None:
    """As on a line; not while people talk, nor of a phone that is only told something."""
    pair.order(orders.Play("p1", ("it/word",), leg="leg1", keys=True))
    assert pressed(pair, "15") == ["1", "5"]
    pair.order(orders.Hold(leg="leg1"))
    assert pressed(pair, "9") == ["9"]
    pair.order(orders.Join("leg1", "leg2"))
    assert pressed(pair, "7") == []
    pair.order(orders.Play("p2", ("it/word",), leg="leg1"))
    assert pressed(pair, "3") == []


def test_listening_is_silence_until_the_next_order(pair: Dictating) -> None:
    """The announcement before is cut short; keys are heard; its end is nobody's."""
    pair.order(orders.Play("p1", ("it/word",), leg="leg1", keys=True))
    pair.world.run(100)
    pair.order(orders.Listen(leg="leg1"))
    assert PromptEnded("p1", whole=False) in pair.told
    pair.world.run(3000)
    before = len(pair.phone.heard)
    assert pressed(pair, "1") == ["1"]
    assert set(pair.phone.heard[before:]) == {0xFF}
    assert [fact for fact in pair.told if isinstance(fact, PromptEnded)] == [
        PromptEnded("p1", whole=False)
    ]


@pytest.mark.parametrize(("keys", "told"), [(True, ["#"]), (False, [])])
def test_the_key_that_ends_a_message_is_told(pair: Dictating, keys: bool, told: list[str]) -> None:
    """Of a caller's message alone: whoever dictates at a phone has keys apart."""
    pair.order(orders.RecordLeg("call1", "leg1", 10_000, 3_000, 5_000, keys=keys))
    assert pressed(pair, "#") == told

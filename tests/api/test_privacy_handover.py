"""What is asked at the control socket about handing over (E19); nonsense gets a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.api.privacy import MOST_ITEMS, read_handover
from appliance.errors import OfficeError
from appliance.policy.users import HandoverItem, HandoverKind
from tests.helpers.wire import wish
from tests.policy.small_directory import rome

AT = rome("2026-11-25 14:00")
ASKED: dict[str, Any] = {"ask": "hand_over", "by": "carla", "to": "dino", "items": ["call:7"]}


def test_a_question_is_read() -> None:
    """Who, to whom, what, each once; a position where there is one; nobody named is all."""
    items = ["message:1", "call:7", "call:7"]
    asked = read_handover(
        wish(ASKED | {"position": "op1", "to": None, "items": items}, "hand_over"), AT
    )
    assert (asked.by, asked.position, asked.to, asked.at) == ("carla", "op1", "", AT)
    assert asked.items == (
        HandoverItem(HandoverKind.MESSAGE, 1),
        HandoverItem(HandoverKind.CALL, 7),
    )


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"by": ""}, "by is needed"),
        ({"items": "call:7"}, "items has to be a list"),
        ({"items": ["call:7"] * (MOST_ITEMS + 1)}, "at most"),
        ({"items": ["fax:7"]}, "nothing to hand over"),
        ({"items": ["call:x"]}, "nothing to hand over"),
        ({"items": [7]}, "items has to be a text"),
        ({"items": ["call:" + "9" * 40]}, "nothing to hand over"),
        ({"items": ["call:0"]}, "a number that nothing has"),
        ({"items": ["call:1000000000"]}, "a number that nothing has"),
    ],
)
def test_what_cannot_be_asked_is_said(wrong: dict[str, Any], sentence: str) -> None:
    """One sentence: what is wrong."""
    with pytest.raises(OfficeError, match=sentence):
        read_handover(wish(ASKED | wrong, "hand_over"), AT)

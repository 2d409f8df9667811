"""Handing over (E19): what may be given to whom, by whom, and how a refusal reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.policy.text import SaidError
from appliance.policy.users import (
    HANDOVER_TO_ALL,
    HandoverItem,
    HandoverKind,
    Role,
    User,
    check_handover,
    handover_words,
    may_hand_over,
)

CARLA = User("carla", "Carla Blu", frozenset({Role.OPERATOR}), position="op1")
DINO = User("dino", "Dino Rosa", frozenset({Role.CLERK}))
MESSAGE, REQUEST = HandoverItem(HandoverKind.MESSAGE, 1), HandoverItem(HandoverKind.REQUEST, 1)


def test_what_may_be_handed_over() -> None:
    """To all whatever one has; to a colleague what the colleague may deal with."""
    check_handover((MESSAGE, REQUEST), CARLA, None, HANDOVER_TO_ALL)
    check_handover((REQUEST,), CARLA, DINO, "dino")


@pytest.mark.parametrize(
    ("items", "giver", "taker", "it", "en"),
    [
        ((), CARLA, DINO, "niente da consegnare", "Nothing was chosen"),
        ((REQUEST,), None, DINO, "utente del programma", "a user of the programme"),
        ((REQUEST,), replace(CARLA, disabled=True), DINO, "utente del", "a user of"),
        ((REQUEST,), CARLA, None, "Quel collega non c'è", "no such colleague"),
        ((REQUEST,), CARLA, replace(DINO, disabled=True), "Quel collega", "no such colleague"),
        (
            (REQUEST, MESSAGE),
            CARLA,
            DINO,
            "Dino Rosa non può ascoltare e chiudere i messaggi",
            "Dino Rosa is not allowed hearing and closing messages",
        ),
        ((MESSAGE,), DINO, CARLA, "Dino Rosa non può", "Dino Rosa is not allowed"),
    ],
)
def test_what_is_refused_is_said(
    items: tuple[HandoverItem, ...], giver: User | None, taker: User | None, it: str, en: str
) -> None:
    """Nothing chosen, nobody known, nobody who may: in both languages."""
    with pytest.raises(SaidError) as refused:
        check_handover(items, giver, taker, "dino")
    assert it in refused.value.words.text("it")
    assert en in refused.value.words.text("en")


@pytest.mark.parametrize(
    ("kind", "holder", "to", "may"),
    [
        (HandoverKind.MESSAGE, "carla", "dino", True),
        (HandoverKind.MESSAGE, "op1", HANDOVER_TO_ALL, True),  # taken on the phone where she sits
        (HandoverKind.MESSAGE, "op1", "carla", True),  # a position is not a person
        (HandoverKind.MESSAGE, "carla", "carla", False),
        (HandoverKind.MESSAGE, "dino", "anna", False),  # somebody else's
        (HandoverKind.MESSAGE, "", "carla", False),  # it is taken in its own place
        (HandoverKind.REQUEST, "", "carla", True),
        (HandoverKind.REQUEST, "", "dino", False),
        (HandoverKind.REQUEST, "", HANDOVER_TO_ALL, False),
    ],
)
def test_one_gives_what_is_ones_own(kind: HandoverKind, holder: str, to: str, may: bool) -> None:
    """By name or by position; a request that nobody follows is for whoever takes it."""
    assert may_hand_over(kind, holder, "carla", "op1", to) is may


def test_what_was_done_is_said() -> None:
    """How many, to whom; and how many were no longer theirs."""
    assert handover_words(3, 0, "Dino Rosa").text("it") == "Consegnate a Dino Rosa: 3."
    assert (
        handover_words(2, 1, HANDOVER_TO_ALL).text("it")
        == "Consegnate a tutti: 2. Non più sue, restano dove sono: 1."
    )
    assert (
        handover_words(2, 1, HANDOVER_TO_ALL).text("en")
        == "Handed over to all: 2. Not yours any more, left: 1."
    )

"""What becomes of a message (P9, E16): one table, entries only added, one person at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import OfficeError
from appliance.policy.voicemail import (
    MESSAGE_STATE_AFTER,
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageState,
    MessageStep,
    care_of,
    check_entry,
    standing,
)
from tests.policy.small_directory import rome

TEN = rome("2026-11-25 10:00")
NAME = "message 17"


def entry(step: MessageStep, by: str = "Anna", minute: int = 0, note: str = "") -> MessageEntry:
    """Make an entry `minute` minutes past ten; closing is CALLED_BACK, a gift is for Bruno."""
    outcome = MessageOutcome.CALLED_BACK if step is MessageStep.CLOSE else None
    to = "Bruno" if step is MessageStep.GIVE else ""
    return MessageEntry(TEN + timedelta(minutes=minute), by, step, outcome, note, to)


TAKEN = care_of([entry(MessageStep.TAKE)])
CLOSED = care_of([entry(MessageStep.CLOSE)])
IN_STATE = {MessageState.NEW: MessageCare(), MessageState.TAKEN: TAKEN, MessageState.CLOSED: CLOSED}


@pytest.mark.parametrize("state", MessageState)
@pytest.mark.parametrize("step", MessageStep)
def test_every_state_and_step_is_in_the_table_or_refused(
    state: MessageState, step: MessageStep
) -> None:
    """What the table has no row for is refused in a sentence that names the message."""
    care = IN_STATE[state]
    assert care.state is state
    if step is MessageStep.TAKE_BACK:
        care = care_of([*_history(state), entry(MessageStep.NOTE, note="ciao")])
    if step in MESSAGE_STATE_AFTER[state]:
        check_entry(care, entry(step), NAME)
        assert care_of([*_history(state), entry(step)]).state is MESSAGE_STATE_AFTER[state][step]
    else:
        with pytest.raises(OfficeError, match=NAME):
            check_entry(care, entry(step), NAME)


def _history(state: MessageState) -> list[MessageEntry]:
    steps = {MessageState.NEW: [], MessageState.TAKEN: [MessageStep.TAKE]}
    return [entry(step) for step in steps.get(state, [MessageStep.CLOSE])]


@pytest.mark.parametrize("step", [MessageStep.TAKE, MessageStep.FAIL, MessageStep.CLOSE])
def test_nobody_else_calls_back_while_somebody_has_it(step: MessageStep) -> None:
    """E16: the second person is told who has the message, and since when."""
    with pytest.raises(OfficeError, match=r"message 17: Anna has it since 25 November at 10:00"):
        check_entry(TAKEN, entry(step, "Bruno"), NAME)


def test_the_holders_time_is_told_in_the_sites_zone() -> None:
    """The records keep UTC, people read the clock on the wall."""
    stored = replace(TAKEN, since=TEN.astimezone(UTC))
    with pytest.raises(OfficeError, match=r"Anna has it since 25 November at 10:00"):
        check_entry(stored, entry(MessageStep.TAKE, "Bruno"), NAME, TEN.tzinfo)


def test_without_a_known_time_the_holder_is_still_named() -> None:
    """A record that does not know since when names who has it, and no time."""
    with pytest.raises(OfficeError, match=r"message 17: Anna has it; ask, or release it first"):
        check_entry(replace(TAKEN, since=None), entry(MessageStep.TAKE, "Bruno"), NAME)


def _named(login: str) -> str:
    return {"Anna": "Anna Verdi"}.get(login, login)


def test_who_has_it_is_told_by_name() -> None:
    """A login is no person's name; of a closed one, too."""
    for care, step in ((TAKEN, MessageStep.TAKE), (CLOSED, MessageStep.CLOSE)):
        with pytest.raises(OfficeError, match=r"Anna Verdi"):
            check_entry(care, entry(step, "Bruno"), NAME, None, _named)


@pytest.mark.parametrize(
    "step", [MessageStep.RELEASE, MessageStep.GIVE, MessageStep.NOTE, MessageStep.HEAR]
)
def test_what_a_colleague_may_do_with_it(step: MessageStep) -> None:
    """A colleague may hear it, add words, and set it free or
    give it on: whoever has it may be ill."""
    assert check_entry(TAKEN, entry(step, "Bruno"), NAME)


def test_taking_it_again_changes_nothing() -> None:
    """Whoever has it already has it since the first time."""
    assert not check_entry(TAKEN, entry(MessageStep.TAKE, minute=5), NAME)


def test_closing_again_in_the_same_words_changes_nothing() -> None:
    """The first closing stands; another person's or outcome's is refused, naming the first."""
    assert not check_entry(CLOSED, entry(MessageStep.CLOSE, minute=5), NAME)
    with pytest.raises(OfficeError, match="already closed by Anna"):
        check_entry(CLOSED, entry(MessageStep.CLOSE, "Bruno"), NAME)


def test_somebody_does_it_and_an_outcome_is_told_when_closing() -> None:
    """P9: closed with an outcome, by somebody; nothing else has an outcome."""
    with pytest.raises(OfficeError, match="say who"):
        check_entry(MessageCare(), entry(MessageStep.TAKE, " "), NAME)
    for wrong in (
        MessageEntry(TEN, "Anna", MessageStep.CLOSE),
        MessageEntry(TEN, "Anna", MessageStep.TAKE, MessageOutcome.NO_NUMBER),
    ):
        with pytest.raises(OfficeError, match="an outcome"):
            check_entry(MessageCare(), wrong, NAME)


def test_given_to_a_colleague_it_is_theirs() -> None:
    """E19: from then on the colleague has it, and whoever had it does no more than anybody."""
    care = care_of([entry(MessageStep.TAKE), entry(MessageStep.GIVE, minute=30)])
    assert (care.state, care.holder) == (MessageState.TAKEN, "Bruno")
    assert care.since == TEN + timedelta(minutes=30)
    with pytest.raises(OfficeError, match="Bruno has it since"):
        check_entry(care, entry(MessageStep.CLOSE, "Anna"), NAME)
    assert check_entry(care, entry(MessageStep.CLOSE, "Bruno"), NAME)


def test_given_to_whom_has_it_already_nothing_changes() -> None:
    """The same gift twice is one."""
    assert not check_entry(
        care_of([entry(MessageStep.TAKE, "Bruno")]), entry(MessageStep.GIVE), NAME
    )


def test_a_gift_names_whom_it_is_for_and_nothing_else_does() -> None:
    """Who gave what to whom and when (E19): never to nobody, which is to release it."""
    for wrong in (
        MessageEntry(TEN, "Anna", MessageStep.GIVE),
        MessageEntry(TEN, "Anna", MessageStep.NOTE, to="Bruno"),
    ):
        with pytest.raises(OfficeError, match="whom it is given to"):
            check_entry(TAKEN, wrong, NAME)


def test_all_that_was_done_is_in_the_sum() -> None:
    """Who heard it when, failed call-backs with their times, notes, alerts, who has it since."""
    steps = [
        entry(MessageStep.HEAR, "op1", 1),
        entry(MessageStep.ALERT_UNHEARD, "box", 2),
        entry(MessageStep.TAKE, "Anna", 3, "provo subito"),
        entry(MessageStep.FAIL, "Anna", 4),
        entry(MessageStep.FAIL, "Anna", 9),
        entry(MessageStep.NOTE, "Bruno", 10, "meglio dopo le 15"),
    ]
    care = care_of(steps)
    assert care.heard == (("op1", TEN + timedelta(minutes=1)),)
    assert care.failed == (TEN + timedelta(minutes=4), TEN + timedelta(minutes=9))
    assert [each.note for each in care.notes] == ["provo subito", "meglio dopo le 15"]
    assert care.alerted == {MessageStep.ALERT_UNHEARD}
    assert (care.holder, care.since) == ("Anna", TEN + timedelta(minutes=3))


@pytest.mark.parametrize("step", [MessageStep.RELEASE, MessageStep.REOPEN])
def test_set_free_or_opened_again_it_is_nobodys(step: MessageStep) -> None:
    """A message that was set free, or closed by mistake, is for whoever takes it next."""
    before = [entry(MessageStep.TAKE)] + (
        [entry(MessageStep.CLOSE)] if step is MessageStep.REOPEN else []
    )
    care = care_of([*before, entry(step)])
    assert (care.state, care.holder, care.closing) == (MessageState.NEW, "", None)
    assert check_entry(care, entry(MessageStep.TAKE, "Bruno"), NAME)


@given(st.lists(st.tuples(st.sampled_from(MessageStep), st.sampled_from(["Anna", "Bruno"]))))
def test_in_any_order_one_person_has_it_at_most(asked: list[tuple[MessageStep, str]]) -> None:
    """Whatever is asked by two people: nobody closes or calls back what the other one has."""
    done: list[MessageEntry] = []
    for minute, (step, by) in enumerate(asked):
        care, wanted = care_of(done), entry(step, by, minute)
        try:
            if check_entry(care, wanted, NAME):
                done.append(wanted)
        except OfficeError:
            continue
        if care.state is MessageState.TAKEN and step in {MessageStep.FAIL, MessageStep.CLOSE}:
            assert by == care.holder
    assert (care_of(done).closing is not None) == (care_of(done).state is MessageState.CLOSED)


def test_an_attempt_and_a_note_are_taken_back_by_their_author() -> None:
    """The last one first; what others have entered, and what leads nowhere back, stays."""
    fail, note = entry(MessageStep.FAIL), entry(MessageStep.NOTE, note="richiama alle 15")
    other = entry(MessageStep.NOTE, by="Bruno", note="è mio cugino")
    back = entry(MessageStep.TAKE_BACK)
    whole = [fail, note, other]
    assert standing([*whole, back]) == (fail, other)
    assert standing([*whole, back, back]) == standing([*whole, back, back, back]) == (other,)
    care = care_of([*whole, back])
    assert (care.failed, care.notes) == ((TEN,), (other,))
    assert care_of([entry(MessageStep.TAKE), fail, back]) == TAKEN
    assert check_entry(care_of(whole), back, NAME)


@pytest.mark.parametrize(
    ("entries", "by", "minute"),
    [
        ([], "Anna", 0),
        ([entry(MessageStep.TAKE)], "Anna", 0),
        ([entry(MessageStep.FAIL)], "Bruno", 0),
        ([entry(MessageStep.FAIL)], "Anna", 2),
    ],
)
def test_what_cannot_be_taken_back(entries: list[MessageEntry], by: str, minute: int) -> None:
    """Nothing of one's own, or too long ago: what was counted stands."""
    with pytest.raises(OfficeError, match="nothing can be taken back"):
        check_entry(care_of(entries), entry(MessageStep.TAKE_BACK, by, minute), NAME)

"""The outbox's turns (reliability.md 4): doubling waits, five days, nobody stuck behind others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.mail import (
    GIVE_UP_MS,
    LONGEST_RETRY_MS,
    LONGEST_SERVER_RETRY_MS,
    TO_HEAD,
    DeliveryVerdict,
    MailState,
    QueuedMail,
    RetryQueue,
    given_up_words,
    retried_words,
    retry_ms,
    sent_again_words,
)
from tests.helpers.words import pair

DAY_S = 86_400.0


def test_waits_double_from_a_minute_to_four_hours() -> None:
    """1, 2, 4 … minutes, then every four hours."""
    minutes = [retry_ms(n) // 60_000 for n in range(1, 11)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 240, 240]
    assert retry_ms(10_000) == LONGEST_RETRY_MS


def one(tried_ms: int = 0) -> RetryQueue:
    """Begin with one notice in the queue, at 100 s."""
    turns = RetryQueue()
    turns.learn([QueuedMail(1, 0, tried_ms)], 100.0)
    return turns


def test_a_new_notice_is_due_at_once_and_put_off_it_waits() -> None:
    """The first try is at once; the server's 4xx puts this one off, not the others."""
    turns = one()
    assert (turns.next(100.0), turns.wait_s(90.0)) == (1, 10.0)
    assert turns.heard(1, DeliveryVerdict.LATER, 101.0) == (
        MailState.QUEUED,
        QueuedMail(1, 1, 1000),
    )
    assert (turns.next(101.0), turns.wait_s(101.0)) == (None, 60.0)
    turns.learn([QueuedMail(1, 1, 1000), QueuedMail(2)], 102.0)
    assert turns.next(102.0) == 2
    turns.learn([], 103.0)
    assert turns.wait_s(103.0) is None


def test_nothing_waits_for_nothing() -> None:
    """An empty outbox wakes nobody."""
    assert (RetryQueue().next(0.0), RetryQueue().wait_s(0.0)) == (None, None)


def test_refused_for_good_is_dead_at_once_and_others_go_on() -> None:
    """A 5xx on a recipient: the alarm at once; it concerns no other notice."""
    turns = one()
    turns.learn([QueuedMail(1), QueuedMail(2)], 100.0)
    assert turns.heard(1, DeliveryVerdict.REFUSED, 100.5)[0] is MailState.DEAD
    turns.learn([QueuedMail(2)], 100.5)
    assert turns.next(100.5) == 2
    assert turns.heard(2, DeliveryVerdict.SENT, 101.0)[0] is MailState.SENT


def test_five_days_of_trying_are_the_end() -> None:
    """By running time: what was tried in earlier runs counts, what lay still does not."""
    turns = one(GIVE_UP_MS - 60_000)
    assert turns.heard(1, DeliveryVerdict.LATER, 159.0)[0] is MailState.QUEUED
    assert turns.heard(1, DeliveryVerdict.AWAY, 160.0)[0] is MailState.DEAD


def test_a_server_that_is_away_keeps_everybody_waiting_but_not_long() -> None:
    """One try a time, 1 to 15 minutes apart; the first that gets through ends it for all."""
    turns = one()
    turns.learn([QueuedMail(1), QueuedMail(2)], 100.0)
    now, waits = 100.0, []
    for _ in range(7):
        number = turns.next(now)
        assert number is not None
        state, _ = turns.heard(number, DeliveryVerdict.AWAY, now)
        assert state is MailState.QUEUED
        assert turns.next(now) is None
        wait = turns.wait_s(now)
        assert wait is not None
        waits.append(wait / 60)
        now += wait
    assert waits == [1, 2, 4, 8, LONGEST_SERVER_RETRY_MS / 60_000, 15, 15]
    first = turns.next(now)
    assert first is not None
    turns.heard(first, DeliveryVerdict.SENT, now)
    turns.learn([QueuedMail(n, 4) for n in (1, 2) if n != first], now)
    assert turns.next(now) == 3 - first


def test_somebody_may_ask_for_another_try_now() -> None:
    """`outbox retry`: neither the notice's wait nor the server's holds."""
    turns = one()
    turns.heard(1, DeliveryVerdict.MISSET, 100.0)
    assert turns.next(101.0) is None
    turns.hurry(101.0)
    assert turns.next(101.0) == 1


def test_new_and_deferred_take_turns() -> None:
    """A fresh notice is not stuck behind the backlog, nor the backlog behind fresh ones."""
    turns = RetryQueue()
    turns.learn([QueuedMail(n) for n in (1, 2, 3)], 0.0)
    for number in (1, 2, 3):
        turns.heard(number, DeliveryVerdict.LATER, 0.0)
    turns.learn([QueuedMail(n, 1) for n in (1, 2, 3)] + [QueuedMail(4), QueuedMail(5)], 100.0)
    order = []
    for _ in range(4):
        turn = turns.next(100.0)
        assert turn is not None
        order.append(turn > 3)
        turns.heard(turn, DeliveryVerdict.LATER, 100.0)
    assert order in ([True, False] * 2, [False, True] * 2)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(set(DeliveryVerdict) - {DeliveryVerdict.SENT})),
            st.floats(0, 600),
        ),
        max_size=60,
    )
)
def test_whatever_the_server_says_a_notice_is_tried_or_told(
    said: list[tuple[DeliveryVerdict, float]],
) -> None:
    """Never forgotten: it waits for a time at most as long as the longest wait, or is dead."""
    turns, now = one(), 100.0
    for verdict, more in said:
        wait = turns.wait_s(now)
        assert wait is not None
        assert wait <= LONGEST_RETRY_MS / 1000
        now += wait + more
        number = turns.next(now)
        assert number == 1
        state, _ = turns.heard(1, verdict, now)
        if state is MailState.DEAD:
            assert verdict is DeliveryVerdict.REFUSED or now - 100.0 >= GIVE_UP_MS / 1000 - 1
            return


def test_what_a_person_does_with_a_mail_is_confirmed() -> None:
    """A retry, a second sending and a mail given up each name the mail.

    Without another recipient the sentence names none: the head's address is no operator's matter.
    """
    assert retried_words(4) == pair("E-mail 4: si riprova subito.", "Mail 4: tried again now.")
    assert sent_again_words(4, TO_HEAD) == pair(
        "E-mail 4: si invia di nuovo.", "Mail 4: sent again."
    )
    assert sent_again_words(4, "urp@comune.example") == pair(
        "E-mail 4: si invia di nuovo a urp@comune.example.",
        "Mail 4: sent again to urp@comune.example.",
    )
    assert given_up_words(4) == pair(
        "E-mail 4: abbandonata; resta in elenco.", "Mail 4: given up; it stays listed."
    )

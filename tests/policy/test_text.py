"""Words of the policy that are put together in each language."""

from __future__ import annotations

from appliance.policy.text import capitalized, one_of
from appliance.text import by_language, unchanged
from tests.helpers.words import pair


def test_alternatives_are_joined_in_each_language() -> None:
    """One stands by itself; several have the language's own word between them."""
    names = [unchanged(name) for name in "abc"]
    assert one_of(names[:1]) == unchanged("a")
    assert one_of(names) == pair("a o b o c", "a or b or c")


def test_a_sentence_begins_with_a_capital_letter() -> None:
    """Only the first letter changes; nothing stays nothing."""
    assert capitalized(pair("è la PEC", "it is PEC")) == pair("È la PEC", "It is PEC")
    assert capitalized(unchanged("")) == by_language(lambda _language: "")

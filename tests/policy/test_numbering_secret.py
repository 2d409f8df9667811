"""Numbers that may not be told (P7): whatever prints them shows a mask."""

from __future__ import annotations

import ast
import copy
import dataclasses
import json
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import appliance
from appliance.policy.directory import Reach, TransferTarget
from appliance.policy.numbering import MASK, Purpose, SecretNumber

NUMBERS = st.text("0123456789", min_size=4, max_size=15)
SOURCES = Path(appliance.__file__).parent


@given(NUMBERS)
def test_nothing_prints_the_digits(digits: str) -> None:
    """str, repr, format of every kind, percent, JSON by str, dataclasses, containers: a mask."""
    number = SecretNumber(digits)
    target = TransferTarget(Reach.PBX, number, "interno")
    printed = (
        str(number),
        repr(number),
        f"{number:>20}",
        f"{number!r}",
        "%s %r" % (number, number),  # noqa: UP031 - the old way must mask too
        json.dumps({"n": number}, default=str, ensure_ascii=False),
        str(target),
        repr([target, {number: number}]),
        str(dataclasses.asdict(target)),
        str(dataclasses.astuple(target)),
        str(copy.copy(number)) + str(copy.deepcopy(target)),
    )
    assert all(digits not in text and MASK in text for text in printed)


def test_an_exception_that_carries_it_shows_the_mask() -> None:
    """A traceback lands in the journal."""
    error = ValueError(SecretNumber("051598204"))
    assert "051598204" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol: int) -> None:
    """What is written out by a library would be written out in clear."""
    with pytest.raises(TypeError, match="not written out"):
        pickle.dumps(SecretNumber("051598204"), protocol)


def test_nor_is_its_state_given() -> None:
    """Serialisers that ask for the state get none."""
    with pytest.raises(TypeError, match="not written out"):
        SecretNumber("051598204").__getstate__()


def test_json_refuses_it() -> None:
    """JSON without a word of ours says so."""
    with pytest.raises(TypeError):
        json.dumps(SecretNumber("051598204"))


def test_it_does_not_change() -> None:
    """A number is a value."""
    with pytest.raises(AttributeError, match="cannot be set"):
        SecretNumber("204").other = "205"


@given(NUMBERS, NUMBERS)
def test_equal_by_digits(one: str, other: str) -> None:
    """It can be looked up, and is never equal to bare digits."""
    assert (SecretNumber(one) == SecretNumber(other)) is (one == other)
    assert hash(SecretNumber(one)) == hash(SecretNumber(one))
    assert SecretNumber(one) != one


def test_reveal_gives_the_digits() -> None:
    """`reveal` gives the digits."""
    assert SecretNumber("204").reveal(Purpose.DIAL) == "204"


REVEALS = {
    ("calls/announcements.py", "TELL"): 1,  # duty numbers authorised in writing (E11)
    ("calls/transfer.py", "RING"): 2,  # for an operator who speaks with it first; an office's phone
    ("policy/routing.py", "RING"): 1,  # the account of a branch at the proxy
    ("policy/transfers.py", "RING"): 1,  # compared with the phone that was spoken with
    ("calls/transfer.py", "DIAL"): 2,  # an extension by hook flash, a number over a second line
    ("api/directory.py", "SHOW"): 1,  # to the head, one at a time, audited first
    ("api/directory.py", "TELL"): 1,  # authorised in writing, noted first
    ("config/directory_file.py", "EXPORT"): 2,
    ("store/directory.py", "STORE"): 1,
}
"""Every call of `reveal`: file and purpose, how often. Another one needs its reason here."""


def test_every_use_of_reveal_is_known() -> None:
    """P7: nobody reveals a number unseen."""
    found: dict[tuple[str, str], int] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "reveal" in text else ():
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "reveal"
            ):
                purpose = ast.unparse(node.args[0]).removeprefix("Purpose.")
                key = (path.relative_to(SOURCES).as_posix(), purpose)
                found[key] = found.get(key, 0) + 1
    assert found == REVEALS

"""The code before messages are heard on a phone that is not the front desk's."""

from __future__ import annotations

import pytest

from appliance.errors import OfficeError
from appliance.lockout import LockOutCounter
from appliance.policy.users import (
    PIN_LOCK_OUT,
    PIN_LOCKED_S,
    check_new_pin,
)


def test_three_wrong_codes_lock_a_phone_out_for_ten_minutes() -> None:
    """Only that phone, and only so long; after it the count begins anew."""
    tries = LockOutCounter[str](9)
    waits = []
    for _ in range(3):
        tries.count_wrong("ufficio", PIN_LOCK_OUT, 100.0)
        waits.append(tries.wait_s("ufficio", PIN_LOCK_OUT, 100.0))
    assert waits == [0.0, 0.0, PIN_LOCKED_S]
    assert tries.wait_s("op1", PIN_LOCK_OUT, 100.0) == 0.0
    assert tries.wait_s("ufficio", PIN_LOCK_OUT, 99.9 + PIN_LOCKED_S) > 0.0
    for _ in range(2):
        tries.count_wrong("ufficio", PIN_LOCK_OUT, 100.0 + PIN_LOCKED_S)
        assert tries.wait_s("ufficio", PIN_LOCK_OUT, 100.0 + PIN_LOCKED_S) == 0.0


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "\u0661\u0662\u0663\u0665"])
def test_what_is_no_code(pin: str) -> None:
    """Four to eight digits, of those on a phone."""
    with pytest.raises(OfficeError, match="4 to 8 digits"):
        check_new_pin(pin)


@pytest.mark.parametrize("pin", ["0000", "1234", "9876", "11111111"])
def test_what_everybody_would_try_first(pin: str) -> None:
    """One digit, or digits in a row, is no code."""
    with pytest.raises(OfficeError, match="first one tried"):
        check_new_pin(pin)


@pytest.mark.parametrize("pin", ["2580", "1357", "19052026"])
def test_a_good_code(pin: str) -> None:
    """Anything else is taken."""
    check_new_pin(pin)

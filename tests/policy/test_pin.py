"""The code before messages are heard on a phone that is not the front desk's."""

from __future__ import annotations

import pytest

from appliance.errors import OfficeError
from appliance.policy.users import (
    PIN_LOCKED_S,
    PinTries,
    after_wrong_pin,
    check_new_pin,
    is_pin_locked,
)


def test_three_wrong_codes_lock_a_phone_out_for_ten_minutes() -> None:
    """Only that phone, and only so long; after it the count begins anew."""
    tries = PinTries()
    for wrong in (1, 2):
        tries = after_wrong_pin(tries, 100.0)
        assert tries == PinTries(wrong)
    tries = after_wrong_pin(tries, 100.0)
    known = {"ufficio": tries}
    assert is_pin_locked(known, "ufficio", 100.0)
    assert is_pin_locked(known, "ufficio", 99.9 + PIN_LOCKED_S)
    assert not is_pin_locked(known, "ufficio", 100.0 + PIN_LOCKED_S)
    assert not is_pin_locked(known, "op1", 100.0)
    assert after_wrong_pin(tries, 100.0 + PIN_LOCKED_S) == PinTries(1)


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

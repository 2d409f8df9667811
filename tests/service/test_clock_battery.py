"""A clock with a battery is told the time; on a real chip's driver in tests/qemu/units.py."""

from __future__ import annotations

import errno
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.service.clock import RTC_SET_TIME, packed, set_battery

MOMENT = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "fields"),
    [(0.0, (59, 59, 23, 29, 1, 128)), (0.4, (59, 59, 23, 29, 1, 128)), (0.6, (0, 0, 0, 1, 2, 128))],
)
def test_a_time_is_packed_as_the_kernel_reads_it(part: float, fields: tuple[int, ...]) -> None:
    """Months from 0, years from 1900, UTC, the nearest second: 2028 has a 29th of February."""
    data = packed(MOMENT.timestamp() + part)
    assert struct.unpack("=9i", data) == (*fields, 0, 0, 0)


def test_the_request_is_the_kernels() -> None:
    """It writes (1), its argument's size, the letter p, the number 10 (asm-generic/ioctl.h)."""
    assert 1 << 30 | len(packed(0.0)) << 16 | ord("p") << 8 | 0x0A == RTC_SET_TIME


def test_without_a_battery_clock_there_is_nothing_to_do(tmp_path: Path) -> None:
    """That is no error: few boxes have one."""
    assert not set_battery(MOMENT.timestamp(), tmp_path / "rtc0")


def test_what_is_no_clock_is_said(tmp_path: Path) -> None:
    """A file that has no such clock behind it is the system's error, not a success."""
    (tmp_path / "rtc0").touch()
    with pytest.raises(OSError, match="ioctl") as refused:
        set_battery(MOMENT.timestamp(), tmp_path / "rtc0")
    assert refused.value.errno == errno.ENOTTY

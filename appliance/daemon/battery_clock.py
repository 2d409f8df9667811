"""A clock with a battery is set: by the kernel's own ioctl, since not every image has hwclock."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Final

DEVICE: Final = Path("/dev/rtc0")
RTC_SET_TIME: Final = 0x4024_700A
"""_IOW('p', 0x0a, struct rtc_time), 36 bytes (include/uapi/linux/rtc.h), wherever _IOC is generic:
arm and x86, of 32 and 64 bits.
"""


def packed(wall: float) -> bytes:
    """Write a time (s since 1970) as the kernel's struct rtc_time, in UTC, to the nearest second.

    Nine ints as C's struct tm; days of week and year and summer time the drivers work out alone.
    """
    at = time.gmtime(round(wall))
    day = (at.tm_mday, at.tm_mon - 1, at.tm_year - 1900)
    return struct.pack("=9i", at.tm_sec, at.tm_min, at.tm_hour, *day, 0, 0, 0)


def set_battery(wall: float, device: Path = DEVICE) -> bool:
    """Set it to a time (s since 1970); False where there is none. Raises OSError, as from ioctl."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.ioctl(descriptor, RTC_SET_TIME, packed(wall))
    finally:
        os.close(descriptor)
    return True

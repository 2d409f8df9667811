"""A phone to make files of, with a label that would break careless ones."""

from __future__ import annotations

from appliance.policy.office import KEY_CODES
from appliance.provisioning.handset import Handset, keys_of

SECRET = "mg0s5kqeachvru8ysgte"
NTP = "it.pool.ntp.org"
ADMIN = "xq4m8v7c2n"
MAC = "001565aabbcc"


def handset(language: str = "it", label: str = 'Sportello <Anagrafe> & "Tributi"') -> Handset:
    """Return a phone at the counter."""
    return Handset(
        "sportello1", label, "21", SECRET, "192.168.10.5", 5062, "centralino", language,
        "Europe/Rome", "*86", keys_of(KEY_CODES, language), NTP, ADMIN, MAC,
    )  # fmt: skip

"""The makes of phones: what file each asks for, and who writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from appliance.policy.text import Refused
from appliance.provisioning import desk_phones, gigaset, poly, soft_phones
from appliance.provisioning.handset import Handset

XML = "application/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Make:
    """One make. `file` is a pattern of the name it asks for, MAC standing for its 12 digits;
    without MAC (a soft phone) it is asked for under a token of its own. `lead` is a pattern of a
    file that it asks for before, of which `lead_text` is all, "" for a make that does not.
    """

    name: str
    file: str
    content_type: str
    write: Callable[[Handset], str]
    models: str = ""
    lead: str = ""
    lead_text: str = ""

    @property
    def is_soft(self) -> bool:
        """True for a program on a computer, which has no hardware address worth asking for."""
        return "MAC" not in self.file

    def asks_for(self, name: str, mac: str = "") -> bool:
        """Tell whether a phone of this make asks for a file of this name; `mac` "" for any."""
        return self.leads(name, mac) or _fits(self.file, name, mac)

    def leads(self, name: str, mac: str = "") -> bool:
        """Tell whether it is the leading file that is asked for by this name."""
        return bool(self.lead) and _fits(self.lead, name, mac)

    @property
    def path(self) -> str:
        """What follows a token in the address that the phone is given: a desk phone adds its own
        file's name to it.
        """
        return self.file.replace("\\", "") if self.is_soft else ""


def _fits(pattern: str, name: str, mac: str) -> bool:
    wanted = pattern.replace("MAC", mac or "[0-9a-f]{12}")
    return re.fullmatch(wanted, name, re.IGNORECASE) is not None


MAKES = {
    make.name: make
    for make in (
        Make("yealink", r"MAC\.cfg", TEXT, desk_phones.yealink, "T2, T3, T4, T5, W"),
        Make("snom", r"(snom\w{1,8}-)?MAC\.(htm|xml)", XML, desk_phones.snom, "3xx, 7xx, D1 to D8"),
        Make("grandstream", r"cfgMAC\.xml", XML, desk_phones.grandstream, "GXP21xx, GRP26xx"),
        Make("fanvil", r"MAC\.(cfg|xml)", XML, desk_phones.fanvil, "X3 to X7, V6x, firmware 2.x"),
        Make("cisco", r"spaMAC\.xml", XML, desk_phones.cisco, "SPA300, SPA500"),
        Make(
            "cisco-mpp",
            r"mppMAC\.xml",
            XML,
            desk_phones.cisco_mpp,
            "68xx, 78xx, 88xx multiplatform",
        ),
        Make("gigaset", r"MAC\.xml", XML, gigaset.base, "N610, N670, N870"),
        Make("gigaset-n510", r"MAC\.xml", XML, gigaset.n510, "N510 IP PRO"),
        Make(
            "gigaset-desk", r"(GigasetP\w{1,8}-)?MAC\.(htm|xml)", XML, desk_phones.snom, "P8xx PRO"
        ),
        Make("poly", r"MAC-centralino\.cfg", XML, poly.poly, "VVX, Edge E", r"MAC\.cfg", poly.LEAD),
        Make("linphone", r"linphone\.xml", XML, soft_phones.linphone, "5"),
        Make("baresip", r"accounts", TEXT, soft_phones.baresip, "1"),
    )
}


MAKERS = {
    "001565": "yealink", "805ec0": "yealink", "805e0c": "yealink", "249ad8": "yealink",
    "44dbd2": "yealink", "000413": "snom", "000b82": "grandstream", "c074ad": "grandstream",
    "ec74d7": "grandstream", "0c383e": "fanvil", "00a859": "fanvil", "0004f2": "poly",
    "64167f": "poly", "482567": "poly",
}  # fmt: skip
"""The first half of a hardware address by maker (IEEE's register of OUIs). Cisco's and Gigaset's
are those of phones of several kinds: theirs are named.
"""


def guess(mac: str) -> str:
    """Return the make that a hardware address belongs to, "" for one that is not known."""
    return MAKERS.get(mac[:6], "")


def make_of(name: str) -> Make:
    """Return the make of that name; raises OfficeError with those that are known."""
    if name not in MAKES:
        raise Refused(
            f"{name!r} non è una marca nota; le marche note sono {', '.join(MAKES)}",
            f"{name!r} is no make we know; known are {', '.join(MAKES)}",
        )
    return MAKES[name]

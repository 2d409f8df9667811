"""Labels of phones: each is one phone's, as people tell the phones apart by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from appliance.config.schema import Phone


def phone_labelled(phones: Iterable[Phone], label: str, *, but: str = "") -> str:
    """Return the name of a phone with a label, other than `but`; "" for none."""
    sought = _folded(label)
    found = (phone.name for phone in phones if phone.name != but and _folded(phone.label) == sought)
    return next(found, "") if sought else ""


def twin_labels(phones: Iterable[Phone]) -> Iterator[tuple[str, Phone]]:
    """Yield each phone whose label an earlier one has, after that one's name."""
    earlier: list[Phone] = []
    for phone in phones:
        if other := phone_labelled(earlier, phone.label):
            yield other, phone
        earlier.append(phone)


def _folded(label: str) -> str:
    # On a telephone's screen, capitals and spaces do not tell two labels apart.
    return " ".join(label.split()).casefold()

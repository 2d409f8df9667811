"""What is kept and told of the phones while they change."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.calls.model import AutoAnswer, LearnedPhone
from appliance.service.status import PhoneStateWriter, StatusCollector
from appliance.service.stores import learned_from_json, learned_to_json
from appliance.sip.message import TcpPeer
from appliance.sip.phones import PhonesStatus
from appliance.sip.registrar import Binding
from appliance.sip.transport import FAULT

UDP = Binding("21", ("192.0.2.21", 5060), "sip:21@192.0.2.21", 100.0)


def writer(saved: list[str]) -> tuple[PhoneStateWriter, StatusCollector]:
    """Return one that writes into a list."""
    stores: Any = SimpleNamespace(save_bindings=saved.append, save_left=lambda *_: None)
    phones: Any = SimpleNamespace(bindings_to_json=lambda: "kept", left_to_json=lambda: "")
    collector = StatusCollector()
    return PhoneStateWriter(stores, phones, collector, Path("left")), collector


def test_a_phone_that_comes_and_goes_over_tcp_is_no_write_to_the_card() -> None:
    """What is kept holds phones over UDP alone: it has not changed."""
    saved: list[str] = []
    kept, _ = writer(saved)
    kept.look(PhonesStatus(bindings=(UDP,)))
    assert saved == ["kept"]
    for port in range(40_000, 40_005):
        stream = TcpPeer(("192.0.2.22", port))
        tcp = Binding("22", stream, "sip:22@192.0.2.22;transport=tcp", 100.0)
        kept.look(PhonesStatus(bindings=(UDP, tcp)))
    assert saved == ["kept"]


def test_what_was_seen_of_phones_is_written_when_it_changes() -> None:
    """Not at the start, which has just read it; once a change; as the next run reads it."""
    saved: list[Any] = []
    stores: Any = SimpleNamespace(save_learned=saved.append)
    other: Any = None
    kept = PhoneStateWriter(stores, other, StatusCollector(), Path("left"))
    before = (LearnedPhone("21", AutoAnswer.RINGS),)
    after = (LearnedPhone("21", AutoAnswer.SEEN, "Yealink T46"),)
    for learned in (before, before, after, after, ()):
        kept.keep_learned(learned)
    assert saved == [after, ()]
    assert [learned_from_json(learned_to_json(each)) for each in saved] == saved


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[7]", "{}", '[{"phone": "21"}]', '[{"phone": "21", "answers": "x"}]']
)
def test_a_broken_file_of_phones_is_seen_anew(text: str) -> None:
    """No start fails by it."""
    assert learned_from_json(text) == ()


def test_phones_that_are_kept_out_are_told_with_a_remedy() -> None:
    """In both languages, by what has happened; ended with its end."""
    kept, collector = writer([])
    kept.look(PhonesStatus(tcp_trouble="SIP over TCP cannot listen on 0.0.0.0:5060: another"))
    (said,) = collector.troubles()
    assert "cambiare sip.port o scrivere sip.tcp = false" in said.text("it")
    assert "cannot listen on 0.0.0.0:5060" in said.text("en")
    assert collector.codes() == ("phones.tcp",)
    kept.look(PhonesStatus(tcp_trouble=FAULT))
    (said,) = collector.troubles()
    assert "Riavviare l'apparecchio" in said.text("it")
    kept.look(PhonesStatus())
    assert collector.troubles() == ()

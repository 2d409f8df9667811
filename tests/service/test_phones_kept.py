"""What is kept and told of the phones while they change."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from appliance.service.status import PhoneStateWriter, StatusCollector
from appliance.sip.message import TcpPeer
from appliance.sip.phones import PhonesStatus
from appliance.sip.registrar import Binding
from appliance.sip.transport import FAULT

UDP = Binding("21", ("192.0.2.21", 5060), "sip:21@192.0.2.21", 100.0)


def keeper(saved: list[str]) -> tuple[PhoneStateWriter, StatusCollector]:
    """Return one that writes into a list."""
    stores: Any = SimpleNamespace(save_bindings=saved.append, save_left=lambda *_: None)
    phones: Any = SimpleNamespace(bindings_to_json=lambda: "kept", left_to_json=lambda: "")
    collector = StatusCollector()
    return PhoneStateWriter(stores, phones, collector, Path("left")), collector


def test_a_phone_that_comes_and_goes_over_tcp_is_no_write_to_the_card() -> None:
    """What is kept holds phones over UDP alone: it has not changed."""
    saved: list[str] = []
    kept, _ = keeper(saved)
    kept.look(PhonesStatus(bindings=(UDP,)))
    assert saved == ["kept"]
    for port in range(40_000, 40_005):
        stream = TcpPeer(("192.0.2.22", port))
        tcp = Binding("22", stream, "sip:22@192.0.2.22;transport=tcp", 100.0)
        kept.look(PhonesStatus(bindings=(UDP, tcp)))
    assert saved == ["kept"]


def test_phones_that_are_kept_out_are_told_with_a_remedy() -> None:
    """In both languages, by what has happened; ended with its end."""
    kept, collector = keeper([])
    kept.look(PhonesStatus(tcp_trouble="SIP over TCP cannot listen on 0.0.0.0:5060: another"))
    (said,) = collector.troubles()
    assert "cambiare sip.port o scrivere sip.tcp = false" in said.it
    assert "cannot listen on 0.0.0.0:5060" in said.en
    assert collector.codes() == ("phones.tcp",)
    kept.look(PhonesStatus(tcp_trouble=FAULT))
    (said,) = collector.troubles()
    assert "Riavviare l'apparecchio" in said.it
    kept.look(PhonesStatus())
    assert collector.troubles() == ()

"""Events of a call that hold more than their fields."""

from __future__ import annotations

from appliance.calls.events import MediaAgreed


def test_keys_are_awaited_by_both_payload_types() -> None:
    """RFC 3264 6.1: keys come by the payload type that we offer; some phones use their own."""
    agreed = MediaAgreed("leg", "192.0.2.21", 4000, "alaw", dtmf_payload=96, dtmf_offered=101)
    assert agreed.key_payloads == (96, 101)
    assert MediaAgreed("leg", "192.0.2.21", 4000, "alaw").key_payloads == (-1, -1)

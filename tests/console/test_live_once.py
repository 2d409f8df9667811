"""What many screens show alike is made once, and anew when it is another."""

from __future__ import annotations

from appliance.console.live import RenderCache


def test_what_is_seen_alike_is_made_once_a_state() -> None:
    """By state and by who sees it; of an older state nothing is kept."""
    made: list[str] = []
    once = RenderCache()

    def of(number: int, key: str) -> str:
        return once.of(number, key, lambda: made.append(f"{number}{key}") or f"{number}{key}")  # type: ignore[func-returns-value]

    assert [of(1, "a"), of(1, "a"), of(1, "b"), of(2, "a")] == ["1a", "1a", "1b", "2a"]
    assert made == ["1a", "1b", "2a"]

"""What is played to somebody: prompts one after the other, a loop, or silence."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterable, Mapping
from typing import Protocol

from appliance.carrier.messages import Prompt
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law

Pcm = bytes | memoryview


class Source(Protocol):
    """Sound for one listener, asked for at the listener's own clock."""

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples written in `law` (an 8-bit one)."""


class Silence:
    """The source that has nothing to say."""

    def read(self, samples: int, law: Law) -> bytes:
        """Return silence."""
        return wav.silence(law, samples)


class Player:
    """Plays 16-bit prompts one after the other; `ended` once the last sample was taken."""

    def __init__(self, play: str, sounds: Iterable[Pcm], repeat: bool = False) -> None:
        self.play = play
        self._sounds = [memoryview(sound) for sound in sounds]
        self._repeat = repeat
        self._index = 0
        self._at = 0

    @property
    def ended(self) -> bool:
        """True when nothing is left to play."""
        return self._index >= len(self._sounds)

    def read(self, samples: int, law: Law) -> bytes:
        """Return the next `samples` samples in `law`, padded with silence after the end."""
        parts: list[bytes] = []
        wanted = samples * 2
        while wanted and not self.ended:
            part = self._sounds[self._index][self._at : self._at + wanted]
            parts.append(bytes(part))
            wanted -= len(part)
            self._advance(len(part))
        return g711.encode(b"".join(parts), law) + wav.silence(law, wanted // 2)

    def _advance(self, size: int) -> None:
        self._at += size
        if self._at >= len(self._sounds[self._index]):
            self._at = 0
            self._index += 1
            if self._repeat and self.ended and any(len(s) for s in self._sounds):
                self._index = 0


def mapped(fd: int) -> Pcm:
    """Return the sound in a memfd, without copying it; an empty one has none."""
    if os.fstat(fd).st_size == 0:
        return b""
    return memoryview(mmap.mmap(fd, 0, prot=mmap.PROT_READ))


class PromptMemory:
    """The prompts of a Setup: one mapping shared with the desk, never copied."""

    def __init__(self, fd: int | None, prompts: Iterable[Prompt]) -> None:
        self._index: Mapping[str, Prompt] = {prompt.name: prompt for prompt in prompts}
        self._memory = mapped(fd) if fd is not None else None
        self.more: PromptMemory | None = None
        """Prompts that came after the Setup (MorePrompts); they go before it."""

    def __contains__(self, name: object) -> bool:
        return name in self._index or (self.more is not None and name in self.more)

    def sound(self, name: str) -> Pcm:
        """Return a prompt's 16-bit sound; nothing for a name that nobody carried here."""
        if self.more is not None and name in self.more:
            return self.more.sound(name)
        prompt = self._index.get(name)
        if prompt is None or self._memory is None:
            return b""
        return self._memory[prompt.offset : prompt.offset + prompt.length]

    def missing(self, names: Iterable[str]) -> list[str]:
        """List the names that nobody carried here."""
        return [name for name in names if name not in self]

"""A stranger's signal processing: Debian's libspandsp2t64, reached by ctypes, for tests alone.

Its detectors judge what we generate, its generators make what our detectors must hear. 16-bit
samples at 8 kHz everywhere. Traps of version 0.0.6: `dtmf_rx_parms` takes whole numbers; the
second frequency of a one-tone element must be 0 (audio.md 1).
"""

from __future__ import annotations

import array
import ctypes
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import pytest

LIBRARY = "libspandsp.so.2"
PACKAGE = "libspandsp2t64"
CLIP = 2
"""ADSI_STANDARD_CLIP of spandsp/adsi.h: ETSI's FSK, as Italy uses it."""
FAX_CNG = 1
"""MODEM_CONNECT_TONES_FAX_CNG of spandsp/modem_connect_tones.h."""
TWIST_DB, REVERSE_TWIST_DB, THRESHOLD_DBM0 = 9, 5, -42
"""How its DTMF receiver is set to judge at the limits of Q.24, dial tone filtered (audio.md 1)."""
_CHUNK = 160
_DIGITS = 127

_Put = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8), ctypes.c_int)
_Tone = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)

Element = tuple[int, int, int, int]
"""Of a tone to be recognised: two frequencies (Hz, the second 0), least and most ms."""


@cache
def library() -> ctypes.CDLL:
    """Return the library; skips the test where its package is not installed."""
    try:
        found = ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"needs the Debian package {PACKAGE}")
    for name in (
        "dtmf_rx_init", "dtmf_tx_init", "adsi_rx_init", "adsi_tx_init", "tone_gen_init",
        "tone_gen_descriptor_init", "super_tone_rx_make_descriptor", "super_tone_rx_init",
        "modem_connect_tones_rx_init", "modem_connect_tones_tx_init",
    ):  # fmt: skip
        getattr(found, name).restype = ctypes.c_void_p
    return found


def digits_in(pcm: bytes) -> str:
    """Return the DTMF digits its receiver hears."""
    lib = library()
    state = ctypes.c_void_p(lib.dtmf_rx_init(None, None, None))
    lib.dtmf_rx_parms(state, 1, TWIST_DB, REVERSE_TWIST_DB, THRESHOLD_DBM0)
    heard = ctypes.create_string_buffer(_DIGITS + 1)
    out = ""
    for piece in _pieces(pcm):
        lib.dtmf_rx(state, piece, len(piece) // 2)
        size = lib.dtmf_rx_get(state, heard, _DIGITS)
        out += heard.raw[:size].decode()
    return out


def digits(
    keys: str, on_ms: int = 50, off_ms: int = 50, dbm0: int = -10, twist_db: int = 0
) -> bytes:
    """Return DTMF as it generates it, at most 127 keys; `dbm0` is each tone's, twist the high's."""
    lib = library()
    state = ctypes.c_void_p(lib.dtmf_tx_init(None, None, None))
    lib.dtmf_tx_set_level(state, dbm0, twist_db)
    lib.dtmf_tx_set_timing(state, on_ms, off_ms)
    assert lib.dtmf_tx_put(state, keys.encode(), len(keys)) == 0
    return _filled(lib.dtmf_tx, state, 8 * (on_ms + off_ms) * len(keys))


def identities_in(pcm: bytes) -> list[bytes]:
    """Return the caller-id messages its CLIP receiver hears whole, from their type byte on."""
    lib, messages = library(), list[bytes]()
    take = _Put(lambda _, data, size: messages.append(bytes(data[:size])) if size > 0 else None)
    state = ctypes.c_void_p(lib.adsi_rx_init(None, CLIP, take, None))
    for piece in _pieces(pcm):
        lib.adsi_rx(state, piece, len(piece) // 2)
    return messages


def identity(fields: Sequence[tuple[int, bytes]], kind: int = 0x80) -> bytes:
    """Return a caller-id message (tag, text of each field) as it modulates it."""
    lib = library()
    state = ctypes.c_void_p(lib.adsi_tx_init(None, CLIP))
    message = (ctypes.c_uint8 * 256)()
    size = lib.adsi_add_field(state, message, -1, kind, None, 0)
    for tag, text in fields:
        size = lib.adsi_add_field(state, message, size, tag, text, len(text))
    lib.adsi_tx_put_message(state, message, size)
    return _filled(lib.adsi_tx, state, 16_000)


def tone(hz: Sequence[int], times_ms: Sequence[int] = (), ms: int = 8000, dbm0: int = -12) -> bytes:
    """Return `ms` of one or two frequencies, each at `dbm0`, on and off by up to four times.

    No times: without a pause.
    """
    lib = library()
    first, second = (*hz, 0)[:2]
    on_off = (*times_ms, 0, 0, 0, 0)[:4] if times_ms else (ms, 0, 0, 0)
    plan = lib.tone_gen_descriptor_init(
        None, first, dbm0, second, dbm0 if second else 0, *on_off, 1
    )
    state = ctypes.c_void_p(lib.tone_gen_init(None, ctypes.c_void_p(plan)))
    return _filled(lib.tone_gen, state, 8 * ms)


def tones_in(pcm: bytes, plans: Mapping[str, Iterable[Element]]) -> tuple[list[str], list[Element]]:
    """Return the plans its supervisory-tone receiver names, and the segments it measures."""
    lib, named, measured = library(), list[str](), list[Element]()
    plan = ctypes.c_void_p(lib.super_tone_rx_make_descriptor(None))
    names = list(plans)
    for name in names:
        number = lib.super_tone_rx_add_tone(plan)
        for element in plans[name]:
            lib.super_tone_rx_add_element(plan, number, *element)
    name_it = _Tone(lambda _, code, *__: named.append(names[code]) if code >= 0 else None)
    note = _Tone(lambda _, one, two, ms: measured.append((one, two, ms, ms)))
    state = ctypes.c_void_p(lib.super_tone_rx_init(None, plan, name_it, None))
    lib.super_tone_rx_segment_callback(state, note)
    for piece in _pieces(pcm):
        lib.super_tone_rx(state, piece, len(piece) // 2)
    return named, measured


def fax_call(ms: int) -> bytes:
    """Return `ms` of a fax machine's calling tone as it generates it."""
    lib = library()
    state = ctypes.c_void_p(lib.modem_connect_tones_tx_init(None, FAX_CNG))
    return _filled(lib.modem_connect_tones_tx, state, 8 * ms)


def is_fax_call(pcm: bytes) -> bool:
    """Return whether its receiver takes this for a fax machine's calling tone."""
    lib = library()
    state = ctypes.c_void_p(lib.modem_connect_tones_rx_init(None, FAX_CNG, None, None))
    for piece in _pieces(pcm):
        lib.modem_connect_tones_rx(state, piece, len(piece) // 2)
    return bool(lib.modem_connect_tones_rx_get(state) == FAX_CNG)


def _pieces(pcm: bytes) -> Iterable[bytes]:
    return (pcm[at : at + 2 * _CHUNK] for at in range(0, len(pcm), 2 * _CHUNK))


def _filled(generate: ctypes._NamedFuncPointer, state: ctypes.c_void_p, samples: int) -> bytes:
    """Ask a generator until it has nothing more to say, for at most `samples`."""
    out = array.array("h")
    while len(out) < samples:
        some = (ctypes.c_int16 * min(_CHUNK, samples - len(out)))()
        made = generate(state, some, len(some))
        if made <= 0:
            break
        out.extend(some[:made])
    return out.tobytes()

"""What each finding is called, in Italian and in English, by its stable key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hw_tests.findings import Texts

TITLES: Mapping[str, Texts] = {
    "unit": ("Il modem risponde e ha la voce", "The modem answers and has voice"),
    "duplex": ("Suono nei due sensi insieme (+VTR)", "Sound both ways at once (+VTR)"),
    "line_voltage": ("Tensione della linea a riposo", "Voltage of the idle line"),
    "dial_tone": ("Tono di centrale", "Dial tone"),
    "busy_tone": ("Tono di occupato", "Busy tone"),
    "congestion_tone": ("Tono di congestione", "Congestion tone"),
    "ring": ("Squilli e loro cadenza", "Rings and their cadence"),
    "caller_id": ("Identificativo del chiamante", "Caller's identity"),
    "answer": ("Dalla risposta alla linea impegnata", "From answering to off hook"),
    "level": ("Livello del suono", "Level of the sound"),
    "noise": ("Rapporto segnale/rumore", "Signal to noise"),
    "response": ("Risposta in frequenza", "Frequency response"),
    "swept": (
        "Tono che percorre la banda: risposta e distorsione",
        "A tone that sweeps the band: response and distortion",
    ),
    "round_trip": ("Ritardo di andata e ritorno", "Round-trip delay"),
    "echo": ("Attenuazione dell'eco", "Echo return loss"),
    "keys": ("Tasti nel suono: livelli e sbilanciamenti", "Keys in the sound: levels and twists"),
    "keys_sent": ("Tasti inviati dal modem (+VTS)", "Keys sent by the modem (+VTS)"),
    "chip_keys": ("Tasti riconosciuti dal chip", "Keys named by the chip"),
    "load": ("Suono nei due sensi su due linee", "Sound both ways on two lines"),
    "drift": ("Deriva dell'orologio del modem", "Drift of the modem's clock"),
    "release.called": (
        "Svincolo: riaggancia chi è stato chiamato",
        "Release: the called side hangs up",
    ),
    "release.caller": ("Svincolo: riaggancia chi chiama", "Release: the caller hangs up"),
    "release.busy": ("Svincolo con tono di occupato", "Release by busy tone"),
    "release.congestion": ("Svincolo con congestione", "Release by congestion tone"),
    "release.dial": ("Svincolo con tono di centrale", "Release by dial tone"),
    "release.loop": ("Svincolo con interruzione di linea", "Release by a break of the loop"),
    "release.silence": ("Svincolo senza segno: silenzio", "Release without a sign: silence"),
    "flash": ("Tasto R (flash)", "Hook flash"),
    "at_4886": ("Effetto di AT!4886 sull'identificativo", "What AT!4886 changes of the identity"),
    "stream_end": ("Dalla fine dell'annuncio all'OK", "From an announcement's end to OK"),
    "recovery": ("Scala dei ripristini", "Recovery ladder"),
    "recovery_usb": ("Ripristino: reset USB", "Recovery: USB reset"),
    "recovery_power": ("Ripristino: porta USB senza corrente", "Recovery: USB port without power"),
    "kill": ("Programma ucciso durante una chiamata", "Program killed in the middle of a call"),
    "lateness": ("Puntualità di questo apparecchio", "Punctuality of this machine"),
    "soak": ("Chiamate di continuo", "Calls without a pause"),
    "unplug": ("Modem staccato e riattaccato", "Modem unplugged and plugged in again"),
    "extension": ("Telefono in parallelo", "Parallel telephone"),
    "leds": ("Spie luminose", "LEDs"),
    "button": ("Pulsante", "Button"),
    "person_ring": ("Chiamata da un cellulare: squilli", "Call from a mobile phone: rings"),
    "person_caller_id": (
        "Chiamata da un cellulare: identificativo",
        "Call from a mobile phone: identity",
    ),
    "person_sound": ("Voce nei due sensi", "Voice both ways"),
    "person_echo": ("Attenuazione dell'eco, in una chiamata", "Echo return loss, in a call"),
    "person_keys": ("Tasti premuti sul cellulare", "Keys pressed on the mobile phone"),
    "person_release": ("Il cellulare riaggancia", "The mobile phone hangs up"),
}

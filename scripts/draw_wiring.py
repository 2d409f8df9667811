"""Draw the pictures of docs/img/ that show how a box is wired, in Italian and English.

    .venv/bin/python scripts/draw_wiring.py [--check]

The pins are those that the configuration as delivered drives. With --check nothing is written: the
status is 1 where a picture is behind (tests/docs/test_wiring.py).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path

from appliance.config.schema import PanelPins

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "img"
LANGUAGES = ("it", "en")

BCM = (
    "3V3", "5V", "2", "5V", "3", "GND", "4", "14", "GND", "15", "17", "18", "27", "GND", "22", "23",
    "3V3", "24", "10", "GND", "9", "25", "11", "8", "GND", "7", "0", "1", "5", "GND", "6", "12",
    "13", "GND", "19", "16", "26", "20", "GND", "21",
)  # fmt: skip
"""What each of the 40 pins is, from pin 1: a GPIO by its BCM number, a supply or ground (Raspberry
Pi documentation, "GPIO and the 40-pin header")."""
COLOURS = {"3V3": "#c96f00", "5V": "#b01818", "GND": "#222222"}
WORDS = {
    "it": {
        "ready": "Pronto (verde)", "network": "Rete (verde)", "messages": "Messaggi (giallo)",
        "fault": "Guasto (rosso)", "line": "Linea {n} (giallo)",
        "button": "Pulsante «Non presidiato»",
        "header": "Il connettore da 40 piedini, visto da sopra",
        "edge": "bordo della scheda, lato USB in basso",
        "led": "Un LED: piedino → resistenza (330 Ω – 1 kΩ) → anodo (gamba lunga); catodo → massa",
        "press": "Il pulsante: fra il suo piedino e una massa, senza resistenza",
        "ground": "massa", "wall": "Presa telefonica", "splitter": "Sdoppiatore",
        "phone": "Telefono normale", "modem": "Modem USB",
        "hub": "Hub USB con alimentatore proprio",
        "power": "Alimentatore dell'hub", "pi": "Raspberry Pi", "supply": "Alimentatore del Pi",
        "lan": "Rete dell'ufficio", "phones": "Telefoni SIP, computer", "panel": "LED e pulsante",
        "socket": "presa {n}", "wiring": "Che cosa si collega a che cosa (due linee)",
    },
    "en": {
        "ready": "Ready (green)", "network": "Network (green)", "messages": "Messages (yellow)",
        "fault": "Fault (red)", "line": "Line {n} (yellow)", "button": "Button “Unattended”",
        "header": "The 40-pin header, seen from above",
        "edge": "edge of the board, USB side at the bottom",
        "led": "A LED: pin → resistor (330 Ω – 1 kΩ) → anode (long leg); cathode → ground",
        "press": "The button: between its pin and a ground, without a resistor",
        "ground": "ground", "wall": "Telephone socket", "splitter": "Splitter",
        "phone": "Ordinary phone", "modem": "USB modem", "hub": "USB hub with its own power supply",
        "power": "The hub's power supply", "pi": "Raspberry Pi", "supply": "The Pi's power supply",
        "lan": "Office LAN", "phones": "SIP phones, computers", "panel": "LEDs and button",
        "socket": "socket {n}", "wiring": "What is plugged into what (two lines)",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a drawing, in pixels."""

    x: int
    y: int
    width: int
    text: str
    height: int = 44

    @property
    def right(self) -> tuple[int, int]:
        """Return where a wire leaves it to the right."""
        return self.x + self.width, self.y + self.height // 2

    @property
    def left(self) -> tuple[int, int]:
        """Return where a wire reaches it from the left."""
        return self.x, self.y + self.height // 2


def text(
    x: int, y: int, words: str, *, anchor: str = "start", size: int = 14, fill: str = "#000000"
) -> str:
    """Write words; `anchor` is SVG's own word for where they are held."""
    how = f'text-anchor="{anchor}" font-size="{size}" fill="{fill}"'
    return f'<text x="{x}" y="{y}" {how}>{escape(words)}</text>'


def sheet(width: int, height: int, title: str, parts: list[str]) -> str:
    """Return a whole picture; `title` is read by who cannot see it."""
    body = "\n".join(f"  {part}" for part in parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" role="img">\n  <title>{escape(title)}</title>\n'
        f'  <rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


# --- the panel ------------------------------------------------------------------------------------


def uses(words: dict[str, str]) -> dict[str, str]:
    """Return what is wired to each GPIO, by its BCM number."""
    pins = PanelPins()
    single = ("ready", "network", "messages", "fault")
    found = {str(getattr(pins, name)): words[name] for name in single}
    lines = {str(pin): words["line"].format(n=n) for n, pin in enumerate(pins.lines, 1)}
    return found | lines | {str(pins.unattended_button): words["button"]}


def pin(number: int, used: dict[str, str], words: dict[str, str]) -> list[str]:
    """Draw one pin of the header with its number and what is wired to it."""
    what, is_odd = BCM[number - 1], number % 2 == 1
    x, y = 300 if is_odd else 340, 70 + (number - 1) // 2 * 26
    fill = "#1a7f37" if what in used else COLOURS.get(what, "#c8c8c8")
    said = used.get(what, words["ground"] if what == "GND" else "")
    name = what if what in COLOURS else f"GPIO {what}"
    side, anchor = (-1, "end") if is_odd else (1, "start")
    drawn = [
        f'<circle cx="{x}" cy="{y}" r="9" fill="{fill}"/>',
        text(x, y + 4, str(number), anchor="middle", size=10, fill="#ffffff"),
        text(x + side * 21, y + 4, name, anchor=anchor, size=11),
    ]
    return [*drawn, text(x + side * 84, y + 5, said, anchor=anchor)] if said else drawn


def panel(language: str) -> str:
    """Draw the header with LEDs and button."""
    words = WORDS[language]
    used = uses(words)
    pins = [part for number in range(1, 41) for part in pin(number, used, words)]
    frame = '<rect x="284" y="54" width="72" height="526" fill="#eeeeee" stroke="#888888"/>'
    notes = [
        text(320, 26, words["header"], anchor="middle", size=17),
        text(320, 45, words["edge"], anchor="middle", size=11),
        text(320, 612, words["led"], anchor="middle", size=13),
        text(320, 634, words["press"], anchor="middle", size=13),
    ]
    return sheet(640, 650, words["header"], [frame, *notes, *pins])


# --- the lines ------------------------------------------------------------------------------------


def boxed(box: Box) -> list[str]:
    """Draw a box with its words."""
    size = f'x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"'
    middle = box.x + box.width // 2, box.y + box.height // 2 + 5
    return [
        f'<rect {size} rx="6" fill="#f4f7fb" stroke="#345"/>',
        text(*middle, box.text, anchor="middle", size=13),
    ]


def wire(start: tuple[int, int], end: tuple[int, int], colour: str, note: str = "") -> list[str]:
    """Draw a wire with a corner in the middle."""
    middle = (start[0] + end[0]) // 2
    path = f"M{start[0]} {start[1]} H{middle} V{end[1]} H{end[0]}"
    drawn = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3"/>'
    return [drawn, text(middle + 5, end[1] - 6, note, size=11)] if note else [drawn]


def line(number: int, hub: Box, words: dict[str, str]) -> list[str]:
    """Draw one analog line: socket, splitter, phone beside it, modem, hub."""
    top = 60 + (number - 1) * 150
    socket = Box(20, top + 30, 130, f"{words['wall']} {number}")
    split = Box(200, top + 30, 110, words["splitter"])
    phone = Box(370, top, 150, words["phone"])
    modem = Box(370, top + 70, 150, f"{words['modem']} {number}")
    at_hub = (hub.x, top + 92)
    parts = [part for box in (socket, split, phone, modem) for part in boxed(box)]
    telephone, usb = "#b01818", "#1a4fa3"
    return [
        *wire(socket.right, split.left, telephone), *wire(split.right, phone.left, telephone),
        *wire(split.right, modem.left, telephone),
        *wire(modem.right, at_hub, usb, words["socket"].format(n=number)), *parts,
    ]  # fmt: skip


def wiring(language: str) -> str:
    """Draw what is plugged into what, for two lines."""
    words = WORDS[language]
    hub = Box(620, 95, 250, words["hub"], 220)
    board = Box(960, 170, 150, words["pi"], 70)
    others = [
        Box(960, 60, 150, words["panel"]), Box(960, 300, 150, words["supply"]),
        Box(1170, 183, 160, words["lan"]), Box(1170, 283, 160, words["phones"]),
        Box(670, 350, 150, words["power"]),
    ]  # fmt: skip
    lan, power = "#1a7f37", "#222222"
    wires = [
        *wire(hub.right, board.left, "#1a4fa3", "USB"), *wire(board.right, others[2].left, lan),
        f'<path d="M1250 227 V283" stroke="{lan}" stroke-width="3"/>',
        '<path d="M1035 104 V170" stroke="#b36b00" stroke-width="3"/>',
        f'<path d="M1035 240 V300 M745 315 V350" stroke="{power}" stroke-width="3"/>',
    ]  # fmt: skip
    boxes = [part for box in (hub, board, *others) for part in boxed(box)]
    title = text(675, 30, words["wiring"], anchor="middle", size=18)
    lines = [part for number in (1, 2) for part in line(number, hub, words)]
    return sheet(1350, 420, words["wiring"], [title, *lines, *wires, *boxes])


def pictures() -> dict[Path, str]:
    """Return every picture by its path."""
    drawn = {"panel": panel, "wiring": wiring}
    return {
        FOLDER / f"{name}.{language}.svg": draw(language)
        for name, draw in drawn.items()
        for language in LANGUAGES
    }


def main() -> int:
    """Write the pictures, or tell with 1 that one is behind."""
    is_check = "--check" in sys.argv
    behind = [p for p, text in pictures().items() if not p.exists() or p.read_text("utf-8") != text]
    for path in behind:
        sys.stderr.write(f"{path.name} is behind\n")
        if not is_check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(pictures()[path], encoding="utf-8")
    return int(is_check and bool(behind))


if __name__ == "__main__":
    sys.exit(main())

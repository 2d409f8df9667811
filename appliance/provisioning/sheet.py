"""The printed sheet of a phone: A4, one page of HTML that any browser prints, in it and en.

HTML and not PDF, so that no further library is needed and the office may change a word before it
prints. The upper part stays with the person at the desk; the lower one, with the password, is cut
off and destroyed once the phone works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from appliance.policy.office import KeyCode, StaffKey
from appliance.policy.text import Words
from appliance.provisioning.handset import Handset

STYLE = """\
@page { size: A4; margin: 18mm }
* { box-sizing: border-box }
body { font: 12pt/1.35 "DejaVu Sans", "Liberation Sans", Arial, sans-serif; color: #000;
       margin: 0 auto; max-width: 174mm }
h1 { font-size: 22pt; margin: 0 } h2 { font-size: 14pt; margin: 7mm 0 2mm }
.number { font-size: 46pt; font-weight: bold; line-height: 1.1; margin: 3mm 0 }
table { border-collapse: collapse; width: 100% }
td { border-bottom: 0.3mm solid #bbb; padding: 1.2mm 2mm; vertical-align: top }
td:first-child { white-space: nowrap; width: 1%; padding-right: 8mm }
code { font: bold 12pt "DejaVu Sans Mono", "Liberation Mono", monospace; overflow-wrap: anywhere }
.cut { border-top: 0.5mm dashed #000; margin: 9mm 0 5mm; padding-top: 1mm; font-size: 9pt }
.both { display: flex; gap: 8mm; align-items: flex-start; break-inside: avoid }
.both table { flex: 1 } .qr { width: 46mm; flex: none; text-align: center; font-size: 9pt }
.qr svg { width: 44mm; height: 44mm; display: block; margin: 0 auto }
p { margin: 2mm 0 } .small { font-size: 9.5pt }
"""

TITLES = {
    "office": Words("Telefono del centralino", "Telephone of the switchboard"),
    "extension": Words("Interno", "Extension"),
    "codes": Words("Codici, da comporre come un numero", "Codes, dialled like a number"),
    "cut": Words(
        "✂ Tagliare qui. La parte sotto contiene la password: distruggerla quando il telefono "
        "funziona.",
        "✂ Cut here. The part below holds the password: destroy it once the telephone works.",
    ),
    "type": Words("Da inserire nel telefono", "To be typed into the telephone"),
    "server": Words("Server SIP", "SIP server"),
    "user": Words("Utente", "User"),
    "secret": Words("Password", "Password"),
    "other": Words("Altro", "Other"),
    "address": Words("Configurazione automatica", "Automatic set-up"),
    "scan": Words(
        "Inquadrare con Linphone (Configurazione remota)",
        "Scan with Linphone (remote provisioning)",
    ),
    "enter": Words(
        "Indirizzo da inserire nella pagina web del telefono (provisioning)",
        "Address for the telephone's web page (provisioning)",
    ),
    "window": Words(
        "Vale solo mentre il tecnico tiene aperto “centralino phones serve”, e una volta sola.",
        "Valid only while the technician keeps “centralino phones serve” open, and only once.",
    ),
}
CODE_WORDS: dict[str, Words] = {
    "pick_up": Words("prende la chiamata che squilla altrove", "takes a call that rings elsewhere"),
    "messages": Words("fa sentire i messaggi della segreteria", "plays the messages of voicemail"),
    "away_on": Words(
        "questa postazione è assente: non squilla", "this position is away: no ringing"
    ),
    "away_off": Words("di nuovo presente", "back again"),
    "unattended_on": Words(
        "centralino non presidiato: le chiamate vanno allo Sportello",
        "switchboard unattended: calls go to the counter",
    ),
    "unattended_off": Words("di nuovo presidiato", "attended again"),
    "closed_on": Words("chiuso: risponde la segreteria", "closed: voicemail answers"),
    "closed_off": Words("non più chiuso a mano", "no longer closed by hand"),
    "opened_on": Words("aperto a mano", "opened by hand"),
    "opened_off": Words("non più aperto a mano", "no longer opened by hand"),
    "absent_on": Words("tutti assenti: non squilla nessun telefono", "all absent: no phone rings"),
    "absent_off": Words("le persone sono tornate", "people are back"),
}
"""What a code does, by `<what>_<on or off>`; one that has no opposite stands alone."""


def meaning(code: KeyCode) -> str:
    """Return the name of what a code does, for CODE_WORDS."""
    alone = code.what in {StaffKey.PICK_UP, StaffKey.MESSAGES}
    return str(code.what) if alone else f"{code.what}_{'on' if code.on else 'off'}"


def told(codes: tuple[KeyCode, ...]) -> tuple[tuple[str, str], ...]:
    """Return the codes with the names of their meanings, in the order of CODE_WORDS."""
    found = {meaning(code): code.digits for code in codes}
    return tuple((found[what], what) for what in CODE_WORDS if what in found)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed. `codes` are digits and their meaning's name (CODE_WORDS); `address` is the
    phone's provisioning address, "" for none, and `is_soft` says whether an app scans it.
    """

    office: str
    handset: Handset
    codes: tuple[tuple[str, str], ...]
    address: str = ""
    is_soft: bool = True


def page(sheet: Sheet, qr: Callable[[str], str]) -> str:
    """Write the page; `qr(text)` gives a QR code as an `<svg>` element."""
    phone, language = sheet.handset, sheet.handset.language

    def say(words: Words) -> str:
        return escape(words.it if language == "it" else words.en)

    return "\n".join(
        [
            f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
            f"<title>{escape(phone.shown)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
            f"<p>{escape(sheet.office)} · {say(TITLES['office'])}</p>",
            f"<h1>{escape(phone.label or phone.name)}</h1>",
            f"<p>{say(TITLES['extension'])}</p>",
            f'<div class="number">{escape(phone.extension)}</div>',
            f"<h2>{say(TITLES['codes'])}</h2>",
            _table([(digits, say(CODE_WORDS[what])) for digits, what in sheet.codes], code=0),
            f'<div class="cut">{say(TITLES["cut"])}</div>',
            f"<h2>{say(TITLES['type'])}</h2>",
            '<div class="both">',
            _table(_to_type(phone, say), code=1),
            _qr(sheet, qr, say),
            "</div>",
            _automatic(sheet, say),
            "</body>\n</html>\n",
        ]
    )


def _to_type(phone: Handset, say: Callable[[Words], str]) -> list[tuple[str, str]]:
    return [
        (say(TITLES["server"]), f"{escape(phone.server)}:{phone.port} UDP"),
        (say(TITLES["user"]), escape(phone.name)),
        (say(TITLES["secret"]), escape(phone.secret)),
        (say(TITLES["other"]), "PCMA, PCMU · DTMF RFC 4733"),
    ]


def _table(rows: list[tuple[str, str]], code: int) -> str:
    """Write rows of two cells; `code` says which of them is something to type."""
    cells = (
        "".join(
            f"<td>{f'<code>{one}</code>' if n == code else one}</td>" for n, one in enumerate(r)
        )
        for r in rows
    )
    return "<table>\n" + "\n".join(f"<tr>{row}</tr>" for row in cells) + "\n</table>"


def _qr(sheet: Sheet, qr: Callable[[str], str], say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    words = TITLES["scan"] if sheet.is_soft else TITLES["address"]
    return f'<div class="qr">{qr(sheet.address)}{say(words)}</div>'


def _automatic(sheet: Sheet, say: Callable[[Words], str]) -> str:
    if not sheet.address:
        return ""
    title = TITLES["address"] if sheet.is_soft else TITLES["enter"]
    return (
        f'<p class="small">{say(title)}: <code>{escape(sheet.address)}</code><br>'
        f"{say(TITLES['window'])}</p>"
    )

"""How long a search of sheets, bodies and offices takes (P2: 50 ms for 2,000 sheets at p95)."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.sheets import Sheet
from appliance.store import address_book, sheets
from appliance.store.database import open_database, open_reader
from appliance.store.search import search
from tests.bench.table import Row, row

SHEETS = 2_000
BODIES = 300
MOST = 8
"""As many as are shown beside a call."""
DAY = date(2026, 5, 20)
WORDS = [
    "residenza",
    "carta",
    "identità",
    "tributi",
    "imu",
    "tari",
    "mensa",
    "scuola",
    "nido",
    "asilo",
    "certificato",
    "anagrafe",
    "stato",
    "civile",
    "matrimonio",
    "nascita",
    "cittadinanza",
    "edilizia",
    "permesso",
    "costruire",
    "accesso",
    "atti",
    "pratica",
    "domanda",
    "modulo",
    "ufficio",
    "sportello",
    "scadenza",
    "acconto",
    "saldo",
    "esenzione",
    "ricorso",
    "cambio",
    "indirizzo",
    "famiglia",
    "passaporto",
    "elettorale",
    "tessera",
    "voto",
    "rinnovo",
    "dieta",
    "celiachia",
    "bonus",
    "contributo",
    "affitto",
]
TYPED = (
    "c", "ca", "cambio", "cambio res", "cambio residenza", "citta", "identita", "imu acconto",
    "mensa dieta celiachia", "certificato", "permesso di costruire", "s", "nessuna parola",
    "spazzatura", "resident", "menssa", "certifciato", "residenti", "carta identita", "xqwzk",
)  # fmt: skip


def rows(folder: Path) -> list[Row]:
    """Import so many sheets of a page each, then search beside the writer, as commands do."""
    path = folder / "centralino.db"
    began = time.perf_counter()
    with closing(open_database(path, folder / "corrupt").connection) as writer:
        sheets.store(writer, many())
        took = (time.perf_counter() - began) * 1000
        address_book.lay(writer, bodies(), ())
        with closing(open_reader(path)) as reader:
            found = [_search(reader, typed) for _ in range(20) for typed in TYPED]
    waited, own = zip(*found, strict=True)
    return [
        row(
            "Search: 2,000 sheets and 300 other bodies, one to three words",
            waited,
            aim=("p95", 50.0),
        ),
        row("Search: the same, its own CPU", own, aim=("p95", 50.0)),
        row("Sheets: importing 2,000 into empty records", (took,)),
    ]


def many() -> tuple[Sheet, ...]:
    """Make sheets of some 300 words; the same ones every time."""
    dice = random.Random(1)

    def text(words: int) -> str:
        return " ".join(dice.choice(WORDS) for _ in range(words))

    def rare() -> str:
        """Return a few words of some 20,000, as names and streets are."""
        return " ".join(
            dice.choice(WORDS) + "".join(dice.choices("abcdefgilmnoprstuvz", k=3))
            for _ in range(20)
        )

    return tuple(
        Sheet(
            f"scheda-{n}", text(4).capitalize(), "anagrafe", "Regolamento", date(2026, 5, 20),
            f"{text(280)} {rare()}\n", (dice.choice(WORDS),), tuple(text(3).split()),
        )
        for n in range(SHEETS)
    )  # fmt: skip


def bodies() -> tuple[BookEntry, ...]:
    """Make entries of the address book; the same ones every time."""
    dice = random.Random(2)
    return tuple(
        BookEntry(
            f"ente-{n}", " ".join(dice.choices(WORDS, k=3)), "anna", DAY, DAY,
            (BookNumber(f"051 5550{n:03}", dice.choice(WORDS)),), tuple(dice.choices(WORDS, k=6)),
            note=" ".join(dice.choices(WORDS, k=20)),
        )
        for n in range(BODIES)
    )  # fmt: skip


def _search(reader: sqlite3.Connection, typed: str) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    search(reader, typed, DAY, MOST)
    return (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000

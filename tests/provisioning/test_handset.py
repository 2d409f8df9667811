"""The printed sheet of a phone, and its QR code."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from appliance.policy.office import KEY_CODES
from appliance.provisioning.handset import (
    CODE_WORDS,
    PhoneSheet,
    code_meaning,
    listed_codes,
    qr_svg,
    sheet_page,
)
from tests.provisioning.samples import SECRET, handset

if TYPE_CHECKING:
    from pathlib import Path


URL = "http://192.168.10.5:5080/qnuewqfkmzrecj9d9hvx/linphone.xml"
VOID = {"meta", "br", "path"}
SCALE = 6


class Reader(HTMLParser):
    """Reads text, and checks that every element is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.text = list[str](), list[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        """An element begins."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The last element that began ends."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.text.append(data.strip())


def written(language: str = "it", label: str = "Sportello <Anagrafe>", address: str = URL) -> str:
    """Return a page."""
    told = listed_codes(KEY_CODES)
    return sheet_page(
        PhoneSheet("Comune di Esempio", handset(language, label), told, address), qr_svg
    )


def bitmap(svg: str) -> bytes:
    """Draw segno's path (M, m and h in whole modules, strokes of one module) as a PGM."""
    size = int(re.findall(r'viewBox="0 0 (\d+) \d+"', svg)[0])
    dark = set()
    x = y = 0
    for kind, numbers in re.findall(r"([Mmh])([^Mmh]*)", re.findall(r' d="([^"]+)"', svg)[0]):
        given = [int(float(n)) for n in re.findall(r"-?[\d.]+", numbers)]
        if kind == "h":
            dark |= {(x + n, y) for n in range(given[0])}
            x += given[0]
        else:
            x, y = (given[0], given[1]) if kind == "M" else (x + given[0], y + given[1])
    rows = [
        bytes(
            0 if (column // SCALE, row // SCALE) in dark else 255 for column in range(size * SCALE)
        )
        for row in range(size * SCALE)
    ]
    return b"P5 %d %d 255\n" % (size * SCALE, size * SCALE) + b"".join(rows)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("zbarimg") is None, reason="apt install zbar-tools")
@pytest.mark.parametrize(
    "text", [URL, "http://10.0.0.1:5080/" + "a" * 20 + "/", "x", URL + "b" * 200]
)
def test_a_strangers_decoder_reads_the_qr_code(tmp_path: Path, text: str) -> None:
    """zbar reads from the drawn code what was written."""
    (tmp_path / "qr.pgm").write_bytes(bitmap(qr_svg(text)))
    command = [
        "zbarimg",
        "--quiet",
        "--raw",
        "-Sdisable",
        "-Sqrcode.enable",
        str(tmp_path / "qr.pgm"),
    ]
    found = subprocess.run(command, capture_output=True, check=False, text=True)
    assert found.stdout.strip() == text


def test_the_page_holds_the_code_of_its_address() -> None:
    """The QR code on the page is that of the phone's own address, which also stands in letters."""
    text = written()
    assert qr_svg(URL) in text
    assert URL in Reader(text).text


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("label", ["", "Anna", "<script>alert(1)</script>", 'a"b&c'])
def test_the_page_is_whole_and_says_everything(language: str, label: str) -> None:
    """Office, name, extension, every code with its words, what to type; nothing of a label is
    taken for HTML.
    """
    read = Reader(written(language, label))
    assert read.open == []
    words = {
        code: w.text("it") if language == "it" else w.text("en") for code, w in CODE_WORDS.items()
    }
    told = [words[code_meaning(code)] for code in KEY_CODES]
    for needed in (label or "sportello1", "21", "sportello1", SECRET, "192.168.10.5:5062 UDP"):
        assert needed in read.text
    assert [word for word in told if word not in read.text] == []
    assert [code.digits for code in KEY_CODES if code.digits not in read.text] == []


def test_every_code_of_the_house_has_words() -> None:
    """A code that is added to the house is added to the sheet."""
    assert {code_meaning(code) for code in KEY_CODES} <= set(CODE_WORDS)


def test_a_desk_phones_sheet_tells_where_to_enter_its_address() -> None:
    """A desk phone is not told to scan."""
    phone = handset()
    text = sheet_page(PhoneSheet("C", phone, (), "http://10.0.0.1:5080/t/", is_soft=False), qr_svg)
    assert "provisioning" in text
    assert "Linphone" not in text


def test_a_sheet_without_an_address_has_no_code() -> None:
    """Nothing to scan where nothing is served."""
    assert "<svg" not in written(address="")

"""A file that is no TOML: each slip of a hand has its line, its own sentence and its remedy."""

from __future__ import annotations

import pytest

from appliance.config import read
from appliance.config.values import BadConfiguration, Mistake

SLIPS = {
    "no quote at the end": ('[site]\nname = "Comune\n', 2, "alla fine del testo", "at the end of"),
    "no quote before": ('[site]\nname = Comune"\n', 2, "all'inizio del testo", "before the text"),
    "no quotes": ("[site]\nname = Comune\n", 2, 'indirizzi: name = "…"' , 'name = "…"'),
    "a number of a phone": ("x = 051 234567\n", 1, "numeri di telefono", "telephone numbers"),
    "a leading zero": ("x = 0512345\n", 1, "numeri di telefono", "telephone numbers"),
    "a time": ("mon = 08:30-12:30\n", 1, "orari", "times"),
    "an address": ("x = 192.168.1.10\n", 1, "indirizzi", "addresses"),
    "curly quotes": ("[site]\nname = “Comune”\n", 2, "diritte", "straight ones"),
    "an apostrophe": ("name = 'dell'ufficio'\n", 1, "l'apostrofo chiude", "apostrophe ends"),
    "quotes in quotes": ('name = "il "Comune" di"\n', 1, "usare « e »", "second quote"),
    "hidden spaces": ('\u00a0name = "x"\n', 1, "spazi speciali", "special spaces"),
    "a control sign": ('name = "a\x07"\n', 1, "che non si vede", "cannot be seen"),
    "no equals sign": ('[site]\nname "Comune"\n', 2, "manca = dopo name", "= is missing behind"),
    "a colon": ('[site]\nname: "Comune"\n', 2, "non i due punti", "no colon"),
    "a name of two words": ('il nome = "x"\n', 1, "una parola sola", "is one word"),
    "a name with an accent": ('qualità = "x"\n', 1, "senza spazi né accenti", "accents"),
    "a sentence": ("questo è un appunto\n", 1, "comincia con #", "begins with #"),
    "another remark sign": ("// appunto\n", 1, "un commento comincia con #", "begins with #"),
    "no value": ("[site]\nname =\n", 2, "manca il valore", "value is missing"),
    "a list left open": ('[site]\nlanguages = ["it", "en"\nname = "x"\n', 2, "manca ]", "] is"),
    "a list open at the end": ('[site]\n\nlanguages = ["it",\n', 3, "manca ]", "] is missing"),
    "a list without a comma": ('languages = ["it" "en"]\n', 1, "manca una virgola", "a comma"),
    "a list without commas": ('languages = [\n "it"\n "en"\n]\n', 3, "virgola", "a comma"),
    "a list without a beginning": ('languages = "it"]\n', 1, "manca [", "[ is missing"),
    "round brackets": ('languages = ("it", "en")\n', 1, "parentesi quadre", "square brackets"),
    "a header left open": ('[site\nname = "x"\n', 1, "si scrive [site]", "is written [site]"),
    "a header half closed": ('[[lines]\nname = "x"\n', 1, "si scrive [[lines]]", "[[lines]]"),
    "words behind a header": ("[site] sede\n", 1, "dopo [site] non va altro", "nothing stands"),
    "an entry twice": ('[site]\nname = "x"\nname = "y"\n', 3, "name è scritta due", "name is wri"),
    "a table twice": ('[site]\na = 1\n[x]\n[site]\n', 4, "c'è già alla riga 1", "in line 1"),
    "lines as one table": ("[lines]\na = 1\n[lines]\n", 3, "comincia con [[lines]]", "[[lines]]"),
    "yes": ("tls = sì\n", 1, "true e false", "true and false"),
    "a big letter": ("tls = True\n", 1, "minuscoli", "small letters"),
    "a decimal comma": ("x = 0,5\n", 1, "x = 0.5", "x = 0.5"),
    "a comma at the end": ('name = "x",\n', 1, "togliere ,", "take , away"),
    "a semicolon at the end": ('name = "x";\n', 1, "togliere ;", "take ; away"),
    "words behind a value": ('name = "x" sede\n', 1, "dopo il valore", "behind the value"),
    "a backslash": ('path = "C:\\Users"\n', 1, "due volte: \\\\", "written twice: \\\\"),
    "a table in a line": ("x = { a = 1\n b = 2 }\n", 1, "su una riga sola", "on one line"),
    "three quotes": ('a = 1\nx = """testo\nb = 1\n', 2, "non finisce", "has no end"),
}  # fmt: skip


def mistakes(text: str) -> tuple[Mistake, ...]:
    """Read a configuration that is wrong."""
    with pytest.raises(BadConfiguration) as caught:
        read.parse(text)
    return caught.value.mistakes


@pytest.mark.parametrize(("text", "line", "it", "en"), SLIPS.values(), ids=SLIPS)
def test_each_slip_has_its_line_and_its_own_sentence(
    text: str, line: int, it: str, en: str
) -> None:
    """One mistake is one sentence, of the line that was mistyped and in both languages."""
    (found,) = mistakes(text)
    assert found.line == line
    assert it in found.said.text("it"), found.said.text("it")
    assert en in found.text, found.text
    assert f"riga {line}, " in found.words.text("it")


def test_no_two_kinds_of_slip_share_a_sentence() -> None:
    """A sentence that says the same for everything helps with nothing."""
    said = {name: mistakes(text)[0].said.text("it") for name, (text, *_) in SLIPS.items()}
    shared = [
        {"a number of a phone", "a leading zero", "a time", "an address", "no quotes"},
        {"a name of two words", "a name with an accent"},
        {"a list without a comma", "a list without commas"},
        {"a list left open", "a list open at the end"},
        {"yes", "a big letter"},
    ]  # the remedy is the same
    for names in shared:
        first, *others = sorted(names)
        assert said[first].split(":")[0] == said[others[0]].split(":")[0]
        for name in others:
            del said[name]
    assert len(set(said.values())) == len(said)


def test_all_slips_of_a_file_are_told_at_once() -> None:
    """Whoever has mistyped five lines edits the file once."""
    text = (
        '[site\nname = "Comune\nzone: "Europe/Rome"\n[mail]\ntls = sì\n'
        'host = mail.comune.it\nfrom = "a@b.it"\n[mqtt]\nport = 0,5\n'
    )
    assert [(each.line, bool(each.said.text("it"))) for each in mistakes(text)] == [
        (1, True), (2, True), (3, True), (5, True), (6, True), (9, True),
    ]  # fmt: skip


def test_what_hangs_together_is_told_once() -> None:
    """A list that is not closed makes no mistakes of the lines behind it."""
    text = '[site]\nlanguages = ["it"\nname = "x"\nzone = "y"\n[mail]\ntls = true\n'
    assert [each.line for each in mistakes(text)] == [2]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "a = " + "9" * 5000, "\0", 'a = """', "'", "=", "[", "{"]
)
def test_what_nobody_types_is_a_sentence_too(text: str) -> None:
    """Brackets and figures beyond all measure end in a mistake, never in a traceback."""
    assert mistakes(text)[0].said.text("it")

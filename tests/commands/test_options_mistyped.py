"""Click's own errors, in Italian to whoever reads Italian, as click says them to all others."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from appliance.commands import options
from tests.commands.test_options import ENGLISH, ITALIAN, run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "--unitt"), "l'opzione --unitt non c'è. Forse: --unit?"),
        (("--nonsenso",), "l'opzione --nonsenso non c'è."),
        (("report", "--unit"), "l'opzione '--unit' vuole un valore"),
        (("report", "--mail=x"), "l'opzione '--mail' non vuole un valore"),
        (("status", "--", "x"), "argomenti di troppo: x"),
        (("call-back", "7"), "manca l'opzione '--position'"),
        (("opened",), "manca l'argomento '{on|off}'. Valori possibili: on, off"),
        (("opened", "ok"), "valore non valido per '{on|off}': 'ok' non è fra i valori possibili"),
        (("console", "--port", "x"), "valore non valido per '--port': 'x' non è un numero intero"),
        (("console", "--port", "99999"), "99999 non è fra i valori ammessi (0<=x<=65535)"),
        (("field-test", "--report", "/nulla"), "'/nulla' non c'è: controllare il percorso"),
        (("stauts",), "Il comando «stauts» non c'è. Forse: centralino status"),
        (("demo", "--config", "x"), "l'opzione --config non c'è."),
    ],
    ids=" ".join,
)
def test_a_mistake_of_use_is_said_in_italian(words: tuple[str, ...], said: str) -> None:
    """What is wrong, how the command is used and where its help is; as the sentence says it."""
    result = run(*words, env=ITALIAN)
    assert result.exit_code == 2
    used, hint, *_, sentence = result.output.replace("main", "centralino").splitlines()
    assert used.startswith("Uso: centralino ")
    assert hint.startswith("Aiuto: centralino ")
    assert sentence.startswith("Errore: ")
    assert said in sentence


def test_others_read_what_click_says() -> None:
    """Whole, with what is like the option that is not there."""
    told = run("report", "--unitt", env=ENGLISH).output
    assert "Usage: " in told
    assert "Error: No such option: --unitt Did you mean --unit?" in told


@pytest.mark.parametrize(("site", "said"), [("en", "Error: "), ("it", "Errore: ")])
def test_without_a_wish_the_site_decides(site: str, said: str, tmp_path: Path) -> None:
    """Also where the mistake keeps the configuration from being read."""
    path = tmp_path / "centralino.toml"
    path.write_text(f'[site]\nlanguages = ["{site}"]\n')
    assert said in run("report", "--unitt", env={"CENTRALINO_CONFIG": str(path)}).output
    assert said in run("report", "--config", str(path), "--month").output


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("'x' is not a valid float range.", "'x' non è un numero"),
        ("'x' is not a valid boolean.", "'x' non è né sì né no (true, false)"),
        ("'x' is not 'y'.", "'x' non è 'y'"),
        ("Directory 'x' is a file.", "'x' è un file: indicare una cartella"),
        ("File 'x' is a directory.", "'x' è una cartella: indicare un file"),
        ("Path 'x' is not readable.", "'x' non si può leggere"),
        ("Path 'x' is not writable.", "'x' non si può scrivere"),
        ("Argument 'x' takes 2 values.", "l'argomento 'x' vuole 2 valori"),
        ("Option '-x' requires 2 arguments.", "l'opzione '-x' vuole 2 valori"),
        ("2 values are required, but 1 was given.", "servono 2 valori, non 1"),
        ("Takes 2 values but 3 were given.", "servono 2 valori, non 3"),
        ("Missing command.", "manca il comando"),
        ("la nostra frase", "la nostra frase"),
    ],
)
def test_what_click_says_of_values(english: str, italian: str) -> None:
    """Each sentence that our parameters can lead to; what is none of them stays as it is."""
    assert options.click_error_words(click.UsageError(english)).text("it") == italian


@pytest.mark.usefixtures("italian")
def test_an_interrupted_question_ends_in_one_word() -> None:
    """Ctrl-C at a question is no error of anybody."""
    with pytest.raises(options.ShownError) as caught, options.translated_errors():
        raise click.Abort
    assert (caught.value.exit_code, caught.value.message) == (1, "Interrotto.")

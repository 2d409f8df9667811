"""Values that no command and no configuration should take: refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.commands import backup
from appliance.config import read, state_folder
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration
from appliance.policy.text import Refused
from appliance.service.nightly import NIGHTLY
from appliance.service.restore import copy_of
from appliance.store.database import database_path
from appliance.store.writer import DatabaseWriter

SITE = '[site]\nname = "Comune"\npatron = "10-04"\n[hours]\n[sip]\naddress = "127.0.0.1"\n'


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A configuration that is good."""
    path = tmp_path / "centralino.toml"
    path.write_text(f'{SITE}[folders]\nstate = "{tmp_path}/state"\n')
    return path


def run(box: Path, *words: str) -> Result:
    """Type a command."""
    return CliRunner().invoke(main, [*words, "--config", str(box)])


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_a_console_is_served_at_a_port_or_not_at_all(port: str, box: Path) -> None:
    """A number that is no port is refused by the command, not by the system's traceback."""
    result = run(box, "console", "--port", port)
    assert result.exit_code == 2
    assert port in result.output


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_phones_register_at_a_port_or_the_configuration_is_wrong(port: int) -> None:
    """sip.port is checked like every other port."""
    with pytest.raises(BadConfiguration) as caught:
        build_office(read.parse(f"{SITE}port = {port}\n"), 2026)
    (mistake,) = caught.value.mistakes
    assert mistake.words.text("it") == f"sip.port: {port} non è una porta: da 1 a 65535"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restore", "/nowhere/x.backup"), "non c'è nessun file con questo nome"),
        (("restore", "/nowhere/x.backup", "--check"), "non c'è nessun file con questo nome"),
        (("backup", "/nowhere/x.backup"), "la cartella /nowhere non c'è"),
    ],
)
def test_a_passphrase_is_asked_for_only_where_it_is_of_use(
    words: tuple[str, ...], said: str, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has mistyped the path hears so before they type twenty characters twice."""
    asked: list[object] = []
    monkeypatch.setattr(backup, "ask_secret", lambda *more, **_: asked.append(more))
    result = run(box, *words)
    assert result.exit_code == 1
    assert said in result.output
    assert asked == []


def test_a_night_without_a_copy_is_said_in_good_italian(tmp_path: Path) -> None:
    """One sentence where there are others, another one where there is none at all."""
    with pytest.raises(Refused) as caught:
        copy_of(tmp_path, "2026-11-25")
    assert caught.value.words.text("it").endswith("2026-11-25: non ce n'è ancora nessuna")
    (tmp_path / NIGHTLY / "2026-11-24").mkdir(parents=True)
    with pytest.raises(Refused) as caught:
        copy_of(tmp_path, "2026-11-25")
    assert caught.value.words.text("it").endswith("2026-11-25: ci sono quelle di 2026-11-24")


def test_every_mistake_has_its_line(box: Path) -> None:
    """Also those that are found only once the whole file is read."""
    wrong = '[mail]\nsender = "nobody"\n[switchboard]\nphones = ["op9"]\n'
    box.write_text(f'{wrong}{box.read_text()}[[phones]]\nname = "op1"\n')
    result = run(box, "--language", "en", "check")
    assert result.exit_code == 1
    assert "line 2, mail.sender: 'nobody' is no mail address" in result.output
    assert "line 4, switchboard.phones: 'op9' is unknown" in result.output


LINES = (
    '[[lines]]\nname = "line1"\nport = "/dev/serial/by-path/x"\nlabel = "Uno"\n'
    '[[phones]]\nname = "op1"\n'
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("retention.calls_dayz=3",), "Did you mean: retention.calls_days?"),
        (("--clear", "foo.bar"), "foo.bar: is no setting: `centralino box settings show` lists"),
        (("lines.line1.labl=x",), "Did you mean: lines.label?"),
        (("lines.line9.label=x",), "lines.line9.label: there is no line9: line1"),
        (("--remove", "phones.op9"), "phones.op9: there is no op9: op1"),
        (("folders.state=/x",), "cannot be changed here: the technician writes it into the file"),
        (("closures.x=1",), "cannot be changed here"),
    ],
    ids=str,
)
def test_a_mistyped_setting_is_answered_with_those_that_there_are(
    change: tuple[str, ...], said: str, box: Path
) -> None:
    """Nobody at a shell opens a page again, or asks the technician who is typing."""
    box.write_text(box.read_text().replace("[folders]", f"{LINES}[folders]"))
    result = run(box, "--language", "en", "box", "settings", "diff", *change)
    assert (result.exit_code, said in result.output) == (1, True), result.output


def records_of(box: Path) -> None:
    """Make the records, without users."""
    (box.parent / "state").mkdir()
    records = DatabaseWriter(database_path(box.parent / "state"), "b").start()
    records.ask(lambda _: None)
    records.stop()


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("274839\n274839\n", 0, ""),
        ("274839\n", 0, ""),
        ("", 1, "no password was given"),
        ("274839\n938472\n", 1, "the two lines of the input are not the same"),
    ],
)
def test_a_secret_is_read_from_a_pipe_without_a_word(
    typed: str, status: int, said: str, box: Path
) -> None:
    """A script gets no prompts, and no warning of Python's."""
    words = ["--language", "en", "messages", "pin", "--config", str(box)]
    result = CliRunner().invoke(main, words, input=typed)
    assert (result.exit_code, said in result.output) == (status, True), result.output
    assert "PIN (" not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "password", "nobody"), "there is no user 'nobody'"),
        (("box", "restore", "/bin/ls", "--check"), "is no backup of the switchboard"),
    ],
)
def test_no_secret_is_asked_for_in_vain(words: tuple[str, ...], said: str, box: Path) -> None:
    """What cannot be done is refused before anybody types."""
    records_of(box)
    result = run(box, "--language", "en", *words)
    assert (result.exit_code, said in result.output) == (1, True), result.output


def test_an_import_of_sheets_needs_a_folder(box: Path, tmp_path: Path) -> None:
    """A folder that is missing has not "no *.md file", nor has a file."""
    for place, said in ((tmp_path / "none", "does not exist"), (box, "is a file")):
        result = run(box, "--language", "en", "office", "sheets", "import", str(place))
        assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize(
    ("key", "said"),
    [("aiuto", "It is gone."), ("greeting_closed", "callers hear it from its next start")],
)
def test_a_forgotten_announcement_is_gone_or_replaced(key: str, said: str, box: Path) -> None:
    """Only where a recording stands behind it do callers hear that one."""
    spoken = state_folder.speech_folder(box.parent / "state") / "it"
    spoken.mkdir(parents=True)
    (spoken / f"{key}.wav").touch()
    result = run(box, "--language", "en", "office", "prompts", "forget", key)
    assert (result.exit_code, said in result.output) == (0, True), result.output


def test_a_user_is_changed_by_an_option(box: Path) -> None:
    """What is missing is named as it is typed."""
    result = run(box, "--language", "en", "users", "change", "anna")
    options = "--shown, --role, --unit, --position, --language"
    assert result.output == f"Error: nothing to change: say {options}\n"


def test_empty_lists_say_so(box: Path) -> None:
    """As the list of calls does."""
    records_of(box)
    for words, said in ((("users", "list"), "No users."), (("office", "directory", "show"), "No")):
        result = run(box, "--language", "en", *words)
        assert (result.exit_code, result.output.startswith(said)) == (0, True), result.output

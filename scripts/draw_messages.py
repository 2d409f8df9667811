"""Draw docs/messages.en.md and its other languages, the reference of messages, from the code.

    .venv/bin/python -m scripts.draw_messages

A trouble is what `Trouble(code, words)` makes, a notice what `centralino check` gathers as
wanting. The calls are read out of the source, so that no list can miss one; what the source alone
does not tell stands in ELSEWHERE. tests/docs/test_messages.py fails when a page is behind.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from appliance.bootfile.apply import NOT_ENCRYPTED, NOTICE
from appliance.bootfile.values import TOO_LATE
from appliance.policy.updates import UPDATE_STATE_WORDS, UpdateState
from appliance.text import ENGLISH, translations

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "appliance"
DOCS: Final = ROOT / "docs"
CHECK: Final = SOURCE / "commands" / "status.py"
"""Where `centralino check` gathers its notices, in a tuple named `wanting`."""
TEXTS: Final = frozenset({"_", "counted", "in_context"})
GAP: Final = "…"
"""Stands for what the box fills in."""

ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    # What stands in a notice's file: root's helpers write it (root_notices).
    "notice:…": (),
    # The verdict names the part that has failed.
    "selftest": (),
    "update.back": (UPDATE_STATE_WORDS[UpdateState.BACK].msgid,),
}
"""Texts of troubles whose words are made elsewhere, by code."""
POSTED: Final[Mapping[str, tuple[str, ...]]] = {
    # It quotes the line of the card's file.
    f"notice:{NOTICE}": (),
    f"notice:{NOT_ENCRYPTED}": (TOO_LATE.msgid,),
}
"""Texts of the notices that `post_notice` writes, by code."""
IMAGE: Final = ROOT / "image" / "overlay" / "usr" / "lib" / "centralino-image"
"""Scripts of the image, which write notices by `notice NAME ITALIAN ENGLISH`."""
LINES: Final = ("media/port.py", "modem/scripts.py", "modem/port_server.py")
"""Files whose every text is the reason why a line is out of order."""
_NOTICE: Final = re.compile(
    r'(?:/notice" (?P<name>\S+)|wait_for "\w+ \$\d") \\\n\s*"(?P<text>[^"]*)"'
)

TITLES: Final = {"en": "Messages", "it": "Messaggi dell'apparecchio", "de": "Meldungen des Geräts"}
INTRODUCTIONS: Final = {
    "en": (
        "Every trouble of the box and every notice of `centralino check`, drawn from the code. "
        f"`{GAP}` stands for what the box fills in. The sentence says what to do; [what each "
        "sentence asks for](troubles.en.md) has a word more. [Italiano](messages.it.md)"
    ),
    "it": (
        "Tutti i guasti che l'apparecchio segnala e tutti gli avvisi di `centralino check`, "
        f"presi dal codice. `{GAP}` sta per ciò che completa l'apparecchio. La frase dice che "
        "cosa fare; qualche parola in più sta in [che cosa chiede ogni frase](troubles.it.md). "
        "[English](messages.en.md)"
    ),
    "de": (
        "Alle Störungen, die das Gerät meldet, und alle Hinweise von `centralino check`, aus dem "
        f"Programm entnommen. `{GAP}` steht für das, was das Gerät einsetzt. Der Satz sagt, was zu "
        "tun ist; etwas ausführlicher steht es, auf Italienisch, unter [was jeder Satz "
        "verlangt](troubles.it.md). [Italiano](messages.it.md) · [English](messages.en.md)"
    ),
}
TROUBLES: Final = {
    "en": (
        "Troubles",
        (
            "They light the LED *Fault*, and stand in `centralino status`, on the page "
            "*Installation* and in the journal. Programs find the code in "
            "`centralino status --json` and over MQTT."
        ),
        "| code | sentence |",
    ),
    "it": (
        "Guasti",
        (
            "Accendono il LED *Guasto* e si leggono in `centralino status`, nella pagina "
            "*Impianto* e nel registro. I programmi trovano il codice in "
            "`centralino status --json` e via MQTT."
        ),
        "| codice | frase |",
    ),
    "de": (
        "Störungen",
        (
            "Sie lassen die LED *Störung* leuchten und stehen in `centralino status`, auf der "
            "Seite *Anlage* und im Journal. Programme finden den Code in "
            "`centralino status --json` und über MQTT."
        ),
        "| Code | Satz |",
    ),
}
NOTICES: Final = {
    "en": (
        "Notices of `centralino check`",
        "The configuration is good; this is still wanting.",
        "| notice |",
    ),
    "it": (
        "Avvisi di `centralino check`",
        "La configurazione è giusta; questo però manca ancora.",
        "| avviso |",
    ),
    "de": (
        "Hinweise von `centralino check`",
        "Die Konfiguration ist in Ordnung; das Folgende fehlt noch.",
        "| Hinweis |",
    ),
}
OF_LINES: Final = {
    "en": (
        "Lines and modems",
        "A line that is out of order says why, in `centralino status` and on *Installation*.",
        "| sentence |",
    ),
    "it": (
        "Linee e modem",
        "Una linea fuori servizio ne dice il motivo, in `centralino status` e in *Impianto*.",
        "| frase |",
    ),
    "de": (
        "Leitungen und Modems",
        "Warum eine Leitung außer Betrieb ist, steht in `centralino status` und unter *Anlage*.",
        "| Satz |",
    ),
}
SAID_BY_OTHERS: Final = {
    "en": "*(a sentence of its own, with what to do)*",
    "it": "*(una frase propria, con il da farsi)*",
    "de": "*(ein eigener Satz, der sagt, was zu tun ist)*",
}


class Unreadable(Exception):  # noqa: N818 - reads as what it is
    """Raised for a trouble whose code or words cannot be read out of the source."""


@dataclass(frozen=True, slots=True)
class Module:
    """Syntax tree of a source file, with its constants by name."""

    path: Path
    tree: ast.Module
    constants: Mapping[str, ast.expr]


@cache
def modules() -> tuple[Module, ...]:
    """Read every source file of the product."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.append(Module(path, tree, dict(assigned(tree.body))))
    return tuple(found)


def assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield what names are assigned in statements."""
    for one in body:
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            yield one.targets[0].id, one.value
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value:
            yield one.target.id, one.value


def troubles(module: Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield codes and msgids of each `Trouble(…)` of a module; raises Unreadable."""
    for function in (module.tree, *functions(module.tree)):
        local = statements(function)
        for call in own_calls(function):
            if isinstance(call.func, ast.Name) and call.func.id == "Trouble":
                codes = tuple(codes_of(call.args[0], module, local))
                words = tuple(dict.fromkeys(msgids(call.args[1], module, local)))
                for code in codes:
                    said = ELSEWHERE.get(code, words)
                    if not said and code not in ELSEWHERE:
                        raise Unreadable(f"{module.path}:{call.lineno}: words of {code}")
                    yield code, said


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield every function of a module."""
    return (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))


def own_calls(place: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a function or a module, without those of functions within."""
    for child in ast.iter_child_nodes(place):
        if isinstance(child, ast.FunctionDef):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from own_calls(child)


def codes_of(node: ast.expr, module: Module, local: list[ast.stmt]) -> Iterator[str]:
    """Yield the codes that an expression may give; raises Unreadable."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from codes_of(node.body, module, local)
        yield from codes_of(node.orelse, module, local)
    elif isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values]
        yield re.sub(f"(?:{GAP})+", GAP, "".join(_part(one, module) for one in parts))
    elif isinstance(node, ast.Name):
        values = named(node, module, local)
        if not values:
            raise Unreadable(f"{module.path}:{node.lineno}: code {node.id}")
        for value in values:
            yield from codes_of(value, module, local)
    else:
        raise Unreadable(f"{module.path}:{node.lineno}: code {ast.unparse(node)}")


def _part(node: ast.expr, module: Module) -> str:
    if isinstance(node, ast.Name) and isinstance(module.constants.get(node.id), ast.Constant):
        node = module.constants[node.id]
    return str(node.value) if isinstance(node, ast.Constant) else GAP


def named(node: ast.Name, module: Module, local: list[ast.stmt]) -> list[ast.expr]:
    """Return what a name stands for: last in the function before its use, else in the module."""
    name, line = node.id, node.lineno
    found = [value for known, value in assigned(local) if known == name and value.lineno < line][
        -1:
    ]
    found += [
        one.value
        for statement in local
        for one in ast.walk(statement)
        if isinstance(one, ast.NamedExpr) and one.target.id == name
    ][:1]
    if not found and name in module.constants:
        found = [module.constants[name]]
    return found


def msgids(node: ast.AST, module: Module, local: list[ast.stmt]) -> Iterator[str]:
    """Yield the texts of the catalogue that an expression is made of: sentences, not parts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TEXTS:
        values = [one.value for one in node.args if isinstance(one, ast.Constant)]
        texts = [one for one in values if isinstance(one, str)]
        if node.func.id != "in_context":
            yield texts[-1]
        # What is filled in stands as a gap.
        return
    if isinstance(node, ast.Name):
        # A name that is made of itself is followed once.
        left = [one for one in local if node.id not in dict(assigned([one]))]
        for value in named(node, module, local):
            yield from msgids(value, module, left)
        return
    for function in functions(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function.name:
            body = statements(function)
            for one in body:
                yield from msgids_said(one, module, body)
    for part in parts_of(node):
        yield from msgids(part, module, local)


def parts_of(node: ast.AST) -> list[ast.AST]:
    """Return an expression's parts; of a text that is filled in, the text itself alone."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "filled"
    ):
        return [node.func.value]
    return list(ast.iter_child_nodes(node))


def statements(place: ast.AST) -> list[ast.stmt]:
    """List the statements of a function or a module, those within others too."""
    return [one for one in ast.walk(place) if isinstance(one, ast.stmt)]


@cache
def all_troubles() -> Mapping[str, tuple[str, ...]]:
    """Return the msgids of every trouble by its code, in the order of the codes."""
    found: dict[str, tuple[str, ...]] = {}
    for module in modules():
        for code, words in troubles(module):
            found[code] = tuple(dict.fromkeys((*found.get(code, ()), *words)))
    del found["notice:…"]
    return dict(sorted({**found, **POSTED}.items()))


def image_notices(language: str) -> Iterator[tuple[str, str]]:
    """Yield the notices of the image's scripts by their codes, in one language."""
    for script in sorted(IMAGE.iterdir()):
        if not script.is_file():
            continue
        for match in _NOTICE.finditer(script.read_text(encoding="utf-8")):
            # wait_for writes them all under this one name.
            yield f"notice:{match['name'] or 'data-key'}", shown(match["text"], language)


@cache
def all_reasons() -> tuple[str, ...]:
    """Return the msgids of every reason why a line is out of order."""
    found: list[str] = []
    for module in modules():
        if module.path.relative_to(SOURCE).as_posix() in LINES:
            calls = (one for one in ast.walk(module.tree) if isinstance(one, ast.Call))
            texts = (one for one in calls if ast.unparse(one.func) == "_")
            found += (text for one in texts for text in msgids(one, module, []))
    return tuple(dict.fromkeys(found))


@cache
def all_notices() -> tuple[str, ...]:
    """Return the msgids of every notice of `centralino check`, in its order."""
    own = next(one for one in modules() if one.path == CHECK)
    (told,) = (one for one in functions(own.tree) if one.name == "_wanting")
    (gathered,) = (value for name, value in assigned(told.body) if name == "wanting")
    found: list[str] = []
    for name, where in callees(gathered, own):
        module = next(one for one in modules() if one.path == where)
        (function,) = (one for one in functions(module.tree) if one.name == name)
        local = statements(function)
        found += (text for one in local for text in msgids_said(one, module, local))
    return tuple(dict.fromkeys(found))


def msgids_said(node: ast.stmt, module: Module, local: list[ast.stmt]) -> Iterator[str]:
    """Yield the texts that a statement returns or yields."""
    values: list[ast.expr | None] = []
    if isinstance(node, ast.Return):
        values.append(node.value)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield):
        values.append(node.value.value)
    for value in values:
        if value is not None:
            yield from msgids(value, module, local)


def callees(node: ast.expr, own: Module) -> Iterator[tuple[str, Path]]:
    """Yield the functions that give the notices, each with its file."""
    assert isinstance(node, ast.Tuple)
    for one in node.elts:
        value = one.value if isinstance(one, ast.Starred) else one
        assert isinstance(value, ast.Call)
        function: ast.expr = value.func
        if isinstance(function, ast.Name) and function.id == "map":
            function = value.args[0]
        if isinstance(function, ast.Name):
            name, module = function.id, imported(function.id, own)
        else:
            assert isinstance(function, ast.Attribute)
            assert isinstance(function.value, ast.Name)
            name, module = function.attr, imported(function.value.id, own)
        yield name, own.path if module is None else module


def imported(name: str, own: Module) -> Path | None:
    """Return the file of an imported module, or of an imported name's module."""
    for one in ast.walk(own.tree):
        if isinstance(one, ast.ImportFrom) and any(a.name == name for a in one.names):
            folder = ROOT / (one.module or "").replace(".", "/")
            within = folder / f"{name}.py"
            return within if within.is_file() else folder.with_suffix(".py")
    return None


def shown(msgid: str, language: str) -> str:
    """Return a text as a cell of a table: gaps for values, in one language."""
    text = msgid if language == ENGLISH else in_language(msgid, language)
    return re.sub(r"\{[^{}]*\}", GAP, text).replace("|", "\\|")


def in_language(msgid: str, language: str) -> str:
    """Return a msgid's translation, that of many where it is counted."""
    catalogue = translations(language)
    found = catalogue.gettext(msgid)
    return found if found != msgid else many(msgid, language)


@cache
def singulars() -> Mapping[str, str]:
    """Return the first form of each counted text by its second."""
    found = {}
    for module in modules():
        for call in (one for one in ast.walk(module.tree) if isinstance(one, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == "counted":
                texts = [str(a.value) for a in call.args if isinstance(a, ast.Constant)]
                if len(texts) > 1:
                    found[texts[1]] = texts[0]
    return found


def many(msgid: str, language: str) -> str:
    """Return the translation of a counted text for many."""
    if msgid not in singulars():
        return msgid
    return translations(language).ngettext(singulars()[msgid], msgid, 2)


def page(language: str) -> str:
    """Return the whole page in one language."""
    heading, said, head = TROUBLES[language]
    lines = [f"# {TITLES[language]}", "", INTRODUCTIONS[language], "", f"## {heading}", "", said]
    lines += ["", head, "|---|---|"]
    cells = [
        (code, " / ".join(shown(one, language) for one in words) or SAID_BY_OTHERS[language])
        for code, words in all_troubles().items()
    ]
    lines += (
        f"| `{code}` | {text} |"
        for code, text in sorted((*cells, *image_notices(language)), key=lambda row: row[0])
    )
    for texts, (heading, said, head) in (
        (all_reasons(), OF_LINES[language]),
        (all_notices(), NOTICES[language]),
    ):
        lines += ["", f"## {heading}", "", said, "", head, "|---|"]
        lines += (f"| {shown(one, language)} |" for one in texts)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for tongue in TITLES:
        (DOCS / f"messages.{tongue}.md").write_text(page(tongue), encoding="utf-8")

"""Answers to browsers: pages from templates, their keys and links, static files, downloads.

The console's only jinja2 import; whatever comes from outside is escaped.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from appliance.api.replies import FullStatus
from appliance.console.accounts import may, requester
from appliance.console.call_bar import CallBar, call_bar, position_labels
from appliance.console.field_names import field_name
from appliance.console.live import SwitchboardSummary, line_labels, switchboard_summary
from appliance.console.packing import LEAST_PACKED, page_answer, takes_gzip
from appliance.console.say import LANGUAGE_NAMES, N_, Speaker
from appliance.policy.numbering import typed_number
from appliance.policy.text import error_text_words, with_capital
from appliance.policy.users import ROLE_WORDS, Permission, Role
from appliance.store.listings import caller_words
from appliance.text import NOTHING, Words, decimal_sign

# An Italian keyboard has another name on it.
ENTER_KEY = N_("Enter")
"""Name of the Enter key."""
SHIFT_KEY = N_("Shift")
"""Name of the Shift key."""


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Return the Jinja environment of all pages."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("appliance.console", "templates"),
        autoescape=True,
        # A name that a page was not given is an error, not an empty place.
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # Jinja's own writes all other letters small: "5 sekunden zurück".
    made.filters["capitalize"] = with_capital
    made.filters["minutes"] = minutes
    return made


def minutes(seconds: float) -> str:
    """Return a length as minutes:seconds; a second that is not over does not count."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def page(request: Request, name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Answer with a page; `values` are its template's own, beside those of every page."""
    # A script keeps what was typed in a form that was not taken (kept-form.js).
    is_refused = request.method == "POST" and status >= 400
    return page_answer(request, render(request, name, is_refused=is_refused, **values), status)


def render(request: Request, name: str, **values: object) -> str:
    """Render a template: a page or a part of one."""
    return environment().get_template(name).render(**page_values(request), **values)


def page_values(request: Request) -> Mapping[str, Any]:
    """Return the values of every template: translation, address, menu, user, switchboard, keys."""
    speaker: Speaker = request.state.speaker
    settings, links = request.app.state.settings, shown_links(request)
    return {
        "_": speaker,
        "plural": speaker.plural,
        "words": speaker.words,
        "plainly": lambda text: speaker.words(error_text_words(text)),
        "day": speaker.day,
        "clock": speaker.clock,
        "moment": speaker.moment,
        "end": speaker.end,
        "ends_tonight": lambda at, now: (
            speaker.is_midnight(at) and speaker.day(speaker.eve(at)) == speaker.day(now)
        ),
        "decimal": lambda shown: decimal_sign(shown, speaker.language),
        "language": speaker.language,
        "languages": [
            (one, LANGUAGE_NAMES[one]) for one in settings.languages if one in LANGUAGE_NAMES
        ],
        "site": settings.site,
        "has_authority": settings.is_secure and not settings.certificate,
        "image_note": settings.image_note.text(speaker.language),
        "path": request.url.path,
        "links": links,
        "is_at": is_at,
        "menus": menus(links, request.url.path),
        "static": url_of,
        # SessionGate puts these into the state; a page of an error before it has none.
        "user": getattr(request.state, "user", None),
        "csrf": getattr(request.state, "csrf", ""),
        "is_control_away": is_control_unreachable(request),
        "switchboard": summary_of(request),
        "bar": bar_of(request),
        "appearance": look_of(request),
        "is_dialable": lambda shown: bool(typed_number(shown)),
        "position_label": position_label(request),
        "label_of": position_labeller(request),
        "called_label": called_labeller(request),
        "role_label": role_label(request),
        "field_name": lambda place: field_name(speaker, place),
        "caller_said": lambda caller: caller_words(caller, speaker.language),
        "all_keys": KEYS,
        "keys_taken": TAKEN_KEYS,
        "key_of": lambda action: keys_shown(speaker, action),
        "may_set_states": may(request, Permission.SET_STATES),
        "may_see_desk": may(request, Permission.SEE_DESK),
        "may_hear_messages": may(request, Permission.MESSAGES),
        "may_call_back": may(request, Permission.CALL_BACK),
    }


def keys_shown(speaker: Speaker, action: str) -> str:
    """Return an action's key as the reader's keyboard names it."""
    shown = shown_key(action).replace("Enter", speaker(ENTER_KEY))
    shown = shown.replace("ArrowDown", "↓").replace("ArrowUp", "↑")
    return shown.replace("Shift", speaker(SHIFT_KEY))


def summary_of(request: Request) -> SwitchboardSummary | None:
    """Return the switchboard's last known state; None without a login, or before the first one."""
    user, feed = getattr(request.state, "user", None), getattr(request.app.state, "feed", None)
    if user is None or feed is None or feed.newest.status is None:
        return None
    return switchboard_summary(feed.newest.status)


def bar_of(request: Request) -> CallBar | None:
    """Return what the call bar shows; None without a login, or while nothing is known."""
    feed = getattr(request.app.state, "feed", None)
    if not may(request, Permission.SEE_DESK) or feed is None or feed.newest.status is None:
        return None
    return call_bar(feed.newest.status, requester(request).position)


def position_labeller(request: Request) -> Callable[[str], str]:
    """Return what gives the label of a position; without a label its code."""
    status = _newest_status(request)
    labels = position_labels(status) if status else {}
    return lambda position: labels.get(position, position)


def called_labeller(request: Request) -> Callable[..., str]:
    """Return what gives the label of a called number and line; "" for neither."""
    return line_labels(_newest_status(request)).of


def _newest_status(request: Request) -> FullStatus | None:
    feed = getattr(request.app.state, "feed", None)
    return feed.newest.status if feed else None


def position_label(request: Request) -> str:
    """Return the label of the user's position, "" for a user without one."""
    if not may(request, Permission.SEE_DESK) or not (position := requester(request).position):
        return ""
    return position_labeller(request)(position)


def role_label(request: Request) -> Words:
    """Return the first role of the user, in the order of the roles."""
    user = getattr(request.state, "user", None)
    return next((ROLE_WORDS[role] for role in Role if user and role in user.roles), NOTHING)


# Colours and density of the pages are the person's choice in this browser. The server writes them
# into the page: nothing flashes in the other colours first, and no script is needed.
THEME_COOKIE: Final = "theme"
DENSITY_COOKIE: Final = "density"
THEMES: Final = ("", "light", "dark")
"""Colours; "" follows the system."""
DENSITIES: Final = ("", "compact")
"""Heights of rows; "" is comfortable."""


@dataclass(frozen=True, slots=True)
class Look:
    """Colours and density of the pages, "" as delivered."""

    theme: str
    density: str


def look_of(request: Request) -> Look:
    """Return the look that this browser asks for."""
    theme, density = (request.cookies.get(name, "") for name in (THEME_COOKIE, DENSITY_COOKIE))
    return Look(
        theme if theme in THEMES else "",
        density if density in DENSITIES else "",
    )


def is_control_unreachable(request: Request) -> bool:
    """Tell whether call control cannot be reached."""
    feed = getattr(request.app.state, "feed", None)
    # Before the first attempt nothing is known: no page says that it is away.
    return feed is not None and feed.newest.number > 0 and feed.newest.away


# Headings of the menu by ranges of PageLink.order; the first that fits.
MENU_ORDERS: Final = (
    (range(19, 30), N_("Lists")),
    (range(40, 60), N_("Offices")),
    (range(80, 90), N_("Installation")),
    (range(60, 1000), N_("Management")),
)


def _everybody(_: Request) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class PageLink:
    """Menu entry: address, English text, who sees it, and its order among the others.

    `has_badge`: with the number of open messages beside it.
    """

    path: str
    text: str
    is_for: Callable[[Request], bool] = _everybody
    order: int = 50
    has_badge: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """Links under a heading, "" for a single link; `is_here`: one of them is the page's own."""

    heading: str
    links: tuple[PageLink, ...]
    is_here: bool


def shown_links(request: Request) -> list[PageLink]:
    """Return the links that the user may follow, in order."""
    user = getattr(request.state, "user", None)
    # No other page can be opened before the new password (SessionGate).
    if user is not None and user.must_change:
        return []
    links: tuple[PageLink, ...] = request.app.state.links
    return [link for link in links if link.is_for(request)]


def menus(links: list[PageLink], path: str) -> list[Menu]:
    """Group links by heading, in their order; a heading with one link is left out."""
    headings = list(dict.fromkeys(map(heading, links)))
    found: list[Menu] = []
    for name in headings:
        some = tuple(link for link in links if heading(link) == name)
        # One link needs no heading.
        if name and len(some) > 1:
            found.append(Menu(name, some, any(is_at(link, path) for link in some)))
        else:
            found += (Menu("", (link,), is_at(link, path)) for link in some)
    return found


def is_at(link: PageLink, path: str) -> bool:
    """Tell whether a path is a link's own, or below it: /sheet/imu belongs to /sheets."""
    # Every path begins with that of the first page.
    if link.path == "/":
        return path == "/"
    return f"{path}/".startswith((f"{link.path}/", f"{link.path.removesuffix('s')}/"))


def heading(link: PageLink) -> str:
    """Return the heading of a link, "" for none."""
    return next((name for orders, name in MENU_ORDERS if link.order in orders), "")


# No letter or digit acts by itself (WCAG 2.1.4), no key changes the state of the whole
# switchboard, and none is one of the browser's or the system's own. A person may give an action
# another key (F1).


@dataclass(frozen=True, slots=True)
class PageKey:
    """Action with its keys, written like "Alt+S" or "Ctrl+Enter"; `text` is English."""

    action: str
    keys: tuple[str, ...]
    text: str


KEYS: Final = (
    PageKey("keys", ("F1",), N_("All keys")),
    PageKey("answer", ("F2",), N_("Answer")),
    PageKey("hang-up", ("Shift+F2",), N_("Hang up")),
    PageKey("hold", ("F4",), N_("Hold, or back to the caller")),
    PageKey("alternate", ("Shift+F4",), N_("From the office to the caller, and back")),
    PageKey("palette", ("Ctrl+K",), N_("Search or do")),
    PageKey("dial", ("Alt+C",), N_("Call a number")),
    PageKey("search", ("Alt+S",), N_("Search for a sheet, an office or another body")),
    PageKey("answered", ("Alt+Enter",), N_("Answered by this sheet")),
    PageKey("offices", ("F8", "Alt+U"), N_("Transfer: choose the office, then hand over")),
    PageKey("note", ("Alt+N",), N_("Note on the call")),
    PageKey("head", ("Alt+H",), N_("Bring in the head")),
    PageKey("away", ("Alt+A",), N_("Away from the position, or back")),
    PageKey("interrupted", ("Alt+I",), N_("Interrupted calls")),
    PageKey("pane", ("F6",), N_("Next part of the page")),
    PageKey("next", ("F9",), N_("Next case to follow")),
    PageKey("down", ("Alt+ArrowDown",), N_("Case below in the list")),
    PageKey("up", ("Alt+ArrowUp",), N_("Case above in the list")),
    PageKey("play", ("Alt+L",), N_("Play or pause the message")),
    PageKey("back", ("Alt+,",), N_("5 seconds back")),
    PageKey("forward", ("Alt+.",), N_("5 seconds forward")),
    PageKey("take", ("Alt+P",), N_("Take charge")),
    PageKey("call-back", ("Alt+R",), N_("Call back")),
    *(
        PageKey(f"choice-{number}", (f"Alt+{number}",), text)
        for number, text in enumerate(
            (
                N_("First outcome, or way of the return"),
                N_("Second outcome, or way of the return"),
                N_("Third outcome, or way of the return"),
                N_("Fourth outcome"),
                N_("Fifth outcome"),
            ),
            1,
        )
    ),
    PageKey("send", ("Ctrl+Enter",), N_("Send the form one is in")),
    PageKey("undo", ("Ctrl+Z",), N_("Undo the last action, outside text fields")),
)
TAKEN_KEYS: Final = (
    "F3", "F5", "F7", "F10", "F11", "F12", "Alt+F4", "Alt+Space", "Alt+ArrowLeft", "Alt+ArrowRight",
    "Alt+Tab", "Alt+Home", "Alt+D", "Alt+E", "Alt+F", "Ctrl+A", "Ctrl+C", "Ctrl+V", "Ctrl+X",
    "Ctrl+F", "Ctrl+N", "Ctrl+P", "Ctrl+R", "Ctrl+T", "Ctrl+W", "Ctrl+L", "Ctrl+Tab", "Ctrl++",
    "Ctrl+-", "Ctrl+0", "Ctrl+Shift+N", "Ctrl+Shift+T", "Ctrl+Shift+W",
)  # fmt: skip
"""Keys of the browser or the operating system, which no action may be given."""


def shown_key(action: str) -> str:
    """Return an action's first key as delivered, for its button."""
    return next(key.keys[0] for key in KEYS if key.action == action)


# A module that is requested under two addresses runs twice, and a font without a hash is
# requested at every page: so `import` and `url()` name the file's hash, as the pages' own links
# do.
STATIC: Final = resources.files("appliance.console") / "static"
_REFERENCES: Final = {
    ".js": re.compile(r'(?P<before>(?:\bfrom|\bimport) ")(?P<name>\.[^"?]+)(?P<after>")'),
    ".css": re.compile(r'(?P<before>\burl\("?)(?P<name>[\w./-]+)(?P<after>"?\))'),
}
# A stylesheet that names others by `@import` is sent with them in their places: one request, and
# no file of a thousand lines.
_IMPORT: Final = re.compile(r'^@import url\("(?P<name>[\w./-]+)"\);\n', re.MULTILINE)
"""References to other files, relative to the file itself, by kind of file."""
_TEXTS: Final = (".css", ".js", ".svg")


@dataclass(frozen=True, slots=True)
class Asset:
    """Static file; `packed` is its gzip form, empty where it is sent as it is."""

    data: bytes
    packed: bytes
    digest: str


def asset_names() -> frozenset[str]:
    """Return the static files that exist, by their paths below the folder."""
    return frozenset(_below(STATIC, ""))


@lru_cache(maxsize=256)
def asset(name: str) -> Asset:
    """Return a static file, with its references hashed."""
    data = STATIC.joinpath(*name.split("/")).read_bytes()
    ending = _ending(name)
    if ending == ".css":
        data = _IMPORT.sub(lambda m: _imported(name, m), data.decode()).encode()
    # A module that is fetched under two addresses does everything twice: a menu would open and
    # close at one click.
    if references := _REFERENCES.get(ending):
        data = references.sub(lambda m: _hashed(name, m), data.decode()).encode()
    # mtime=0: the same file gives the same bytes.
    packed = gzip.compress(data, mtime=0) if _is_packed(ending, data) else b""
    return Asset(data, packed, hashlib.sha256(data).hexdigest()[:12])


def _imported(name: str, reference: re.Match[str]) -> str:
    """Return the stylesheet that `@import` names, its references hashed."""
    return asset(_target(name, reference)).data.decode()


def _target(name: str, reference: re.Match[str]) -> str:
    """Return the path of the file that a reference names."""
    # References are relative to the file that holds them.
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), reference["name"]))


def url_of(name: str) -> str:
    """Return the address of a static file, which changes with the file: browsers may keep it."""
    return f"/static/{name}?v={asset(name).digest}"


def _hashed(name: str, reference: re.Match[str]) -> str:
    """Add the hash of the file that a reference names, where that file exists."""
    target = _target(name, reference)
    if target not in _known_assets():
        return reference[0]
    return f"{reference['before']}{url_of(target)}{reference['after']}"


_known_assets = lru_cache(maxsize=1)(asset_names)


def _is_packed(ending: str, data: bytes) -> bool:
    return ending in _TEXTS and len(data) >= LEAST_PACKED


def _ending(name: str) -> str:
    return posixpath.splitext(name)[1]


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}"


FOR_EVER: Final = "public, max-age=31536000, immutable"
"""Cache-Control of an address with the file's hash."""
BRIEFLY: Final = "no-cache"
# The table of the machine (mimetypes) differs from one to another.
TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
"""Media types by the ending of the name."""


class StaticFiles:
    """Application that serves the static folder."""

    def __init__(self) -> None:
        self._names = asset_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file; raises HTTPException for one that does not exist."""
        request = Request(scope)
        name = request.url.path.removeprefix("/static/")
        # Looked up among the names that exist: nothing outside the folder can be reached.
        if name not in self._names:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        await _static_answer(request, name, asset(name))(scope, receive, send)


def _static_answer(request: Request, name: str, file: Asset) -> Response:
    is_packed = bool(file.packed) and takes_gzip(request.headers.get("accept-encoding", ""))
    # An older page's hash gets today's file, which is then not to be kept under that address.
    kept = FOR_EVER if request.query_params.get("v") == file.digest else BRIEFLY
    # Another tag for each coding (RFC 9110, 8.8.3.3).
    etag = f'"{file.digest}{"-gz" if is_packed else ""}"'
    headers = {"cache-control": kept, "etag": etag}
    if file.packed:
        # A cache in between must not give a compressed file to a browser that cannot read it.
        headers["vary"] = "accept-encoding"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if is_packed:
        headers["content-encoding"] = "gzip"
    return Response(file.packed if is_packed else file.data, 200, headers, kind_of(name))


def kind_of(name: str) -> str:
    """Return the media type of a file by the ending of its name."""
    ending = name[name.rfind(".") :]
    return TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


# Downloads are saved by the browser and never shown: whatever they contain, they open nothing
# here. A browser that shows one all the same runs nothing of it.
DOWNLOAD_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "x-download-options": "noopen",
}
LONGEST_FILE_NAME: Final = 100


def download(data: bytes, name: str, kind: str) -> Response:
    """Answer with a file to save, its name in plain letters; `kind` is its media type."""
    head = {"content-disposition": f'attachment; filename="{plain_file_name(name)}"'}
    return Response(data, media_type=kind, headers=DOWNLOAD_HEADERS | head)


def plain_file_name(name: str) -> str:
    """Return a file's name in letters, digits, `-`, `_` and `.`."""
    # No quote and no line end remains that would end the header.
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip(".-")[-LONGEST_FILE_NAME:] or "file"


def sound_file(folder: Path, name: str) -> Path | None:
    """Return the path of a sound file in a folder; None for none and for one outside the folder."""
    # Resolved: ".." and symbolic links are followed before the path is compared.
    folder = folder.resolve()
    try:
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None
    except (OSError, ValueError):
        # A name with a null character, or longer than a file's may be.
        return None

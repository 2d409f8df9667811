"""Values of the boot file: its text, its tables, network, keys, passwords, encryption."""

from __future__ import annotations

import base64
import binascii
import codecs
import enum
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.config import schema
from appliance.config.schema import Folders
from appliance.config.state_folder import CENTRAL, MAIL, MQTT, SECRETS
from appliance.config.values import BadConfiguration, Hidden, Hours, Mistake, MonthDay
from appliance.policy.hours import Week
from appliance.text import NOTHING, Words, _, in_context

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from appliance.config.schema import Settings
    from appliance.config.values import Mistakes


# The file's bytes as text, and messages about what editors do to them.

FILE_NAME: Final = "centralino.toml"
# The same as a configuration's limit, whose reader need not be imported for it.
LARGEST_FILE: Final = 1_000_000
"""Bytes."""
# Byte order marks that editors write first; Windows' "Unicode" is the second.
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def text_of_file(contents: bytes) -> str:
    """Return the file's text with LF line ends; raises BadConfiguration."""
    if len(contents) > LARGEST_FILE:
        raise _wrong(
            _(
                "is longer than {most} bytes: it is not the box's file",
                most=LARGEST_FILE,
            ),
        )
    # Without a mark the file is UTF-8.
    mark, encoding = next(
        (m for m in BYTE_ORDER_MARKS if contents.startswith(m[0])), (b"", "utf-8")
    )
    try:
        text = contents[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_utf8(contents, error) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def guess_encoding(contents: bytes) -> str:
    """Return the text of a file in an older encoding (Windows-1252)."""
    # Only to report its other mistakes together with the encoding: it is never applied.
    return contents.decode("cp1252", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _in_line(number: int, said: Words) -> Mistake:
    return Mistake("the file", said, number)


def _not_utf8(contents: bytes, error: UnicodeDecodeError) -> BadConfiguration:
    """Return the mistake, with the line of the first byte that is not UTF-8."""
    line = contents[: error.start].count(b"\n") + 1
    return BadConfiguration(
        FILE_NAME,
        (
            _in_line(
                line,
                _('it holds a letter that is not UTF-8: save the file as text, encoding "UTF-8"'),
            ),
        ),
    )


def _wrong(said: Words) -> BadConfiguration:
    return BadConfiguration(FILE_NAME, (Mistake("the file", said),))


# The tables of the file: the configuration's own, network, keys, passwords. Nothing is required:
# without settings a box answers its lines as a closed office. An entry with nothing between its
# quotes counts as missing, so that the delivered file can be filled in as a form.

# 1 January is a holiday anyway, so it adds nothing.
NO_PATRON = MonthDay(1, 1)
"""Default for a missing patron saint's day."""
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - every address of the box, as phones find it
DHCP = "dhcp"


@dataclass(frozen=True, slots=True)
class CardNetwork:
    """The box's network settings: `address` is "dhcp" or "192.168.1.10/24".

    `dns` and `ntp` are used beside the servers that DHCP announces.
    """

    hostname: str = ""
    address: str = DHCP
    gateway: str = ""
    dns: tuple[str, ...] = ()
    ntp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardSsh:
    """SSH keys for maintenance: lines of a `.pub` file; () for none."""

    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardEncryption:
    """Place of the data partition's key; "" for no encryption."""

    key: str = ""


@dataclass(frozen=True, slots=True)
class CardSite(schema.Site):
    """Site table, without required entries."""

    name: str = ""
    patron: MonthDay = NO_PATRON


@dataclass(frozen=True, slots=True)
class CardLine(schema.Line):
    """Line table; without a `port` the line gets the next modem that no other line names."""

    name: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True)
class CardPhone(schema.Phone):
    """Phone table, with the password itself; "" to have the box generate one."""

    name: str
    secret: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class CardMail(schema.MailSettings):
    """As configured, with the password itself."""

    password: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class CardMqtt(schema.Mqtt):
    """As configured, with the password itself."""

    password: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class CardCentral(schema.Central):
    """As configured, with the passphrase itself."""

    passphrase: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class CardSip(schema.Sip):
    """SIP table; without an address it listens on every address of the box."""

    address: str = EVERY_ADDRESS


@dataclass(frozen=True, slots=True)
class CardFile(schema.Settings):
    """All tables of the file."""

    site: CardSite = CardSite()
    hours: Hours = Hours(Week(((),) * 7))
    sip: CardSip = CardSip()
    lines: tuple[CardLine, ...] = ()
    phones: tuple[CardPhone, ...] = ()
    mail: CardMail = CardMail()
    mqtt: CardMqtt = CardMqtt()
    central: CardCentral = CardCentral()
    network: CardNetwork = CardNetwork()
    ssh: CardSsh = CardSsh()
    encryption: CardEncryption = CardEncryption()


def filled_in_file(value: Any) -> Any:
    """Return data without empty entries; arrays keep their length."""
    if isinstance(value, dict):
        return {key: filled_in_file(one) for key, one in value.items() if one != ""}
    if isinstance(value, list):
        return [filled_in_file(one) for one in value]
    return value


# The box's network settings, checked and written for systemd-networkd. In any case the box also
# keeps a link-local address (RFC 3927), so that a computer on the same cable finds it by its name:
# a wrong address locks nobody out.

# A longer prefix leaves no room for a box and its gateway.
LONGEST_PREFIX: Final = 30
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_HOST_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)({_LABEL.pattern}\.)*{_LABEL.pattern}", re.ASCII)
UNFIT_ADDRESSES: Final = (
    "is_loopback",
    "is_multicast",
    "is_unspecified",
    "is_link_local",
    "is_reserved",
)


def check_network(network: CardNetwork, mistakes: Mistakes) -> None:
    """Note every mistake that would keep the box from starting or from being reachable."""
    if network.hostname and not _LABEL.fullmatch(network.hostname.lower()):
        mistakes.note(
            "network.hostname",
            _(
                "{hostname!r} is no host name: letters without accents, figures and hyphens",
                hostname=network.hostname,
            ),
        )
    for server in network.dns:
        if _ip(server) is None:
            mistakes.note(
                "network.dns",
                _("{server!r} is no address: write e.g. 192.168.1.1", server=server),
            )
    for server in network.ntp:
        if _ip(server) is None and not _HOST_NAME.fullmatch(server.lower()):
            mistakes.note(
                "network.ntp",
                _("{server!r} is neither an address nor a host name", server=server),
            )
    _check_address(network, mistakes)


def network_text(network: CardNetwork) -> str:
    """Return a .network file (systemd.network(5)) of checked values."""
    own = ipaddress.IPv4Interface(network.address) if is_fixed(network) else None
    rows = [f"Address={own}"] if own else ["DHCP=yes"]
    rows += [f"Gateway={network.gateway}"] if network.gateway else []
    rows += [f"DNS={server}" for server in network.dns]
    rows += [f"NTP={server}" for server in network.ntp]
    rows += ["LinkLocalAddressing=yes", "MulticastDNS=no"]
    return "\n".join(("[Match]", "Type=ether", "", "[Network]", *rows, ""))


def is_fixed(network: CardNetwork) -> bool:
    """True for a fixed address, False for DHCP."""
    return network.address.lower() != DHCP


def host_name(network: CardNetwork) -> str:
    """Return the host name in lower case, "" for the default one."""
    return network.hostname.lower()


def _check_address(network: CardNetwork, mistakes: Mistakes) -> None:
    if not is_fixed(network):
        if network.gateway:
            mistakes.note(
                "network.gateway",
                _("with DHCP the router tells the gateway: leave it out, or write a fixed address"),
            )
        return
    try:
        address, _unused, prefix = network.address.partition("/")
        own = ipaddress.IPv4Interface(f"{ipaddress.IPv4Address(address)}/{int(prefix)}")
    except ValueError:
        mistakes.note(
            "network.address",
            _(
                '{address!r} is no address: write "dhcp", or e.g. "192.168.1.10/24"',
                address=network.address,
            ),
        )
        return
    if not _is_host(own):
        mistakes.note(
            "network.address",
            _("{address!r} cannot be a box's address in a network", address=network.address),
        )
    if network.gateway:
        _check_gateway(network.gateway, own, mistakes)


def _is_host(own: ipaddress.IPv4Interface) -> bool:
    edges = (own.network.network_address, own.network.broadcast_address)
    is_unfit = any(getattr(own.ip, unfit) for unfit in UNFIT_ADDRESSES)
    return own.network.prefixlen <= LONGEST_PREFIX and own.ip not in edges and not is_unfit


def _check_gateway(gateway: str, own: ipaddress.IPv4Interface, mistakes: Mistakes) -> None:
    found = _ip(gateway)
    if found is None or found not in own.network or found == own.ip:
        mistakes.note(
            "network.gateway",
            _(
                "{gateway!r} is no other address of the network {network}: look at address "
                "and gateway",
                gateway=gateway,
                network=own.network,
            ),
        )


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


# Public SSH keys for maintenance: only whole lines of a `.pub` file, without options.

KEY_KINDS: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
# Bytes of the length field before the key type (RFC 4253, 6.6).
LENGTH_BYTES: Final = 4


def check_keys(keys: tuple[str, ...], mistakes: Mistakes) -> None:
    """Note every invalid key; a private key is not repeated in the message."""
    for key in keys:
        if "PRIVATE KEY" in key:
            mistakes.note(
                "ssh.keys",
                _("this is a private key, for nobody else: put the one of the .pub file"),
            )
        elif key and not is_key(key):
            mistakes.note(
                "ssh.keys",
                _('is no key: copy the one line of the .pub file, e.g. "ssh-ed25519 AAAA... name"'),
            )


def is_key(key: str) -> bool:
    """True for one public key on one line, without options."""
    kind, _, rest = key.strip().partition(" ")
    body = rest.strip().partition(" ")[0]
    if kind not in KEY_KINDS or not key.isprintable():
        return False
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return False
    return data[LENGTH_BYTES : LENGTH_BYTES + len(kind)] == kind.encode() and data[
        :LENGTH_BYTES
    ] == len(kind).to_bytes(LENGTH_BYTES, "big")


def authorized_keys_text(keys: tuple[str, ...]) -> str:
    """Return an authorized_keys file (sshd(8)); "" for no keys."""
    return "".join(f"{key.strip()}\n" for key in keys if key)


# Passwords that the file may contain. Each is stored in a file of its own, which the configuration
# names. A password that is left out later is kept as long as its account is.

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """A password: `key` of `table` on the card, `named` in the configuration, stored as `file`.

    `has_account` if it belongs to the `user` of that table; `owner` names whose it is.
    """

    table: str
    key: str
    named: str
    file: str
    has_account: bool = True
    owner: Words = NOTHING


SECRET_ENTRIES: Final = (
    SecretEntry("mail", "password", "password_file", MAIL, owner=in_context("account", "mail")),
    SecretEntry("mqtt", "password", "password_file", MQTT, owner=in_context("account", "broker's")),
    SecretEntry("central", "passphrase", "passphrase_file", CENTRAL, has_account=False),
)


def secrets_given(written: CardFile) -> dict[str, str]:
    """Return the secrets of the file by table."""
    found = {one.table: str(_value(written, one.table, one.key)) for one in SECRET_ENTRIES}
    return {table: text for table, text in found.items() if text}


def secret_files(settings: Settings) -> dict[str, str]:
    """Return the configured secret files by table."""
    found = {one.table: str(_value(settings, one.table, one.named)) for one in SECRET_ENTRIES}
    return {table: file for table, file in found.items() if file}


def lay_secrets_down(made: Mapping[str, Any], written: CardFile, kept: Collection[str]) -> Table:
    """Return the tables with each password replaced by the name of its file."""
    state = made.get("folders", {}).get("state", Folders().state)
    laid = dict(made)
    for one in SECRET_ENTRIES:
        if one.table in laid:
            there = one.table in {*secrets_given(written), *kept} and _has_account(written, one)
            named = {one.named: f"{state}/{SECRETS}/{one.file}"} if there else {}
            rest = {key: value for key, value in laid[one.table].items() if key != one.key}
            laid[one.table] = {**named, **rest}
    return laid


def check_secrets(written: CardFile, mistakes: Mistakes, kept: Collection[str]) -> None:
    """Note every mistake; a secret in `kept` need not be written again."""
    for one in SECRET_ENTRIES:
        text = _value(written, one.table, one.key)
        if one.has_account:
            is_there = text or _value(written, one.table, one.named) or one.table in kept
            _check_account(one, _value(written, one.table, "user"), text, is_there, mistakes)
        # Each secret is a file of one line.
        if text and not text.isprintable():
            place = f"{one.table}.{one.key}"
            mistakes.note(place, _("must stand in one line"))


def _check_account(
    one: SecretEntry, user: str, text: str, is_there: object, mistakes: Mistakes
) -> None:
    if user and not is_there:
        mistakes.note(
            f"{one.table}.{one.key}",
            _("is missing: the {owner} account needs its password", owner=one.owner),
        )
    if text and not user:
        mistakes.note(
            f"{one.table}.user",
            _("is missing: a password needs the name of the {owner} account", owner=one.owner),
        )


def _has_account(written: CardFile, one: SecretEntry) -> bool:
    return not one.has_account or bool(_value(written, one.table, "user"))


def _value(settings: Settings, table: str, key: str) -> str:
    found: str = getattr(getattr(settings, table), key)
    return found


# Whether the file asks for an encrypted data partition, and whether the box has one. The image's
# helper of the data partition (`crypt`) asks before anything is written at the first start;
# afterwards the partition stays as it was made.

CRYPT_RUN: Final = Path("/run/centralino-crypt")
"""Exists if the partition is encrypted, or will be."""
CRYPT_OPEN: Final = "open"
USB_STICK: Final = "usb-stick"
# A file without this word outside comments need not be parsed as TOML.
ENCRYPTION_WORD: Final = re.compile(r"(?m)^[^#\n]*encryption")
TOO_LATE: Final = _(
    "Encryption must be asked for before the first start: the data partition "
    "is there already, is not encrypted and stays as it is; to encrypt it, "
    "write a new card with the entry [encryption] and restore the backup."
)
ENCRYPTED: Final = _(
    "It is encrypted, and was opened with the key on the USB stick, which may "
    "be taken out now: it is needed again at the next start."
)


class EncryptionAsked(enum.StrEnum):
    """What the file asks for; the helper reads these words."""

    NOTHING = "nothing"
    USB_STICK = USB_STICK
    UNCLEAR = "unclear"  # it names it, and cannot be read


def encryption_asked(contents: bytes) -> EncryptionAsked:
    """Return what the file's bytes ask for; UNCLEAR if they mention encryption and are broken."""
    # UNCLEAR, not NOTHING: a typing mistake must not leave the data unencrypted.
    try:
        text = text_of_file(contents)
    # In a UTF-16 file (Windows' "Unicode") every other byte of the word is zero.
    except BadConfiguration:
        return (
            EncryptionAsked.UNCLEAR
            if b"encryption" in contents.replace(b"\0", b"")
            else EncryptionAsked.NOTHING
        )
    if not ENCRYPTION_WORD.search(text):
        return EncryptionAsked.NOTHING
    # Imported only if the file mentions encryption: call control waits for this at each start.
    import tomllib

    try:
        table = tomllib.loads(text).get("encryption", {})
    except (ValueError, RecursionError):
        return EncryptionAsked.UNCLEAR
    if not isinstance(table, dict) or table.keys() - {"key"}:
        return EncryptionAsked.UNCLEAR
    key = table.get("key", "")
    return {"": EncryptionAsked.NOTHING, USB_STICK: EncryptionAsked.USB_STICK}.get(
        str(key), EncryptionAsked.UNCLEAR
    )


def is_too_late(contents: bytes, run: Path = CRYPT_RUN) -> bool:
    """True if the file asks for encryption, which only a first start can set up."""
    return encryption_asked(contents) is EncryptionAsked.USB_STICK and not run.exists()


def is_data_open(run: Path = CRYPT_RUN) -> bool:
    """True if the data partition is encrypted and in use."""
    return (run / CRYPT_OPEN).exists()

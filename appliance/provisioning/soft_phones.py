"""Configuration of soft phones: Linphone's remote provisioning, baresip's `accounts` line."""

from __future__ import annotations

from appliance.provisioning.handset import Handset
from appliance.provisioning.markup import document, element

EXPIRES = 120
"""Seconds of a registration: what the registrar grants at the most."""

# Linphone: wiki.linphone.org "Remote provisioning" and liblinphone's "Provisioning configuration
# keys" (sections proxy_N, auth_info_N, sip, audio_codec_N; overwrite="true" replaces a value).
CODECS = (("PCMA", 8000), ("PCMU", 8000))


def linphone(phone: Handset) -> str:
    """Write the XML that a Linphone fetches from the address of its QR code."""
    where = f"{phone.server}:{phone.port}"
    sections: dict[str, dict[str, object]] = {
        "auth_info_0": {
            "username": phone.name,
            "userid": phone.name,
            "passwd": phone.secret,
            "realm": phone.realm,
            "domain": phone.server,
        },
        "proxy_0": {
            "reg_proxy": f"<sip:{where};transport=udp>",
            "reg_identity": _identity(phone),
            "reg_expires": EXPIRES,
            "reg_sendregister": 1,
            "publish": 0,
        },
        "sip": {"default_proxy": 0, "media_encryption": "none", "use_info": 0, "use_rfc2833": 1},
    }
    for number, (mime, rate) in enumerate(CODECS):
        sections[f"audio_codec_{number}"] = {
            "mime": mime,
            "rate": rate,
            "channels": 1,
            "enabled": 1,
        }
    body = [line for name, rows in sections.items() for line in _section(name, rows)]
    return document(
        '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">', *body, "</config>"
    )


def _identity(phone: Handset) -> str:
    label = "".join(c for c in phone.label if c not in '"\\<>')
    display = f'"{label}" ' if label else ""
    return f"{display}<sip:{phone.name}@{phone.server}>"


def _section(name: str, rows: dict[str, object]) -> list[str]:
    entries = [element("entry", value, name=key, overwrite="true") for key, value in rows.items()]
    return [f'<section name="{name}">', *entries, "</section>"]


def baresip(phone: Handset) -> str:
    """Write one line for baresip's file `accounts` (its wiki, "Accounts")."""
    options = {
        "auth_user": phone.name,
        "auth_pass": phone.secret,
        "audio_codecs": "PCMA,PCMU",
        "dtmfmode": "rtpevent",
        "mwi": "yes",
        "regint": str(EXPIRES // 2),
    }
    told = "".join(f";{name}={value}" for name, value in options.items())
    return f"<sip:{phone.name}@{phone.server}:{phone.port};transport=udp>{told}\n"

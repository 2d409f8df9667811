"""A public key of age is read as age writes it; what is none is refused, and not repeated."""

from __future__ import annotations

import pytest

from appliance.policy.recipients import recipient_key
from appliance.policy.text import Refused

# Made by age-keygen; tests/store/test_age.py seals to another and opens it with age.
KEY = "age100crk8ykyfs8z4za8zk36p5eap5xmjgej0va9ntlmztly3w3avdqlcdkqa"


def test_a_public_key() -> None:
    """Thirty-two bytes, with or without the line's end."""
    assert recipient_key(f"{KEY}\n") == bytes.fromhex(
        "7bf03b1c96226071545d38ad1d0699e8686dc91993d9d2cd7fd897f245d1eb1a"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "age1",
        "segreto",
        KEY[:-1],
        KEY.replace("crk8", "crk9"),
        KEY.replace("age1", "agf1"),
        KEY.replace("k", "b"),
        "AGE-SECRET-KEY-1CFQPQS2ZDZ34APGS4FF6MUPLSQU5PVZCUYGWN5K5CEP7FYC7ZHWQ3WKZS0",
        "age1pqqqqqqqqqqqq",
        # whole, and of another length
        "age1pppppppppp6np9l5",
        "age1ppppppppppppppppppppppppppppppppppppppppppppppppppppt06vn9",
    ],
)
def test_what_is_no_public_key(text: str) -> None:
    """The sentence says where one comes from."""
    with pytest.raises(Refused) as error:
        recipient_key(text)
    said = error.value.words.text("it")
    assert "non è una chiave pubblica di age" in said
    assert "CFQPQS2ZD" not in said

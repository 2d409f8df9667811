"""A digest challenge, and the check of its answer by our own sum."""

from __future__ import annotations

import hashlib
import re

CHALLENGE = 'Digest realm="box", nonce="n1", algorithm=MD5, qop="auth"'


def proves(header: str, method: str, nonce: str = "n1") -> bool:
    """Recompute a digest from its own fields (RFC 2617 3.2.2.1)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', header))
    first = hashlib.md5(b"op1:box:segreto").hexdigest()
    second = hashlib.md5(f"{method}:{fields['uri']}".encode()).hexdigest()
    middle = f"{first}:{nonce}:{fields['nc']}:{fields['cnonce']}:auth:{second}"
    return str(fields["response"]) == hashlib.md5(middle.encode()).hexdigest()

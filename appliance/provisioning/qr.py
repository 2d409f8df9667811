"""QR codes as SVG, by segno (the ONLY import): pure Python, BSD, no further dependency."""

from __future__ import annotations

import io

from appliance.errors import TechnicianError


def svg(text: str) -> str:
    """Return a QR code of `text` (ISO/IEC 18004, error correction M at least) as `<svg>`.

    Four modules of quiet zone are part of it. Raises TechnicianError where segno is missing.
    """
    try:
        import segno  # here: no other command needs it
    except ImportError as error:
        raise TechnicianError(
            "QR codes need the Python package segno: run pip install segno in the program's "
            "environment, or apt-get install python3-segno"
        ) from error
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, xmldecl=False, svgns=True, nl=False, omitsize=True
    )
    return out.getvalue().decode()

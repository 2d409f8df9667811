"""`python -m appliance.paper`: a document (JSON) on standard input, its PDF on standard output."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys

from appliance.paper import pdf
from appliance.paper.document import PDF_LIMIT_S, from_json
from appliance.paper.pdf import document_page


def main() -> None:
    """Write one PDF at low priority, within PDF_LIMIT_S."""
    # The process ends itself: the console's sandbox lets the console signal nobody.
    signal.alarm(math.ceil(PDF_LIMIT_S))
    # Calls go first; the sandbox may forbid it, and the PDF is written all the same.
    with contextlib.suppress(PermissionError):
        os.nice(10)
    sys.stdout.buffer.write(pdf.html_to_pdf(document_page(from_json(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()

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
    """Write one PDF, and give way to whatever else is done meanwhile.

    It ends itself when it takes too long: the console's sandbox lets it signal nobody.
    """
    signal.alarm(math.ceil(PDF_LIMIT_S))
    with contextlib.suppress(PermissionError):
        os.nice(10)
    sys.stdout.buffer.write(pdf.html_to_pdf(document_page(from_json(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()

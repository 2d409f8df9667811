"""What is asked at the door by a link in a mail (E15): that its request is done.

Nobody has logged in: the link's secret is all that counts, and closing that one request all it can.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError
from appliance.policy import requests
from appliance.policy.text import Refused, Words
from appliance.store import request_papers

if TYPE_CHECKING:
    from appliance.store.writer import Records

LONGEST_NAME: Final = 120
CLOSED: Final = Words("Richiesta {}: chiusa.", "Request {}: closed.")


class LinkQuestions:
    """Answers; a refusal is said in both languages."""

    def __init__(self, records: Records, now: Callable[[], datetime]) -> None:
        self._records, self._now = records, now

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Later]]:
        """Name what may be asked."""
        return {"request_by_link": self.close}

    def close(self, question: dict[str, Any]) -> Later:
        """Close the request of a link, for somebody who says so."""
        token = str(question.get("token") or "")
        said_by = " ".join(str(question.get("said_by") or "").split())[:LONGEST_NAME]
        if not said_by:
            return lambda tell: tell({"done": False, "said": plain(requests.WHO)})
        now = self._now()

        def later(tell: Tell) -> None:
            self._records.do(
                lambda connection: request_papers.close(connection, token, said_by, now),
                lambda result: tell(_answer(result)),
            )

        return later


def _answer(result: int | CentralinoError) -> Answer | CentralinoError:
    """Say what came of it; a refusal in both languages."""
    if isinstance(result, Refused):
        return {"done": False, "said": plain(result.words)}
    if isinstance(result, CentralinoError):
        return result
    said = Words(CLOSED.it.format(result), CLOSED.en.format(result))
    return {"number": result, "said": plain(said)}

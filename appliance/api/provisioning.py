"""What may be asked of the phones at the door: who stands where; take over renewed passwords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appliance.api.phones import PhoneEntering
from appliance.api.protocol import DeferredReply, Reply, SendReply
from appliance.api.status_text import RENEWED
from appliance.config.schema import Settings
from appliance.errors import CentralinoError
from appliance.service import phones
from appliance.service.loop import Stores
from appliance.sip.service import Phones


class PhoneQuestions:
    """Answers in the deciding thread; what the disk must say is answered from the records' one."""

    def __init__(
        self,
        settings: Settings,
        phones: Phones,
        stores: Stores,
        entering: PhoneEntering | None = None,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._stores = stores
        self._entering = entering

    @property
    def known(self) -> dict[str, Callable[[dict[str, Any]], Reply | DeferredReply]]:
        """Name what may be asked of the phones' list and changed in it."""
        return self._entering.known if self._entering else {}

    def rows(self) -> list[dict[str, Any]]:
        """Return every phone: where it is registered ("" for nowhere) and whether it answers."""
        return [
            {
                "name": phone.name,
                "label": phone.label,
                "address": f"{phone.address[0]}:{phone.address[1]}" if phone.address else "",
                "answers": phone.answers,
            }
            for phone in self._phones.status().phones
        ]

    def renewed(self) -> DeferredReply:
        """Read the secrets anew: what `centralino phones add` wrote holds from now on."""

        def later(tell: SendReply) -> None:
            def done(result: dict[str, str] | CentralinoError) -> None:
                if isinstance(result, CentralinoError):
                    tell(result)
                    return
                self._phones.learn_secrets(result)
                tell({"said": {"it": RENEWED.it, "en": RENEWED.en}})

            self._stores.records.do(lambda _: phones.load_secrets(self._settings), done)

        return later

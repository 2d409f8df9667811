"""B9 in minutes: the proxy comes back, a name for several boxes, a telephone system."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls.events import Presentation
from appliance.calls.orders import Result
from appliance.policy.routing import Destination
from tests.helpers import baresip, kamailio
from tests.helpers.baresip import Baresip
from tests.helpers.proxy import Proxy
from tests.interop.offices import needed
from tests.system.branches import branch, meet, two_branches
from tests.system.calls import in_state, place, record_of
from tests.system.test_branches import into_voicemail, over_there

pytestmark = [pytest.mark.system, pytest.mark.long]


def test_the_proxy_comes_back_and_so_do_the_branches(tmp_path: Path) -> None:
    """B4: nobody has to do anything; a list of boxes passes over one that is not there."""
    with two_branches(tmp_path) as (proxy, porto, savena):
        op2 = savena.phone("op2")
        proxy.stop()
        assert into_voicemail(porto).way is Destination.VOICEMAIL
        porto.wait_until(lambda: not porto.reaches("savena"), 60.0, "the proxy was not missed")
        proxy.start()
        porto.wait_until(lambda: porto.reaches("savena"), 150.0, "savena was not seen again")
        caller, call = over_there(porto, 1, op2, caller="0512222222")
        caller.hang_up()
        assert record_of(porto, call).way is Destination.BRANCH


def test_a_name_that_stands_for_several_boxes(tmp_path: Path) -> None:
    """The first box of the list is not there, the second one takes the caller."""
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    proxy = Proxy(tmp_path / "proxy", accounts=("porto", "savena"))
    with proxy:
        where = f"{proxy.address}:{proxy.port}"
        savena = branch(tmp_path / "savena", "savena", "porto", where, operators=("op2",))
        porto = branch(tmp_path / "porto", "porto", "tutte", where, operators=("op1",))
        with savena:
            proxy.stop()
            proxy.lists = {"tutte": ("127.0.0.79:5060", f"{savena.address}:{savena.port}")}
            proxy.start()
            with porto:
                porto.declare()
                meet(porto)
                op2 = savena.phone("op2")
                caller, call = over_there(porto, 1, op2, caller="0512222222", branch="tutte")
                caller.hang_up()
                assert record_of(porto, call).phone == "tutte"
                assert savena.last_record(1).line == "porto"


def test_a_telephone_system_calls_a_branch_and_is_called(tmp_path: Path) -> None:
    """An account like any other: its caller rings here, and ours rings there."""
    needed(kamailio.PACKAGE, is_here=kamailio.is_installed())
    needed(baresip.PACKAGE, is_here=baresip.is_installed())
    with Proxy(tmp_path / "proxy", accounts=("porto", "pbx")) as proxy:
        server = (proxy.address, proxy.port)
        where = f"{proxy.address}:{proxy.port}"
        porto = branch(tmp_path / "porto", "porto", "pbx", where, operators=("op1",))
        with Baresip(tmp_path / "pbx", "pbx", server=server, secret="secret-pbx") as pbx, porto:
            porto.declare()
            meet(porto)
            caller = place(porto, 1, caller="0512222222", hang_up_after_ms=120_000)
            pbx.wait_for("CALL_INCOMING")
            pbx.do("accept")
            in_state(porto, "talking")
            call = str(porto.status()["calls"][0]["call"])
            pbx.do("hangup")
            record = record_of(porto, call)
            assert (record.way, record.phone, record.result) == (
                Destination.BRANCH,
                "pbx",
                Result.ANSWERED,
            )
            caller.close()
            op1 = porto.phone("op1")
            op1.answer_mode("auto", 100)
            pbx.do("dial", f"sip:porto@{where}")
            op1.wait_event("ack", 30.0)
            pbx.do("hangup")
            taken = porto.last_record(2)
            assert (taken.line, taken.phone) == ("sip", "op1")
            assert taken.caller.presentation is Presentation.UNAVAILABLE

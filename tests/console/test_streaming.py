"""Streams behind open pages: each ends with its browser, on the server that the box runs."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from appliance.console.guards import cookie_name
from appliance.console.process import ConsoleServer, _config, build, listen
from appliance.console.settings import ConsoleSettings
from appliance.policy.users import User
from tests.console import people

VISITS = 5
PATIENCE_S = 5.0


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("path", "user"),
    [
        ("/live", people.ANNA),
        ("/desk/live", people.ANNA),
        ("/plant/live", people.BEPPE),
        ("/wall/live", people.ANNA),
    ],
)
def test_a_stream_ends_with_its_browser(
    console_settings: ConsoleSettings, path: str, user: User
) -> None:
    """Or each page that was ever opened counts among those served at once, until none is."""
    asyncio.run(asyncio.wait_for(_visit(console_settings, path, user), 30))


async def _visit(settings: ConsoleSettings, path: str, user: User) -> None:
    app = build(settings)
    server, listening = ConsoleServer(_config(app)), listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    word = await app.state.accounts.begin(user, "127.0.0.1")
    home = f"http://127.0.0.1:{listening.getsockname()[1]}"
    for _ in range(VISITS):
        async with (
            httpx.AsyncClient(base_url=home, cookies={cookie_name(False): word}) as browser,
            browser.stream("GET", path, headers={"accept": "text/event-stream"}) as heard,
        ):
            assert heard.status_code == 200
            await anext(heard.aiter_bytes())
    async with asyncio.timeout(PATIENCE_S):
        while server.server_state.tasks or server.server_state.connections:
            await asyncio.sleep(0.01)
    app.state.feed.stop()
    server.should_exit = True
    await serving

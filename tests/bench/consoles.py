"""`python -m tests.bench.consoles HOME COUNT`: so many operators' desks open, and one that stalls.

Each is logged in and reads what its page sends; the stalled one has asked and reads nothing. Says
"open" once all are, and stays until its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import sys
from urllib.parse import urlsplit

import httpx

from tests.bench.visitors import trusting
from tests.console import people

LIMIT_S = 60.0
ROOM = 4096
"""Bytes that the kernel keeps for the one who does not read."""
OPEN = "open"
LIVE = "/desk/live"
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


async def log_in(client: httpx.AsyncClient) -> None:
    """Log in as the head, who sees most."""
    token = TOKEN.search((await client.get("/login")).text)
    assert token is not None, "there is no form to log in with"
    fields = {"name": people.ANNA.name, "password": people.PHRASE, "csrf": token[1]}
    answer = await client.post("/login", data=fields)
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text


async def stall(home: str, cookies: httpx.Cookies) -> asyncio.StreamWriter:
    """Ask for the operator's page and read none of it; returns what keeps the connection open."""
    at = urlsplit(home)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (str(at.hostname), int(at.port or 443)))
    tls: ssl.SSLContext = trusting()
    _, writer = await asyncio.open_connection(
        sock=raw, ssl=tls, server_hostname=str(at.hostname), limit=ROOM
    )
    cookie = "; ".join(f"{name}={word}" for name, word in cookies.items())
    asked = f"GET {LIVE} HTTP/1.1\r\nHost: {at.hostname}\r\nCookie: {cookie}\r\n\r\n"
    writer.write(asked.encode())
    return writer


async def read(client: httpx.AsyncClient, begun: asyncio.Event) -> None:
    """Keep one operator's page open; all that comes is read."""
    async with client.stream("GET", LIVE) as screen:
        async for _ in screen.aiter_bytes():
            begun.set()


async def keep_open(home: str, count: int) -> None:
    """Open them all, say so, and keep them until the input ends."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=home, verify=False, timeout=httpx.Timeout(LIMIT_S, read=None), limits=limits
    ) as client:
        await log_in(client)
        stalled = await stall(home, client.cookies)
        begun = [asyncio.Event() for _ in range(count)]
        reading = [asyncio.create_task(read(client, one)) for one in begun]
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(one.wait() for one in begun))
        sys.stdout.write(f"{OPEN}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        for one in reading:
            one.cancel()
        with contextlib.suppress(asyncio.CancelledError, httpx.HTTPError):
            await asyncio.gather(*reading)
        stalled.transport.abort()


if __name__ == "__main__":
    asyncio.run(keep_open(sys.argv[1], int(sys.argv[2])))

"""`python -m tests.bench.visitors HOME SECONDS COUNT`: many browsers at once, and a stalled one.

Prints the milliseconds of every page as JSON. A process of its own, so that measuring costs the
measured nothing but the processor.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from urllib.parse import urlsplit

PAGE = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
END = b"</html>"


async def visit(host: str, port: int, until: float, pause: float) -> list[float]:
    """Open a page again and again over one connection; returns what each took."""
    reader, writer = await asyncio.open_connection(host, port, ssl=trusting())
    times = []
    while time.monotonic() < until:
        begin = time.monotonic()
        writer.write(PAGE)
        await writer.drain()
        await reader.readuntil(END)
        times.append((time.monotonic() - begin) * 1000)
        await asyncio.sleep(pause)
    writer.close()
    return times


async def stall(host: str, port: int, until: float) -> list[float]:
    """Ask for pages and read none of them."""
    _, writer = await asyncio.open_connection(host, port, ssl=trusting(), limit=1024)
    while time.monotonic() < until:
        writer.write(PAGE * 20)
        await asyncio.sleep(0.1)
    writer.transport.abort()
    return []


def trusting() -> ssl.SSLContext:
    """Return a context that takes any certificate: this process has not installed the authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def crowd(home: str, seconds: float, count: int) -> list[float]:
    """Have so many come at once, each reading a page for a second or so; one of them stalls."""
    at, until = urlsplit(home), time.monotonic() + seconds
    host, port = str(at.hostname), int(at.port or 443)
    visits = [visit(host, port, until, count / 50) for _ in range(count)]
    told = await asyncio.gather(stall(host, port, until), *visits, return_exceptions=True)
    return [one for times in told if isinstance(times, list) for one in times]


if __name__ == "__main__":
    found = asyncio.run(crowd(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
    sys.stdout.write(json.dumps(found))

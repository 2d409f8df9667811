"""The window for phones: any bytes are a refusal, or one of its files; nothing else is served."""

from __future__ import annotations

from appliance.http_server import HttpResponse, read_request, write_response
from appliance.provisioning.server import FileWindow, OfferedFile
from appliance.provisioning.templates import MAKES

TOKENS = (
    b"GET ", b"HEAD ", b" HTTP/1.1\r\n\r\n", b"/001565aabbcc.cfg", b"/token/linphone.xml", b"/../",
    b"%2e%2e", b"%00", b"?", b"Host: x\r\n", b"\n\n",
)  # fmt: skip
FILES = {b"secret of op1", b"secret of op2"}


def run(data: bytes) -> None:
    """Ask in one piece and byte by byte: the same request; its answer is a file or nothing."""
    offers = [
        OfferedFile("op1", MAKES["yealink"], "secret of op1", "001565aabbcc", "another"),
        OfferedFile("op2", MAKES["linphone"], "secret of op2", "", "token"),
    ]
    request = read_request(data)
    first = next((r for n in range(len(data) + 1) if (r := read_request(data[:n]))), None)
    assert (request is None) == (first is None)
    if request is None or request.code != 200:
        return
    answer = FileWindow(offers, 60.0).answer(request.path, "192.0.2.66", "", 1.0)
    assert answer.code == 404 or (answer.code == 200 and answer.body in FILES)
    assert answer.body == b"" or answer.code == 200
    assert answer.said.text("en").isprintable()
    assert write_response(
        HttpResponse(answer.code, answer.body, answer.content_type), is_head=request.is_head
    )

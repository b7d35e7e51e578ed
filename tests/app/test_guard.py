"""Only this machine's browsers, under the page's own address, are let through to the page."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sim.app.guard import METHODS, SOCKET, Guard, addresses
from tests.conftest import Exercised

PORT = 8501
HOSTS = [
    "evil.com", "localhost.evil.com", "127.0.0.1.nip.io", "0.0.0.0", "", "[::1]", "[::1]:8501", "::1",
    "127.0.0.1", "localhost", "127.0.0.1:8502", "localhost:80", "127.0.0.1:8501@evil.com", "evil.com:8501",
    "evil.com@127.0.0.1:8501", "127.0.0.1:8501.evil.com", "127.0.0.1:08501", " 127.0.0.1:8501",
    "127.0.0.1:8501 ",
    "127.1:8501", "0x7f.1:8501", "2130706433:8501", "0177.0.0.1:8501", "localhost.:8501", "LOCALHOST:8501",
    "localhost:8501/", "localhost:8501,evil.com",
    "127.0.0.2:8501", "[::ffff:127.0.0.1]:8501", "ⓛocalhost:8501",
    "localhost:8501\t", "xn--localhost:8501", "foo.localhost:8501", "127.0.0.1:8501#",
]  # fmt: skip
"""What a browser or a liar may put into the header Host."""

ORIGINS = [
    "null", "", "http://evil.com", "https://127.0.0.1:8501", "http://127.0.0.1", "http://127.0.0.1:8502",
    "http://127.0.0.1:85010", "http://127.0.0.1:8501.evil.com", "http://evil.com/127.0.0.1:8501",
    "http://127.0.0.1:8501@evil.com", "http://evil.com?http://127.0.0.1:8501", "http://localhost",
    "http://localhost:8501/", "http://LOCALHOST:8501",
    "HTTP://127.0.0.1:8501", "127.0.0.1:8501", "//127.0.0.1:8501",
    "http://127.0.0.1:8501 http://evil.com", "http://127.0.0.1:8501,http://evil.com",
    "file://", "about:blank",
    "chrome-extension://abc", "ws://127.0.0.1:8501",
    "http://[::1]:8501", "http://0.0.0.0:8501", "http://127.1:8501",
    "http://localhost.evil.com:8501", "http://a.localhost:8501",
    "http://xlocalhost:8501", "http://127.0.0.1:08501",
    "data:text/html,x", "http://127.0.0.1%3A8501", "http://localhost:8501", "*",
]  # fmt: skip
"""Origins that are not that of the page at 127.0.0.1:8501."""

UPS = ["../", "..\\", "%2e%2e/", "%2e%2e%2f", "..%2f", "%252e%252e%252f", "..;/", "%c0%ae%c0%ae/", "....//",
       "..%5c", "%2e./", ".%2e/", "..%00/", "..%c1%9c", "%uff0e%uff0e/", "/../", "//", "/./", "~/",
       "%2f%2e%2e"]  # fmt: skip
ROOTS = ["/", "/static/", "/static/js/", "/media/", "/_stcore/", "/component/", "/app/static/", "/media/../",
         "/_stcore/upload_file/x/", "/index.html/"]  # fmt: skip
REFUSED_PLACES = [
    "/_stcore/metrics", "/_stcore/agent/interact", "/_stcore/agent/mcp", "/_stcore/agent/openapi.json",
    "/_stcore/upload_file/a/b", "/_stcore/script-health-check",
    "/auth/login", "/auth/logout", "/oauth2callback",
    "/component/x/index.html", "/static", "/media", "/static/",
    "/x", "/.git/config", "/static/.env", "//evil.com",
]  # fmt: skip


def scope(kind: str = "http", host: str | None = "127.0.0.1:8501", origin: str | None = None, path: str = "/",
          method: str = "GET", **more: Any) -> dict[str, Any]:  # fmt: skip
    given = {b"host": host, b"origin": origin}
    headers = [(name, value.encode("utf-8")) for name, value in given.items() if value is not None]
    headers += more.pop("headers", [])
    usual = {"type": kind, "method": method, "raw_path": path.encode("latin-1"), "path": path}
    return {**usual, "query_string": b"", "headers": headers, **more}


async def nothing(*_: Any) -> None:
    raise AssertionError("the page was asked")


def refusal(**what: Any) -> int:
    return Guard(nothing, PORT).refusal(scope(**what))


def test_the_page_itself_is_let_through() -> None:
    for host in addresses(PORT):
        assert refusal(host=host) == 0
        assert refusal(host=host, origin=f"http://{host}") == 0
        assert refusal(kind="websocket", host=host, origin=f"http://{host}", path=SOCKET) == 0
        for path in ("/static/js/index.DormvYxC.js", "/media/0a1b2c.png", "/_stcore/health", "/favicon.png"):
            assert refusal(host=host, path=path) == 0


def test_other_hosts_are_refused(exercised: Exercised) -> None:
    for host in (*HOSTS, None):
        assert refusal(host=host) == 421
        assert refusal(kind="websocket", host=host, origin=f"http://{host}", path=SOCKET) == 421, "rebinding"
    twice = [(b"host", b"evil.com")]
    assert refusal(headers=twice) == refusal(kind="websocket", path=SOCKET, headers=twice) == 421
    exercised("values of Host refused", len(HOSTS) + 2, at_least=30)


def test_other_origins_are_refused(exercised: Exercised) -> None:
    for origin in ORIGINS:
        assert refusal(origin=origin) == 403
        assert refusal(kind="websocket", origin=origin, path=SOCKET) == 403
    assert refusal(kind="websocket", path=SOCKET) == 403, "a WebSocket without Origin"
    exercised("values of Origin refused", len(ORIGINS) + 1, at_least=30)


def test_other_methods_and_places_are_refused(exercised: Exercised) -> None:
    methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X"]
    assert not set(methods) & set(METHODS)
    for method in methods:
        assert refusal(method=method) == 405
    paths = [
        f"{root}{up}{name}" for root in ROOTS for up in UPS for name in ("etc/passwd", "conf/config.yaml")
    ]
    for path in (*paths, *REFUSED_PLACES):
        assert refusal(path=path) == 404, path
        assert refusal(kind="websocket", origin="http://127.0.0.1:8501", path=path) == 404
    exercised("paths refused", len(paths), at_least=200)


def test_large_requests_are_refused() -> None:
    assert refusal(query_string=b"a" * 5000) == 414
    assert refusal(headers=[(b"x", b"a" * 100_000)]) == 431
    assert refusal(headers=[(b"content-length", b"10000000")]) == 413
    assert refusal(headers=[(b"transfer-encoding", b"chunked")]) == 413
    assert refusal(headers=[(b"content-length", b"0")]) == 0


def test_sockets_are_few() -> None:
    """As many WebSockets as are allowed are open; one more is refused; one that ends makes place."""

    async def story() -> list[str]:
        ending = asyncio.Event()
        sent: list[str] = []

        async def page(*_: Any) -> None:
            await ending.wait()

        async def send(message: Any) -> None:
            sent.append(str(message.get("status", message["type"])))

        guard = Guard(page, PORT, most_sockets=2)
        what = scope("websocket", origin="http://127.0.0.1:8501", path=SOCKET)
        what["extensions"] = {"websocket.http.response": {}}
        tasks = [asyncio.create_task(guard(what, nothing, send)) for _ in range(3)]
        await tasks[2]
        ending.set()
        await asyncio.gather(*tasks)
        assert guard.sockets == 0
        return sent

    assert asyncio.run(story()) == ["503", "websocket.http.response.body"]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_refusal_says_nothing(kind: str) -> None:
    async def story() -> list[Any]:
        sent = []

        async def send(message: Any) -> None:
            sent.append(message)

        await Guard(nothing, PORT)(scope(kind, host="evil.com"), nothing, send)
        return sent

    sent = asyncio.run(story())
    assert [one["type"] for one in sent] in (
        ["http.response.start", "http.response.body"], ["websocket.close"])  # fmt: skip
    assert sent[-1].get("body", b"") == b""

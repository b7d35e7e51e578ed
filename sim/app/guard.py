"""What stands before the page: only this machine's own browser, under the page's own address, may ask for it.

A page of another site can have a browser send requests here, also under a name that its owner lets point to
this machine (DNS rebinding). So the Host of every request, and the Origin of every WebSocket, must be one of
two exact addresses. Nothing but reading is allowed over HTTP, of the few places that the page consists of;
everything else that a page can do goes over its one WebSocket.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost")
METHODS = ("GET", "HEAD")
SOCKET = "/_stcore/stream"
PLACES = re.compile(
    r"/|/index\.html|/favicon\.(?:png|ico|svg)|/manifest\.json|/_stcore/(?:health|host-config)"
    r"|/(?:static|media)(?:/[A-Za-z0-9_@-][A-Za-z0-9_.@-]*)+"
)
"""Paths of the page, as they are on the wire; no name begins with a dot, and nothing is percent-encoded."""

LONGEST_QUERY = 4096
LONGEST_HEADERS = 32_768
MOST_SOCKETS = 64
"""WebSockets at a time: a session of the page each."""

LARGEST_MESSAGE = 1 << 20
"""Bytes of one message from a browser; the page's own are a few kB."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:;"
    " connect-src 'self' {sockets};"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""What the page may load: nothing from another machine, whatever is in it."""


def addresses(port: int) -> tuple[str, ...]:
    """Return the only values of the header Host that are allowed."""
    return tuple(f"{name}:{port}" for name in NAMES)


class Guard:
    """An ASGI application before another one, which sees only what is allowed."""

    def __init__(self, application: Application, port: int, most_sockets: int = MOST_SOCKETS) -> None:
        self.application = application
        self.hosts = addresses(port)
        self.origins = tuple(f"http://{host}" for host in self.hosts)
        self.most_sockets, self.sockets = most_sockets, 0
        sockets = " ".join(f"ws://{host}" for host in self.hosts)
        self.headers = [
            (b"content-security-policy", POLICY.format(sockets=sockets).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
        elif status := self.refusal(scope):
            await refuse(scope, send, status)
        elif scope["type"] == "websocket":
            self.sockets += 1
            try:
                await self.application(scope, receive, send)
            finally:
                self.sockets -= 1
        else:
            await self.application(scope, no_body(receive), self._with_headers(send))

    def refusal(self, scope: Scope) -> int:
        """Return the status with which a request is refused, 0 if it is allowed."""
        is_socket = scope["type"] == "websocket"
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
            return 431
        hosts, origins = (_values(scope["headers"], name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 421
        if origins != [f"http://{hosts[0]}"] and (is_socket or origins):
            return 403
        if not is_socket and scope["method"] not in METHODS:
            return 405
        path = scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        if path != SOCKET if is_socket else not PLACES.fullmatch(path):
            return 404
        if len(scope["query_string"]) > LONGEST_QUERY:
            return 414
        if not is_socket and _has_body(scope["headers"]):
            return 413
        return 503 if is_socket and self.sockets >= self.most_sockets else 0

    def _with_headers(self, send: Send) -> Send:
        ours = {name for name, _ in self.headers}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                theirs = [(name, value) for name, value in message["headers"] if name.lower() not in ours]
                message = {**message, "headers": [*theirs, *self.headers]}
            await send(message)

        return sent


def _values(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name.lower() == wanted]


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    pairs = list(headers)
    return bool(_values(pairs, b"transfer-encoding")) or any(
        value.strip() != "0" for value in _values(pairs, b"content-length")
    )


def no_body(receive: Receive) -> Receive:
    """Return a receiver that hands on no content: reading needs none."""

    async def received() -> Message:
        message = await receive()
        return {**message, "body": b"", "more_body": False} if message["type"] == "http.request" else message

    return received


async def refuse(scope: Scope, send: Send, status: int) -> None:
    """Answer with a status and nothing else, and close the connection."""
    kind = "http" if scope["type"] == "http" else "websocket.http"
    if kind == "websocket.http" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-length", b"0"), (b"connection", b"close")]
    await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.response.body", "body": b""})

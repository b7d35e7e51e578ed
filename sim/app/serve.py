"""Put the page on this machine's own address, and leave nothing behind when it stops."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sim.app import shared
from sim.app.desk import Desk
from sim.app.guard import LARGEST_MESSAGE, NAMES, Guard
from sim.errors import UserError

ADDRESS = NAMES[0]
PAGE = Path(__file__).with_name("page.py")
STOPPING_SECONDS = 2
"""How long browsers are waited for when the server stops."""

SETTINGS: dict[str, Any] = {
    "server.address": ADDRESS,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.allowedHosts": list(NAMES),
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.maxUploadSize": 1,
    "server.maxWidgetStateSize": 1,
    "server.disconnectedSessionTTL": 60,
    "browser.gatherUsageStats": False,
    "browser.serverAddress": ADDRESS,
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "global.developmentMode": False,
    "logger.level": "error",
    "logger.hideWelcomeMessage": True,
    "runner.magicEnabled": False,
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
}
"""Streamlit's settings; no file of the user's says otherwise."""


def bound(port: int) -> socket.socket:
    """Return a socket that listens on this machine's own address; 0 takes any port that is free."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((ADDRESS, port))
        found.listen(128)
    except OSError as error:
        found.close()
        raise UserError(
            f"cannot be listened on: {error.strerror}.", path="port", value=port,
            allowed="a port that is free, 1024 to 65535; 0 for any", nearest=f"port={port + 1}",
        ) from error  # fmt: skip
    return found


def application(port: int) -> Any:
    """Return the page with the guard before it, as an ASGI application; it stops the desk as it ends."""
    import streamlit
    from streamlit.web.bootstrap import load_config_options

    load_config_options({**SETTINGS, "server.port": port, "browser.serverPort": port})

    @contextlib.asynccontextmanager
    async def living(_: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            shared.close()

    return Guard(streamlit.App(PAGE, lifespan=living), port)


def is_worth_telling(record: logging.LogRecord) -> bool:
    """Whether a line of the server's belongs on the console.

    It takes a WebSocket that the guard answers with a status, as ASGI allows, for one left unanswered.
    """
    return "without completing handshake" not in record.getMessage()


def serve(port: int, sweep: str) -> None:
    """Serve the page until Ctrl+C or SIGTERM; ``sweep`` is the folder of one to show, or empty."""
    listening = bound(port)
    port = listening.getsockname()[1]
    shared.open_with(Desk(), f"http://{ADDRESS}:{port}", sweep)
    try:
        import uvicorn

        server = uvicorn.Server(
            uvicorn.Config(
                application(port),
                http="h11",  # it bounds the size of what comes before a body
                ws="websockets-sansio",
                ws_max_size=LARGEST_MESSAGE,
                limit_concurrency=512,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=STOPPING_SECONDS,
                proxy_headers=False,
                server_header=False,
                log_level="error",
                access_log=False,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(is_worth_telling)
        print(f"{shared.address()}  (Ctrl+C stops it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        shared.close()
        listening.close()

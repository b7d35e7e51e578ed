"""The page as it is served: over sockets as a liar would ask, and in a real browser as a person would."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("streamlit", reason="the page needs the extra `app`")

from sim.app.guard import LARGEST_MESSAGE, MOST_SOCKETS, SOCKET
from tests.app.conftest import PATIENCE_SECONDS
from tests.app.test_desk import processes_below
from tests.app.test_guard import HOSTS, ORIGINS, REFUSED_PLACES, ROOTS, UPS
from tests.conftest import Exercised

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TINY_LINK = "?world=north_south&workers=200&days=28&warmup=4&seeds=2"


class Server(NamedTuple):
    """A page that is being served by a process of its own."""

    process: subprocess.Popen[str]
    port: int
    console: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def serving(*words: str) -> Iterator[Server]:
    """Serve the page on a port that is free."""
    command = [sys.executable, "-m", "sim", "explore", "port=0", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        tempfile.NamedTemporaryFile("w") as console,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=console, text=True, env=environment
        ) as process,
    ):
        assert process.stdout is not None
        told = re.match(r"http://127\.0\.0\.1:(\d+) ", process.stdout.readline())
        assert told, "the page says where it is"
        try:
            yield Server(process, int(told[1]), Path(console.name))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def ask(server: Server, head: bytes) -> bytes:
    """Send the head of a request as it is, and return the answer's first bytes."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as line:
        answer = b""
        with contextlib.suppress(ConnectionError):  # it may hang up on what is too long
            line.sendall(head)
            while b"\r\n\r\n" not in answer and (more := line.recv(65536)):
                answer += more
    return answer


def status_of(
    server: Server, path: str = "/", method: str = "GET", host: str | None = "", **headers: str
) -> int:
    """Return the status of a request; its own host where none is given."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host or f'127.0.0.1:{server.port}'}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    answer = ask(server, "\r\n".join([*lines, "", ""]).encode("utf-8"))
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
           "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip


def opens(server: Server, host: str = "", **headers: str) -> bool:
    """Whether a WebSocket to the page is accepted."""
    return status_of(server, SOCKET, host=host, **UPGRADE, **headers) == 101


def own(text: str, server: Server) -> str:
    """Return a header of the catalogue with the server's port in the place of 8501."""
    return text.replace("8501", str(server.port))


# ---------------------------------------------------------------- W1 to W5


def listening(pids: set[int]) -> list[str]:
    """Return the local addresses (as the kernel writes them) that processes listen on."""
    inodes = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                inodes.add(str(file.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.append(fields[1])
    return found


def test_it_listens_on_this_machine_only(server: Server, exercised: Exercised) -> None:
    """W1."""
    pids = {server.process.pid, *processes_below(server.process.pid)}
    found = listening(pids)
    assert found == [f"0100007F:{server.port:04X}"]
    exercised("processes looked at", len(pids), at_least=1)


def test_other_hosts_are_refused(server: Server, exercised: Exercised) -> None:
    """W2, on HTTP and WebSocket; with Origin = Host it is a rebinding probe."""
    assert status_of(server) == 200
    assert status_of(server, host=f"localhost:{server.port}") == 200
    assert opens(server, Origin=server.address)
    assert opens(server, f"localhost:{server.port}", Origin=f"http://localhost:{server.port}")
    for text in HOSTS:
        # A space around a value is no part of it (RFC 9112).
        host = own(text, server)
        if host.strip() in (f"127.0.0.1:{server.port}", f"localhost:{server.port}") or not host:
            continue
        assert status_of(server, host=host) in (400, 421), host
        assert not opens(server, host, Origin=f"http://{host}"), host
    assert status_of(server, host=None) in (400, 421)
    exercised("values of Host", len(HOSTS), at_least=30)


def test_other_origins_open_no_socket(server: Server, exercised: Exercised) -> None:
    """W3."""
    for text in ORIGINS:
        assert not opens(server, Origin=own(text, server)), text
    assert not opens(server), "without an Origin"
    assert not opens(server, Origin=f"http://localhost:{server.port}"), "another one than its Host"
    assert opens(server, Origin=server.address)
    assert "handshake" not in server.console.read_text(), "a refusal is no fault of the program"
    exercised("values of Origin", len(ORIGINS), at_least=30)


def test_only_reading_is_allowed(server: Server, exercised: Exercised) -> None:
    """W4: no method but GET and HEAD does anything anywhere."""
    asked = 0
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/", "/_stcore/health", SOCKET, "/media/x.png", "/static/js/x.js", *REFUSED_PLACES):
            assert status_of(server, path, method) == 405
            asked += 1
    for path in REFUSED_PLACES:
        assert status_of(server, path) == 404
    assert status_of(server, SOCKET) == 404, "the socket's place has nothing to read"
    exercised("requests refused", asked, at_least=80)


def test_no_path_leads_elsewhere(server: Server, exercised: Exercised) -> None:
    """W5: a path that climbs is refused before anything looks for a file."""
    asked = 0
    for root in ROOTS:
        for up in UPS:
            target = f"{root}{up * 8}{str(ROOT).lstrip('/')}/README.md"
            answer = ask(server, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode())
            assert answer.split(b" ", 2)[1] in (b"404", b"400"), target
            assert answer.endswith((b"\r\n\r\n", b"received.")), target
            asked += 1
    exercised("paths", asked, at_least=200)


# ---------------------------------------------------------------- W6, W7


def memory_of(pid: int) -> int:
    """Return the resident memory of a process (bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.nightly
def test_much_of_anything_is_refused(server: Server, exercised: Exercised) -> None:
    """W6: large bodies, names and messages, many sockets, slow clients; the page stays."""
    from websockets.sync.client import connect

    before = memory_of(server.process.pid)
    for length in ("10000000", "99999999999999999999"):
        assert status_of(server, "/", "POST", Content_Length=length) in (400, 405, 413)
        assert status_of(server, "/", Content_Length=length) in (400, 413)
    assert status_of(server, "/" + "a" * 100_000) in (0, 400, 404, 431)
    assert status_of(server, "/?x=" + "a" * 10_000) == 414
    assert status_of(server, "/?" + "&".join(f"k{n}=1" for n in range(1_000_000))) in (0, 400, 414)
    assert status_of(server, X="a" * 100_000) in (0, 400, 431)
    url = f"ws://127.0.0.1:{server.port}{SOCKET}"
    with connect(url, origin=server.address, compression=None) as line:  # type: ignore[arg-type]
        with contextlib.suppress(Exception):
            line.send(b"x" * (10 * LARGEST_MESSAGE))
            while True:
                line.recv(PATIENCE_SECONDS)
        # Whether the last word arrives before the line is reset, for what was sent on, is luck.
        assert line.close_code in (1006, 1009)
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1")
    assert status_of(server) == 200
    with contextlib.ExitStack() as stack:
        accepted = 0
        for _ in range(1000):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS))
            asking = {"Host": f"127.0.0.1:{server.port}", "Origin": server.address, **UPGRADE}
            lines = [f"{name.replace('_', '-')}: {value}" for name, value in asking.items()]
            line.sendall("\r\n".join([f"GET {SOCKET} HTTP/1.1", *lines, "", ""]).encode())
            accepted += line.recv(12).endswith(b"101")
        assert MOST_SOCKETS - 2 <= accepted <= MOST_SOCKETS
        assert status_of(server, "/_stcore/health") == 200
    for one in slow:
        one.close()
    grown = memory_of(server.process.pid) - before
    assert grown < 200 * 2**20
    exercised("sockets asked for", 1000, at_least=1000)


@pytest.mark.nightly
def test_noise_breaks_nothing(server: Server, exercised: Exercised) -> None:
    """W7: random requests and messages: no fault of the server, no traceback in an answer."""
    from websockets.sync.client import connect

    luck, alphabet = random.Random(3), bytes(range(256))
    faults = 0
    for number in range(18_000):
        path = "/" + "".join(map(chr, luck.choices(range(33, 127), k=luck.randrange(40))))
        lines = [luck.choice(["GET", "POST", "PUT", "HEAD", "BREW"]) + f" {path} HTTP/1.{luck.randrange(3)}"]
        if number % 5:
            lines.append(f"Host: 127.0.0.1:{server.port}")
        if number % 3 == 0:
            lines.append(f"X-{luck.randrange(9)}: " + bytes(luck.choices(alphabet, k=20)).decode("latin-1"))
        answer = ask(server, ("\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode("latin-1"))
        faults += answer[9:10] == b"5" or b"Traceback" in answer
    assert faults == 0
    url = f"ws://127.0.0.1:{server.port}{SOCKET}"
    sent = 0
    while sent < 2000:
        with connect(url, origin=server.address) as line, contextlib.suppress(Exception):  # type: ignore[arg-type]
            for _ in range(100):
                noise = bytes(luck.choices(alphabet, k=luck.randrange(1, 200)))
                line.send(noise if luck.random() < 0.8 else noise.hex())
                sent += 1
    assert status_of(server) == 200
    exercised("requests and messages", 18_000 + sent, at_least=20_000)


# ---------------------------------------------------------------- nothing is left


def test_nothing_is_left_when_it_stops(exercised: Exercised) -> None:
    """SIGTERM ends the page, what it plays, and takes its files with it, also with a browser's line open."""
    from websockets.sync.client import connect

    with serving() as server:
        with connect(f"ws://127.0.0.1:{server.port}{SOCKET}", origin=server.address):  # type: ignore[arg-type]
            below = processes_below(server.process.pid)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(PATIENCE_SECONDS)
        assert not below & processes_below(os.getpid())
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    exercised("servers stopped", 1, at_least=1)


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium on the PATH (Debian, as root: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        found = engine.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


class Visit:
    """A page in a browser, and everything it asked for or complained of."""

    def __init__(self, browser: Any, server: Server, query: str = "", width: int = 1280) -> None:
        context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        self.server, self.context, self.page = server, context, context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda text: text.type == "error" and self.complaints.append(text.text))
        self.page.goto(f"{server.address}/{query}")
        self.button("Run").wait_for(state="attached")

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def run(self) -> None:
        """Press Run, and wait until figures are there."""
        self.button("Run").click()
        self.page.get_by_test_id("stMetric").first.wait_for()
        self.page.locator("img").first.wait_for()

    def download(self, name: str) -> bytes:
        """Press a button for a file and return its content."""
        with self.page.expect_download() as waiting:
            self.button(name).click()
        assert waiting.value.suggested_filename == name
        return Path(waiting.value.path()).read_bytes()

    def close(self) -> None:
        """Check that nothing went elsewhere and nothing went wrong."""
        outside = [url for url in self.asked if not url.startswith((self.server.address, "data:", "blob:"))]
        assert (outside, self.complaints) == ([], [])
        self.context.close()


def test_a_person_runs_compares_and_downloads(server: Server, browser: Any, exercised: Exercised) -> None:
    """Open a link, move a slider, run, look at every section, download a table and a figure."""
    visit = Visit(browser, server, TINY_LINK)
    page = visit.page
    slider = page.get_by_role("slider", name=re.compile("^Usage tax"))
    assert slider.input_value() == "0.5"
    slider.focus()
    for _ in range(2):
        slider.press("ArrowRight")
    page.wait_for_url(re.compile("usage_tax=0.6"))
    visit.run()
    page.get_by_text("A link to this page").wait_for()
    assert "policy.usage_tax.usd_per_user_month=0.6" in page.inner_text("[data-testid=stMain]")
    table = visit.download("comparison.csv").decode()
    taxes = next(line.split(",") for line in table.splitlines()
                 if '"tax_per_user_month","world"' in line)  # fmt: skip
    shown = page.get_by_role("row").filter(has_text="Tax a user and month").inner_text().split()[-5:]
    assert shown[1] == f"{float(taxes[4]):.4f}" == "0.5400", "0.6 less the users who are not declared"
    assert visit.download("comparison-forest.svg").startswith(b"<?xml")
    assert visit.download("comparison-forest.png").startswith(b"\x89PNG")
    for section, picture in (
        ("Clock", "comparison-clock.svg"),
        ("Map", "comparison-hours.svg"),
        ("Pay", "comparison-pay.svg"),
        ("Money", "comparison-money.svg"),
    ):
        page.get_by_role("radio", name=section).click()
        visit.button(picture).wait_for()
    page.wait_for_url(re.compile("show=money"))
    again = Visit(browser, server, "?" + page.url.partition("/?")[2])
    again.button("comparison-money.svg").wait_for()
    narrow = Visit(browser, server, "?" + page.url.partition("/?")[2], width=400)
    narrow.button("comparison-money.svg").wait_for()
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 400
    for one in (visit, again, narrow):
        one.close()
    exercised("visits", 3, at_least=3)


def test_a_person_cancels(server: Server, browser: Any) -> None:
    visit = Visit(browser, server, "?workers=20000&days=365&warmup=100&seeds=3")
    visit.button("Run").click()
    visit.button("Cancel").click()
    visit.page.get_by_test_id("stMain").get_by_text("Cancelled").wait_for()
    visit.close()


def test_on_a_telephone_progress_and_cancel_stand_beside_run(server: Server, browser: Any) -> None:
    """The open sidebar lies over the page, so what can be pressed and read must be in it."""
    visit = Visit(browser, server, "?workers=20000&days=365&warmup=100&seeds=3", width=400)
    visit.page.get_by_test_id("stExpandSidebarButton").click()
    side = visit.page.get_by_test_id("stSidebar")
    visit.button("Run").click()
    side.get_by_test_id("stProgress").wait_for()
    # Playwright presses only what nothing lies over.
    side.get_by_role("button", name="Cancel", exact=True).click()
    side.get_by_text("Cancelled").wait_for()
    visit.close()
    visit = Visit(browser, server, TINY_LINK, width=400)
    visit.page.get_by_test_id("stExpandSidebarButton").click()
    visit.button("Run").click()
    visit.page.get_by_text("close the sidebar to see them").wait_for()
    visit.close()
    wide = Visit(browser, server, TINY_LINK)
    wide.run()
    assert not wide.page.get_by_test_id("stSidebar").get_by_test_id("stAlert").filter(visible=True).count()
    wide.close()


def test_a_bad_link_is_told_and_runs_nothing(server: Server, browser: Any) -> None:
    visit = Visit(browser, server, "?world=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    visit.page.get_by_text("is none of the worlds").wait_for()
    assert visit.page.locator("img[src=x]").count() == 0
    visit.close()


def test_the_page_may_load_nothing_from_elsewhere(server: Server) -> None:
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    line.request("GET", "/")
    answer = line.getresponse()
    policy = answer.headers["Content-Security-Policy"] or ""
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http:" not in policy
    answer.read()
    line.close()

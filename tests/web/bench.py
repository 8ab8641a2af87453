"""Everything the page meets: central systems of several kinds, a port that refuses, and a person in front of it."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal

from ocpp_apps.csms import Console, Csms
from ocpp_transports import NOREPLY, ConnectionState, OCPPClient, OCPPServer
from tests.kinds import an
from tools.web.assembly import POLICY, Files, assemble
from tools.web.devtools import Chromium, Tab, chromium
from tools.web.gallery import ready
from tools.web.site import Site, serving

__all__ = ["PASSWORD", "Bench", "User", "running", "sitting"]

PASSWORD = "correct horse"
VERSIONS = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
_numbers = count(1)


@dataclass
class Bench:
    """`addresses`: `csms`, `guarded` (wants the password), `old` (speaks 1.6 only), `moody` (answers BootNotification
    with `moods["registration"]` and nothing else), `refused` (nobody listens), `silent` (never answers), `barred` (the
    page's policy forbids it)."""

    portal: BlockingPortal
    csms: Csms
    console: Console
    addresses: dict[str, str]
    files: Files
    browser: Chromium
    moods: dict[str, str]
    stack: ExitStack = field(repr=False)

    def serve(self, policy: str = POLICY, *, without: str = "", replaced: Files | None = None, **changed: Any) -> str:
        """Serve the page under a policy; without a file, with others, and with other facts of the site, if asked to."""
        site = {**json.loads(an(bytes, self.files["/site.json"])), **changed}
        files = {**self.files, **(replaced or {}), "/site.json": json.dumps(site).encode()}
        files.pop(without, None)
        return self.stack.enter_context(serving(Site(files, {}, policy))) + "/"

    def command(self, line: str) -> str:
        """Have the central system do something."""
        return self.portal.call(self.console.command, line)

    @contextmanager
    def replaced(self, identity: str) -> Iterator[None]:
        """Connect another station with the same identity, and disconnect it at the end."""
        other = OCPPClient(identity, self.addresses["csms"], protocols=["ocpp1.6"], logging=False)
        self.portal.call(other.connect)
        try:
            yield
            assert other.state is ConnectionState.OPEN
        finally:
            self.portal.call(other.close)

    def drop(self, identity: str) -> None:
        """Break a station's connection without a word."""
        client = self.csms.server.get_client(identity)
        assert client is not None
        self.portal.call(lambda: client.close(force=True))


class User:
    """A person in front of the loaded page."""

    def __init__(self, tab: Tab, bench: Bench) -> None:
        self.tab = tab
        self.bench = bench
        self.identity = ""

    def text(self, selector: str) -> str:
        return self.tab.text(selector)

    def sees(self, selector: str, words: str, seconds: float = 30) -> None:
        """Wait until an element shows these words."""
        self.tab.until(lambda: words in self.text(selector), f"{words!r} in {selector}", seconds)

    def fill(self, name: str, value: str) -> None:
        """Write into a field, or choose in a list, as if by hand."""
        tell = "for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}))"
        found = f"const field = document.getElementById({json.dumps(name)})"
        self.tab.look(f"{{ {found}; field.value = {json.dumps(value)}; {tell} }}")

    def leave(self) -> None:
        """Disconnect, whatever is under way."""
        if self.text("#connect") != "Connect":
            self.tab.click("#connect")
            self.sees("#connect", "Connect")
            self.sees("#link", "Not connected")

    def dial(self, address: str = "csms", *, versions: Sequence[str] = VERSIONS, password: str = "") -> str:
        """Become another station and press Connect; the address is a name of the bench's or a URL."""
        self.leave()
        self.identity = f"CP{next(_numbers)}"
        self.fill("url", self.bench.addresses.get(address, address))
        self.fill("identity", self.identity)
        self.fill("password", password)
        for version in VERSIONS:
            box = f"document.querySelector('[value=\"{version}\"]')"
            self.tab.look(f"{box}.checked = {json.dumps(version in versions)}")
        self.tab.look("document.getElementById('connection-error').textContent = ''")
        self.tab.click("#connect")
        return self.identity

    def connect(self, **how: Any) -> str:
        """Dial and wait until the central system has accepted the station and heard what it reports then."""
        identity = self.dial(**how)
        self.sees("#fact-identity", identity)
        self.sees("#fact-boot", "Accepted")
        self.sees("#log-count", "8 messages")
        return identity

    def charge(self) -> None:
        """Plug in at connector 1, and start."""
        self.tab.click("#plug-1")
        self.sees("#plug-1", "Unplug")
        self.tab.click("#charge-1")
        self.sees("#charge-1", "Stop")

    def messages(self) -> list[dict[str, str]]:
        """Read the rows that are shown, newest first."""
        texts = "[...row.querySelectorAll('[data-part]')].map(part => [part.dataset.part, part.textContent])"
        shown = "[...document.querySelectorAll('.entry:not([hidden])')]"
        rows: list[dict[str, str]] = self.tab.look(f"{shown}.map(row => Object.fromEntries({texts}))")
        return rows


def _moody(moods: dict[str, str]) -> OCPPServer:
    """Make a central system that takes its answer to BootNotification from `moods`, and else never answers."""
    server = OCPPServer(protocols=["ocpp1.6"], logging=False)

    def registration(_: object) -> Any:
        if not moods["registration"]:
            return NOREPLY
        return {"status": moods["registration"], "currentTime": "2026-01-02T03:04:05Z", "interval": 300}

    server.handle("ocpp1.6", "BootNotification", registration)
    server.handle(lambda *_: NOREPLY)
    return server


async def _listen(server: OCPPServer) -> str:
    return f"ws://127.0.0.1:{(await server.listen(0, '127.0.0.1')).port}/ocpp"


@contextmanager
def running(folder: Path) -> Iterator[Bench]:
    """Run all servers, and a browser."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal("asyncio"))
        csms, guarded = Csms(), Csms(password=PASSWORD)
        console = Console(csms, lambda _: None)
        servers = {
            "csms": csms.server,
            "guarded": guarded.server,
            "old": OCPPServer(protocols=["ocpp1.6"], logging=False),
            "moody": _moody(moods := {"registration": ""}),
        }
        for server in servers.values():
            stack.enter_context(portal.wrap_async_context_manager(server))
        addresses = {name: portal.call(_listen, server) for name, server in servers.items()}
        refusing = stack.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))  # and never listens: its port stays ours and refuses
        addresses["barred"] = portal.call(_listen, csms.server)
        addresses["refused"] = f"ws://127.0.0.1:{refusing.getsockname()[1]}"
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))  # and never answers
        addresses["silent"] = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        for name in ("site", "chromium"):
            (folder / name).mkdir()
        site = partial(assemble, folder / "site", csms=addresses["csms"])
        assembled = portal.start_task_soon(to_thread.run_sync, site)  # while the browser starts
        browser = stack.enter_context(chromium(folder / "chromium"))
        yield Bench(portal, csms, console, addresses, assembled.result(), browser, moods, stack)


@contextmanager
def sitting(bench: Bench) -> Iterator[User]:
    """Open the page, and wait until it is ready. Its policy names the addresses it may connect to: all but `barred`."""
    allowed = " ".join(url.removesuffix("/ocpp") for name, url in bench.addresses.items() if name != "barred")
    with bench.browser.tab(bench.serve(POLICY.replace("ws: wss:", f"{allowed} ws://127.0.0.1:1"))) as tab:
        tab.resize(1280, 900)
        ready(tab)
        yield User(tab, bench)

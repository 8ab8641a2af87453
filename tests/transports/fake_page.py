"""A page with a manual clock: sockets do what the test says, and refuse what browsers refuse."""

from typing import Any

from ocpp_core.errors import ConnectionFailedError
from ocpp_transports import BrowserOCPPClient, browser
from tests.transports.fake_host import FakeHost


class FakeSocket:
    """`sent` and `closed_with` record what the client did; the test plays the server."""

    def __init__(self, url, subprotocols, listener):
        self.url, self.subprotocols, self._ear = url, tuple(subprotocols), listener
        self.state = "CONNECTING"
        self.sent, self.lost = [], []
        self.closed_with: Any = None
        self.is_dropped = False
        self.buffered = 0

    # What the client does

    @property
    def is_open(self):
        return self.state == "OPEN"

    def send(self, text):
        assert self.state != "CONNECTING", "InvalidStateError"
        (self.sent if self.is_open else self.lost).append(text)

    def close(self, code, reason):
        assert code == 1000 or 3000 <= code <= 4999, "InvalidAccessError"
        assert len(reason.encode()) <= 123, "SyntaxError"
        self.closed_with = code, reason
        self.state = "CLOSING"

    def drop(self):
        self.is_dropped = True

    # What the test does: nothing of it is heard once the socket was dropped

    def _emit(self, name, *what):
        if not self.is_dropped:
            getattr(self._ear, name)(*what)

    def open(self, subprotocol="ocpp1.6"):
        self.state = "OPEN"
        self._emit("opened", subprotocol)

    def hear(self, message):
        self._emit("on_message", message)

    def error(self):
        self._emit("failed")

    def end(self, code=1006, reason=""):
        self.state = "CLOSED"
        self._emit("closed", code, reason)


class FakePage:
    """`sockets` are those that were opened; `refuses` is what the page says to the next one."""

    def __init__(self):
        self.sockets = []
        self.refuses = None

    def open(self, url, subprotocols, listener):
        if self.refuses is not None:
            raise ConnectionFailedError(self.refuses)
        self.sockets.append(FakeSocket(url, subprotocols, listener))
        return self.sockets[-1]


class FakeRuntime(FakeHost):
    async def aclose(self):
        """Leave all as it is: the tasks here are the test's own, too."""


class Browser:
    """A client in a fake page, and what a test does with both."""

    def __init__(self, monkeypatch):
        self.runtime, self.page = FakeRuntime(), FakePage()
        monkeypatch.setattr(browser, "BrowserRuntime", lambda log: self.runtime)
        monkeypatch.setattr(browser, "JsPage", lambda failed: self.page)

    def client(self, identity="CP1", endpoint="ws://csms.example/ocpp", **options):
        settings = {"protocols": ["ocpp1.6"], "backoff_min": 1, "backoff_max": 1, "logging": False}
        return BrowserOCPPClient(identity, endpoint, **{**settings, **options})

    def start(self, coro):
        """Run a coroutine as the application would, as far as it gets."""
        task = self.runtime.spawn(coro)
        self.runtime.run()
        return task

    def online(self, **options):
        """A client with an open connection, and its socket."""
        client = self.client(**options)
        connected = self.start(client.connect())
        self.socket.open()
        self.runtime.run()
        assert connected.result == "ocpp1.6"
        return client

    @property
    def socket(self):
        """The newest socket."""
        return self.page.sockets[-1]

    def run(self):
        self.runtime.run()

    def advance(self, seconds):
        self.runtime.advance(seconds)


def told(client, *names):
    """What listeners are told of these events, as it comes."""
    events = []
    for name in names:
        client.on(name, lambda event, name=name: events.append((name, event)))
    return events

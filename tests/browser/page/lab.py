"""What a case is given: where to connect to, the means to command the other end, and clients that end with the case."""

import asyncio
import json
import logging
import re
from contextlib import contextmanager
from itertools import count
from weakref import WeakSet

import js
from pyodide.ffi import to_js

from ocpp_transports.browser import BrowserOCPPClient

_numbers = count(1)


def expects_console(*patterns):
    """Declare what the browser may write to its console during a case; read from the source, see `case_files.py`."""
    return lambda case: case


def fails_with(pattern):
    """Declare a case that has to fail, with a report that matches; read from the source, see `case_files.py`."""
    return lambda case: case


def limited_to(seconds):
    """Give a case another time limit."""

    def limit(case):
        case.limit = seconds
        return case

    return limit


class KeptRecords(logging.Handler):
    """Keeps the records of a logger in `kept`."""

    def __init__(self):
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record):
        self.kept.append(record)


@contextmanager
def raises(kind, match=""):
    """Expect an exception of this kind whose text has a match; it is in the list that this yields."""
    caught: list[BaseException] = []
    try:
        yield caught
    except kind as error:
        caught.append(error)
    assert caught, f"expected {kind.__name__}"
    assert re.search(match, str(caught[0])), f"expected {kind.__name__} to match {match!r}, got: {caught[0]}"


async def post(path, facts):
    """Post to the test process, and return its answer."""
    options = to_js({"method": "POST", "body": json.dumps(facts)}, dict_converter=js.Object.fromEntries)
    response = await js.fetch(path, options)
    return json.loads(await response.text())


class OtherEndError(Exception):
    """A command failed at the other end."""


class Laboratory:
    """The context of one case.

    Endpoints: `csms`, `refused` (no one listens), `unsafe` (a port that browsers do not dial), `barred` (not allowed by
    the page's Content-Security-Policy), `guarded()` (wants a password; each time another origin) and
    `puppet(manner)`, see `puppet.py`. `password` is what `guarded` wants.
    """

    _PLEASANT = ("obedient", "eager")

    def __init__(self, places):
        self._places = places
        # What a case forgets is left to the garbage collector, as it would be elsewhere.
        self._clients: WeakSet[BrowserOCPPClient] = WeakSet()
        self.csms = places["csms"]
        self.refused = places["refused"]
        self.unsafe = places["unsafe"]
        self.barred = places["barred"]
        self.password = places["password"]

    def identity(self):
        """Name a station that no other case uses."""
        return f"CP{next(_numbers)}"

    def guarded(self):
        """Return an endpoint that no other case uses: a browser remembers passwords by origin."""
        return self._places["guarded"].pop()

    def puppet(self, manner="obedient"):
        """Return the endpoint of a server that does just what the case commands, after this manner of greeting."""
        puppets = self._places["puppets"]  # Firefox delays the next dial of an origin where one failed
        return f"{puppets[0] if manner in self._PLEASANT else puppets.pop()}/{manner}"

    async def ask(self, command, *arguments, **options):
        """Have the other end do something, and return what it answers; the commands are in `other_end.py`."""
        answer = await post("/ask", {"command": command, "arguments": arguments, "options": options})
        if "failure" in answer:
            raise OtherEndError(answer["failure"])
        return answer["result"]

    def client(self, endpoint=None, identity=None, **options):
        """Make a client, of the CSMS and for OCPP 1.6 by default; it comes back at once, and ends with the case."""
        settings = {"protocols": ["ocpp1.6"], "backoff_min": 0.02, "backoff_max": 0.04, **options}
        client = BrowserOCPPClient(identity or self.identity(), endpoint or self.csms, **settings)
        self._clients.add(client)
        return client

    async def connected(self, endpoint=None, identity=None, **options):
        """Make a client and connect it."""
        client = self.client(endpoint, identity, **options)
        await client.connect()
        return client

    async def tidy(self):
        """End what the case left running."""
        for client in list(self._clients):
            await client.close(force=True)


def start(coro):
    """Run a task that the case waits for later: Pyodide complains of one that fails before anybody waits."""
    task = asyncio.ensure_future(coro)
    task.add_done_callback(lambda _: None)
    return task


def told(client, *names):
    """Keep what a client tells from now on: a list of (name, event)."""
    events = []
    for name in names:
        client.on(name, lambda event, name=name: events.append((name, event)))
    return events


async def until(condition, seconds=5.0):
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition may be waited for
            await asyncio.sleep(0.005)

"""What a case is given: where to connect to, the means to command the other end, and clients that end with the case."""

import json
import re
from contextlib import contextmanager
from itertools import count

import js
from pyodide.ffi import to_js

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


@contextmanager
def raises(kind, match=""):
    """Expect an exception of this kind whose text has a match; it is in the list that this yields."""
    caught = []
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
    `puppet(manner)`, see `puppet.py`.
    """

    def __init__(self, places):
        self._places = places
        self._clients = []
        self.csms = places["csms"]
        self.refused = places["refused"]
        self.unsafe = places["unsafe"]
        self.barred = places["barred"]

    def identity(self):
        """Name a station that no other case uses."""
        return f"CP{next(_numbers)}"

    def guarded(self):
        """Return an endpoint that no other case uses: a browser remembers passwords by origin."""
        return self._places["guarded"].pop()

    def puppet(self, manner="obedient"):
        """Return the endpoint of a server that does just what the case commands, after this manner of greeting."""
        return f"{self._places['puppet']}/{manner}"

    async def ask(self, command, *arguments, **options):
        """Have the other end do something, and return what it answers; the commands are in `other_end.py`."""
        answer = await post("/ask", {"command": command, "arguments": arguments, "options": options})
        if "failure" in answer:
            raise OtherEndError(answer["failure"])
        return answer["result"]

    async def tidy(self):
        """End what the case left running."""
        for client in self._clients:
            await client.close(force=True)
        self._clients.clear()

"""What the migration tool reports and leaves, each with its line."""

import ast
import re
from pathlib import Path
from textwrap import dedent, indent

import pytest

from ocpp_transports.compat import migrate
from ocpp_transports.compat.migrate._program import rewrite
from ocpp_transports.compat.migrate._source import Source

STATION = """\
from ocpp.routing import on, after
from ocpp.v16 import ChargePoint, call


class Station(ChargePoint):
"""


def found(text: str, *, own: tuple[str, ...] = ()) -> list[tuple[int, str]]:
    source = Source(text.encode())
    return [(each.line, each.topic) for each in rewrite(source, lambda path: path in own, None)]


def in_station(text: str) -> list[tuple[int, str]]:
    """Findings in methods of a station; the first line of `text` is line 1."""
    lines = STATION.count("\n")
    return [(line - lines, topic) for line, topic in found(STATION + indent(dedent(text).lstrip("\n"), "    "))]


@pytest.mark.parametrize(
    "test",
    [
        "if reply is None: ...",
        "if reply is not None and reply.status: ...",
        "if reply: ...",
        "if not reply: ...",
        "assert reply",
        "x = 1 if reply else 2",
        "while reply != None: ...",
        "return reply or None",
    ],
)
def test_a_test_of_a_call_s_result_for_none(test) -> None:
    assert in_station(f"async def f(self):\n    reply = await self.call(call.Heartbeat())\n    {test}") == [
        (3, "call-result")
    ]


def test_a_validation_that_is_not_awaited() -> None:
    text = "from ocpp.messages import validate_payload\n\n\nasync def f(call):\n    {}validate_payload(call, '1.6')\n"
    assert found(text.format("")) == [(5, "not-awaited")]
    assert found(text.format("await ")) == []


def test_the_place_of_the_package_s_files() -> None:
    assert found("import ocpp\nschemas = Path(ocpp.__file__).parent / 'v201' / 'schemas'") == [(2, "files")]
    assert found("import ocpp.v16 as v16, os\nv16.__path__, os.__file__") == [(2, "files")]


def test_a_test_of_a_result_that_is_kept_in_an_attribute() -> None:
    lines = ("self.reply: Any = await self.call(payload)", "if self.reply: ...", "if self.reply.status: ...")
    assert in_station("async def f(self):\n    " + "\n    ".join(lines)) == [(3, "call-result")]


@pytest.mark.parametrize(
    "line",
    [
        "if (reply := await self.call(payload)) is None: ...",
        "if await self.call(payload): ...",
        "if (await asyncio.wait_for(self.call(payload), 5)) is None: ...",
        "if not await self.call(payload, unique_id='7'): ...",
    ],
)
def test_a_test_of_a_call_that_is_not_kept_in_a_variable(line) -> None:
    assert in_station(f"async def f(self):\n    {line}") == [(2, "call-result")]


@pytest.mark.parametrize(
    "text",
    [
        "async def f(self):\n    reply = await self.call(payload, suppress=True)\n    if reply is None: ...",
        "async def f(self):\n    reply = await self.call(payload, False)\n    if reply: ...",
        "async def f(self):\n    reply = await self.call(payload)\n    if reply.status: ...",
        "async def f(self):\n    reply = await self.call(payload)\n    return reply.status is None",
        "async def f(self, reply):\n    if reply: ...\nasync def g(self):\n    reply = await self.call(payload)",
    ],
)
def test_results_that_stay_as_they_are(text) -> None:
    assert in_station(text) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("def f(self): return type(self).__name__[:-7]", (1, "class-name")),
        ("async def _send(self, message): ...", (1, "override")),
        ("async def _handle_call(self, msg): ...", (1, "override")),
        ("async def _get_specific_response(self, unique_id, timeout): ...", (1, "override")),
        ("def __init__(self):\n    self._response_queue = Queue()", (2, "internal")),
        ("def __init__(self):\n    self._call_lock = Lock()", (2, "internal")),
        ("@on('Heartbeat')\ndef f(self):\n    create_task(self.ask())", (3, "task-in-handler")),
        ("@on('Heartbeat')\nasync def f(self):\n    asyncio.ensure_future(self.call(x))", (3, "task-in-handler")),
        ("@after('Heartbeat')\nasync def f(self):\n    await asyncio.sleep(1)", (3, "sleep-in-handler")),
        ("@on('Authorize')\ndef f(self, custom_data):\n    return custom_data['my_key']", (3, "custom-data")),
        ("@on('Authorize')\ndef f(self, **kw):\n    return kw['custom_data'].get('my_key')", (3, "custom-data")),
        ("@on('Authorize')\ndef f(self, **kw):\n    return kw.get('custom_data')['my_key']", (3, "custom-data")),
        ("@on('DataTransfer')\ndef f(self, data):\n    return data['my_key']", (3, "custom-data")),
        ("@on(Action.data_transfer)\ndef f(self, data):\n    return data.get('my_key')", (3, "custom-data")),
        ("x = call.Heartbeat(custom_data={'vendor_id': 'Acme'})", (1, "custom-data")),
        ("x = call.DataTransfer('Acme', data={'my_key': 1})", (1, "custom-data")),
    ],
)
def test_a_habit_that_needs_a_decision(text, finding) -> None:
    assert in_station(text) == [finding]


@pytest.mark.parametrize(
    "text",
    [
        "def f(self):\n    create_task(self.ask())",
        "@on('Heartbeat')\ndef f(self):\n    create_task(later)",
        "@on('Authorize')\ndef f(self, data):\n    return data['my_key']",
        "x = call.Heartbeat(custom_data={'vendorId': 'Acme'})",
        "def f(self): return self._response_queue",
    ],
)
def test_a_habit_that_stays_right(text) -> None:
    assert in_station(text) == []


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("import ocpp.v20", [(1, "import")]),
        ("from ocpp import v16, v20", [(1, "import")]),
        ("from ocpp.experimental.v21 import call", [(1, "import")]),
        ("from ocpp.v16.call import (\n    Heartbeat,\n    Hartbeat,\n)", [(3, "missing")]),
        ("from ocpp.v16 import call\ncall.Hartbeat()", [(2, "missing")]),
        ("from ocpp.v16.enums import UnitOfMeasure\nUnitOfMeasure.hertz", [(2, "missing")]),
        ("import decimal\nimport ocpp.v16", [(1, "decimal")]),
        ("from decimal import Decimal\nfrom ocpp.v16 import call", [(1, "decimal")]),
        ('patch("""\\\nocpp.messages.pack""")', [(1, "string")]),
        ("import decimal\nif await x.call(1): ...", []),
    ],
)
def test_a_name_without_a_counterpart(text, findings) -> None:
    assert found(text) == findings


@pytest.mark.parametrize("line", ["from ocpp_transports.compat.v16 import call", "import ocpp_transports.compat.v16"])
def test_a_file_that_was_migrated_before_is_searched_again(line) -> None:
    assert found(f"{line}\nimport decimal") == [(2, "decimal")]


def test_an_import_of_a_module_of_the_program_s_own() -> None:
    assert found("from ocpp.routing import on", own=("ocpp.routing",)) == [(1, "import")]


def test_a_report_says_where_and_what_to_do() -> None:
    text = "from ocpp.v16 import call\nasync def f(cp):\n    if await cp.call(call.Heartbeat()): ...\n"
    (finding,) = rewrite(Source(text.encode()), lambda path: False, None)
    assert str(finding) == (
        "3: call-result: a CALLERROR raises its OCPPError instead of returning None; catch it, pass `suppress=True`, "
        "or set `suppress_call_errors = True` in the class"
    )


def test_the_guide_explains_every_topic() -> None:
    root = Path(__file__).parents[4]
    guide = (root / "docs/migrating-from-mobilityhouse.md").read_text(encoding="utf-8")
    table = guide.split("### What the tool reports")[1].split("\n### ")[0]
    explained = set(
        re.findall(r"`([a-z-]+)`", " ".join(row.split("|")[1] for row in re.findall(r"^\|.*$", table, re.MULTILINE)))
    )
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(migrate.__file__).parent.glob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [node.args[1] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Finding"]
    topics = {topic.value for topic in found if isinstance(topic, ast.Constant)}
    assert len(topics) == len({ast.unparse(topic) for topic in found})
    assert explained == topics | {"own-package"}

"""What the migration tool rewrites, and what it leaves: one snippet a row."""

import sys
from textwrap import dedent

import pytest

from ocpp_transports.compat.migrate._program import rewrite
from ocpp_transports.compat.migrate._source import Source


def migrated(text: str, *, own: tuple[str, ...] = (), elsewhere: set[str] | None = None) -> str:
    source = Source(dedent(text).encode())
    rewrite(source, lambda path: ".".join(path.split(".")[:2]) in own, elsewhere)
    return source.changed().decode()


REWRITTEN = [
    ("from ocpp.routing import on", "from ocpp_transports.compat.routing import on"),
    ("from ocpp.v16 import ChargePoint as cp", "from ocpp_transports.compat.v16 import ChargePoint as cp"),
    ("from ocpp import v16, v201 as v2", "from ocpp_transports.compat import v16, v201 as v2"),
    ("from ocpp.v201.enums import *", "from ocpp_transports.compat.v201.enums import *"),
    ("from   ocpp . v16 import call", "from   ocpp_transports.compat . v16 import call"),
    ("from \\\n  ocpp.v16 import call", "from \\\n  ocpp_transports.compat.v16 import call"),
    ("import ocpp.v16.call as c\nc.Heartbeat()", "import ocpp_transports.compat.v16.call as c\nc.Heartbeat()"),
    ("import ocpp as o\no.messages", "import ocpp_transports.compat as o\no.messages"),
    ("import os, ocpp.v16, sys", "import os, ocpp_transports.compat.v16, sys"),
    (
        "import ocpp.messages\nocpp.messages.ASYNC_VALIDATION = False",
        "import ocpp_transports.compat.messages\nocpp_transports.compat.messages.ASYNC_VALIDATION = False",
    ),
    (
        "import ocpp\nimport ocpp.v16\n\n\nclass Station(ocpp.v16.ChargePoint):\n    x: ocpp.v16.call.Heartbeat\n",
        (
            "import ocpp_transports.compat\nimport ocpp_transports.compat.v16\n\n\n"
            "class Station(ocpp_transports.compat.v16.ChargePoint):\n    x: ocpp_transports.compat.v16.call.Heartbeat\n"
        ),
    ),
    (
        "def f():\n    import ocpp.v16\n    return [ocpp.v16.call for ocpp.v16.x in (lambda: ocpp.v16,)]",
        (
            "def f():\n    import ocpp_transports.compat.v16\n    return [ocpp_transports.compat.v16.call"
            " for ocpp_transports.compat.v16.x in (lambda: ocpp_transports.compat.v16,)]"
        ),
    ),
    (
        "try:\n    from ocpp.v16 import call\nexcept ImportError:\n    call = None",
        "try:\n    from ocpp_transports.compat.v16 import call\nexcept ImportError:\n    call = None",
    ),
    (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ocpp.v16 import ChargePoint",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ocpp_transports.compat.v16 import ChargePoint",
    ),
    (
        "from ocpp.v16.enums import (  # of the package\n    Action,  # one\n    Reason,\n)",
        "from ocpp_transports.compat.v16.enums import (  # of the package\n    Action,  # one\n    Reason,\n)",
    ),
    ('patch("ocpp.messages.validate_payload")', 'patch("ocpp_transports.compat.messages.validate_payload")'),
    ("pytest.importorskip('ocpp')", "pytest.importorskip('ocpp_transports.compat')"),
    ("import_module('ocpp.v16')", "import_module('ocpp_transports.compat.v16')"),
    ("importlib.import_module('ocpp')", "importlib.import_module('ocpp_transports.compat')"),
    ('def f(cp: "ocpp.v16.ChargePoint"): ...', 'def f(cp: "ocpp_transports.compat.v16.ChargePoint"): ...'),
    (
        'é = 1; import ocpp.v16; "ü", ocpp.v16',
        'é = 1; import ocpp_transports.compat.v16; "ü", ocpp_transports.compat.v16',
    ),
    (
        'import ocpp.v16\nf"é\\n {ocpp.v16.call!r:>{1}} {1}"',
        'import ocpp_transports.compat.v16\nf"é\\n {ocpp_transports.compat.v16.call!r:>{1}} {1}"',
    ),
    (
        "import ocpp.v16\nif x:\f\n\tocpp.v16",
        "import ocpp_transports.compat.v16\nif x:\f\n\tocpp_transports.compat.v16",
    ),
]


@pytest.mark.parametrize(("before", "after"), REWRITTEN)
def test_an_import_and_what_depends_on_it_are_rewritten(before, after) -> None:
    assert migrated(before) == after
    assert migrated(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "import ocpp_transports.compat as ocpp\nocpp.v16",
        "from ocpp_transports import compat as ocpp\nocpp.v16",
        "from .ocpp import x\nfrom . import ocpp\nfrom .ocpp.v16 import call",
        "from custom_components.ocpp.v16 import call\nimport custom_components.ocpp",
        "from ocpp_asgi.app import ASGIApp\nimport ocpp_asgi",
        'logging.getLogger("ocpp")\nlogging.getLogger("ocpp.v16")',
        'protocols = ["ocpp1.6", "ocpp2.0.1"]',
        'Plugins.import_module("ocpp", "Converter")',
        '"""Talks of ocpp.v16 in prose."""\nx = "see ocpp.v16 for more"',
        "import ocpp.v20\nfrom ocpp.v20 import call\nocpp.v20.call",
        "from ocpp import v16, v20",
        'x = f"ocpp.v16"',
        'x = b"ocpp.v16"',
        "ocpp = 1\nocpp.v16",
    ],
)
def test_what_is_not_the_package_is_left(text) -> None:
    assert migrated(text) == text


def test_a_name_of_the_program_that_hides_the_package_is_left() -> None:
    before = "import ocpp.v16\n\n\ndef f(ocpp):\n    return ocpp.v16, [ocpp.x for ocpp in y]\n\n\nocpp.v16\n"
    assert migrated(before) == before.replace("import ocpp", "import ocpp_transports.compat").replace(
        "\n\n\nocpp.v16\n", "\n\n\nocpp_transports.compat.v16\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import ocpp", "import ocpp_transports.compat as ocpp"),
        ("import ocpp.v16", "import ocpp_transports.compat.v16, ocpp_transports.compat as ocpp"),
    ],
)
def test_a_name_that_the_program_sets_too_is_kept(before, after) -> None:
    """`if ocpp is None` has to go on working."""
    fallback = "try:\n    {}\nexcept ImportError:\n    ocpp = None\nocpp.v16 if ocpp else None"
    assert migrated(fallback.format(before)) == fallback.format(after)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="every place in an f-string is known")
@pytest.mark.parametrize(
    "f_string",
    ['f"{ocpp.v16} {ocpp.v201}"', 'f"ocpp.v16 {ocpp.v16}"', 'f"""ocpp\n{ocpp.v16}"""', 'f"ocpp" f"é{ocpp.v16}"'],
)
def test_names_stay_if_the_place_of_one_in_an_f_string_is_unknown(f_string) -> None:
    before = f"import ocpp\nocpp.v16\n{f_string}"
    assert migrated(before) == before.replace("import ocpp", "import ocpp_transports.compat as ocpp")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the parser does not know every place in an f-string")
def test_names_in_f_strings_are_rewritten() -> None:
    before = 'import ocpp\nf"""ocpp {1}\n{ocpp.v16} {ocpp.v201}"""'
    assert migrated(before) == before.replace("import ocpp", "import ocpp_transports.compat").replace(
        "{ocpp", "{ocpp_transports.compat"
    )


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="every place in an f-string is known")
def test_a_former_spelling_in_an_f_string_stays_if_its_place_is_unknown() -> None:
    before = 'from ocpp.v16 import call\nf"{call.HeartbeatPayload} {call.HeartbeatPayload}"'
    assert migrated(before, elsewhere=set()) == before.replace("ocpp.v16", "ocpp_transports.compat.v16")


def test_a_name_that_a_function_makes_global_is_kept() -> None:
    before = "def load():\n    global ocpp\n    import ocpp\n\n\nocpp.v16\n"
    assert migrated(before) == before.replace("import ocpp", "import ocpp_transports.compat as ocpp")


def test_a_module_of_the_program_s_own_is_left() -> None:
    own = "from ocpp.routing import on\nimport ocpp.routing\nocpp.routing.on\n"
    assert migrated(own, own=("ocpp", "ocpp.routing")) == own
    assert migrated("from ocpp.v16 import call", own=("ocpp.models",)) == "from ocpp_transports.compat.v16 import call"


MODERNISED = [
    (
        "from ocpp.v16 import call\ncall.BootNotificationPayload('m', 'v')",
        "from ocpp_transports.compat.v16 import call\ncall.BootNotification('m', 'v')",
    ),
    (
        "from ocpp.v16.call import HeartbeatPayload\nx: HeartbeatPayload = HeartbeatPayload()",
        "from ocpp_transports.compat.v16.call import Heartbeat\nx: Heartbeat = Heartbeat()",
    ),
    (
        "from ocpp.v16.call import HeartbeatPayload as Beat\nBeat()",
        "from ocpp_transports.compat.v16.call import Heartbeat as Beat\nBeat()",
    ),
    (
        "from ocpp.v16.call_result import *\nHeartbeatPayload('now')",
        "from ocpp_transports.compat.v16.call_result import *\nHeartbeat('now')",
    ),
    (
        "import ocpp.v16.enums\nocpp.v16.enums.Action.BootNotification",
        "import ocpp_transports.compat.v16.enums\nocpp_transports.compat.v16.enums.Action.boot_notification",
    ),
    (
        "from ocpp.v201.enums import Action\n@on(Action.Get15118EVCertificate)\ndef f(self): ...",
        "from ocpp_transports.compat.v201.enums import Action\n@on(Action.get_15118_ev_certificate)\ndef f(self): ...",
    ),
    (
        "from ocpp.v16.enums import ChargePointStatus as S, Measurand\nS.suspendedevse, Measurand.currentExport.value",
        (
            "from ocpp_transports.compat.v16.enums import ChargePointStatus as S, Measurand\n"
            "S.suspended_evse, Measurand.current_export.value"
        ),
    ),
    (
        "from ocpp.v201 import datatypes, enums\ndatatypes.IdTokenType('x', enums.IdTokenType.central)",
        (
            "from ocpp_transports.compat.v201 import datatypes, enums\n"
            "datatypes.IdTokenType('x', enums.IdTokenEnumType.central)"
        ),
    ),
    (
        "from ocpp.v201.enums import ConnectorStatusType\nConnectorStatusType.available",
        "from ocpp_transports.compat.v201.enums import ConnectorStatusEnumType\nConnectorStatusEnumType.available",
    ),
    (
        "from ocpp.v201.datatypes import ChargingNeedsType\nChargingNeedsType(request_energy_transfer='DC')",
        (
            "from ocpp_transports.compat.v201.datatypes import ChargingNeedsType\n"
            "ChargingNeedsType(requested_energy_transfer='DC')"
        ),
    ),
]


@pytest.mark.parametrize(("before", "after"), MODERNISED)
def test_a_former_spelling_is_replaced_if_asked(before, after) -> None:
    assert migrated(before, elsewhere=set()) == after
    assert migrated(after, elsewhere=set()) == after
    imports_only = migrated(before)
    assert imports_only == before.replace("ocpp.v", "ocpp_transports.compat.v")
    assert migrated(imports_only, elsewhere=set()) == after


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("Heartbeat = 1", set()),
        ("from ocpp_transports.compat.v16.call_result import Heartbeat", set()),
        ("__all__ = ['HeartbeatPayload']", set()),
        ("", {"HeartbeatPayload"}),
    ],
    ids=["bound", "imported", "exported", "imported by another file"],
)
def test_a_former_name_that_has_to_stay_becomes_an_alias(text, elsewhere) -> None:
    before = f"from ocpp.v16.call import HeartbeatPayload\nHeartbeatPayload()\n{text}"
    assert migrated(before, elsewhere=elsewhere) == (
        f"from ocpp_transports.compat.v16.call import Heartbeat as HeartbeatPayload\nHeartbeatPayload()\n{text}"
    )


@pytest.mark.parametrize("line", ["class Heartbeat: ...", "def f(Heartbeat): ..."])
def test_a_former_name_of_a_star_import_stays_if_the_present_one_is_in_use(line) -> None:
    before = f"from ocpp.v16.call import *\nHeartbeatPayload()\n{line}"
    assert migrated(before, elsewhere=set()) == before.replace("ocpp.v16", "ocpp_transports.compat.v16")


def test_former_names_of_the_program_s_own_copy_stay() -> None:
    text = (
        "from ocpp.v16.call import HeartbeatPayload\nfrom ocpp.v16 import call\ncall.HeartbeatPayload, HeartbeatPayload"
    )
    assert migrated(text, own=("ocpp.v16",), elsewhere=set()) == text


def test_names_of_the_program_that_look_alike_keep_their_spelling() -> None:
    text = "class Action:\n    BootNotification = 1\n\n\nAction.BootNotification\nself.call.HeartbeatPayload\n"
    assert migrated("import ocpp\n" + text, elsewhere=set()) == "import ocpp_transports.compat\n" + text

"""The layers of each package (docs/design/architecture.md), and what an import of the packages loads."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "ocpp_core"
TRANSPORTS = ROOT / "ocpp_transports"
APPS = ROOT / "ocpp_apps"

# The layers of each package, the lowest first. A layer is a file or a folder directly below the package. A program with
# folders of its own has a layer for each file and folder in it ("station.model"); the program's name alone is its
# `__init__.py`. A file imports from its own layer and from those before it, never from those after it, neither for its
# types nor within a function.
LAYERS = {
    "ocpp_core": (
        "_version", "_compiled", "_json", "_dataclasses", "websocket", "messages", "versions", "action_names",
        "times", "errors", "typed", "v16", "v201", "v21", "states", "backoff", "limits", "metering", "timers",
        "config", "outbox", "inputs", "client_states", "actions", "_direct", "tolerance", "outbound", "inbound",
        "session", "client", "durable", "server", "identity", "cluster", "handshake", "addresses", "proxies",
        "admission", "refusals", "validation", "link", "stack", "testing", "recording",
    ),
    "ocpp_transports": (
        "handshake", "certificates", "passwords", "plain_http", "_metrics", "_logging", "events", "event_names",
        "_callbacks", "_driver", "recording", "outbox", "_handlers", "_options", "_tls", "_hosts", "_runtime",
        "_calls", "cluster", "_peer", "_server", "_fleet", "fleet", "observability", "router", "_browser",
        "client", "browser", "channel", "server", "cluster._workers", "cluster.__main__", "asgi", "wslib",
        "memory", "laboratory", "blocking", "compat",
    ),
    "ocpp_apps": (
        "command_line", "origins", "csms", "station.client", "station.clock", "station.model", "station.asyncio_clock",
        "station.anyio_clock", "station.schema_help", "station.messages", "station.faults", "station.operation",
        "station.v16", "station.v2", "station.station", "station", "station.attempts", "station.fleet",
        "station.__main__", "demo", "__main__",
    ),
}  # fmt: skip

LAZY_FACADES = {"ocpp_core.tolerance", "ocpp_core.v16", "ocpp_core.v201", "ocpp_core.v21", "ocpp_transports.cluster"}
"""Besides those of the packages: they load what they name when it is first used, also from layers above."""
NEEDS_A_DEPENDENCY = {"validation", "link", "stack", "testing", "recording"}  # directly or through another one
IMPURE = {
    "anyio", "asyncio", "concurrent", "logging", "multiprocessing", "ocpp_apps", "ocpp_transports", "secrets", "select",
    "selectors", "signal", "sniffio", "socket", "ssl", "subprocess", "threading", "time", "trio", "uuid",
}  # fmt: skip
CLOCKS_AND_ENTROPY = {"now", "today", "utcnow", "urandom", "getrandom"}


def sources(*packages: Path) -> list[Path]:
    return sorted(path for package in packages for path in package.rglob("*.py"))


def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by the names of their modules, without its own `__init__.py`."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources(ROOT / package)}
    return {name.removesuffix(".__init__"): path for name, path in names.items() if name != f"{package}.__init__"}


def layer_of(module: str) -> str:
    """Return the layer of a module, or of a name imported from one."""
    package, folder, *inside = module.split(".")
    own = f"{folder}.{inside[0]}" if inside else folder
    return own if own in LAYERS[package] else folder


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Every (line, absolute module name) that a file imports, at any depth."""
    package = [path.relative_to(ROOT).parts[0], *path.relative_to(ROOT).parts[1:-1]]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            yield from ((node.lineno, ".".join([*module, alias.name])) for alias in node.names)


def naming(names: set[str], *packages: Path) -> list[str]:
    """Where a file imports one of these top-level modules."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources(*packages)
        for line, name in imported(path)
        if name.split(".")[0] in names
    ]


def type_only(path: Path) -> set[int]:
    """The lines below `if TYPE_CHECKING:`, which do not run."""
    blocks = (
        node
        for node in ast.walk(parse(path))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
    )
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def loaded_by(statement: str) -> set[str]:
    """What a bare interpreter has loaded after a statement; `-S` leaves out every installed package."""
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


class TestTheFacadesAreLazy:
    def test_the_engine_loads_no_event_loop_no_network_and_no_dependency(self) -> None:
        unwanted = {
            "asyncio", "anyio", "trio", "socket", "ssl", "threading", "logging", "h11", "wsproto", "fastjsonschema",
        }  # fmt: skip
        assert loaded_by("import ocpp_core").isdisjoint(unwanted)

    def test_the_transports_load_none_either(self) -> None:
        unwanted = {"asyncio", "anyio", "trio", "socket", "ssl", "h11", "wsproto", "fastjsonschema"}
        assert loaded_by("import ocpp_transports").isdisjoint(unwanted)

    def test_no_version_s_messages_are_loaded_before_they_are_used(self) -> None:
        versions = {f"ocpp_core.{name}{inside}" for name in ("v16", "v201", "v21") for inside in ("", ".models")}
        assert loaded_by("import ocpp_core, ocpp_transports").isdisjoint(versions)
        assert loaded_by("from ocpp_core import v201") & versions == {"ocpp_core.v201"}
        assert loaded_by("from ocpp_core import v16; v16.models") & versions == {
            "ocpp_core.v16",
            "ocpp_core.v16.models",
        }

    def test_a_message_only_host_needs_the_standard_library_alone(self) -> None:
        pure = [name for name in LAYERS["ocpp_core"] if name not in NEEDS_A_DEPENDENCY]
        statement = "import " + ", ".join(f"ocpp_core.{name}" for name in pure)
        assert loaded_by(statement).isdisjoint({"asyncio", "socket", "ssl", "threading", "logging"})


USES = "from ocpp_transports import OCPPClient, OCPPServer"
OWN_DATACLASSES: Final = ("ocpp_core/_dataclasses/", "ocpp_transports/compat/")
"""Where the decorator of the standard library is used: by ours, and by modules with the names of another package."""


def reported(script: str) -> list[str]:
    """Return the words that a script prints in a fresh interpreter with the installed packages."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class TestAProgramLoadsLittle:
    """The time of an import depends on the machine; what it does, which is counted here, does not."""

    def test_a_client_and_a_server_load_no_event_loop_no_http_and_no_schema(self) -> None:
        loaded = set(reported(f"{USES}\nprint(*sys.modules)"))
        unwanted = {
            "asyncio", "trio", "uvloop", "anyio.abc", "anyio.lowlevel", "anyio.to_thread", "h11", "http", "wsproto",
            "fastjsonschema", "jsonschema_rs", "sqlite3", "importlib.metadata", "ocpp_core.validation",
            "ocpp_core.durable", "ocpp_transports.outbox", "ocpp_transports._metrics",
            "ocpp_transports._options._keywords", "ocpp_transports._runtime._asyncio", "ocpp_transports.recording",
        }  # fmt: skip
        assert loaded & unwanted == set()
        assert sum(name.startswith("ocpp_") for name in loaded) <= 275
        assert loaded > {"ocpp_core.stack", "ocpp_transports.client", "ocpp_transports.server"}

    def test_few_constructors_are_compiled_before_an_object_is_made(self) -> None:
        script = f"""
from types import FunctionType
{USES}
made = [value for name, module in list(sys.modules.items()) if name.startswith("ocpp_") for value in
        vars(module).values() if isinstance(value, type) and "__dataclass_fields__" in vars(value)]
constructors = [(each.__name__, vars(each).get("__init__")) for each in set(made)]
print(len(set(made)), *(name for name, it in constructors
                        if isinstance(it, FunctionType) and it.__code__.co_filename == "<string>"))
"""
        known, *compiled = reported(script)
        assert int(known) > 100
        assert len(compiled) <= 20, sorted(compiled)

    def test_no_class_uses_the_decorator_that_compiles_every_method_at_import(self) -> None:
        uses = [f"{path.relative_to(ROOT)} imports {name}" for path in sources(CORE, TRANSPORTS)
                for _, name in imported(path) if name == "dataclasses.dataclass"]  # fmt: skip
        assert [use for use in uses if not use.startswith(OWN_DATACLASSES)] == []


BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"anyio", "h11", "sniffio", "ssl", "trio", "wsproto"}:
            raise ImportError(f"there is no {name} in a browser")

sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Make the browser's client where a page's blocked modules are missing; what that loads."""
    options = "protocols=['ocpp1.6', 'ocpp2.0.1'], password='secret', offline_queue=True"
    client = f"BrowserOCPPClient('CP1', 'ws://csms.example', {options})"
    return loaded_by(f"exec({BLOCK!r}); from ocpp_transports.browser import BrowserOCPPClient; {client}")


class TestAPageLoadsWhatItHas:
    """Pyodide has no threads and no TLS, and its wheel comes without anyio, h11 and wsproto."""

    def test_the_browser_s_client_can_be_made_without_them(self, loaded: set[str]) -> None:
        assert "ocpp_transports.browser" in loaded

    def test_it_loads_no_schema_before_strict_mode(self, loaded: set[str]) -> None:
        assert loaded.isdisjoint({"fastjsonschema", "ocpp_core.validation"})

    def test_its_offline_queue_needs_no_database_and_without_one_no_outbox_is_loaded(self, loaded: set[str]) -> None:
        assert "ocpp_transports.outbox" in loaded
        assert loaded.isdisjoint({"sqlite3", "ocpp_transports.outbox._sqlite"})
        make = "from ocpp_transports.browser import BrowserOCPPClient; BrowserOCPPClient('CP1', 'ws://csms.example')"
        outbox = {name for name in loaded_by(f"exec({BLOCK!r}); {make}") if "outbox" in name or "durable" in name}
        assert outbox == {"ocpp_core.outbox", "ocpp_core.outbox.settings"}

    def test_none_of_its_modules_starts_threads_or_opens_sockets(self, loaded: set[str]) -> None:
        ours = {name for name in loaded if name.split(".")[0] in {"ocpp_core", "ocpp_transports"}}
        offences = [
            f"{path.relative_to(ROOT)}:{line} imports {name}"
            for path in sources(CORE, TRANSPORTS)
            if ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") in ours
            for line, name in imported(path)
            if name.split(".")[0] in {"concurrent", "multiprocessing", "socket", "ssl", "subprocess", "threading"}
            and line not in type_only(path)
        ]
        assert len(ours) > 20
        assert offences == []


class TestTheEngineIsPure:
    def test_it_imports_no_event_loop_socket_thread_clock_or_logger(self) -> None:
        assert naming(IMPURE, CORE) == []

    def test_it_reads_no_clock_and_no_entropy(self) -> None:
        """A `Random` comes in from outside; the laboratory makes its own, from a seed."""
        offences = [
            f"{path.relative_to(ROOT)}:{node.lineno} calls {ast.unparse(node.func)}"
            for path in sources(CORE)
            for node in ast.walk(parse(path))
            if isinstance(node, ast.Call) and is_impure(node)
        ]
        assert offences == []

    def test_of_random_it_knows_the_class_alone(self) -> None:
        offences = naming({"random"}, CORE)
        assert [line for line in offences if not line.endswith("imports random.Random")] == []


def is_impure(call: ast.Call) -> bool:
    """Reads the wall clock, the system's entropy, or makes a `Random` that seeds itself from either."""
    match call.func:
        case ast.Attribute(attr=name):
            return name in CLOCKS_AND_ENTROPY
        case ast.Name("Random"):
            return not call.args
        case _:
            return False


def upward(package: str, name: str) -> list[str]:
    """Return the imports of a layer's files from the layers above it."""
    above = set(LAYERS[package][LAYERS[package].index(name) + 1 :])
    return [
        f"{path.relative_to(ROOT)}:{line} imports {imports}"
        for module, path in modules(package).items()
        if layer_of(module) == name
        for line, imports in loaded_from(module, path)
        if imports.startswith(f"{package}.") and layer_of(imports) in above
    ]


def who_imports_whom() -> dict[str, set[str]]:
    """The modules that each module imports, of all three packages and at any depth."""
    files = {name: path for package in LAYERS for name, path in modules(package).items()}
    return {
        name: {imports if imports in files else imports.rpartition(".")[0] for _, imports in loaded_from(name, path)}
        & {*files}
        for name, path in files.items()
    }


def loaded_from(name: str, path: Path) -> Iterator[tuple[int, str]]:
    """Every (line, module) that a file imports, without those that a lazy facade names for type checkers."""
    unloaded = type_only(path) if name in LAZY_FACADES else set()
    return ((line, imports) for line, imports in imported(path) if line not in unloaded)


class TestALayerKnowsOnlyThoseBelow:
    @pytest.mark.parametrize("package", LAYERS)
    def test_every_file_has_a_layer_and_every_layer_a_file(self, package: str) -> None:
        assert {layer_of(module) for module in modules(package)} == set(LAYERS[package])

    @pytest.mark.parametrize(("package", "name"), [(package, name) for package in LAYERS for name in LAYERS[package]])
    def test_nothing_is_imported_from_a_layer_above(self, package: str, name: str) -> None:
        assert upward(package, name) == []

    def test_no_files_import_each_other(self) -> None:
        TopologicalSorter(who_imports_whom()).prepare()  # raises CycleError, which names the circle

    def test_only_the_link_names_the_websocket_libraries(self) -> None:
        offences = naming({"h11", "wsproto"}, CORE, TRANSPORTS, APPS)
        assert [line for line in offences if not line.startswith("ocpp_core/link/")] == []

    def test_only_wslib_imports_websockets(self) -> None:
        """The engine loads the C part alone, as a file: an import would run the package (`websocket/masking.py`)."""
        offences = naming({"websockets"}, CORE, TRANSPORTS, APPS)
        own = ("ocpp_transports/wslib.py", "ocpp_transports/_hosts/_websockets_channel.py")
        assert [line for line in offences if not line.startswith(own)] == []

    def test_only_validation_names_the_schema_compiler(self) -> None:
        offences = naming({"fastjsonschema"}, CORE, TRANSPORTS, APPS)
        assert [line for line in offences if not line.startswith("ocpp_core/validation/")] == []

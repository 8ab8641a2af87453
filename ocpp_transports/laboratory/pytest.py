"""The pytest plugin: a world for each test that asks for one.

Switch it on in `conftest.py`:

    pytest_plugins = ["ocpp_transports.laboratory.pytest"]

    async def test_reset(ocpp_lab):
        await ocpp_lab.server(make_server())
        station = await ocpp_lab.station("CP1", "ocpp1.6")

An `async def` test that asks for `ocpp_lab` runs on the loop of its world, as do its async fixtures. It needs no other
plugin, and works beside pytest-asyncio, that of anyio, and pytest-xdist. Do not import the names of this module into a
test file: the hooks among them would become hooks of that file.
"""

from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from ._pytest._seeds import SEED, add_options, command_of, generate_seeds, seed_of

if TYPE_CHECKING:
    from ocpp_transports._server._stations._connection import OCPPServerClient

    from ._pytest._background import BackgroundErrors
    from ._pytest._recordings import FailureRecordings
    from ._world._station import ScriptedStation
    from ._world._world import World

__all__ = ["call_handler", "ocpp_lab", "ocpp_pair", "ocpp_seed"]

MakePair: TypeAlias = "Callable[..., Awaitable[tuple[ScriptedStation, OCPPServerClient]]]"
"""Makes a connected station and the server's handle on it; see `World.pair`."""

_MARKER: Final = (
    'ocpp_lab(level="bytes", end=604800, **options): options of the World of this test, except its seed; end is the '
    "virtual time in seconds at which it fails"
)


class _Play:
    """The world of one test, what its background tasks raised, and what is recorded for the report of a failure."""

    def __init__(self, world: "World", errors: "BackgroundErrors", recordings: "FailureRecordings") -> None:
        self.world = world
        self.errors = errors
        self.recordings = recordings


_PLAY: Final = pytest.StashKey[_Play]()


# Fixtures


@pytest.fixture
def ocpp_seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of this test."""
    return seed_of(request)


@pytest.fixture
def ocpp_lab(request: pytest.FixtureRequest, ocpp_seed: int) -> "Iterator[World]":
    """Yield the world of this test, a `World`; its servers and stations are closed in the end."""
    from ._pytest._background import BackgroundErrors
    from ._pytest._recordings import FailureRecordings
    from ._time._run import WEEK
    from ._world._world import World

    marker = request.node.get_closest_marker("ocpp_lab")
    recordings = FailureRecordings(request)
    options: dict[str, Any] = {"end": WEEK, "record": recordings.keep, **({} if marker is None else marker.kwargs)}
    with World(ocpp_seed, **options) as world:
        play = request.node.stash[_PLAY] = _Play(world, BackgroundErrors(world), recordings)
        yield world
    play.errors.note_kept_tasks()
    play.errors.expect_none()


@pytest.fixture
def ocpp_pair(ocpp_lab: "World") -> MakePair:
    """Return the function that connects a station to a server of its own: `World.pair`."""
    return ocpp_lab.pair


@pytest.fixture
def call_handler(ocpp_lab: "World") -> Callable[..., Awaitable[Any]]:  # noqa: ARG001 - a world runs the test
    """Return `ocpp_transports.laboratory.call_handler`, for a test in virtual time."""
    from ocpp_transports.laboratory import call_handler

    return call_handler


# Hooks


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of seeds and of recordings."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests under several seeds."""
    generate_seeds(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse async fixtures that cannot run on the loop of a world."""
    if isinstance(item, pytest.Function) and SEED in item.fixturenames:
        from ._pytest._playing import expect_fixtures

        expect_fixtures(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Run the async fixtures of a test with a world on its loop."""
    if SEED not in request.fixturenames:
        return (yield)
    from ._pytest._playing import LAB, expect_scope, is_async, playing_fixture  # loaded only when used

    function = fixturedef.func
    if not is_async(function):
        return (yield)
    expect_scope(fixturedef.argname, fixturedef.scope)
    world = request.getfixturevalue(LAB)
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(fixturedef, "func", playing_fixture(function, world, request.instance))
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a coroutine function on the loop of its world, and fail if a background task raised."""
    __tracebackhide__ = True
    play = pyfuncitem.stash.get(_PLAY, None)
    if play is None:
        return (yield)
    from ._pytest._playing import coroutine_function_of, expect_asyncio  # loaded only when used

    expect_asyncio(pyfuncitem)
    function = coroutine_function_of(pyfuncitem)
    with pytest.MonkeyPatch.context() as patches:
        if function is not None:
            patches.setattr(pyfuncitem, "obj", lambda **arguments: play.world.play(function(**arguments)))
        try:
            result = yield
        except BaseException:
            play.errors.note_reported()
            raise
    play.errors.expect_none()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say in the report of a failure how to repeat it."""
    report = yield
    play = item.stash.get(_PLAY, None)
    if play is not None and report.failed:
        report.sections.append(("ocpp_lab", _section(play, item.nodeid)))
    if play is not None and report.when == "teardown":
        del item.stash[_PLAY]  # a session keeps its items until its end
    return report


def _section(play: _Play, nodeid: str) -> str:
    world, counts = play.world, play.world.network.counts
    lines = [
        f"seed {world.seed}, virtual time {world.time:.15g} s",
        f"network: {counts.connections} connections, {counts.refused} attempts refused, {counts.faults} faults",
        *(f"a background task raised {error!r}" for error in play.errors.seen),
        *play.recordings.written(world),
        f"repeat it: {command_of(nodeid, world.seed)}",
    ]
    return "\n".join(lines)

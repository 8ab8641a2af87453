"""Programs for the package `ocpp` have the same outcome on `ocpp_transports.compat`."""

import asyncio

import pytest

from ocpp_transports.compat.migrate.__main__ import main as migrate
from tests.interop.compat.packages import FORMER, OURS, PACKAGES
from tests.interop.compat.peer import Peer, normalised

pytestmark = pytest.mark.anyio

FEATURES = (
    "handlers",
    "refusals",
    "errors",
    "calls",
    "many_calls",
    "nested",
    "frames_by_hand",
    "log",
    "end_of_start",
    "route_map",
)
HABITS = ("integration", "gateway", "test_kit", "consumer", "worker", "broker", "own_parts")


@pytest.fixture
def outcomes(programs):
    """Run a function of a program on packages: what passed on the wire, and what the program saw."""

    async def run(program, function, *args, packages=PACKAGES):
        results = []
        for package in packages:
            peer = Peer()
            async with asyncio.timeout(10):
                seen = await getattr(programs(program, package), function)(peer, *args)
            results.append(normalised([peer.frames, seen]))
        return results

    return run


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("feature", FEATURES)
async def test_a_documented_feature(outcomes, feature, version):
    theirs, ours = await outcomes("features", feature, version)
    assert ours == theirs


@pytest.mark.parametrize("habit", HABITS)
async def test_a_habit_of_real_programs(outcomes, habit):
    theirs, ours, former = await outcomes("habits", habit, packages=[*PACKAGES, FORMER])
    assert ours == theirs
    assert former == theirs


@pytest.mark.parametrize("program", ["habits.py", "hosts.py", "differences.py"])
def test_the_names_of_former_releases_can_be_replaced(folders, program, tmp_path):
    (tmp_path / program).write_bytes((folders[FORMER] / program).read_bytes())
    assert (tmp_path / program).read_bytes() != (folders[OURS] / program).read_bytes()
    assert migrate([str(tmp_path), "--write", "--modernise"]) == 0
    assert (tmp_path / program).read_bytes() == (folders[OURS] / program).read_bytes()


@pytest.mark.parametrize(
    "part", ["functions_on_an_instance", "mocked_steps", "mocked_connection", "validators", "construction"]
)
async def test_a_program_that_tests_itself(outcomes, part):
    theirs, ours = await outcomes("mocked", part)
    assert ours == theirs


@pytest.mark.parametrize("host", ["websockets_on_both_sides", "starlette_application"])
async def test_a_library_of_websockets(outcomes, host):
    theirs, ours = await outcomes("hosts", host)
    assert ours == theirs

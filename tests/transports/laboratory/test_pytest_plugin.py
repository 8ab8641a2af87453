"""The pytest plugin, as the suite of an application uses it; each run is a pytest of its own in this process."""

import shlex

import pytest

from ocpp_core.inbound.requests import Requests

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "ocpp_transports.laboratory.pytest", "-p", "no:cacheprovider")


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a test file with the plugin and these arguments."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(source, *arguments):
        pytester.makepyfile(test_app=source)
        return pytester.runpytest_inprocess(*PLUGIN, *arguments)

    return run


def test_runs_coroutines_and_async_fixtures_on_the_loop_of_the_world(run):
    result = run(
        """
        import asyncio
        import pytest

        @pytest.fixture
        async def station(ocpp_pair):
            station, at_server = await ocpp_pair("ocpp1.6")
            at_server.handle("Heartbeat", lambda ctx: asyncio.sleep(3, {"currentTime": "2026-01-01T00:00:00Z"}))
            yield station
            await station.client.close()

        async def test_a_fixture_that_yields(station, ocpp_lab):
            assert asyncio.get_running_loop() is ocpp_lab.loop
            await station.call("Heartbeat")
            assert ocpp_lab.time > 3

        class TestAMethod:
            @pytest.fixture
            async def myself(self):
                return self

            async def test_gets_its_fixtures(self, myself, ocpp_lab):
                assert myself is self

        def test_a_plain_function(ocpp_lab):
            assert ocpp_lab.play(asyncio.sleep(3600, "slept")) == "slept"

        async def test_a_handler(call_handler):
            from ocpp_transports import OCPPServer

            server = OCPPServer(protocols=["ocpp1.6"])
            server.handle("Heartbeat", lambda ctx: {"currentTime": ctx.client.identity})
            assert await call_handler(server, "Heartbeat", identity="CP7") == {"currentTime": "CP7"}

        @pytest.mark.ocpp_lab(level="messages", end=100)
        def test_a_marker(ocpp_lab):
            assert ocpp_lab.loop.end == 100

        def test_another_test(request):
            assert "ocpp_lab" not in request.fixturenames
        """,
        "--strict-markers",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=6)


def test_says_how_to_repeat_a_failure(run):
    source = """
        import asyncio
        import pytest

        async def boom():
            raise KeyError("boom")

        async def test_background(ocpp_lab):
            asyncio.create_task(boom())
            await asyncio.sleep(1)

        async def test_kept(ocpp_lab, kept=[]):
            kept.append(asyncio.create_task(boom()))
            await asyncio.sleep(1)

        @pytest.mark.parametrize("limit", [-1])
        def test_luck(ocpp_lab, limit):
            ocpp_lab.play(asyncio.sleep(12.5))
            assert ocpp_lab.random.random() < limit

        @pytest.fixture
        async def task(ocpp_lab):
            yield
            asyncio.create_task(boom())
            await asyncio.sleep(1)

        async def test_end(task):
            pass

        @pytest.fixture(scope="module")
        async def database():
            return 1

        async def test_wide(database, ocpp_lab):
            pass
        """
    result = run(source)
    result.assert_outcomes(passed=2, failed=2, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*BackgroundTaskError: a background task raised KeyError('boom')",
            "cannot use the async fixture 'database' of scope 'module' with ocpp_lab:*",
            "seed *, virtual time 12.5 s",
            "network: 0 connections, 0 attempts refused, 0 faults",
        ]
    )
    repeat = next(line for line in result.outlines if "test_luck" in line and line.startswith("repeat it: pytest "))
    again = run(source, *shlex.split(repeat.removeprefix("repeat it: pytest ")))
    assert repeat in again.outlines


def test_runs_a_test_under_several_seeds(run):
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("answer", [42])
        def test_luck(ocpp_lab, answer):
            assert ocpp_lab.seed < 9, ocpp_lab.random.random()
        """,
        "--ocpp-seed=7",
        "--ocpp-seeds=4",
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines_random(["repeat it: pytest 'test_app.py::test_luck?42?' --ocpp-seed=10"])


def test_leaves_the_trio_of_anyio_alone(run):
    result = run(
        """
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.fixture
        async def loop():
            import asyncio
            yield asyncio.get_running_loop()

        async def test_loop(ocpp_lab, loop):
            assert ocpp_lab.loop is loop
        """,
        "-p",
        "anyio",
    )
    result.assert_outcomes(passed=1, skipped=1)


def test_writes_the_recordings_of_a_failure_which_replay_to_it(run, tmp_path, monkeypatch):
    def fault(*_):
        raise LookupError("planted")

    monkeypatch.setattr(Requests, "on_call", fault)
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("level", [pytest.param(each, marks=pytest.mark.ocpp_lab(level=each))
                                           for each in ("bytes", "messages")])
        async def test_a_fault(ocpp_pair, level):
            station, _ = await ocpp_pair("ocpp1.6")
            await station.call("Heartbeat")

        async def test_no_fault(ocpp_pair):
            await ocpp_pair("ocpp1.6")

        @pytest.fixture
        async def late(ocpp_lab, ocpp_pair):
            yield
            station, _ = await ocpp_pair("ocpp1.6", "late")
            await station.call("Heartbeat")

        async def test_both(late, ocpp_pair):
            await ocpp_pair("ocpp1.6")
            raise AssertionError
        """,
        f"--ocpp-recordings={tmp_path / 'kept'}",
    )
    result.assert_outcomes(passed=1, failed=3, errors=1)
    result.stdout.fnmatch_lines(["recordings: 2 in *test_app.py-test_a_fault-bytes"])
    commands = [line for line in result.outlines if line.startswith("an engine raised LookupError, replay it: python ")]
    assert len(commands) == 2
    for command in commands:
        code = shlex.split(command)[-1]
        with pytest.raises(LookupError, match="planted"):
            exec(code)
    assert {each.name: len([*each.iterdir()]) for each in (tmp_path / "kept").iterdir()} == {
        "test_app.py-test_a_fault-bytes": 2,
        "test_app.py-test_a_fault-messages": 2,
        "test_app.py-test_both": 2,
    }

"""The harness itself: the page reaches the other end, and whatever goes wrong in it is seen."""

import asyncio

import js
from lab import OtherEndError, expects_console, fails_with, limited_to, raises
from pyodide.ffi import create_once_callable, create_proxy


class TestThePage:
    async def test_it_runs_the_wheel_of_this_tree(self, lab):
        import fastjsonschema

        import ocpp_core
        import ocpp_transports

        for package in (ocpp_core, ocpp_transports, fastjsonschema):
            assert "/site-packages/" in str(package.__file__), package.__file__

    async def test_it_speaks_with_a_central_system_of_ours(self, lab):
        identity, loop = lab.identity(), asyncio.get_running_loop()
        answered = loop.create_future()
        socket = js.WebSocket.new(f"{lab.csms}/{identity}", "ocpp1.6")
        on_open = create_once_callable(lambda _: socket.send('[2,"1","Heartbeat",{}]'))
        on_message = create_once_callable(lambda event: answered.set_result(event.data))
        socket.addEventListener("open", on_open)
        socket.addEventListener("message", on_message)
        assert (await answered).startswith('[3,"1",{"currentTime":')
        socket.close(1000, "enough")
        assert await lab.ask("central.end", identity) == [1000, "enough"]
        assert await lab.ask("central.calls", identity) == [["Heartbeat", {}]]

    async def test_a_command_that_fails_is_told(self, lab):
        with raises(OtherEndError, match="KeyError: 'central.nothing'"):
            await lab.ask("central.nothing")


class TestWhatGoesWrongIsSeen:
    @fails_with(r"assert answer == 3(?s:.*)answer = 2")
    async def test_an_assertion_with_the_values_around_it(self, lab):
        answer = 1 + 1
        assert answer == 3

    @fails_with("AssertionError: expected ValueError")
    async def test_an_exception_that_does_not_come(self, lab):
        with raises(ValueError):
            pass

    @fails_with("AssertionError: expected ValueError to match 'but not it'")
    async def test_another_message_than_expected(self, lab):
        with raises(ValueError, match="but not it"):
            raise ValueError("this one")

    @fails_with("TimeoutError")
    @limited_to(0.1)
    async def test_a_case_that_waits_too_long(self, lab):
        await asyncio.get_running_loop().create_future()

    @fails_with("error event: (?s:.*)ZeroDivisionError")
    async def test_an_exception_in_a_listener(self, lab):
        listener = create_proxy(lambda: 1 / 0)
        js.setTimeout(listener, 0)
        await asyncio.sleep(0.05)
        listener.destroy()

    @fails_with("ZeroDivisionError")
    async def test_an_exception_in_a_task_that_nobody_waits_for(self, lab):
        async def fail():
            return 1 / 0

        asyncio.ensure_future(fail())  # noqa: RUF006 - nobody keeps it
        await asyncio.sleep(0.05)

    @fails_with("never retrieved(?s:.*)nobody looked")
    async def test_a_rejection(self, lab):
        js.Promise.reject(js.Error.new("nobody looked"))
        await asyncio.sleep(0.05)

    @fails_with("console.error: something")
    async def test_an_error_in_the_console(self, lab):
        js.console.error("something")

    @expects_console("console.error: something", "^something")
    async def test_but_not_what_a_case_declares(self, lab):
        js.console.error("something")

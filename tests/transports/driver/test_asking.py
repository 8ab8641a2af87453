"""Commands that a task awaits the outcome of, on a host with a manual clock."""

import pytest

from ocpp_core.actions import Settle
from ocpp_core.errors import ClosedError
from ocpp_core.inputs import CancelCall, Reply, StartCall, Tick
from tests.transports.driver.asking import ask
from tests.transports.fake_host import Cancelled, drive


class TestAsking:
    def test_returns_what_the_token_settles_with(self):
        driver = drive(on={StartCall: lambda call: [Settle(call.token, {"status": "Accepted"})]})
        assert ask(driver).result == {"status": "Accepted"}

    def test_raises_the_error_it_settles_with(self):
        error = ClosedError("no")
        driver = drive(on={StartCall: lambda call: [Settle(call.token, None, error)]})
        assert ask(driver).error is error

    def test_waits_until_then(self):
        driver = drive()
        task = ask(driver)
        assert not task.is_over
        token = driver.engine.events[0].token
        driver.engine.actions.append(Settle(token, "late"))
        driver.feed(Tick())
        driver.runtime.run()
        assert task.result == "late"

    def test_uses_a_new_token_each_time(self):
        driver = drive()
        ask(driver)
        ask(driver)
        assert len({event.token for event in driver.engine.events}) == 2

    def test_gives_up_what_its_caller_cancels(self):
        driver = drive()
        task = ask(driver)
        task.cancel()
        driver.runtime.run()
        assert isinstance(task.error, Cancelled)
        assert driver.engine.cancelled == [driver.engine.events[0].token]

    def test_does_not_give_up_what_was_settled_before_the_cancellation_came(self):
        driver = drive()
        task = ask(driver)
        driver.engine.actions.append(Settle(driver.engine.events[0].token, "done"))
        driver.feed(Tick())
        task.cancel()
        driver.runtime.run()
        assert driver.engine.cancelled == []

    def test_a_settlement_of_what_was_given_up_is_ignored(self):
        driver = drive(on={CancelCall: lambda event: [Settle(event.token, None, ClosedError("given up"))]})
        ask(driver).cancel()
        driver.runtime.run()
        driver.engine.actions.append(Settle(999))
        driver.feed(Tick())
        assert driver.engine.poll() is None

    def test_misuse_is_raised_and_nothing_is_given_up(self):
        def refuse(_):
            raise ValueError("expected something else")

        driver = drive(on={StartCall: refuse})
        assert isinstance(ask(driver).error, ValueError)
        assert driver.engine.cancelled == []
        driver.stop()

    def test_misuse_in_feed_is_raised_too(self):
        driver = drive(on={Reply: lambda _: 1 / 0})
        with pytest.raises(ZeroDivisionError):
            driver.feed(Reply(1, {}))

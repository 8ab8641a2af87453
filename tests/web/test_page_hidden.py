"""A page whose tab is really hidden: another one lies in front, and the browser lets its timers ring once a second."""

import time
from collections.abc import Iterator

import pytest

from tests.web.bench import Bench, User

pytestmark = pytest.mark.timeout(180)

SLOW = 15.0
"""Seconds that nothing here may take, although a timer may be a second late, and one after the other."""


@pytest.fixture
def hidden(user: User, bench: Bench) -> Iterator[User]:
    """A person whose station is connected, and who looks at something else."""
    user.connect()
    with bench.browser.tab() as other:
        other.send("Page.bringToFront")
        user.tab.wait("document.visibilityState === 'hidden'")
        yield user
    user.tab.send("Page.bringToFront")
    user.tab.wait("document.visibilityState === 'visible'")


def milliseconds_of_a_short_timer(user: User) -> float:
    start = "const start = performance.now()"
    wait = "new Promise(ring => setTimeout(() => ring(performance.now() - start), 100))"
    taken: float = user.tab.look(f"(async () => {{ {start}; return await {wait} }})()")
    return taken


class TestAHiddenTab:
    def test_answers_commands_at_once(self, hidden: User, bench: Bench) -> None:
        milliseconds_of_a_short_timer(hidden)  # the throttle begins with the first one
        assert milliseconds_of_a_short_timer(hidden) > 300
        began = time.monotonic()
        for _ in range(10):
            assert "Accepted" in bench.command(f"call {hidden.identity} ClearCache {{}}")
        assert time.monotonic() - began < 5  # a turn of the throttle each would be ten

    def test_goes_on_charging(self, hidden: User, bench: Bench) -> None:
        hidden.tab.click("#plug-1")
        hidden.sees("#plug-1", "Unplug", SLOW)
        assert "Accepted" in bench.command(f"start {hidden.identity}")
        hidden.sees("#charge-1", "Stop", SLOW)
        energy = "[data-connector='1'] [data-part=energy]"
        hidden.tab.until(lambda: float(hidden.text(energy)) > 0, "the meter runs", SLOW)

    def test_comes_back_after_a_loss(self, hidden: User, bench: Bench) -> None:
        bench.drop(hidden.identity)
        hidden.sees("#link", "Reconnecting", SLOW)
        hidden.sees("#link", "Connected", SLOW)
        assert "Accepted" in bench.command(f"call {hidden.identity} ClearCache {{}}")

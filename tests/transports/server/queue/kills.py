"""Kill a server with SIGKILL at random moments, and look for commands that were lost, repeated or sent in error.

`make outbox-kills KILLS=200` runs it longer than the tests do.
"""

import sys
from collections import Counter
from typing import Any

from tests.transports.outbox.kills import Peer, main

from .killed_server import is_repeated, station_of


class Fleet(Peer):
    """What the server says, and what its stations have received, over all its processes."""

    program = "tests.transports.server.queue.killed_server"
    killed_after = 0.0, 0.8

    def _hear(self, words: list[Any], answer: int) -> None:
        match words:
            case ["received", number]:
                self._received(number)
            case _:
                super()._hear(words, answer)

    def _received(self, number: int) -> None:
        settled = self.settled.get(number, "MessageAnswered")
        if not settled.startswith("MessageAnswered"):
            self.problems.append(f"{number} was received after it was settled as {settled}")
        later = [each for each in self.sent if each > number and station_of(each) == station_of(number)]
        if later:
            self.problems.append(f"{number} was received after {later}")
        self.sent.append(number)

    def finish(self) -> None:
        """Look for commands without an outcome, or with another one than their stations saw."""
        super().finish()
        received = Counter(self.sent)
        for number, outcome in self.settled.items():
            times = received[number]
            if outcome.startswith("MessageAnswered") and not times:
                self.problems.append(f"{number} was not received, and is settled as answered")
            if outcome.startswith(("MessageNotSent", "MessageDropped")) and times:
                self.problems.append(f"{number} was received, and is settled as {outcome}")
            if times > 1 and not is_repeated(number):
                self.problems.append(f"{number} was received {times} times")

    def _expect_all_sent(self) -> None:
        """Expect nothing: commands may be cancelled, and some are in doubt after a kill."""


if __name__ == "__main__":
    sys.exit(main(Fleet))

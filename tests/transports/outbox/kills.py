"""Kill a station with SIGKILL at random moments, and look for messages that were lost, reordered or sent in error.

The station is a process with an outbox and a SQLite store; this process is its peer, at the other end of two pipes.
`make outbox-kills KILLS=200` runs it longer than the tests do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from random import Random
from time import sleep
from typing import Any, Final, TypeVar

ROOT = Path(__file__).parents[3]
MESSAGES: Final = 300
"""Messages of a process, more than it can send before it is killed."""


class Peer:
    """What the station says and what it was sent, over all its processes."""

    program = "tests.transports.outbox.killed_station"
    killed_after = 0.0, 0.3
    """Seconds from the time at which a process says that it is ready."""

    def __init__(self, path: Path, random: Random) -> None:
        self.kills = 0
        self.accepted: set[int] = set()
        self.settled: dict[int, str] = {}
        self.sent: list[int] = []
        self.ids: dict[int, list[int]] = defaultdict(list)
        self.problems: list[str] = []
        self.transactions = 0
        self._path = path
        self._random = random
        self._next = 1

    def run(self, *, kill: bool) -> None:
        """Run the station once; it ends by itself when everything is settled, unless it is killed before."""
        arguments = [str(self._path), str(self._next), str(MESSAGES if kill else 0)]
        command = [sys.executable, "-m", self.program, *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            for line in process.stdout:
                if "ready" in line and kill:
                    threading.Thread(target=_kill, args=(process, self._random.uniform(*self.killed_after))).start()
                if line.endswith("\n"):  # the last one may be cut off
                    self._hear(json.loads(line), process.stdin.fileno())
        self.kills += process.returncode < 0
        if process.returncode > 0:
            self.problems.append(f"{self.program} ended with {process.returncode}")

    def _hear(self, words: list[Any], answer: int) -> None:
        kind, number, *rest = words
        match kind:
            case "next":
                self._next = max(self._next, number + 1)
            case "accepted":
                self.accepted.add(number)
            case "settled":
                if self.settled.setdefault(number, rest[0]) != rest[0]:
                    self.problems.append(f"{number} was settled as {self.settled[number]} and as {rest[0]}")
            case "sent":
                self._receive(number, rest[0], rest[1], answer)

    def _receive(self, number: int, message_id: str, payload: dict[str, Any], answer: int) -> None:
        if self.sent and number < self.sent[-1]:
            self.problems.append(f"{number} was sent after {self.sent[-1]}")
        if self.settled.get(number) not in (None, "MessageAnswered"):
            self.problems.append(f"{number} was sent after {self.settled[number]}")
        self.sent.append(number)
        if "start" in payload:
            if payload["transactionId"] != self.ids[payload["start"]][-1]:
                self.problems.append(f"{number} has another transaction ID than the response to its start")
            content = {}
        else:
            self.transactions += 1
            self.ids[number].append(self.transactions)
            content = {"transactionId": self.transactions}
        with suppress(BrokenPipeError):  # it was killed
            os.write(answer, (json.dumps([message_id, content]) + "\n").encode())

    def finish(self) -> None:
        self._expect_all_sent()
        untold = self.accepted - self.settled.keys()
        if untold:
            self.problems.append(f"accepted and never settled: {sorted(untold)}")

    def _expect_all_sent(self) -> None:
        lost = self.accepted - set(self.sent)
        if lost:
            self.problems.append(f"accepted and never sent: {sorted(lost)}")


PeerT = TypeVar("PeerT", bound=Peer)


def _kill(process: "subprocess.Popen[str]", delay: float) -> None:
    sleep(delay)
    process.kill()


def kill_often(kills: int, seed: int, make: type[PeerT]) -> PeerT:
    """Kill programs so often, each at most ten times, and return the peer of the last one.

    A process that ended before its time is not counted.
    """
    random = Random(seed)
    while True:
        with tempfile.TemporaryDirectory() as folder:
            peer = make(Path(folder) / "outbox.db", random)
            while kills and peer.kills < 10:
                before = peer.kills
                peer.run(kill=True)
                kills -= peer.kills - before
            peer.run(kill=False)
            peer.finish()
        if peer.problems or not kills:
            return peer


def main(make: type[Peer] = Peer) -> int:
    parser = argparse.ArgumentParser(description=f"Kill {make.program} at random moments.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    peer = kill_often(options.kills, options.seed, make)
    print(*peer.problems, sep="\n")
    print(f"{options.kills} kills, {len(peer.problems)} problems")
    return 1 if peer.problems else 0


if __name__ == "__main__":
    sys.exit(main())

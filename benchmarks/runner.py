"""Starts servers and loads on separate processors, in rounds over all servers."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from benchmarks.contestants import Contestant, RunningServer, start
from benchmarks.process import pinned_to, split_processors

__all__ = ["Results", "Runner", "say"]

_HERE: Final = Path(__file__).parent
_TIMEOUT: Final = 300.0
"""Seconds until a measurement fails and the benchmark is void."""


class Results:
    """The results of each subject, round by round."""

    def __init__(self) -> None:
        self._rounds: defaultdict[str, list[dict[str, float]]] = defaultdict(list)

    def add(self, key: str, result: dict[str, float]) -> None:
        """Add the result of one round."""
        self._rounds[key].append(result)

    def values(self, key: str, name: str, *, scale: float = 1.0) -> list[float]:
        """Return one value per round, or none if it was not measured for this subject."""
        return [result[name] * scale for result in self._rounds.get(key, ()) if name in result]


class Runner:
    """Starts servers and loads."""

    def __init__(self, log: IO[str]) -> None:
        self._log = log
        self._server_cpus, self._load_cpus = split_processors()

    def rounds(self, contestants: Sequence[Contestant], count: int) -> Iterator[Contestant]:
        """Yield all available servers in each round. Each round starts with another one."""
        present = [contestant for contestant in contestants if not contestant.missing]
        for number in range(count):
            shift = number % len(present)
            for contestant in present[shift:] + present[:shift]:
                say(f"  round {number + 1} of {count}: {contestant.title}")
                yield contestant

    @contextmanager
    def serving(self, contestant: Contestant, *arguments: str) -> Iterator[RunningServer]:
        """Run a server during a `with` block."""
        with start(contestant, self._log, self._server_cpus, arguments) as server:
            yield server

    def load(self, server: RunningServer, mode: str, **options: Any) -> dict[str, float]:
        """Measure a server with the load generator."""
        text = json.dumps({"port": server.port, "pid": server.pid, **options})
        return self.script("load.py", mode, text)

    def script(self, name: str, *arguments: str) -> dict[str, float]:
        """Run a script on the processor of the load. Returns the JSON object that it prints."""
        command = [sys.executable, str(_HERE / name), *arguments]
        with pinned_to(self._load_cpus):
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT, check=True)
        result: dict[str, float] = json.loads(run.stdout)
        return result


def say(text: str) -> None:
    """Print the progress to standard error."""
    print(text, file=sys.stderr, flush=True)
